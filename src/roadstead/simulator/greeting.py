"""What a virtual device sends when it connects, in the order of its generation.

Spec: device protocol notes §5.1 (fresh session), §5.2 (resumed session), §5.7 (older devices).
"""

from collections.abc import Iterator
from typing import NamedTuple

from roadstead.protocol.coap.blockwise import block_szx
from roadstead.protocol.messages.describe import Describe, DescribeFlag, encode_describe
from roadstead.protocol.messages.event import DeviceEvent, encode_event
from roadstead.protocol.messages.goodbye import CloudDisconnectReason, Goodbye, encode_goodbye
from roadstead.protocol.messages.hello import encode_hello
from roadstead.protocol.messages.subscription import (
    FIRST_PREFIX,
    DeviceSubscription,
    encode_subscription,
)
from roadstead.protocol.messages.time import time_request
from roadstead.simulator.channel import Outgoing
from roadstead.simulator.description import MAX_BINARY_BYTES, Profile
from roadstead.simulator.firmware import Publication
from roadstead.simulator.generation import Generation

DESCRIBE_OVERHEAD_BYTES = 16
"""Room that header, token and options take beside the payload of a describe."""


class Consent(NamedTuple):
    """Whether the application agrees to updates, and whether the server overrides it."""

    enabled: bool
    forced: bool


CONSENTS = Consent(enabled=True, forced=False)
"""What a device says whose application never speaks of updates."""


def hello(profile: Profile) -> Outgoing:
    """The first message."""
    limits = profile.generation.hello_limits
    return Outgoing(encode_hello(profile.hello(), announces_limits=limits))


def first_burst(
    profile: Profile, reset_reason: str | None, now: float, consent: Consent = CONSENTS
) -> list[Outgoing]:
    """Everything after the Hello of a fresh session.

    Args:
        profile: what the device is.
        reset_reason: why it started; None if it was told already.
        now: monotonic seconds, for what is described.
        consent: to updates.
    """
    generation = profile.generation
    if generation.posts_describe:
        return [
            describe(profile, DescribeFlag.SYSTEM, now),
            _time(),
            *_mode_events(profile),
            *_flag_events(generation, reset_reason, consent),
            describe(profile, DescribeFlag.APPLICATION, now),
            *_subscriptions(profile),
        ]
    return [
        _system_event(generation, "spark/device/ident/0", profile.identity.text_id),
        _system_event(generation, "spark/hardware/max_binary", str(MAX_BINARY_BYTES)),
        *_mode_events(profile),
        *_flag_events(generation, reset_reason, consent),
        *_subscriptions(profile),
        _time(),
    ]


def resume_burst(
    generation: Generation, reset_reason: str | None, consent: Consent = CONSENTS
) -> list[Outgoing]:
    """Everything after the ping of a resumed session whose descriptions have not changed."""
    return list(_flag_events(generation, reset_reason, consent))


def describe(profile: Profile, flag: DescribeFlag, now: float) -> Outgoing:
    """One describe as the device posts it; in blocks if it is longer than a message."""
    payload, content_format = profile.describe(flag, now)
    limit = profile.generation.max_message_bytes
    fits = len(payload) + DESCRIBE_OVERHEAD_BYTES <= limit
    return Outgoing(
        encode_describe(Describe(flag, payload, content_format)),
        token=profile.generation.describe_token,
        block_szx=None if fits else block_szx(limit),
    )


def event(publication: Publication, generation: Generation) -> Outgoing:
    """An event as this generation publishes it."""
    wire = DeviceEvent(
        publication.name, publication.payload, publication.content_format, publication.ttl_s
    )
    draft = encode_event(wire, always_max_age=generation.event_max_age_always)
    return Outgoing(draft, confirmable=publication.confirmed)


def goodbye_sleep(seconds: int) -> Outgoing:
    """The last message before a sleep."""
    return Outgoing(
        encode_goodbye(Goodbye(cloud_reason=CloudDisconnectReason.SLEEP, sleep_s=seconds))
    )


def flag_event(generation: Generation, name: str, value: bool) -> Outgoing:
    """One of the events ``particle/device/updates/…``."""
    text = "true" if value else "false"
    return _system_event(generation, f"particle/device/updates/{name}", text)


def _mode_events(profile: Profile) -> Iterator[Outgoing]:
    if profile.safe_mode:
        yield event(Publication("spark/device/safemode"), profile.generation)


def _flag_events(
    generation: Generation, reset_reason: str | None, consent: Consent
) -> Iterator[Outgoing]:
    if reset_reason is not None:
        yield _system_event(generation, "spark/device/last_reset", reset_reason)
    yield flag_event(generation, "enabled", consent.enabled)
    yield flag_event(generation, "forced", consent.forced)


def _system_event(generation: Generation, name: str, text: str) -> Outgoing:
    return event(Publication(name, text.encode()), generation)


def _time() -> Outgoing:
    return Outgoing(time_request(), token=True)


def _subscriptions(profile: Profile) -> Iterator[Outgoing]:
    for prefix in (FIRST_PREFIX, "spark"):
        yield Outgoing(encode_subscription(DeviceSubscription(prefix)))
    mine = profile.generation.subscription_scope
    for one in profile.firmware.subscriptions:
        yield Outgoing(encode_subscription(DeviceSubscription(one.prefix, one.kind, mine)))

"""One delivery: a file on its way to a device, from the decision to what the device says of it."""

import secrets
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

Cause = Literal["handshake", "release", "lock", "flash", "agreed", "retry", "rollout"]
"""Why it began: ``handshake``, the device came by a new session; ``release``, somebody released at
once; ``lock``, locked and flashed; ``flash``, one file for one device; ``agreed``, the device
agreed to what was pending; ``retry``, its time after failures is over; ``rollout``, a rollout's
stage."""

State = Literal["queued", "sending", "applying", "succeeded", "failed", "cancelled"]
"""``queued``: it waits for its turn, or for its device; ``sending``: a transfer runs; ``applying``:
the device has the file and restarts. The others are ends."""

EndState = Literal["succeeded", "failed", "cancelled"]

OPEN_STATES: Final = ("queued", "sending", "applying")

NO_VERSION: Final = 0
"""Stands for a device that runs no version, and for a file that has none."""


def new_delivery_id(now_ms: int) -> str:
    """A new id: milliseconds of Unix time, then 6 random bytes, so that ids sort by time."""
    return f"{now_ms:012x}{secrets.token_hex(6)}"


class Delivery(msgspec.Struct, gc=False):
    """A row of the queue, which is also the device's history once it has ended.

    Times are Unix milliseconds.

    Attributes:
        id: 24 hex digits, ascending in time.
        product_id: product whose version it is; None for a file for one device.
        version: what the device shall say afterwards; 0 for a file that has no version.
        from_version: what it ran before; 0 for none.
        file_key: where the file is kept.
        file_sha256: of the file, hexadecimal.
        cause: see Cause.
        reason: why this version, in the words of the target decision; ``flash`` for a file.
        asked_by: user id of whoever asked; None when nobody did.
        begins: transfers that began.
        accepted: the device took the offer of the transfer that runs or was broken off.
        announced: readers were told that it started.
        done_bytes: how much of the file the device has, as far as it is known.
        sent_bytes: content sent, repetitions included.
        started_at_ms: when the first transfer began.
        deadline_ms: when the present state ends by itself.
        owner: process that sends; empty for none.
        lease_until_ms: until when nobody else may take it.
        result: why it ended, in one word; empty while it is open.
        error_code: the device's own number, negative; 0 for none.
        text: a sentence about its end.
    """

    id: str
    device_id: str
    product_id: int | None
    version: int
    from_version: int
    file_key: str
    file_sha256: str
    file_bytes: int
    cause: Cause
    reason: str
    asked_by: str | None
    state: State
    requested_at_ms: int
    deadline_ms: int
    begins: int = 0
    accepted: bool = False
    announced: bool = False
    done_bytes: int = 0
    sent_bytes: int = 0
    started_at_ms: int | None = None
    ended_at_ms: int | None = None
    owner: str = ""
    lease_until_ms: int = 0
    result: str = ""
    error_code: int = 0
    text: str = ""

    @property
    def open(self) -> bool:
        """Whether it has not ended."""
        return self.state in OPEN_STATES

    @property
    def automatic(self) -> bool:
        """Whether a product's targeting began it, and not somebody with a file."""
        return self.cause != "flash"


@dataclass(frozen=True, slots=True)
class BackOff:
    """A device at which updates to one version fail.

    Attributes:
        version: the version.
        failures: in a row.
        retry_at_ms: not before.
        reason: of the last failure, in one word.
    """

    device_id: str
    version: int
    failures: int
    retry_at_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class DeliveryEnded:
    """Told on the bus, under ``DELIVERY_ENDED``, after the end was committed."""

    delivery: Delivery


DELIVERY_ENDED: Final = "firmware.delivery_ended"

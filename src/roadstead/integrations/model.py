"""What an integration is, what its owner set, and the values that pass between its parts."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec

from roadstead.events.model import Event

OwnerKind = Literal["user", "product", "organization"]

Kind = Literal["Webhook", "Mqtt"]

Method = Literal["GET", "POST", "PUT", "DELETE", "PATCH"]

Format = Literal["json-array", "json-lines", "text-lines", "influx"]

Outcome = Literal["delivered", "failed", "rejected", "expired"]
"""How a delivery ended: answered 2xx; all attempts failed; never sendable; too old to be sent."""


class Owner(NamedTuple):
    """Whose an integration is, and so whose events it gets.

    Attributes:
        kind: an account, a product or an organization.
        id: user id, product number as text, or organization id.
    """

    kind: OwnerKind
    id: str


class Credentials(msgspec.Struct, frozen=True):
    """For HTTP Basic, or for a broker."""

    username: str = ""
    password: str = ""


class Batch(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Several events in one request.

    Attributes:
        max_events: at most so many.
        max_wait_ms: the first one waits no longer than this for the others.
    """

    max_events: int = 100
    max_wait_ms: int = 1000


class WebhookSettings(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={
        "method": "requestType",
        "no_defaults": "noDefaults",
        "response_topic": "responseTopic",
        "error_response_topic": "errorResponseTopic",
        "response_template": "responseTemplate",
        "verify_tls": "rejectUnauthorized",
        "data_url_response": "dataUrlResponseEvent",
        "max_attempts": "maxAttempts",
        "breaker_failures": "breakerFailures",
    },
):
    """A webhook as its owner set it; texts are templates. Source: particle cloud notes §2.9.

    Attributes:
        json: a JSON value, or a text whose rendering is JSON.
        form, body, query, headers, auth: as named.
        no_defaults: leave out the fields that every request has otherwise.
        response_topic, error_response_topic: names of the events that tell of the answer.
        response_template: makes the event's data from a JSON answer.
        unchunked: one event for an answer instead of pieces.
        data_url_response: the answer as a base64 data URL.
        ordered: events of one device one after the other. Ours, as all that follows.
        batch: several events in one request; None for one each.
        format: how a batch's body is written; ``influx`` also for single events.
        measurement, tags: of the line protocol.
        max_attempts: how often a delivery is tried.
        breaker_failures: failed attempts in a row that open the hook's breaker; 0 for never.
    """

    url: str
    method: Method = "POST"
    json: Any = None
    form: dict[str, Any] | None = None
    body: str | None = None
    query: dict[str, Any] | None = None
    headers: dict[str, Any] | None = None
    auth: Credentials | None = None
    no_defaults: bool = False
    response_topic: str | None = None
    error_response_topic: str | None = None
    response_template: str | None = None
    verify_tls: bool = True
    unchunked: bool = False
    data_url_response: bool = False
    ordered: bool = False
    batch: Batch | None = None
    format: Format = "json-array"
    measurement: str | None = None
    tags: dict[str, Any] | None = None
    max_attempts: int = 3
    breaker_failures: int = 20


class MqttSettings(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={
        "verify_tls": "rejectUnauthorized",
        "client_id": "clientId",
        "call_topic": "callTopic",
        "publish_topic": "publishTopic",
        "reply_topic": "replyTopic",
        "max_attempts": "maxAttempts",
        "breaker_failures": "breakerFailures",
    },
):
    """A bridge to a broker as its owner set it.

    Attributes:
        url: ``mqtt://host[:port]`` or ``mqtts://…``.
        topic: template of the topic that an event is published to.
        body: template of the message; None for the event as JSON.
        qos: 0 or 1.
        ca: PEM certificates that the broker's is checked by; None for the system's.
        call_topic: topic with ``{device}`` and ``{function}`` on which functions are called.
        publish_topic: topic with ``{event}`` on which events are published into the account.
        reply_topic: template of the topic that tells what a call gave.
    """

    url: str
    topic: str
    body: str | None = None
    qos: int = 1
    retain: bool = False
    auth: Credentials | None = None
    client_id: str = ""
    verify_tls: bool = True
    ca: str | None = None
    call_topic: str | None = None
    publish_topic: str | None = None
    reply_topic: str | None = None
    ordered: bool = False
    max_attempts: int = 3
    breaker_failures: int = 20


Settings = WebhookSettings | MqttSettings


class SigningKey(msgspec.Struct, frozen=True):
    """A key that requests are signed with.

    Attributes:
        until_ms: Unix milliseconds after which it no longer signs; None while it is the newest.
    """

    key: bytes
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Integration:
    """One integration.

    Attributes:
        id: 24 hex digits.
        event: prefix of the names of events that it gets, case-sensitive.
        device_id: the one device whose events it gets; None for all of the owner.
        settings: what its owner set, secrets included.
        keys: for signatures, newest first.
        template: name of the template that the settings came from.
        created_by: id of the account that made it.
    """

    id: str
    owner: Owner
    kind: Kind
    event: str
    name: str
    device_id: str | None
    disabled: bool
    settings: Settings
    keys: tuple[SigningKey, ...]
    template: str | None
    created_by: str
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True)
class Delivery:
    """An event on its way to one integration.

    Attributes:
        id: grows with time; also the id by which receivers recognise a repeat.
        attempts: attempts made so far.
        since_ms: since when it waits, in Unix milliseconds; a replay begins anew.
        next_at_ms: when it is tried next.
        log: of each attempt: when, how long, which status or why not.
        told: its owner was told that it waits.
    """

    id: int
    hook_id: str
    event: Event
    since_ms: int
    next_at_ms: int
    attempts: int = 0
    log: list[dict[str, object]] = field(default_factory=list)
    told: bool = False

    @property
    def device_key(self) -> str:
        """What must stay in order: the events of a device, or those of no device."""
        return self.event.device_id or ""

"""What an owner sends becomes settings, or a sentence that says what is wrong with it. Pure.

Source: particle cloud notes §2.9; clients notes §4.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from roadstead.events.limits import MAX_NAME_BYTES
from roadstead.integrations.masking import unmasked
from roadstead.integrations.model import (
    Batch,
    Integration,
    Kind,
    MqttSettings,
    Settings,
    WebhookSettings,
)
from roadstead.integrations.retry import MAX_ATTEMPTS
from roadstead.integrations.template import TemplateFailure, check, texts_of
from roadstead.kit.errors import Invalid, NotOffered
from roadstead.kit.ids import parse_device_id

Fields = Mapping[str, Any]

MAX_SETTINGS_BYTES = 64 * 1024
"""All of an integration's settings together."""

MAX_URL_CHARS = 2048
MAX_TITLE_CHARS = 128
MAX_ENTRIES = 64
"""Headers, parameters or form fields of one request."""

MAX_BATCH_EVENTS = 1000
MAX_BATCH_WAIT_MS = 60_000

NOT_OFFERED_KINDS = frozenset({"GoogleCloudPubSub", "AzureIotHub", "GoogleMaps", "AwsIot"})
"""Kinds that the field knows. Source: particle cloud notes §2.9."""

ALIASES = {"eventName": "event", "deviceid": "deviceID", "deviceId": "deviceID"}
"""Names that older clients use. Source: clients notes §4."""

META = frozenset({"event", "name", "deviceID", "disabled", "integration_type", "template"})
"""Fields that are no settings."""

IGNORED = frozenset({"mydevices", "parameters", "access_token", "id", "created_at", "updated_at"})


@dataclass(frozen=True, slots=True)
class Draft:
    """A checked integration; ``model.Integration`` says what the fields are."""

    kind: Kind
    event: str
    name: str
    device_id: str | None
    disabled: bool
    template: str | None
    settings: Settings


def with_names(fields: Fields) -> dict[str, Any]:
    """The fields under the names of today, without those that are null."""
    known = {ALIASES.get(name, name): value for name, value in fields.items()}
    return {name: value for name, value in known.items() if value is not None}


def check_fields(fields: Fields, old: Integration | None = None) -> Draft:
    """The integration that these fields describe.

    Args:
        fields: by name, as ``with_names`` gives them, a template filled in already.
        old: what they replace; a masked secret in them stands for the one in there.

    Raises:
        Invalid: ``bad_integration``; the sentence names the field.
        NotOffered: a kind of the field that is not served here.
    """
    kind = _kind(fields, old)
    event = _text(fields, "event", MAX_NAME_BYTES)
    given = {k: v for k, v in fields.items() if k not in META and k not in IGNORED}
    if old is not None and old.kind == kind:
        given = unmasked(given, msgspec.to_builtins(old.settings))
    settings: Settings = _webhook(given) if kind == "Webhook" else _mqtt(given)
    if len(msgspec.json.encode(settings)) > MAX_SETTINGS_BYTES:
        raise bad(f"the settings have more than {MAX_SETTINGS_BYTES} bytes")
    return Draft(
        kind=kind,
        event=event,
        name=_title(fields, event, settings.url),
        device_id=_device(fields),
        disabled=bool(fields.get("disabled", False)),
        template=fields.get("template"),
        settings=settings,
    )


def bad(what: str) -> Invalid:
    """A refusal of what was sent."""
    return Invalid("bad_integration", f"The integration was not saved: {what}.")


def _kind(fields: Fields, old: Integration | None) -> Kind:
    kind = fields.get("integration_type") or (old.kind if old else "Webhook")
    if kind in NOT_OFFERED_KINDS:
        raise NotOffered("not_offered", f"Integrations of type {kind} are not offered.")
    kinds: dict[str, Kind] = {"webhook": "Webhook", "mqtt": "Mqtt"}
    if not isinstance(kind, str) or kind.lower() not in kinds:
        raise bad(f"integration_type must be Webhook or Mqtt, not {kind!r}")
    return kinds[kind.lower()]


def _webhook(given: dict[str, Any]) -> WebhookSettings:
    if isinstance(given.get("requestType"), str):
        given = {**given, "requestType": given["requestType"].upper()}
    settings: WebhookSettings = _convert(given, WebhookSettings)
    _check_url(settings.url, ("http", "https"))
    chosen = [name for name in ("json", "form", "body") if getattr(settings, name) is not None]
    if len(chosen) > 1:
        raise bad(f"{' and '.join(chosen)} exclude each other")
    for name in ("headers", "query", "form", "tags"):
        if len(getattr(settings, name) or ()) > MAX_ENTRIES:
            raise bad(f"{name} has more than {MAX_ENTRIES} entries")
    if isinstance(settings.json, bool | int | float):
        raise bad("json must be an object, a list, or a template as text")
    _check_batch(settings)
    _check_tries(settings)
    _check_templates(settings)
    return settings


def _check_batch(settings: WebhookSettings) -> None:
    batch = settings.batch or Batch()
    if not 1 <= batch.max_events <= MAX_BATCH_EVENTS:
        raise bad(f"batch.maxEvents must be from 1 to {MAX_BATCH_EVENTS}")
    if not 0 <= batch.max_wait_ms <= MAX_BATCH_WAIT_MS:
        raise bad(f"batch.maxWaitMs must be from 0 to {MAX_BATCH_WAIT_MS}")
    if settings.format in ("json-lines", "text-lines") and settings.batch is None:
        raise bad(f"format {settings.format} needs a batch")
    if settings.batch is not None and settings.form is not None:
        raise bad("a form cannot carry a batch")
    if settings.format == "influx" and (settings.json or settings.body or settings.form):
        raise bad("format influx writes the body itself; leave json, form and body out")


def _mqtt(given: dict[str, Any]) -> MqttSettings:
    settings: MqttSettings = _convert(given, MqttSettings)
    _check_url(settings.url, ("mqtt", "mqtts"))
    if settings.qos not in (0, 1):
        raise bad("qos must be 0 or 1")
    for name, needed in (
        ("call_topic", ("{device}", "{function}")),
        ("publish_topic", ("{event}",)),
    ):
        topic = getattr(settings, name)
        if topic is not None:
            _check_command_topic(name, topic, needed)
    if "#" in settings.topic or "+" in settings.topic or not settings.topic:
        raise bad("topic must be a topic that can be published to, without + and #")
    _check_tries(settings)
    _check_templates(settings)
    return settings


def _check_command_topic(name: str, topic: str, needed: tuple[str, ...]) -> None:
    parts = topic.split("/")
    wire = {"call_topic": "callTopic", "publish_topic": "publishTopic"}[name]
    if any(parts.count(one) != 1 for one in needed):
        raise bad(f"{wire} must have {' and '.join(needed)} as levels of their own, once each")
    if any(set("+#{}") & set(part) for part in parts if part not in needed):
        raise bad(f"{wire} may have no other + # {{ or }}")


def _check_tries(settings: Settings) -> None:
    if not 1 <= settings.max_attempts <= MAX_ATTEMPTS:
        raise bad(f"maxAttempts must be from 1 to {MAX_ATTEMPTS}")
    if not 0 <= settings.breaker_failures <= 10_000:
        raise bad("breakerFailures must be from 0 (never) to 10000")


def _check_templates(settings: Settings) -> None:
    for name, value in msgspec.to_builtins(settings).items():
        if name == "ca":
            continue
        for text in texts_of(value):
            try:
                check(text)
            except TemplateFailure as failure:
                raise bad(f"{name}: {failure}") from failure


def _check_url(url: str, schemes: tuple[str, ...]) -> None:
    if len(url) > MAX_URL_CHARS:
        raise bad(f"url is longer than {MAX_URL_CHARS} characters")
    if "{{" in url.partition("://")[0] or url.startswith("{{"):
        return  # it is checked when it is rendered
    accepted = " or ".join(f"{scheme}://" for scheme in schemes)
    try:
        # A tag is no part of a URL's syntax; a word in its place is.
        parts = urlsplit(re.sub(r"\{\{.*?\}\}\}?", "x", url.strip()))
        _ = parts.port
    except ValueError:
        raise bad("url is no valid URL") from None
    if parts.scheme not in schemes or not parts.hostname:
        raise bad(f"url must begin with {accepted} and name a host")


def _convert(given: dict[str, Any], kind: type[Any]) -> Any:
    known = {one.encode_name for one in msgspec.structs.fields(kind)}
    if unknown := sorted(set(given) - known):
        raise bad(f"{unknown[0]!r} is no setting of this kind of integration")
    if isinstance(given.get("auth"), dict) and not given["auth"]:
        given = {name: value for name, value in given.items() if name != "auth"}
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        if missing := re.fullmatch(r"Object missing required field `(\w+)`", what):
            raise bad(f"{missing[1]!r} is missing") from error
        name = where.rstrip("`").lstrip(".") or "a field"
        raise bad(f"{name}: {what[:1].lower()}{what[1:]}") from error


def _text(fields: Fields, name: str, limit_bytes: int) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str) or not value.strip():
        raise bad(f"{name!r} is missing")
    if len(value.encode("utf-8", "replace")) > limit_bytes:
        raise bad(f"{name} has more than {limit_bytes} bytes")
    return value


def _title(fields: Fields, event: str, url: str) -> str:
    title = fields.get("name")
    if title in (None, ""):
        host = url.partition("://")[2].partition("/")[0].rpartition("@")[2].partition(":")[0]
        return f"{event} for {host}"[:MAX_TITLE_CHARS]
    if not isinstance(title, str) or len(title) > MAX_TITLE_CHARS:
        raise bad(f"name must be a text of at most {MAX_TITLE_CHARS} characters")
    return title


def _device(fields: Fields) -> str | None:
    given = fields.get("deviceID") or None
    if given in (None, "mine"):
        return None
    device_id = parse_device_id(given) if isinstance(given, str) else None
    if device_id is None:
        raise bad(f"deviceID {given!r} is no device id (24 hex digits)")
    return device_id

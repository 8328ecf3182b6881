"""A webhook and an event become a request. Pure.

Source: particle cloud notes §2.9, §3.9.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from roadstead.events.model import Event
from roadstead.integrations.line_protocol import to_line
from roadstead.integrations.model import WebhookSettings
from roadstead.integrations.template import TemplateFailure, as_text, render, render_tree
from roadstead.integrations.variables import default_fields, parsed_data, variables
from roadstead.outbound.http_messages import HttpRequest

USER_AGENT = "ParticleBot/1.1 (https://docs.particle.io/webhooks)"
"""What receivers in the field know webhooks by. Source: particle cloud notes §2.9."""

MAX_BODY_BYTES = 4 * 1024 * 1024
"""Largest body, a whole batch included."""

JSON_TYPE, FORM_TYPE, TEXT_TYPE = (
    "application/json",
    "application/x-www-form-urlencoded",
    "text/plain; charset=utf-8",
)

_URL_SAFE = "!#$%&'()*+,/:;=?@[]~"
"""Characters of a URL that stay as they are; a space, for one, is percent-encoded."""

_encode_json = msgspec.json.Encoder().encode

Values = Mapping[str, Any]


def compose(settings: WebhookSettings, events: Sequence[Event]) -> HttpRequest:
    """The request that tells a receiver of these events.

    Args:
        settings: the webhook.
        events: one, or several for a hook with batches; URL and headers are those of the first.

    Raises:
        TemplateFailure: a template fails, or its result is no JSON, or the body is too large.
    """
    values = variables(events[0])
    headers = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}
    body, media_type = _body(settings, events, values)
    if len(body) > MAX_BODY_BYTES:
        raise TemplateFailure(f"the body is longer than {MAX_BODY_BYTES} bytes")
    if media_type:
        headers["Content-Type"] = media_type
    if settings.auth is not None:
        headers["Authorization"] = _basic(settings, values)
    for name, value in (settings.headers or {}).items():
        _put_header(headers, render(name, values), render(as_text(value), values))
    url = _url(settings, events[0], values)
    return HttpRequest(settings.method, url, headers, body, settings.verify_tls)


def _url(settings: WebhookSettings, event: Event, values: Values) -> str:
    url = quote(render(settings.url, values).strip(), safe=_URL_SAFE)
    query = _texts(settings.query or {}, values)
    if settings.method == "GET" and not settings.no_defaults:
        query = {**default_fields(event), **query}
    if not query:
        return url
    url, mark, fragment = url.partition("#")
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}{mark}{fragment}"


def _body(
    settings: WebhookSettings, events: Sequence[Event], values: Values
) -> tuple[bytes, str | None]:
    if settings.format == "influx":
        lines = [_line(settings, event) for event in events]
        return "\n".join(lines).encode("utf-8", "replace"), TEXT_TYPE
    if settings.batch is not None:
        return _batch(settings, events)
    if settings.json is not None:
        return _encode_json(_json_item(settings, events[0], values)), JSON_TYPE
    if settings.body is not None:
        return render(settings.body, values).encode("utf-8", "replace"), TEXT_TYPE
    if settings.method == "GET" and settings.form is None:
        return b"", None
    form = _texts(settings.form or {}, values)
    if not settings.no_defaults and settings.method != "GET":
        form = {**default_fields(events[0]), **form}
    return urlencode(form).encode(), FORM_TYPE


def _batch(settings: WebhookSettings, events: Sequence[Event]) -> tuple[bytes, str]:
    if settings.format == "text-lines":
        texts = [render(settings.body or "{{{data}}}", variables(event)) for event in events]
        return "\n".join(texts).encode("utf-8", "replace"), TEXT_TYPE
    items = [_json_item(settings, event, variables(event)) for event in events]
    if settings.format == "json-lines":
        return b"\n".join(map(_encode_json, items)) + b"\n", "application/x-ndjson"
    return _encode_json(items), JSON_TYPE


def _json_item(settings: WebhookSettings, event: Event, values: Values) -> Any:
    """One event as the hook's JSON: its own fields, and the default ones that it does not name."""
    defaults = {} if settings.no_defaults else default_fields(event)
    if settings.json is None:
        return defaults or default_fields(event)
    if not isinstance(settings.json, str):
        tree = render_tree(settings.json, values)
    else:
        # A text is a template of JSON as a whole, so that numbers and objects can be put in.
        tree = _parse(render(settings.json, values))
    return {**defaults, **tree} if isinstance(tree, dict) else tree


def _parse(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise TemplateFailure(f"the json template gives no valid JSON: {error}") from error


def _line(settings: WebhookSettings, event: Event) -> str:
    values = variables(event)
    tags = {"device": values["coreid"], **_texts(settings.tags or {}, values)}
    measurement = render(settings.measurement or "{{{PARTICLE_EVENT_NAME}}}", values)
    return to_line(measurement, tags, parsed_data(event), values["data"], event.published_at_ms)


def _texts(tree: Mapping[str, Any], values: Values) -> dict[str, str]:
    return {
        render(name, values): as_text(render_tree(value, values)) for name, value in tree.items()
    }


def _basic(settings: WebhookSettings, values: Values) -> str:
    auth = settings.auth
    assert auth is not None
    pair = f"{render(auth.username, values)}:{render(auth.password, values)}"
    return "Basic " + base64.b64encode(pair.encode("utf-8", "replace")).decode()


def _put_header(headers: dict[str, str], name: str, value: str) -> None:
    """Sets a header in place of one that is there already, whatever its case."""
    for known in [one for one in headers if one.lower() == name.lower()]:
        del headers[known]
    headers[name] = value

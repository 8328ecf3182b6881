"""One request of a webhook: composed, signed, sent, and written down without its secrets."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from roadstead.events.model import Event
from roadstead.integrations.masking import MASK, is_sensitive, masked_url, redacted, secrets_of
from roadstead.integrations.model import Integration, WebhookSettings
from roadstead.integrations.requests import compose
from roadstead.kit.clock import Clock
from roadstead.outbound.http_client import HttpClient
from roadstead.outbound.http_messages import HttpAnswer, HttpRequest
from roadstead.outbound.signing import signed_headers

LOGGED_BODY_CHARS = 4096
"""Characters of a body that the log keeps; enough to see what was wrong."""

LOGGED_HEADERS = 40


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that is ready to go.

    Attributes:
        host: what may be asleep; None where nothing is.
        record: the request as its owner may see it.
        content: what the sender sends.
        secrets: texts that no log may show.
    """

    host: str | None
    record: dict[str, object]
    content: object
    secrets: tuple[str, ...] = field(default=(), repr=False)


class Sender(Protocol):
    """Sends for one kind of integration."""

    def prepare(self, hook: Integration, events: Sequence[Event], message_id: str) -> Prepared:
        """The request that tells of these events.

        Raises:
            TemplateFailure: it cannot be made.
        """

    async def send(self, hook: Integration, prepared: Prepared) -> HttpAnswer:
        """Sends it; gives the answer whatever its status.

        Raises:
            HttpFailure: there is none.
        """


class WebhookSender:
    """Requests over HTTP, signed by Standard Webhooks."""

    def __init__(self, client: HttpClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def prepare(self, hook: Integration, events: Sequence[Event], message_id: str) -> Prepared:
        """The request that tells of these events."""
        settings = hook.settings
        assert isinstance(settings, WebhookSettings)
        request = compose(settings, events)
        now_ms = self._clock.now_ms()
        keys = [one.key for one in hook.keys if one.until_ms is None or one.until_ms > now_ms]
        signed = signed_headers(keys, message_id, now_ms // 1000, request.body)
        request = HttpRequest(
            request.method,
            request.url,
            {**request.headers, **signed},
            request.body,
            request.verify_tls,
        )
        secrets = tuple(secrets_of(msgspec.to_builtins(settings)))
        return Prepared(host_of(request.url), record_of(request, secrets), request, secrets)

    async def send(self, hook: Integration, prepared: Prepared) -> HttpAnswer:
        """Sends it."""
        assert isinstance(prepared.content, HttpRequest)
        return await self._client.send(prepared.content)


def host_of(url: str) -> str | None:
    """The host of a URL in lower case."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def record_of(request: HttpRequest, secrets: tuple[str, ...]) -> dict[str, object]:
    """A request as its owner may see it: a teammate who may look must not learn its secrets."""
    headers = {
        name: MASK
        if is_sensitive(name) and name != "webhook-signature"
        else redacted(text, secrets)
        for name, text in list(request.headers.items())[:LOGGED_HEADERS]
    }
    return {
        "method": request.method,
        "url": redacted(masked_url(request.url), secrets),
        "headers": headers,
        "body": logged_body(request.body, secrets),
    }


def answer_record(answer: HttpAnswer, secrets: tuple[str, ...]) -> dict[str, object]:
    """An answer as the hook's owner may see it."""
    headers = {
        name: MASK if is_sensitive(name) else redacted(text[:1024], secrets)
        for name, text in list(answer.headers.items())[:LOGGED_HEADERS]
    }
    record: dict[str, object] = {
        "status": answer.status,
        "headers": headers,
        "body": logged_body(answer.body, secrets),
    }
    if answer.cut:
        record["cut"] = True
    return record


def logged_body(body: bytes, secrets: tuple[str, ...]) -> str:
    """The beginning of a body as text."""
    # One character takes at most four bytes; what lies beyond need not be decoded.
    text = redacted(body[: 4 * LOGGED_BODY_CHARS].decode("utf-8", "replace"), secrets)
    return text.replace("\0", "�")[:LOGGED_BODY_CHARS]

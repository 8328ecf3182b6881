"""Requests and answers of the HTTP client, origins, and what becomes of a redirect. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urljoin, urlsplit

REDIRECTS = frozenset({301, 302, 303, 307, 308})

_KEPT_ACROSS_ORIGINS = frozenset({"content-type", "user-agent", "accept"})

FailureKind = Literal[
    "refused_target",
    "bad_url",
    "unresolved",
    "unreachable",
    "timeout",
    "tls",
    "broken",
    "too_many_redirects",
]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request to send.

    Attributes:
        url: absolute, http or https; what it contains is percent-encoded already.
        headers: as they are sent, together with Host and Content-Length.
        verify_tls: whether the certificate of the other side must be good.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    verify_tls: bool = True


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back, whatever its status.

    Attributes:
        body: at most MAX_ANSWER_BYTES.
        cut: the answer was longer, and the rest was not read.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: bool = False


class HttpFailure(Exception):
    """No answer came.

    Attributes:
        kind: stable name of the reason.
    """

    def __init__(self, kind: FailureKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def origin_of(url: str) -> str | None:
    """Scheme, host and port of a URL in one written form; None for what is no http(s) URL."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    return f"{parts.scheme}://{parts.hostname.lower()}:{port}"


def redirected(request: HttpRequest, status: int, location: str) -> HttpRequest:
    """The next request after a redirect. Spec: RFC 9110 §15.4.

    To another origin nothing goes along that could be a secret: of the headers only those that
    describe the body.

    Raises:
        HttpFailure: ``bad_url``.
    """
    try:
        url = urljoin(request.url, location)
    except ValueError:
        raise HttpFailure("bad_url", "the host redirects to no valid URL") from None
    headers, body, method = dict(request.headers), request.body, request.method
    if status in (301, 302, 303) and method not in ("GET", "HEAD"):
        method, body = "GET", b""
        headers = {name: text for name, text in headers.items() if name.lower() != "content-type"}
    if origin_of(url) != origin_of(request.url):
        headers = {
            name: text for name, text in headers.items() if name.lower() in _KEPT_ACROSS_ORIGINS
        }
    return HttpRequest(method, url, headers, body, request.verify_tls)

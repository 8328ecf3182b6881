"""The one HTTP client of the server: requests that tenants configured, within limits.

It refuses every address that is not public, and it looks at the address that is really connected
to: a name is resolved once, and the socket of each attempt is made for an address that was checked
(so a name that changes its address in between gains nothing). Each step of a redirect is checked
anew. The server's own public origin is always allowed.

aiohttp and not httpx: on one core 0.1 ms of processor time per request against 4 ms.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from roadstead.outbound.http_messages import (
    REDIRECTS,
    HttpAnswer,
    HttpFailure,
    HttpRequest,
    origin_of,
    redirected,
)
from roadstead.outbound.targets import may_reach

if TYPE_CHECKING:
    import aiohttp

TIMEOUT_S = 20.0
"""Seconds for a whole request, redirects included. Source: particle cloud notes §3.9."""

CONNECT_TIMEOUT_S = 8.0
"""Seconds until a connection stands, so that one dead address of two leaves time for the other."""

MAX_ANSWER_BYTES = 100 * 1024
"""Bytes of an answer that are read; then the connection is closed. Source: as above."""

MAX_REDIRECTS = 5

RESOLVER_THREADS = 8
"""Threads that ask for addresses. A name server that hangs holds these and nothing else."""

KEEP_ALIVE_S = 4.0
"""Seconds that a connection is kept; common servers close theirs after five."""


OWN_HEADERS = {"X-Forwarded-For": "192.0.2.1"}
"""Goes with requests to this very server, which must not take a tenant's webhook for somebody at
the machine itself (to whom ``/metrics`` is open). The address is one of nobody: RFC 5737."""


class _Used:
    """What a request went by: ``kept`` is true for a connection of an earlier request."""

    kept = False


async def _note_kept(session: object, context: Any, parameters: object) -> None:
    context.trace_request_ctx.kept = True


class RefusedTarget(OSError):
    """The address is not one that a tenant may reach."""


class HttpClient:
    """Sends requests; connections are kept for a while and shared.

    Args:
        allow_private: whether private addresses may be reached.
        own_origins: gives the origins (``https://cloud.example.com``) of this very server.
        timeout_s: see TIMEOUT_S.
        max_answer_bytes: see MAX_ANSWER_BYTES.
    """

    def __init__(
        self,
        *,
        allow_private: bool,
        own_origins: Callable[[], tuple[str, ...]] = lambda: (),
        timeout_s: float = TIMEOUT_S,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        self._allow_private = allow_private
        self._own_origins = own_origins
        self._timeout_s = timeout_s
        self._max_answer_bytes = max_answer_bytes
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        self._resolving: ThreadPoolExecutor | None = None
        self._unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._unverified.check_hostname = False
        self._unverified.verify_mode = ssl.CERT_NONE

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """The answer, after redirects.

        Raises:
            HttpFailure: there is none; the text is fit for the tenant.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._follow(request)
        except TimeoutError:
            seconds = f"{self._timeout_s:g} s"
            raise HttpFailure("timeout", f"no answer from the host within {seconds}") from None

    async def close(self) -> None:
        """Closes all connections."""
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()
        if self._resolving is not None:
            self._resolving.shutdown(wait=False, cancel_futures=True)
            self._resolving = None

    def is_own(self, url: str) -> bool:
        """Whether the URL leads to exactly an origin of this server."""
        origin = origin_of(url)
        return origin is not None and origin in map(origin_of, self._own_origins())

    async def _follow(self, request: HttpRequest) -> HttpAnswer:
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._send_once(request)
            where = answer.headers.get("location") if answer.status in REDIRECTS else None
            if where is None:
                return answer
            request = redirected(request, answer.status, where)
        raise HttpFailure("too_many_redirects", f"more than {MAX_REDIRECTS} redirects")

    async def _send_once(self, request: HttpRequest) -> HttpAnswer:
        """One request and its answer.

        A kept connection that the other side closes in this very moment is no failure of it: then
        the request goes once more, by a new connection.
        """
        import aiohttp

        used = _Used()
        try:
            return await self._exchange(request, used)
        except HttpFailure as failure:
            if not used.kept or not isinstance(failure.__cause__, aiohttp.ServerDisconnectedError):
                raise
        return await self._exchange(request, _Used())

    async def _exchange(self, request: HttpRequest, used: "_Used") -> HttpAnswer:
        import aiohttp
        from yarl import URL

        if origin_of(request.url) is None:
            raise HttpFailure("bad_url", "the address is not an http or https URL")
        own = self.is_own(request.url)
        headers = {**request.headers, **OWN_HEADERS} if own else request.headers
        session = self._session(self._allow_private or own)
        try:
            async with session.request(
                request.method,
                URL(request.url, encoded=True),
                data=request.body or None,
                headers=headers,
                ssl=True if request.verify_tls else self._unverified,
                allow_redirects=False,
                trace_request_ctx=used,
            ) as response:
                body, cut = await self._read(response)
                got = {name.lower(): value for name, value in response.headers.items()}
                return HttpAnswer(response.status, got, body, cut)
        except TimeoutError:  # to connect, or the whole: aiohttp's are subclasses
            raise HttpFailure("timeout", "the host did not answer in time") from None
        except (aiohttp.ClientError, OSError, ValueError, UnicodeError) as error:
            raise failure_of(error) from error

    async def _read(self, response: "aiohttp.ClientResponse") -> tuple[bytes, bool]:
        content = bytearray()
        async for chunk in response.content.iter_any():
            content += chunk
            if len(content) > self._max_answer_bytes:
                response.close()  # and the connection with it: the rest is never read
                return bytes(content[: self._max_answer_bytes]), True
        return bytes(content), False

    def _session(self, unchecked: bool) -> "aiohttp.ClientSession":
        session = self._sessions.get(unchecked)
        if session is None:
            session = self._sessions[unchecked] = self._make_session(unchecked)
        return session

    def _make_session(self, unchecked: bool) -> "aiohttp.ClientSession":
        # Not imported where it is not used: it takes a quarter of a second of every start.
        import aiohttp

        if self._resolving is None:
            self._resolving = ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="resolve")
        connector = aiohttp.TCPConnector(
            limit=0,
            keepalive_timeout=KEEP_ALIVE_S,
            resolver=_resolver(self._resolving),
            socket_factory=partial(_open_socket, private=unchecked),
        )
        tracing = aiohttp.TraceConfig()
        tracing.on_connection_reuseconn.append(_note_kept)
        return aiohttp.ClientSession(
            connector=connector,
            trace_configs=[tracing],
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Content-Type"),
            timeout=aiohttp.ClientTimeout(total=self._timeout_s, sock_connect=CONNECT_TIMEOUT_S),
            trust_env=False,
        )


def failure_of(error: Exception) -> HttpFailure:
    """The reason why no answer came, in words that tell nothing of this server's network."""
    import aiohttp

    if _cause(error, RefusedTarget) is not None:
        return HttpFailure("refused_target", "the address of the host is not a public one")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return HttpFailure("unresolved", "the name of the host is unknown")
    if isinstance(error, ssl.SSLError | aiohttp.ClientSSLError):
        return HttpFailure("tls", "the host shows no valid certificate")
    if isinstance(error, aiohttp.InvalidURL | ValueError | UnicodeError):
        return HttpFailure("bad_url", "the address or a header is not valid")
    if isinstance(error, aiohttp.ClientConnectorError):
        return HttpFailure("unreachable", "the host cannot be reached")
    return HttpFailure("broken", "the host closed the connection, or its answer is no HTTP")


def _cause(error: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    """The exception of this kind within another one, its causes and groups."""
    seen: list[BaseException | None] = [error]
    for _ in range(20):
        if not seen:
            return None
        one = seen.pop()
        if isinstance(one, kind):
            return one
        if one is not None:
            seen += [one.__cause__, one.__context__, getattr(one, "os_error", None)]
            seen += getattr(one, "exceptions", ())
    return None


def _open_socket(address: Any, *, private: bool) -> socket.socket:
    """A socket for exactly this address, which is the one that is connected to."""
    if not may_reach(str(address[4][0]), private=private):
        raise RefusedTarget("not an address that may be reached")
    family, kind, protocol = address[:3]
    return socket.socket(family, kind, protocol)


def _resolver(threads: ThreadPoolExecutor) -> Any:
    """The system's name resolution in threads of its own."""
    from aiohttp.abc import AbstractResolver, ResolveResult

    class Resolver(AbstractResolver):
        """``getaddrinfo`` as aiohttp asks for it."""

        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
        ) -> list[ResolveResult]:
            """All addresses of a host."""
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(
                threads, lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
            )
            return [
                ResolveResult(
                    hostname=host,
                    host=str(where[0]),
                    port=port,
                    family=at,
                    proto=protocol,
                    flags=socket.AI_NUMERICHOST,
                )
                for at, _, protocol, _, where in found
            ]

        async def close(self) -> None:
            """Nothing to close: the threads belong to the client."""

    return Resolver()

"""The HTTP server below the API edge: its socket, its limits, its way to stop."""

import contextlib
import resource
import socket
from collections.abc import Iterator

import uvicorn

from roadstead.config import Address, Settings
from roadstead.http.app import HttpParts, build_app
from roadstead.http.connection import HttpConnection
from roadstead.kit.errors import Unavailable

GRACEFUL_CLOSE_S = 4
"""Seconds that running requests get to finish when the server stops."""

KEEP_ALIVE_S = 15
"""Seconds that an idle HTTP connection is kept."""

MAX_HTTP_CONNECTIONS = 4096
"""Connections at once, event streams included; more are answered 503 at once."""

OPEN_FILES = MAX_HTTP_CONNECTIONS + 512
"""Files that may have to be open at once; many systems start processes with 1024."""


class WebServer(uvicorn.Server):
    """uvicorn without its signal handling: this process stops its parts in its own order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves SIGINT and SIGTERM to ``serve`` below."""
        yield


def uvicorn_config(parts: HttpParts, settings: Settings) -> uvicorn.Config:
    """The HTTP server's own settings: limits, certificate, no words of its own in answers."""
    return uvicorn.Config(
        build_app(parts),
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        lifespan="off",
        http=HttpConnection,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACEFUL_CLOSE_S,
        limit_concurrency=MAX_HTTP_CONNECTIONS,
        proxy_headers=False,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )


def bind_http(settings: Settings) -> socket.socket:
    """The listening socket.

    Raises:
        Unavailable: ``address_in_use``.
    """
    host, port = settings.http
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.create_server(address[:2], family=family, backlog=1024, reuse_port=False)
        # Accepted sockets inherit it. Without it each answer waits 40 ms for a delayed
        # acknowledgement, because its head and its body are written one after the other.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except OSError as error:
        raise address_in_use("http", settings.http, error) from error


def origin_of(settings: Settings, http_socket: socket.socket) -> str:
    """``http://host:port`` of the socket as it is bound; ``https`` with a certificate."""
    scheme = "http" if settings.tls_cert is None else "https"
    return f"{scheme}://{Address(*http_socket.getsockname()[:2])}"


def allow_open_files() -> None:
    """Raises the soft limit of open files to what full use needs, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def address_in_use(option: str, address: Address, error: OSError) -> Unavailable:
    """The error for a port that cannot be had, naming the option that chooses another."""
    return Unavailable(
        "address_in_use",
        f"Cannot listen on {option} {address}: {error.strerror or error}. "
        f"Choose another with --{option} HOST:PORT.",
    )

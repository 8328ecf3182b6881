"""Where a bridge connects to, once it was looked at: an address, and TLS for the broker's name.

The client library connects by a host name and resolves it itself. So the name is resolved and
checked here, the library gets the address that was checked, and TLS still asks for the name.
"""

import asyncio
import socket
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from roadstead.outbound.http_messages import HttpFailure
from roadstead.outbound.targets import may_reach

PORTS = {"mqtt": 1883, "mqtts": 8883}
"""Spec: MQTT 3.1.1 §4.2, IANA."""

RESOLVE_TIMEOUT_S = 8.0


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where to connect.

    Attributes:
        host: an IP address.
        tls: None for a connection in clear.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None


class _ContextForName(ssl.SSLContext):
    """Verifies a name although the library knows an address only."""

    name: str

    def wrap_socket(self, sock: socket.socket, *args: Any, **options: Any) -> ssl.SSLSocket:
        """As the library calls it, with the name in place of the address."""
        return super().wrap_socket(sock, *args, **{**options, "server_hostname": self.name})


async def find_broker(
    url: str, *, allow_private: bool, verify: bool, ca: str | None
) -> BrokerAddress:
    """The address of a broker.

    Args:
        url: ``mqtt://host[:port]`` or ``mqtts://…``.
        allow_private: whether it may be a private one.
        verify: whether its certificate must be good.
        ca: PEM certificates to check it by; None for the system's.

    Raises:
        HttpFailure: it cannot be found, or must not be reached.
    """
    try:
        parts = urlsplit(url)
        name, port = parts.hostname, parts.port or PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise HttpFailure("bad_url", "the address of the broker is not valid") from None
    if not name:
        raise HttpFailure("bad_url", "the address of the broker is not valid")
    try:
        async with asyncio.timeout(RESOLVE_TIMEOUT_S):
            found = await asyncio.get_running_loop().getaddrinfo(
                name, port, type=socket.SOCK_STREAM
            )
    except (OSError, TimeoutError, UnicodeError):
        raise HttpFailure("unresolved", "the name of the broker is unknown") from None
    named = [str(where[0]) for *_, where in found]
    hosts = [host for host in named if may_reach(host, private=allow_private)]
    if not hosts:
        raise HttpFailure("refused_target", "the address of the broker is not a public one")
    tls = _context(name, verify, ca) if parts.scheme == "mqtts" else None
    return BrokerAddress(hosts[0], port, tls)


def _context(name: str, verify: bool, ca: str | None) -> ssl.SSLContext:
    context = _ContextForName(ssl.PROTOCOL_TLS_CLIENT)
    context.name = name
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        if ca:
            context.load_verify_locations(cadata=ca)
        else:
            context.load_default_certs()
    except (ssl.SSLError, ValueError):
        raise HttpFailure("tls", "ca holds no certificate in PEM form") from None
    return context

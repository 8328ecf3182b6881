"""Where a request comes from: the caller's address and the address the caller used for us.

Forwarded headers are believed only when the connection itself comes from a trusted proxy.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

PARSED_ADDRESSES = 4096
"""Addresses whose parsed form is kept: a caller asks more than once. About a megabyte."""

UNKNOWN_ADDRESS = "unknown"
"""Stands for the caller's address when the transport has none (a unix socket)."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The other end of a request.

    Attributes:
        address: network address as text, without a port.
        is_local: the request comes from this very machine and was not forwarded for somebody else.
        scheme: ``http`` or ``https``, as the caller sees it.
        authority: host and port that the caller used for this server, as in the Host header; empty
            when the request does not say.
    """

    address: str
    is_local: bool
    scheme: str
    authority: str

    @property
    def host(self) -> str:
        """The host of ``authority`` without its port."""
        return _host_name(self.authority)


def identify(
    peer: str | None, scheme: str, headers: Mapping[str, str], trusted: Sequence[Network]
) -> Caller:
    """The caller of a request.

    Args:
        peer: address of the connection's other end, None if it has none.
        scheme: scheme of the connection.
        headers: request headers by lower-case name.
        trusted: networks of the proxies whose forwarded headers are believed.
    """
    forwarded = headers.get("x-forwarded-for", "")
    authority = headers.get("host", "")
    if not _is_within(peer, trusted):
        is_local = _is_loopback(peer) and not forwarded
        return Caller(peer or UNKNOWN_ADDRESS, is_local, scheme, authority)
    origin = _origin(forwarded, trusted) or peer or UNKNOWN_ADDRESS
    return Caller(
        address=origin,
        is_local=_is_loopback(origin),
        scheme=_last(headers.get("x-forwarded-proto", "")) or scheme,
        authority=_last(headers.get("x-forwarded-host", "")) or authority,
    )


def _origin(forwarded: str, trusted: Sequence[Network]) -> str | None:
    # Read from the right: everything left of the first untrusted address may be invented.
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    for hop in reversed(hops):
        if _parse(hop) is None:
            return None
        if not _is_within(hop, trusted):
            return hop
    return hops[0] if hops else None


def _is_within(text: str | None, networks: Sequence[Network]) -> bool:
    if not networks or text is None:
        return False
    address = _parse(text)
    return address is not None and any(address in network for network in networks)


def _is_loopback(text: str | None) -> bool:
    address = _parse(text or "")
    return address is not None and address.is_loopback


@lru_cache(PARSED_ADDRESSES)
def _parse(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _last(text: str) -> str:
    return text.rpartition(",")[2].strip()


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    name, _, port = host.rpartition(":")
    return name if name and port.isdigit() else host

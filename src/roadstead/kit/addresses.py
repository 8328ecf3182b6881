"""Network addresses as keys: what counts as one caller."""

import ipaddress
from functools import lru_cache

IPV6_PREFIX_BITS = 64
"""One household or machine has at least this much of IPv6 for itself. Spec: RFC 6177 §2."""


@lru_cache(maxsize=8192)
def caller_key(address: str) -> str:
    """The address, or the network that stands for one caller in IPv6; other text as it is."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), IPV6_PREFIX_BITS), strict=False))

"""Which addresses a request for a tenant may reach. Pure.

Only addresses of the public Internet: a tenant must not be able to look into the network that the
server stands in, nor at the metadata service of the machine that it runs on.
"""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""IPv4 behind a translator. Spec: RFC 6052 §2.1."""

_REFUSED = tuple(
    ipaddress.ip_network(text)
    for text in (
        "168.63.129.16/32",  # Azure's platform service, outside every reserved range
        "100.64.0.0/10",  # shared address space, RFC 6598: the carrier's own network
        "192.88.99.0/24",  # 6to4 relays, RFC 7526
        "2002::/16",  # 6to4, RFC 3056: names an IPv4 address of its own
        "2001::/23",  # protocols, RFC 2928; of them Teredo names an IPv4 address too
        "192.0.0.0/24",  # protocols, RFC 6890; a metadata service answers at 192.0.0.192
        "64:ff9b:1::/48",  # local translators, RFC 8215
        "fec0::/10",  # site-local, RFC 3879
    )
)
"""Networks that some versions of Python's own table count as global, or that lead elsewhere."""


_NEVER = tuple(
    ipaddress.ip_network(text)
    for text in (
        "169.254.0.0/16",  # link-local, RFC 3927: where most clouds answer at 169.254.169.254
        "fe80::/10",  # link-local, RFC 4291
        "168.63.129.16/32",  # Azure
        "192.0.0.192/32",  # Oracle
        "100.100.100.200/32",  # Alibaba
        "fd00:ec2::/32",  # Amazon
        "fd20:ce::/32",  # Google
    )
)
"""Where machines in a cloud get their own credentials from whoever asks: no receiver of a webhook,
even where private ones are allowed."""


def may_reach(text: str, *, private: bool) -> bool:
    """Whether a request may go to this address.

    Args:
        text: as for ``is_public``.
        private: addresses that are not public are allowed too, but never those of link-local
            networks and of metadata services.
    """
    if not private:
        return is_public(text)
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    inner = _inner(address)
    return not any(inner in network for network in _NEVER if network.version == inner.version)


def is_public(text: str) -> bool:
    """Whether this address is one of the public Internet.

    Args:
        text: an IP address, with a zone (``fe80::1%eth0``) or without; anything else is not public.
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return _is_public(address)


def _is_public(address: Address) -> bool:
    address = _inner(address)
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    return not any(address in network for network in _REFUSED if network.version == address.version)


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one leads to, else the address itself."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address

"""The numbers of the device edge in the form of the metrics page."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from roadstead.gateway.counters import Counters
from roadstead.gateway.udp_socket import UdpSocket
from roadstead.protocol.dtls.server import DtlsServer


class Sample(msgspec.Struct, frozen=True):
    """One number under its bare name; whoever shows it adds the prefix and ``_total``."""

    name: str
    help: str
    kind: Literal["counter", "gauge"]
    value: float
    labels: dict[str, str] = {}


def edge_samples(
    counters: Counters, dtls: DtlsServer, socket: UdpSocket | None
) -> Iterator[Sample]:
    """Everything that the gateway, its sessions and its socket counted."""
    for field in msgspec.structs.fields(Counters):
        yield counter(f"gateway_{field.name}", getattr(counters, field.name))
    if socket is not None:
        yield counter("gateway_datagrams_received", socket.received)
        yield counter("gateway_datagrams_sent", socket.sent)
        yield counter("gateway_datagrams_unsent", socket.dropped)
    for name in type(dtls.counters).__slots__:
        value = getattr(dtls.counters, name)
        if name == "half_open":
            yield gauge("dtls_half_open", value)
        else:
            yield counter(f"dtls_{name}", value)
    yield gauge("device_sessions", dtls.session_count)


def counter(name: str, value: float) -> Sample:
    """A number that only grows."""
    return Sample(name, _help(name), "counter", value)


def gauge(name: str, value: float) -> Sample:
    """A number that is what it is now."""
    return Sample(name, _help(name), "gauge", value)


def _help(name: str) -> str:
    return name.replace("_", " ").capitalize() + "."

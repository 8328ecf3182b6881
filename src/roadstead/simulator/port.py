"""One UDP socket of a virtual device, connected to the server as a device's is."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass

from roadstead.simulator.network import UnreliableNetwork
from roadstead.simulator.timers import TimerHeap

RECEIVE_BURST = 32
"""Datagrams read in one wake-up; more wait for the next, so that no device starves the others."""

DATAGRAM_LIMIT_BYTES = 2048
"""More than any datagram of the protocol (the largest is about 1,205 bytes)."""


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where the server is: socket address and family as of ``getaddrinfo``, key as SPKI DER."""

    address: tuple[object, ...]
    family: socket.AddressFamily
    public_key: bytes


async def resolve(host: str, port: int, public_key: bytes) -> ServerAddress:
    """The address of a server by name or number.

    Raises:
        OSError: the name is unknown.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    family, _, _, _, address = found[0]
    return ServerAddress(address, family, public_key)


class DatagramPort:
    """Sends to and receives from one server address.

    Opening may raise OSError (no descriptor left, network unreachable). Later errors of the network
    are what UDP makes of them: nothing arrives.

    Args:
        server: where to.
        on_datagram: called with each datagram that arrives.
        network: decides the fate of datagrams both ways; None delivers all of them.
    """

    def __init__(
        self,
        server: ServerAddress,
        on_datagram: Callable[[bytes], None],
        timers: TimerHeap,
        network: UnreliableNetwork | None = None,
    ) -> None:
        self._server = server
        self._on_datagram = on_datagram
        self._timers = timers
        self._network = network
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None

    @property
    def local_address(self) -> tuple[object, ...]:
        """The address that the server sees, without NAT; ``()`` while closed."""
        return self._socket.getsockname() if self._socket else ()

    def open(self) -> None:
        """Opens a socket on a new source port, instead of the former one if there was any."""
        self.close()
        fresh = socket.socket(self._server.family, socket.SOCK_DGRAM)
        try:
            fresh.setblocking(False)
            fresh.connect(self._server.address)
        except OSError:
            fresh.close()
            raise
        self._socket = fresh
        self._loop.add_reader(fresh.fileno(), self._read)

    def close(self) -> None:
        """Closes the socket; datagrams still under way are lost."""
        if self._socket is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def send(self, datagram: bytes) -> None:
        """Sends, subject to the network's conditions."""
        if self._network is None:
            self._transmit(datagram)
            return
        for delay_s in self._network.fate():
            self._later(delay_s, self._transmit, datagram)

    def _transmit(self, datagram: bytes) -> None:
        if self._socket is None:
            return
        try:
            self._socket.send(datagram)
        except OSError:
            return  # a full buffer or an unreachable network loses the datagram, as UDP does

    def _read(self) -> None:
        for _ in range(RECEIVE_BURST):
            if self._socket is None:
                return
            try:
                datagram = self._socket.recv(DATAGRAM_LIMIT_BYTES)
            except BlockingIOError:
                return
            except OSError:
                continue  # the ICMP error of an earlier send; the socket goes on
            self._deliver(datagram)

    def _deliver(self, datagram: bytes) -> None:
        if self._network is None:
            self._on_datagram(datagram)
            return
        for delay_s in self._network.fate():
            self._later(delay_s, self._hand_over, datagram)

    def _hand_over(self, datagram: bytes) -> None:
        if self._socket is not None:
            self._on_datagram(datagram)

    def _later(self, delay_s: float, action: Callable[[bytes], None], datagram: bytes) -> None:
        if delay_s <= 0:
            action(datagram)
        else:
            self._timers.call_after(delay_s, lambda: action(datagram))

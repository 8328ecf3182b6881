"""The UDP socket of the device edge: a bounded receive loop, and sends that never block.

The event loop wakes the reader; at most ``BURST`` datagrams are read before everything else gets
its turn. Datagrams that the kernel does not take at once wait in a bounded backlog.
"""

import asyncio
import errno
import logging
import socket
import sys
from collections import deque
from collections.abc import Callable, Sequence

Address = tuple[str, int]
"""Where a datagram came from: numeric host (with ``%scope`` for link-local IPv6) and port."""

BURST = 64
"""Datagrams read in one wake-up: enough to spread its cost, about 3 ms of work at most."""

DATAGRAM_LIMIT_BYTES = 2048
"""Bytes read of one datagram; the largest of the protocol has about 1,205 (1,152 of content)."""

RECEIVE_BUFFER_BYTES = 8 * 1024 * 1024
"""Kernel buffer asked for: some 8,000 datagrams, a second of a busy fleet. The kernel may grant
less (net.core.rmem_max)."""

SEND_BACKLOG = 8192
"""Datagrams kept while the kernel's send buffer is full; beyond it they are lost, as UDP does."""

UDP_SEGMENT = 103
"""Socket option of Linux; Python has no name for it."""

SEGMENTS_MAX = 64
"""Datagrams that the kernel takes in one call at most."""

SEGMENTS_BYTES = 65_000
"""Their bytes together, headers of IP and UDP not counted."""

CANNOT_SEGMENT = frozenset((errno.EINVAL, errno.EIO, errno.EMSGSIZE, errno.ENOPROTOOPT))

log = logging.getLogger(__name__)


class UdpSocket:
    """One bound, non-blocking UDP socket on the running event loop.

    Attributes:
        received: datagrams read since it was opened.
        sent: datagrams that the kernel took.
        dropped: datagrams lost because the backlog was full or the kernel refused them.
    """

    def __init__(self, bound: socket.socket) -> None:
        self._socket = bound
        self._loop = asyncio.get_running_loop()
        self._backlog: deque[tuple[bytes, Address]] = deque()
        self._receive: Callable[[bytes, Address], None] = lambda datagram, address: None
        self._after_burst: Callable[[], None] = lambda: None
        self._segments = _can_segment(bound)
        self.received = 0
        self.sent = 0
        self.dropped = 0

    @property
    def address(self) -> Address:
        """The real address, with the port that the kernel chose for port 0."""
        host, port = self._socket.getsockname()[:2]
        return host, port

    @property
    def backlog(self) -> int:
        """Datagrams that wait because the kernel's send buffer is full."""
        return len(self._backlog)

    def start(
        self, receive: Callable[[bytes, Address], None], after_burst: Callable[[], None]
    ) -> None:
        """Begins to read.

        Args:
            receive: called with each datagram.
            after_burst: called once after each burst, to send what the burst caused.
        """
        self._receive, self._after_burst = receive, after_burst
        self._loop.add_reader(self._socket.fileno(), self._read_burst)

    def pause(self) -> None:
        """Stops reading; sends go on, and what arrives waits in the kernel."""
        self._loop.remove_reader(self._socket.fileno())

    def send(self, datagram: bytes, address: Address) -> None:
        """Sends at once, or as soon as the kernel takes datagrams again."""
        if self._backlog:
            self._keep(datagram, address)
            return
        try:
            self._socket.sendto(datagram, address)
            self.sent += 1
        except (BlockingIOError, InterruptedError):
            self._loop.add_writer(self._socket.fileno(), self._send_backlog)
            self._keep(datagram, address)
        except OSError:
            self.dropped += 1

    def send_all(self, datagrams: Sequence[tuple[bytes, Address]]) -> None:
        """Sends in order; neighbours of one length to one peer leave in one call to the kernel."""
        index, count = 0, len(datagrams)
        while index < count:
            end = self._end_of_run(datagrams, index) if self._segments else index + 1
            if end - index > 1:
                self._send_run(datagrams[index:end])
            else:
                self.send(*datagrams[index])
            index = end

    def _end_of_run(self, datagrams: Sequence[tuple[bytes, Address]], begin: int) -> int:
        """Behind the last datagram that may share a call with this one; only the last is shorter.

        Spec: Linux udp(7), UDP_SEGMENT.
        """
        first, address = datagrams[begin]
        size, end = len(first), begin + 1
        limit = min(len(datagrams), begin + min(SEGMENTS_MAX, SEGMENTS_BYTES // size))
        while end < limit and datagrams[end][1] == address:
            length = len(datagrams[end][0])
            if length > size:
                break
            end += 1
            if length < size:
                break
        return end

    def _send_run(self, run: Sequence[tuple[bytes, Address]]) -> None:
        size = len(run[0][0])
        if not self._backlog:
            try:
                self._socket.sendmsg(
                    [datagram for datagram, _ in run],
                    [(socket.SOL_UDP, UDP_SEGMENT, size.to_bytes(2, sys.byteorder))],
                    0,
                    run[0][1],
                )
                self.sent += len(run)
                return
            except (BlockingIOError, InterruptedError):
                pass
            except OSError as error:
                if error.errno in CANNOT_SEGMENT:
                    # This network card does not, or the path takes smaller datagrams only.
                    self._segments = False
                    log.info("datagrams are sent one by one from now on: %s", error)
        for datagram, address in run:
            self.send(datagram, address)

    def close(self) -> None:
        """Stops and closes; what the kernel has not taken is lost."""
        self._loop.remove_reader(self._socket.fileno())
        self._loop.remove_writer(self._socket.fileno())
        self._backlog.clear()
        self._socket.close()

    def _read_burst(self) -> None:
        recvfrom, receive = self._socket.recvfrom, self._receive
        count = 0
        try:
            while count < BURST:
                datagram, source = recvfrom(DATAGRAM_LIMIT_BYTES)
                count += 1
                receive(datagram, source if len(source) == 2 else _scoped(source))
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as error:
            # An ICMP error of an earlier send; the socket itself goes on.
            log.debug("UDP receive: %s", error)
        finally:
            self.received += count
            self._after_burst()

    def _keep(self, datagram: bytes, address: Address) -> None:
        if len(self._backlog) < SEND_BACKLOG:
            self._backlog.append((datagram, address))
        else:
            self.dropped += 1

    def _send_backlog(self) -> None:
        while self._backlog:
            datagram, address = self._backlog[0]
            try:
                self._socket.sendto(datagram, address)
                self.sent += 1
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self.dropped += 1
            self._backlog.popleft()
        self._loop.remove_writer(self._socket.fileno())


async def open_udp_socket(host: str, port: int) -> UdpSocket:
    """Binds a socket; ``::`` takes IPv4 too where the system allows it.

    Raises:
        OSError: the address is in use or is none of this machine.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(
        host or None, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
    )
    family, _, _, _, bind_address = found[0]
    bound = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        bound.setblocking(False)
        bound.bind(bind_address)
    except OSError:
        bound.close()
        raise
    return UdpSocket(bound)


def _can_segment(bound: socket.socket) -> bool:
    """Whether the kernel cuts what one call gives it into datagrams (Linux 4.18 and later)."""
    if sys.platform != "linux":
        return False
    try:
        bound.getsockopt(socket.SOL_UDP, UDP_SEGMENT)
    except OSError:
        return False
    return True


def show_host(address: Address) -> str:
    """The host as people write it: IPv4 without its IPv6 mapping, no scope."""
    host = address[0].partition("%")[0]
    return host.removeprefix("::ffff:") if "." in host else host


def _scoped(source: tuple[str, int, int, int]) -> Address:
    host, port, _, scope = source
    return (f"{host}%{scope}" if scope else host), port

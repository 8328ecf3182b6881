"""(a) Full handshakes over UDP, each by another registered device, its session committed."""

import os
import selectors
import socket
import time
from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric import ec

from bench import machine, seeding
from bench.load import open_socket
from bench.report import Aim, Figure
from bench.server import Server
from roadstead.protocol.dtls.client import ClientGeneration, DtlsClient
from roadstead.protocol.dtls.events import Connected
from roadstead.simulator.identity import VirtualIdentity

AT_ONCE = 48
"""Handshakes under way at the same time, as of devices that come back together."""

GENERATION = ClientGeneration(cid=True, resume_marker=253)
ROUND_TIMEOUT_S = 60.0


def measure(rounds: int, per_round: int, floor: Figure) -> Figure:
    """Handshakes per second of a server on one core, beside the crypto floor."""
    with Server() as server:
        identities = seeding.add_keyed_devices(
            server.folder, rounds * per_round + AT_ONCE, server.owner_id, seed=1
        )
        server.start()
        key = server.public_key()
        _Round(server.udp_port, key, identities[:AT_ONCE]).run()
        values, server_share, load_share = [], 0.0, 0.0
        for number in range(rounds):
            begin = AT_ONCE + number * per_round
            batch = _Round(server.udp_port, key, identities[begin : begin + per_round])
            watch = machine.Stopwatch(server.pid)
            done = batch.run()
            usage = watch.stop()
            values.append(done / usage.elapsed_s)
            server_share += usage.server / rounds
            load_share += usage.load / rounds
    figure = Figure("a", "full handshakes over UDP, session committed", values, "/s")
    ratio = figure.median / floor.median
    return Figure(
        "a",
        figure.name,
        values,
        "/s",
        beside=f"{ratio:.2f} of the crypto floor",
        aim=Aim(floor.median / 2, of=" (half of the floor)"),
        shares=(server_share, load_share),
        why="The floor is C alone and about a sixth of what a handshake costs. The rest is Python: "
        "seven datagrams parsed or made, the transcript, a look-up of the key in the database and "
        "the agreement, each in a thread and back, and a row sealed and committed.",
    )


class _Round:
    """Handshakes of many devices, so many at once.

    Args:
        identities: who connects, each once.
    """

    def __init__(self, port: int, server_key: bytes, identities: list[VirtualIdentity]) -> None:
        self._port, self._server_key = port, server_key
        self._identities: Iterator[VirtualIdentity] = iter(identities)
        self._clients: dict[socket.socket, DtlsClient] = {}
        self._selector = selectors.DefaultSelector()
        # One ephemeral key for all: making it is no part of what is measured here.
        self._ephemeral = ec.generate_private_key(ec.SECP256R1())
        self._done = 0

    def run(self) -> int:
        """Number of devices that have finished."""
        for _ in range(AT_ONCE):
            opened = open_socket(self._port)
            self._selector.register(opened, selectors.EVENT_READ)
            self._begin(opened)
        deadline = time.monotonic() + ROUND_TIMEOUT_S
        while self._clients and time.monotonic() < deadline:
            for ready, _ in self._selector.select(0.5):
                self._receive(ready.fileobj)  # type: ignore[arg-type]
            self._repeat_late()
        for opened in list(self._selector.get_map().values()):
            opened.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()
        return self._done

    def _begin(self, opened: socket.socket) -> None:
        identity = next(self._identities, None)
        if identity is None:
            self._clients.pop(opened, None)
            return
        client = DtlsClient(
            private_key=identity.private_key,
            server_public_key=self._server_key,
            random=os.urandom,
            device_id=identity.device_id,
            generation=GENERATION,
            ephemeral=lambda: self._ephemeral,
        )
        self._clients[opened] = client
        client.start(time.monotonic())
        _send(opened, client)

    def _receive(self, opened: socket.socket) -> None:
        client = self._clients.get(opened)
        try:
            datagram = opened.recv(2048)
        except (BlockingIOError, ConnectionRefusedError):
            return
        if client is None:
            return
        client.receive(datagram, time.monotonic())
        _send(opened, client)
        while (event := client.next_event()) is not None:
            self._done += isinstance(event, Connected)
            self._begin(opened)

    def _repeat_late(self) -> None:
        now = time.monotonic()
        for opened, client in self._clients.items():
            due = client.next_timeout()
            if due is not None and due <= now:
                client.handle_timeout(now)
                _send(opened, client)


def _send(opened: socket.socket, client: DtlsClient) -> None:
    for datagram in client.to_send():
        opened.send(datagram)

"""The load generator for datagrams: a closed loop on one socket, prepared bytes only."""

import select
import socket
from collections.abc import Sequence
from dataclasses import dataclass

STALL_S = 0.25
"""Silence after which what is under way counts as lost, as no repeat is sent."""

BUFFER_BYTES = 4 * 1024 * 1024
LARGEST_BYTES = 2048
TURN = 64
"""Datagrams sent or read before the other direction gets its turn."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the requests of one round."""

    answered: int
    lost: int


def open_socket(port: int) -> socket.socket:
    """A UDP socket connected to this port of the loopback."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    opened.setblocking(False)
    opened.connect(("127.0.0.1", port))
    return opened


def exchange(
    opened: socket.socket, requests: Sequence[bytes], window: int, answer_bytes: int | None = None
) -> Outcome:
    """Sends all requests, at most ``window`` unanswered at a time, and counts the answers.

    Args:
        opened: of ``open_socket``.
        requests: datagrams, each sent once.
        window: at least 1.
        answer_bytes: length of an answer; datagrams of other lengths are not counted.
    """
    send, receive = opened.send, opened.recv
    total, sent, settled, lost = len(requests), 0, 0, 0
    while settled < total:
        until = min(total, settled + window, sent + TURN)
        while sent < until:
            try:
                send(requests[sent])
            except BlockingIOError:
                break
            sent += 1
        got = 0
        try:
            while got < TURN:
                answer = receive(LARGEST_BYTES)
                got += answer_bytes is None or len(answer) == answer_bytes
        except BlockingIOError:
            if not got and (sent == total or sent - settled >= window):
                ready, _, _ = select.select([opened], [], [], STALL_S)
                if not ready:
                    lost += sent - settled
                    settled = sent
        settled += got
    return Outcome(total - lost, lost)

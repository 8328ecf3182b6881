"""(b) Confirmable events: datagram in, committed, acknowledged; beside others that answer."""

import socket
from collections.abc import Callable, Sequence

from bench import machine, seeding
from bench.load import exchange, open_socket
from bench.peers import aiocoap_peer, echo_peer, mosquitto_peer
from bench.report import Aim, Figure
from bench.seeding import StoredDevice
from bench.server import Server
from roadstead.protocol.coap.message import CON, Message, encode_message
from roadstead.protocol.messages.event import DeviceEvent, encode_event

DEVICES = 500
WINDOW = 2000
"""Events under way: what some thousand devices send within a commit or two."""

ACK_BYTES = 33
"""A protected acknowledgement: header 13, nonce 8, message 4, tag 8."""

EVENT = DeviceEvent("cold/temperature", b'{"c":-18.25,"door":false}')
PING = b"\x40\x00"


def measure(rounds: int, round_s: float) -> list[Figure]:
    """The server's figure and those of its peers."""
    ours, size, stored, lost = _measure_server(rounds, round_s)
    echo = echo_peer.measure(rounds, round_s, size)
    aiocoap = aiocoap_peer.measure(rounds, round_s, encode_event(EVENT))
    mosquitto = mosquitto_peer.measure(rounds, round_s, EVENT)
    peers = [one for one in (echo, aiocoap, *mosquitto) if one is not None]
    median = Figure("b", "", ours[0], "/s").median
    beside = [f"{median / one.median:.2f} × {_short(one)}" for one in peers]
    figure = Figure(
        "b",
        f"confirmable events, DTLS, committed, acknowledged ({stored:,} stored, {lost:,} lost)",
        ours[0],
        "/s",
        beside="; ".join(beside),
        aim=Aim(25_000),
        shares=(ours[1], ours[2]),
        why="Each event is one record opened and one sealed by AES-CCM, one message parsed, one "
        "row appended, and two system calls, all on one core in one interpreter. The profile is "
        "flat: reading, deciding and acknowledging, some 90 small functions, take two thirds; "
        "opening and sealing an eighth.",
    )
    return [figure, *peers]


def protect_ping(device: StoredDevice) -> bytes:
    """A keep-alive of this device, by which it counts as back."""
    return device.protect(PING + device.take_message_id().to_bytes(2, "big"))


def protect_event(device: StoredDevice, event: DeviceEvent = EVENT) -> bytes:
    """A confirmable event of this device."""
    draft = encode_event(event)
    message_id = device.take_message_id()
    message = Message(CON, draft.code, message_id, b"", tuple(draft.options), draft.payload)
    return device.protect(encode_message(message))


def _measure_server(
    rounds: int, round_s: float
) -> tuple[tuple[list[float], float, float], int, int, int]:
    with Server() as server:
        devices = seeding.add_stored_sessions(server.folder, DEVICES, server.owner_id, seed=2)
        server.start()
        opened = open_socket(server.udp_port)
        exchange(opened, [protect_ping(one) for one in devices], 100, ACK_BYTES)
        size = len(protect_event(devices[0]))

        def prepare(count: int) -> list[bytes]:
            return [protect_event(devices[number % DEVICES]) for number in range(count)]

        measured = run_rounds(server.pid, opened, prepare, rounds, round_s, ACK_BYTES)
        values, server_share, load_share, acknowledged, lost = measured
        opened.close()
        server.stop()
        stored = seeding.count_events(server.folder, EVENT.name)
        if stored < acknowledged:
            raise RuntimeError(f"{acknowledged} events acknowledged and only {stored} stored")
    return (values, server_share, load_share), size, stored, lost


def run_rounds(
    pid: int,
    opened: socket.socket,
    prepare: Callable[[int], Sequence[bytes]],
    rounds: int,
    round_s: float,
    answer_bytes: int | None = None,
    window: int = WINDOW,
) -> tuple[list[float], float, float, int, int]:
    """Rounds of about ``round_s`` each, after a short one that finds the speed.

    Returns:
        Answers per second of each round, the shares of the program and of the generator, answers
        and losses of all.
    """
    watch = machine.Stopwatch(pid)
    first = exchange(opened, prepare(2 * window), window, answer_bytes)
    per_s = max(1.0, first.answered / watch.stop().elapsed_s)
    values, server_share, load_share = [], 0.0, 0.0
    answered, lost = first.answered, first.lost
    for _ in range(rounds):
        requests = prepare(int(per_s * round_s))
        watch = machine.Stopwatch(pid)
        outcome = exchange(opened, requests, window, answer_bytes)
        usage = watch.stop()
        per_s = outcome.answered / usage.elapsed_s
        values.append(per_s)
        server_share += usage.server / rounds
        load_share += usage.load / rounds
        answered, lost = answered + outcome.answered, lost + outcome.lost
    return values, server_share, load_share, answered, lost


def _short(figure: Figure) -> str:
    return figure.name.partition(":")[0]

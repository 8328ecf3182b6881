"""(c) Memory of idle sessions, and (e) how soon many stored sessions are served again."""

import time
from dataclasses import dataclass

from bench import machine, seeding
from bench.events import ACK_BYTES, protect_ping
from bench.load import exchange, open_socket
from bench.report import Aim, Figure
from bench.seeding import StoredDevice
from bench.server import Server

PING_WINDOW = 400
SETTLE_S = 3.0
"""Until the status events of devices that came back are written."""

GIVE_UP_S = 60.0


def measure(sessions: int, rounds: int) -> list[Figure]:
    """Figures of a server with so many stored sessions, beside one that has fewer or none."""
    fewer = sessions * 3 // 5
    with Server() as server:
        empty_s = [_start_until_served(server, None) for _ in range(rounds)]
        devices = seeding.add_stored_sessions(server.folder, fewer, server.owner_id, seed=3)
        before = _measure_memory(server, devices)
        devices += seeding.add_stored_sessions(
            server.folder, sessions - fewer, server.owner_id, seed=4
        )
        full_s = [_start_until_served(server, devices[-1]) for _ in range(rounds)]
        after = _measure_memory(server, devices)
    silent = f"memory per idle session, {sessions:,} taken over"
    heard = f"memory per idle session, all heard once since ({after.answered:,} answered)"
    return [
        _memory(silent, before.silent_bytes, after.silent_bytes, sessions - fewer),
        _memory(heard, before.heard_bytes, after.heard_bytes, sessions - fewer),
        Figure("e", "start of a server without sessions, until ready", empty_s, "s"),
        _restart(sessions, empty_s, full_s),
    ]


@dataclass(frozen=True, slots=True)
class _Memory:
    """Private memory after the take-over, and after every device was heard."""

    silent_bytes: int
    heard_bytes: int
    answered: int


def _measure_memory(server: Server, devices: list[StoredDevice]) -> _Memory:
    server.start()
    time.sleep(SETTLE_S)
    silent_bytes = machine.private_bytes(server.pid)
    with open_socket(server.udp_port) as opened:
        pings = [protect_ping(device) for device in devices]
        answered = exchange(opened, pings, PING_WINDOW, ACK_BYTES).answered
        time.sleep(SETTLE_S)
    heard_bytes = machine.private_bytes(server.pid)
    server.stop()
    return _Memory(silent_bytes, heard_bytes, answered)


def _memory(name: str, fewer_bytes: int, bytes_now: int, more: int) -> Figure:
    return Figure(
        "c",
        name,
        [(bytes_now - fewer_bytes) / more],
        "bytes",
        beside=f"{bytes_now / 1e6:.0f} MB in all; {more:,} sessions fewer: "
        f"{fewer_bytes / 1e6:.0f} MB",
        aim=Aim(3000, at_most=True),
        why="Session, conversation, identity and presence are about 1,600 bytes of live Python "
        "objects, 1,100 more with the memory of messages once a device was heard. The rest is what "
        "the allocator keeps after the start and after the burst of status events, and page "
        "caches of the database.",
    )


def _restart(sessions: int, empty_s: list[float], full_s: list[float]) -> Figure:
    base_s = Figure("e", "", empty_s, "s").median
    total_s = Figure("e", "", full_s, "s").median
    return Figure(
        "e",
        f"{sessions:,} stored sessions: what they add to a start, until the first device is served",
        [max(0.0, one - base_s) for one in full_s],
        "s",
        beside=f"{total_s:.2f} s from exec to the first answer",
        aim=Aim(1.0, at_most=True),
        why="Each session is a row read, a snapshot decrypted and decoded, an identity found and "
        "some objects made: that many times, on one core.",
    )


def _start_until_served(server: Server, device: StoredDevice | None) -> float:
    """Seconds from exec until a device is answered, or until ready where there is none."""
    began = time.perf_counter()
    server.launch()
    if device is None or not server.udp_port:
        server.wait_until_ready()
        elapsed_s = time.perf_counter() - began
    else:
        elapsed_s = _ping_until_answered(server, device, began)
        server.wait_until_ready()
    server.kill()
    return elapsed_s


def _ping_until_answered(server: Server, device: StoredDevice, began: float) -> float:
    with open_socket(server.udp_port) as opened:
        while time.perf_counter() - began < GIVE_UP_S:
            try:
                opened.send(protect_ping(device))
                time.sleep(0.01)
                opened.recv(2048)
            except (BlockingIOError, ConnectionRefusedError):
                time.sleep(0.01)
                continue
            return time.perf_counter() - began
    raise RuntimeError("a device with a stored session was not answered")

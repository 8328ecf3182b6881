"""Mosquitto with persistence: QoS 1 messages kept for a subscriber that is away."""

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from bench import machine
from bench.report import Figure
from roadstead.protocol.messages.event import DeviceEvent

CONNECTIONS = 8
WINDOW = 2000
"""Messages under way over all connections, as many as events of devices."""

PUBACK_BYTES = 4
START_TIMEOUT_S = 5.0

_CONFIGURATION = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_interval {autosave_s}
max_queued_messages 0
max_inflight_messages 0
set_tcp_nodelay true
log_type error
user root
"""


def measure(rounds: int, round_s: float, event: DeviceEvent) -> list[Figure]:
    """Acknowledged messages per second, saved as it comes and saved each second."""
    program = _find_program()
    if program is None:
        return []
    names = {
        1800: "Mosquitto QoS 1: in clear, queued in memory, saved every half hour",
        1: "Mosquitto QoS 1 saved each second: in clear, its whole store written each time",
    }
    return [
        _measure_one(program, autosave_s, name, rounds, round_s, event)
        for autosave_s, name in names.items()
    ]


def is_installed() -> bool:
    """Whether there is a broker on this machine."""
    return _find_program() is not None


def _find_program() -> str | None:
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


def _measure_one(
    program: str, autosave_s: int, name: str, rounds: int, round_s: float, event: DeviceEvent
) -> Figure:
    folder = Path(tempfile.mkdtemp(prefix="roadstead-bench-mosquitto-"))
    folder.chmod(0o777)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    configuration = folder / "mosquitto.conf"
    configuration.write_text(_CONFIGURATION.format(port=port, folder=folder, autosave_s=autosave_s))
    argv = [program, "-c", str(configuration)]
    broker = machine.start_on_core(machine.SERVER_CORE, argv, stderr=subprocess.DEVNULL)
    try:
        _subscribe(port, event.name)
        publishers = [_connect(port, f"p{number}") for number in range(CONNECTIONS)]
        values, server, load = _run_rounds(broker.pid, publishers, rounds, round_s, event)
        for one in publishers:
            one.close()
    finally:
        broker.kill()
        broker.wait()
        shutil.rmtree(folder, ignore_errors=True)
    return Figure("b", name, values, "/s", shares=(server, load))


def _run_rounds(
    pid: int, publishers: list[socket.socket], rounds: int, round_s: float, event: DeviceEvent
) -> tuple[list[float], float, float]:
    watch = machine.Stopwatch(pid)
    _publish(publishers, event, 2 * WINDOW)
    per_s = 2 * WINDOW / watch.stop().elapsed_s
    values, server, load = [], 0.0, 0.0
    for _ in range(rounds):
        count = int(per_s * round_s)
        watch = machine.Stopwatch(pid)
        _publish(publishers, event, count)
        usage = watch.stop()
        per_s = count / usage.elapsed_s
        values.append(per_s)
        server, load = server + usage.server / rounds, load + usage.load / rounds
    return values, server, load


def _publish(publishers: list[socket.socket], event: DeviceEvent, count: int) -> None:
    """Each connection in turn sends its share of the window and reads that many answers."""
    share = WINDOW // len(publishers)
    packets = [_encode_publish(event, 1 + number) for number in range(share)]
    block = b"".join(packets)
    size = len(packets[0])
    left = count
    waiting: list[tuple[socket.socket, int]] = []
    while left > 0 or waiting:
        while left > 0 and len(waiting) < len(publishers):
            one = publishers[0]
            publishers.append(publishers.pop(0))
            amount = min(share, left)
            one.sendall(block[: amount * size])
            left -= amount
            waiting.append((one, amount))
        one, amount = waiting.pop(0)
        _read(one, amount * PUBACK_BYTES)


def _subscribe(port: int, topic: str) -> None:
    opened = _connect(port, "reader", clean=False)
    name = topic.encode()
    body = (1).to_bytes(2, "big") + len(name).to_bytes(2, "big") + name + b"\x01"
    opened.sendall(bytes((0x82, len(body))) + body)
    _read(opened, 5)
    opened.sendall(b"\xe0\x00")
    opened.close()


def _connect(port: int, client_id: str, *, clean: bool = True) -> socket.socket:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            opened = socket.create_connection(("127.0.0.1", port), timeout=60)
            break
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    name = client_id.encode()
    body = b"\x00\x04MQTT\x04" + bytes((2 * clean,)) + b"\x00\x00"
    body += len(name).to_bytes(2, "big") + name
    opened.sendall(bytes((0x10, len(body))) + body)
    _read(opened, 4)
    return opened


def _encode_publish(event: DeviceEvent, packet_id: int) -> bytes:
    name = event.name.encode()
    body = len(name).to_bytes(2, "big") + name + packet_id.to_bytes(2, "big")
    body += event.payload or b""
    assert len(body) < 128
    return bytes((0x32, len(body))) + body


def _read(opened: socket.socket, size: int) -> None:
    while size:
        got = len(opened.recv(size))
        if not got:
            raise ConnectionError("the broker closed the connection")
        size -= got

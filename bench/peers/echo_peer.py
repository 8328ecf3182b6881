"""A bare UDP echo in an asyncio loop. Run as a program it serves and prints its port."""

import asyncio
import os
import socket
import subprocess
import sys

from bench import machine
from bench.load import open_socket
from bench.report import Figure

BURST = 64


def measure(rounds: int, round_s: float, size: int) -> Figure:
    """Datagrams of ``size`` bytes read and sent back per second."""
    from bench.events import run_rounds

    argv = [sys.executable, "-m", "bench.peers.echo_peer"]
    peer = machine.start_on_core(machine.SERVER_CORE, argv, stdout=subprocess.PIPE)
    try:
        assert peer.stdout is not None
        opened = open_socket(int(peer.stdout.readline()))
        datagram = os.urandom(size)
        values, server, load, _, _ = run_rounds(
            peer.pid, opened, lambda count: [datagram] * count, rounds, round_s
        )
        opened.close()
    finally:
        peer.kill()
        peer.wait()
    name = "bare UDP echo: asyncio add_reader, nothing else"
    return Figure("b", name, values, "/s", shares=(server, load))


async def _serve() -> None:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 1024 * 1024)
    bound.setblocking(False)
    bound.bind(("127.0.0.1", 0))

    def read() -> None:
        try:
            for _ in range(BURST):
                bound.sendto(*bound.recvfrom(2048))
        except BlockingIOError:
            return

    asyncio.get_running_loop().add_reader(bound, read)
    print(bound.getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve())

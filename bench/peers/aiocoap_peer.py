"""aiocoap's server: CoAP in clear, an empty answer, nothing stored."""

import asyncio
import itertools
import socket
import subprocess
import sys

from bench import machine
from bench.load import open_socket
from bench.report import Figure
from roadstead.protocol.coap.message import CON, Draft, Message, encode_message

WINDOW = 64
"""More under way is only slower: the server has a task for each."""


def measure(rounds: int, round_s: float, draft: Draft) -> Figure | None:
    """Confirmable requests answered per second; None where the library is missing."""
    from bench.events import run_rounds

    argv = [sys.executable, "-m", "bench.peers.aiocoap_peer"]
    peer = machine.start_on_core(machine.SERVER_CORE, argv, stdout=subprocess.PIPE)
    try:
        assert peer.stdout is not None
        port = peer.stdout.readline()
        if not port:
            return None
        opened = open_socket(int(port))
        ids = itertools.cycle(range(0x10000))

        def prepare(count: int) -> list[bytes]:
            return [_encode(draft, next(ids)) for _ in range(count)]

        values, server, load, _, _ = run_rounds(
            peer.pid, opened, prepare, rounds, round_s, window=WINDOW
        )
        opened.close()
    finally:
        peer.kill()
        peer.wait()
    name = "aiocoap: its server, in clear, nothing stored"
    return Figure("b", name, values, "/s", shares=(server, load))


def _encode(draft: Draft, message_id: int) -> bytes:
    token = message_id.to_bytes(2, "big")
    message = Message(CON, draft.code, message_id, token, tuple(draft.options), draft.payload)
    return encode_message(message)


async def _serve() -> None:
    import aiocoap
    from aiocoap import resource

    class Events(resource.Resource):
        async def render_post(self, request: aiocoap.Message) -> aiocoap.Message:
            return aiocoap.Message(code=aiocoap.CHANGED)

    site = resource.Site()
    site.add_resource(["E", "cold", "temperature"], Events())
    site.add_resource(["E", "cold/temperature"], Events())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    await aiocoap.Context.create_server_context(site, bind=("127.0.0.1", port))
    print(port, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve())

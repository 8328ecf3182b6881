"""A receiver of webhooks that does as little as possible, and a bare aiohttp that sends to one.

``python -m bench.peers.hook_receiver`` prints its port, then answers lines on stdin: ``take`` gives
the number of requests since the last one, the time of the last request, and their delays in ms.
The path ``/0`` never answers. ``python -m bench.peers.hook_receiver send PORT SECONDS IN_FLIGHT``
sends instead, and prints requests per second.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
STAMP_CHARS = 16
MARK = b"data="
PATHS = 20


class Receiver(asyncio.Protocol):
    """One connection; requests come one after the other, whole within a few packets."""

    count = 0
    last_s = 0.0
    delays_ms: list[float] = []  # noqa: RUF012 - shared on purpose

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps where to answer."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.waiting = b""

    def data_received(self, data: bytes) -> None:
        """Takes every request that is whole."""
        self.waiting += data
        while (end := self.waiting.find(b"\r\n\r\n")) >= 0:
            head = self.waiting[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            whole = end + 4 + length
            if len(self.waiting) < whole:
                return
            body, self.waiting = self.waiting[end + 4 : whole], self.waiting[whole:]
            if b" /0 " not in head[:40]:
                self._take(body)

    def _take(self, body: bytes) -> None:
        now = time.perf_counter()
        at = body.find(MARK)
        if at >= 0:
            stamp = float(body[at + len(MARK) : at + len(MARK) + STAMP_CHARS])
            Receiver.delays_ms.append(1000 * (now - stamp))
        Receiver.count += 1
        Receiver.last_s = now
        self.transport.write(ANSWER)


async def receive() -> None:
    """Serves until stdin ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Receiver, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        taken = [Receiver.count, Receiver.last_s, Receiver.delays_ms]
        Receiver.count, Receiver.delays_ms = 0, []
        print(json.dumps(taken), flush=True)


async def send(port: int, seconds: float, in_flight: int) -> None:
    """Posts as fast as it can."""
    import aiohttp

    until, sent = time.perf_counter() + seconds, 0
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def post(url: str) -> None:
            nonlocal sent
            while time.perf_counter() < until:
                body = b"event=hook&data=%016.6f&coreid=0" % time.perf_counter()
                async with session.post(url, data=body, headers=headers) as answer:
                    await answer.read()
                sent += 1

        work: Callable[[int], Awaitable[None]] = lambda number: post(  # noqa: E731
            f"http://127.0.0.1:{port}/{1 + number % (PATHS - 1)}"
        )
        await asyncio.gather(*map(work, range(in_flight)))
    print(sent / seconds, flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["send"]:
        asyncio.run(send(int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])))
    else:
        asyncio.run(receive())

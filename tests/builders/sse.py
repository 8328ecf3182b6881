"""Reads an event stream of an ASGI application while it lasts."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.types import ASGIApp, Message


class StreamReader:
    """The reader's side of one stream."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.blocks: list[bytes] = []
        self.ended = False
        self.reading = asyncio.Event()
        self.reading.set()
        self.left = asyncio.Event()
        self._news = asyncio.Condition()

    async def send(self, message: Message) -> None:
        """What the application calls; blocks while the reader does not read."""
        await self.reading.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        elif message.get("body"):
            self.blocks.append(message["body"])
        async with self._news:
            self.ended = message["type"] == "http.response.body" and not message.get("more_body")
            self._news.notify_all()

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def until(self, condition, timeout_s: float = 5.0) -> None:
        async with asyncio.timeout(timeout_s), self._news:
            await self._news.wait_for(condition)

    async def events(self, count: int) -> list[tuple[str, dict[str, Any]]]:
        """The first ``count`` events, by name and JSON object."""
        await self.until(lambda: len(self.parsed()) >= count)
        return self.parsed()[:count]

    def parsed(self) -> list[tuple[str, dict[str, Any]]]:
        """What the official client would deliver: blocks that have both a name and data."""
        found = []
        for block in b"".join(self.blocks).decode().split("\n\n"):
            lines = dict(
                line.split(": ", 1)
                for line in block.split("\n")
                if not line.startswith(":") and line
            )
            if "event" in lines and "data" in lines:
                found.append((lines["event"], json.loads(lines["data"])))
        return found


@contextlib.asynccontextmanager
async def read_stream(
    app: ASGIApp,
    path: str,
    token: str | None,
    *,
    address: str = "203.0.113.7",
    headers: dict[str, str] | None = None,
) -> AsyncIterator[StreamReader]:
    """Opens a stream, waits until it answers, and leaves it at the end."""
    reader = StreamReader()
    raw_path, _, query = path.partition("?")
    given = {"authorization": f"Bearer {token}"} if token else {}
    given |= {name.lower(): value for name, value in (headers or {}).items()}
    scope = {
        "type": "http",
        "method": "GET",
        "path": raw_path,
        "raw_path": raw_path.encode(),
        "query_string": query.encode(),
        "headers": [
            (b"host", b"cloud.test"),
            *((k.encode(), v.encode()) for k, v in given.items()),
        ],
        "client": (address, 50123),
        "scheme": "http",
    }
    task = asyncio.create_task(app(scope, reader.receive, reader.send))
    try:
        await reader.until(lambda: reader.ended or reader.blocks)
        yield reader
    finally:
        reader.left.set()
        reader.reading.set()
        await asyncio.wait_for(task, 5)

"""What may arrive on an HTTP connection before there is a request to answer."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import uvicorn
from uvicorn.server import ServerState

from roadstead.http import connection
from roadstead.http.connection import MAX_UNPARSED_BYTES, HttpConnection, IdleConnections


class Wire(asyncio.Transport):
    """The server's end of a connection, without a socket."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += bytes(data)

    def close(self) -> None:
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


async def answer_well(
    _: object, receive: Callable[[], Awaitable[dict]], send: Callable[[dict], Awaitable[None]]
) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"well"})


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[HttpConnection, Wire]]:
    wire = Wire()
    config = uvicorn.Config(answer_well, log_config=None, lifespan="off")
    server = HttpConnection(config, ServerState(), {})
    server.connection_made(wire)
    yield server, wire
    server.connection_lost(None)
    await asyncio.sleep(0)


def feed(server: HttpConnection, chunk: bytes, times: int) -> int:
    for sent in range(times):
        server.data_received(chunk)
        if server.transport.is_closing():
            return sent
    return times


CHUNK = b"a" * 8192
ENOUGH = MAX_UNPARSED_BYTES // len(CHUNK) + 2


@pytest.mark.parametrize(
    "beginning",
    [
        b"GET / HTTP/1.1\r\nX: ",
        b"GET /",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;",
    ],
    ids=["header", "path", "trailer", "chunk extension"],
)
async def test_what_never_ends_is_refused_in_json_and_the_connection_closed(beginning: bytes):
    async with connected() as (server, wire):
        server.data_received(beginning)
        assert feed(server, CHUNK, 100) < ENOUGH
        head, _, body = wire.sent.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 431 ")
        assert json.loads(body)["error"] == "headers_too_large"


async def test_many_headers_are_refused_like_a_long_one():
    async with connected() as (server, wire):
        server.data_received(b"GET / HTTP/1.1\r\n")
        assert feed(server, b"X: y\r\n" * 1000, 100) < 20
        assert wire.sent.startswith(b"HTTP/1.1 431 ")


async def test_a_long_body_is_no_head():
    async with connected() as (server, wire):
        size_bytes = len(CHUNK) * 3 * ENOUGH
        server.data_received(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size_bytes)
        assert feed(server, CHUNK, 3 * ENOUGH) == 3 * ENOUGH
        await asyncio.sleep(0.01)
        assert b"well" in wire.sent


async def test_many_requests_one_after_the_other_are_answered():
    async with connected() as (server, wire):
        for _ in range(50):
            server.data_received(b"GET / HTTP/1.1\r\nX: " + b"a" * 8000 + b"\r\n\r\n")
            await asyncio.sleep(0.002)
        assert wire.sent.count(b"well") == 50
        assert not wire.closing


async def test_bytes_that_are_no_request_are_refused_in_json():
    async with connected() as (server, wire):
        server.data_received(b"\x16\x03\x01\x02\x00\x01")
        head, _, body = wire.sent.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 ")
        assert json.loads(body)["error"] == "invalid_request"


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nX: ", b"\r\n"])
async def test_a_connection_of_which_no_request_comes_is_closed(
    said: bytes, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(connection, "HEAD_TIMEOUT_S", 0.02)
    async with connected() as (server, wire):
        if said:
            server.data_received(said)
        await asyncio.sleep(0.08)
        assert wire.closing


async def test_a_request_that_takes_long_to_answer_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connection, "HEAD_TIMEOUT_S", 0.02)
    async with connected() as (server, wire):
        server.data_received(b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n")
        await asyncio.sleep(0.08)
        assert not wire.closing
        server.data_received(b"body")
        await asyncio.sleep(0.01)
        assert b"well" in wire.sent


@asynccontextmanager
async def several(number: int, *, places: int | None = None) -> AsyncIterator[list[HttpConnection]]:
    config = uvicorn.Config(answer_well, log_config=None, lifespan="off", limit_concurrency=places)
    state = ServerState()
    servers = []
    for _ in range(number):
        server = HttpConnection(config, state, {})
        server.connection_made(Wire())
        servers.append(server)
    yield servers
    for server in servers:
        server.connection_lost(None)
    await asyncio.sleep(0)


SLOW = b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n"


async def test_a_body_that_does_not_come_gives_its_place_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(HttpConnection, "idle", IdleConnections(limit=2))
    async with several(2) as slow:
        for server in slow:
            server.data_received(SLOW)
        assert not any(server.transport.is_closing() for server in slow)
        async with several(1) as (whole,):
            assert [server.transport.is_closing() for server in slow] == [True, False]
            whole.data_received(b"GET / HTTP/1.1\r\n\r\n")
            await asyncio.sleep(0.01)
            assert b"well" in whole.transport.sent


async def test_a_whole_request_holds_no_waiting_place_until_it_is_answered(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(HttpConnection, "idle", IdleConnections())
    async with several(1) as (server,):
        server.data_received(SLOW)
        assert len(server.idle) == 1
        server.data_received(b"body")
        assert len(server.idle) == 0
        await asyncio.sleep(0.01)
        assert (server.transport.sent.count(b"well"), len(server.idle)) == (1, 1)
        server.data_received(SLOW + b"body" + SLOW)
        assert len(server.idle) == 0
        await asyncio.sleep(0.01)
        assert (server.transport.sent.count(b"well"), len(server.idle)) == (2, 1)
        server.data_received(b"body")
        await asyncio.sleep(0.01)
        assert (server.transport.sent.count(b"well"), len(server.idle)) == (3, 1)


async def test_one_connection_too_many_is_told_so_in_json(caplog: pytest.LogCaptureFixture):
    async with several(3, places=3) as (first, second, _):
        for server in (first, second):
            server.data_received(b"GET / HTTP/1.1\r\n\r\n")
        await asyncio.sleep(0.01)
        head, _, body = first.transport.sent.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert json.loads(body)["error"] == "overloaded"
        assert first.transport.is_closing()
    assert caplog.text.count("all 3 connections are taken") <= 1

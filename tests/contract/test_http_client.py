"""The HTTP client against servers that misbehave, on real sockets."""

import asyncio
import contextlib
import time

import pytest

from roadstead.outbound.http_client import HttpClient
from roadstead.outbound.http_messages import HttpFailure, HttpRequest

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextlib.asynccontextmanager
async def serving(answer):
    """A server that gives each request to ``answer(head, writer)``; yields its port and heads."""
    heads = []

    async def talk(reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            heads.append(head.decode())
            await answer(head, writer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], heads
    finally:
        server.close()


def says(content):
    async def answer(head, writer):
        writer.write(content)

    return answer


@pytest.fixture
async def open_client():
    clients = []

    def make(**options):
        clients.append(HttpClient(**{"allow_private": True, **options}))
        return clients[-1]

    yield make
    for client in clients:
        await client.close()


def get(port, path="/", host="127.0.0.1"):
    return HttpRequest("GET", f"http://{host}:{port}{path}")


async def failure(client, request):
    with pytest.raises(HttpFailure) as refused:
        await client.send(request)
    return refused.value.kind


async def test_an_answer_whatever_its_status(open_client):
    content = b"HTTP/1.1 418 Teapot\r\nX-Tea: Yes\r\nContent-Length: 5\r\n\r\nshort"
    async with serving(says(content)) as (port, heads):
        answer = await open_client().send(
            HttpRequest("POST", f"http://127.0.0.1:{port}/a%2Fb?q=%20", {"X-One": "1"}, b"body")
        )
    assert (answer.status, answer.body, answer.headers["x-tea"]) == (418, b"short", "Yes")
    assert heads[0].startswith("POST /a%2Fb?q=%20 HTTP/1.1\r\n")
    assert "X-One: 1" in heads[0]


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "127.1", "[::1]"],
)
async def test_nothing_private_is_connected_to(open_client, host):
    async with serving(says(OK)) as (port, heads):
        client = open_client(allow_private=False)
        kind = await failure(client, HttpRequest("GET", f"http://{host}:{port}/"))
    assert kind in ("refused_target", "bad_url")
    assert heads == []


async def test_a_name_with_a_private_address_only_is_refused(open_client):
    assert await failure(open_client(allow_private=False), get(9, host="localhost")) == (
        "refused_target"
    )


async def test_a_redirect_inward_is_refused(open_client):
    async with serving(says(OK)) as (inner, inner_heads):
        to_inner = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{inner}/\r\n\r\n"
        async with serving(says(to_inner.encode())) as (port, heads):
            own = (f"http://127.0.0.1:{port}",)
            client = open_client(allow_private=False, own_origins=lambda: own)
            assert await failure(client, get(port)) == "refused_target"
    assert (len(heads), inner_heads) == (1, [])


async def test_the_servers_own_origin_is_always_allowed_and_only_it(open_client):
    async with serving(says(OK)) as (port, _), serving(says(OK)) as (other, _):
        client = open_client(allow_private=False, own_origins=lambda: (f"http://localhost:{port}",))
        assert (await client.send(get(port, host="localhost"))).body == b"ok"
        assert await failure(client, get(port, host="127.0.0.1")) == "refused_target"
        assert await failure(client, get(other, host="localhost")) == "refused_target"


async def test_redirects_are_followed_and_end(open_client):
    async def answer(head, writer):
        if b"GET /end" in head:
            writer.write(OK)
        else:
            writer.write(b"HTTP/1.1 302 Found\r\nLocation: /end\r\nContent-Length: 0\r\n\r\n")

    async with serving(answer) as (port, _):
        assert (await open_client().send(get(port))).body == b"ok"
    round_and_round = b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"
    async with serving(says(round_and_round)) as (port, heads):
        assert await failure(open_client(), get(port)) == "too_many_redirects"
    assert len(heads) == 6


async def test_a_host_that_hangs(open_client):
    async def hang(head, writer):
        await asyncio.sleep(30)

    async with serving(hang) as (port, _):
        began = time.monotonic()
        assert await failure(open_client(timeout_s=0.3), get(port)) == "timeout"
        assert time.monotonic() - began < 3


async def test_a_host_that_drips(open_client):
    async def drip(head, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(100):
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with serving(drip) as (port, _):
        assert await failure(open_client(timeout_s=0.5), get(port)) == "timeout"


async def test_a_host_that_resets(open_client):
    async def reset(head, writer):
        writer.transport.abort()

    async with serving(reset) as (port, _):
        assert await failure(open_client(), get(port)) == "broken"


async def test_a_host_that_talks_no_http(open_client):
    async with serving(says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")) as (port, _):
        assert await failure(open_client(), get(port)) == "broken"


async def test_of_a_gigabyte_the_beginning_is_read(open_client):
    sent = 0

    async def flood(head, writer):
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
        block = bytes(1 << 16)
        for _ in range(1 << 14):
            writer.write(block)
            await writer.drain()
            sent += len(block)

    async with serving(flood) as (port, _):
        answer = await open_client(max_answer_bytes=1000).send(get(port))
    assert (len(answer.body), answer.cut) == (1000, True)
    assert sent < 64 << 20


async def test_an_unknown_name_and_a_closed_port(open_client):
    client = open_client()
    assert await failure(client, get(80, host="no-such-host.invalid")) == "unresolved"
    async with serving(says(OK)) as (port, _):
        pass
    assert await failure(client, get(port)) == "unreachable"


@pytest.mark.parametrize("url", ["ftp://example.com/", "http://", "http://a b/", "file:///etc"])
async def test_what_is_no_http_url(open_client, url):
    assert await failure(open_client(), HttpRequest("GET", url)) in ("bad_url", "unresolved")


async def test_a_header_cannot_carry_a_line_of_its_own(open_client):
    async with serving(says(OK)) as (port, heads):
        request = HttpRequest("GET", f"http://127.0.0.1:{port}/", {"X-One": "1\r\nX-Two: 2"})
        assert await failure(open_client(), request) == "bad_url"
    assert heads == []


async def test_a_kept_connection_that_was_closed_is_no_failure(open_client):
    """The server ends each connection without a word after its first answer."""
    connections = 0

    async def talk(reader, writer):
        nonlocal connections
        connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK)
            await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = open_client()
    request = HttpRequest("POST", f"http://127.0.0.1:{port}/", {}, b"")
    for _ in range(3):
        assert (await client.send(request)).body == b"ok"
    assert connections == 3
    server.close()

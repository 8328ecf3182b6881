"""The HTTP edge on a real socket."""

import contextlib
import json
import resource
import socket
import statistics
import threading
import time
from pathlib import Path

import httpx
import pytest
from tests.system.harness import RoadsteadServer

pytestmark = pytest.mark.system


def test_an_answer_does_not_wait_for_a_delayed_acknowledgement(tmp_path: Path):
    with RoadsteadServer(tmp_path) as server, httpx.Client(base_url=server.api_url) as client:
        durations_s = []
        for _ in range(40):
            started = time.perf_counter()
            assert client.get("/v1/server_keys").status_code == 200
            durations_s.append(time.perf_counter() - started)
        # The operating system delays it by 40 ms; an answer takes about one.
        assert statistics.median(durations_s) < 0.030


def test_an_open_stream_does_not_hold_up_an_orderly_stop(tmp_path: Path):
    with RoadsteadServer(tmp_path) as server:
        server.create_user("jo@example.com", "correct horse")
        token = server.log_in("jo@example.com", "correct horse")
        headers = {"Authorization": f"Bearer {token}"}
        opened, received = threading.Event(), []

        def follow() -> None:
            url = f"{server.api_url}/v1/devices/events"
            with httpx.stream("GET", url, headers=headers, timeout=30) as stream:
                for chunk in stream.iter_bytes():
                    received.append(chunk)
                    opened.set()

        reader = threading.Thread(target=follow)
        reader.start()
        assert opened.wait(10)
        started = time.monotonic()
        server.stop()
        reader.join(10)
        assert not reader.is_alive()
        assert time.monotonic() - started < 8
        assert b"".join(received).startswith(b":ok\n\n")


def test_a_request_that_a_stop_cuts_short_is_told_so_in_json(tmp_path: Path):
    with RoadsteadServer(tmp_path) as server:
        with socket.create_connection(("127.0.0.1", server.http_port)) as caller:
            caller.settimeout(10)
            caller.sendall(
                b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
                b"Content-Type: application/x-www-form-urlencoded\r\n\r\ngrant_type"
            )
            time.sleep(0.3)
            stopping = threading.Thread(target=server.stop)
            stopping.start()
            answer = b"".join(iter(lambda: caller.recv(4096), b""))
            stopping.join(10)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert json.loads(body)["error"] == "stopping"
        assert "Traceback" not in (tmp_path / "server.log").read_text()


def test_an_endless_header_is_cut_off_and_costs_no_memory(tmp_path: Path):
    with RoadsteadServer(tmp_path) as server:
        with socket.create_connection(("127.0.0.1", server.http_port)) as stranger:
            stranger.settimeout(10)
            stranger.sendall(b"GET / HTTP/1.1\r\nX: ")
            with pytest.raises(ConnectionError):
                for _ in range(100):
                    stranger.sendall(b"a" * 1_000_000)
                stranger.recv(1)
                pytest.fail("100 MB of one header were taken")
        assert httpx.get(f"{server.api_url}/healthz").status_code == 200


def test_the_server_may_open_as_many_files_as_it_allows_connections(tmp_path: Path):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        server = RoadsteadServer(tmp_path)
        server.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with contextlib.closing(httpx.Client(base_url=server.api_url)) as client:
        idle = [socket.create_connection(("127.0.0.1", server.http_port)) for _ in range(400)]
        status = client.get("/healthz", timeout=10).status_code
        for one in idle:
            one.close()
    server.kill()
    assert status == 200


HEAD = b"GET /v1/devices HTTP/1.1\r\nHost: x\r\n"
BODY = b"POST /v1/devices/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
BODY += b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"


@pytest.mark.parametrize(
    ("begun", "rest", "answer"),
    [(HEAD, b"\r\n", b" 401 "), (BODY, b" " * 99, b" 400 ")],
    ids=["head", "body"],
)
def test_a_host_that_holds_connections_open_does_not_shut_others_out(
    tmp_path: Path, begun: bytes, rest: bytes, answer: bytes
):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, hard), hard))
    held: list[socket.socket] = []
    try:
        with RoadsteadServer(tmp_path) as server:
            server.create_user("jo@example.com", "correct horse")
            token = server.log_in("jo@example.com", "correct horse")
            for number in range(4300):
                one = socket.create_connection(("127.0.0.1", server.http_port))
                one.sendall(begun.replace(b"%s", token.encode()))
                held.append(one)
                if number % 100 == 99:  # not faster than the server looks at them
                    health = httpx.get(f"{server.api_url}/healthz", trust_env=False, timeout=60)
                    assert health.status_code == 200
            # The oldest was closed; what it had sent and nobody read may make that a reset.
            with contextlib.suppress(ConnectionResetError):
                assert held[0].recv(1) == b""
            held[-1].sendall(rest)
            assert answer in held[-1].recv(200)
    finally:
        for one in held:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

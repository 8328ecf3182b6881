"""The HTTP edge on a real socket."""

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

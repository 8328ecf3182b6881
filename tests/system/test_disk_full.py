"""A full disk: said aloud, what can be served is served, nothing acknowledged is lost."""

import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.system.harness import RoadsteadServer

pytestmark = pytest.mark.system

EMAIL, PASSWORD = "kim@example.com", "correct horse battery"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with 160 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("this user may not mount a file system")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(path: Path) -> None:
    """Writes until nothing more fits."""
    with path.open("wb", buffering=0) as file:
        for size in (1024 * 1024, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


def publish(client: httpx.Client, name: str) -> int:
    data = {"name": name, "data": "x" * 600}
    return client.post("/v1/devices/events", data=data).status_code


def test_a_full_disk_stops_writes_only_and_only_while_it_is_full(small_disk):
    filler = small_disk / "filler"
    acknowledged = set()
    with RoadsteadServer(small_disk) as server:
        server.create_user(EMAIL, PASSWORD)
        with server.client(server.log_in(EMAIL, PASSWORD)) as client:
            assert client.get("/healthz").json()["status"] == "ok"
            assert publish(client, "before") == 200
            fill(filler)
            number = 0
            deadline = time.monotonic() + 60
            while publish(client, f"full-{number}") == 200:
                acknowledged.add(f"full-{number}")
                number += 1
                assert time.monotonic() < deadline, "the disk is full and every write is accepted"
            assert publish(client, "refused") == 503
            health = client.get("/healthz").json()
            assert health["status"] == "degraded"
            assert "free" in health["checks"]["disk"]
            assert client.get("/v1/devices").json() == []
            filler.unlink()
            while publish(client, "after") != 200:
                assert time.monotonic() < deadline, "no write is accepted with room again"
                time.sleep(0.1)
            assert client.get("/healthz").json()["status"] == "ok"
        server.kill()
        with sqlite3.connect(server.data_dir / "roadstead.db") as connection:
            stored = {row[0] for row in connection.execute("SELECT name FROM events")}
        assert acknowledged | {"before", "after"} <= stored
        assert "refused" not in stored

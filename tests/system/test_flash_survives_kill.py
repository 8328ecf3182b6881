"""A server process is killed at several chunks of a flash; the device gets it all the same."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.builders.updating import make_image
from tests.system.desk import Desk
from tests.system.harness import RoadsteadServer

pytestmark = pytest.mark.system

VERSION = 9
SIZE = 300_000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RoadsteadServer]:
    with RoadsteadServer(tmp_path, update_bytes_per_s="400000") as running:
        running.create_user("jo@example.com", "correct horse")
        yield running


@pytest.fixture
async def desk(server: RoadsteadServer) -> AsyncIterator[Desk]:
    laid = Desk(server.api_url, server.log_in("jo@example.com", "correct horse"))
    yield laid
    laid.clear()


def rows(server: RoadsteadServer) -> list[tuple[str, int]]:
    with sqlite3.connect(f"file:{server.data_dir / 'roadstead.db'}?mode=ro", uri=True) as conn:
        return conn.execute("SELECT state, version FROM firmware_deliveries").fetchall()


@pytest.mark.parametrize(
    ("generation", "kills"),
    [("6.2", (1, 90, 230)), ("1.5", (1, 60))],
    ids=["current", "classic"],
)
async def test_a_flash_goes_on_however_often_the_server_is_killed(
    server: RoadsteadServer, desk: Desk, generation: str, kills: tuple[int, ...]
) -> None:
    device = await desk.put(generation)
    image = make_image(VERSION, SIZE if generation == "6.2" else 60_000)
    with server.client(server.log_in("jo@example.com", "correct horse")) as client:
        answer = await asyncio.to_thread(
            client.put,
            f"/v1/devices/{device.identity.text_id}",
            files={"file": ("firmware.bin", image, "application/octet-stream")},
        )
    assert answer.status_code == 200, answer.text
    for chunks in kills:
        async with asyncio.timeout(30):
            while device.updates.chunks < chunks:
                await asyncio.sleep(0.001)
        assert device.updates.running
        server.kill()
        await asyncio.to_thread(server.start)
    async with asyncio.timeout(60):
        while device.firmware.product_version != VERSION or not device.online:
            await asyncio.sleep(0.05)
    assert device.counters.handshakes == 1
    assert device.counters.updates == 1
    async with asyncio.timeout(10):
        while rows(server) != [("succeeded", VERSION)]:
            await asyncio.sleep(0.05)

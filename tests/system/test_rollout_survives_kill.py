"""A server process is killed again and again in a rollout, which the command line steers."""

import asyncio
import csv
import io
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random

import pytest
from tests.builders.updating import make_image
from tests.system.desk import Desk
from tests.system.harness import RoadsteadServer

from roadstead.simulator.device import VirtualDevice

pytestmark = pytest.mark.system

COUNT = 6
SIZE = 60_000
PATIENCE_S = 60.0
"""For a machine that does much else meanwhile; nothing here is asserted about time."""

POLICY = json.dumps(
    {"stages": ["2", "100%"], "holdback": "1", "gate": False, "devices_per_minute": 12}
)
UNPROVEN = ("--override-reason", "a test")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RoadsteadServer]:
    running = RoadsteadServer(tmp_path, update_bytes_per_s="120000")
    running.start(PATIENCE_S)
    try:
        running.create_user("jo@example.com", "correct horse")
        yield running
    finally:
        running.kill()


@pytest.fixture
async def desk(server: RoadsteadServer) -> AsyncIterator[Desk]:
    laid = Desk(server.api_url, server.log_in("jo@example.com", "correct horse"))
    yield laid
    laid.clear()


async def lay(server: RoadsteadServer, desk: Desk) -> list[VirtualDevice]:
    """A product with connected devices on version 1, and two versions."""
    devices = [await desk.put(claimed=False) for _ in range(COUNT)]

    def prepare() -> None:
        with server.client(server.log_in("jo@example.com", "correct horse")) as client:
            product = {"name": "Box", "platform_id": 12, "id": 20_001}
            made = client.post("/v1/products", json={"product": product})
            assert made.status_code == 200, made.text
            for device in devices:
                body = {"id": device.identity.text_id}
                added = client.post("/v1/products/20001/devices", json=body)
                assert added.status_code == 200, added.text
            for version in (2, 3):
                file = ("firmware.bin", make_image(version, SIZE), "application/octet-stream")
                sent = client.post(
                    "/v1/products/20001/firmware",
                    data={"version": str(version), "title": "a version"},
                    files={"file": file},
                )
                assert sent.status_code == 201, sent.text

    await asyncio.to_thread(prepare)
    return devices


async def say(server: RoadsteadServer, *arguments: str) -> str:
    done = await asyncio.to_thread(server.command, "rollout", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def start(server: RoadsteadServer, version: int, policy: str = POLICY) -> str:
    words = ("start", "20001", str(version), "--policy", policy, *UNPROVEN, "--json")
    made = json.loads(await say(server, *words))
    return str(made["rollout"]["id"])


async def show(server: RoadsteadServer, rollout: str) -> dict:
    return json.loads(await say(server, "show", rollout, "--json"))


async def wait_for(server: RoadsteadServer, rollout: str, state: str) -> dict:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            answer = await show(server, rollout)
            if answer["rollout"]["state"] == state:
                return answer
            await asyncio.sleep(0.3)


async def kill(server: RoadsteadServer) -> None:
    server.kill()
    await asyncio.to_thread(server.start, PATIENCE_S)


def deliveries(server: RoadsteadServer, version: int) -> list[tuple[str, str]]:
    path = f"file:{server.data_dir / 'roadstead.db'}?mode=ro"
    with sqlite3.connect(path, uri=True) as conn:
        query = "SELECT device_id, state FROM firmware_deliveries WHERE version = ?"
        return sorted(conn.execute(query, (version,)).fetchall())


async def run_version(devices: list[VirtualDevice], version: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while any(one.firmware.product_version != version or not one.online for one in devices):
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("seed", [1, 2])
async def test_no_device_is_flashed_twice_or_forgotten(
    server: RoadsteadServer, desk: Desk, seed: int
) -> None:
    """Killed before the start, at random moments of it, while it is paused, and as it ends."""
    devices = await lay(server, desk)
    dice = Random(seed)
    server.kill()
    rollout = await start(server, 2)  # the command needs no server
    await asyncio.to_thread(server.start, PATIENCE_S)
    for _ in range(3):
        await asyncio.sleep(dice.uniform(0.0, 2.5))
        await kill(server)
    await say(server, "pause", rollout)
    await kill(server)
    assert (await show(server, rollout))["rollout"]["state"] == "paused"
    await say(server, "resume", rollout)
    await kill(server)
    await run_version(devices, 2)
    await kill(server)
    await wait_for(server, rollout, "finished")
    ids = sorted(one.identity.text_id for one in devices)
    async with asyncio.timeout(PATIENCE_S):
        # A pause gives up what waits for its turn; that was never begun.
        while [one for one, state in deliveries(server, 2) if state == "succeeded"] != ids:
            await asyncio.sleep(0.2)
    assert [one.counters.updates for one in devices] == [1] * COUNT, "flashed twice"
    report = csv.DictReader(io.StringIO(await say(server, "report", rollout, "--format", "csv")))
    assert {row["device_id"] for row in report} == set(ids)


async def test_the_command_plans_explains_and_reports(server: RoadsteadServer, desk: Desk) -> None:
    devices = await lay(server, desk)
    device_id = devices[0].identity.text_id
    plan = await say(server, "plan", "20001", "2", "--policy", POLICY)
    assert f"devices       {COUNT} drawn" in plan
    assert "stages        2 -> 5" in plan
    assert device_id in plan
    slow = json.dumps({"gate": False, "devices_per_minute": 1, "stages": ["100%"]})
    plan_id = plan.split()[-1]
    words = ("start", "20001", "2", "--plan", plan_id, "--policy", slow, *UNPROVEN)
    assert (await say(server, *words)).startswith(plan_id)
    told = json.loads(await say(server, "explain", plan_id, device_id, "--json"))
    assert told["device_id"] == device_id and told["rules"]
    assert "in the queue" in await say(server, "explain", plan_id, device_id) or told["reason"]
    ended = (await say(server, "abort", plan_id)).split()
    assert ended[1] == "aborted"
    assert "Aborted by operator" in await say(server, "report", plan_id)
    document = json.loads(await say(server, "report", plan_id, "--format", "json"))
    assert len(document["devices"]) == COUNT
    assert plan_id in await say(server, "list", "20001")
    policy = '{"watch_releases": false}'
    kept = json.loads(await say(server, "policy", "20001", "--set", policy))
    assert (kept["shipped"], kept["policy"]["watch_releases"]) == (False, False)
    assert json.loads(await say(server, "policy", "20001", "--shipped"))["shipped"] is True


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "a" * 24), "There is no rollout"),
        (("plan", "nothing", "2"), "There is no product 'nothing'"),
        (("start", "20001", "2", "--policy", "{"), "--policy cannot be read"),
        (("start", "20001", "2", "--stages", "x"), "no number of devices"),
        (("policy", "20001", "--set", "@/does/not/exist"), "cannot read"),
        (("start", "20001", "0"), "VERSION"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    done = RoadsteadServer(tmp_path).command("rollout", *words)
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1

"""`roadstead simulate --fleet` against a real server: devices live as the file says."""

import re
import signal
import subprocess
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from tests.builders.updating import make_image
from tests.system.harness import ROADSTEAD, RoadsteadServer

from roadstead.simulator.described import plan_of_file
from roadstead.simulator.fleet_file import parse_fleet
from roadstead.simulator.module_image import read_image

pytestmark = pytest.mark.system

EMAIL, PASSWORD = "jo@example.com", "correct horse battery"
PRODUCT = 30301

FLEET = """
devices = 12
seed = 5

[[kind]]
name = "on the wall"
share = 0.75
time_zones = ["Europe/Berlin", "America/New_York"]
publishes_per_h = 60
resets_per_h = 0
reconnects_per_h = 0
errors_per_h = 0
offline = 0
fails_per_day = 0
lost_messages = 0

[[kind]]
name = "outside"
share = 0.25
application = "workbench"
radio = "cellular"
loss = 0.01
delay_ms = 20
publishes_per_h = 60
resets_per_h = 0
reconnects_per_h = 0
errors_per_h = 0
offline = 0
fails_per_day = 0

[version.2]
bricks = 0.4
"""

POLICY = {"stages": ["100%"], "holdback": "0", "gate": False}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoadsteadServer]:
    with RoadsteadServer(tmp_path_factory.mktemp("cloud")) as running:
        running.create_user(EMAIL, PASSWORD)
        assert running.command("plan", "set", EMAIL, "product").returncode == 0
        yield running


@pytest.fixture
def api(server: RoadsteadServer) -> Iterator[httpx.Client]:
    with server.client(server.log_in(EMAIL, PASSWORD)) as client:
        yield client


def make_product(api: httpx.Client, product_id: int) -> str:
    body = {"product": {"name": f"p{product_id}", "id": product_id, "platform_id": 12}}
    answer = api.post("/v1/user/products", json=body)
    assert answer.status_code < 300, answer.text
    return f"/v1/products/{product_id}"


def until(condition: Callable[[], Any], timeout_s: float = 120.0) -> Any:
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.3)
    return found


class Simulation:
    def __init__(self, server: RoadsteadServer, *arguments: str) -> None:
        token = server.log_in(EMAIL, PASSWORD)
        self._process = subprocess.Popen(
            [*ROADSTEAD, "simulate", "--api", server.api_url, "--token", token, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=server.environment,
        )

    def end(self) -> dict[str, int]:
        self._process.send_signal(signal.SIGINT)
        out, errors = self._process.communicate(timeout=60)
        assert (self._process.returncode, errors) == (0, "")
        last = out.strip().splitlines()[-1]
        return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", last)}

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def simulate(server: RoadsteadServer) -> Iterator[Callable[..., Simulation]]:
    running: list[Simulation] = []

    def run(*arguments: str) -> Simulation:
        running.append(Simulation(server, *arguments))
        return running[-1]

    yield run
    for one in running:
        one.kill()


def how_many_are_bricked(version: int) -> int:
    """Follows from the seed of the file alone."""
    plan = plan_of_file(parse_fleet(tomllib.loads(FLEET)))
    image = read_image(make_image(version, product_id=PRODUCT), 12)
    dead = 0
    for number, (seed, _) in enumerate(plan.device_seeds()):
        firmware = plan.of(number).make_firmware(seed, 0.0)
        firmware.install(image, names_product=False)
        dead += firmware.dead
    return dead


@pytest.mark.timeout(600)
def test_a_version_behaves_as_the_file_says(api, simulate, tmp_path):
    product = make_product(api, PRODUCT)
    file = tmp_path / "fleet.toml"
    file.write_text(FLEET)
    bricked = how_many_are_bricked(2)
    assert 0 < bricked < 12
    simulation = simulate("--fleet", str(file), "--speed", "60", "--product", str(PRODUCT))

    def members() -> list[dict[str, Any]]:
        return api.get(f"{product}/devices", params={"per_page": 100}).json()["devices"]

    until(lambda: len(members()) == 12 and all(one["online"] for one in members()))
    groups = Counter(name for one in members() for name in one["groups"])
    zones = {"europe-berlin": 5, "america-new-york": 4, "utc": 3}
    assert groups == {"on-the-wall": 9, "outside": 3, **zones}
    assert {one["firmware_version"] for one in members()} == {1}
    image = {"binary": ("firmware.bin", make_image(2, product_id=PRODUCT))}
    answer = api.post(f"{product}/firmware", files=image, data={"version": 2, "title": "two"})
    assert answer.status_code < 300, answer.text
    answer = api.post(
        f"{product}/rollouts", json={"version": 2, "policy": POLICY, "override_reason": "a trial"}
    )
    assert answer.status_code < 300, answer.text
    until(lambda: sum(one["firmware_version"] == 2 for one in members()) == 12 - bricked)
    until(lambda: sum(one["online"] for one in members()) == 12 - bricked)
    numbers = simulation.end()
    assert (numbers["claimed"], numbers["bricked"]) == (12, bricked)
    assert numbers["acknowledged"] > 12


@pytest.mark.parametrize(
    ("text", "arguments", "words"),
    [
        ("devices = 0", [], "devices must be 1 to"),
        ("[[kind]]\nname = 'a'\nradio = 'smoke'", [], "$.kind[0].radio"),
        ("[[kind]]\nname = 'a'\ntime_zones = ['Mars']", [], "'Mars' in time_zones of kind a"),
        ("devices = 5", ["--loss", "0.1"], "--loss cannot be given beside --fleet"),
        ("devices = 100000", [], "one process can run 50000 devices"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_place(server, tmp_path, text, arguments, words):
    file = tmp_path / "fleet.toml"
    file.write_text(text)
    begin = ("simulate", "--api", server.api_url, "--token", "x", "--fleet", str(file))
    done = server.command(*begin, *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1

"""`roadstead simulate` and `roadstead demo` as people run them: real processes, real sockets."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from tests.builders.updating import make_image
from tests.system.harness import ROADSTEAD, RoadsteadServer

pytestmark = pytest.mark.system

EMAIL, PASSWORD = "jo@example.com", "correct horse battery"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoadsteadServer]:
    with RoadsteadServer(tmp_path_factory.mktemp("cloud")) as running:
        running.create_user(EMAIL, PASSWORD)
        yield running


@pytest.fixture(scope="module")
def token(server: RoadsteadServer) -> str:
    return server.log_in(EMAIL, PASSWORD)


@pytest.fixture
def api(server: RoadsteadServer, token: str) -> Iterator[httpx.Client]:
    with server.client(token) as client:
        yield client
        for device in client.get("/v1/devices").json():
            client.delete(f"/v1/devices/{device['id']}")


class Simulation:
    """A running `roadstead simulate`."""

    def __init__(self, server: RoadsteadServer, token: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [*ROADSTEAD, "simulate", "--api", server.api_url, "--token", token, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=server.environment,
        )

    def end(self) -> dict[str, int]:
        """Stops it as Ctrl-C does; gives the numbers of its last line."""
        self._process.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self) -> dict[str, int]:
        out, errors = self._process.communicate(timeout=60)
        assert self._process.returncode == 0, errors
        last = out.strip().splitlines()[-1]
        return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", last)}

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def simulate(server: RoadsteadServer, token: str) -> Iterator[Callable[..., Simulation]]:
    running = []

    def run(*arguments: str) -> Simulation:
        running.append(Simulation(server, token, *arguments))
        return running[-1]

    yield run
    for simulation in running:
        simulation.kill()


def until(condition: Callable[[], object], timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def online(api: httpx.Client) -> dict[str, str]:
    """Ids of the account's connected devices by name."""
    devices = api.get("/v1/devices").json()
    return {device["name"]: device["id"] for device in devices if device["connected"]}


def named_and_online(api: httpx.Client, count: int, prefix: str = "fridge-") -> None:
    until(lambda: sum(str(name).startswith(prefix) for name in online(api)) == count)


def test_two_fleets_of_one_account_are_claimed_and_named_beside_each_other(api, simulate):
    simulations = [simulate("--devices", "3") for _ in range(2)]
    named_and_online(api, 6)
    assert len(online(api)) == 6
    assert [simulation.end()["claimed"] for simulation in simulations] == [3, 3]


def test_devices_of_all_generations_register_connect_and_are_claimed(api, simulate):
    simulation = simulate("--devices", "8", "--generation", "6.2,3.1,3.0,1.5", "--rate", "2")
    named_and_online(api, 8)
    for device_id in online(api).values():
        device = api.get(f"/v1/devices/{device_id}").json()
        assert device["functions"] == ["setTarget", "defrost"]
        assert device["variables"]["temperature"] == "double"
    time.sleep(1.5)
    numbers = simulation.end()
    assert (numbers["handshakes"], numbers["claimed"], numbers["losses"]) == (8, 8, 0)
    assert numbers["acknowledged"] >= 8
    assert numbers["refused"] == numbers["failed"] == 0


def test_a_fridge_can_be_read_and_told_a_target(api, simulate):
    simulate("--devices", "1", "--seed", "5")
    named_and_online(api, 1)
    device = f"/v1/devices/{online(api)['fridge-01']}"
    assert api.post(f"{device}/setTarget", data={"arg": "-18"}).json()["return_value"] == -18
    assert api.get(f"{device}/target").json()["result"] == -18
    assert -20 < api.get(f"{device}/temperature").json()["result"] < 20
    assert api.get(f"{device}/door").json()["result"] in (True, False)
    assert api.get(f"{device}/firmware").json()["result"] == "2.4.1"


def test_events_of_an_account_reach_its_fridges(api, simulate):
    simulate("--devices", "2")
    named_and_online(api, 2)
    api.post("/v1/devices/events", data={"name": "coldchain/target", "data": "7"})
    for device_id in online(api).values():
        until(lambda path=f"/v1/devices/{device_id}/target": api.get(path).json()["result"] == 7)


def test_a_sleeping_device_is_offline_and_comes_back_without_a_handshake(api, simulate):
    simulation = simulate("--devices", "1", "--sleep", "1/2", "--seed", "3")
    named_and_online(api, 1)
    until(lambda: not online(api))
    until(lambda: online(api))
    numbers = simulation.end()
    assert numbers["handshakes"] == 1
    assert numbers["resumes"] >= 1


def test_moving_and_restarting_devices_keep_their_sessions(api, simulate):
    simulation = simulate("--devices", "3", "--move-every", "1", "--reboot-every", "3")
    named_and_online(api, 3)
    time.sleep(5)
    numbers = simulation.end()
    assert numbers["handshakes"] == 3
    assert numbers["resumes"] >= 3


def test_a_bad_network_delays_and_loses_nothing(api, simulate):
    conditions = ("--duplicate", "0.2", "--reorder", "0.2", "--delay", "20", "--loss", "0.02")
    simulation = simulate("--devices", "4", "--rate", "2", "--seed", "11", *conditions)
    named_and_online(api, 4, "")
    time.sleep(4)
    numbers = simulation.end()
    assert numbers["acknowledged"] > 0
    assert numbers["refused"] == 0


def test_a_restarted_simulator_takes_its_sessions_up_again(api, simulate, tmp_path):
    arguments = ("--devices", "3", "--state", str(tmp_path / "state"))
    first = simulate(*arguments)
    named_and_online(api, 3)
    before = set(online(api).values())
    assert first.end()["handshakes"] == 3
    numbers = simulate(*arguments, "--duration", "4").wait()
    assert (numbers["handshakes"], numbers["resumes"], numbers["claimed"]) == (0, 3, 3)
    assert {device["id"] for device in api.get("/v1/devices").json()} == before


def test_a_kept_fleet_starts_anew_on_another_server(api, simulate, tmp_path):
    arguments = ("--devices", "2", "--state", str(tmp_path / "state"))
    first = simulate(*arguments)
    named_and_online(api, 2)
    first.end()
    (tmp_path / "other").mkdir()
    with RoadsteadServer(tmp_path / "other") as other:
        other.create_user(EMAIL, PASSWORD)
        token = other.log_in(EMAIL, PASSWORD)
        numbers = Simulation(other, token, *arguments, "--duration", "4").wait()
    assert (numbers["handshakes"], numbers["resumes"], numbers["claimed"]) == (2, 0, 2)


def test_devices_do_not_notice_that_the_server_was_killed(api, server, simulate):
    simulation = simulate("--devices", "5", "--rate", "2")
    named_and_online(api, 5)
    server.restart()
    until(lambda: len(online(api)) == 5)
    for device_id in online(api).values():
        answer = api.post(f"/v1/devices/{device_id}/setTarget", data={"arg": "3"})
        assert answer.json()["return_value"] == 3
    time.sleep(1)
    numbers = simulation.end()
    assert numbers["handshakes"] == 5
    assert numbers["losses"] == numbers["refused"] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--devices", "0"], "devices"),
        (["--sleep", "3"], "AWAKE/ASLEEP"),
        (["--platform", "toaster"], "toaster"),
        (["--generation", "9.9"], "9.9"),
        (["--loss", "2"], "loss"),
        (["--product-like", "toaster"], "toaster"),
    ],
)
def test_bad_input_is_answered_with_one_line_and_exit_code_2(server, arguments, words):
    done = server.command("simulate", "--api", server.api_url, "--token", "x", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_wrong_token_is_said_in_words(server):
    done = server.command("simulate", "--api", server.api_url, "--token", "0" * 40)
    assert done.returncode == 1
    assert "401" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_is_not_there_is_said_in_words(server):
    done = server.command("simulate", "--api", "http://127.0.0.1:1", "--token", "x")
    assert done.returncode == 1
    assert "cannot reach http://127.0.0.1:1" in done.stderr


def start_demo(tmp_path: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*ROADSTEAD, "demo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )


def test_the_demo_shows_a_living_cold_chain_and_leaves_nothing_behind(tmp_path):
    demo = start_demo(tmp_path, "--devices", "3")
    lines = []
    for line in demo.stdout:
        lines.append(line)
        if "All 3 fridges run version 2" in line:
            break
    text = "".join(lines)
    assert "3/3 devices online" in text and "fridge/temperature" in text
    story = [line for line in lines if line.startswith("  ✓")]
    assert len(story) == 5
    assert "Released to group beta" in text
    curl = next(line for line in lines if line.startswith("curl") and "setTarget" in line)
    answer = subprocess.run(curl, shell=True, capture_output=True, text=True, timeout=30)
    assert '"return_value":2' in answer.stdout
    assert re.search(r"password  \S{8,}", text)
    assert "npx --yes particle-cli" in text
    demo.send_signal(signal.SIGINT)
    _, errors = demo.communicate(timeout=30)
    assert (demo.returncode, errors) == (0, "")
    assert not list(tmp_path.iterdir())


def test_the_demo_ends_by_itself_after_its_duration(tmp_path):
    demo = start_demo(tmp_path, "--devices", "1", "--duration", "2")
    _, errors = demo.communicate(timeout=60)
    assert (demo.returncode, errors) == (0, "")
    assert not list(tmp_path.iterdir())


def test_the_demo_names_a_port_that_is_taken(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        demo = start_demo(tmp_path, "--port", str(port))
        _, errors = demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert f"port {port} is taken" in errors
    assert not list(tmp_path.iterdir())


def test_the_demo_ends_when_its_server_dies_and_shows_the_log(tmp_path):
    demo = start_demo(tmp_path, "--devices", "1")
    for line in demo.stdout:
        if "devices online" in line:
            break
    children = Path(f"/proc/{demo.pid}/task/{demo.pid}/children")
    if not children.exists():
        demo.kill()
        pytest.skip("this system does not tell the children of a process")
    os.kill(int(children.read_text().split()[0]), signal.SIGKILL)
    _, errors = demo.communicate(timeout=30)
    assert demo.returncode == 1
    assert "the server ended by itself" in errors
    assert not list(tmp_path.iterdir())


def test_a_flashed_device_runs_its_image_after_a_restart_of_the_simulator(api, simulate, tmp_path):
    state = tmp_path / "state"
    begin = ("--devices", "1", "--seed", "77", "--state", str(state), "--firmware-version", "3")

    def version() -> int | None:
        [device] = api.get("/v1/devices").json() or [{}]
        return device.get("firmware_version") if device.get("online") else None

    first = simulate(*begin)
    until(lambda: version() == 3)
    [device] = api.get("/v1/devices").json()
    answer = api.put(f"/v1/devices/{device['id']}", files={"file": ("firmware.bin", make_image(9))})
    assert answer.status_code == 200, answer.text
    until(lambda: version() == 9)
    assert first.end()["updates"] == 1
    (state / "sessions.msgpack").unlink()  # so that it says Hello again
    before = api.get(f"/v1/devices/{device['id']}").json()["last_handshake_at"]
    second = simulate(*begin)
    until(lambda: api.get(f"/v1/devices/{device['id']}").json()["last_handshake_at"] != before)
    assert version() == 9
    assert second.end()["handshakes"] == 1

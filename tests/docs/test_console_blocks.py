"""What the API page shows in `console` blocks happens: it runs against a real server.

A block has commands behind `$` and what they print below them; `…` stands for anything. All blocks
of a page run in one shell, in their order, so that later ones may use what earlier ones have set.
"""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.docs.pages import ELLIPSIS, Page, read_page
from tests.system.harness import ROADSTEAD, RoadsteadServer

pytestmark = pytest.mark.system

ACCOUNT = ("you@example.com", "a long password")
SHOWN_URL = "http://127.0.0.1:8080"
SHELL_TIMEOUT_S = 60
READY_TIMEOUT_S = 40


@dataclass(frozen=True)
class Step:
    """A command and what it shall print."""

    command: str
    shown: str


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoadsteadServer]:
    """A server as the pages assume it: one administrator, two simulated fridges."""
    folder = tmp_path_factory.mktemp("pages")
    with RoadsteadServer(folder) as running:
        running.create_user(*ACCOUNT, admin=True)
        with fridges(running, running.log_in(*ACCOUNT)):
            yield running


@contextmanager
def fridges(server: RoadsteadServer, token: str) -> Iterator[None]:
    arguments = ("--api", server.api_url, "--devices", "2", "--rate", "1")
    with (server.folder / "simulator.log").open("wb") as log:
        process = subprocess.Popen(
            [*ROADSTEAD, "simulate", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=server.environment | {"ROADSTEAD_TOKEN": token},
        )
    try:
        with server.client(token) as client:
            deadline = time.monotonic() + READY_TIMEOUT_S
            while count_ready(client) < 2:
                assert time.monotonic() < deadline, "the simulated devices are not ready"
                time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait(20)


def count_ready(client: httpx.Client) -> int:
    """Devices that are claimed, named, online and described."""
    devices = client.get("/v1/devices").json()
    return sum(bool(one["online"] and one["name"] and one["functions"]) for one in devices)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize(
    "page", [read_page("docs/api.md"), read_page("docs/webhooks.md")], ids=lambda page: page.name
)
def test_what_the_page_shows_happens(page: Page, server: RoadsteadServer, tmp_path: Path):
    steps = [step for block in page.blocks("console") for step in parse_steps(block)]
    printed = run_steps(steps, server, tmp_path)
    assert len(printed) == len(steps)
    for step, output in zip(steps, printed, strict=True):
        shown = f"$ {step.command}\nshall print\n{step.shown}\nand printed\n{output}"
        assert matches(step.shown, output), f"{page.name}: {shown}"


@pytest.mark.parametrize(
    ("page", "pattern"),
    [
        ("docs/bring-your-board.md", r"(gateway|dtls)_[a-z_]+"),
        ("docs/webhooks.md", r"hook_[a-z_]+"),
    ],
)
def test_every_counter_that_a_guide_names_is_in_the_metrics(
    server: RoadsteadServer, page: str, pattern: str
):
    named = {name for name in read_page(page).spans() if re.fullmatch(pattern, name)}
    answer = httpx.get(f"{server.api_url}/metrics", trust_env=False).text
    present = set(re.findall(r"^roadstead_(\w+?)(?:_total)?[ {]", answer, re.MULTILINE))
    assert named
    assert named <= present


@pytest.mark.parametrize(
    ("shown", "output", "is_same"),
    [
        ('{"a":1}', '{"a":1}\n', True),
        ('{"a":1}', '{"a":2}\n', False),
        ('{"a":…}', '{"a":[1,2]}', True),
        ("a\n\nb …", "a\n\nb c\n", True),
        ("a", "a\nb", False),
        ("", "", True),
        ("", "curl: (7) refused", False),
    ],
)
def test_what_is_shown_is_compared_whole_but_for_the_ellipsis(shown, output, is_same):
    assert matches(shown, output) is is_same


def parse_steps(block: str) -> Iterator[Step]:
    """The commands of a block; one goes on as long as it is not complete for the shell."""
    lines = block.splitlines()
    while lines:
        first = lines.pop(0)
        assert first.startswith("$ "), f"output before any command: {first}"
        command = [first.removeprefix("$ ")]
        while command[-1].endswith(("\\", "|")):
            command.append(lines.pop(0).strip())
        shown = []
        while lines and not lines[0].startswith("$ "):
            shown.append(lines.pop(0))
        yield Step("\n".join(command), "\n".join(shown))


def run_steps(steps: list[Step], server: RoadsteadServer, folder: Path) -> list[str]:
    """What each command printed, on both outputs."""
    mark = "=== the next command ==="
    script = "".join(f"{step.command}\nprintf '\\n%s\\n' '{mark}'\n" for step in steps)
    script = script.replace(SHOWN_URL, server.api_url)
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    done = subprocess.run(
        ["bash", "-c", script],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=kept,
        cwd=folder,
        timeout=SHELL_TIMEOUT_S,
        check=False,
    )
    return done.stdout.split(f"\n{mark}\n")[:-1]


def matches(shown: str, output: str) -> bool:
    """Whether the output is what is shown, where `…` stands for anything within a line."""
    pattern = "[^\n]*".join(re.escape(part) for part in shown.split(ELLIPSIS))
    return re.fullmatch(pattern, output.strip("\n")) is not None

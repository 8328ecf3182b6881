"""A real server with simulated devices, and a real Chromium that looks at its console.

One server and one browser serve all tests of this folder; each test has a context of its own, and
fails on any error in the console, on any violation of the policy and on any failed request that it
did not expect.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from tests.browser.journey import Journey
from tests.system.harness import ROADSTEAD, RoadsteadServer

EMAIL, PASSWORD = "operator@example.com", "a long enough password"
DEVICES = 6
BUILT = Path(__file__).parents[2] / "src/roadstead/console/static/index.html"


def _chromium() -> str | None:
    return next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = _chromium()
    if path is None or not BUILT.exists():
        missing = "no Chromium is installed" if path is None else "the console is not built"
        if os.environ.get("CI"):
            pytest.fail(f"{missing}; in CI nothing is skipped")
        pytest.skip(missing)
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=flags)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoadsteadServer]:
    with RoadsteadServer(tmp_path_factory.mktemp("server"), rate_limits="off") as running:
        running.create_user(EMAIL, PASSWORD, admin=True)
        yield running


@pytest.fixture(scope="session")
def token(server: RoadsteadServer) -> str:
    return server.log_in(EMAIL, PASSWORD)


@pytest.fixture(scope="session")
def fleet(server: RoadsteadServer, token: str) -> Iterator[list[str]]:
    """Ids of simulated devices that are online and belong to the operator."""
    log = (server.folder / "fleet.log").open("wb")
    target = ("--api", server.api_url, "--token", token)
    arguments = ("simulate", *target, "--devices", str(DEVICES), "--rate", "1")
    process = subprocess.Popen([*ROADSTEAD, *arguments], stdout=log, stderr=log)
    try:
        yield _wait_for_devices(server, token)
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def _wait_for_devices(server: RoadsteadServer, token: str) -> list[str]:
    deadline = time.monotonic() + 60
    with server.client(token) as client:
        while time.monotonic() < deadline:
            online = [one["id"] for one in client.get("/v1/devices").json() if one["online"]]
            if len(online) >= DEVICES:
                return online
            time.sleep(0.2)
    raise AssertionError((server.folder / "fleet.log").read_text(errors="replace")[-2000:])


@pytest.fixture(params=["1280 light", "375 dark"])
def look(request: pytest.FixtureRequest) -> tuple[int, str]:
    """A width in pixels and a theme."""
    width, theme = request.param.split()
    return int(width), theme


@pytest.fixture
def journey(browser: Browser, server: RoadsteadServer) -> Iterator[Journey]:
    """A visit to the console in a fresh browser profile, not signed in."""
    with Journey(browser, server.api_url) as begun:
        yield begun


@pytest.fixture
def signed_in(journey: Journey) -> Journey:
    journey.sign_in(EMAIL, PASSWORD)
    return journey

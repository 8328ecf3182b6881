"""A real server with simulated devices, and a real Chromium that looks at its console.

One server and one browser serve all tests of this folder; each test has a context of its own, and
fails on any error in the console, on any violation of the policy and on any failed request that it
did not expect.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from tests.browser.journey import Journey
from tests.browser.stage import EMAIL, PASSWORD, Stage, find_chromium, open_stage

PATIENCE_MS = 20_000
"""How long a page may take to show what is expected, on a machine that runs other tests too."""

expect.set_options(timeout=PATIENCE_MS)

BUILT = Path(__file__).parents[2] / "src/roadstead/console/static/index.html"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = find_chromium()
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
def stage(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with open_stage(tmp_path_factory.mktemp("server")) as opened:
        yield opened


@pytest.fixture(params=["1280 light", "375 dark"])
def look(request: pytest.FixtureRequest) -> tuple[int, str]:
    """A width in pixels and a theme."""
    width, theme = request.param.split()
    return int(width), theme


@pytest.fixture
def journey(browser: Browser, stage: Stage) -> Iterator[Journey]:
    """A visit to the console in a fresh browser profile, not signed in."""
    with Journey(browser, stage.origin) as begun:
        yield begun


@pytest.fixture
def signed_in(journey: Journey) -> Journey:
    journey.sign_in(EMAIL, PASSWORD)
    return journey

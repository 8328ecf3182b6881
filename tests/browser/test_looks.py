"""What the gate said, on the page, for rollouts that the real engine has lived through."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.journey import Journey
from tests.browser.lived import live_through
from tests.browser.stage import EMAIL, PASSWORD


@pytest.mark.parametrize(
    ("case", "devices", "seed", "state", "words", "reason"),
    [
        ("good", 120, 0, "finished", {"waits", "goes on"}, "Every device has its offer"),
        ("bricks 10 %", 120, 0, "halted", {"halts"}, "updated devices failed"),
        (
            *("application silent on 30 %", 40, 0, "waits for your decision"),
            *({"waits", "goes on", "pauses", "asks a person"}, "a person must decide"),
        ),
    ],
    ids=["good", "bad", "doubtful"],
)
def test_every_look_shows_its_verdict_and_why(
    browser: Browser,
    tmp_path: Path,
    case: str,
    devices: int,
    seed: int,
    state: str,
    words: set[str],
    reason: str,
):
    with (
        live_through(tmp_path, case, devices, seed) as lived,
        Journey(browser, lived.server.api_url) as journey,
    ):
        journey.sign_in(EMAIL, PASSWORD)
        page = journey.open(lived.rollout, "Rollout")
        journey.settle()
        verdict = page.get_by_role("region", name="to the whole product")
        expect(verdict).to_contain_text(state)
        expect(verdict).to_contain_text(reason)
        looks = page.get_by_role("article")
        expect(looks.first).to_be_visible()
        said = {one.split("\n")[0] for one in looks.locator(".mark").all_inner_texts()}
        assert said == words
        newest = looks.first.locator("p").first
        expect(newest).not_to_be_empty()
        details = looks.first.get_by_text("What was compared")
        if details.count():
            details.click()
            expect(looks.first.get_by_role("table")).to_be_visible()
        assert journey.find_barriers() == []
        acts = {"finished": 0, "halted": 0, "waits for your decision": 1}
        expect(verdict.get_by_role("button", name="Abort")).to_have_count(acts[state])

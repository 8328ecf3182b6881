"""A rollout: planned, begun, steered, reported."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.journey import Journey
from tests.browser.stage import EMAIL, PASSWORD, Stage, build_image, make_product

PLATFORM = 13


@pytest.fixture(scope="module")
def product(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A product of 40 devices that were never seen, with a version."""
    with stage.server.client(stage.token) as client:
        ids = [f"e00fce68{number:016x}" for number in range(0xB0, 0xB0 + 40)]
        slug = make_product(client, "Rolled", PLATFORM, ids)
        image = build_image(tmp_path_factory.mktemp("image"), platform=PLATFORM, version=2)
        answer = client.post(
            f"/v1/products/{slug}/firmware",
            data={"version": "2", "title": "Quieter"},
            files={"file": ("v2.bin", Path(image).read_bytes())},
        )
        assert answer.is_success, answer.text
        return slug


def test_a_rollout_is_planned_begun_paused_and_aborted(
    browser: Browser, stage: Stage, product: str
):
    with Journey(browser, stage.origin) as journey:
        journey.sign_in(EMAIL, PASSWORD)
        journey.expected_statuses = {409}
        page = journey.open(f"/products/{product}/rollouts", "Rollouts")
        expect(page.get_by_text("There was no rollout yet")).to_be_visible()
        page.get_by_role("link", name="Plan a rollout").first.click()
        page.get_by_text("How it goes on: stages").click()
        page.get_by_label("Devices per minute").fill("1")
        page.get_by_role("button", name="See what it will do").click()
        expect(page.get_by_role("alert")).to_contain_text("has not run yet")
        page.get_by_label("Why roll it out unproven?").fill("A test of the console")
        page.get_by_role("button", name="See what it will do").click()
        plan = page.get_by_role("region", name="What it will do")
        expect(plan).to_contain_text("40 devices get version 2")
        assert journey.find_barriers() == []
        plan.get_by_role("button", name="Start the rollout to 40 devices").click()

        page.get_by_role("button", name="Pause").click()
        verdict = page.get_by_role("region", name="Version 2 to the whole product")
        expect(verdict).to_contain_text(f"Paused by {EMAIL}")
        verdict.get_by_role("button", name="Resume").click()
        expect(verdict).to_contain_text(f"Resumed by {EMAIL}")
        page.get_by_label("Device", exact=True).fill(f"e00fce68{0xB0:016x}")
        page.get_by_role("button", name="Why has it not got the version?").click()
        expect(
            page.get_by_role("region", name="One device of it").get_by_role("status")
        ).to_be_visible()
        assert journey.find_barriers() == []
        with page.expect_download() as download:
            page.get_by_role("link", name="Download the report").click()
        lines = Path(download.value.path()).read_text().splitlines()
        assert lines[0].startswith("device_id,stage,state") and len(lines) == 41

        verdict.get_by_role("button", name="Abort").click()
        dialog = page.get_by_role("dialog", name="Abort this rollout?")
        expect(dialog).to_contain_text("cannot be resumed")
        page.get_by_role("button", name="Abort the rollout").click()
        expect(verdict).to_contain_text("aborted")
        expect(verdict.get_by_role("button", name="Pause")).to_have_count(0)
        page.goto(f"/products/{product}/rollouts")
        expect(page.get_by_role("row", name="Version 2")).to_contain_text("aborted")


def test_a_filter_that_cannot_be_read_is_refused_in_words(
    signed_in: Journey, stage: Stage, product: str
):
    signed_in.expected_statuses = {400}
    page = signed_in.open(f"/products/{product}/rollouts/new", "Plan a rollout")
    page.get_by_label("Only devices that fit").fill("colour = red")
    page.get_by_role("button", name="See what it will do").click()
    expect(page.get_by_role("alert")).to_contain_text("colour")

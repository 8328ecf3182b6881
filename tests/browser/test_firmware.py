"""A product's firmware, from the upload to all devices, with devices that really change."""

import re
from pathlib import Path

from playwright.sync_api import Browser, Page, expect
from tests.browser.journey import Journey
from tests.browser.stage import EMAIL, PASSWORD, PLATFORM, Stage, build_image

UPDATE_MS = 90_000
"""Longest time for a simulated device to fetch an image, start it and tell so."""


def upload(page: Page, image: Path, version: int) -> None:
    page.get_by_role("button", name="Upload a version").click()
    page.get_by_label("File").set_input_files(image)
    page.get_by_role("textbox", name="Version").fill(str(version))
    page.get_by_role("textbox", name="Title").fill(f"Cold chain {version}")
    page.get_by_role("button", name="Upload the version").click()
    expect(page.get_by_role("dialog", name="Upload a version")).to_have_count(0)
    expect(page.get_by_role("row", name=f"Cold chain {version}")).to_be_visible()


def release(page: Page, product: str, *, to: str, devices: int) -> None:
    page.goto(f"/products/{product}/firmware")
    page.get_by_role("button", name="Actions for version 7").click()
    page.get_by_role("menuitem", name="Release").click()
    page.get_by_label(re.compile(to)).check()
    page.get_by_label("Deliver now (intelligent)").check()
    page.get_by_role("button", name="See who will change").click()
    dialog = page.get_by_role("dialog", name="Release version 7")
    expect(dialog).to_contain_text(f"{devices} device")
    dialog.get_by_role("button", name=f"Release to {devices} device").click()
    expect(dialog).to_have_count(0)


def expect_running(page: Page, product: str, count: int) -> None:
    """Looks at the page of versions, which asks again by itself."""
    page.goto(f"/products/{product}/firmware")
    versions = page.get_by_role("region", name="Versions")
    row = versions.get_by_role("row", name="Cold chain 7")
    link = row.get_by_role("link", name=str(count), exact=True)
    expect(link).to_be_visible(timeout=UPDATE_MS)
    link.click()
    expect(page.get_by_role("status").filter(has_text=f"{count} device")).to_be_visible()


def test_a_version_goes_from_upload_to_all_devices(browser: Browser, stage: Stage, tmp_path: Path):
    image = build_image(tmp_path, platform=PLATFORM, version=7)
    product, first, *others = stage.product, *stage.devices
    with Journey(browser, stage.origin) as journey:
        journey.sign_in(EMAIL, PASSWORD)
        page = journey.open(f"/products/{product}/firmware", "Firmware")
        upload(page, image, 7)

        page.goto(f"/products/{product}/devices/{first}")
        page.get_by_role("button", name="Lock to a version").click()
        page.get_by_role("combobox", name="Version").select_option("7")
        expect(page.get_by_label("Flash now")).to_be_checked()
        page.get_by_role("button", name="Lock the device").click()
        runs = page.get_by_role("region", name="What it runs, and why")
        expect(runs).to_contain_text("up to date", timeout=UPDATE_MS)
        expect(runs).to_contain_text("version 7")
        page.get_by_role("button", name="Change the lock").click()
        page.get_by_role("button", name="Unlock").click()
        expect(page.get_by_role("button", name="Lock to a version")).to_be_visible()

        page.goto(f"/products/{product}/devices")
        for device in others[:2]:
            row = page.get_by_role("row").filter(has=page.locator(f'a[href$="{device}"]'))
            row.get_by_role("checkbox").check()
        page.get_by_role("button", name="Add to a group").click()
        page.get_by_label("Group", exact=True).last.fill("brave")
        page.get_by_role("button", name="Change 2 devices").click()
        expect(page.get_by_role("dialog", name="Add to a group")).to_have_count(0)

        release(page, product, to="Group brave", devices=2)
        expect_running(page, product, 3)
        release(page, product, to="All devices", devices=len(others) - 2)
        expect_running(page, product, len(stage.devices))
        page.goto(f"/products/{product}/firmware")
        expect(page.get_by_role("region", name="Releases so far")).to_contain_text("all devices")


def test_a_file_for_another_board_is_refused_in_words(
    signed_in: Journey, stage: Stage, tmp_path: Path
):
    signed_in.expected_statuses = {400}
    page = signed_in.open(f"/products/{stage.product}/firmware", "Firmware")
    page.get_by_role("button", name="Upload a version").click()
    page.get_by_label("File").set_input_files(build_image(tmp_path, platform=13, version=8))
    page.get_by_role("textbox", name="Version").fill("8")
    page.get_by_role("button", name="Upload the version").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("for boron")

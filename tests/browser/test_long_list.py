"""A list of thousands of devices: drawn only where one looks, loaded as one scrolls."""

import re

import pytest
from playwright.sync_api import expect
from tests.browser.journey import Journey
from tests.browser.stage import Stage, make_product

DEVICES = 2500
DRAWN = 80
"""Most rows that are drawn at once: those in sight, and some above and below."""


@pytest.fixture(scope="module")
def product(stage: Stage) -> str:
    with stage.server.client(stage.token) as client:
        ids = [f"e00fce68{0xA000000 + number:016x}" for number in range(DEVICES)]
        return make_product(client, "Long", 15, ids)


def test_all_rows_can_be_reached_and_few_are_drawn(signed_in: Journey, product: str):
    page = signed_in.open(f"/products/{product}/devices?sort=deviceId&dir=asc", "Devices")
    table = page.get_by_role("table")
    expect(table).to_have_attribute("aria-rowcount", str(DEVICES + 1))
    rows = page.locator("tbody tr[data-key]")
    expect(rows.first).to_have_attribute("aria-rowindex", "2")
    assert rows.count() < DRAWN
    region = page.get_by_role("region", name="Devices")
    region.focus()
    page.keyboard.press("End")
    last = page.locator(f'tbody tr[aria-rowindex="{DEVICES + 1}"][data-key]')
    expect(last).to_be_visible()
    expect(last).to_have_attribute("data-key", f"e00fce68{0xA000000 + DEVICES - 1:016x}")
    assert rows.count() < DRAWN
    expect(page).to_have_url(re.compile("page=25"))
    assert signed_in.find_barriers() == []

    page.reload()
    expect(page.locator('tbody tr[aria-rowindex="2402"][data-key]')).to_be_visible()
    page.get_by_role("searchbox").fill("e00fce6800000000" + "0a0000")
    expect(page.get_by_role("status").first).to_contain_text("256 devices match")
    expect(rows.first).to_have_attribute("aria-rowindex", "2")


def test_what_is_chosen_stays_chosen_out_of_sight(signed_in: Journey, product: str):
    page = signed_in.open(f"/products/{product}/devices?sort=deviceId&dir=asc", "Devices")
    first = page.locator('tbody tr[aria-rowindex="2"]')
    first.get_by_role("checkbox").check()
    page.get_by_role("region", name="Devices", exact=True).focus()
    page.keyboard.press("End")
    last = page.locator(f'tbody tr[aria-rowindex="{DEVICES + 1}"]')
    last.get_by_role("checkbox").check()
    expect(page.get_by_role("region", name="Chosen devices")).to_contain_text("2 chosen")
    page.get_by_role("region", name="Devices", exact=True).focus()
    page.keyboard.press("Home")
    expect(first.get_by_role("checkbox")).to_be_checked()

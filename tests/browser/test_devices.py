"""A person and their devices."""

from playwright.sync_api import expect
from tests.browser.journey import Journey
from tests.browser.stage import Stage


def test_a_search_stands_in_the_address(signed_in: Journey, stage: Stage):
    page = signed_in.open("/devices", "My devices")
    expect(page.get_by_role("row")).to_have_count(len(stage.devices) + 1)
    page.get_by_role("searchbox").fill("-01")
    expect(page.get_by_role("row")).to_have_count(2)
    expect(page).to_have_url(f"{signed_in.origin}/devices?search=-01")
    page.reload()
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("searchbox").fill("no such thing")
    page.get_by_role("button", name="Clear the filters").click()
    expect(page.get_by_role("row")).to_have_count(len(stage.devices) + 1)


def test_functions_variables_and_events_of_a_device(signed_in: Journey, stage: Stage):
    page = signed_in.page
    page.goto(f"/devices/{stage.devices[0]}")
    page.get_by_role("button", name="Read temperature").click()
    expect(
        page.get_by_role("region", name="Variables").get_by_role("status").first
    ).to_contain_text("is")
    page.get_by_label("Argument of setTarget").fill("3")
    page.get_by_role("region", name="Functions").get_by_role("button", name="Call").first.click()
    expect(
        page.get_by_role("region", name="Functions").get_by_role("status").first
    ).to_contain_text("returned")
    events = page.get_by_role("region", name="Events")
    expect(events.get_by_text("live", exact=True)).to_be_visible()
    expect(events.get_by_role("listitem").first).to_be_visible()
    page.get_by_role("button", name="Ping").click()
    expect(page.get_by_text("The device answered")).to_be_visible()


def test_renaming_a_device(signed_in: Journey, stage: Stage):
    page = signed_in.page
    page.goto(f"/devices/{stage.devices[1]}")
    page.get_by_role("button", name="Actions for").click()
    page.get_by_role("menuitem", name="Edit name and notes").click()
    page.get_by_role("textbox", name="Name").fill("cellar")
    page.get_by_role("textbox", name="Notes").fill("behind the boiler")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1, name="cellar")).to_be_visible()
    expect(page.get_by_text("behind the boiler")).to_be_visible()


def test_giving_a_device_up_asks_first(signed_in: Journey, stage: Stage):
    page = signed_in.page
    page.goto(f"/devices/{stage.devices[2]}")
    page.get_by_role("button", name="Actions for").click()
    page.get_by_role("menuitem", name="Give the device up").click()
    expect(page.get_by_role("dialog")).to_contain_text("Anyone may claim it")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_claiming_says_what_is_wrong(signed_in: Journey, stage: Stage):
    signed_in.expected_statuses = {404, 403}
    page = signed_in.open("/devices", "My devices")
    page.get_by_role("button", name="Claim a device").click()
    page.get_by_role("textbox", name="Device ID").fill("xyz")
    page.get_by_role("button", name="Claim the device").click()
    expect(page.get_by_text("24 hexadecimal digits.", exact=False).last).to_be_visible()
    page.get_by_role("textbox", name="Device ID").fill("e00fce68" + "9" * 16)
    page.get_by_role("button", name="Claim the device").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_be_visible()

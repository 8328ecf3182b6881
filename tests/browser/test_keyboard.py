"""The console without a mouse: keys of every page, layers that close, focus that comes back."""

import re

from playwright.sync_api import Browser, Page, expect
from tests.browser.journey import Journey
from tests.browser.stage import EMAIL, PASSWORD, Stage


def test_slash_goes_to_the_search(signed_in: Journey, stage: Stage):
    page = signed_in.open(f"/products/{stage.product}/devices", "Devices")
    signed_in.settle()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("a/b")
    expect(page.get_by_role("searchbox")).to_have_value("a/b")


def test_a_question_mark_lists_the_keys_and_escape_gives_the_focus_back(signed_in: Journey):
    page = signed_in.open("/devices", "My devices")
    signed_in.settle()
    link = page.get_by_role("link", name="Products")
    link.focus()
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_contain_text("to any page, product or device")
    assert signed_in.find_barriers() == []
    page.keyboard.press("Escape")
    expect(keys).to_have_count(0)
    expect(link).to_be_focused()


def test_the_palette_finds_pages_products_and_devices(signed_in: Journey, stage: Stage):
    page = signed_in.open(f"/products/{stage.product}", "Fridge")
    signed_in.settle()
    field = _open_palette(page)
    assert signed_in.find_barriers() == []
    field.fill("firmware")
    expect(page.get_by_role("option").first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Firmware")).to_be_visible()

    field = _open_palette(page)
    field.fill(stage.devices[0])
    expect(page.get_by_role("option")).to_have_count(2)  # of the product, and the person's own
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option").nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/products/{stage.product}/devices/{stage.devices[0]}"))

    opener = page.get_by_role("button", name=re.compile("Go to"))
    opener.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="Page, product or device")).to_be_focused()
    page.keyboard.type("no such thing")
    expect(page.get_by_role("dialog").get_by_role("status")).to_contain_text("Nothing has this")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(opener).to_be_focused()


def test_a_menu_and_its_dialog_are_used_by_keys_alone(signed_in: Journey, stage: Stage):
    page = signed_in.page
    page.goto(f"/devices/{stage.devices[3]}")
    trigger = page.get_by_role("button", name="Actions for")
    trigger.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Signal on")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("menu")).to_have_count(0)
    expect(trigger).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("menuitem", name="Edit name and notes").press("Enter")
    expect(page.get_by_role("dialog", name="Name and notes")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(trigger).to_be_focused()


def test_tabs_of_a_phone_show_the_page_that_is_open(browser: Browser, stage: Stage):
    with Journey(browser, stage.origin, width=375) as journey:
        journey.sign_in(EMAIL, PASSWORD)
        page = journey.open(f"/products/{stage.product}/settings", "Settings")
        tabs = page.get_by_role("navigation", name="Pages of Fridge")
        expect(tabs.get_by_role("link", name="Settings")).to_be_in_viewport(ratio=0.9)
        expect(tabs.get_by_role("link", name="Overview")).not_to_be_in_viewport()
        page.goto(f"/products/{stage.product}")
        expect(tabs.get_by_role("link", name="Overview")).to_be_in_viewport(ratio=0.9)


def _open_palette(page: Page):
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Page, product or device")
    expect(field).to_be_focused()
    return field

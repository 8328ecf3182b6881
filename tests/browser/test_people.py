"""Two people at once: one who may, and one who may only look."""

import re

from playwright.sync_api import Browser, expect
from tests.browser.journey import Journey
from tests.browser.stage import EMAIL, PASSWORD, Stage

VIEWER, VIEWER_PASSWORD = "viewer@example.com", "another long password"


REFUSED = {
    "devices": ["Import devices"],
    "groups": ["Create a group"],
    "firmware": ["Upload a version"],
    "rollouts": ["Plan a rollout"],
    "events": ["Publish an event"],
    "integrations": ["Add an integration"],
    "integrations/new": ["Use it: A webhook of your own"],
    "team": ["Invite", "Add an API user"],
    "customers": ["Create a customer", "Create a client"],
    "settings": ["Delete the product"],
}
"""What who may only look finds refused on each page of a product."""


def test_an_invited_viewer_sees_all_and_is_told_what_their_role_may_not(
    browser: Browser, stage: Stage
):
    stage.server.create_user(VIEWER, VIEWER_PASSWORD)
    product = f"/products/{stage.product}"
    with Journey(browser, stage.origin) as owner, Journey(browser, stage.origin) as viewer:
        owner.sign_in(EMAIL, PASSWORD)
        page = owner.open(f"{product}/team", "Team")
        page.get_by_role("button", name="Invite").click()
        page.get_by_label("E-mail address").fill(VIEWER)
        page.get_by_label("Role", exact=True).select_option("View-only")
        page.get_by_role("button", name="Send the invitation").click()
        expect(page.get_by_role("region", name="Invited, not accepted yet")).to_contain_text(VIEWER)

        # Nothing that the pages ask or offer by themselves is refused.
        viewer.expected_statuses = {404}  # a device that has told no vitals yet
        viewer.sign_in(VIEWER, VIEWER_PASSWORD)
        seen = viewer.open("/invitations", "Invitations")
        seen.get_by_role("button", name="Accept").click()
        expect(seen.get_by_text("Welcome to the team")).to_be_visible()
        for part, acts in REFUSED.items():
            seen.goto(f"{product}/{part}")
            expect(seen.get_by_role("heading", level=1)).to_be_visible()
            viewer.settle()
            expect(seen.get_by_text("This could not be loaded")).to_have_count(0)
            expect(seen.get_by_text("You are View-only here")).to_be_visible()
            for name in acts:
                button = seen.get_by_role("button", name=name, exact=True).first
                expect(button).to_have_attribute("aria-disabled", "true")
                expect(button).to_have_attribute("title", re.compile("needs the role"))
            assert viewer.find_barriers() == [], part
        tabs = seen.get_by_role("navigation", name="Pages of Fridge")
        expect(tabs.get_by_role("link", name="Audit")).to_have_count(0)

        seen.goto(f"{product}/groups")
        seen.get_by_role("button", name="Create a group").click(force=True)
        expect(seen.get_by_text("It needs the role Developer.")).to_be_visible()
        expect(seen.get_by_role("dialog", name="Create a group")).to_have_count(0)
        seen.goto(f"{product}/settings")
        expect(seen.get_by_label("Name", exact=True)).to_be_disabled()
        expect(seen.get_by_text("It needs the role Administrator.").first).to_be_visible()
        seen.goto(f"{product}/rollouts/new")
        viewer.settle()
        expect(seen.get_by_text("It needs the role Developer.").first).to_be_visible()
        seen.goto(f"{product}/devices/{stage.devices[4]}")
        viewer.settle()
        call = seen.get_by_role("button", name="Call", exact=True).first
        expect(call).to_have_attribute("title", re.compile("needs the role Support"))
        seen.get_by_role("button", name="Actions for").click()
        remove = seen.get_by_role("menuitem", name="Remove from the product")
        expect(remove).to_have_attribute("aria-disabled", "true")
        expect(remove).to_contain_text("It needs the role Developer.")
        assert viewer.find_barriers() == []
        seen.keyboard.press("Escape")

        seen.goto(f"{product}/devices/{stage.devices[4]}")
        owner.page.goto(f"{product}/devices/{stage.devices[4]}")
        owner.page.get_by_role("button", name="Actions for").click()
        owner.page.get_by_role("menuitem", name="Mark for development").click()
        expect(owner.page.locator(".page-head").get_by_text("development")).to_be_visible()
        expect(seen.locator(".page-head").get_by_text("development")).to_be_visible(timeout=40_000)
        owner.page.get_by_role("button", name="Actions for").click()
        owner.page.get_by_role("menuitem", name="Unmark development").click()
        expect(owner.page.locator(".page-head").get_by_text("development")).to_have_count(0)


def test_an_import_accounts_for_every_line(signed_in: Journey, stage: Stage):
    signed_in.expected_statuses = {404}  # a device that never connected has told no vitals
    page = signed_in.open(f"/products/{stage.product}/devices", "Devices")
    page.get_by_role("button", name="Import devices").click()
    dialog = page.get_by_role("dialog")
    fresh = "e00fce68" + "d" * 16
    dialog.get_by_role("textbox").first.fill(f"{fresh}\n{stage.devices[0]}\nnonsense\n")
    dialog.get_by_role("button", name="Import").last.click()
    result = dialog.get_by_role("status")
    expect(result).to_contain_text("1 imported")
    expect(result).to_contain_text("1 in this product already")
    expect(result).to_contain_text("1 not possible")
    page.keyboard.press("Escape")
    page.get_by_role("searchbox").fill(fresh)
    expect(page.get_by_role("row")).to_have_count(2)
    page.goto(f"/products/{stage.product}/devices/{fresh}")
    page.get_by_role("button", name="Actions for").click()
    page.get_by_role("menuitem", name="Remove from the product").click()
    page.get_by_role("button", name="Remove the device").click()
    expect(page.get_by_role("heading", level=1, name="Devices")).to_be_visible()

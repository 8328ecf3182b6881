"""Two people at once: one who may, and one who may only look."""

from playwright.sync_api import Browser, expect
from tests.browser.journey import Journey
from tests.browser.stage import EMAIL, PASSWORD, Stage

VIEWER, VIEWER_PASSWORD = "viewer@example.com", "another long password"


def test_an_invited_viewer_sees_all_and_is_refused_in_words(browser: Browser, stage: Stage):
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

        viewer.expected_statuses = {403}
        viewer.sign_in(VIEWER, VIEWER_PASSWORD)
        seen = viewer.open("/invitations", "Invitations")
        seen.get_by_role("button", name="Accept").click()
        expect(seen.get_by_text("Welcome to the team")).to_be_visible()
        for part in ("devices", "groups", "firmware", "rollouts", "events", "integrations", "team"):
            seen.goto(f"{product}/{part}")
            expect(seen.get_by_role("heading", level=1)).to_be_visible()
            viewer.settle()
            expect(seen.get_by_text("This could not be loaded")).to_have_count(0)

        seen.goto(f"{product}/groups")
        seen.get_by_role("button", name="Create a group").click()
        seen.get_by_role("textbox", name="Name").fill("mine")
        seen.get_by_role("button", name="Create the group").click()
        expect(seen.get_by_role("dialog").get_by_role("alert")).to_contain_text("Permission denied")

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

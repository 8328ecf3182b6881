"""From an empty account to a device online, by one click."""

from playwright.sync_api import Browser, expect
from tests.browser.journey import Journey
from tests.browser.stage import Stage

NEWCOMER, PASSWORD = "newcomer@example.com", "a third long password"


def test_a_newcomer_has_a_device_online_after_one_click(browser: Browser, stage: Stage):
    stage.server.create_user(NEWCOMER, PASSWORD)
    with Journey(browser, stage.origin) as journey:
        journey.expected_statuses = {404}  # a device that has told no vitals yet
        journey.sign_in(NEWCOMER, PASSWORD)
        page = journey.page
        expect(page.get_by_role("region", name="Bring your first device online")).to_be_visible()
        expect(page.get_by_role("region", name="A board on your desk")).to_contain_text(
            "particle keys server"
        )
        assert journey.find_barriers() == []
        page.get_by_role("button", name="Start a simulated device").click()
        mine = page.get_by_role("region", name="Your simulated device")
        expect(mine).to_contain_text("online")
        expect(page.locator(".feed > li").first).to_be_visible(timeout=30_000)
        assert journey.find_barriers() == []
        mine.get_by_role("link", name="among your devices").click()
        expect(page.get_by_role("heading", level=1, name="simulated-fridge")).to_be_visible()
        page.get_by_role("button", name="Read temperature").click()
        variables = page.get_by_role("region", name="Variables")
        expect(variables.get_by_role("status").filter(has_text="is ")).to_be_visible()

        page.goto("/home")
        page.get_by_role("button", name="End it").click()
        expect(page.get_by_role("region", name="Your simulated device")).to_have_count(0)
        page.goto("/devices")
        expect(page.get_by_role("row").nth(1)).to_contain_text("offline", timeout=60_000)

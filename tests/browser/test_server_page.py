"""The server's own page, for those who run it and for others; plans and their limits."""

from playwright.sync_api import Browser, expect
from tests.browser.journey import Journey
from tests.browser.stage import Stage

USER, PASSWORD = "no-admin@example.com", "a fourth long password"


def test_an_administrator_sees_how_the_server_is(signed_in: Journey, stage: Stage, tmp_path):
    page = signed_in.page
    page.get_by_role("link", name="Server", exact=True).click()
    expect(page.get_by_role("region", name="Is it well?")).to_contain_text("well")
    kept = page.get_by_role("region", name="What it keeps")
    expect(kept).to_contain_text("SQLite")
    expect(kept).to_contain_text("roadstead backup")
    expect(kept).to_contain_text("plain HTTP")
    expect(page.get_by_role("region", name="What waits?")).to_contain_text("Webhook deliveries")
    online = page.locator(".tile").filter(has_text="Devices connected")
    expect(online.locator("dd")).not_to_have_text("0")

    done = stage.server.command("backup", str(tmp_path / "copy.tar.gz"))
    assert done.returncode == 0, done.stderr
    expect(kept).to_contain_text("copy.tar.gz")


def test_others_see_whether_it_is_well_and_no_more(browser: Browser, stage: Stage):
    stage.server.create_user(USER, PASSWORD)
    done = stage.server.command("plan", "set", USER, "developer")
    assert done.returncode == 0, done.stderr
    with Journey(browser, stage.origin) as journey:
        journey.sign_in(USER, PASSWORD)
        page = journey.page
        places = page.get_by_role("navigation", name="Pages")
        expect(places.get_by_role("link", name="Plan and usage")).to_be_visible()
        expect(places.get_by_role("link", name="Server")).to_have_count(0)
        page.goto("/server")
        expect(page.get_by_role("region", name="Is it well?")).to_contain_text("well")
        expect(page.get_by_text("shown to administrators of the server")).to_be_visible()
        expect(page.get_by_role("region", name="What it keeps")).to_have_count(0)
        assert journey.find_barriers() == []

        page.goto("/plan")
        limits = page.get_by_role("region", name="How near are its limits?")
        expect(limits).to_contain_text("0 of 100")
        expect(limits).to_contain_text("room for 100 more")
        expect(page.get_by_role("region", name="What is counted?")).to_contain_text("501")

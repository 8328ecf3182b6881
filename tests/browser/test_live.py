"""The event stream: one for all tabs, and back by itself after a cut."""

from playwright.sync_api import BrowserContext, Page, Request, expect
from tests.browser.journey import Journey


def test_a_lost_connection_is_told_and_comes_back(signed_in: Journey):
    page = signed_in.open("/events", "Events")
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    expect(page.get_by_role("listitem").first).to_be_visible()
    page.context.set_offline(True)
    expect(page.get_by_text("reconnecting", exact=True)).to_be_visible(timeout=40_000)
    page.get_by_role("button", name="Clear").click()
    page.context.set_offline(False)
    expect(page.get_by_text("live", exact=True)).to_be_visible(timeout=20_000)
    expect(page.locator(".feed > li").first).to_be_visible()
    signed_in.complaints = [one for one in signed_in.complaints if "ERR_INTERNET" not in one]


def test_all_tabs_share_one_stream(signed_in: Journey):
    first = signed_in.open("/events", "Events")
    context = first.context
    streams: set[Request] = set()
    _note_streams(context, streams)
    first.reload()
    _expect_live(first)
    second = context.new_page()
    signed_in.page = second
    second.goto("/home")
    _expect_live(second)
    third = context.new_page()
    third.goto("/events")
    _expect_live(third)
    assert _pages_of(streams) == [first]
    first.close()
    second.get_by_role("button", name="Clear").click()
    _expect_live(second)
    assert len(_pages_of(streams)) == 1


def _note_streams(context: BrowserContext, streams: set[Request]) -> None:
    def begin(request: Request) -> None:
        if "/v1/event_stream" in request.url:
            streams.add(request)

    def end(request: Request) -> None:
        streams.discard(request)

    context.on("request", begin)
    context.on("requestfinished", end)
    context.on("requestfailed", end)


def _pages_of(streams: set[Request]) -> list[Page]:
    """The pages that read a stream now; a closed page reads none."""
    return [one.frame.page for one in streams if not one.frame.page.is_closed()]


def _expect_live(page: Page) -> None:
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    expect(page.locator(".feed > li").first).to_be_visible()

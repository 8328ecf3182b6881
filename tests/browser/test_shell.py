"""Signing in, finding one's way, looks and sizes."""

import gzip
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.conftest import BUILT
from tests.browser.journey import Journey
from tests.browser.stage import EMAIL, PASSWORD, Stage

FIRST_LOAD_BYTES = 200_000
"""Most that the first page may load, compressed; charts come later."""

ROUTE_BYTES = 40_000
"""Most that one more page may load, compressed."""

PAGES = [
    "/home",
    "/devices",
    "/devices/{stage.devices[0]}",
    "/events?view=history",
    "/account",
    "/products",
    "/products/{stage.product}",
    "/products/{stage.product}/devices",
    "/products/{stage.product}/devices/{stage.devices[0]}",
    "/products/{stage.product}/groups",
    "/products/{stage.product}/firmware",
    "/products/{stage.product}/rollouts",
    "/products/{stage.product}/health",
    "/products/{stage.product}/events",
    "/products/{stage.product}/integrations",
    "/products/{stage.product}/team",
    "/products/{stage.product}/customers",
    "/products/{stage.product}/audit",
    "/products/{stage.product}/settings",
    "/organizations",
    "/organizations/{stage.organization}",
    "/organizations/{stage.organization}/team",
    "/organizations/{stage.organization}/settings",
    "/invitations",
    "/integrations",
    "/integrations/new",
    "/integrations/new?from=webhook",
    "/integrations/new?from=influxdb",
    "/products/{stage.product}/integrations/new",
    "/plan",
    "/organizations/{stage.organization}/plan",
    "/server",
]


def test_a_wrong_password_says_so_and_keeps_what_was_typed(journey: Journey):
    journey.expected_statuses = {400}
    page = journey.page
    page.goto("/devices")
    expect(page).to_have_url(f"{journey.origin}/sign-in?next=%2Fdevices")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("credentials")
    expect(page.get_by_label("E-mail address")).to_have_value(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="My devices")).to_be_visible()


def test_signing_out_ends_the_session_everywhere(signed_in: Journey):
    page = signed_in.page
    cookies = page.context.cookies()
    assert [one["httpOnly"] for one in cookies if one["name"] == "roadstead_session"] == [True]
    page.get_by_role("button", name=f"Signed in as {EMAIL}").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto("/devices")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_next_address_elsewhere_is_not_followed(journey: Journey):
    journey.page.goto("/sign-in?next=//evil.example/x")
    journey.page.get_by_label("E-mail address").fill(EMAIL)
    journey.page.get_by_label("Password").fill(PASSWORD)
    journey.page.get_by_role("button", name="Sign in").click()
    expect(journey.page).to_have_url(f"{journey.origin}/home")


def test_the_theme_is_remembered(signed_in: Journey):
    page = signed_in.page
    page.get_by_role("button", name="Use dark colours").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


@pytest.mark.parametrize("path", PAGES)
def test_pages_have_no_barriers(browser: Browser, stage: Stage, look: tuple[int, str], path: str):
    width, theme = look
    with Journey(browser, stage.origin, width=width, theme=theme) as journey:
        journey.sign_in(EMAIL, PASSWORD)
        journey.page.goto(path.format(stage=stage))
        expect(journey.page.get_by_role("heading", level=1)).to_be_visible()
        journey.settle()
        assert journey.find_barriers() == []
        assert not journey.is_wider_than_its_window()


def test_the_first_load_is_small(journey: Journey):
    page, seen = journey.page, []
    page.on("response", lambda response: seen.append(response.url))
    page.goto("/sign-in")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.wait_for_load_state("networkidle")
    folder = BUILT.parent
    loaded = {url.partition("/assets/")[2] for url in seen if "/assets/" in url}
    size = sum(len(gzip.compress((folder / name).read_bytes(), 9)) for name in loaded)
    assert size <= FIRST_LOAD_BYTES, (size, sorted(loaded))


def test_no_page_adds_much():
    sizes = {
        path.name: len(gzip.compress(path.read_bytes(), 9))
        for path in (BUILT.parent / "chunks").glob("*Page-*.js")
    }
    assert sizes and max(sizes.values()) <= ROUTE_BYTES, sizes


def test_nothing_built_is_missing_from_the_package():
    assert Path(BUILT).exists()

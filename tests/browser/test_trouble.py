"""A slow server and one that fails: what each page shows meanwhile, and that it comes back."""

import time
from contextlib import suppress

import pytest
from playwright.sync_api import Browser, Route, expect
from playwright.sync_api import Error as PlaywrightError
from tests.browser.conftest import PATIENCE_MS
from tests.browser.journey import Journey
from tests.browser.stage import EMAIL, PASSWORD, Stage

PAGES = {
    "/home": "**/v1/devices",
    "/devices": "**/v1/devices",
    "/devices/{stage.devices[0]}": "**/v1/devices/{stage.devices[0]}",
    "/products": "**/v1/user/products",
    "/products/{stage.product}": "**/v1/products/{stage.product}",
    "/products/{stage.product}/devices": "**/v1/products/{stage.product}/devices?*",
    "/products/{stage.product}/devices/{stage.devices[0]}": (
        "**/v1/products/{stage.product}/devices/{stage.devices[0]}"
    ),
    "/products/{stage.product}/groups": "**/v1/products/{stage.product}/groups",
    "/products/{stage.product}/firmware": "**/v1/products/{stage.product}/firmware",
    "/products/{stage.product}/rollouts": "**/v1/products/{stage.product}/rollouts*",
    "/products/{stage.product}/events?view=history": "**/event_history?*",
    "/products/{stage.product}/integrations": "**/v1/products/{stage.product}/integrations",
    "/products/{stage.product}/integrations/new": "**/v1/integration_templates",
    "/products/{stage.product}/team": "**/v1/products/{stage.product}/team",
    "/products/{stage.product}/customers": "**/v1/products/{stage.product}/customers*",
    "/products/{stage.product}/audit": "**/audit?*",
    "/organizations": "**/v1/orgs",
    "/organizations/{stage.organization}": "**/v1/orgs/{stage.organization}",
    "/account": "**/v1/user/tokens",
    "/plan": "**/v1/user/service_agreements",
    "/server": "**/v1/server",
}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_waits_in_its_shape_fails_in_words_and_comes_back(
    browser: Browser, stage: Stage, path: str
):
    with Journey(browser, stage.origin) as journey:
        journey.expected_statuses = {500, 404}
        journey.sign_in(EMAIL, PASSWORD)
        page, server = journey.page, Server()
        deadline = time.monotonic() + PATIENCE_MS / 1000
        page.route(PAGES[path].format(stage=stage), server.answer)
        page.goto(path.format(stage=stage))
        expect(page.locator(".skeleton").first).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        while not server.held and time.monotonic() < deadline:
            page.wait_for_timeout(50)
        server.fail()
        expect(page.get_by_text("Incident 4711").first).to_be_visible()
        server.is_well = True
        retry = page.get_by_role("button", name="Try again")
        while retry.count() and time.monotonic() < deadline:
            retry.first.click()
            page.wait_for_timeout(300)
        expect(page.get_by_text("Incident 4711")).to_have_count(0)
        expect(page.get_by_role("heading", level=1)).to_be_visible()


class Server:
    """First answers nothing, then fails, then is well."""

    def __init__(self) -> None:
        self.held: list[Route] = []
        self.fails = self.is_well = False

    def answer(self, route: Route) -> None:
        if self.is_well:
            route.continue_()
        elif self.fails:
            route.fulfill(status=500, json=FAILURE)
        else:
            self.held.append(route)

    def fail(self) -> None:
        self.fails = True
        for route in self.held:
            with suppress(PlaywrightError):  # a request that the page gave up meanwhile
                route.fulfill(status=500, json=FAILURE)


FAILURE = {
    "ok": False,
    "error": "internal_error",
    "error_description": "The server failed to answer this request. Incident 4711.",
}


def test_a_server_that_is_gone_is_said_and_a_click_later_it_is_back(browser: Browser, stage: Stage):
    with Journey(browser, stage.origin) as journey:
        journey.sign_in(EMAIL, PASSWORD)
        page = journey.open("/products", "Products")
        page.route("**/v1/**", lambda route: route.abort("connectionrefused"))
        page.get_by_role("link", name="Organizations").click()
        expect(page.get_by_text("The server cannot be reached").first).to_be_visible()
        page.unroute("**/v1/**")
        page.get_by_role("button", name="Try again").first.click()
        expect(page.get_by_role("link", name="Northern Cold Chain")).to_be_visible()
        journey.complaints = [one for one in journey.complaints if "ERR_CONNECTION" not in one]

"""Takes a picture of every page of the console, in both themes and both widths.

``make screenshots`` starts a server with simulated devices and a product, visits every address of
``PAGES`` and writes PNG files to ``screenshots/``.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from tests.browser.journey import Journey
from tests.browser.stage import EMAIL, PASSWORD, Stage, find_chromium, open_stage

TARGET = Path("screenshots")


def pages_of(stage: Stage) -> dict[str, str]:
    """Addresses of pages worth looking at, by the name of their picture."""
    product = f"/products/{stage.product}"
    return {
        "home": "/home",
        "products": "/products",
        "product": product,
        "product-devices": f"{product}/devices",
        "product-device": f"{product}/devices/{stage.devices[0]}",
        "groups": f"{product}/groups",
        "firmware": f"{product}/firmware",
        "rollouts": f"{product}/rollouts",
        "rollout-new": f"{product}/rollouts/new",
        "product-events": f"{product}/events",
        "history": f"{product}/events?view=history",
        "integrations": f"{product}/integrations",
        "team": f"{product}/team",
        "customers": f"{product}/customers",
        "audit": f"{product}/audit",
        "settings": f"{product}/settings",
        "organizations": "/organizations",
        "organization": f"/organizations/{stage.organization}",
        "organization-team": f"/organizations/{stage.organization}/team",
        "devices": "/devices",
        "device": f"/devices/{stage.devices[0]}",
        "events": "/events",
        "account": "/account",
    }


def main() -> int:
    """Takes the pictures; gives the number of pages that have barriers or complaints."""
    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir()
    chromium = find_chromium()
    if chromium is None:
        print("No Chromium is installed.", file=sys.stderr)
        return 2
    found = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        open_stage(Path(folder)) as stage,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for width, theme in ((1280, "light"), (1280, "dark"), (375, "light")):
            journey = Journey(browser, stage.origin, width=width, theme=theme)
            journey.page.goto("/sign-in")
            journey.page.wait_for_load_state("networkidle")
            journey.page.screenshot(path=TARGET / f"sign-in-{width}-{theme}.png")
            journey.sign_in(EMAIL, PASSWORD)
            for name, address in pages_of(stage).items():
                journey.page.goto(address)
                journey.page.get_by_role("heading", level=1).wait_for()
                journey.settle()
                journey.page.wait_for_timeout(1200)
                journey.page.screenshot(path=TARGET / f"{name}-{width}-{theme}.png", full_page=True)
                wrong = [*journey.find_barriers(), *journey.complaints]
                if journey.is_wider_than_its_window():
                    wrong.append("wider than its window")
                journey.complaints.clear()
                found += bool(wrong)
                print(f"{width} {theme} {name}: {'; '.join(wrong) or 'well'}")
        browser.close()
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())

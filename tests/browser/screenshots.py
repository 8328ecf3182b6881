"""Takes a picture of every page of the console, in both themes and both widths.

``make screenshots`` starts a server with simulated devices and a product, visits every address of
``PAGES`` and writes PNG files to ``screenshots/``.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import httpx
from playwright.sync_api import sync_playwright
from tests.browser.journey import Journey
from tests.browser.stage import (
    EMAIL,
    PASSWORD,
    PLATFORM,
    Stage,
    build_image,
    find_chromium,
    open_stage,
)

TARGET = Path("screenshots")


def pages_of(stage: Stage, rollout: str) -> dict[str, str]:
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
        "rollout": f"{product}/rollouts/{rollout}",
        "alerts": f"{product}/alerts",
        "rollout-new": f"{product}/rollouts/new",
        "health": f"{product}/health",
        "product-events": f"{product}/events",
        "history": f"{product}/events?view=history",
        "integrations": f"{product}/integrations",
        "gallery": f"{product}/integrations/new",
        "webhook": f"{product}/integrations/new?from=webhook",
        "template": f"{product}/integrations/new?from=influxdb",
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
        "plan": "/plan",
        "server": "/server",
    }


def furnish(stage: Stage, folder: Path) -> str:
    """Gives the product versions, a group and a rollout to look at; gives the rollout's id."""
    path = f"/v1/products/{stage.product}"
    with stage.server.client(stage.token) as client:
        for version in (1, 2):
            image = build_image(folder, platform=PLATFORM, version=version)
            about = {"version": str(version), "title": f"Cold chain {version}"}
            files = {"file": (image.name, image.read_bytes())}
            _check(client.post(f"{path}/firmware", data=about, files=files))
        _check(
            client.post(f"{path}/groups", json={"name": "brave", "description": "They said yes"})
        )
        chosen = {"action": "groups", "devices": stage.devices[:2], "metadata": {"add": ["brave"]}}
        _check(client.put(f"{path}/devices", json=chosen))
        locked = {"desired_firmware_version": 1, "flash": True}
        _check(client.put(f"{path}/devices/{stage.devices[0]}", json=locked))
        everybody = {"version": 1, "product_default": True, "intelligent": False}
        _check(client.put(f"{path}/firmware/release", json={**everybody, "override_reason": "try"}))
        _watch(client, stage)
        policy = {"stages": ["1", "3"], "holdback": "1", "soak_h": 1}
        wanted = {"version": 2, "policy": policy, "override_reason": "A picture"}
        made = _check(client.post(f"{path}/rollouts", json=wanted))
        return str(made.json()["rollout"]["id"])


def _watch(client: httpx.Client, stage: Stage) -> None:
    """Two rules, one of which fires for a device."""
    path = f"/v1/products/{stage.product}"
    silent = {"name": "Silent fridges", "kind": "offline", "condition": {"for_s": 3600}}
    _check(client.post(f"{path}/alert_rules", json=silent))
    level = {"metric": "memory_used_percent", "above": 0}
    memory = {"name": "Memory runs out", "kind": "vital", "condition": level}
    rule = _check(client.post(f"{path}/alert_rules", json=memory)).json()["rule"]
    _check(client.post(f"{path}/alert_rules/{rule['id']}/test"))
    for device in stage.devices[:3]:
        _check(client.post(f"{path}/diagnostics/{device}/update", timeout=60))


def _check(answer: httpx.Response) -> httpx.Response:
    assert answer.is_success, answer.text
    return answer


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
        rollout = furnish(stage, Path(folder))
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for width, theme in ((1280, "light"), (1280, "dark"), (375, "light")):
            journey = Journey(browser, stage.origin, width=width, theme=theme)
            journey.page.goto("/sign-in")
            journey.page.wait_for_load_state("networkidle")
            journey.page.screenshot(path=TARGET / f"sign-in-{width}-{theme}.png")
            journey.sign_in(EMAIL, PASSWORD)
            for name, address in pages_of(stage, rollout).items():
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

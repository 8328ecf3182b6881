"""How soon the first rows of a list of 100,000 devices stand in the browser.

``python -m tests.browser.measure_list`` imports made-up ids into a fresh server, opens the list of
the product in fresh browser profiles and prints the times; it takes minutes and is no test.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx
from playwright.sync_api import Browser, sync_playwright
from tests.browser.journey import Journey
from tests.browser.stage import EMAIL, PASSWORD, PLATFORM, find_chromium
from tests.system.harness import RoadsteadServer

DEVICES = 100_000
LOADS = 7


def import_devices(client: httpx.Client) -> str:
    """A product with all devices; gives its slug."""
    draft = {"name": "Large", "platform_id": PLATFORM}
    made = client.post("/v1/user/products", json={"product": draft})
    assert made.is_success, made.text
    slug = str(made.json()["product"]["slug"])
    lines = "\n".join(f"e00fce68{number:016x}" for number in range(DEVICES))
    path = f"/v1/products/{slug}/devices?async=true"
    begun = client.post(path, files={"file": ("all.txt", lines.encode())}, timeout=120)
    assert begun.is_success, begun.text
    while True:
        jobs = client.get(f"/v1/products/{slug}/device_imports").json()["device_imports"]
        if jobs[0]["finished_at"] is not None:
            print(f"imported: {jobs[0]['counts']}")
            return slug
        time.sleep(1)


def first_rows_ms(browser: Browser, origin: str, slug: str) -> dict[str, float]:
    """Times of one visit with an empty cache, in ms."""
    with Journey(browser, origin) as journey:
        journey.sign_in(EMAIL, PASSWORD)
        page = journey.page
        times: dict[str, float] = {}

        def take(name: str, step: object) -> None:
            begun = time.perf_counter()
            step()  # type: ignore[operator]
            page.locator("main tbody tr[data-key]").first.wait_for()
            times[name] = (time.perf_counter() - begun) * 1000

        take("first rows", lambda: page.goto(f"/products/{slug}/devices", wait_until="commit"))
        take(
            "last page",
            lambda: page.goto(f"/products/{slug}/devices?page=1000", wait_until="commit"),
        )
        take(
            "search by ID",
            lambda: page.goto(
                f"/products/{slug}/devices?search=e00fce68000000000001869", wait_until="commit"
            ),
        )
        page.goto(f"/products/{slug}/devices")
        page.locator("main tbody tr[data-key]").first.wait_for()
        begun = time.perf_counter()
        page.locator(".table-scroll").evaluate("one => { one.scrollTop = one.scrollHeight; }")
        page.locator(f'main tbody tr[aria-rowindex="{DEVICES + 1}"][data-key]').wait_for()
        times["jump to the last row"] = (time.perf_counter() - begun) * 1000
        return times


def main() -> int:
    """Measures and prints medians."""
    chromium = find_chromium()
    if chromium is None:
        print("No Chromium is installed.", file=sys.stderr)
        return 2
    with (
        tempfile.TemporaryDirectory() as folder,
        RoadsteadServer(Path(folder), rate_limits="off") as server,
        sync_playwright() as playwright,
    ):
        server.create_user(EMAIL, PASSWORD, admin=True)
        with server.client(server.log_in(EMAIL, PASSWORD)) as client:
            slug = import_devices(client)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        loads = [first_rows_ms(browser, server.api_url, slug) for _ in range(LOADS)]
        browser.close()
    for name in loads[0]:
        values = sorted(one[name] for one in loads)
        middle = statistics.median(values)
        print(f"{name}: median {middle:.0f} ms, {values[0]:.0f} to {values[-1]:.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The health of devices and of a fleet, looked at."""

import time

from playwright.sync_api import expect
from tests.browser.journey import Journey
from tests.browser.stage import EMAIL, Stage

HEARD_S = 60


def wait_until_heard(stage: Stage) -> None:
    """Asks the devices for their vitals, until the fleet's sums know of all of them."""
    with stage.server.client(stage.token) as client:
        deadline = time.monotonic() + HEARD_S
        while time.monotonic() < deadline:
            path = f"/v1/products/{stage.product}"
            answer = client.get(f"{path}/fleet_health")
            assert answer.status_code == 200, answer.text
            if answer.json()["health"]["heard"] >= len(stage.devices):
                return
            for device_id in stage.devices:
                client.post(f"{path}/diagnostics/{device_id}/update")
            time.sleep(2)
    raise AssertionError("the devices were not heard of")


def test_a_fleet_s_health_from_the_verdict_to_a_device(signed_in: Journey, stage: Stage):
    wait_until_heard(stage)
    page = signed_in.open(f"/products/{stage.product}/health", "Health")
    now = page.get_by_role("region", name="How are the devices now?")
    expect(now.get_by_role("img", name="Devices by state")).to_be_visible()
    expect(page.get_by_role("region", name="Health by version")).to_be_visible()
    expect(page.get_by_role("heading", name="Which versions run?")).to_be_visible()
    page.get_by_label("Time", exact=True).select_option("30")
    expect(page).to_have_url(f"{signed_in.origin}/products/{stage.product}/health?days=30")
    page.goto(f"/products/{stage.product}/health?product_fw=999")
    expect(page.get_by_role("heading", name="No device matches")).to_be_visible()
    page.get_by_role("button", name="Clear the filters").click()
    expect(now.get_by_role("img", name="Devices by state")).to_be_visible()


def test_the_health_check_of_a_device(signed_in: Journey, stage: Stage):
    wait_until_heard(stage)
    page = signed_in.page
    for address in (
        f"/devices/{stage.devices[0]}",
        f"/products/{stage.product}/devices/{stage.devices[0]}",
    ):
        page.goto(address)
        panel = page.get_by_role("region", name="Health check")
        expect(panel.get_by_role("region", name="Cloud: healthy")).to_be_visible()
        panel.get_by_role("button", name="Run the health check").click()
        expect(panel.get_by_text("Battery charge").first).to_be_visible()


def test_low_thresholds_are_seen_with_advice(signed_in: Journey, stage: Stage):
    wait_until_heard(stage)
    path = f"/v1/products/{stage.product}/health_thresholds"
    with stage.server.client(stage.token) as client:
        strict = {"thresholds": {"memory_used_percent": {"warning": 0.1, "unhealthy": 0.2}}}
        assert client.put(path, json=strict).status_code == 200
        try:
            page = signed_in.page
            page.goto(f"/products/{stage.product}/devices/{stage.devices[0]}")
            panel = page.get_by_role("region", name="Health check")
            expect(panel.get_by_text("Little memory is free.")).to_be_visible()
            expect(panel.get_by_role("region", name="Device: unhealthy")).to_be_visible()
        finally:
            client.put(path, json={"thresholds": None})


def test_a_plan_without_fleet_health_says_so(signed_in: Journey, stage: Stage):
    signed_in.expected_statuses = {403}
    assert stage.server.command("plan", "set", EMAIL, "developer").returncode == 0
    try:
        page = signed_in.page
        page.goto(f"/products/{stage.product}/health")
        expect(page.get_by_role("heading", name="The plan does not include this")).to_be_visible()
    finally:
        assert stage.server.command("plan", "set", EMAIL, "enterprise").returncode == 0

"""Integrations: from the gallery, by a form, with a look at the request before anything is sent."""

import json
import re

from playwright.sync_api import Page, expect
from tests.browser.journey import Journey
from tests.browser.receiver import receiving
from tests.browser.stage import Stage


def test_a_webhook_is_previewed_made_tried_looked_up_and_sent_again(
    signed_in: Journey, stage: Stage
):
    with receiving() as receiver:
        page = signed_in.open(f"/products/{stage.product}/integrations", "Integrations")
        page.get_by_role("link", name="Add an integration").first.click()
        page.get_by_role("button", name="Use it: A webhook of your own").click()
        page.get_by_label("Events whose names begin with").fill("console/")
        page.get_by_label("Address", exact=True).fill(f"{receiver.url}/temperature")
        page.get_by_label("Body").select_option("json")
        page.get_by_label("Template", exact=True).fill('{"degrees": {{{temperature}}}}')
        page.get_by_text("Headers, query, sign-in, response").click()
        page.get_by_label("Leave the usual fields out").check()
        page.get_by_label("Headers, as a JSON object").fill('{"X-Api-Key": "very secret"}')
        preview = page.get_by_role("region", name="Preview")
        preview.get_by_role("button", name="Show the request").click()
        request = preview.get_by_role("region", name="Request")
        expect(request).to_contain_text(f"POST {receiver.url}/temperature")
        expect(request).to_contain_text('{"degrees":21.5}')
        expect(request).to_contain_text("X-Api-Key: [[SENSITIVE]]")
        assert signed_in.find_barriers() == []
        assert receiver.bodies == []

        preview.get_by_label("Data of an event").fill("not json")
        preview.get_by_role("button", name="Show the request").click()
        expect(preview.get_by_role("status")).to_contain_text("It cannot be made")

        page.get_by_role("button", name="Create the webhook").click()
        expect(page.get_by_role("region", name="What was sent")).to_be_visible()
        receiver.status = 410
        _publish(page, stage, "console/1", '{"temperature": 4}')
        sent = page.get_by_role("region", name="What was sent")
        failed = sent.get_by_role("listitem").filter(has_text="console/1")
        expect(failed).to_contain_text("failed", timeout=40_000)
        failed.locator("summary").click()
        expect(failed).to_contain_text("degrees")
        sent.get_by_label("Outcome").select_option("dead")
        expect(page).to_have_url(re.compile("outcome=dead"))

        receiver.status = 200
        sent.get_by_role("button", name="Send all again that failed").click()
        expect(page.get_by_text("It is sent again")).to_be_visible()
        sent.get_by_label("Outcome").select_option("delivered")
        expect(sent.get_by_role("listitem").filter(has_text="console/1")).to_be_visible(
            timeout=40_000
        )
        page.get_by_role("button", name="Delete", exact=True).click()
        page.get_by_role("button", name="Delete the integration").click()
        expect(page.get_by_role("heading", level=1, name="Integrations")).to_be_visible()


def test_a_template_asks_what_it_needs_and_keeps_all_its_settings(signed_in: Journey):
    page = signed_in.open("/integrations/new", "Add an integration")
    page.get_by_role("button", name="Use it: InfluxDB 2").click()
    page.get_by_role("button", name="Create the integration").click()
    expect(page.get_by_text("It is needed.").first).to_be_visible()
    page.get_by_label("Events whose names begin with").fill("fridge/")
    page.get_by_label("url", exact=True).fill("https://influx.example.com:8086")
    page.get_by_label("org", exact=True).fill("cold")
    page.get_by_label("bucket", exact=True).fill("fridges")
    page.get_by_label("token", exact=True).fill("a-secret-token")
    page.get_by_role("button", name="Show the request").click()
    request = page.get_by_role("region", name="Request")
    expect(request).to_contain_text("bucket=fridges")
    expect(request).to_contain_text("temperature=21.5")
    expect(request).not_to_contain_text("a-secret-token")
    page.get_by_role("button", name="Create the integration").click()
    expect(page.get_by_text("Webhook, made from influxdb")).to_be_visible()

    page.get_by_role("button", name="Change", exact=True).click()
    settings = page.get_by_label("Settings")
    changed = json.loads(settings.input_value())
    assert changed["format"] == "influx" and changed["batch"]["maxEvents"] == 500
    settings.fill(json.dumps({**changed, "measurement": "cellar"}))
    page.get_by_role("button", name="Show the request").click()
    expect(page.get_by_role("region", name="Request")).to_contain_text("cellar,device=")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog", name="Change")).to_have_count(0)
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.get_by_label("Settings")).to_have_value(re.compile("cellar"))
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete the integration").click()


def _publish(page: Page, stage: Stage, name: str, data: str) -> None:
    with stage.server.client(stage.token) as client:
        told = client.post(
            f"/v1/products/{stage.product}/events",
            json={"name": name, "data": data, "private": True},
        )
        assert told.is_success, told.text

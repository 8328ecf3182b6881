"""Alerts: a rule is written and tried, an alert fires, somebody looks after it."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.journey import Journey
from tests.browser.stage import EMAIL, PASSWORD, Stage


@pytest.fixture
def no_rules(stage: Stage) -> None:
    """The product of the stage has no rule, whatever a test before left."""
    path = f"/v1/products/{stage.product}/alert_rules"
    with stage.server.client(stage.token) as client:
        for rule in client.get(path).json()["rules"]:
            assert client.delete(f"{path}/{rule['id']}").is_success


def send_vitals(stage: Stage) -> None:
    """A device of the product gives its vitals."""
    with stage.server.client(stage.token) as client:
        answer = client.post(
            f"/v1/products/{stage.product}/diagnostics/{stage.devices[0]}/update", timeout=60
        )
        assert answer.is_success, answer.text


def choose(page: Page, menu: str | re.Pattern[str], item: str) -> None:
    page.get_by_role("button", name=menu).click()
    page.get_by_role("menuitem", name=item).click()


@pytest.mark.usefixtures("no_rules")
def test_a_rule_is_written_and_its_alert_looked_after(
    browser: Browser, stage: Stage, look: tuple[int, str]
):
    width, theme = look
    with Journey(browser, stage.origin, width=width, theme=theme) as journey:
        journey.sign_in(EMAIL, PASSWORD)
        page = journey.open(f"/products/{stage.product}/alerts", "Alerts")
        expect(page.get_by_text("Nothing fires.")).to_be_visible()
        expect(page.get_by_text("There is no rule yet")).to_be_visible()
        assert journey.find_barriers() == []

        page.get_by_role("button", name="Write the first rule").click()
        dialog = page.get_by_role("dialog", name="Write a rule")
        dialog.get_by_role("button", name="Turn the rule on").click()
        expect(dialog.get_by_text("Give it a name.")).to_be_visible()
        dialog.get_by_label("Name").fill("Memory")
        dialog.get_by_label("When").select_option("vital")
        dialog.get_by_label("Which number").select_option("memory_used_percent")
        dialog.get_by_label("Is", exact=True).select_option("above")
        dialog.get_by_label("Level, in %").fill("0")
        dialog.get_by_label("For at least, in minutes").fill("0")
        assert journey.find_barriers() == []
        dialog.get_by_role("button", name="How many match now?").click()
        expect(dialog.get_by_role("status")).to_contain_text("now")
        dialog.get_by_role("button", name="Turn the rule on").click()
        rules = page.get_by_role("region", name="Who is told of what?")
        expect(rules).to_contain_text("Memory used above 0 %")
        if width > 1000:
            expect(rules.get_by_role("row", name="Memory")).to_contain_text(EMAIL)
            expect(rules.get_by_role("row", name="Memory")).to_contain_text("never")

        send_vitals(stage)
        firing = page.get_by_role("region", name="What fires now?")
        row = firing.get_by_role("row", name="Memory")
        expect(row).to_contain_text("open")
        assert journey.find_barriers() == []
        assert not journey.is_wider_than_its_window()
        actions = re.compile("^Actions for .*, Memory$")
        choose(page, actions, "Acknowledge")
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Note").fill("I look at it")
        assert journey.find_barriers() == []
        dialog.get_by_role("button", name="Acknowledge").click()
        expect(row).to_contain_text("acknowledged")
        choose(page, actions, "Resolve")
        page.get_by_role("dialog").get_by_role("button", name="Resolve").click()
        expect(page.get_by_text("Nothing fires.")).to_be_visible()
        firing.get_by_label("State").select_option("resolved")
        expect(row.first).to_contain_text("resolved")
        assert "state=resolved" in page.url

        choose(page, "Actions for Memory", "Send a test")
        expect(page.get_by_text(f"A test goes to {EMAIL}")).to_be_visible()
        if width > 1000:
            expect(rules.get_by_role("row", name="Memory")).not_to_contain_text("never")
        choose(page, "Actions for Memory", "Delete")
        page.get_by_role("dialog").get_by_role("button", name="Delete the rule").click()
        expect(page.get_by_text("There is no rule yet")).to_be_visible()


@pytest.mark.usefixtures("no_rules")
def test_a_rule_that_cannot_be_meant_is_refused_in_words(signed_in: Journey, stage: Stage):
    signed_in.expected_statuses = {400}
    page = signed_in.open(f"/products/{stage.product}/alerts", "Alerts")
    page.get_by_role("button", name="Write a rule").click()
    dialog = page.get_by_role("dialog", name="Write a rule")
    dialog.get_by_label("Name").fill("Silent")
    dialog.get_by_text("Only some devices").click()
    dialog.get_by_label("Groups").fill("nobody")
    dialog.get_by_role("button", name="Turn the rule on").click()
    expect(dialog.get_by_role("alert")).to_contain_text("no group is named nobody")
    dialog.get_by_label("Groups").fill("")
    dialog.get_by_role("button", name="Turn the rule on").click()
    rules = page.get_by_role("region", name="Who is told of what?")
    expect(rules).to_contain_text("offline for 1 h")
    page.get_by_role("button", name="Actions for Silent").click()
    page.get_by_role("menuitem", name="Turn off").click()
    expect(rules.get_by_text("off", exact=True)).to_be_visible()


@pytest.mark.usefixtures("no_rules")
def test_home_and_the_product_say_what_fires(signed_in: Journey, stage: Stage):
    path = f"/v1/products/{stage.product}/alert_rules"
    rule = {
        "name": "Running",
        "kind": "vital",
        "condition": {"metric": "memory_used_percent", "above": 0},
    }
    with stage.server.client(stage.token) as client:
        assert client.post(path, json=rule).status_code == 201
    send_vitals(stage)
    page = signed_in.open("/home", "Home")
    firing = page.get_by_role("region", name="What fires now?")
    expect(firing).to_contain_text("1 open alert", timeout=60_000)
    firing.get_by_role("link").click()
    fires = page.get_by_role("region", name="What fires now?")
    expect(fires.get_by_role("row", name="Running")).to_be_visible()
    page.goto(f"/products/{stage.product}")
    expect(page.get_by_role("term").filter(has_text="Open alerts")).to_be_visible()
    page.locator(".tile", has_text="Open alerts").get_by_role("link").click()
    expect(fires.get_by_role("row", name="Running")).to_contain_text("open")

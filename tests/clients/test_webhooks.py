"""Webhooks and integrations by the official clients."""

import asyncio
import json
import re

import httpx
import pytest
from tests.builders.hooks import open_receiver

pytestmark = pytest.mark.system


@pytest.fixture
async def receiver():
    async with open_receiver() as receiver:
        yield receiver


async def remove_all(server, token):
    with server.client(token) as client:
        for hook in client.get("/v1/integrations").json():
            assert client.delete(f"/v1/integrations/{hook['id']}").status_code == 204


async def publish(server, token, name):
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(
            f"{server.api_url}/v1/devices/events",
            headers={"Authorization": f"Bearer {token}"},
            json={"name": name, "data": "21.5"},
        )
        assert answer.status_code == 200


async def test_the_cli_makes_lists_and_removes_webhooks(server, jos_cli, jo, receiver):
    said = await jos_cli.ok("webhook", "create", "cli_temp", "https://example.com/hook")
    assert "Successfully created webhook" in said
    hook_id = re.search("[0-9a-f]{24}", said)[0]
    listed = await jos_cli.ok("webhook", "list")
    assert hook_id in listed
    assert "cli_temp" in listed
    assert hook_id in await jos_cli.ok("integration", "list")
    await jos_cli.ok("webhook", "delete", hook_id)
    assert hook_id not in await jos_cli.ok("webhook", "list")
    assert "There is no integration" in await jos_cli.fails("webhook", "delete", hook_id)


@pytest.mark.parametrize("verb", ["GET", "POST"])
async def test_the_cli_makes_webhooks_by_verb(server, jos_cli, jo, verb):
    device_id = "0123456789abcdef01234567"
    await jos_cli.ok("webhook", verb, "cli_verb", "https://example.com/hook", device_id)
    with server.client(jo.token) as client:
        (hook,) = client.get("/v1/integrations").json()
    assert (hook["requestType"], hook["deviceID"]) == (verb, device_id)
    await remove_all(server, jo.token)


async def test_the_cli_makes_an_integration_of_a_file(server, jos_cli, jo, tmp_path):
    file = tmp_path / "hook.json"
    file.write_text(
        json.dumps(
            {
                "event": "cli_file",
                "url": "https://example.com/{{PARTICLE_DEVICE_ID}}",
                "requestType": "PUT",
                "json": {"v": "{{{PARTICLE_EVENT_VALUE}}}"},
                "headers": {"Authorization": "Bearer secret-word"},
                "noDefaults": True,
                "rejectUnauthorized": True,
            }
        )
    )
    await jos_cli.ok("integration", "create", str(file))
    with server.client(jo.token) as client:
        (hook,) = client.get("/v1/integrations").json()
    assert hook["json"] == {"v": "{{{PARTICLE_EVENT_VALUE}}}"}
    assert hook["headers"] == {"Authorization": "[[SENSITIVE]]"}
    await remove_all(server, jo.token)


async def test_what_the_server_refuses_the_cli_shows(jos_cli, tmp_path):
    file = tmp_path / "hook.json"
    file.write_text(json.dumps({"event": "x", "url": "https://x", "json": {"a": "{{#b}}"}}))
    assert "the template is malformed" in await jos_cli.fails("integration", "create", str(file))


async def test_api_js_webhooks(server, api, jo):
    settings = {
        "event": "js_hook",
        "url": "https://example.com/hook",
        "device": "0123456789abcdef01234567",
        "rejectUnauthorized": False,
        "noDefaults": True,
        "hook": {
            "method": "PUT",
            "auth": {"username": "a", "password": "b-secret"},
            "headers": {"X-One": "1"},
            "query": {"q": "1"},
            "json": {"a": "{{v}}"},
            "responseTemplate": "{{x}}",
            "responseEvent": "r",
            "errorResponseEvent": "e",
        },
    }
    made = await api.call("createWebhook", jo.token, **settings)
    assert made["ok"] is True
    listed = await api.call("listWebhooks", jo.token)
    hook = next(one for one in listed if one["id"] == made["id"])
    assert hook["auth"] == {"username": "a", "password": "[[SENSITIVE]]"}
    assert (hook["rejectUnauthorized"], hook["responseTopic"]) == (False, "r")
    await api.call("deleteWebhook", jo.token, hookId=made["id"])
    assert (await api.refusal("deleteWebhook", jo.token, hookId=made["id"])).status == 404


async def test_api_js_integrations(server, api, jo):
    url = "https://example.com/hook"
    made = await api.call(
        "createIntegration",
        jo.token,
        event="js_one",
        settings={"integration_type": "Webhook", "url": url, "requestType": "POST"},
    )
    changed = await api.call(
        "editIntegration",
        jo.token,
        integrationId=made["id"],
        event="js_two",
        settings={"url": url + "/2"},
    )
    assert changed["integration"]["url"] == url + "/2"
    listed = await api.call("listIntegrations", jo.token)
    assert [one["event"] for one in listed if one["id"] == made["id"]] == ["js_two"]
    await api.call("deleteIntegration", jo.token, integrationId=made["id"])


async def test_api_js_integrations_of_a_product(server, api, jo):
    with server.client(jo.token) as client:
        body = {"product": {"name": "Hooked kettles", "platform_id": 12}}
        product = client.post("/v1/user/products", json=body).json()["product"]
    where = {"product": product["slug"]}
    made = await api.call(
        "createIntegration",
        jo.token,
        event="p",
        settings={"integration_type": "Webhook", "url": "https://example.com"},
        **where,
    )
    listed = await api.call("listIntegrations", jo.token, **where)
    assert [one["id"] for one in listed] == [made["id"]]
    assert [one["id"] for one in await api.call("listWebhooks", jo.token, **where)] == [made["id"]]
    await api.call("deleteIntegration", jo.token, integrationId=made["id"], **where)


async def test_a_stream_of_the_client_shows_what_became_of_it(server, api, jo, receiver):
    """The server may not reach this machine: the refusal is seen as an event, too."""
    stream = await api.stream(jo.token, deviceId="mine", name="hook-error")
    made = await api.call(
        "createIntegration",
        jo.token,
        event="js_seen",
        settings={"integration_type": "Webhook", "url": receiver.url},
    )
    await publish(server, jo.token, "js_seen")
    event = await asyncio.wait_for(stream.next(), 10)
    assert event["name"] == "hook-error/js_seen/0"
    assert event["data"] == "the address of the host is not a public one"
    assert event["coreid"] == "particle-internal"
    assert receiver.taken == []
    await api.call("deleteIntegration", jo.token, integrationId=made["id"])

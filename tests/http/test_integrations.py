"""Integrations and deliveries through the API, against a receiver on a real socket."""

import asyncio

import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook
from tests.builders.cloud import Cloud, Person
from tests.builders.hooks import open_receiver


@pytest.fixture
async def receiver():
    async with open_receiver() as receiver:
        yield receiver


async def create(person: Person, path="/v1/integrations", status=201, **what):
    answer = await person.client.post(path, json=what)
    assert answer.status_code == status, answer.text
    return answer.json()


async def publish(person: Person, name="temp", data="21.5"):
    answer = await person.client.post("/v1/devices/events", json={"name": name, "data": data})
    assert answer.status_code == 200, answer.text


async def ended(person: Person, hook_id: str, count=1, **query):
    async with asyncio.timeout(15):
        while True:
            page = (
                await person.client.get(f"/v1/integrations/{hook_id}/deliveries", params=query)
            ).json()
            if sum(one["state"] == "done" for one in page["deliveries"]) >= count:
                return page["deliveries"]
            await asyncio.sleep(0.03)


async def test_a_webhook_is_made_and_gets_events(jo: Person, receiver):
    made = await create(jo, event="temp", url=receiver.url, integration_type="Webhook")
    assert made["ok"] is True
    assert (made["event"], made["url"]) == ("temp", receiver.url)
    assert made["name"] == "temp for 127.0.0.1"
    assert made["hookUrl"] == f"http://cloud.test:8080/v1/integrations/{made['id']}"
    await publish(jo)
    (delivery,) = await ended(jo, made["id"])
    assert (delivery["outcome"], delivery["attempts"]) == ("delivered", 1)
    assert delivery["event"]["data"] == "21.5"
    assert delivery["request"]["url"] == receiver.url
    path = f"/v1/integrations/{made['id']}/deliveries/{delivery['id']}"
    assert (await jo.client.get(path)).json()["delivery"] == delivery
    whole = (await jo.client.get(f"/v1/integrations/{made['id']}")).json()["integration"]
    assert [one["id"] for one in whole["logs"]] == [delivery["id"]]
    assert (whole["errors"], whole["breaker"]["state"]) == ([], "closed")
    assert whole["hosts"]["127.0.0.1"]["successes"] == 1


@pytest.mark.parametrize(
    ("what", "word"),
    [
        ({}, "'event' is missing"),
        ({"event": "x"}, "'url' is missing"),
        ({"event": "x" * 65, "url": "http://a"}, "event has more than 64 bytes"),
        ({"event": "x", "url": "ftp://a"}, "url must begin with http:// or https://"),
        ({"event": "x", "url": "http://"}, "url must begin with"),
        ({"event": "x", "url": "http://a:b/"}, "url is no valid URL"),
        ({"event": "x", "url": "http://a", "requestType": "FETCH"}, "requestType"),
        ({"event": "x", "url": "http://a", "json": {}, "form": {}}, "exclude each other"),
        ({"event": "x", "url": "http://a", "json": {"a": "{{#b}}"}}, "json: the template is mal"),
        ({"event": "x", "url": "http://a", "deviceID": "blue"}, "deviceID 'blue'"),
        ({"event": "x", "url": "http://a", "maxAttempts": 21}, "maxAttempts"),
        ({"event": "x", "url": "http://a", "batch": {"maxEvents": 0}}, "batch.maxEvents"),
        ({"event": "x", "url": "http://a", "qos": 1}, "'qos' is no setting"),
        ({"event": "x", "url": "http://a", "headers": "X: 1"}, "headers"),
        ({"event": "x", "url": "http://a", "integration_type": "Carrier"}, "integration_type"),
        ({"event": "x", "template": "no-such"}, "there is no template 'no-such'"),
        ({"event": "x", "template": "influxdb", "parameters": {}}, "needs 'url'"),
        ({"event": "x", "template": "../mqtt"}, "there is no template"),
    ],
)
async def test_what_is_wrong_is_said(jo: Person, what, word):
    answer = await create(jo, status=400, **what)
    assert answer["error"] == "bad_integration"
    assert word in answer["error_description"]


async def test_kinds_that_are_not_offered_say_so(jo: Person):
    answer = await create(
        jo, status=501, event="x", integration_type="GoogleCloudPubSub", topic="t"
    )
    assert answer["error"] == "not_offered"


async def test_secrets_do_not_come_back_and_may_be_sent_back(jo: Person, receiver):
    made = await create(
        jo,
        event="temp",
        url=receiver.url + "?access_token=tok&x=1",
        auth={"username": "u", "password": "pass-word"},
        headers={"X-Api-Key": "k-e-y", "X-Plain": "plain"},
    )
    path = f"/v1/integrations/{made['id']}"
    shown = (await jo.client.get("/v1/integrations")).json()[0]
    assert shown["auth"] == {"username": "u", "password": "[[SENSITIVE]]"}
    assert shown["headers"] == {"X-Api-Key": "[[SENSITIVE]]", "X-Plain": "plain"}
    assert shown["url"] == receiver.url + "?access_token=[[SENSITIVE]]&x=1"
    answer = await jo.client.put(path, json={**shown, "name": "renamed"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["integration"]["name"] == "renamed"
    await publish(jo)
    await ended(jo, made["id"])
    (taken,) = receiver.taken
    assert taken.headers["x-api-key"] == "k-e-y"
    assert taken.headers["authorization"] == "Basic dTpwYXNzLXdvcmQ="
    assert taken.query == {"access_token": "tok", "x": "1"}


async def test_a_put_replaces_and_disabled_alone_switches(jo: Person, receiver):
    made = await create(jo, event="temp", url=receiver.url, headers={"X-One": "1"})
    path = f"/v1/integrations/{made['id']}"
    answer = await jo.client.put(path, json={"event": "temp", "url": receiver.url + "/2"})
    assert "headers" not in answer.json()["integration"]
    assert (await jo.client.put(path, json={"disabled": True})).json()["integration"]["disabled"]
    await publish(jo)
    await jo.client.put(path, json={"disabled": False})
    await publish(jo, data="second")
    await ended(jo, made["id"])
    assert [one.path for one in receiver.taken] == ["/hook/2"]
    assert b"second" in receiver.taken[0].body
    assert (await jo.client.put(path, json={})).status_code == 400


async def test_it_is_removed(jo: Person, receiver):
    made = await create(jo, event="temp", url=receiver.url)
    path = f"/v1/integrations/{made['id']}"
    assert (await jo.client.delete(path)).status_code == 204
    await publish(jo)
    assert (await jo.client.delete(path)).status_code == 404
    assert (await jo.client.get("/v1/integrations")).json() == []
    assert receiver.taken == []


async def test_others_see_nothing(jo: Person, stranger: Person, receiver):
    made = await create(jo, event="temp", url=receiver.url)
    await publish(jo)
    (delivery,) = await ended(jo, made["id"])
    assert (await stranger.client.get("/v1/integrations")).json() == []
    assert (await stranger.client.get("/v1/integrations/deliveries")).json()["deliveries"] == []
    path = f"/v1/integrations/{made['id']}"
    for method, below, body in (
        ("GET", "", None),
        ("PUT", "", {"disabled": True}),
        ("DELETE", "", None),
        ("POST", "/test", {}),
        ("GET", "/secret", None),
        ("POST", "/secret", None),
        ("POST", "/reset", None),
        ("GET", "/deliveries", None),
        ("POST", "/deliveries/replay", {}),
        ("GET", f"/deliveries/{delivery['id']}", None),
        ("POST", f"/deliveries/{delivery['id']}/replay", None),
    ):
        answer = await stranger.client.request(method, path + below, json=body)
        assert answer.status_code == 404, (method, below)
        assert answer.json()["error"] == "integration_not_found"
    theirs = await create(stranger, event="temp", url=receiver.url)
    path = f"/v1/integrations/{theirs['id']}/deliveries/{delivery['id']}"
    assert (await stranger.client.get(path)).status_code == 404
    assert (await stranger.client.post(path + "/replay")).status_code == 404


async def test_the_test_call(jo: Person, receiver):
    made = await create(jo, event="temp", url=receiver.url)

    async def answer(request):
        return web.Response(text="hello", status=200 if b"good" in request.body else 404)

    receiver.answer = answer
    path = f"/v1/integrations/{made['id']}/test"
    passed = (await jo.client.post(path, json={"data": "good"})).json()
    assert (passed["pass"], passed["data"]) == (True, "hello")
    failed = (await jo.client.post(path)).json()
    assert (failed["pass"], failed["error"]) == (False, "error status 404 from host")
    assert b"data=test-event&coreid=api" in receiver.taken[1].body
    outcomes = [one["outcome"] for one in await ended(jo, made["id"], 2)]
    assert outcomes == ["failed", "delivered"]


async def test_dead_letters_are_found_and_sent_again(jo: Person, receiver):
    made = await create(jo, event="temp", url=receiver.url, maxAttempts=1, breakerFailures=0)
    path = f"/v1/integrations/{made['id']}/deliveries"

    async def refuse(request):
        return web.Response(status=500)

    async def take(request):
        return web.Response()

    receiver.answer = refuse
    for number in range(6):
        await publish(jo, "temp/a" if number % 2 else "temp/b", str(number))
    dead = await ended(jo, made["id"], 6, outcome="dead")
    assert [one["event"]["data"] for one in dead] == ["5", "4", "3", "2", "1", "0"]
    first = (await jo.client.get(path, params={"limit": 4})).json()
    second = (await jo.client.get(path, params={"limit": 4, "cursor": first["next_cursor"]})).json()
    both = first["deliveries"] + second["deliveries"]
    assert [one["id"] for one in both] == [one["id"] for one in dead]
    assert second["next_cursor"] is None
    receiver.answer = take
    again = await jo.client.post(f"{path}/{dead[0]['id']}/replay")
    assert again.json() == {"replayed": 1, "more": False, "ok": True}
    await ended(jo, made["id"], 1, outcome="delivered")
    answer = await jo.client.post(f"{path}/replay", json={"event": "temp/a"})
    assert answer.json()["replayed"] == 2
    await ended(jo, made["id"], 3, outcome="delivered")
    answer = await jo.client.post(f"{path}/replay")
    assert answer.json()["replayed"] == 3
    await ended(jo, made["id"], 6, outcome="delivered")
    assert set(receiver.counted().values()) == {2}
    mine = (await jo.client.get("/v1/integrations/deliveries", params={"event": "temp/b"})).json()
    assert len(mine["deliveries"]) == 3


@pytest.mark.parametrize(
    "query",
    [{"outcome": "odd"}, {"device": "blue"}, {"after": "noon"}, {"limit": "0"}, {"limit": "101"},
     {"cursor": "x"}],
)  # fmt: skip
async def test_a_filter_that_is_wrong(jo: Person, query):
    answer = await jo.client.get("/v1/integrations/deliveries", params=query)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_the_secret_signs_and_is_replaced(jo: Person, receiver):
    made = await create(jo, event="temp", url=receiver.url, json={"a": "{{data}}"})
    path = f"/v1/integrations/{made['id']}/secret"
    old = (await jo.client.get(path)).json()
    assert old["previous_until"] is None
    new = (await jo.client.post(path)).json()
    assert new["secret"] != old["secret"]
    assert new["previous_until"] == "2026-01-02T00:00:00.000Z"
    assert (await jo.client.get(path)).json() == new
    await publish(jo)
    await ended(jo, made["id"])
    (taken,) = receiver.taken
    signatures = taken.headers["webhook-signature"].split()
    assert len(signatures) == 2
    moment = int(taken.headers["webhook-timestamp"])
    assert moment == 1767225600  # the clock of this cloud stands still, so no verifier's does
    from datetime import UTC, datetime

    for secret, signature in zip((new, old), signatures, strict=True):
        made_by_reference = Webhook(secret["secret"]).sign(
            taken.headers["webhook-id"], datetime.fromtimestamp(moment, UTC), taken.body.decode()
        )
        assert signature == made_by_reference


async def test_a_products_integrations(cloud: Cloud, jo: Person, stranger: Person, receiver):
    product = (
        await jo.client.post(
            "/v1/user/products", json={"product": {"name": "Fridges", "platform_id": 13}}
        )
    ).json()["product"]
    path = f"/v1/products/{product['slug']}/integrations"
    made = await create(jo, path, event="temp", url=receiver.url, json={"p": "{{PRODUCT_ID}}"})
    assert made["hookUrl"].endswith(f"/v1/products/{product['id']}/integrations/{made['id']}")
    assert (await jo.client.get("/v1/integrations")).json() == []
    assert len((await jo.client.get(path)).json()) == 1
    assert (await stranger.client.get(path)).status_code == 404
    assert (await jo.client.get(f"/v1/integrations/{made['id']}")).status_code == 404
    cloud.ingest.accept(
        name="temp",
        payload=b"1",
        content_format=None,
        ttl_s=60,
        source="device",
        device_id="e00fce68" + "0" * 16,
        owner_id=None,
        product_id=product["id"],
        firmware_version=0,
    )
    async with asyncio.timeout(5):
        while not receiver.taken:
            await asyncio.sleep(0.01)
    assert receiver.taken[0].json["p"] == str(product["id"])
    assert (await jo.client.get(f"{path}/deliveries")).json()["deliveries"]


async def test_the_older_paths(jo: Person, receiver):
    made = await create(
        jo,
        "/v1/webhooks",
        event="temp",
        url=receiver.url,
        deviceId="0123456789ABCDEF01234567",
        requestType="put",
    )
    assert made["integration_type"] == "Webhook"
    (shown,) = (await jo.client.get("/v1/webhooks")).json()
    assert (shown["deviceID"], shown["requestType"]) == ("0123456789abcdef01234567", "PUT")
    got = (await jo.client.get(f"/v1/webhooks/{made['id']}")).json()
    assert got["webhook"]["id"] == made["id"]
    assert (await jo.client.delete(f"/v1/webhooks/{made['id']}")).status_code == 204


async def test_templates_that_come_along_and_one_that_a_person_added(
    cloud: Cloud, jo: Person, receiver, key_folder
):
    names = [one["name"] for one in (await jo.client.get("/v1/integration_templates")).json()]
    assert {"influxdb", "influxdb1", "http-batch", "http-lines", "mqtt"} <= set(names)
    folder = key_folder / "templates"
    folder.mkdir(exist_ok=True)
    (folder / "mine.toml").write_text(
        'title = "Mine"\n[parameters.path]\nmeaning = "Where"\n'
        f'[settings]\nurl = "{receiver.url}/${{path}}"\nrequestType = "PUT"\n'
    )
    (folder / "broken.toml").write_text("title = ")
    try:
        templates = (await jo.client.get("/v1/integration_templates")).json()
        assert "mine" in [one["name"] for one in templates]
        assert "broken" not in [one["name"] for one in templates]
        made = await create(jo, event="temp", template="mine", parameters={"path": "x"})
        await publish(jo)
        await ended(jo, made["id"])
    finally:
        (folder / "mine.toml").unlink()
        (folder / "broken.toml").unlink()
    assert (receiver.taken[0].method, receiver.taken[0].path) == ("PUT", "/hook/x")


async def test_the_line_protocol_by_template(jo: Person, cloud: Cloud, receiver):
    parameters = {
        "url": f"http://127.0.0.1:{receiver.port}",
        "org": "my org",
        "bucket": "b",
        "token": "influx-token",
    }
    made = await create(
        jo, event="temp", template="influxdb", parameters=parameters, batch={"maxWaitMs": 0}
    )
    await publish(jo, "temp 1", '{"t": 21, "ok": true, "w": "a \\"b\\"", "in": {"x": 1.5}}')
    await ended(jo, made["id"])
    (taken,) = receiver.taken
    assert taken.query == {"org": "my org", "bucket": "b", "precision": "ms"}
    assert taken.headers["authorization"] == "Token influx-token"
    assert taken.body.decode() == (
        'temp\\ 1,device=api t=21.0,ok=true,w="a \\"b\\"",in.x=1.5 1767225600000'
    )


async def test_there_is_a_limit(jo: Person, receiver):
    for _ in range(100):
        await create(jo, event="x", url=receiver.url)
    answer = await create(jo, status=409, event="x", url=receiver.url)
    assert answer["error"] == "too_many_integrations"


async def test_the_breaker_is_seen_and_reset(jo: Person, receiver):
    made = await create(jo, event="temp", url=receiver.url, breakerFailures=1, maxAttempts=20)
    path = f"/v1/integrations/{made['id']}"

    async def refuse(request):
        return web.Response(status=500)

    receiver.answer = refuse
    await publish(jo)
    async with asyncio.timeout(5):
        while True:
            shown = (await jo.client.get(path)).json()["integration"]
            if shown["breaker"]["state"] == "open":
                break
            await asyncio.sleep(0.01)
    assert shown["breaker"]["until"] > "2026"
    assert (await jo.client.post(f"{path}/reset")).json() == {"ok": True}
    async with asyncio.timeout(5):
        while (await jo.client.get(path)).json()["integration"]["breaker"]["state"] == "open":
            await asyncio.sleep(0.01)


async def test_an_account_that_ends_takes_its_integrations_along(cloud: Cloud, receiver):
    kim = await cloud.person("kim@example.com")
    await create(kim, event="temp", url=receiver.url)
    answer = await kim.client.request(
        "DELETE", "/v1/user", json={"password": "correct horse battery"}
    )
    assert answer.status_code == 200, answer.text
    async with asyncio.timeout(5):
        while len(cloud.parts.integrations.engine._hooks):
            await asyncio.sleep(0.01)

"""The bridge to a real broker: events out, commands in, TLS, and a broker that goes away."""

import asyncio
import contextlib
import json
import ssl

import aiomqtt
import pytest
from tests.builders.broker import MOSQUITTO, open_broker
from tests.builders.cloud import Cloud, Person

pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="needs the program mosquitto")


@contextlib.asynccontextmanager
async def listening(broker, topic="#"):
    """A client of the broker and the messages that it gets."""
    messages = asyncio.Queue()
    tls = ssl.create_default_context(cadata=broker.ca) if broker.ca else None
    async with aiomqtt.Client("localhost", broker.port, tls_context=tls) as client:
        await client.subscribe(topic, qos=1)

        async def follow():
            async for message in client.messages:
                messages.put_nowait((str(message.topic), message.payload.decode()))

        following = asyncio.create_task(follow())
        try:
            yield client, messages
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


async def bridge(person: Person, broker, **what):
    parameters = {"url": broker.url, "prefix": "rs"}
    body = {"event": "", "template": "mqtt", "parameters": parameters, **what}
    body["event"] = what.get("event", "t")
    if broker.ca:
        body.setdefault("ca", broker.ca)
    answer = await person.client.post("/v1/integrations", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def connected(cloud: Cloud, count=1):
    async with asyncio.timeout(20):
        while cloud.integrating.mqtt.connected != count:
            await asyncio.sleep(0.02)


async def publish(person: Person, name, data):
    answer = await person.client.post("/v1/devices/events", json={"name": name, "data": data})
    assert answer.status_code == 200


@pytest.mark.parametrize("tls", [False, True])
async def test_events_go_out_and_calls_come_in(cloud: Cloud, jo: Person, tmp_path, tls):
    device_id, _ = await cloud.claimed(jo, functions={"led": lambda argument: len(argument)})
    async with open_broker(tmp_path, tls=tls) as broker:
        made = await bridge(jo, broker)
        assert "integrationUrl" in made
        await connected(cloud)
        async with listening(broker) as (client, messages):
            await publish(jo, "temp", "21.5")
            topic, text = await asyncio.wait_for(messages.get(), 5)
            assert topic == "rs/api/events/temp"
            assert json.loads(text)["data"] == "21.5"
            await client.publish(f"rs/{device_id}/call/led", "four", qos=1)
            await asyncio.wait_for(messages.get(), 5)
            topic, text = await asyncio.wait_for(messages.get(), 5)
            assert topic == f"rs/{device_id}/result/led"
            assert json.loads(text) == {
                "device": device_id,
                "function": "led",
                "ok": True,
                "return_value": 4,
            }
            foreign = "f" * 24
            await client.publish(f"rs/{foreign}/call/led", "x", qos=1)
            await asyncio.wait_for(messages.get(), 5)
            topic, text = await asyncio.wait_for(messages.get(), 5)
            assert (topic, json.loads(text)["error"]) == (
                f"rs/{foreign}/result/led",
                "device_not_found",
            )
            await client.publish("rs/publish/hello", "world", qos=1)
            await client.publish("rs/publish/spark", "no", qos=1)
            async with asyncio.timeout(5):
                while True:
                    page = await jo.client.get(
                        f"/v1/integrations/{made['id']}/deliveries", params={"outcome": "delivered"}
                    )
                    if page.json()["deliveries"]:
                        break
                    await asyncio.sleep(0.02)
        (delivery,) = page.json()["deliveries"]
        assert delivery["request"]["topic"] == "rs/api/events/temp"


async def test_a_broker_that_goes_away_loses_nothing(cloud: Cloud, jo: Person, tmp_path):
    async with open_broker(tmp_path) as broker:
        made = await bridge(jo, broker, maxAttempts=20, breakerFailures=0, ordered=True)
        await connected(cloud)
        await broker.stop()
        for number in range(5):
            await publish(jo, "temp", str(number))
        await broker.start()
        async with listening(broker) as (_, messages):
            seen = [json.loads((await asyncio.wait_for(messages.get(), 30))[1])["data"]]
            while len(seen) < 5:
                seen.append(json.loads((await asyncio.wait_for(messages.get(), 30))[1])["data"])
        assert seen == ["0", "1", "2", "3", "4"]
        await connected(cloud)
        path = f"/v1/integrations/{made['id']}"
        await jo.client.put(path, json={"disabled": True})
        await connected(cloud, 0)
        await jo.client.put(path, json={"disabled": False})
        await connected(cloud, 1)
        await jo.client.delete(path)
        await connected(cloud, 0)


async def test_a_certificate_that_is_not_good(cloud: Cloud, jo: Person, tmp_path):
    async with open_broker(tmp_path, tls=True) as broker:
        made = await bridge(jo, broker, ca=None)
        async with asyncio.timeout(60):
            # Until it has tried once, the bridge can only say that there is no connection.
            while True:
                answer = await jo.client.post(f"/v1/integrations/{made['id']}/test")
                assert answer.json()["pass"] is False
                if answer.json()["error"] != "no connection to the broker":
                    break
        assert "certificate" in answer.json()["error"].lower()
        lax = await bridge(jo, broker, ca=None, rejectUnauthorized=False)
        await connected(cloud, 1)
        assert (await jo.client.post(f"/v1/integrations/{lax['id']}/test")).json()["pass"] is True


@pytest.mark.parametrize(
    ("what", "word"),
    [
        ({"url": "http://x"}, "url must begin with mqtt:// or mqtts://"),
        ({"topic": "a/#"}, "without + and #"),
        ({"callTopic": "a/{device}"}, "callTopic must have {device} and {function}"),
        ({"publishTopic": "a/{event}/+"}, "publishTopic may have no other"),
        ({"qos": 2}, "qos must be 0 or 1"),
        ({"json": {}}, "'json' is no setting"),
    ],
)
async def test_what_is_wrong_is_said(jo: Person, what, word):
    body = {"integration_type": "Mqtt", "event": "t", "url": "mqtt://x", "topic": "t", **what}
    answer = await jo.client.post("/v1/integrations", json=body)
    assert answer.status_code == 400
    assert word in answer.json()["error_description"]

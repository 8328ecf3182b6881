"""particle-api-js does all it can do with devices and events against a real server."""

import asyncio
import re
from random import Random

import pytest
from tests.clients.particle_api import ParticleError

from roadstead.simulator.firmware import Publication
from roadstead.simulator.identity import make_identity

pytestmark = pytest.mark.system

UNKNOWN = "e00fce68ffffffffffffffff"

CLIENT_IDLE_LIMIT_S = 15
"""Silence after which the client gives a stream up. Source: clients notes §5."""


async def test_devices_are_listed_and_described(api, jo, desk):
    device = await desk.put()
    device_id = device.identity.text_id
    listed = await api.call("listDevices", jo.token)
    (entry,) = [entry for entry in listed if entry["id"] == device_id]
    detail = await api.call("getDevice", jo.token, deviceId=device_id)
    for view in (entry, detail):
        assert (view["online"], view["connected"], view["platform_id"]) == (True, True, 12)
        assert view["functions"] == ["led", "length", "never"]
        assert view["variables"]["ratio"] == "double"
        assert view["product_id"] == 12


async def test_a_device_is_claimed_and_removed(api, jo, desk):
    device = await desk.put(claimed=False)
    device_id = device.identity.text_id
    claimed = await api.call("claimDevice", jo.token, deviceId=device_id, requestTransfer=False)
    assert claimed["ok"] is True
    assert (await api.call("getDevice", jo.token, deviceId=device_id))["owner"] == jo.username
    assert (await api.call("removeDevice", jo.token, deviceId=device_id))["ok"] is True
    refused = await api.refusal("getDevice", jo.token, deviceId=device_id)
    assert refused.status in (403, 404)
    assert refused.body["error"]


async def test_claims_are_refused_in_words(api, jo, make_person, desk):
    device = await desk.put()
    owned = await api.refusal("claimDevice", make_person().token, deviceId=device.identity.text_id)
    assert (owned.status, "belongs to someone else" in owned.body["errors"][0]) == (403, True)
    unknown = await api.refusal("claimDevice", jo.token, deviceId=UNKNOWN)
    assert unknown.status == 404


async def test_a_device_is_renamed_and_noted(api, jo, desk):
    device = await desk.put()
    device_id = device.identity.text_id
    renamed = await api.call("renameDevice", jo.token, deviceId=device_id, name="js_kettle")
    assert (renamed["id"], renamed["name"]) == (device_id, "js_kettle")
    noted = await api.call("setDeviceNotes", jo.token, deviceId="js_kettle", notes="hot")
    assert noted["notes"] == "hot"
    both = await api.call("updateDevice", jo.token, deviceId=device_id, name="js_pot", notes="cold")
    assert both["updated_at"]
    detail = await api.call("getDevice", jo.token, deviceId="js_pot")
    assert (detail["id"], detail["notes"]) == (device_id, "cold")


async def test_a_device_is_signalled(api, jo, desk):
    device = await desk.put()
    device_id = device.identity.text_id
    answer = await api.call("signalDevice", jo.token, deviceId=device_id, signal=True)
    assert (answer["connected"], answer["signaling"], device.signalling) == (True, True, True)
    answer = await api.call("signalDevice", jo.token, deviceId=device_id, signal=False)
    assert (answer["signaling"], device.signalling) == (False, False)
    await api.call("updateDevice", jo.token, deviceId=device_id, name="js_nyan", signal=True)
    assert device.signalling
    assert (await api.call("getDevice", jo.token, deviceId=device_id))["name"] == "js_nyan"


async def test_functions_and_variables(api, jo, desk):
    device = await desk.put()
    device_id = device.identity.text_id
    at = {"auth": jo.token, "deviceId": device_id}
    called = await api.call("callFunction", **at, name="led", argument="on")
    assert (called["return_value"], called["connected"]) == (1, True)
    bare = await api.call("callFunction", **at, name="length")
    assert bare["return_value"] == 0
    wide = await api.call("callFunction", **at, name="length", argument="grün ☂")
    assert wide["return_value"] == 9
    read = {
        name: (await api.call("getVariable", **at, name=name))["result"]
        for name in ("flag", "count", "ratio", "text")
    }
    assert read == {"flag": True, "count": 3, "ratio": 20.4, "text": "on"}
    reading = await api.call("getVariable", **at, name="text")
    assert reading["coreInfo"]["deviceID"] == device_id


async def test_calls_that_fail_carry_status_and_words(api, jo, desk):
    device, away = await desk.put(), await desk.put()
    at = {"auth": jo.token, "deviceId": device.identity.text_id}
    away.sleep(60)
    function, variable, silent, offline = await asyncio.gather(
        api.refusal("callFunction", **at, name="brew"),
        api.refusal("getVariable", **at, name="brew"),
        api.refusal("callFunction", **at, name="never"),
        api.refusal("getVariable", jo.token, deviceId=away.identity.text_id, name="text"),
    )
    assert (function.status, variable.status) == (404, 404)
    assert (silent.status, offline.status) == (408, 408)
    for refused in (function, variable, silent, offline):
        assert refused.short
        assert refused.description.startswith(f"HTTP error {refused.status} from http")


async def test_a_device_whose_key_was_sent_connects_and_counts(api, jo, desk):
    identity = make_identity(13, Random())
    sent = await api.call(
        "sendPublicKey",
        jo.token,
        deviceId=identity.text_id,
        key=identity.public_pem,
        algorithm="ecc",
    )
    assert sent["ok"] is True
    device = await desk.put(identity=identity, claimed=False)
    assert device.online
    before = await api.call("getUserInfo", jo.token)
    await api.call("claimDevice", jo.token, deviceId=identity.text_id)
    after = await api.call("getUserInfo", jo.token)
    assert after["cellular_device_count"] == before["cellular_device_count"] + 1
    assert after["wifi_device_count"] == before["wifi_device_count"]
    bad = await api.refusal(
        "sendPublicKey", jo.token, deviceId=identity.text_id, key="no key", algorithm="ecc"
    )
    assert (bad.status, bool(bad.short)) == (400, True)


async def test_streams_deliver_what_they_were_opened_for(api, jo, make_person, desk):
    device, other = await desk.put(), await desk.put()
    device_id = device.identity.text_id
    streams = {
        "mine": await api.stream(jo.token, deviceId="mine"),
        "mine, by name": await api.stream(jo.token, deviceId="mine", name="bench/a b"),
        "of a device": await api.stream(jo.token, deviceId=device_id),
        "of a device, by name": await api.stream(jo.token, deviceId=device_id, name="bench"),
        "all, by name": await api.stream(jo.token, name="bench/"),
        "somebody else's": await api.stream(make_person().token, name="bench/"),
    }
    await device.publish_and_wait(Publication("bench/a b/c", "grün".encode()))
    await other.publish_and_wait(Publication("bench/x", b"2"))
    await device.publish_and_wait(Publication("other", b"3"))
    await device.publish_and_wait(Publication("bench/end", b"4"))
    expected = {
        "mine": ["grün", "2", "3", "4"],
        "mine, by name": ["grün"],
        "of a device": ["grün", "3", "4"],
        "of a device, by name": ["grün", "4"],
        "all, by name": ["grün", "2", "4"],
        "somebody else's": [],
    }
    for name, wanted in expected.items():
        got = [(await streams[name].next())["data"] for _ in wanted]
        assert got == wanted, name
    assert {name: stream.waiting for name, stream in streams.items() if stream.waiting} == {}


async def test_an_event_carries_name_time_and_device(api, jo, desk):
    device = await desk.put()
    stream = await api.stream(jo.token, deviceId="mine", name="bench/full")
    await device.publish_and_wait(Publication("bench/full", b"1", ttl_s=60))
    event = await stream.next()
    assert (event["name"], event["data"], int(event["ttl"])) == ("bench/full", "1", 60)
    assert event["coreid"] == device.identity.text_id
    assert event["published_at"].endswith("Z")


async def test_published_events_reach_streams_and_devices(api, jo, desk):
    device = await desk.put()
    stream = await api.stream(jo.token, deviceId="mine", name="bench/js")
    sent = await api.call("publishEvent", jo.token, name="bench/js", data='{"a":1}', isPrivate=True)
    assert sent["ok"] is True
    event = await stream.next()
    assert (event["data"], event["coreid"]) == ('{"a":1}', "api")
    assert ("bench/js", b'{"a":1}') in device.firmware.events
    reserved = await api.refusal("publishEvent", jo.token, name="spark/x", data="")
    assert reserved.status in (400, 403)


async def test_a_stream_without_right_or_name_is_refused_with_words(api, jo, desk):
    device = await desk.put()
    nameless, unknown, nobody = await asyncio.gather(
        _stream_refusal(api, jo.token),
        _stream_refusal(api, jo.token, deviceId=UNKNOWN),
        _stream_refusal(api, "0" * 40, deviceId=device.identity.text_id),
    )
    assert (nameless.status, nameless.body["error"]) == (400, "event prefix filter is required")
    assert unknown.status in (403, 404)
    assert nobody.status == 401


async def test_an_idle_stream_is_kept_alive_and_outlives_a_restart_of_the_server(api, jo, server):
    stream = await api.stream(jo.token, deviceId="mine", name="bench/")
    await asyncio.sleep(CLIENT_IDLE_LIMIT_S + 1)
    assert stream.troubles == []
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)
    async with asyncio.timeout(20):
        while "reconnect-success" not in stream.troubles:
            await asyncio.sleep(0.05)
    await api.call("publishEvent", jo.token, name="bench/back", data="here")
    assert (await stream.next())["data"] == "here"


async def test_a_closed_stream_gives_its_place_back(api, jo, server):
    def open_now() -> int:
        with server.client(jo.token) as client:
            text = client.get("/metrics").text
        return int(float(re.search(r"^roadstead_http_streams_open (\S+)$", text, re.M)[1]))

    before = await asyncio.to_thread(open_now)
    streams = [await api.stream(jo.token, deviceId="mine") for _ in range(5)]
    assert await asyncio.to_thread(open_now) == before + 5
    for stream in streams:
        await api.close(stream)
    async with asyncio.timeout(5):
        while await asyncio.to_thread(open_now) > before:
            await asyncio.sleep(0.05)


async def test_what_this_server_does_not_offer_yet_is_an_error_with_words(api, jo):
    for method, arguments in (
        ("listLibraries", {}),
        ("compileCode", {"files": {}, "platformId": 12}),
        ("listSIMs", {}),
    ):
        refused = await api.refusal(method, jo.token, **arguments)
        assert (refused.status, "not offer" in refused.short) == (501, True), method


async def test_flashing_is_refused_with_words_though_the_file_is_still_coming(
    api, jo, desk, tmp_path
):
    device = await desk.put()
    firmware = tmp_path / "app.bin"
    firmware.write_bytes(bytes(2_000_000))
    refused = await api.refusal(
        "flashDevice",
        jo.token,
        deviceId=device.identity.text_id,
        files={"app.bin": str(firmware)},
    )
    assert refused.status == 400
    assert refused.short, "the client must be told why"


async def _stream_refusal(api, token, **arguments):
    with pytest.raises(ParticleError) as refused:
        await api.stream(token, **arguments)
    return refused.value

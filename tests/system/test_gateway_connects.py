"""Devices over real UDP sockets: connecting, calls both ways, events, leaving and returning."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.builders.dtls import spki_of
from tests.builders.edge import OWNER, Edge, new_key, running_edge, until
from tests.builders.wire_device import Lost

from roadstead.devices.announcing import DEVICE_CHANGED
from roadstead.devices.model import Registration
from roadstead.identity.model import OPERATOR
from roadstead.kit.errors import Invalid, NotFound, TimedOut
from roadstead.protocol.messages.goodbye import Goodbye, encode_goodbye
from roadstead.protocol.messages.subscription import DeviceSubscription
from roadstead.protocol.messages.time import decode_time_response, time_request
from roadstead.storage import outbox

pytestmark = pytest.mark.system


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Edge]:
    async with running_edge(tmp_path) as running:
        yield running


def words(edge: Edge) -> list[str]:
    return [event.payload.decode() for event in edge.named("spark/status")]


async def test_a_device_connects_and_is_known_by_what_it_says(edge: Edge) -> None:
    device = await edge.add_device(
        functions={"led": int}, variables={"count": 4, "open": True, "t": 20.5, "name": "idle"}
    )
    await device.connect()
    assert edge.gateway.link.is_online(device.device_id)
    assert words(edge) == ["online"]
    known = await edge.registry.find_description(device.device_id)
    assert known.functions == ["led"]
    assert known.variables == {"count": "int32", "open": "bool", "t": "double", "name": "string"}
    assert known.system["p"] == 32
    presence = edge.presence.find(device.device_id)
    assert presence.online
    assert presence.last_handshake_at is not None
    assert presence.last_ip_address == "127.0.0.1"
    await until(lambda: edge.vitals)
    device.close()


async def test_functions_variables_signal_and_ping_reach_the_device(edge: Edge) -> None:
    link = edge.gateway.link
    device = await edge.add_device(
        functions={"led": lambda argument: len(argument) - 1000},
        variables={"count": -4, "open": True, "t": 20.5, "name": "idle", "long": "x" * 900},
    )
    await device.connect()
    call = link.call_function
    assert await call(device.device_id, "led", "x" * 300, timeout_s=5) == -700
    assert await call(device.device_id, "led", "", timeout_s=5) == -1000
    values = {
        name: await link.read_variable(device.device_id, name, timeout_s=5)
        for name in device.variables
    }
    assert values == device.variables
    await link.signal(device.device_id, True, timeout_s=5)
    assert device.signals == [True]
    assert await link.ping(device.device_id, timeout_s=5)
    await link.request_vitals(device.device_id, timeout_s=5)
    asked = [message.code for message in device.told]
    with pytest.raises(NotFound):
        await call(device.device_id, "nothing", "", timeout_s=5)
    with pytest.raises(NotFound):
        await link.read_variable(device.device_id, "nothing", timeout_s=5)
    with pytest.raises(Invalid):
        await call(device.device_id, "led", "x" * 1025, timeout_s=5)
    assert [message.code for message in device.told] == asked
    device.close()


async def test_a_silent_device_times_out_and_a_late_answer_hurts_nobody(edge: Edge) -> None:
    device = await edge.add_device(functions={"slow": int})
    await device.connect()
    device.functions.clear()
    with pytest.raises(TimedOut) as error:
        await edge.gateway.link.call_function(device.device_id, "slow", "1", timeout_s=0.3)
    assert error.value.code == "timed_out"
    assert await edge.gateway.link.ping(device.device_id, timeout_s=5)
    device.close()


async def test_events_are_acknowledged_after_they_are_kept(edge: Edge) -> None:
    device = await edge.add_device()
    await device.connect()
    answer = await device.publish("temp", b"21.5")
    assert answer is None
    [event] = edge.named("temp")
    assert (event.payload, event.owner_id, event.firmware_version) == (b"21.5", OWNER, 3)
    refused = await device.publish("x" * 65, b"")
    assert refused.code == 0x80
    refused = await device.publish("spark/status", b"offline")
    assert refused.code == 0x83
    assert words(edge) == ["online"]
    device.close()


async def test_the_time_is_answered_in_exactly_ten_bytes(edge: Edge) -> None:
    device = await edge.add_device()
    await device.connect()
    answer = await device.request(time_request(), token=True)
    assert abs(decode_time_response(answer) - edge.clock.now().timestamp()) < 2
    assert answer.options == ()
    device.close()


async def test_subscribed_devices_of_the_owner_get_events_once_they_are_kept(edge: Edge) -> None:
    fridge = await edge.add_device(1)
    door = await edge.add_device(2)
    stranger = await edge.add_device(3)
    await edge.own(stranger.device_id, "b" * 24)
    await fridge.connect((DeviceSubscription("alarm"),))
    await stranger.connect((DeviceSubscription("alarm"),))
    await door.connect()
    await door.publish("alarm/door", b"open")
    await door.publish("other", b"")
    await fridge.publish("alarm/own", b"echo")
    await until(lambda: [event.name for event in fridge.events if "alarm" in event.name][1:])
    names = [event.name for event in fridge.events if not event.name.startswith("particle")]
    assert names == ["alarm/door", "alarm/own"]
    assert [e.name for e in stranger.events if "alarm" in e.name] == []
    told = {e.name: e.payload for e in fridge.events if e.name.startswith("particle")}
    assert told == {
        "particle/device/updates/forced": b"false",
        "particle/device/updates/pending": b"false",
    }
    for device in (fridge, door, stranger):
        device.close()


async def test_a_device_goes_and_comes_back_from_another_port_without_a_handshake(
    edge: Edge,
) -> None:
    device = await edge.add_device(functions={"f": int})
    await device.connect((DeviceSubscription("go"),))
    old_port = device.port
    await device.request(encode_goodbye(Goodbye(cloud_reason=6, sleep_s=600)))
    assert not edge.gateway.link.is_online(device.device_id)
    with pytest.raises(TimedOut):
        await edge.gateway.link.call_function(device.device_id, "f", "1", timeout_s=5)
    device.resume()
    assert device.port != old_port
    await device.ping()
    assert edge.gateway.link.is_online(device.device_id)
    await until(lambda: words(edge) == ["online", "offline", "online"])
    assert await edge.gateway.link.call_function(device.device_id, "f", "7", timeout_s=5) == 7
    await device.publish("go/on", b"")
    await until(lambda: any(event.name == "go/on" for event in device.events))
    assert device.handshakes == 1
    device.close()


async def test_devices_come_over_ipv6_too(tmp_path: Path) -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    async with running_edge(tmp_path, host="::1") as edge:
        device = await edge.add_device(functions={"f": int})
        await device.connect()
        assert edge.presence.find(device.device_id).last_ip_address == "::1"
        device.resume()
        await device.ping()
        assert await edge.gateway.link.call_function(device.device_id, "f", "3", timeout_s=5) == 3
        device.close()


async def test_a_nat_that_forgot_is_not_noticed(edge: Edge) -> None:
    device = await edge.add_device(functions={"f": int})
    await device.connect()
    device.open()
    await device.ping()
    assert await edge.gateway.link.call_function(device.device_id, "f", "8", timeout_s=5) == 8
    assert words(edge) == ["online"]
    device.close()


async def test_a_new_handshake_while_online_tells_the_unseen_offline_first(edge: Edge) -> None:
    device = await edge.add_device()
    await device.connect()
    await device.connect()
    assert words(edge) == ["online", "offline", "online"]
    assert edge.gateway._dtls.session_count == 1
    device.close()


async def test_a_key_change_is_asked_for_and_followed_by_a_new_session(edge: Edge) -> None:
    device = await edge.add_device()
    await device.connect()
    await edge.gateway.link.request_handshake(device.device_id)
    await until(lambda: any(message.code == 0x03 for message in device.told))
    await device.connect()
    assert edge.gateway.link.is_online(device.device_id)
    device.close()


async def test_an_unknown_key_is_refused_and_a_hello_for_another_device_ends_the_session(
    edge: Edge,
) -> None:
    device = await edge.add_device()
    other = await edge.add_device(2)
    device.key = new_key()
    with pytest.raises(Lost):
        await device.handshake()
    assert edge.gateway.counters.keys_refused == 1
    other.hello = device.hello
    await other.handshake()
    with pytest.raises(Lost):
        await other.say_hello()
    assert edge.gateway.counters.identity_mismatches == 1
    assert not edge.gateway.link.is_online(device.device_id)
    device.close()
    other.close()


async def test_a_new_registered_key_ends_the_session_of_the_old_one(edge: Edge) -> None:
    device = await edge.add_device()
    await device.connect()
    fresh = new_key()
    await edge.registry.register(Registration(device.device_id, spki_of(fresh), 32), actor=OPERATOR)
    await until(lambda: device.closed == "close_notify")
    await until(lambda: words(edge)[-1] == "offline")
    with pytest.raises(Lost):
        await device.handshake()
    device.key = fresh
    await device.connect()
    assert edge.gateway.link.is_online(device.device_id)
    device.close()


async def test_an_unclaimed_device_loses_its_subscriptions_at_once(edge: Edge) -> None:
    fridge = await edge.add_device(1)
    door = await edge.add_device(2)
    await fridge.connect((DeviceSubscription("alarm"),))
    await door.connect()
    await edge.own(fridge.device_id, None)
    await edge.database.write(lambda conn: outbox.append(conn, DEVICE_CHANGED, fridge.device_id))
    await until(lambda: len(edge.gateway._connections.subscriptions) == 0)
    await door.publish("alarm/door", b"open")
    await asyncio.sleep(0.1)
    assert not any(event.name == "alarm/door" for event in fridge.events)
    fridge.close()
    door.close()

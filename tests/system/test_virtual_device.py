"""A virtual device against a tiny server in this process, over real sockets on loopback."""

import asyncio
from collections.abc import AsyncIterator, Callable
from random import Random

import pytest
from tests.system.tiny_cloud import TinyCloud, tiny_cloud

from roadstead.protocol.coap.codes import BAD_REQUEST, CONTENT, GET, NOT_FOUND
from roadstead.protocol.coap.message import Draft
from roadstead.protocol.coap.options import URI_PATH, URI_QUERY
from roadstead.protocol.messages.application import parse_application
from roadstead.protocol.messages.describe import (
    DescribeFlag,
    decode_describe,
    decode_describe_answer,
    describe_request,
)
from roadstead.protocol.messages.device_request import DeviceRequest
from roadstead.protocol.messages.event import event_to_device
from roadstead.protocol.messages.function import decode_function_result, function_call
from roadstead.protocol.messages.goodbye import decode_goodbye
from roadstead.protocol.messages.key_change import key_change_request
from roadstead.protocol.messages.modules import parse_modules
from roadstead.protocol.messages.signal import signal_request
from roadstead.protocol.messages.subscription import decode_subscription
from roadstead.protocol.messages.variable import (
    VariableType,
    decode_variable_response,
    variable_request,
)
from roadstead.protocol.messages.vitals import decode_vitals
from roadstead.simulator.connection import DeviceState
from roadstead.simulator.device import VirtualDevice
from roadstead.simulator.firmware import Firmware, Publication
from roadstead.simulator.generation import GENERATIONS
from roadstead.simulator.identity import make_identity
from roadstead.simulator.network import NetworkConditions, UnreliableNetwork
from roadstead.simulator.publishing import Outcome
from roadstead.simulator.timers import TimerHeap
from roadstead.simulator.workbench import Workbench

pytestmark = pytest.mark.system


@pytest.fixture
async def cloud() -> AsyncIterator[TinyCloud]:
    async with tiny_cloud() as running:
        yield running


@pytest.fixture
async def make_device(cloud: TinyCloud) -> AsyncIterator[Callable[..., VirtualDevice]]:
    timers = TimerHeap(asyncio.get_running_loop())
    devices = []

    def make(generation: str = "6.2", firmware: Firmware | None = None, **options):
        application = firmware or Workbench(Random(1), timers.now(), None)
        device = VirtualDevice(
            make_identity(options.pop("platform_id", 12), Random(options.pop("seed", 1))),
            application,
            cloud.address,
            timers,
            generation=GENERATIONS[generation],
            **options,
        )
        devices.append(device)
        return device

    yield make
    for device in devices:
        device.stop()
    timers.close()


async def started(device: VirtualDevice) -> VirtualDevice:
    device.start()
    await device.connected(10)
    return device


async def until(condition: Callable[[], object], timeout_s: float = 10.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_every_generation_comes_online_with_its_own_key(cloud, make_device, generation):
    device = await started(make_device(generation))
    hello = cloud.peer.hello
    assert hello.device_id == device.identity.device_id
    assert hello.flags == device.generation.hello_flags
    assert (cloud.peer.session.cid is not None) == device.generation.connection_id
    assert (hello.system_version > 0) == device.generation.hello_limits


async def test_device_os_6_greets_in_its_order(cloud, make_device):
    await started(make_device())
    kinds = cloud.peer.kinds()
    assert kinds == [
        DeviceRequest.HELLO,
        DeviceRequest.DESCRIBE,
        DeviceRequest.TIME,
        *[DeviceRequest.EVENT] * 3,
        DeviceRequest.DESCRIBE,
        *[DeviceRequest.SUBSCRIBE] * 3,
    ]
    filters = [decode_subscription(message).prefix for message in cloud.peer.requests[-3:]]
    assert filters == ["particle", "spark", "bench/"]
    assert [event.name for event in cloud.peer.events] == [
        "spark/device/last_reset",
        "particle/device/updates/enabled",
        "particle/device/updates/forced",
    ]


@pytest.mark.parametrize(("generation", "token", "form"), [("6.2", 1, 42), ("3.1", 0, None)])
async def test_posted_describes_say_what_runs(cloud, make_device, generation, token, form):
    await started(make_device(generation))
    system, application = (
        message
        for message, kind in zip(cloud.peer.requests, cloud.peer.kinds(), strict=True)
        if kind is DeviceRequest.DESCRIBE
    )
    described = decode_describe(system)
    assert (len(system.token), described.content_format) == (token, form)
    modules = parse_modules(described.payload, described.content_format)["m"]
    assert [module["f"] for module in modules] == ["b", "s", "u"]
    assert all(module["vc"] == module["vv"] for module in modules)
    assert parse_application(decode_describe(application).payload).variables == {
        "flag": "bool",
        "count": "int32",
        "ratio": "double",
        "text": "string",
        "longText": "string",
    }


async def test_device_os_1_describes_itself_only_when_asked_and_in_one(cloud, make_device):
    await started(make_device("1.5"))
    assert DeviceRequest.DESCRIBE not in cloud.peer.kinds()
    answer = decode_describe_answer(await cloud.ask(describe_request(None)))
    assert parse_application(answer.payload).functions == ("led", "length", "never")
    assert len(parse_modules(answer.payload, None)["m"]) == 3


async def test_a_describe_too_long_for_a_message_is_posted_in_blocks(cloud, make_device):
    names = [f"function_number_{number:03d}" for number in range(90)]
    firmware = Firmware(functions=dict.fromkeys(names, lambda argument: 0))
    await started(make_device(firmware=firmware))
    blocks = [
        decode_describe(message)
        for message, kind in zip(cloud.peer.requests, cloud.peer.kinds(), strict=True)
        if kind is DeviceRequest.DESCRIBE and decode_describe(message).block
    ]
    assert [block.block.number for block in blocks] == [0, 1]
    whole = b"".join(block.payload for block in blocks)
    assert parse_application(whole).functions == tuple(names)


async def test_a_long_describe_is_fetched_in_blocks(cloud, make_device):
    names = [f"function_number_{number:03d}" for number in range(90)]
    firmware = Firmware(functions=dict.fromkeys(names, lambda argument: 0))
    await started(make_device(firmware=firmware))
    first = decode_describe_answer(await cloud.ask(describe_request(DescribeFlag.APPLICATION)))
    assert first.block.more
    wanted = type(first.block)(1, False, first.block.szx)
    second = decode_describe_answer(
        await cloud.ask(describe_request(DescribeFlag.APPLICATION, wanted))
    )
    assert first.etag == second.etag
    assert parse_application(first.payload + second.payload).functions == tuple(names)


async def test_functions_are_called_and_unknown_ones_never_answered(cloud, make_device):
    device = await started(make_device())
    assert decode_function_result(await cloud.ask(function_call("led", "on"))) == 1
    assert decode_function_result(await cloud.ask(function_call("led", "dim"))) == -1
    assert decode_function_result(await cloud.ask(function_call("length", "é" * 150))) == 300
    assert await cloud.ask(function_call("brew", ""), timeout_s=0.3) is None
    assert await cloud.ask(function_call("never", ""), timeout_s=0.3) is None
    assert [name for name, _ in device.calls] == ["led", "led", "length", "brew", "never"]


async def test_a_slow_function_answers_when_it_is_done(cloud, make_device):
    async def think(argument: str) -> int:
        await asyncio.sleep(0.1)
        return 42

    await started(make_device(firmware=Firmware(functions={"think": think})))
    assert decode_function_result(await cloud.ask(function_call("think", ""))) == 42


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_variables_of_every_type_are_read(cloud, make_device, generation):
    await started(make_device(generation))

    async def read(name: str, kind: VariableType) -> object:
        return decode_variable_response(await cloud.ask(variable_request(name)), kind)

    assert await read("flag", VariableType.BOOL) is False
    assert await read("count", VariableType.INT) == 0
    assert await read("ratio", VariableType.DOUBLE) == 20.4
    assert await read("text", VariableType.STRING) == "off"
    assert len(await read("longText", VariableType.STRING)) == 400


async def test_an_unknown_variable_is_not_found(cloud, make_device):
    await started(make_device())
    assert (await cloud.ask(variable_request("nothing"))).code == NOT_FOUND


async def test_a_describe_without_a_query_is_a_bad_request(cloud, make_device):
    await started(make_device())
    assert (await cloud.ask(describe_request(None))).code == BAD_REQUEST


async def test_asking_for_two_describes_at_once_makes_the_device_reconnect(cloud, make_device):
    device = await started(make_device())
    both = Draft(GET, ((URI_PATH, b"d"), (URI_QUERY, b"\x03")))
    assert await cloud.ask(both, timeout_s=0.2) is None
    await until(lambda: device.counters.resumes == 1)
    await device.connected(5)
    assert device.counters.handshakes == 1


async def test_vitals_are_given_when_asked_and_when_published(cloud, make_device):
    device = await started(make_device())
    answer = await cloud.ask(describe_request(DescribeFlag.METRICS))
    assert answer.code == CONTENT
    readings = {one.name: one for one in decode_vitals(answer.payload)}
    assert readings["mem:free"].value == 61_000
    assert readings["batt:soc"].error == -210
    device.publish_vitals()
    await until(lambda: cloud.peer.kinds()[-1] is DeviceRequest.DESCRIBE)
    assert decode_describe(cloud.peer.requests[-1]).flag is DescribeFlag.METRICS


async def test_the_light_signals(cloud, make_device):
    device = await started(make_device())
    assert await cloud.ask(signal_request(True)) is not None
    assert device.signalling
    await cloud.ask(signal_request(False))
    assert not device.signalling


async def test_events_reach_the_handlers_that_subscribe(cloud, make_device):
    device = await started(make_device())
    cloud.tell(event_to_device("bench/go", b"now"))
    cloud.tell(event_to_device("other", b"x"))
    await until(lambda: len(device.received) == 2)
    assert device.firmware.events == [("bench/go", b"now")]


async def test_forced_updates_are_echoed_when_they_change(cloud, make_device):
    device = await started(make_device())
    before = len(cloud.peer.events)
    for _ in range(2):
        cloud.tell(event_to_device("particle/device/updates/forced", b"true"))
    await until(lambda: len(device.received) == 2)
    await until(lambda: len(cloud.peer.events) > before)
    assert device.updates.forced
    assert [(one.name, one.payload) for one in cloud.peer.events[before:]] == [
        ("particle/device/updates/forced", b"true")
    ]


async def test_a_published_event_is_acknowledged(cloud, make_device):
    device = await started(make_device())
    event = Publication("temp", b"21.5", ttl_s=3600)
    assert await device.publish_and_wait(event) is Outcome.ACKNOWLEDGED
    seen = cloud.peer.events[-1]
    assert (seen.name, seen.payload, seen.ttl_s) == ("temp", b"21.5", 3600)
    assert device.published[-1].outcome is Outcome.ACKNOWLEDGED
    assert device.counters.acknowledged == 1


async def test_a_refused_event_is_known_to_be_refused(cloud, make_device):
    device = await started(make_device())
    cloud.refuse_event = lambda message: Draft(BAD_REQUEST)
    assert await device.publish_and_wait(Publication("temp")) is Outcome.REFUSED


async def test_an_event_published_while_offline_fails_at_once(make_device):
    device = make_device()
    assert device.publish(Publication("temp")).outcome is Outcome.FAILED


async def test_old_releases_always_write_the_time_to_live(cloud, make_device):
    device = await started(make_device("3.0"))
    await device.publish_and_wait(Publication("temp", b"1"))
    assert cloud.peer.requests[-1].options[-1] == (14, b"\x00\x00\x3c")


async def test_a_silent_device_pings(cloud, make_device):
    device = await started(make_device(keep_alive_s=0.1))
    await until(lambda: cloud.peer.pings >= 2)
    assert device.online


@pytest.mark.parametrize("generation", ["6.2", "3.1", "3.0", "1.5"])
async def test_a_move_takes_the_session_up_again_from_another_port(cloud, make_device, generation):
    device = await started(make_device(generation))
    if generation == "3.1":
        await device.publish_and_wait(Publication("temp"))
    peer, before = cloud.peer, cloud.peer.session.address
    hellos = peer.kinds().count(DeviceRequest.HELLO)
    device.move()
    await device.connected(5)
    assert cloud.peer is peer
    assert peer.session.address != before
    assert peer.kinds().count(DeviceRequest.HELLO) == hellos
    assert (device.counters.handshakes, device.counters.resumes) == (1, 1)


async def test_a_new_port_without_notice_is_found_by_the_connection_id(cloud, make_device):
    device = await started(make_device())
    device.rebind()
    assert await device.publish_and_wait(Publication("temp")) is Outcome.ACKNOWLEDGED
    assert len(cloud.moves) == 1


async def test_a_sleeping_device_says_goodbye_and_comes_back_with_its_session(cloud, make_device):
    device = await started(make_device())
    device.sleep(1)
    await until(lambda: device.state is DeviceState.ASLEEP)
    goodbye = decode_goodbye(cloud.peer.requests[-1])
    assert (goodbye.cloud_reason, goodbye.sleep_s) == (6, 1)
    await device.connected(5)
    assert (device.counters.handshakes, device.counters.resumes) == (1, 1)


@pytest.mark.parametrize("lose_session", [False, True])
async def test_a_restart_tells_its_reason_on_the_kept_or_a_new_session(
    cloud, make_device, lose_session
):
    device = await started(make_device())
    device.reboot(lose_session=lose_session, reason="watchdog")
    await device.connected(5)
    assert device.counters.handshakes == (2 if lose_session else 1)
    resets = [one for one in cloud.peer.events if one.name == "spark/device/last_reset"]
    assert resets[-1].payload == b"watchdog"


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_an_exported_session_goes_on_in_another_process(cloud, make_device, generation):
    device = await started(make_device(generation))
    device.stop()
    later = make_device(generation, session=device.export_session())
    await started(later)
    assert (later.counters.handshakes, later.counters.resumes) == (0, 1)
    assert await later.publish_and_wait(Publication("temp")) is Outcome.ACKNOWLEDGED
    assert len(cloud.peers) == 1


async def test_garbage_is_no_session(make_device):
    for garbage in (b"", b"\x92\x01\x02", b"x" * 50):
        with pytest.raises(ValueError):
            make_device(session=garbage)


async def test_a_key_change_leads_to_a_new_handshake(cloud, make_device):
    device = await started(make_device())
    cloud.tell(key_change_request())
    await until(lambda: device.counters.handshakes == 2)
    await device.connected(5)
    assert DeviceRequest.HELLO in cloud.peer.kinds()


@pytest.mark.parametrize("end", ["reset", "close_session"])
async def test_a_session_that_the_server_ends_is_replaced(cloud, make_device, end):
    device = await started(make_device())
    getattr(cloud, end)()
    await until(lambda: device.counters.handshakes == 2)
    await device.connected(5)
    assert device.counters.connection_losses == 1


async def test_a_reset_by_event_restarts_the_device(cloud, make_device):
    device = await started(make_device())
    cloud.tell(event_to_device("spark/device/reset", b"reboot"))
    await until(lambda: device.counters.reboots == 1)
    await device.connected(5)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_reorder_and_duplication_change_nothing(cloud, make_device, seed):
    bad = NetworkConditions(duplicate=0.3, reorder=0.3, delay_ms=5)
    network = UnreliableNetwork(bad, Random(seed))
    device = await started(make_device(network=network, random=Random(seed)))
    outcomes = await asyncio.gather(
        *(device.publish_and_wait(Publication("n", b"%d" % number)) for number in range(20))
    )
    assert set(outcomes) == {Outcome.ACKNOWLEDGED}
    numbers = [int(one.payload) for one in cloud.peer.events if one.name == "n"]
    assert sorted(numbers) == list(range(20))
    assert network.duplicated and network.reordered


async def test_lost_datagrams_are_sent_again(cloud, make_device):
    network = UnreliableNetwork(NetworkConditions(loss=0.1), Random(3))
    device = make_device(network=network, random=Random(3))
    device.start()
    await device.connected(60)
    outcome = await device.publish_and_wait(Publication("n", b"1"), 60)
    assert outcome is Outcome.ACKNOWLEDGED
    assert network.lost


async def test_waiting_for_a_device_that_cannot_connect_times_out(cloud, make_device):
    cloud.silent = True
    device = make_device()
    device.start()
    with pytest.raises(TimeoutError):
        await device.connected(0.2)
    assert device.state is DeviceState.CONNECTING

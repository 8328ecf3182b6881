from random import Random

import pytest

from roadstead.protocol.coap.message import CON, Message
from roadstead.protocol.messages.application import parse_application
from roadstead.protocol.messages.describe import DescribeFlag, decode_describe
from roadstead.protocol.messages.device_request import DeviceRequest, kind_of_device_request
from roadstead.protocol.messages.hello import decode_hello
from roadstead.protocol.messages.modules import parse_modules
from roadstead.simulator import greeting
from roadstead.simulator.channel import Outgoing
from roadstead.simulator.description import Profile
from roadstead.simulator.firmware import Firmware
from roadstead.simulator.generation import GENERATIONS
from roadstead.simulator.identity import make_identity
from roadstead.simulator.workbench import Workbench


def make_profile(generation: str = "6.2", firmware: Firmware | None = None) -> Profile:
    application = firmware or Workbench(Random(1), 0.0, None)
    return Profile(make_identity(13, Random(1)), application, GENERATIONS[generation])


def as_message(outgoing: Outgoing) -> Message:
    return Message(CON, outgoing.draft.code, 1, b"", outgoing.draft.options, outgoing.draft.payload)


def kinds(burst: list[Outgoing]) -> list[DeviceRequest]:
    return [kind_of_device_request(as_message(one)) for one in burst]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_hello_says_who_the_device_is(generation):
    profile = make_profile(generation)
    hello = decode_hello(as_message(greeting.hello(profile)))
    assert (hello.device_id, hello.platform_id) == (profile.identity.device_id, 13)
    assert hello.product_id == 13


def test_an_application_with_a_product_says_its_product():
    profile = make_profile(firmware=Firmware(product_id=4711, product_version=3))
    hello = decode_hello(as_message(greeting.hello(profile)))
    assert (hello.product_id, hello.product_version) == (4711, 3)


def test_protobuf_and_json_describe_the_same_modules():
    new, old = (make_profile(name).describe(DescribeFlag.SYSTEM, 0.0) for name in ("6.2", "3.1"))
    newer, older = parse_modules(*new), parse_modules(*old)
    for module in (*newer["m"], *older["m"]):
        del module["v"], module["d"]
    assert newer["m"] == older["m"]


def test_the_combined_describe_has_everything_in_one():
    payload = make_profile("1.5").describe_all()
    assert parse_application(payload).functions == ("led", "length", "never")
    assert parse_modules(payload, None)["p"] == 13


def test_device_os_1_posts_no_describe_and_asks_for_the_time_last():
    burst = kinds(greeting.first_burst(make_profile("1.5"), "power_down", 0.0))
    assert DeviceRequest.DESCRIBE not in burst
    assert burst[-1] is DeviceRequest.TIME


def test_the_reason_of_a_restart_is_told_once():
    generation = GENERATIONS["6.2"]
    told = greeting.resume_burst(generation, "watchdog")
    later = greeting.resume_burst(generation, None)
    assert len(told) == len(later) + 1


def test_a_describe_longer_than_a_message_goes_in_blocks_of_the_devices_size():
    firmware = Firmware(functions={f"f{number:060d}": lambda _: 0 for number in range(100)})
    for generation, szx in (("6.2", 6), ("1.5", 5)):
        outgoing = greeting.describe(
            make_profile(generation, firmware), DescribeFlag.APPLICATION, 0
        )
        assert outgoing.block_szx == szx
    small = greeting.describe(make_profile(), DescribeFlag.APPLICATION, 0)
    assert small.block_szx is None
    assert decode_describe(as_message(small)).flag is DescribeFlag.APPLICATION

"""What a real device said in the recordings, put to the rules of the gateway."""

from pathlib import Path

import pytest
from tests.builders.talk import make_identity, words

from roadstead.gateway import conversation
from roadstead.gateway.effects import StoreHello, StoreSystem
from roadstead.gateway.state import DeviceState
from roadstead.protocol.coap.codes import is_request
from roadstead.protocol.coap.events import Request
from roadstead.protocol.coap.message import decode_message

DATA = Path(__file__).parent / "data"
REAL_DEVICE = "e00fce6800000000000000a1"


def device_requests(name: str) -> list[Request]:
    lines = (DATA / f"{name}.coap.hex").read_text().split("\n")
    said = [bytes.fromhex(line.split()[-1]) for line in lines if line.startswith("D")]
    messages = [decode_message(content) for content in said]
    return [Request(message) for message in messages if is_request(message.code)]


@pytest.mark.parametrize("name", ["basic", "resume", "persist", "keychange", "forgetlong"])
def test_everything_that_a_real_device_says_is_understood(name: str) -> None:
    requests = device_requests(name)
    device_id = requests[0].message.payload[10:22].hex()
    state = DeviceState(device_id, make_identity(device_id=device_id, platform_id=3))
    for request in requests:
        effects = conversation.on_request(state, request, 1_700_000_000)
        said = words(effects)
        assert said
        assert not [word for word in said if word.startswith(("count", "answer 4", "close"))]
    assert state.online
    assert state.hello is not None
    assert state.hello.system_version == 6200
    assert state.functions == ("led", "echo", "slow", "publish", "reset", "reconnect")
    assert {one.prefix for one in state.subscriptions} == {
        "particle",
        "spark",
        "vdev/cmd",
        "vdev/mine",
    }
    assert state.updates_enabled is True
    assert state.updates_forced is False


def test_a_hello_of_a_real_device_is_kept_with_its_modules() -> None:
    state = DeviceState(REAL_DEVICE, make_identity(device_id=REAL_DEVICE))
    kinds = [
        type(effect)
        for request in device_requests("basic")
        for effect in conversation.on_request(state, request, 0)
    ]
    assert kinds[0] is StoreHello
    assert StoreSystem in kinds
    assert state.description is not None
    assert state.description["p"] == 3

"""Describes of devices that nobody registered."""

from tests.builders.talk import DEVICE, Talk

from roadstead.gateway.state import DeviceState
from roadstead.protocol.coap.blockwise import Block
from roadstead.protocol.messages.describe import Describe, DescribeFlag, encode_describe


def test_the_blocks_of_a_stranger_are_answered_and_not_kept() -> None:
    talk = Talk(DeviceState(DEVICE, None))
    talk.hello()
    for flag in DescribeFlag:
        first = Describe(flag, bytes(1024), block=Block(0, True, 6))
        last = Describe(flag, b"end", block=Block(1, False, 6))
        assert talk.says(encode_describe(first)) == ["answer 2.31"]
        assert not talk.state.uploads
        assert talk.says(encode_describe(last)) == ["ack"]

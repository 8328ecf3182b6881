import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.protocol.coap.blockwise import (
    Block,
    BlockReceiver,
    block_szx,
    cut_block,
    decode_block,
    encode_block,
)
from roadstead.protocol.coap.errors import CoapFormatError

blocks = st.builds(Block, number=st.integers(0, 0xFFFFF), more=st.booleans(), szx=st.integers(0, 6))


@given(blocks)
def test_a_block_option_survives_encoding(block: Block) -> None:
    assert decode_block(encode_block(block)) == block


@pytest.mark.parametrize(
    ("encoded", "block"),
    [
        ("", Block(0, False, 0)),
        ("0e", Block(0, True, 6)),
        ("16", Block(1, False, 6)),
        ("000010ae", Block(266, True, 6)),
    ],
)
def test_block_options_read_as_devices_write_them(encoded: str, block: Block) -> None:
    assert decode_block(bytes.fromhex(encoded)) == block


@given(st.binary(max_size=6))
def test_garbage_is_refused_or_read(garbage: bytes) -> None:
    try:
        block = decode_block(garbage)
    except CoapFormatError:
        return
    assert 0 <= block.szx <= 6
    assert decode_block(encode_block(block)) == block


def test_the_reserved_size_is_refused() -> None:
    with pytest.raises(CoapFormatError):
        decode_block(b"\x07")


@given(st.binary(max_size=5000), st.integers(0, 6))
def test_a_body_cut_in_blocks_comes_together_again(body: bytes, szx: int) -> None:
    receiver, number, verdict = BlockReceiver(), 0, "continue"
    while verdict == "continue":
        cut = cut_block(body, number, szx)
        assert cut is not None
        verdict = receiver.receive(*cut)
        number += 1
    assert verdict == "complete"
    assert receiver.body == body
    assert cut_block(body, max(number, 1), szx) is None


def test_a_repeated_block_changes_nothing() -> None:
    receiver = BlockReceiver()
    receiver.receive(Block(0, True, 0), b"a" * 16)
    assert receiver.receive(Block(1, True, 0), b"b" * 16) == "continue"
    assert receiver.receive(Block(1, True, 0), b"b" * 16) == "repeated"
    assert receiver.receive(Block(2, False, 0), b"c") == "complete"
    assert receiver.body == b"a" * 16 + b"b" * 16 + b"c"


@pytest.mark.parametrize(
    ("block", "content"),
    [
        (Block(2, True, 0), b"b" * 16),  # a block is missing
        (Block(1, True, 0), b"b" * 15),  # too short for one that is not the last
        (Block(1, False, 0), b"b" * 17),  # longer than its size
        (Block(1, True, 1), b"b" * 32),  # of another size
    ],
)
def test_blocks_that_do_not_fit_make_it_begin_anew(block: Block, content: bytes) -> None:
    receiver = BlockReceiver()
    receiver.receive(Block(0, True, 0), b"a" * 16)
    assert receiver.receive(block, content) == "incomplete"
    assert receiver.receive(Block(1, False, 0), b"b") == "incomplete"
    assert receiver.receive(Block(0, False, 0), b"again") == "complete"
    assert receiver.body == b"again"


def test_a_body_beyond_the_limit_is_refused_and_dropped() -> None:
    receiver = BlockReceiver(limit_bytes=20)
    receiver.receive(Block(0, True, 0), b"a" * 16)
    assert receiver.receive(Block(1, True, 0), b"b" * 16) == "too_large"
    assert receiver.body == b""


def test_nothing_follows_the_last_block() -> None:
    receiver = BlockReceiver()
    receiver.receive(Block(0, False, 0), b"a" * 16)
    assert receiver.receive(Block(1, False, 0), b"b") == "incomplete"


def test_devices_choose_the_size_of_blocks_by_their_largest_message() -> None:
    assert [block_szx(size) for size in (1039, 1040, 1152)] == [5, 6, 6]

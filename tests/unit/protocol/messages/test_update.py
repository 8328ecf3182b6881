"""Messages of both update transfers: known bytes, round trips, garbage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.protocol.coap import codes
from roadstead.protocol.coap.message import ACK, CON, NON, Draft, Message, decode_message
from roadstead.protocol.coap.message import encode_message as encode
from roadstead.protocol.messages import classic_update, update
from roadstead.protocol.messages.device_request import DeviceRequest, kind_of_device_request
from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.server_request import ServerRequest, kind_of_server_request
from roadstead.protocol.messages.update import UpdateAccepted, UpdateAck, UpdateStart


def message_of(draft: Draft, kind: int, message_id: int, token: bytes = b"") -> Message:
    return Message(kind, draft.code, message_id, token, draft.options, draft.payload)


def hexadecimal(draft: Draft, kind: int, message_id: int, token: bytes = b"") -> str:
    return encode(message_of(draft, kind, message_id, token)).hex()


def passed(draft: Draft, token: bytes = b"t") -> Message:
    return decode_message(encode(message_of(draft, CON, 1, token)))


SHA256 = bytes(range(32))


def test_the_offer_has_the_known_bytes() -> None:
    draft = update.update_start(UpdateStart(20_000, 1024, SHA256))
    expected = "4102201040b153e206f14e204d13" + SHA256.hex() + "420400"
    assert hexadecimal(draft, CON, 0x2010, b"@") == expected


def test_the_acceptance_has_the_known_bytes() -> None:
    at_begin = update.update_accepted(UpdateAccepted(128, 0))
    assert hexadecimal(at_begin, CON, 0x0050, b"@") == "4141005040e106f88040"
    later = update.update_accepted(UpdateAccepted(128, 4096))
    assert hexadecimal(later, CON, 0x0050, b"@") == "4141005040e106f880421000"
    captured = decode_message(bytes.fromhex("4141000c21e206f8010040"))
    assert update.decode_update_accepted(captured) == UpdateAccepted(256, 0)


def test_chunks_have_the_known_bytes() -> None:
    first = hexadecimal(update.update_chunk(1, bytes(1024)), NON, 0x2011)
    assert first == "50022011b143e106e901ff" + "00" * 1024
    far = hexadecimal(update.update_chunk(300, b"ab"), NON, 0x2012)
    assert far == "50022012b143e206e9012cff6162"


@given(st.integers(1, 0xFFFFFF), st.binary(min_size=1, max_size=1136))
def test_a_chunk_encoded_the_short_way_is_the_same(index: int, content: bytes) -> None:
    whole = encode(message_of(update.update_chunk(index, content), NON, 1))
    assert update.encode_chunk_body(index, content) == whole[4:]


@given(st.binary(max_size=40), st.integers(0, 0x1FFFFFF), st.binary(max_size=40), st.booleans())
def test_a_report_read_the_short_way_is_the_same(
    noise: bytes, number: int, bitmap: bytes, cut: bool
) -> None:
    report = encode(Message(NON, codes.POST, 7, b"", _ack_options(number), bitmap))
    for datagram in (noise, report, report[: len(noise)] if cut else report + noise):
        found = update.find_update_ack(datagram)
        if found is not None:
            assert found == update.decode_update_ack(decode_message(datagram))
    if number < 1 << 24 and len(bitmap) <= 32 and not len(bitmap) % 4:
        assert update.find_update_ack(report) is not None


def test_no_other_message_is_read_as_a_report() -> None:
    confirmable = encode(Message(CON, codes.POST, 7, b"", _ack_options(3)))
    with_token = encode(Message(NON, codes.POST, 7, b"t", _ack_options(3)))
    other_path = encode(Message(NON, codes.POST, 7, b"", ((11, b"C"), (2049, b"\3"))))
    for datagram in (confirmable, with_token, other_path, b"", b"P\x02", b"P\x02\0\1\xb1A"):
        assert update.find_update_ack(datagram) is None


def _ack_options(number: int) -> tuple[tuple[int, bytes], ...]:
    return (11, b"A"), (2049, number.to_bytes((number.bit_length() + 7) // 8, "big"))


def test_reports_have_the_known_bytes() -> None:
    gaps = update.update_ack(UpdateAck(3, (5, 6)))
    assert hexadecimal(gaps, NON, 0x0051) == "50020051b141e106e903ff06000000"
    captured = decode_message(bytes.fromhex("5002000eb141e106e903ff02000000"))
    assert update.decode_update_ack(captured) == UpdateAck(3, (5,))
    plain = decode_message(bytes.fromhex("5002000db141e106e902"))
    assert update.decode_update_ack(plain) == UpdateAck(2)
    assert hexadecimal(update.update_ack(UpdateAck(0)), NON, 1) == "50020001b141e006e9"


def test_the_end_and_the_cancellation_have_the_known_bytes() -> None:
    assert hexadecimal(update.update_finish(), CON, 0x2013, b"A") == "4102201341b146"
    cancel = update.update_finish(cancel=True, discard=True)
    assert hexadecimal(cancel, CON, 0x2014, b"B") == "4102201442b146e006fd40"
    assert update.decode_update_finish(passed(cancel)) == (True, True)


def test_statistics_of_a_device_are_read() -> None:
    payload = b'{"recv_chunks":86,"dup_chunks":46,"ooo_chunks":1,"sent_acks":69,"proc_time":2}'
    message = Message(CON, codes.CHANGED, 1, b"t", (), payload)
    assert update.decode_statistics(message) == update.UpdateStatistics(86, 46, 1, 69, 2)
    assert update.decode_statistics(Message(CON, codes.CHANGED, 1)) == update.UpdateStatistics()


def test_a_refusal_is_read_and_one_without_words_too() -> None:
    payload = b'{"code":-1340,"message":"dependencies"}'
    message = Message(CON, codes.SERVICE_UNAVAILABLE, 1, b"t", (), payload)
    assert update.decode_problem(message) == update.UpdateProblem(-1340, "dependencies")
    assert update.decode_problem(Message(ACK, codes.SERVICE_UNAVAILABLE, 1)).code == 0


@pytest.mark.parametrize(
    ("max_message", "chunk"), [(0, 512), (600, 584), (1038, 1024), (1152, 1136), (9000, 1136)]
)
def test_the_chunk_fits_the_device(max_message: int, chunk: int) -> None:
    assert update.chunk_bytes_for(max_message) == chunk


@given(
    st.builds(
        UpdateStart,
        st.integers(1, 0xFFFFFFFF),
        st.integers(128, 284).map(lambda words: 4 * words),
        st.sampled_from([b"", SHA256]),
        st.booleans(),
        st.none() | st.integers(0, 9),
    )
)
def test_offers_come_back(start: UpdateStart) -> None:
    message = passed(update.update_start(start))
    assert kind_of_server_request(message) is ServerRequest.UPDATE_START
    assert update.decode_update_start(message) == start


@given(st.integers(0, 70_000), st.sets(st.integers(2, 2040), max_size=60))
def test_reports_come_back(in_sequence: int, gaps: set[int]) -> None:
    ack = UpdateAck(in_sequence, tuple(sorted(in_sequence + gap for gap in gaps if gap <= 256)))
    message = passed(update.update_ack(ack), b"")
    assert kind_of_device_request(message) is DeviceRequest.UPDATE_ACK
    assert len(message.payload) % 4 == 0
    assert not message.payload[:1] or not message.payload[0] & 1
    assert update.decode_update_ack(message) == ack


@pytest.mark.parametrize(
    "start",
    [
        UpdateStart(0, 512),
        UpdateStart(1 << 32, 512),
        UpdateStart(1, 508),
        UpdateStart(1, 1140),
        UpdateStart(1, 514),
        UpdateStart(1, 512, b"short"),
        UpdateStart(1, 512, b"", False, 256),
    ],
)
def test_an_offer_out_of_range_is_neither_written_nor_read(start: UpdateStart) -> None:
    with pytest.raises(MessageFormatError):
        update.update_start(start)


CLASSIC_CHUNK = "5102202151b1634453a2a36b020003ff"


def test_the_classic_offer_and_answer_have_the_known_bytes() -> None:
    begin = classic_update.UpdateBegin(20_000, 512)
    draft = classic_update.update_begin(begin)
    known = "4102202050b175ff01020000004e200000000000"
    assert hexadecimal(draft, CON, 0x2020, b"P") == known
    assert classic_update.decode_update_begin(decode_message(bytes.fromhex(known))) == begin
    ready = classic_update.update_ready(fast=True)
    assert hexadecimal(ready, CON, 0x0060, b"P") == "4144006050ff01"


def test_the_classic_chunk_has_the_known_frame() -> None:
    draft = classic_update.chunk(b"123456789", 3)
    # CRC-32 of these nine digits is the check value of the algorithm.
    assert hexadecimal(draft, NON, 0x2021, b"Q") == (
        "5102202151b16344cbf43926020003ff" + b"123456789".hex()
    )
    head = decode_message(bytes.fromhex(CLASSIC_CHUNK) + b"x")
    read = classic_update.decode_chunk(head)
    assert (read.index, read.content, read.intact) == (3, b"x", False)


def test_the_classic_report_and_end_have_the_known_bytes() -> None:
    missed = classic_update.chunk_missed((3, 9))
    assert hexadecimal(missed, CON, 0x0061) == "40010061b163ff00030009"
    assert hexadecimal(classic_update.update_done(), CON, 0x2022, b"R") == "4103202252b175"
    good = classic_update.update_result(0)
    assert hexadecimal(good, ACK, 0x2022, b"R") == "6144202252ff7b2272223a307d"
    incomplete = classic_update.update_incomplete()
    assert hexadecimal(incomplete, ACK, 0x2022, b"R") == "6180202252"


@given(st.binary(min_size=1, max_size=64), st.none() | st.integers(0, 65_534))
def test_classic_chunks_come_back(content: bytes, index: int | None) -> None:
    message = passed(classic_update.chunk(content, index))
    assert kind_of_server_request(message) is ServerRequest.CHUNK
    assert classic_update.decode_chunk(message) == classic_update.Chunk(index, content, True)


@given(st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=40))
def test_classic_reports_come_back(indices: list[int]) -> None:
    message = passed(classic_update.chunk_missed(tuple(indices)), b"")
    assert kind_of_device_request(message) is DeviceRequest.CHUNK_MISSED
    assert classic_update.decode_chunk_missed(message) == tuple(indices)


@pytest.mark.parametrize(
    ("code", "payload", "result"),
    [
        (codes.CHANGED, b'{"r":0}', 0),
        (codes.CHANGED, b'{"r":-210}', -210),
        (codes.CHANGED, b"", 0),
        (codes.CHANGED, b"{}", 0),
        (codes.BAD_REQUEST, b"", None),
    ],
)
def test_classic_results_are_read(code: int, payload: bytes, result: int | None) -> None:
    message = Message(ACK, code, 1, b"t", (), payload)
    assert classic_update.decode_update_result(message) == result


@pytest.mark.parametrize(
    ("code", "payload"),
    [
        (codes.CHANGED, b"{"),
        (codes.CHANGED, b"[]"),
        (codes.CHANGED, b'{"r":"0"}'),
        (codes.NOT_FOUND, b""),
    ],
)
def test_classic_results_that_make_no_sense_are_refused(code: int, payload: bytes) -> None:
    with pytest.raises(MessageFormatError):
        classic_update.decode_update_result(Message(ACK, code, 1, b"t", (), payload))


NUMBERS = st.sampled_from([11, 15, 2049, 2053, 2057, 2061, 2065, 2069, 2073, 2077])
OPTIONS = st.lists(st.tuples(NUMBERS, st.binary(max_size=6)), max_size=8)
DECODERS = (
    update.decode_update_start,
    update.decode_update_accepted,
    update.decode_update_chunk,
    update.decode_update_ack,
    update.decode_update_finish,
    update.decode_statistics,
    update.decode_problem,
    classic_update.decode_update_begin,
    classic_update.decode_update_ready,
    classic_update.decode_chunk,
    classic_update.decode_chunk_missed,
    classic_update.decode_update_result,
)


@given(
    st.sampled_from([2, 0x41, 0x44, 0x80, 0xA3]),
    st.binary(max_size=1),
    OPTIONS,
    st.binary(max_size=80) | st.sampled_from([b'{"r":1e999}', b'{"code":"x"}', b"[[", b"{}"]),
)
def test_garbage_is_refused_in_words_and_never_otherwise(
    code: int, token: bytes, options: list[tuple[int, bytes]], payload: bytes
) -> None:
    ordered = tuple(sorted(options, key=lambda option: option[0]))
    message = Message(CON, code, 1, token, ordered, payload)
    for decoder in DECODERS:
        try:
            decoder(message)
        except MessageFormatError as error:
            assert str(error)

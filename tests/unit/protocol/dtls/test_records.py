import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from roadstead.protocol.dtls.records import (
    encode_clear,
    find_end,
    make_cipher,
    open_identified,
    open_sealed,
    seal,
    seal_identified,
    unwrap,
)

CIPHER, IV, CID = make_cipher(bytes(16)), b"\1\2\3\4", bytes(range(8))
SEQUENCES = st.integers(0, 2**48 - 1)
CONTENT = st.binary(max_size=200)


@given(SEQUENCES, CONTENT)
def test_a_sealed_record_opens_to_its_content(sequence: int, content: bytes) -> None:
    record = seal(CIPHER, IV, 23, sequence, content)
    assert find_end(record, 0) == len(record) == 13 + 16 + len(content)
    assert open_sealed(CIPHER, IV, record, 23) == content


@given(SEQUENCES, CONTENT, st.sampled_from([20, 21, 22, 23]))
def test_a_record_with_connection_id_hides_its_kind_and_length(
    sequence: int, content: bytes, kind: int
) -> None:
    record = seal_identified(CIPHER, IV, CID, kind, sequence, content)
    assert find_end(record, 0) == len(record)
    assert (len(record) - 21 - 16) % 16 == 0
    assert unwrap(open_identified(CIPHER, IV, record)) == (kind, content)


@given(st.binary(min_size=1, max_size=60), st.integers(0, 59))
def test_no_changed_byte_of_a_record_goes_unnoticed(content: bytes, position: int) -> None:
    record = bytearray(seal_identified(CIPHER, IV, CID, 23, 5, content))
    position %= len(record)
    record[position] ^= 0x40
    if position in (0, 1, 2, 19, 20):  # not authenticated: the type and version are checked before
        return
    with pytest.raises(InvalidTag):
        open_identified(CIPHER, IV, bytes(record))


@given(st.binary(max_size=40))
def test_records_of_any_length_open_or_fail_with_an_invalid_tag(tail: bytes) -> None:
    for opener, head in ((open_identified, bytes(21)), (_open_plain, bytes(13))):
        with pytest.raises(InvalidTag):
            opener(CIPHER, IV, head + tail)


def _open_plain(cipher, iv, record):  # type: ignore[no-untyped-def]
    return open_sealed(cipher, iv, record, 23)


@given(st.binary(min_size=1, max_size=80), st.integers(0, 79))
def test_a_record_never_ends_beyond_its_datagram(datagram: bytes, offset: int) -> None:
    offset %= len(datagram)
    end = find_end(datagram, offset)
    assert end == 0 or offset + 13 <= end <= len(datagram)


def test_records_follow_each_other_in_a_datagram() -> None:
    first, second = encode_clear(22, 0, b"abc"), seal_identified(CIPHER, IV, CID, 22, 1, b"x")
    assert find_end(first + second, 0) == len(first)
    assert find_end(first + second, len(first)) == len(first) + len(second)
    assert find_end(first + second[:37], len(first)) == 0


def test_padding_alone_is_of_no_kind() -> None:
    assert unwrap(bytes(16)) == (0, b"")
    assert unwrap(b"") == (0, b"")
    assert unwrap(b"\0\0\x17\0") == (23, b"\0\0")

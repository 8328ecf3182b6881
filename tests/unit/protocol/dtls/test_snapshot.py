import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.protocol.dtls.reader import DtlsFormatError
from roadstead.protocol.dtls.replay import ALL_SEEN
from roadstead.protocol.dtls.session import Session
from roadstead.protocol.dtls.snapshot import Finale, SessionSnapshot

NUMBERS = st.integers(0, 2**48)
SNAPSHOTS = st.builds(
    SessionSnapshot,
    cid=st.none() | st.binary(min_size=8, max_size=8),
    device_id=st.none() | st.binary(min_size=12, max_size=12),
    address=st.tuples(st.text("0123456789abcdef:.%", max_size=60), st.integers(0, 65535)),
    spki_digest=st.binary(min_size=32, max_size=32),
    keys=st.binary(min_size=40, max_size=40),
    tx_limit=NUMBERS,
    rx_highest=NUMBERS.map(lambda number: number - 1),
    rx_window=st.integers(0, ALL_SEEN),
    finale=st.none()
    | st.builds(
        Finale,
        st.binary(min_size=12, max_size=12),
        st.integers(0, 65535),
        st.integers(0, 2**48 - 1),
    ),
)

SNAPSHOT = SessionSnapshot(
    cid=b"12345678",
    device_id=None,
    address=("2001:db8::1", 5),
    spki_digest=bytes(32),
    keys=bytes(40),
    tx_limit=1024,
    rx_highest=7,
    rx_window=0b1011,
    finale=None,
)


@given(SNAPSHOTS)
def test_a_snapshot_decodes_to_what_was_encoded(snapshot: SessionSnapshot) -> None:
    assert SessionSnapshot.decode(snapshot.encode()) == snapshot


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda tail: b"\x01" + tail))
def test_other_bytes_are_refused_by_name(encoded: bytes) -> None:
    with contextlib.suppress(DtlsFormatError):
        SessionSnapshot.decode(encoded)


@given(SNAPSHOTS, st.data())
def test_a_cut_snapshot_is_refused(snapshot: SessionSnapshot, data: st.DataObject) -> None:
    encoded = snapshot.encode()
    with pytest.raises(DtlsFormatError):
        SessionSnapshot.decode(encoded[: data.draw(st.integers(0, len(encoded) - 1))])


def test_a_snapshot_does_not_show_its_keys() -> None:
    assert "keys" not in repr(SNAPSHOT)


def test_facts_that_were_stored_later_only_go_forward() -> None:
    later = SNAPSHOT.advanced(tx_limit=4096, rx_highest=90, address=("192.0.2.1", 9))
    assert (later.tx_limit, later.rx_highest, later.rx_window) == (4096, 90, ALL_SEEN)
    assert later.address == ("192.0.2.1", 9)
    assert SNAPSHOT.advanced(tx_limit=1, rx_highest=7) == SNAPSHOT
    assert SNAPSHOT.advanced(device_id=b"x" * 12).device_id == b"x" * 12


def test_a_restored_session_is_silent_until_its_limit_is_raised() -> None:
    session = Session.restore(SNAPSHOT)
    assert session.seal(23, b"x") is None
    session.extend(1024)
    assert session.seal(23, b"x") is None
    session.extend(1025)
    record = session.seal(23, b"x")
    assert record is not None
    assert int.from_bytes(record[5:11], "big") == 1024
    assert session.seal(23, b"x") is None


def test_a_session_restored_keeps_its_replay_window() -> None:
    session = Session.restore(SNAPSHOT)
    assert [session.is_repeat(number) for number in (3, 4, 5, 6, 7, 8)] == [
        False,
        True,
        False,
        True,
        True,
        False,
    ]
    assert session.snapshot() == SNAPSHOT


def test_a_session_never_goes_beyond_48_bits() -> None:
    session = Session.restore(SNAPSHOT.advanced(tx_limit=2**48 - 1))
    session.extend(2**60)
    assert session.seal(23, b"x") is not None
    assert session.seal(23, b"x") is None

"""Every record of the recorded sessions opens, and sealed again gives the same bytes."""

import hashlib

import pytest
from tests.builders.dtls import make_server
from tests.vectors.dtls_recordings import (
    DATA,
    KEYED,
    RecordedHandshake,
    read_handshakes,
    read_records,
)
from tests.vectors.pcap import read_datagrams

from roadstead.protocol.dtls import keys
from roadstead.protocol.dtls.constants import FINISHED, IDENTIFIED
from roadstead.protocol.dtls.events import ApplicationData, SessionMoved
from roadstead.protocol.dtls.handshake_messages import encode_message
from roadstead.protocol.dtls.records import (
    make_cipher,
    open_identified,
    open_sealed,
    seal,
    seal_identified,
    unwrap,
)
from roadstead.protocol.dtls.replay import ALL_SEEN
from roadstead.protocol.dtls.snapshot import SessionSnapshot

SESSIONS = [
    pytest.param(handshake, id=f"{name}-{index}")
    for name in KEYED
    for index, handshake in enumerate(read_handshakes(name))
]


def test_the_recordings_hold_ten_sessions_of_which_no_record_is_left_out() -> None:
    handshakes = [handshake for name in KEYED for handshake in read_handshakes(name)]
    protected = sum(record.epoch == 1 for name in KEYED for record in read_records(name))
    assert sum(len(handshake.protected) for handshake in handshakes) == protected > 700
    assert {name: len(read_handshakes(name)) for name in KEYED} == {
        "basic": 1,
        "forgetlong": 2,
        "hs1": 1,
        "keychange": 2,
        "ota1": 2,
        "ota3": 2,
        "persist": 1,
        "resume": 1,
    }


@pytest.mark.parametrize("session", SESSIONS)
def test_records_of_the_device_open_and_seal_to_the_same_bytes(session: RecordedHandshake) -> None:
    cipher, iv = make_cipher(session.keys[keys.CLIENT_KEY]), session.keys[keys.CLIENT_IV]
    records = [record for record in session.protected if record.from_device]
    assert records
    for record in records:
        opened = unwrap(open_identified(cipher, iv, record.wire))
        assert opened == (record.inner_kind, record.plaintext)
        sealed = seal_identified(cipher, iv, session.cid, *opened[:1], record.sequence, opened[1])
        assert sealed[0] == IDENTIFIED
        assert sealed[1:] == record.wire[1:]


@pytest.mark.parametrize("session", SESSIONS)
def test_records_of_the_server_open_and_seal_to_the_same_bytes(session: RecordedHandshake) -> None:
    cipher, iv = make_cipher(session.keys[keys.SERVER_KEY]), session.keys[keys.SERVER_IV]
    records = [record for record in session.protected if not record.from_device]
    assert records
    for record in records:
        assert open_sealed(cipher, iv, record.wire, record.kind) == record.plaintext
        assert seal(cipher, iv, record.kind, record.sequence, record.plaintext) == record.wire


@pytest.mark.parametrize("session", SESSIONS)
def test_both_finished_values_come_out_of_the_transcript(session: RecordedHandshake) -> None:
    transcript = b"".join(session.transcript)
    client, server = (
        next(r.plaintext for r in session.protected if r.inner_kind == 22 and r.from_device == side)
        for side in (True, False)
    )
    verify = keys.client_verify_data(session.master, hashlib.sha256(transcript).digest())
    assert client == encode_message(FINISHED, 5, verify)
    digest = hashlib.sha256(transcript + client).digest()
    verify = keys.server_verify_data(session.master, digest)
    assert server == encode_message(FINISHED, 5, verify)


@pytest.mark.parametrize("session", SESSIONS)
def test_a_server_that_takes_up_the_session_hears_and_says_the_same(
    session: RecordedHandshake,
) -> None:
    server = make_server()
    first_sent = next(r.sequence for r in session.protected if not r.from_device)
    restored = server.restore(
        SessionSnapshot(
            cid=session.cid,
            device_id=None,
            address=("127.0.0.1", 1),
            spki_digest=bytes(32),
            keys=session.keys,
            tx_limit=first_sent,
            rx_highest=-1,
            rx_window=0,
            finale=None,
        ),
        0.0,
    )
    server.extend_sequence(restored, 1 << 20)
    expected, heard = [], []
    for record in session.protected:
        if record.from_device:
            server.receive(record.wire, ("127.0.0.1", 1), 0.0)
            expected += [record.plaintext] * (record.inner_kind == 23)
            while (event := server.next_event()) is not None:
                assert isinstance(event, ApplicationData)
                heard.append(event.content)
        elif record.kind == 22:
            assert restored.seal(22, record.plaintext) == record.wire
        else:
            assert server.send(restored, record.plaintext)
            assert server.to_send() == [(record.wire, ("127.0.0.1", 1))]
    assert heard == expected
    assert server.counters.bad_tags == server.counters.replays == 0


@pytest.mark.parametrize("name", ["resume", "persist"])
def test_a_resumed_device_is_found_at_its_new_address(name: str) -> None:
    [session] = read_handshakes(name)
    server = make_server()
    server.restore(
        SessionSnapshot(
            session.cid, None, ("127.0.0.1", 1), bytes(32), session.keys, 5000, 0, ALL_SEEN, None
        ),
        0.0,
    )
    moved = 0
    sources = set()
    for datagram in read_datagrams(DATA / f"{name}.pcap"):
        if datagram.destination[1] == 5684 and datagram.content[0] in (25, 253):
            server.receive(datagram.content, datagram.source, 0.0)
            sources.add(datagram.source)
    while (event := server.next_event()) is not None:
        moved += isinstance(event, SessionMoved)
    assert moved == len(sources) == 2

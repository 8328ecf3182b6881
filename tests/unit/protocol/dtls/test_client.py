"""The device's end alone: what it refuses, and how it keeps its session."""

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from tests.builders.dtls import (
    DEVICE_ID,
    DEVICE_KEY,
    GEN_3_0,
    GEN_3_1,
    GEN_6,
    SERVER_KEY,
    make_client,
    make_wire,
    spki_of,
)
from tests.vectors import dtls_fixed as fixed

from roadstead.protocol.dtls.client import ClientGeneration, DtlsClient
from roadstead.protocol.dtls.client_state import ClientState
from roadstead.protocol.dtls.events import Closed, Failed
from roadstead.protocol.dtls.handshake_messages import encode_certificate, encode_message
from roadstead.protocol.dtls.records import encode_clear


def started() -> DtlsClient:
    client = make_client()
    client.start(0.0)
    client.to_send()
    return client


CID_EXTENSION = bytes.fromhex("00fe000908d078ced5bcf7dff2")
SERVER_HELLO = fixed.SERVER_FLIGHT[: 13 + 118]


def hello_of_server(change: bytes = b"", to: bytes = b"") -> bytes:
    """A ServerHello in answer to the first ClientHello, with some bytes exchanged."""
    body = SERVER_HELLO[25:].replace(change, to)
    return encode_clear(22, 0, encode_message(2, 0, body))


def test_a_server_certificate_ends_the_handshake_as_on_a_device() -> None:
    client = started()
    client.receive(hello_of_server(), 0.0)
    client.receive(encode_clear(22, 1, encode_certificate(1, fixed.SERVER_SPKI)), 0.0)
    assert client.next_event() == Failed("unexpected_certificate")
    assert client.next_timeout() is None


@pytest.mark.parametrize(
    ("change", "to", "reason"),
    [
        (
            bytes.fromhex("00fe000908d078ced5bcf7dff2"),
            bytes.fromhex("003600090800000000000000ff"),
            "no_cid",
        ),
        (
            bytes.fromhex("00fe000908d078ced5bcf7dff2"),
            bytes.fromhex("00fe000100") + bytes.fromhex("7777000400000000"),
            "bad_cid",
        ),
        (bytes.fromhex("c0ae00"), bytes.fromhex("c0ac00"), "unsupported"),
        (bytes.fromhex("fefd19e6"), bytes.fromhex("feff19e6"), "bad_message"),
    ],
)
def test_a_server_hello_that_a_device_cannot_use_ends_the_handshake(
    change: bytes, to: bytes, reason: str
) -> None:
    client = started()
    client.receive(hello_of_server(change, to), 0.0)
    assert client.next_event() == Failed(reason)


def test_messages_out_of_their_order_end_the_handshake() -> None:
    client = started()
    client.receive(encode_clear(22, 0, encode_message(14, 0, b"")), 0.0)
    assert client.next_event() == Failed("bad_message")


def test_a_fatal_alert_ends_the_handshake_and_a_warning_does_not() -> None:
    client = started()
    client.receive(encode_clear(21, 0, b"\x01\x5a"), 0.0)
    assert client.next_event() is None
    client.receive(encode_clear(21, 1, b"\x02\x28"), 0.0)
    assert client.next_event() == Failed("alert_40")
    client.receive(encode_clear(21, 2, b"\x02\x28"), 0.0)
    assert client.next_event() is None


def test_a_wrong_finished_of_the_server_ends_the_handshake() -> None:
    wire = make_wire(to_client=lambda number, _: [0.0] * (number < 2))
    wire.connect(0.0)
    session = wire.owner.session
    forged = session.seal(22, encode_message(20, 5, bytes(12)))
    assert forged is not None
    wire.client.receive(encode_clear(20, 50, b"\x01") + forged, wire.now)
    assert wire.client.next_event() == Failed("bad_finished")
    assert not wire.client.connected


def test_after_the_handshake_alerts_in_clear_are_ignored() -> None:
    wire = make_wire()
    assert wire.connect(0.0)
    wire.client.receive(encode_clear(21, 77, b"\x02\x28"), wire.now)
    wire.client.receive(encode_clear(21, 78, b"\x01\x00"), wire.now)
    assert wire.client.connected
    wire.send(b"x")


def test_an_authentic_fatal_alert_ends_the_session() -> None:
    wire = make_wire()
    assert wire.connect(0.0)
    record = wire.owner.session.seal(21, b"\x02\x14")
    assert record is not None
    wire.client.receive(record, wire.now)
    assert wire.client.next_event() == Closed("alert_20")
    assert not wire.client.send(b"x")
    with pytest.raises(ValueError, match="no session"):
        wire.client.export()


def test_the_client_hears_each_record_once() -> None:
    wire = make_wire()
    assert wire.connect(0.0)
    wire.reply(b"x")
    wire.client.receive(wire.sent_by_server[-1], wire.now)
    damaged = wire.sent_by_server[-1][:-1] + b"\0"
    wire.client.receive(damaged, wire.now)
    wire.run()
    assert wire.heard() == [b"x"]


def test_the_marker_stays_until_the_server_is_heard() -> None:
    wire = make_wire()
    assert wire.connect(0.0)
    wire.client.resume()
    for _ in range(3):
        wire.send(b"x")
    wire.reply(b"y")
    wire.send(b"x")
    assert [datagram[0] for datagram in wire.sent_by_client[-4:]] == [253, 253, 253, 25]


def test_a_client_that_closes_tells_the_server() -> None:
    wire = make_wire()
    assert wire.connect(0.0)
    wire.client.close()
    wire.run()
    assert wire.owner.server.session_count == 0


@pytest.mark.parametrize("generation", [GEN_6, GEN_3_1, GEN_3_0], ids=str)
def test_an_exported_session_goes_on_with_its_numbers_and_generation(
    generation: ClientGeneration,
) -> None:
    wire = make_wire(generation)
    assert wire.connect(0.0)
    wire.send(b"one")
    wire.reply(b"two")
    exported = wire.client.export()
    wire.client = restore(exported)
    assert wire.client.connected
    assert wire.client.export() == exported
    wire.client.resume()
    wire.send(b"three")
    wire.client.receive(wire.sent_by_server[-1], wire.now)
    wire.run()
    assert wire.owner.received() == [b"one", b"three"]
    assert wire.heard() == [b"two"], "the replay window was kept"


def restore(exported: bytes) -> DtlsClient:
    return DtlsClient.restore(
        exported,
        private_key=DEVICE_KEY,
        server_public_key=spki_of(SERVER_KEY),
        random=bytes,
    )


@given(st.binary(max_size=120) | st.binary(max_size=120).map(lambda tail: b"\x01\x01\xfd" + tail))
def test_other_bytes_are_no_session(exported: bytes) -> None:
    try:
        ClientState.decode(exported)
    except ValueError:
        return
    assert len(exported) == 3 + 12 + 1 + exported[15] + 40 + 24


def test_a_server_key_of_another_kind_is_refused() -> None:
    key = rsa.generate_private_key(65537, 2048).public_key()
    with pytest.raises(ValueError, match="elliptic"):
        DtlsClient(
            private_key=DEVICE_KEY,
            server_public_key=key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            random=bytes,
            device_id=DEVICE_ID,
            generation=GEN_6,
        )


def test_a_repeated_flight_of_the_server_is_answered_at_once() -> None:
    """Under new record numbers: a device drops records that it has seen."""
    wire = make_wire(to_server=lambda number, _: [0.0] * (number != 2))
    wire.connect(0.0)
    wire.client.receive(wire.sent_by_server[1], wire.now)
    assert wire.client.to_send() == [], "the same records again"
    wire.owner.server.receive(wire.sent_by_client[1], wire.address, wire.now)
    [(flight, _)] = wire.owner.server.to_send()
    wire.client.receive(flight, wire.now)
    assert len(wire.client.to_send()) == 1


def test_a_finished_before_the_change_of_cipher_is_not_looked_at() -> None:
    wire = make_wire(to_client=lambda number, _: [0.0] * (number != 2))
    wire.connect(0.0)
    finale = wire.sent_by_server[2]
    wire.client.receive(finale[14:], wire.now)
    assert not wire.client.connected
    wire.client.receive(finale, wire.now)
    assert wire.client.connected

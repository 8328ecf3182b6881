"""The session with fixed keys: both state machines put out exactly the bytes that were seen."""

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.builders.dtls import make_server, spki_of
from tests.vectors import dtls_fixed as fixed

from roadstead.protocol.dtls import keys
from roadstead.protocol.dtls.client import ClientGeneration, DtlsClient
from roadstead.protocol.dtls.client_hello import is_supported, parse_hello
from roadstead.protocol.dtls.constants import HANDSHAKE, IDENTIFIED
from roadstead.protocol.dtls.crypto_jobs import AgreementJob, FlightSecret
from roadstead.protocol.dtls.events import ApplicationData, Connected, SessionMoved
from roadstead.protocol.dtls.handshake_messages import (
    decode_fragments,
    decode_server_key_exchange,
)
from roadstead.protocol.dtls.hellos import (
    decode_cid_extension,
    decode_client_hello,
    decode_hello_verify_request,
    decode_server_hello,
    encode_hello_verify_request,
)
from roadstead.protocol.dtls.records import encode_clear, find_end, make_cipher, seal
from roadstead.protocol.dtls.server_handshake import KeyWanted, ServerHandshake
from roadstead.protocol.dtls.session import Session
from roadstead.protocol.dtls.snapshot import SessionSnapshot

DEVICE = ec.derive_private_key(fixed.DEVICE_SCALAR, ec.SECP256R1())
SERVER = ec.derive_private_key(fixed.SERVER_SCALAR, ec.SECP256R1())
ADDRESS = ("127.0.0.1", 40000)
ACK_1 = bytes.fromhex("60000001")
ACK_3 = bytes.fromhex("60000003")
TIME = bytes.fromhex("614500027aff6553f100")

CID_GENERATION = ClientGeneration(cid=True, resume_marker=253)
OLD_GENERATION = ClientGeneration(cid=False, resume_marker=254)


def split(datagram: bytes) -> list[bytes]:
    records, offset = [], 0
    while offset < len(datagram):
        end = find_end(datagram, offset)
        records.append(datagram[offset:end])
        offset = end
    return records


def body(record: bytes) -> bytes:
    [message] = decode_fragments(record[13:])
    return message.content


SERVER_RECORDS = split(fixed.SERVER_FLIGHT)
CLIENT_RECORDS = split(fixed.CLIENT_FLIGHT)
SERVER_HELLO = decode_server_hello(body(SERVER_RECORDS[0]))
SERVER_EXCHANGE = decode_server_key_exchange(body(SERVER_RECORDS[1]))
CLIENT_RANDOM = decode_client_hello(body(fixed.CLIENT_HELLO)).random
KEYS = fixed.CLIENT_KEY + fixed.SERVER_KEY + fixed.CLIENT_IV + fixed.SERVER_IV


class KnownAgreement:
    """An ephemeral key of which the point and the outcome are known, and the scalar is not."""

    def __init__(self, point: bytes) -> None:
        self._public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._public

    def exchange(self, algorithm: Any, peer: Any) -> bytes:
        return fixed.PREMASTER


def giving(values: Iterable[bytes]) -> Callable[[int], bytes]:
    left = iter(values)

    def give(length: int) -> bytes:
        value = next(left)
        assert len(value) == length
        return value

    return give


def make_fixed_client(generation: ClientGeneration = CID_GENERATION) -> DtlsClient:
    point = body(CLIENT_RECORDS[1])[1:]
    return DtlsClient(
        private_key=DEVICE,
        server_public_key=fixed.SERVER_SPKI,
        random=giving([CLIENT_RANDOM]),
        device_id=fixed.DEVICE_ID,
        generation=generation,
        ephemeral=lambda: KnownAgreement(point),  # type: ignore[arg-type,return-value]
    )


def make_fixed_handshake() -> ServerHandshake:
    [message] = decode_fragments(fixed.CLIENT_HELLO_WITH_COOKIE[13:])
    hello = parse_hello(message, 1)
    assert hello is not None
    assert is_supported(hello.fields)
    cid = decode_cid_extension(SERVER_HELLO.extensions)
    assert cid is not None
    return ServerHandshake(
        hello,
        address=ADDRESS,
        cid=cid,
        random=giving([SERVER_HELLO.random, SERVER_HELLO.session_id]),
        expires_at=60.0,
        resends=4,
    )


def flight_secret() -> FlightSecret:
    exchange = SERVER_EXCHANGE
    return FlightSecret(
        KnownAgreement(exchange.point),  # type: ignore[arg-type]
        exchange.point,
        exchange.signature,
    )


def complete_server() -> tuple[ServerHandshake, Session]:
    """The server's side after the client's flight, in which nothing was changed."""
    handshake = make_fixed_handshake()
    handshake.set_flight(flight_secret())
    assert handshake.encode_flight() == fixed.SERVER_FLIGHT
    for record in CLIENT_RECORDS[:3]:
        handshake.add_clear(decode_fragments(record[13:]))
    assert handshake.advance() == KeyWanted(fixed.DEVICE_SPKI)
    handshake.accept_key(fixed.DEVICE_ID)
    job = handshake.advance()
    assert isinstance(job, AgreementJob)
    handshake.agree(job.run(), 1024)  # type: ignore[arg-type]
    session = handshake.session
    assert session is not None
    kind, finished, _ = session.open(CLIENT_RECORDS[4], IDENTIFIED)
    assert kind == HANDSHAKE
    assert handshake.finish(finished, ADDRESS) is None
    return handshake, session


def test_the_public_keys_are_as_given() -> None:
    assert spki_of(DEVICE) == fixed.DEVICE_SPKI
    assert spki_of(SERVER) == fixed.SERVER_SPKI


def test_the_key_schedule_gives_master_and_keys() -> None:
    master = keys.derive_master(fixed.PREMASTER, CLIENT_RANDOM, SERVER_HELLO.random)
    assert master == fixed.MASTER
    assert keys.derive_key_block(master, CLIENT_RANDOM, SERVER_HELLO.random) == KEYS


def test_the_hello_verify_request_encodes_to_the_bytes_seen() -> None:
    cookie = decode_hello_verify_request(body(fixed.HELLO_VERIFY_REQUEST))
    assert decode_client_hello(body(fixed.CLIENT_HELLO_WITH_COOKIE)).cookie == cookie
    message = encode_hello_verify_request(0, cookie)
    assert encode_clear(HANDSHAKE, 0, message) == fixed.HELLO_VERIFY_REQUEST


def test_the_server_signs_its_point_as_seen() -> None:
    job = make_fixed_handshake().make_flight_job(SERVER)
    job._ephemeral = lambda: KnownAgreement(SERVER_EXCHANGE.point)  # type: ignore[assignment,return-value]
    secret = job.run()
    assert secret.point == SERVER_EXCHANGE.point
    assert secret.signature == SERVER_EXCHANGE.signature


def test_the_server_puts_out_flight_and_finale_as_seen() -> None:
    _, session = complete_server()
    assert session.snapshot().keys == KEYS
    assert session.spki_digest == hashlib.sha256(fixed.DEVICE_SPKI).digest()
    assert session.next_finale() == fixed.SERVER_FINALE


def test_the_server_hears_and_answers_as_seen() -> None:
    _, session = complete_server()
    session.next_finale()
    for record, text, answer, answer_text in (
        (fixed.COAP_HELLO, fixed.COAP_HELLO_TEXT, fixed.COAP_HELLO_ACK, ACK_1),
        (fixed.TIME_REQUEST, fixed.TIME_REQUEST_TEXT, fixed.TIME_RESPONSE, TIME),
        (fixed.MOVED_PING, fixed.MOVED_PING_TEXT, fixed.MOVED_PING_ACK, ACK_3),
    ):
        assert session.open(record, IDENTIFIED) == (23, text, True)
        assert session.seal(23, answer_text) == answer
    assert session.open(fixed.NEXT_PING, IDENTIFIED) == (23, fixed.NEXT_PING_TEXT, True)


def test_the_client_puts_out_every_datagram_as_seen() -> None:
    client = make_fixed_client()
    client.start(0.0)
    assert client.to_send() == [fixed.CLIENT_HELLO]
    client.receive(fixed.HELLO_VERIFY_REQUEST, 0.0)
    assert client.to_send() == [fixed.CLIENT_HELLO_WITH_COOKIE]
    client.receive(fixed.SERVER_FLIGHT, 0.0)
    assert client.to_send() == [fixed.CLIENT_FLIGHT]
    client.receive(fixed.SERVER_FINALE, 0.0)
    assert client.next_event() == Connected()
    client.send(fixed.COAP_HELLO_TEXT)
    assert client.to_send() == [fixed.COAP_HELLO]
    client.receive(fixed.COAP_HELLO_ACK, 0.0)
    assert client.next_event() == ApplicationData(None, ACK_1)
    client.send(fixed.TIME_REQUEST_TEXT)
    client.receive(fixed.TIME_RESPONSE, 0.0)
    assert client.next_event() == ApplicationData(None, TIME)
    assert client.to_send() == [fixed.TIME_REQUEST]
    client.resume()
    client.send(fixed.MOVED_PING_TEXT)
    assert client.to_send() == [fixed.MOVED_PING]
    client.receive(fixed.MOVED_PING_ACK, 0.0)
    client.send(fixed.NEXT_PING_TEXT)
    assert client.to_send() == [fixed.NEXT_PING]


def test_an_old_client_says_hello_as_seen() -> None:
    client = make_fixed_client(OLD_GENERATION)
    client.start(0.0)
    assert client.to_send() == [fixed.OLD_CLIENT_HELLO]


def old_state() -> SessionSnapshot:
    return SessionSnapshot(
        cid=None,
        device_id=fixed.DEVICE_ID,
        address=ADDRESS,
        spki_digest=bytes(32),
        keys=KEYS,
        tx_limit=3,
        rx_highest=-1,
        rx_window=0,
        finale=None,
    )


def test_records_of_an_old_device_open_and_seal_as_seen() -> None:
    session = Session.restore(old_state())
    kind, content, newest = session.open(fixed.OLD_FINISHED, HANDSHAKE)
    assert (kind, newest) == (22, True)
    assert content[:12] == fixed.FINISHED_HEADER  # its transcript is not given
    cipher = make_cipher(fixed.CLIENT_KEY)
    assert seal(cipher, fixed.CLIENT_IV, 22, 0, content) == fixed.OLD_FINISHED
    hello = seal(cipher, fixed.CLIENT_IV, 23, 1, fixed.COAP_HELLO_TEXT)
    assert hello.startswith(fixed.OLD_COAP_HELLO_BEGIN)
    assert hello.hex().endswith("c08cb")
    ping = seal(cipher, fixed.CLIENT_IV, 23, 3, fixed.MOVED_PING_TEXT)
    assert ping[1:] == fixed.OLD_MOVED_PING[1:-13]


@pytest.mark.parametrize("address", [ADDRESS, ("192.0.2.1", 9)])
def test_an_old_device_that_moved_is_found_by_its_id(address: tuple[str, int]) -> None:
    server = make_server()
    session = server.restore(old_state(), 0.0)
    server.extend_sequence(session, 10)
    server.receive(fixed.OLD_MOVED_PING, address, 0.0)
    if address != ADDRESS:
        assert server.next_event() == SessionMoved(session, ADDRESS)
    assert server.next_event() == ApplicationData(session, fixed.MOVED_PING_TEXT)
    server.send(session, ACK_3)
    assert server.to_send() == [(fixed.MOVED_PING_ACK, address)]

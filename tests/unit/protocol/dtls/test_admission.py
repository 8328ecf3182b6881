"""Strangers: what they can make the server keep, compute and send."""

from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders.dtls import (
    DEVICE_ID,
    DEVICE_KEY,
    GEN_3_0,
    HERE,
    Owner,
    Wire,
    make_client,
    make_owner,
    make_server,
    make_wire,
    spki_of,
)
from tests.vectors import dtls_fixed as fixed

from roadstead.protocol.dtls.crypto_jobs import AgreementJob, FlightJob
from roadstead.protocol.dtls.events import (
    CryptoNeeded,
    Failed,
    HandshakeFailed,
    KeyOffered,
    SessionReady,
)
from roadstead.protocol.dtls.limits import ServerLimits
from roadstead.protocol.dtls.records import encode_clear, find_end


def hello_with_cookie(owner: Owner, seed: int = 2, address: tuple[str, int] = HERE) -> bytes:
    """A ClientHello that the server will accept from this address."""
    client = make_client(seed=seed)
    client.start(0.0)
    [first] = client.to_send()
    owner.server.receive(first, address, 0.0)
    [(request, _)] = owner.server.to_send()
    client.receive(request, 0.0)
    [second] = client.to_send()
    return second


def test_without_a_cookie_nothing_is_kept_and_the_answer_is_shorter() -> None:
    server = make_server()
    for number in range(1000):
        server.receive(fixed.CLIENT_HELLO, ("198.51.100.7", number), 0.0)
    sent = server.to_send()
    assert len(sent) == server.counters.hello_verify_sent == 1000
    assert {len(datagram) for datagram, _ in sent} == {60}
    assert len(fixed.CLIENT_HELLO) == 116
    assert server.next_event() is None
    assert server.next_timeout() is None
    assert server.counters.half_open == 0


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=60), max_size=4), st.integers(0, 12))
def test_no_stranger_is_answered_with_more_than_it_sent(parts: list[bytes], cut: int) -> None:
    server = make_server()
    hello = fixed.CLIENT_HELLO[: len(fixed.CLIENT_HELLO) - cut]
    for datagram in (b"".join([hello, *parts]), b"".join([*parts, hello]), hello * 9):
        server.receive(datagram, HERE, 0.0)
        assert sum(len(answer) for answer, _ in server.to_send()) < len(datagram)


def test_the_shortest_hello_is_longer_than_its_answer() -> None:
    body = b"\xfe\xfd" + bytes(32) + bytes(5)
    length = len(body).to_bytes(3, "big")
    hello = encode_clear(22, 0, b"\x01" + length + bytes(5) + length + body)
    server = make_server()
    server.receive(hello[:11] + (len(hello) - 14).to_bytes(2, "big") + hello[13:-1], HERE, 0.0)
    assert server.to_send() == []
    server.receive(hello, HERE, 0.0)
    [(answer, _)] = server.to_send()
    assert len(answer) == 60 < len(hello)


def test_a_cookie_of_another_address_is_no_cookie() -> None:
    owner = make_owner()
    hello = hello_with_cookie(owner)
    owner.server.receive(hello, ("203.0.113.5", 1), 0.0)
    [(answer, _)] = owner.server.to_send()
    assert answer[13] == 3, "another HelloVerifyRequest"
    assert owner.server.next_event() is None


def test_a_hello_in_fragments_is_not_kept() -> None:
    owner = make_owner()
    hello = hello_with_cookie(owner)
    first = hello[13:22] + (20).to_bytes(3, "big") + hello[25:45]
    owner.server.receive(encode_clear(22, 1, first), HERE, 0.0)
    assert owner.server.to_send() == []
    assert owner.server.next_event() is None


def test_an_unknown_key_is_refused_before_anything_expensive() -> None:
    wire = Wire(make_client(key=ec.derive_private_key(77, ec.SECP256R1())), make_owner())
    jobs = count_jobs(wire)
    assert not wire.connect()
    assert wire.told == [Failed("alert_49")]
    assert wire.owner.failures() == ["key_refused"]
    assert jobs == [FlightJob]
    assert wire.owner.server.counters.half_open == 0


def count_jobs(wire: Wire) -> list[type]:
    jobs: list[type] = []
    finish = wire.owner.server.finish

    def note(job, result, now):  # type: ignore[no-untyped-def]
        jobs.append(type(job))
        finish(job, result, now)

    wire.owner.server.finish = note  # type: ignore[method-assign]
    return jobs


def test_a_device_that_knows_another_server_key_says_so() -> None:
    other = ec.derive_private_key(78, ec.SECP256R1())
    wire = Wire(make_client(server_key=other), make_owner())
    assert not wire.connect()
    assert wire.told == [Failed("bad_signature")]


def test_an_alert_of_the_device_ends_the_handshake() -> None:
    owner = make_owner()
    owner.server.receive(hello_with_cookie(owner), HERE, 0.0)
    owner.drain()
    owner.server.receive(encode_clear(21, 9, b"\x02\x33"), HERE, 0.0)
    owner.drain()
    assert owner.failures() == ["peer_alert_51"]
    assert owner.server.counters.half_open == 0


def test_a_key_that_the_device_does_not_hold_is_not_proved() -> None:
    thief = make_client(key=ec.derive_private_key(79, ec.SECP256R1()))
    thief._private_key = Liar(thief._private_key)  # type: ignore[assignment]
    wire = Wire(thief, make_owner())
    assert not wire.connect()
    assert wire.owner.failures() == ["bad_signature"]
    assert wire.told == [Failed("alert_51")]
    assert wire.owner.of(SessionReady) == []


class Liar:
    """Shows the key of a device and signs with its own."""

    def __init__(self, own: ec.EllipticCurvePrivateKey) -> None:
        self._own = own
        self.sign = own.sign

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return DEVICE_KEY.public_key()


def test_other_handshakes_go_on_while_a_key_is_looked_up() -> None:
    server = make_server()
    waiting, quick = Wire(make_client(), Owner(server)), make_client(seed=5)
    waiting.owner.device_of = {spki_of(DEVICE_KEY): DEVICE_ID}
    offered = []
    accept = server.accept_key

    def later(*args):  # type: ignore[no-untyped-def]
        offered.append(args)

    server.accept_key = later  # type: ignore[method-assign]
    assert not waiting.connect(0.0)
    server.accept_key = accept  # type: ignore[method-assign]
    other = Wire(quick, waiting.owner, address=("192.0.2.44", 5))
    assert other.connect(0.0)
    accept(*offered[0])
    waiting.run()
    assert waiting.client.connected


def test_a_verdict_that_comes_too_late_changes_nothing() -> None:
    owner = make_owner()
    offered: list[KeyOffered] = []
    wire = Wire(make_client(), owner)
    owner.server.accept_key = lambda *args: offered.append(args)  # type: ignore[method-assign]
    wire.connect(0.0)
    wire.run(61.0)
    assert owner.failures() == ["expired"]
    handshake, now, device_id = offered[0]  # type: ignore[misc]
    fresh = make_server()
    type(fresh).accept_key(owner.server, handshake, now, device_id)
    owner.server.refuse_key(handshake, now)
    owner.drain()
    assert owner.failures() == ["expired"]
    assert owner.server.to_send() == []


def test_half_open_handshakes_are_bounded_and_the_rest_is_counted() -> None:
    limits = ServerLimits(half_open=5, half_open_per_host=3)
    owner = make_owner(make_server(limits=limits))
    for number in range(10):
        address = ("192.0.2.1" if number < 5 else "192.0.2.2", 1000 + number)
        owner.server.receive(hello_with_cookie(owner, number, address), address, 0.0)
        owner.drain()
        owner.server.to_send()
    counters = owner.server.counters
    assert (counters.half_open, counters.handshakes_shed) == (5, 5)
    owner.server.handle_timeout(60.0)
    owner.drain()
    assert owner.failures() == ["expired"] * 5
    assert counters.half_open == 0
    address = ("192.0.2.1", 1)
    owner.server.receive(hello_with_cookie(owner, 50, address), address, 61.0)
    assert counters.half_open == 1


def test_all_addresses_of_one_ipv6_network_count_as_one_host() -> None:
    owner = make_owner(make_server(limits=ServerLimits(half_open=9, half_open_per_host=3)))
    for number in range(6):
        address = (f"2001:db8::{number + 1:x}", 1000)
        owner.server.receive(hello_with_cookie(owner, number, address), address, 0.0)
    elsewhere = ("2001:db8:1::1", 1000)
    owner.server.receive(hello_with_cookie(owner, 7, elsewhere), elsewhere, 0.0)
    counters = owner.server.counters
    assert (counters.half_open, counters.handshakes_shed) == (4, 3)
    owner.server.handle_timeout(60.0)
    owner.drain()
    owner.server.receive(hello_with_cookie(owner, 8, elsewhere), elsewhere, 61.0)
    assert counters.half_open == 1


def test_hosts_that_took_all_places_give_one_up_to_a_host_that_has_none() -> None:
    limits = ServerLimits(half_open=8, half_open_per_host=4)
    owner = make_owner(make_server(limits=limits))
    for number in range(8):
        address = ("192.0.2.1" if number < 4 else "192.0.2.2", 1000 + number)
        owner.server.receive(hello_with_cookie(owner, number, address), address, 0.0)
        owner.drain()
        owner.server.to_send()
    wire = Wire(make_client(seed=50), owner)
    assert wire.connect(0.0)
    assert owner.failures().count("displaced") == 1
    counters = owner.server.counters
    assert (counters.handshakes_shed, counters.handshakes_done) == (0, 1)


def test_among_hosts_with_equal_shares_nobody_loses_a_place() -> None:
    limits = ServerLimits(half_open=6, half_open_per_host=6)
    owner = make_owner(make_server(limits=limits))
    hosts = ("192.0.2.1", "192.0.2.2", "192.0.2.3")
    for number in range(6):
        address = (hosts[0], 1000 + number)
        owner.server.receive(hello_with_cookie(owner, number, address), address, 0.0)
    for number in range(6, 30):
        address = (hosts[number % 3], 1000 + number)
        owner.server.receive(hello_with_cookie(owner, number, address), address, 0.0)
    owner.drain()
    # The first host keeps two of its six; the others came to two each, and then no further.
    assert owner.failures() == ["displaced"] * 4
    assert owner.server.counters.handshakes_shed == 24 - 4
    assert owner.server.counters.half_open == 6


def test_a_handshake_in_which_a_key_was_proved_keeps_its_place() -> None:
    owner = make_owner(make_server(limits=ServerLimits(half_open=2, half_open_per_host=2)))
    owner.persists = False
    proven = [Wire(make_client(seed=60 + n), owner, address=("192.0.2.1", n)) for n in range(2)]
    for wire in proven:
        wire.connect(0.0)
    server = owner.server
    address = ("192.0.2.9", 1)
    server.receive(hello_with_cookie(owner, 70, address), address, 0.0)
    owner.drain()
    assert (owner.failures(), server.counters.handshakes_shed) == ([], 1)
    assert len(owner.of(SessionReady)) == 2


def test_no_handshake_begins_while_too_many_jobs_wait() -> None:
    owner = make_owner(make_server(limits=ServerLimits(crypto_jobs=2)))
    server = owner.server
    for number in range(3):
        address = ("192.0.2.1", number)
        server.receive(hello_with_cookie(owner, number, address), address, 0.0)
    assert server.counters.handshakes_shed == 1
    owner.drain()
    server.to_send()
    address = ("192.0.2.1", 2)
    server.receive(hello_with_cookie(owner, 2, address), address, 0.0)
    assert server.counters.handshakes_shed == 1


def test_a_job_that_could_not_be_run_ends_its_handshake() -> None:
    owner = make_owner()
    server = owner.server
    server.receive(hello_with_cookie(owner), HERE, 0.0)
    event = server.next_event()
    assert isinstance(event, CryptoNeeded)
    server.finish(event.job, None, 0.0)
    assert server.next_event() == HandshakeFailed(HERE, "not_computed")


def test_a_result_of_a_handshake_that_was_replaced_is_dropped() -> None:
    owner = make_owner()
    server = owner.server
    server.receive(hello_with_cookie(owner, 2), HERE, 0.0)
    server.receive(hello_with_cookie(owner, 3), HERE, 0.0)
    events = [server.next_event() for _ in range(3)]
    assert events[1] == HandshakeFailed(HERE, "restarted")
    first, second = events[0], events[2]
    assert isinstance(first, CryptoNeeded)
    assert isinstance(second, CryptoNeeded)
    server.finish(first.job, first.job.run(), 0.0)
    assert server.to_send() == []
    server.finish(second.job, second.job.run(), 0.0)
    assert len(server.to_send()) == 1


def test_a_repeated_hello_is_answered_a_bounded_number_of_times() -> None:
    owner = make_owner(make_server(limits=ServerLimits(flight_resends=4)))
    hello = hello_with_cookie(owner)
    for _ in range(20):
        owner.server.receive(hello, HERE, 0.0)
        owner.drain()
    assert len(owner.server.to_send()) == 1 + 4
    assert owner.server.counters.flights_resent == 4


def test_an_unsupported_hello_is_told_so_once_it_has_a_cookie() -> None:
    owner = make_owner()
    hello = bytearray(hello_with_cookie(owner))
    hello[hello.index(b"\xc0\xae")] = 0xC1
    owner.server.receive(bytes(hello), HERE, 0.0)
    owner.drain()
    assert owner.failures() == ["unsupported"]
    [(alert, _)] = owner.server.to_send()
    assert alert[0] == 21
    assert alert[13:] == b"\x02\x28"


@pytest.mark.parametrize("message_seq", [65500, 65527, 65528, 65534, 65535])
def test_message_numbers_near_their_end_do_no_harm(message_seq: int) -> None:
    owner = make_owner()
    hello = bytearray(hello_with_cookie(owner))
    hello[17:19] = message_seq.to_bytes(2, "big")
    owner.server.receive(bytes(hello), HERE, 0.0)
    owner.drain()
    assert len(owner.server.to_send()) == (message_seq < 65528)


def test_keys_that_nobody_knows_may_come_in_unbound() -> None:
    wire = Wire(make_client(GEN_3_0), make_owner(device_id=None))
    assert wire.connect(0.0)
    assert wire.owner.session.device_id is None
    wire.owner.server.bind_device(wire.owner.session, DEVICE_ID)
    wire.address = ("192.0.2.9", 9)
    wire.client.resume()
    wire.send(b"moved")
    assert wire.owner.received() == [b"moved"]


def test_a_session_that_cannot_be_stored_is_abandoned_without_an_answer() -> None:
    wire = make_wire()
    wire.owner.persists = False
    wire.client.start(wire.now)
    wire.run()
    session = wire.owner.session
    wire.owner.server.abandon(session)
    wire.owner.server.confirm(session, wire.now)
    wire.run(2.0)
    assert len(wire.sent_by_server) == 2
    assert wire.owner.server.session_count == 0
    wire.owner.persists = True
    wire.client = make_client(seed=8)
    assert wire.connect()


def test_repeats_while_a_session_is_being_stored_are_ignored() -> None:
    wire = make_wire()
    wire.owner.persists = False
    wire.client.start(wire.now)
    wire.run(10.0)
    assert len(wire.sent_by_client) == 5
    assert len(wire.owner.of(SessionReady)) == 1
    wire.owner.server.confirm(wire.owner.session, wire.now)
    wire.run()
    assert wire.client.connected
    wire.send(b"x")
    assert wire.owner.server.counters.bad_tags == 0


def test_connection_ids_are_of_the_shard_and_differ() -> None:
    random = Random(1)
    repeated = random.randbytes(7)
    owner = make_owner(make_server(shard=200))
    owner.server._admission._random = giving(repeated)
    seen = set()
    for number in range(3):
        wire = Wire(make_client(seed=number), owner, address=("192.0.2.1", 1000 + number))
        wire.owner.device_of = {spki_of(DEVICE_KEY): number.to_bytes(12, "big")}
        assert wire.connect(0.0)
        seen.add(owner.session.cid)
    assert len(seen) == 3
    assert {cid[0] for cid in seen if cid} == {200}


def giving(repeated: bytes):  # type: ignore[no-untyped-def]
    random, asked = Random(2), []

    def give(length: int) -> bytes:
        asked.append(length)
        return repeated if length == 7 and asked.count(7) < 4 else random.randbytes(length)

    return give


def test_more_records_than_a_device_sends_are_not_looked_at() -> None:
    server = make_server()
    record = encode_clear(21, 0, b"\x01\x00")
    server.receive(record * 16 + fixed.CLIENT_HELLO, HERE, 0.0)
    assert server.to_send() == []
    server.receive(record * 15 + fixed.CLIENT_HELLO, HERE, 0.0)
    assert len(server.to_send()) == 1


@pytest.mark.parametrize("datagram", [b"", b"\0", b"\x16", bytes(13), bytes(2049)])
def test_what_is_no_datagram_of_a_device_is_dropped(datagram: bytes) -> None:
    server = make_server()
    server.receive(datagram, HERE, 0.0)
    assert server.counters.malformed == (len(datagram) > 1)
    assert find_end(bytes(13), 0) == 0


def test_the_agreement_is_computed_once_for_each_handshake() -> None:
    wire = make_wire(to_client=lambda number, _: [0.0] * (number not in (2, 3)))
    jobs = count_jobs(wire)
    assert wire.connect()
    assert jobs == [FlightJob, AgreementJob]


def test_a_finished_that_does_not_fit_the_transcript_ends_the_handshake() -> None:
    wire = make_wire(to_server=lambda number, _: [0.0] * (number != 2))
    wire.connect(0.0)
    handshake = wire.client._handshake
    assert handshake is not None
    assert handshake.finished is not None
    handshake.finished = handshake.finished[:-1] + bytes((handshake.finished[-1] ^ 1,))
    wire.run(3.0)
    assert wire.owner.failures() == ["bad_finished"]
    assert wire.told == [Failed("alert_51")]
    assert wire.owner.of(SessionReady) == []


@pytest.mark.parametrize("state", ["feff0000", "fefd0002", "fefdffff", "03030000"])
def test_records_of_other_versions_and_epochs_are_not_answered(state: str) -> None:
    server = make_server()
    hello = fixed.CLIENT_HELLO[:1] + bytes.fromhex(state) + fixed.CLIENT_HELLO[5:]
    server.receive(hello, HERE, 0.0)
    assert server.to_send() == []
    assert server.counters.malformed == 1

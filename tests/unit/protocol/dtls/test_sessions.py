"""Established sessions at the server: addresses, repeats, forgeries, alerts, limits."""

import sys

import pytest
from tests.builders.dtls import (
    DEVICE_ID,
    DEVICE_KEY,
    GEN_3_0,
    GEN_3_1,
    GEN_6,
    HERE,
    THERE,
    Wire,
    make_client,
    make_owner,
    make_server,
    make_wire,
    spki_of,
)

from roadstead.protocol.dtls.client import ClientGeneration
from roadstead.protocol.dtls.events import (
    Closed,
    SequenceLow,
    SessionClosed,
    SessionMoved,
    SessionReady,
)
from roadstead.protocol.dtls.limits import ServerLimits
from roadstead.protocol.dtls.records import encode_clear, seal
from roadstead.protocol.dtls.session_table import CLAIMS_BESIDE, SessionTable

GENERATIONS = pytest.mark.parametrize("generation", [GEN_6, GEN_3_1, GEN_3_0], ids=str)


def connected(generation: ClientGeneration = GEN_6, **options: object) -> Wire:
    wire = make_wire(generation, **options)  # type: ignore[arg-type]
    assert wire.connect(0.0)
    wire.send(b"hello")
    return wire


def raw(wire: Wire, content: bytes) -> bytes:
    """The datagram in which the client would send this."""
    assert wire.client.send(content)
    [datagram] = wire.client.to_send()
    return datagram


@GENERATIONS
def test_a_device_that_resumes_elsewhere_is_found_and_answered_there(
    generation: ClientGeneration,
) -> None:
    wire = connected(generation)
    session = wire.owner.session
    wire.address = THERE
    wire.client.resume()
    wire.send(b"moved")
    assert wire.owner.events[-2] == SessionMoved(session, HERE)
    assert wire.owner.received()[-1] == b"moved"
    wire.reply(b"seen")
    assert wire.heard() == [b"seen"]
    first = wire.sent_by_client[-1][0]
    assert first == {GEN_6: 253, GEN_3_1: 25, GEN_3_0: 254}[generation]
    wire.send(b"next")
    assert wire.sent_by_client[-1][0] == (25 if generation.cid else 23)
    assert wire.owner.received()[-1] == b"next"


def test_a_nat_that_forgot_is_noticed_without_a_marker() -> None:
    wire = connected()
    wire.address = THERE
    wire.send(b"x")
    assert wire.owner.session.address == THERE


def test_an_old_device_without_marker_is_unknown_at_a_new_address() -> None:
    wire = connected(GEN_3_0)
    wire.address = THERE
    wire.send(b"x")
    assert wire.owner.session.address == HERE
    assert wire.owner.received() == [b"hello"]
    assert wire.owner.server.counters.unknown_addresses == 1


@GENERATIONS
def test_a_datagram_sent_again_from_elsewhere_moves_nothing(generation: ClientGeneration) -> None:
    wire = connected(generation)
    wire.client.resume()
    datagram = raw(wire, b"x")
    wire.owner.server.receive(datagram, HERE, wire.now)
    wire.owner.server.receive(datagram, THERE, wire.now)
    wire.run()
    assert wire.owner.session.address == HERE
    assert wire.owner.received() == [b"hello", b"x"]
    assert wire.owner.server.counters.replays == 1


@GENERATIONS
def test_an_older_record_from_elsewhere_is_heard_and_moves_nothing(
    generation: ClientGeneration,
) -> None:
    wire = connected(generation)
    wire.client.resume()
    older, newer = raw(wire, b"older"), raw(wire, b"newer")
    wire.owner.server.receive(newer, HERE, wire.now)
    wire.owner.server.receive(older, THERE, wire.now)
    wire.run()
    assert wire.owner.session.address == HERE
    assert wire.owner.received()[1:] == [b"newer", b"older"]


@GENERATIONS
def test_forged_records_change_nothing(generation: ClientGeneration) -> None:
    wire = connected(generation)
    server, session = wire.owner.server, wire.owner.session
    before = session.snapshot()
    wire.client.resume()
    datagram = raw(wire, b"x" * 20)
    end = len(datagram) - (13 if generation is GEN_3_0 else 0)
    for position in range(end):
        forged = bytearray(datagram)
        forged[position] ^= 1
        server.receive(bytes(forged), ("192.0.2.250", position), wire.now)
    wire.run()
    assert session.snapshot() == before
    assert wire.owner.received() == [b"hello"]
    assert server.counters.bad_tags > 30
    server.receive(datagram, HERE, wire.now)
    wire.run()
    assert wire.owner.received() == [b"hello", b"x" * 20]


@GENERATIONS
def test_cut_datagrams_change_nothing(generation: ClientGeneration) -> None:
    wire = connected(generation)
    wire.client.resume()
    datagram = raw(wire, b"x" * 20)
    for length in range(len(datagram)):
        wire.owner.server.receive(datagram[:length], HERE, wire.now)
    wire.run()
    assert wire.owner.received() == [b"hello"]


def test_several_records_in_a_datagram_are_all_heard() -> None:
    wire = connected()
    datagram = raw(wire, b"a") + raw(wire, b"b") + raw(wire, b"c")
    wire.owner.server.receive(datagram + b"\x19", HERE, wire.now)
    wire.run()
    assert wire.owner.received()[1:] == [b"a", b"b", b"c"]
    assert wire.owner.server.counters.malformed == 1


def test_alerts_and_change_of_cipher_in_clear_are_nothing_to_a_session() -> None:
    wire = connected(GEN_3_0)
    for record in (
        encode_clear(21, 50, b"\x02\x28"),
        encode_clear(21, 51, b"\x01\x00"),
        encode_clear(20, 52, b"\x01"),
        encode_clear(23, 53, b"plain"),
        encode_clear(22, 54, b"\x14\0\0\x0c\0\x05\0\0\0\0\0\x0c" + bytes(12)),
    ):
        wire.owner.server.receive(record, HERE, wire.now)
    wire.send(b"still here")
    assert wire.owner.received() == [b"hello", b"still here"]
    assert wire.owner.failures() == []


@GENERATIONS
@pytest.mark.parametrize(
    ("alert", "reason"),
    [(b"\x01\x00", "close_notify"), (b"\x02\x14", "alert_20"), (b"\x02\x00", "close_notify")],
)
def test_an_authentic_alert_ends_the_session(
    generation: ClientGeneration, alert: bytes, reason: str
) -> None:
    wire = connected(generation)
    assert wire.client._state is not None
    record = wire.client._state.seal(21, alert)
    wire.owner.server.receive(record, HERE, wire.now)
    wire.run()
    assert wire.owner.events[-1] == SessionClosed(wire.owner.session, reason)
    assert wire.owner.server.session_count == 0
    wire.send(b"lost")
    assert wire.owner.received() == [b"hello"]


@pytest.mark.parametrize("alert", [b"\x01\x64", b"", b"\x02", b"\x02\x14\0"])
def test_a_warning_or_a_malformed_alert_ends_nothing(alert: bytes) -> None:
    wire = connected()
    assert wire.client._state is not None
    wire.owner.server.receive(wire.client._state.seal(21, alert), HERE, wire.now)
    wire.send(b"still here")
    assert wire.owner.received()[-1] == b"still here"


def test_the_server_ends_a_session_with_a_notice() -> None:
    wire = connected()
    wire.owner.server.close(wire.owner.session)
    wire.run()
    assert wire.told[-1] == Closed("close_notify")
    assert wire.owner.server.session_count == 0
    assert not wire.client.connected


def test_a_forgotten_session_is_unknown_without_a_word() -> None:
    wire = connected()
    sent = len(wire.sent_by_server)
    wire.owner.server.forget(wire.owner.session)
    wire.send(b"anyone?")
    assert len(wire.sent_by_server) == sent
    assert wire.owner.server.counters.unknown_cids == 1


@GENERATIONS
def test_the_old_session_works_until_the_new_one_is_finished(generation: ClientGeneration) -> None:
    wire = connected(generation)
    old, first = wire.client, wire.owner.session
    wire.owner.persists = False
    wire.client = make_client(generation, seed=9)
    wire.client.start(wire.now)
    wire.run()
    assert len(wire.owner.of(SessionReady)) == 2
    assert old.send(b"still the old one")
    wire.owner.server.receive(old.to_send()[0], HERE, wire.now)
    wire.run()
    assert wire.owner.received()[-1] == b"still the old one"
    second = wire.owner.session
    wire.owner.server.confirm(second, wire.now)
    wire.run()
    assert SessionClosed(first, "replaced") in wire.owner.events
    assert wire.client.connected
    wire.send(b"the new one")
    assert wire.owner.received()[-1] == b"the new one"
    assert wire.owner.server.session_count == 1


def test_a_hello_that_anyone_can_send_ends_no_session() -> None:
    wire = connected(GEN_3_0)
    stranger = make_client(seed=99)
    stranger.start(0.0)
    for datagram in stranger.to_send():
        wire.owner.server.receive(datagram, HERE, wire.now)
    wire.send(b"still here")
    assert wire.owner.received()[-1] == b"still here"


def test_another_old_device_at_the_same_address_leaves_the_first_reachable_by_its_id() -> None:
    wire = connected(GEN_3_0)
    first = wire.client
    wire.owner.device_of[spki_of(DEVICE_KEY)] = b"another id.."
    wire.client = make_client(GEN_3_0, seed=9, device_id=b"another id..")
    assert wire.connect(0.0)
    assert wire.owner.server.session_count == 2
    wire.send(b"second")
    first.resume()
    assert first.send(b"first")
    wire.owner.server.receive(first.to_send()[0], THERE, wire.now)
    wire.run()
    assert wire.owner.received()[-2:] == [b"second", b"first"]


def two_old_devices() -> tuple[Wire, Wire]:
    """Two devices of Device OS 3.0 on one server, at two addresses."""
    owner = make_owner()
    victim = Wire(make_client(GEN_3_0), owner)
    assert victim.connect(0.0)
    victim.send(b"hello")
    owner.device_of[spki_of(DEVICE_KEY)] = b"another id.."
    other = Wire(make_client(GEN_3_0, seed=9, device_id=b"another id.."), owner, address=THERE)
    assert other.connect(0.0)
    other.send(b"hello too")
    return victim, other


def test_a_device_that_forges_anothers_address_does_not_silence_it() -> None:
    victim, forger = two_old_devices()
    for number in range(40):
        forger.client.resume()
        forger.address = HERE
        forger.send(b"forged %d" % number)
        victim.send(b"heard %d" % number)
        assert victim.owner.received()[-2:] == [b"forged %d" % number, b"heard %d" % number]
    counters = victim.owner.server.counters
    assert (counters.bad_tags, counters.unknown_addresses) == (0, 0)


def test_many_that_forge_one_address_do_not_push_its_device_out() -> None:
    victim, forger = two_old_devices()
    for number in range(2 * CLAIMS_BESIDE):
        name = b"forger %05d" % number
        forger.owner.device_of[spki_of(DEVICE_KEY)] = name
        wire = Wire(
            make_client(GEN_3_0, seed=50 + number, device_id=name),
            forger.owner,
            address=("192.0.2.9", 1000 + number),
        )
        assert wire.connect(0.0)
        wire.client.resume()
        wire.address = HERE
        wire.send(b"forged")
    victim.send(b"heard")
    assert victim.owner.received()[-1] == b"heard"


def test_a_forged_record_at_a_shared_address_is_one_forgery() -> None:
    victim, other = two_old_devices()
    other.client.resume()
    other.address = HERE
    other.send(b"here too")
    datagram = raw(victim, b"x")
    victim.owner.server.receive(datagram[:-1] + bytes((datagram[-1] ^ 1,)), HERE, 0.0)
    counters = victim.owner.server.counters
    assert (counters.bad_tags, counters.replays) == (1, 0)
    victim.owner.server.receive(datagram, HERE, 0.0)
    victim.owner.server.receive(datagram, HERE, 0.0)
    victim.run()
    assert victim.owner.received()[-1] == b"x"
    assert counters.bad_tags + counters.replays == 2


def test_a_session_that_leaves_an_address_has_no_claim_to_it_any_more() -> None:
    victim, _ = two_old_devices()
    first, second = victim.owner.stored
    table = SessionTable()
    table.add(first)
    table.add(second)
    table.move(second, HERE)
    assert (table.find_by_address(HERE), table.find_beside(HERE)) == (second, (first,))
    table.prefer(first)
    assert (table.find_by_address(HERE), table.find_beside(HERE)) == (first, (second,))
    table.move(second, THERE)
    assert (table.find_by_address(HERE), table.find_beside(HERE)) == (first, ())
    table.move(second, HERE)
    table.remove(second)
    assert (table.find_by_address(HERE), table.find_beside(HERE)) == (first, ())
    table.remove(first)
    assert table.find_by_address(HERE) is None


def test_an_old_session_of_nobody_goes_when_its_address_is_taken() -> None:
    wire = connected(GEN_3_0)
    session = wire.owner.session
    session.device_id = None
    wire.client = make_client(GEN_3_0, seed=9)
    wire.owner.device_of[spki_of(DEVICE_KEY)] = b"another id.."
    assert wire.connect(0.0)
    assert SessionClosed(session, "replaced") in wire.owner.events


def test_a_device_id_that_is_bound_anew_ends_the_older_session() -> None:
    owner = make_owner(device_id=None)
    first = Wire(make_client(), owner)
    assert first.connect(0.0)
    one = owner.session
    second = Wire(make_client(seed=9), owner, address=THERE)
    assert second.connect(0.0)
    owner.server.bind_device(one, DEVICE_ID)
    owner.server.bind_device(owner.session, DEVICE_ID)
    owner.drain()
    assert owner.events[-1] == SessionClosed(one, "replaced")


def test_a_device_id_and_a_wrong_trailer_are_not_enough() -> None:
    wire = connected(GEN_3_0)
    wire.client.resume()
    datagram = raw(wire, b"x")
    for forged in (
        datagram[:-1] + b"\x0d",
        datagram[:-13] + bytes(12) + b"\x0c",
        datagram[:-13],
        datagram[:-13] + b"\x0c",
        b"\xfe" + bytes(30),
        datagram[:13] + datagram[-13:],
    ):
        wire.owner.server.receive(forged, THERE, wire.now)
    wire.run()
    assert wire.owner.received() == [b"hello"]
    assert wire.owner.session.address == HERE


def test_a_source_of_forgeries_is_ignored_for_a_while() -> None:
    limits = ServerLimits(bad_tags_per_source=5, noise_window_s=60.0, noisy_sources=2)
    wire = Wire(make_client(), make_owner(make_server(limits=limits)))
    assert wire.connect(0.0)
    server = wire.owner.server
    for number in range(7):
        forged = bytearray(raw(wire, b"x"))
        forged[-1] ^= 1
        server.receive(bytes(forged), THERE, wire.now)
        assert server.counters.bad_tags == min(number + 1, 5)
    assert server.counters.noise_ignored == 2
    genuine = raw(wire, b"genuine")
    server.receive(genuine, THERE, wire.now)
    server.receive(genuine, HERE, wire.now)
    wire.run()
    assert wire.owner.received() == [b"genuine"], "others are heard"
    server.receive(raw(wire, b"later"), THERE, wire.now + 61)
    wire.run()
    assert wire.owner.received() == [b"genuine", b"later"]


def test_forged_records_in_a_devices_name_do_not_silence_it() -> None:
    wire = Wire(make_client(), make_owner(make_server(limits=ServerLimits(bad_tags_per_source=3))))
    assert wire.connect(0.0)
    server, session = wire.owner.server, wire.owner.session
    forged = bytearray(raw(wire, b"x"))
    forged[-1] ^= 1
    for _ in range(5):
        server.receive(bytes(forged), session.address, wire.now)
    assert server.counters.bad_tags == 5
    wire.send(b"still there")
    wire.run()
    assert wire.owner.received() == [b"still there"]


def test_the_table_of_noisy_sources_is_bounded() -> None:
    limits = ServerLimits(bad_tags_per_source=2, noisy_sources=10)
    wire = Wire(make_client(), make_owner(make_server(limits=limits)))
    assert wire.connect(0.0)
    forged = bytearray(raw(wire, b"x"))
    forged[-1] ^= 1
    for number in range(200):
        wire.owner.server.receive(bytes(forged), ("192.0.2.1", number // 2), wire.now)
    guard = wire.owner.server._guard
    assert len(guard._forged) <= 10
    assert len(guard._silenced_until) == 10


def test_record_numbers_are_used_below_the_limit_only_and_low_ones_are_told() -> None:
    limits = ServerLimits(sequence_block=10)
    wire = Wire(make_client(), make_owner(make_server(limits=limits)))
    wire.owner.reserve = lambda session: None  # type: ignore[method-assign]
    assert wire.connect(0.0)
    server, session = wire.owner.server, wire.owner.session
    sent = [server.send(session, b"x") for _ in range(12)]
    assert sent == [True] * 9 + [False] * 3, "one went to the Finished"
    wire.run()
    assert wire.owner.of(SequenceLow) == [SequenceLow(session)]
    server.extend_sequence(session, 12)
    assert [server.send(session, b"x") for _ in range(3)] == [True, True, False]
    wire.run()
    assert len(wire.owner.of(SequenceLow)) == 2
    assert wire.heard() == [b"x"] * 11


def test_the_last_flight_is_repeated_only_until_the_device_has_gone_on() -> None:
    wire = make_wire(to_client=lambda number, _: [0.0] * (number != 2))
    wire.connect(0.0)
    finished = wire.client._handshake.finished  # type: ignore[union-attr]
    wire.run(3.0)
    assert len(wire.sent_by_server) == 4
    assert wire.sent_by_server[3][0] == 20
    wire.send(b"gone on")
    assert wire.owner.session.snapshot().finale is None
    late = wire.client._state.seal(22, finished)  # type: ignore[union-attr,arg-type]
    wire.owner.server.receive(late, HERE, wire.now)
    wire.run()
    assert len(wire.sent_by_server) == 4


def test_the_old_form_of_a_move_does_not_reach_a_session_with_connection_id() -> None:
    wire = connected()
    record = b"\xfe" + seal(wire.client._state._sealer, bytes(4), 23, 9, b"x")[1:]  # type: ignore[union-attr]
    wire.owner.server.receive(record + DEVICE_ID + b"\x0c", HERE, wire.now)
    assert wire.owner.server.counters.unknown_addresses == 1
    assert wire.owner.server.counters.bad_tags == 0


def test_contents_of_every_length_pass() -> None:
    wire = connected()
    for length in (0, 1, 14, 15, 16, 17, 1152):
        wire.send(b"\0" * length)
        assert wire.owner.received()[-1] == b"\0" * length


def test_a_record_without_connection_id_does_not_reach_a_session_that_has_one() -> None:
    wire = connected()
    snapshot = wire.owner.session.snapshot()
    cipher = wire.client._state._sealer  # type: ignore[union-attr]
    record = seal(cipher, snapshot.keys[32:36], 23, 99, b"x")
    wire.owner.server.receive(record, HERE, wire.now)
    wire.run()
    assert wire.owner.received() == [b"hello"]


def test_an_idle_session_is_small() -> None:
    wire = connected()
    session = wire.owner.session
    session.cool()
    parts = [getattr(session, name) for name in type(session).__slots__]
    size = sys.getsizeof(session) + sum(sys.getsizeof(part) for part in parts if part is not None)
    assert size < 900, size
    wire.send(b"awake")
    wire.reply(b"still works")
    assert wire.heard()[-1] == b"still works"

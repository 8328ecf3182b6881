"""The server dies at any moment and goes on: no handshake, no record number twice."""

import pytest
from tests.builders.dtls import (
    DEVICE_KEY,
    GEN_3_0,
    GEN_6,
    SERVER_KEY,
    Owner,
    Wire,
    arrives,
    make_client,
    make_owner,
    make_server,
    make_wire,
    spki_of,
)

from roadstead.protocol.dtls.client import ClientGeneration
from roadstead.protocol.dtls.snapshot import SessionSnapshot

GENERATIONS = pytest.mark.parametrize("generation", [GEN_6, GEN_3_0], ids=str)


def crash(wire: Wire, *, reserve: bool = True) -> None:
    """Nothing is left of the server but what was stored; another process takes over."""
    stored = list(wire.owner.stored.values())
    owner = Owner(make_server(seed=hash(stored[-1]) if stored else 5), wire.owner.device_of)
    owner.events = wire.owner.events
    for encoded in stored:
        session = owner.server.restore(SessionSnapshot.decode(encoded), wire.now)
        owner.stored[session] = encoded
        if reserve:
            owner.reserve(session)
    wire.owner = owner


def assert_no_number_was_used_twice(wire: Wire) -> None:
    numbers = [
        record[3:11]
        for datagram in wire.sent_by_server
        for record in (datagram, datagram[14:])
        if record[1:5] == b"\xfe\xfd\0\1"
    ]
    assert len(numbers) == len(set(numbers)) > 0


@GENERATIONS
def test_a_device_does_not_notice_that_the_server_died(generation: ClientGeneration) -> None:
    wire = make_wire(generation)
    assert wire.connect(0.0)
    wire.send(b"one")
    wire.reply(b"first")
    crash(wire)
    wire.send(b"two")
    wire.reply(b"second")
    assert wire.owner.received() == [b"one", b"two"]
    assert wire.heard() == [b"first", b"second"]
    assert_no_number_was_used_twice(wire)


@GENERATIONS
@pytest.mark.parametrize("sends", [0, 1, 700, 3000])
def test_crash_after_crash_uses_no_number_twice(generation: ClientGeneration, sends: int) -> None:
    wire = make_wire(generation)
    assert wire.connect(0.0)
    for _ in range(4):
        for _ in range(sends):
            wire.reply(b"x")
        crash(wire)
    wire.send(b"hello")
    wire.reply(b"end")
    assert wire.heard()[-1] == b"end"
    assert len(wire.heard()) == sends * 4 + 1
    assert_no_number_was_used_twice(wire)


def test_two_crashes_with_nothing_stored_between_them_use_no_number_twice() -> None:
    """The process that took over died before its reservation was stored, so it sent nothing."""
    wire = make_wire()
    assert wire.connect(0.0)
    wire.reply(b"before")
    crash(wire, reserve=False)
    wire.owner.reserve = lambda session: None  # type: ignore[method-assign]
    assert not wire.owner.server.send(wire.owner.session, b"must not leave")
    wire.send(b"heard all the same")
    assert wire.owner.received() == [b"heard all the same"]
    crash(wire)
    wire.reply(b"after")
    assert wire.heard() == [b"before", b"after"]
    assert_no_number_was_used_twice(wire)


@GENERATIONS
def test_a_crash_between_storing_and_sending_costs_one_repeat(
    generation: ClientGeneration,
) -> None:
    wire = make_wire(generation)
    wire.owner.persists = False
    wire.client.start(wire.now)
    wire.run()
    crash(wire)
    wire.run(3.0)
    assert wire.client.connected
    wire.send(b"hello")
    wire.reply(b"welcome")
    assert (wire.owner.received(), wire.heard()) == ([b"hello"], [b"welcome"])
    assert_no_number_was_used_twice(wire)


@GENERATIONS
@pytest.mark.parametrize("crashes", [1, 2, 3])
def test_crashes_while_the_last_flight_is_lost_cost_only_repeats(
    generation: ClientGeneration, crashes: int
) -> None:
    wire = make_wire(generation)
    wire.to_client = lambda number, _: [0.0] * (number < 2)
    wire.client.start(wire.now)
    wire.run()
    for _ in range(crashes):
        crash(wire)
        wire.run(3.0 if crashes == 1 else 6.0)
        assert not wire.client.connected
    wire.to_client = arrives
    wire.run(30.0)
    assert wire.client.connected
    wire.send(b"hello")
    assert wire.owner.received() == [b"hello"]
    assert_no_number_was_used_twice(wire)


@GENERATIONS
@pytest.mark.parametrize("datagrams", range(4))
def test_a_crash_at_any_step_of_the_handshake_is_survived(
    generation: ClientGeneration, datagrams: int
) -> None:
    """Before the session is stored the device has to begin again, and does."""
    wire = make_wire(generation)
    wire.to_server = lambda number, _: [0.0] * (number < datagrams)
    wire.client.start(wire.now)
    wire.run()
    crash(wire)
    wire.to_server = arrives
    wire.run(60.0)
    if not wire.client.connected:
        wire.client = make_client(generation, seed=3)
        assert wire.connect()
    wire.send(b"hello")
    wire.reply(b"welcome")
    assert wire.heard()[-1] == b"welcome"


@GENERATIONS
def test_a_device_may_move_while_the_server_is_away(generation: ClientGeneration) -> None:
    wire = make_wire(generation)
    assert wire.connect(0.0)
    wire.send(b"one")
    crash(wire)
    wire.address = ("192.0.2.77", 7)
    wire.client.resume()
    wire.send(b"two")
    wire.reply(b"second")
    assert wire.heard() == [b"second"]


def test_records_seen_before_the_stored_top_are_repeats_after_a_crash() -> None:
    wire = make_wire()
    assert wire.connect(0.0)
    wire.send(b"one")
    wire.send(b"two")
    session = wire.owner.session
    snapshot = SessionSnapshot.decode(wire.owner.stored[session])
    later = snapshot.advanced(rx_highest=session.rx_highest)
    wire.owner.stored[session] = later.encode()
    crash(wire)
    for datagram in wire.sent_by_client:
        wire.owner.server.receive(datagram, wire.address, wire.now)
    wire.run()
    assert wire.owner.received() == [b"one", b"two"]
    wire.send(b"three")
    assert wire.owner.received()[-1] == b"three"


def test_of_two_stored_sessions_of_a_device_both_work_until_it_connects_again() -> None:
    """The process died between storing the new session and deleting the old one."""
    wire = make_wire()
    assert wire.connect(0.0)
    old = wire.client
    wire.client = make_client(seed=9)
    assert wire.connect(0.0)
    crash(wire)
    assert wire.owner.server.session_count == 2
    wire.send(b"new")
    wire.client = old
    wire.send(b"old")
    assert wire.owner.received() == [b"new", b"old"]


def test_a_device_that_died_too_goes_on_with_its_exported_session() -> None:
    wire = make_wire()
    assert wire.connect(0.0)
    wire.send(b"one")
    exported = wire.client.export()
    crash(wire)
    wire.client = type(wire.client).restore(
        exported,
        private_key=DEVICE_KEY,
        server_public_key=spki_of(SERVER_KEY),
        random=bytes,
    )
    wire.client.resume()
    wire.send(b"two")
    assert wire.owner.received() == [b"one", b"two"]
    assert wire.sent_by_client[-1][0] == 253


def test_a_stored_session_of_a_former_format_is_refused() -> None:
    wire = Wire(make_client(), make_owner())
    assert wire.connect(0.0)
    encoded = wire.owner.stored[wire.owner.session]
    with pytest.raises(ValueError, match="format"):
        SessionSnapshot.decode(b"\0" + encoded[1:])

"""Client and server together: every release, every single loss, repeat and disorder."""

import itertools
from collections.abc import Callable

import pytest
from tests.builders.dtls import (
    DEVICE_ID,
    DEVICE_KEY,
    GEN_3_0,
    GEN_3_1,
    GEN_6,
    HERE,
    Fate,
    Wire,
    arrives,
    digest_of,
    make_client,
    make_owner,
    make_wire,
)

from roadstead.protocol.dtls.client import ClientGeneration
from roadstead.protocol.dtls.events import Connected, Failed, SessionReady
from roadstead.protocol.dtls.handshake_messages import decode_fragments
from roadstead.protocol.dtls.records import encode_clear, find_end

GENERATIONS = pytest.mark.parametrize("generation", [GEN_6, GEN_3_1, GEN_3_0], ids=str)


def exchange(wire: Wire) -> None:
    """Both sides say something over a good network, and each hears what the other said."""
    wire.to_server = wire.to_client = arrives
    wire.send(b"hello")
    wire.reply(b"welcome")
    assert wire.owner.received()[-1] == b"hello"
    assert wire.heard()[-1] == b"welcome"


def split(datagram: bytes) -> list[bytes]:
    records, offset = [], 0
    while offset < len(datagram):
        end = find_end(datagram, offset)
        records.append(datagram[offset:end])
        offset = end
    return records


@GENERATIONS
def test_a_device_connects_and_talks(generation: ClientGeneration) -> None:
    wire = make_wire(generation)
    assert wire.connect(0.0)
    assert wire.told == [Connected()]
    session = wire.owner.session
    assert session.device_id == DEVICE_ID
    assert session.address == HERE
    assert session.spki_digest == digest_of(DEVICE_KEY)
    assert (session.cid is None) == (not generation.cid)
    if session.cid:
        assert len(session.cid) == 8
        assert session.cid[0] == 7, "the shard"
    exchange(wire)
    counters = wire.owner.server.counters
    assert (counters.handshakes_done, counters.half_open, counters.handshakes_failed) == (1, 0, 0)
    assert counters.bad_tags == counters.replays == counters.malformed == 0


@GENERATIONS
def test_the_handshake_takes_six_datagrams_of_known_form(generation: ClientGeneration) -> None:
    wire = make_wire(generation)
    wire.connect(0.0)
    kinds = [
        [
            decode_fragments(record[13:])[0].kind if record[1:6] == b"\xfe\xfd\0\0\0" else None
            for record in split(datagram)
            if record[0] != 20
        ]
        for datagram in wire.sent_by_client + wire.sent_by_server
    ]
    assert kinds == [[1], [1], [11, 16, 15, None], [3], [2, 12, 13, 14], [None]]


def test_records_of_the_server_follow_the_client_hello_and_never_repeat() -> None:
    lost = {1, 2}
    wire = make_wire(to_client=lambda number, _: [] if number in lost else [0.0])
    assert wire.connect()
    numbers = [
        int.from_bytes(record[5:11], "big")
        for datagram in wire.sent_by_server
        for record in split(datagram)
        if record[3:5] == b"\0\0"
    ]
    # The request copies number 0; each flight begins at 1 and counts on through its repeats.
    assert numbers[0] == 0
    assert numbers[1:] == list(range(1, len(numbers)))


@GENERATIONS
@pytest.mark.parametrize("direction", ["to_server", "to_client"])
@pytest.mark.parametrize(
    "lost", [{0}, {1}, {2}, {0, 1}, {1, 2}, {2, 3}, {0, 2}, {2, 3, 4}], ids=str
)
def test_a_lost_datagram_is_made_up_for(
    generation: ClientGeneration, direction: str, lost: set[int]
) -> None:
    wire = make_wire(generation, **{direction: lambda number, _: [0.0] * (number not in lost)})
    assert wire.connect()
    exchange(wire)
    assert len(wire.owner.of(SessionReady)) == 1
    assert wire.owner.server.counters.bad_tags == 0


@GENERATIONS
@pytest.mark.parametrize("pair", list(itertools.product(range(4), range(4))), ids=str)
def test_one_datagram_lost_each_way_is_made_up_for(
    generation: ClientGeneration, pair: tuple[int, int]
) -> None:
    wire = make_wire(
        generation,
        to_server=lambda number, _: [0.0] * (number != pair[0]),
        to_client=lambda number, _: [0.0] * (number != pair[1]),
    )
    assert wire.connect()
    exchange(wire)


@GENERATIONS
@pytest.mark.parametrize("delay", [0.0, 0.5, 3.5, 10.0])
@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("direction", ["to_server", "to_client"])
def test_a_datagram_that_comes_twice_does_no_harm(
    generation: ClientGeneration, delay: float, number: int, direction: str
) -> None:
    twice: Fate = lambda n, _: [0.0, delay] if n == number else [0.0]  # noqa: E731
    wire = make_wire(generation, **{direction: twice})
    assert wire.connect(0.0)
    exchange(wire)
    wire.run(20.0)
    exchange(wire)
    assert len(wire.owner.of(SessionReady)) == 1
    assert wire.told.count(Connected()) == 1


@GENERATIONS
@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("direction", ["to_server", "to_client"])
def test_a_datagram_that_comes_late_does_no_harm(
    generation: ClientGeneration, number: int, direction: str
) -> None:
    """Later than the repeat that it caused, which reorders everything behind it."""
    late: Fate = lambda n, _: [4.0 if n == number else 0.0]  # noqa: E731
    wire = make_wire(generation, **{direction: late})
    assert wire.connect()
    exchange(wire)
    assert len(wire.owner.of(SessionReady)) == 1


def reshape(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[bytes], list[bytes]]:
    return lambda datagram: change(split(datagram))


@GENERATIONS
@pytest.mark.parametrize("order", list(itertools.permutations(range(5))), ids=str)
def test_the_records_of_a_flight_may_arrive_one_by_one_in_any_order(
    generation: ClientGeneration, order: tuple[int, ...]
) -> None:
    client, owner = make_client(generation), make_owner()
    wire = Wire(client, owner, to_server=lambda number, _: [0.0] * (number != 2))
    wire.connect(0.0)
    records = split(wire.sent_by_client[2])
    assert len(records) == 5
    for index in order:
        owner.server.receive(records[index], HERE, wire.now)
        wire.run()
    assert client.connected
    exchange(wire)


@pytest.mark.parametrize("size", [1, 7, 30])
def test_messages_of_the_device_may_come_in_fragments(size: int) -> None:
    client, owner = make_client(), make_owner()
    wire = Wire(client, owner, to_server=lambda number, _: [0.0] * (number != 2))
    wire.connect(0.0)
    records = split(wire.sent_by_client[2])
    pieces = [piece for record in records[:3] for piece in fragment(record, size)]
    for piece in [*reversed(pieces), *records[3:]]:
        owner.server.receive(piece, HERE, wire.now)
    wire.run()
    assert client.connected
    exchange(wire)


def fragment(record: bytes, size: int) -> list[bytes]:
    [message] = decode_fragments(record[13:])
    head = record[13:19]
    return [
        encode_clear(
            22,
            100 + offset,
            head
            + offset.to_bytes(3, "big")
            + len(message.content[offset : offset + size]).to_bytes(3, "big")
            + message.content[offset : offset + size],
        )
        for offset in range(0, message.length, size)
    ]


def test_the_flight_of_the_server_may_come_in_one_datagram_per_message() -> None:
    client, owner = make_client(), make_owner()
    wire = Wire(client, owner, to_client=lambda number, _: [0.0] * (number != 1))
    wire.connect(0.0)
    for record in reversed(split(wire.sent_by_server[1])):
        client.receive(record, wire.now)
    wire.run()
    assert client.connected


def test_a_cookie_that_became_too_old_is_replaced() -> None:
    """The second HelloVerifyRequest takes the message number of the ClientHello that it answers."""
    wire = make_wire(to_server=lambda number, _: [700.0 if number == 1 else 0.0])
    wire.to_client = lambda number, _: [0.0] * (number < 1)
    wire.client.start(wire.now)
    wire.run(700.0)
    [second] = decode_fragments(wire.sent_by_server[-1][13:])
    assert (second.kind, second.message_seq) == (3, 1)


def test_a_device_gives_up_after_45_seconds_of_silence() -> None:
    wire = make_wire()
    started = wire.now
    times: list[float] = []

    def note(number: int, datagram: bytes) -> list[float]:
        times.append(wire.now - started)
        return []

    wire.to_server = note
    wire.client.start(wire.now)
    wire.run(44.9)
    assert times == [0.0, 3.0, 9.0, 21.0]
    assert wire.told == []
    wire.run(0.2)
    assert wire.told == [Failed("timeout")]
    assert wire.client.next_timeout() is None


def test_a_device_connects_again_at_once_and_takes_the_place_of_its_old_session() -> None:
    wire = make_wire()
    wire.connect(0.0)
    exchange(wire)
    old = wire.owner.session
    wire.client = make_client(seed=9)
    assert wire.connect(0.0)
    assert wire.owner.session is not old
    assert wire.owner.server.session_count == 1
    exchange(wire)

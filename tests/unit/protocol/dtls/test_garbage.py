"""Anything at all on the wire: nothing raises, nothing forged is heard, devices stay served."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders.dtls import GEN_3_0, GEN_6, HERE, THERE, Wire, make_client, make_wire
from tests.vectors import dtls_fixed as fixed

from roadstead.protocol.dtls.events import ApplicationData

REAL = [
    fixed.CLIENT_HELLO,
    fixed.CLIENT_HELLO_WITH_COOKIE,
    fixed.CLIENT_FLIGHT,
    fixed.COAP_HELLO,
    fixed.MOVED_PING,
    fixed.OLD_MOVED_PING,
    fixed.SERVER_FLIGHT,
    fixed.SERVER_FINALE,
]


def mutate(random: Random, datagram: bytes) -> bytes:
    """A few changes of a kind that finds borders: bytes, cuts, repeats, other datagrams."""
    content = bytearray(datagram)
    for _ in range(random.randint(1, 4)):
        place = random.randrange(len(content) + 1)
        match random.randrange(5):
            case 0:
                content[place : place + 1] = random.randbytes(1)
            case 1:
                del content[place : place + random.randint(1, 20)]
            case 2:
                content[place:place] = random.choice(REAL)[: random.randint(1, 60)]
            case 3:
                content[place : place + 2] = random.choice((b"\0\0", b"\xff\xff", b"\0\1"))
            case _:
                content += content[: random.randint(0, 40)]
    return bytes(content[:2100])


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.sampled_from([GEN_6, GEN_3_0]))
def test_mutations_of_a_running_session_change_nothing_for_it(seed: int, generation) -> None:  # type: ignore[no-untyped-def]
    random = Random(seed)
    wire = make_wire(generation)
    wire.client.start(wire.now)
    server = wire.owner.server

    def noisy(number: int, datagram: bytes) -> list[float]:
        for _ in range(12):
            source = random.choice((HERE, THERE, ("192.0.2.1", random.randrange(65536))))
            if wire.client.connected or source != HERE:
                # In clear a forger who writes the device's own address can end its handshake.
                server.receive(mutate(random, random.choice([datagram, *REAL])), source, wire.now)
        return [0.0]

    wire.to_server = noisy
    wire.run(30.0)
    assert wire.client.connected
    for number in range(10):
        wire.send(b"message %d" % number)
    assert wire.owner.received() == [b"message %d" % number for number in range(10)]


@settings(max_examples=25)
@given(st.integers(0, 2**32))
def test_a_forger_at_the_address_of_the_device_can_at_most_delay_it(seed: int) -> None:
    random = Random(seed)
    wire = make_wire()
    wire.client.start(wire.now)

    def forging(number: int, datagram: bytes) -> list[float]:
        for _ in range(6):
            wire.owner.server.receive(mutate(random, datagram), HERE, wire.now)
        return [0.0]

    wire.to_server = forging
    wire.run(60.0)
    wire.to_server = lambda number, datagram: [0.0]
    if not wire.client.connected:
        wire.client = make_client(seed=77)
        assert wire.connect()
    wire.send(b"at last")
    assert wire.owner.received() == [b"at last"]


@settings(max_examples=150)
@given(st.lists(st.binary(max_size=120) | st.sampled_from(REAL), max_size=12))
def test_no_datagram_makes_the_server_or_the_client_raise(datagrams: list[bytes]) -> None:
    wire = Wire(make_client(), make_wire().owner)
    wire.client.start(0.0)
    for datagram in datagrams:
        wire.owner.server.receive(datagram, HERE, 0.0)
        wire.client.receive(datagram, 0.0)
    wire.run(100.0)
    assert not any(isinstance(event, ApplicationData) for event in wire.told + wire.owner.events)

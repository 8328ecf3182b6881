"""A gateway that dies and starts again goes on with every device: no handshake, nothing lost."""

import asyncio
from collections import deque
from pathlib import Path

import pytest
from sqlalchemy import event, select
from tests.builders.dtls import GEN_3_0, GEN_3_1
from tests.builders.edge import BOX_KEY, OWNER, Edge, start_edge, until
from tests.builders.wire_device import WireDevice

from roadstead.devices.announcing import DEVICE_CHANGED
from roadstead.devices.model import DeviceIdentity
from roadstead.events.store import events as events_table
from roadstead.gateway.effects import Ask, Purpose
from roadstead.gateway.session_store import device_sessions
from roadstead.kit.errors import Unavailable
from roadstead.protocol.coap import codes
from roadstead.protocol.coap.message import CON, Message, encode_message
from roadstead.protocol.dtls.snapshot import SessionSnapshot
from roadstead.protocol.messages.event import DeviceEvent, encode_event, event_to_device
from roadstead.protocol.messages.subscription import DeviceSubscription
from roadstead.storage.outbox import OutboxMessage
from roadstead.storage.secret_box import SecretBox

pytestmark = pytest.mark.system


async def restart(edge: Edge) -> Edge:
    """Kills the gateway and starts another on the same folder and port."""
    port = edge.address[1]
    await edge.crash()
    return await start_edge(edge.folder, port=port)


def received(device: WireDevice) -> list[bytes]:
    return [event.payload for event in device.events if event.name == "go/on"]


def stored_events(name: str):
    return lambda conn: [
        row.payload
        for row in conn.execute(
            select(events_table).where(events_table.c.name == name).order_by(events_table.c.id)
        )
    ]


@pytest.mark.parametrize("generation", [None, GEN_3_1, GEN_3_0])
async def test_a_device_goes_on_after_a_crash_without_a_handshake(
    tmp_path: Path, generation: object
) -> None:
    edge = await start_edge(tmp_path)
    what = {} if generation is None else {"generation": generation}
    device = await edge.add_device(
        functions={"f": lambda argument: int(argument) * 2}, variables={"v": 1.5}, **what
    )
    await device.connect((DeviceSubscription("go"),))
    await device.publish("before", b"1")
    for round_number in range(3):
        edge = await restart(edge)
        link = edge.gateway.link
        assert link.is_online(device.device_id)
        # The server speaks first: function, variable and subscription are known as before.
        assert await link.call_function(device.device_id, "f", "21", timeout_s=5) == 42
        assert await link.read_variable(device.device_id, "v", timeout_s=5) == 1.5
        await device.publish("go/on", str(round_number).encode())
        expected = [str(number).encode() for number in range(round_number + 1)]
        await until(lambda wanted=expected: received(device) == wanted)
        assert edge.named("spark/status") == []
    device.resume()
    await device.ping()
    assert device.handshakes == 1
    assert len([m for m in device.told if m.code == codes.GET and m.options[0][1] == b"d"]) == 1
    device.close()
    await edge.stop()


async def test_a_server_that_was_away_finds_its_sleeping_devices(tmp_path: Path) -> None:
    edge = await start_edge(tmp_path)
    device = await edge.add_device(functions={"f": int})
    await device.connect()
    device.close()
    edge = await restart(edge)
    device.resume()
    await device.publish("back", b"")
    assert await edge.gateway.link.call_function(device.device_id, "f", "3", timeout_s=5) == 3
    assert device.handshakes == 1
    device.close()
    await edge.stop()


async def test_no_record_number_is_used_twice_over_crashes(tmp_path: Path) -> None:
    edge = await start_edge(tmp_path)
    device = await edge.add_device()
    await device.connect()
    used: set[int] = set()
    for _ in range(3):
        session = edge.gateway._connections.find(device.device_id).session
        before = session.tx_sequence
        for _ in range(5):
            await device.ping()
        numbers = set(range(before, session.tx_sequence))
        assert numbers and not numbers & used
        used |= numbers
        edge = await restart(edge)
    device.close()
    await edge.stop()


async def test_reservations_grow_ahead_of_a_busy_device(tmp_path: Path) -> None:
    edge = await start_edge(tmp_path)
    device = await edge.add_device()
    await device.connect()
    for _ in range(60):
        await asyncio.gather(*(device.ping() for _ in range(50)))
    session = edge.gateway._connections.find(device.device_id).session
    assert session.tx_sequence > 3000
    assert session.tx_limit > session.tx_sequence
    stored = await edge.database.read(lambda conn: conn.scalar(select(device_sessions.c.tx_limit)))
    assert stored >= session.tx_limit
    device.close()
    await edge.stop()


async def test_an_event_kept_before_the_crash_is_not_kept_twice(tmp_path: Path) -> None:
    edge = await start_edge(tmp_path)
    device = await edge.add_device()
    await device.connect()
    edge.gateway._wire.flush = lambda connection: None  # the acknowledgement never leaves
    draft = encode_event(DeviceEvent("once", b"1"))
    repeated = encode_message(Message(CON, draft.code, 4711, b"", draft.options, draft.payload))
    device.send_raw(repeated)
    await until(lambda: edge.named("once"))
    edge = await restart(edge)
    device.send_raw(repeated)
    await device.publish("after", b"")
    assert await edge.database.read(stored_events("once")) == [b"1"]
    assert edge.named("once") == []
    device.close()
    await edge.stop()


async def test_a_device_that_begins_anew_after_a_crash_is_not_taken_for_a_repeat(
    tmp_path: Path,
) -> None:
    edge = await start_edge(tmp_path)
    device = await edge.add_device()
    device.counts_on = False
    await device.connect()
    for number in range(12):
        await device.publish("n", str(number).encode())
    edge = await restart(edge)
    await device.connect()
    await device.publish("n", b"again")
    assert [event.payload for event in edge.named("n")] == [b"again"]
    assert edge.gateway.link.is_online(device.device_id)
    device.close()
    await edge.stop()


async def test_every_acknowledged_event_survives_a_crash(tmp_path: Path) -> None:
    edge = await start_edge(tmp_path)
    device = await edge.add_device()
    await device.connect()
    acknowledged: list[int] = []

    async def publish() -> None:
        for number in range(2000):
            await device.publish("n", str(number).encode())
            acknowledged.append(number)

    publishing = asyncio.create_task(publish())
    await asyncio.sleep(0.8)
    told = list(acknowledged)
    edge = await restart(edge)
    publishing.cancel()
    await asyncio.gather(publishing, return_exceptions=True)
    kept = {int(payload) for payload in await edge.database.read(stored_events("n"))}
    assert len(told) > 10
    assert set(told) <= kept
    device.close()
    await edge.stop()


async def test_a_session_stored_but_never_confirmed_still_reaches_its_device(
    tmp_path: Path,
) -> None:
    edge = await start_edge(tmp_path)
    device = await edge.add_device()
    confirmed: list[object] = []
    edge.gateway._dtls.confirm = lambda session, now: confirmed.append(session)
    handshake = asyncio.create_task(device.handshake(timeout_s=20))
    await until(lambda: confirmed)
    edge = await restart(edge)
    await handshake
    await device.say_hello()
    assert edge.gateway.link.is_online(device.device_id)
    assert device.handshakes == 1
    device.close()
    await edge.stop()


async def test_keys_lie_encrypted_and_a_lost_key_file_costs_a_handshake_only(
    tmp_path: Path,
) -> None:
    edge = await start_edge(tmp_path)
    device = await edge.add_device()
    await device.connect()
    row = await edge.database.read(lambda conn: conn.execute(select(device_sessions)).one())
    snapshot = SessionSnapshot.decode(SecretBox(BOX_KEY).open(row.sealed, row.session_key))
    assert snapshot.keys not in row.sealed
    await edge.database.write(
        lambda conn: conn.execute(device_sessions.update().values(sealed=b"\x01" + b"0" * 60))
    )
    edge = await restart(edge)
    assert edge.gateway.counters.sessions_lost == 1
    assert not edge.gateway.link.is_online(device.device_id)
    await device.connect()
    assert edge.gateway.link.is_online(device.device_id)
    told = edge.named("spark/status")
    assert [(event.payload, event.owner_id) for event in told] == [
        (b"offline", OWNER),
        (b"online", OWNER),
    ]
    device.close()
    await edge.stop()


async def test_a_device_that_does_not_return_after_a_restart_goes_offline(tmp_path: Path) -> None:
    edge = await start_edge(tmp_path)
    device = await edge.add_device()
    await device.connect()
    device.close()
    edge = await restart(edge)
    assert edge.gateway.link.is_online(device.device_id)
    connection = edge.gateway._connections.find(device.device_id)
    connection.heard_at -= 3600
    edge.gateway._runner.watch(connection)
    await until(lambda: [e.payload for e in edge.named("spark/status")] == [b"offline"])
    assert not edge.gateway.link.is_online(device.device_id)
    device.resume()
    await device.ping()
    await until(lambda: [e.payload for e in edge.named("spark/status")] == [b"offline", b"online"])
    device.close()
    await edge.stop()


async def test_a_silent_session_is_deleted_in_the_end(tmp_path: Path) -> None:
    edge = await start_edge(tmp_path, session_expiry_s=0.5)
    device = await edge.add_device()
    await device.connect()
    device.close()
    connection = edge.gateway._connections.find(device.device_id)
    connection.heard_at -= 3600
    edge.gateway._runner.watch(connection)
    await until(lambda: edge.gateway.counters.sessions_expired == 1)
    await edge.journal.flush()
    rows = await edge.database.read(lambda conn: conn.execute(select(device_sessions)).all())
    assert rows == []
    assert edge.gateway._dtls.session_count == 0
    await edge.stop()


async def test_reserved_numbers_survive_a_power_loss(tmp_path: Path) -> None:
    edge = await start_edge(tmp_path)
    levels: list[int] = []

    @event.listens_for(edge.database._engine, "before_cursor_execute")
    def look(conn, cursor, statement, *_):  # type: ignore[no-untyped-def]
        if statement.startswith("UPDATE device_sessions SET tx_limit"):
            levels.append(cursor.connection.execute("PRAGMA synchronous").fetchone()[0])

    device = await edge.add_device()
    await device.connect()
    connection = edge.gateway._connections.find(device.device_id)
    before = connection.session.tx_limit
    edge.gateway._keeper.raise_limit(connection)
    await until(lambda: connection.session.tx_limit > before)
    assert levels == [2]  # FULL
    device.close()
    await edge.stop()


async def test_positions_do_not_pile_up_while_the_journal_is_full(tmp_path: Path) -> None:
    edge = await start_edge(tmp_path)
    device = await edge.add_device()
    await device.connect()
    keeper, journal = edge.gateway._keeper, edge.journal
    connection = edge.gateway._connections.find(device.device_id)
    room, journal._max_pending = journal._max_pending, 0
    for _ in range(10):
        keeper.note_heard(connection)
        keeper.flush()
    assert len(keeper._later) == 0
    journal._max_pending = room
    device.close()
    await edge.crash()
    edge = await start_edge(tmp_path)
    assert edge.gateway.counters.sessions_loaded == 1
    await edge.stop()


async def test_a_list_that_found_the_journal_full_does_not_undo_a_newer_one(tmp_path: Path) -> None:
    edge = await start_edge(tmp_path)
    device = await edge.add_device()
    await device.connect()
    keeper, journal = edge.gateway._keeper, edge.journal
    connection = edge.gateway._connections.find(device.device_id)
    settled: list[Exception | None] = []
    room, journal._max_pending = journal._max_pending, 0
    connection.state.subscriptions = [DeviceSubscription("a")]
    keeper.store_subscriptions(connection, settled.append)
    journal._max_pending = room
    connection.state.subscriptions = [DeviceSubscription("a"), DeviceSubscription("b")]
    keeper.store_subscriptions(connection, settled.append)
    keeper.flush()
    await until(lambda: settled == [None, None])
    device.close()
    edge = await restart(edge)
    taken = edge.gateway._connections.find(device.device_id)
    assert [one.prefix for one in taken.state.subscriptions] == ["a", "b"]
    await edge.stop()


async def test_a_new_owner_is_learned_even_if_the_database_is_away_meanwhile(
    tmp_path: Path,
) -> None:
    edge = await start_edge(tmp_path)
    device = await edge.add_device()
    await device.connect()
    find, failures = edge.registry.find_identity, [Unavailable("database_unavailable", "away")] * 2

    async def find_later(device_id: str) -> DeviceIdentity | None:
        if failures:
            raise failures.pop()
        return await find(device_id)

    edge.registry.find_identity = find_later
    await edge.own(device.device_id, "b" * 24)
    edge.bus.publish(DEVICE_CHANGED, OutboxMessage(DEVICE_CHANGED, device.device_id, None))
    connection = edge.gateway._connections.find(device.device_id)
    await until(lambda: connection.state.identity.owner_id == "b" * 24)
    assert not failures
    device.close()
    await edge.stop()


async def test_two_servers_on_one_database_never_use_a_number_twice(tmp_path: Path) -> None:
    edge = await start_edge(tmp_path)
    device = await edge.add_device()
    await device.connect()
    session = edge.gateway._connections.find(device.device_id).session
    other = await start_edge(tmp_path)
    theirs = other.gateway._connections.find(device.device_id).session
    ours_end, theirs_begin = session.tx_limit, theirs.tx_sequence
    assert ours_end <= theirs_begin
    failed = edge.journal.failures
    edge.gateway._keeper.raise_limit(session.context)
    await until(lambda: edge.journal.failures > failed)
    await edge.journal.flush()
    assert session.tx_limit == ours_end
    other.gateway._keeper.raise_limit(theirs.context)
    before = theirs.tx_limit
    await until(lambda: theirs.tx_limit > before)
    device.close()
    await other.stop()
    await edge.stop()


async def test_events_of_a_former_owner_that_wait_for_a_device_are_dropped(tmp_path: Path) -> None:
    edge = await start_edge(tmp_path)
    device = await edge.add_device()
    await device.connect()
    connection = edge.gateway._connections.find(device.device_id)
    ask = Ask(Purpose("event", name="private", queued=True), event_to_device("private", b"1"))
    connection.waiting = deque([ask])
    edge.bus.publish(DEVICE_CHANGED, OutboxMessage(DEVICE_CHANGED, device.device_id, None))
    await asyncio.sleep(0.1)
    assert connection.waiting == deque([ask])  # a change of something else
    await edge.own(device.device_id, "b" * 24)
    edge.bus.publish(DEVICE_CHANGED, OutboxMessage(DEVICE_CHANGED, device.device_id, None))
    await until(lambda: connection.state.identity.owner_id == "b" * 24)
    assert not connection.waiting
    assert edge.gateway.counters.delivery_dropped == 1
    device.close()
    await edge.stop()

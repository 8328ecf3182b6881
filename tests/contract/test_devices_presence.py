"""Presence: in memory, written behind, taken over after a restart."""

import asyncio
import contextlib
from datetime import timedelta

import pytest
from tests.builders.devices import make_device_id

from roadstead.devices.model import Presence
from roadstead.devices.presence import PresenceBoard
from roadstead.devices.presence_store import find_presence
from roadstead.kit.clock import ManualClock
from roadstead.storage.database import Database
from roadstead.storage.journal import Journal

ID, ID2 = make_device_id(1), make_device_id(2)


class Board(PresenceBoard):
    """A board with a running journal."""

    def __init__(self, database: Database) -> None:
        self.database, self.clock = database, ManualClock()
        self.journal = Journal(database, delay_s=0.001)
        super().__init__(self.journal, self.clock)

    async def write(self) -> int:
        """Flushes, and gives the number of rows written."""
        count = self.flush()
        await self.journal.flush()
        return count

    async def stored(self, device_id: str) -> Presence | None:
        found = await self.database.read(lambda conn: find_presence(conn, [device_id]))
        return found.get(device_id)


@contextlib.asynccontextmanager
async def open_board(database: Database):
    board = Board(database)
    writing = asyncio.create_task(board.journal.run())
    try:
        yield board
    finally:
        await board.journal.close()
        await writing


@pytest.fixture
async def board(database):
    async with open_board(database) as board:
        yield board


async def test_a_device_that_comes_hears_and_goes_is_written(board):
    start = board.clock.now()
    board.online(ID, "192.0.2.1", start, True)
    assert board.find(ID) == Presence(True, start, start, "192.0.2.1")
    await board.write()
    assert await board.stored(ID) == board.find(ID)
    board.clock.advance(30)
    board.heard(ID)
    assert board.find(ID).last_heard_at == start + timedelta(seconds=30)
    await board.write()
    assert (await board.stored(ID)).last_heard_at == start + timedelta(seconds=30)
    board.clock.advance(60)
    board.offline(ID, board.clock.now())
    assert not board.find(ID).online
    await board.write()
    gone = Presence(False, start + timedelta(seconds=30), start, "192.0.2.1")
    assert await board.stored(ID) == gone
    assert board.find(ID) is None
    assert board.overlay(ID, gone) == gone


async def test_only_what_changed_is_written(board):
    for number in range(100):
        board.online(make_device_id(number), "192.0.2.1", board.clock.now(), True)
    assert await board.write() == 100
    assert await board.write() == 0
    board.heard(make_device_id(7))
    board.heard(make_device_id(7))
    board.heard(make_device_id(9))
    assert await board.write() == 2
    assert await board.write() == 0


async def test_a_resumed_session_is_no_handshake_and_may_come_from_elsewhere(board):
    start = board.clock.now()
    board.online(ID, "192.0.2.1", start, True)
    board.clock.advance(10)
    board.online(ID, "2001:db8::7", board.clock.now(), False)
    assert board.find(ID) == Presence(True, board.clock.now(), start, "2001:db8::7")
    board.offline(ID, board.clock.now())
    await board.write()
    board.online(ID, "192.0.2.3", board.clock.now(), False)
    await board.write()
    stored = await board.stored(ID)
    assert (stored.last_handshake_at, stored.last_ip_address) == (start, "192.0.2.3")
    assert board.overlay(ID, stored).last_handshake_at == start


async def test_who_was_online_when_the_process_died_is_taken_over(database):
    async with open_board(database) as before:
        for device_id in (ID, ID2):
            before.online(device_id, "192.0.2.1", before.clock.now(), True)
        before.offline(ID2, before.clock.now())
        await before.write()
        known = before.find(ID)
    async with open_board(database) as after:
        assert await after.load(database) == [ID]
        assert after.find(ID) == known
        assert after.is_online(ID)
        assert not after.is_online(ID2)
        assert after.online_count == 1
        after.offline(ID, after.clock.now())
        await after.write()
    async with open_board(database) as later:
        assert await later.load(database) == []


async def test_the_number_online_is_right_whatever_comes_twice(board):
    now = board.clock.now()
    for _ in range(2):
        board.online(ID, "192.0.2.1", now, True)
        board.online(ID2, "192.0.2.1", now, False)
    assert board.online_count == 2
    for _ in range(2):
        board.offline(ID, now)
    assert board.online_count == 1
    await board.write()
    board.offline(ID, now)
    assert board.online_count == 1


async def test_a_device_that_comes_back_before_it_was_written_away_stays(board):
    now = board.clock.now()
    board.online(ID, "192.0.2.1", now, True)
    board.offline(ID, now)
    board.flush()
    board.online(ID, "192.0.2.2", now, True)
    await board.write()
    assert board.is_online(ID)
    assert (await board.stored(ID)).online


async def test_messages_of_devices_that_are_not_online_leave_no_trace(board):
    board.heard(ID)
    assert await board.write() == 0
    assert board.find(ID) is None
    assert await board.stored(ID) is None


async def test_what_could_not_be_written_is_written_later(database):
    board = PresenceBoard(Journal(database, max_pending=1), ManualClock())
    for device_id in (ID, ID2):
        board.online(device_id, "192.0.2.1", ManualClock().now(), True)
    assert board.flush() == 1
    assert board.flush() == 0
    journal = board._journal
    writing = asyncio.create_task(journal.run())
    await journal.flush()
    assert board.flush() == 1
    await journal.close()
    await writing
    stored = await database.read(lambda conn: find_presence(conn, [ID, ID2]))
    assert [stored[device_id].online for device_id in (ID, ID2)] == [True, True]


async def test_a_write_that_the_database_refuses_is_tried_again(board):
    board.online(ID, "bad \0 address", board.clock.now(), True)
    await board.write()
    if board.database.dialect == "postgresql":
        assert await board.stored(ID) is None
        board.online(ID, "192.0.2.1", board.clock.now(), True)
        assert await board.write() == 1
    assert (await board.stored(ID)).online


async def test_a_failed_write_of_a_device_that_has_gone_since_is_forgotten(board):
    now = board.clock.now()
    board.online(ID, "no text \ud800", now, True)
    board.flush()
    board.online(ID, "192.0.2.1", now, True)
    board.offline(ID, now)
    await board.write()
    assert board.find(ID) is None
    assert await board.write() == 0
    assert not (await board.stored(ID)).online


async def test_the_last_changes_are_handed_over_when_it_ends(board):
    running = asyncio.create_task(board.run())
    await asyncio.sleep(0)
    board.online(ID, "192.0.2.1", board.clock.now(), True)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await board.journal.flush()
    assert (await board.stored(ID)).online


async def test_many_devices_are_looked_up_in_steps(board):
    for number in range(1100):
        board.online(make_device_id(number), "192.0.2.1", board.clock.now(), True)
    await board.write()
    ids = [make_device_id(number) for number in range(1200)]
    assert len(await board.database.read(lambda conn: find_presence(conn, ids))) == 1100

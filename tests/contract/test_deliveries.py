"""The tables of deliveries and pushes, on both engines."""

import asyncio

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError
from tests.builders.firmware import add_device, add_product, make_id
from tests.unit.firmware.delivery.test_rules import make_delivery

from roadstead.firmware.delivery import push_store, store
from roadstead.firmware.delivery.model import BackOff, Delivery, new_delivery_id
from roadstead.storage.database import Database


def queued(number: int, ms: int = 1, **changes: object) -> Delivery:
    what = {"id": new_delivery_id(ms), "device_id": make_id(number), "state": "queued", "begins": 0}
    return make_delivery(**{**what, **changes})


async def test_a_device_has_one_open_delivery_whatever_happens_at_once(database: Database):
    rivals = [queued(1) for _ in range(4)]
    added = await asyncio.gather(
        *(database.write(lambda conn, one=one: store.insert_open(conn, [one])) for one in rivals),
        return_exceptions=True,
    )
    assert sum(one == [make_id(1)] for one in added) == 1
    assert len(await database.read(store.list_open)) == 1

    def insert_anyway(conn: Connection) -> None:
        row = {name: getattr(rivals[1], name) for name in Delivery.__struct_fields__}
        conn.execute(
            store.firmware_deliveries.insert().values(**{**row, "id": "f" * 24, "is_open": True})
        )

    with pytest.raises(IntegrityError):
        await database.write(insert_anyway)


async def test_a_delivery_is_read_as_it_was_written_and_leaves_the_queue_at_its_end(
    database: Database,
):
    first, second = queued(1, 1), queued(2, 2, product_id=None, asked_by="b" * 24)
    both = [first, second]
    added = await database.write(lambda conn: store.insert_open(conn, both))
    assert added == [make_id(1), make_id(2)]
    assert await database.read(store.list_open) == both
    first.state, first.begins, first.accepted, first.owner = "sending", 1, True, "me"
    early = store.changes_of(first)
    first.state, first.result, first.ended_at_ms = "succeeded", "succeeded", 50
    rows = [early, store.changes_of(first), store.changes_of(second)]
    await database.write(lambda conn: store.write_deliveries(conn, rows))
    assert await database.read(store.list_open) == [second]
    later = queued(1, 3)
    await database.write(lambda conn: store.insert_open(conn, [later]))

    def history(before: str | None = None):
        return database.read(
            lambda conn: store.list_history(conn, make_id(1), limit=5, before_id=before)
        )

    assert await history() == [later, first]
    assert await history(later.id) == [first]
    assert await database.read(lambda conn: store.list_ended(conn, 7, 50, 10)) == [first]
    assert await database.read(lambda conn: store.list_ended(conn, 7, 51, 10)) == []


async def test_leases_are_renewed_for_what_this_process_sends(database: Database):
    mine, other = queued(1, owner="me"), queued(2, owner="you")
    await database.write(lambda conn: store.insert_open(conn, [mine, other]))
    await database.write(lambda conn: store.renew_leases(conn, "me", 99))
    leases = {one.owner: one.lease_until_ms for one in await database.read(store.list_open)}
    assert leases == {"me": 99, "you": 0}


async def test_pauses_and_forced_devices_are_kept(database: Database):
    pauses = [BackOff(make_id(1), 2, 1, 10, "stalled"), BackOff(make_id(1), 2, 2, 20, "refused")]
    await database.write(lambda conn: store.write_back_offs(conn, pauses))
    assert await database.read(store.list_back_offs) == [pauses[1]]
    await database.write(lambda conn: store.delete_back_offs(conn, [make_id(1)]))
    assert await database.read(store.list_back_offs) == []
    ids = [make_id(1), make_id(2), make_id(1)]
    await database.write(lambda conn: store.set_forced(conn, ids, True))
    await database.write(lambda conn: store.set_forced(conn, [make_id(2)], True))
    await database.write(lambda conn: store.set_forced(conn, [make_id(1)], False))
    assert await database.read(store.list_forced) == {make_id(2)}


async def test_a_push_goes_through_the_members_of_its_product_alone(database: Database):
    def work(conn: Connection) -> None:
        add_product(conn, 14_000)
        add_product(conn, 14_001)
        for number in range(5):
            add_device(conn, number, 14_000)
        add_device(conn, 5, 14_001)
        add_device(conn, 6, 14_000, standing="denied")
        push_store.insert_push(conn, 14_000, "b" * 24, 5)

    await database.write(work)
    [push] = await database.read(push_store.list_pushes)
    assert (push.product_id, push.asked_by, push.at_device) == (14_000, "b" * 24, "")

    def members(after: str, limit: int):
        return database.read(lambda conn: push_store.list_members(conn, 14_000, after, limit))

    assert await members("", 3) == [make_id(number) for number in range(3)]
    assert await members(make_id(2), 3) == [make_id(3), make_id(4)]
    await database.write(lambda conn: push_store.move_push(conn, push.id, make_id(2)))
    assert (await database.read(push_store.list_pushes))[0].at_device == make_id(2)
    await database.write(lambda conn: push_store.delete_push(conn, push.id))
    assert await database.read(push_store.list_pushes) == []

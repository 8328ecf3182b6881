"""Vitals from the gateway's sink to their owner, on each engine."""

import asyncio
import contextlib
import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from tests.builders.device_link import Desk
from tests.builders.devices import JO, KIM, make_device_id, make_registration

from roadstead.bus.local import LocalBus
from roadstead.devices.presence import PresenceBoard
from roadstead.devices.registry import DeviceRegistry
from roadstead.devices.service import DeviceService
from roadstead.events.ingest import TOPIC, EventIngest
from roadstead.health.service import VitalsService
from roadstead.health.store import find_vitals
from roadstead.health.vitals_history import delete_old_vitals, list_vitals, to_csv, vitals_history
from roadstead.identity.model import OPERATOR
from roadstead.kit.clock import ManualClock
from roadstead.kit.errors import DomainError, Unavailable
from roadstead.kit.ids import EventIds
from roadstead.protocol.messages.vitals import decode_vitals, encode_vitals
from roadstead.storage.journal import Journal

ID = make_device_id(1)
SERVICE = {"device": {"status": "ok"}}


class Clinic:
    """The vitals service with a claimed device, and what the bus brought."""

    def __init__(self, database, **journal):
        self.database, self.clock, self.desk = database, ManualClock(), Desk()
        bus, self.seen = LocalBus(), []
        bus.subscribe(TOPIC, self.seen.append)
        self.journal = Journal(database, delay_s=0.001, **journal)
        ingest = EventIngest(self.journal, bus, self.clock, EventIds())
        presence = PresenceBoard(self.journal, self.clock)
        self.registry = DeviceRegistry(database, self.clock, bus, lambda: None)
        self.devices = DeviceService(
            database, self.clock, self.registry, presence, self.desk, lambda: None
        )
        self.vitals = VitalsService(database, self.devices, ingest, self.desk, self.journal)
        presence.online(ID, "192.0.2.1", self.clock.now(), True)

    async def store(self, uptime_s: int) -> None:
        readings = decode_vitals(encode_vitals([(6, uptime_s, False), (3, -210, True)]))
        await self.vitals.store(ID, readings, SERVICE)


@contextlib.asynccontextmanager
async def open_clinic(database, **journal):
    clinic = Clinic(database, **journal)
    writing = asyncio.create_task(clinic.journal.run())
    try:
        yield clinic
    finally:
        await clinic.journal.close()
        await writing


@pytest.fixture
async def clinic(database):
    async with open_clinic(database) as clinic:
        await clinic.registry.register(make_registration(1), actor=OPERATOR)
        yield clinic


async def refused(awaitable) -> str:
    with pytest.raises(DomainError) as caught:
        await awaitable
    return caught.value.code


async def test_vitals_are_kept_for_their_owner_and_told_to_readers(clinic):
    await clinic.devices.claim(JO, ID)
    await clinic.store(99)
    updated_at, device_id, payload = await clinic.vitals.last(JO, ID)
    assert (updated_at, device_id) == (clinic.clock.now(), ID)
    assert payload == {
        "device": {
            "system": {"uptime": 99},
            "power": {"battery": {"charge": {"err": -210}}},
        },
        "service": SERVICE,
    }
    [event] = clinic.seen
    assert (event.name, event.source) == ("spark/device/diagnostics/update", "system")
    assert (event.device_id, event.owner_id) == (ID, JO.user_id)
    assert json.loads(event.payload) == payload


async def test_the_last_vitals_replace_the_ones_before(clinic):
    await clinic.devices.claim(JO, ID)
    await clinic.store(99)
    clinic.clock.advance(60)
    await clinic.store(159)
    updated_at, _, payload = await clinic.vitals.last(JO, ID)
    assert updated_at == clinic.clock.now()
    assert payload["device"]["system"]["uptime"] == 159


async def test_vitals_of_an_unclaimed_device_are_in_nobodys_stream(clinic):
    await clinic.store(99)
    assert [event.owner_id for event in clinic.seen] == [None]


async def test_vitals_of_an_unknown_device_are_dropped(clinic):
    await clinic.vitals.store(make_device_id(9), [], SERVICE)
    assert clinic.seen == []
    missing = await clinic.database.read(lambda conn: find_vitals(conn, make_device_id(9)))
    assert missing is None


async def test_only_the_owner_sees_and_asks(clinic):
    clinic.desk.plug_in(ID)
    await clinic.devices.claim(JO, ID)
    assert await refused(clinic.vitals.last(JO, ID)) == "vitals_not_found"
    await clinic.store(1)
    assert await refused(clinic.vitals.last(KIM, ID)) == "device_not_found"
    assert await refused(clinic.vitals.refresh(KIM, ID)) == "device_not_found"
    await clinic.vitals.refresh(JO, ID)
    assert clinic.desk.devices[ID].vitals_asked == 1


async def test_a_device_that_is_away_is_not_asked(clinic):
    await clinic.devices.claim(JO, ID)
    assert await refused(clinic.vitals.refresh(JO, ID)) == "device_offline"


async def test_many_vitals_of_one_device_at_once_do_not_collide(clinic):
    await clinic.devices.claim(JO, ID)
    await asyncio.gather(*(clinic.store(number) for number in range(20)))
    assert len(clinic.seen) == 20


async def test_when_the_journal_is_full_the_device_is_to_send_them_again(database):
    clinic = Clinic(database, max_pending=0)
    await clinic.registry.register(make_registration(1), actor=OPERATOR)
    with pytest.raises(Unavailable):
        await clinic.store(1)


async def test_the_history_has_a_range_of_time_in_order(database):
    async with open_clinic(database) as clinic:
        await clinic.registry.register(make_registration(1), actor=OPERATOR)
        start = clinic.clock.now()
        for uptime in range(5):
            await clinic.store(uptime)
            clinic.clock.advance(86_400)

        def work(conn, first, last, **more):
            return list_vitals(
                conn, ID, start + timedelta(days=first), start + timedelta(days=last), **more
            )

        for first, last, expected in ((0, 5, [0, 1, 2, 3, 4]), (1, 3, [1, 2]), (4, 4.5, [4])):
            found = await database.read(lambda conn, a=first, b=last: work(conn, a, b))
            assert [one.payload["device"]["system"]["uptime"] for one in found] == expected
        assert await database.read(lambda conn: work(conn, 0, 5, product_id=7)) == []
        assert len(await database.read(lambda conn: work(conn, 0, 5, limit=2))) == 2
        rows = await database.read(lambda conn: work(conn, 0, 1))
        head, line, rest = to_csv(ID, rows).split("\r\n")
        assert head.split(",")[:2] == ["updated_at", "deviceID"]
        assert dict(zip(head.split(","), line.split(","), strict=True))["deviceID"] == ID
        assert rest == ""


async def test_vitals_older_than_a_month_leave(database):
    async with open_clinic(database) as clinic:
        await clinic.registry.register(make_registration(1), actor=OPERATOR)
        await clinic.store(1)
        clinic.clock.advance(20 * 86_400)
        await clinic.store(2)
        now = clinic.clock.now() + timedelta(days=12)
        assert await database.write(lambda conn: delete_old_vitals(conn, now)) == 1
        assert await database.write(lambda conn: delete_old_vitals(conn, now)) == 0
        count = select(func.count()).select_from(vitals_history)
        assert await database.read(lambda conn: conn.scalar(count)) == 1

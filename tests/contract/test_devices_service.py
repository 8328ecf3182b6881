"""Claiming, naming and asking of devices on each engine."""

import asyncio
from datetime import timedelta

import pytest
from tests.builders.device_link import Desk
from tests.builders.devices import ADMIN, JO, KIM, make_device_id, make_registration

from roadstead.audit import trail
from roadstead.audit.store import audit_rows
from roadstead.bus.local import LocalBus
from roadstead.devices.presence import PresenceBoard
from roadstead.devices.registry import DeviceRegistry
from roadstead.devices.reports import DeviceReports, HelloFacts
from roadstead.devices.service import DeviceService
from roadstead.identity.model import OPERATOR
from roadstead.kit.clock import ManualClock
from roadstead.kit.errors import Conflict, DomainError, Invalid, NotFound, TimedOut
from roadstead.storage.journal import Journal
from roadstead.storage.outbox import OutboxFollower

ID, ID2, ID3 = make_device_id(1), make_device_id(2), make_device_id(3)


class House:
    """The services of this room on one database, and devices on a desk."""

    def __init__(self, database):
        self.database, self.clock, self.desk = database, ManualClock(), Desk()
        self.bus, self.announced = LocalBus(), 0
        self.follower = OutboxFollower(database, self.bus)
        self.presence = PresenceBoard(Journal(database), self.clock)
        self.registry = DeviceRegistry(database, self.clock, self.bus, self.announce)
        self.reports = DeviceReports(database, self.clock, self.announce)
        self.service = DeviceService(
            database, self.clock, self.registry, self.presence, self.desk, self.announce, 30.0
        )

    def announce(self):
        self.announced += 1

    async def add(self, number: int, *, online: bool = True, owner=None, **what) -> str:
        await self.registry.register(make_registration(number), actor=OPERATOR)
        device_id = make_device_id(number)
        if online or owner:
            self.presence.online(device_id, "192.0.2.9", self.clock.now(), True)
            self.desk.plug_in(device_id, **what)
        if owner:
            await self.service.claim(owner, device_id)
        return device_id

    async def audited(self) -> list[tuple[str, str, dict, dict]]:
        def work(conn):
            assert trail.verify(conn) is None
            rows = conn.execute(audit_rows.select().order_by(audit_rows.c.id))
            return [(row.actor_name, row.action, row.before, row.after) for row in rows]

        return [row for row in await self.database.read(work) if row[1] != "device.register"]


@pytest.fixture
async def house(database) -> House:
    house = House(database)
    await house.follower.start()
    return house


async def refused(awaitable) -> str:
    with pytest.raises(DomainError) as caught:
        await awaitable
    return caught.value.code


async def test_an_online_device_without_owner_is_claimed(house):
    await house.add(1)
    assert await house.service.claim(JO, ID.upper()) == ID
    view = await house.service.get_device(JO, ID)
    assert view.owner_name == JO.username
    assert view.device.owner_id == JO.user_id
    assert view.device.claimed_at == house.clock.now()
    assert (await house.registry.find_identity(ID)).owner_id == JO.user_id
    expected = (JO.username, "device.claim", {"owner_id": None}, {"owner_id": JO.user_id})
    assert await house.audited() == [expected]


async def test_a_claim_changes_what_the_gateway_knows_at_once(house):
    await house.add(1)
    before, announced = await house.registry.find_identity(ID), house.announced
    assert not before.claimed
    await house.service.claim(JO, ID)
    assert (await house.registry.find_identity(ID)).claimed
    assert house.announced == announced + 1
    heard = []
    house.bus.subscribe("device.changed", lambda message: heard.append(message.key))
    await house.follower.deliver()
    assert heard == [ID]


async def test_claiming_ones_own_again_changes_nothing_even_when_it_is_offline(house):
    await house.add(1, owner=JO)
    house.presence.offline(ID, house.clock.now())
    assert await house.service.claim(JO, ID) == ID
    assert len(await house.audited()) == 1


async def test_a_device_that_is_not_online_cannot_be_claimed(house):
    await house.add(1, online=False)
    assert await refused(house.service.claim(JO, ID)) == "claim_needs_online"


async def test_a_device_of_someone_else_cannot_be_claimed(house):
    await house.add(1, owner=JO)
    with pytest.raises(Conflict, match=r"^That belongs to someone else\.$"):
        await house.service.claim(KIM, ID)
    assert (await house.service.get_device(JO, ID)).device.owner_id == JO.user_id


@pytest.mark.parametrize("device_id", [ID2, "blue", "", "0" * 25])
async def test_an_unknown_device_cannot_be_claimed(house, device_id):
    assert await refused(house.service.claim(JO, device_id)) == "device_unknown"


async def test_the_operator_owns_nothing(house):
    await house.add(1)
    with pytest.raises(Invalid):
        await house.service.claim(OPERATOR, ID)
    assert await house.service.list_devices(OPERATOR) == []
    assert await refused(house.service.resolve(OPERATOR, ID)) == "device_not_found"


async def test_of_two_claims_at_once_one_wins(house):
    for number in range(1, 6):
        await house.add(number)
        device_id = make_device_id(number)
        outcomes = await asyncio.gather(
            house.service.claim(JO, device_id),
            house.service.claim(KIM, device_id),
            return_exceptions=True,
        )
        assert sum(outcome == device_id for outcome in outcomes) == 1
        assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 1
    assert len(await house.audited()) == 5


async def test_an_unclaimed_device_is_nobodys_and_forgets_its_name_and_notes(house):
    await house.add(1, owner=JO)
    await house.service.rename(JO, ID, "Blue")
    await house.service.set_notes(JO, ID, "in the cellar")
    assert await house.service.unclaim(JO, "blue") == ID
    assert await refused(house.service.get_device(JO, ID)) == "device_not_found"
    assert (await house.registry.find_identity(ID)).owner_id is None
    assert await house.service.claim(KIM, ID) == ID
    device = (await house.service.get_device(KIM, ID)).device
    assert (device.name, device.notes) == (None, None)


async def test_a_device_is_addressed_by_its_name_in_any_case(house):
    await house.add(1, owner=JO)
    renamed = await house.service.rename(JO, ID, " Kühl Eins ")
    assert (renamed.id, renamed.name, renamed.updated_at) == (ID, "Kühl Eins", house.clock.now())
    for ref in ("Kühl Eins", "KÜHL EINS", "ku\u0308hl eins", ID, ID.upper()):
        assert (await house.service.resolve(JO, ref)).id == ID
    assert (await house.registry.find_identity(ID)).name == "Kühl Eins"


@pytest.mark.parametrize("ref", ["", "nobody", "a\0b", "\ud800", "%", "_", "0" * 24, "x" * 5000])
async def test_what_names_no_device_is_not_found(house, ref):
    await house.add(1, owner=JO)
    assert await refused(house.service.resolve(JO, ref)) == "device_not_found"


async def test_a_name_is_unique_among_the_devices_of_one_owner_only(house):
    for number, owner in ((1, JO), (2, JO), (3, KIM)):
        await house.add(number, owner=owner)
    await house.service.rename(JO, ID, "Blue")
    assert await refused(house.service.rename(JO, ID2, "bLUE")) == "device_name_taken"
    await house.service.rename(KIM, ID3, "Blue")
    await house.service.rename(JO, ID, "BLUE")
    assert (await house.service.resolve(KIM, "blue")).id == ID3


async def test_of_two_equal_names_given_at_once_one_wins(house):
    await house.add(1, owner=JO)
    await house.add(2, owner=JO)
    outcomes = await asyncio.gather(
        house.service.rename(JO, ID, "Blue"),
        house.service.rename(JO, ID2, "blue"),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 1


async def test_others_cannot_even_see_a_device(house):
    await house.add(1, owner=JO, functions={"f": len})
    await house.service.rename(JO, ID, "Blue")
    service = house.service
    for actor in (KIM, ADMIN):
        for ref in (ID, "Blue"):
            for attempt in (
                service.get_device(actor, ref),
                service.resolve(actor, ref),
                service.unclaim(actor, ref),
                service.rename(actor, ref, "Mine"),
                service.set_notes(actor, ref, "mine"),
                service.call_function(actor, ref, "f", ""),
                service.read_variable(actor, ref, "v"),
                service.signal(actor, ref, True),
                service.ping(actor, ref),
            ):
                assert await refused(attempt) == "device_not_found"
        assert await service.list_devices(actor) == []
    assert (await service.resolve(JO, "Blue")).notes is None


async def test_devices_are_listed_with_the_latest_handshake_first(house):
    for number in (1, 2, 3):
        await house.add(number, owner=JO)
        house.clock.advance(10)
    house.presence.online(ID, "192.0.2.1", house.clock.now(), True)
    house.clock.advance(10)
    house.presence.online(ID2, "192.0.2.1", house.clock.now(), False)
    listed = await house.service.list_devices(JO)
    assert [view.device.id for view in listed] == [ID, ID3, ID2]


async def test_a_view_shows_what_the_device_reported_and_whether_it_is_there(house):
    await house.add(1, owner=JO)
    at = house.clock.now()
    await house.reports.hello(ID, HelloFacts(0xFFFF, 0xFFFF, 13, 6200, 0xF6, 1152, 1 << 31, 512))
    await house.reports.application(ID, ["brew"], {"temp": "double"})
    view = await house.service.get_device(JO, ID)
    assert (view.product_id, view.status, view.presence.online) == (13, "normal", True)
    assert (view.device.functions, view.device.variables) == (["brew"], {"temp": "double"})
    assert (view.device.system_version, view.device.max_binary_bytes) == (6200, 1 << 31)
    assert (view.device.firmware_product_id, view.device.firmware_version) == (None, 0)
    assert (view.presence.last_handshake_at, view.presence.last_ip_address) == (at, "192.0.2.9")
    house.presence.offline(ID, house.clock.now() + timedelta(seconds=60))
    assert not (await house.service.get_device(JO, ID)).presence.online


async def test_functions_variables_signal_and_ping_reach_the_device(house):
    device_id = await house.add(
        1, owner=JO, functions={"len": len}, variables={"temp": 21.5, "on": True, "s": "x"}
    )
    await house.service.rename(JO, ID, "Blue")
    call = await house.service.call_function(JO, "blue", "len", "coffee")
    assert (call.id, call.name, call.connected, call.return_value) == (ID, "Blue", True, 6)
    for name, value in (("temp", 21.5), ("on", True), ("s", "x")):
        reading = await house.service.read_variable(JO, "blue", name)
        assert (reading.name, reading.result, reading.device_id) == (name, value, ID)
        assert (reading.device_name, reading.connected) == ("Blue", True)
        assert reading.last_handshake_at == house.clock.now()
    signaling = await house.service.signal(JO, ID, True)
    assert (signaling.id, signaling.connected, signaling.signaling) == (ID, True, True)
    assert house.desk.devices[device_id].signaling
    assert await house.service.ping(JO, ID)


async def test_a_device_that_is_away_or_silent_is_told_apart(house):
    await house.add(1, owner=JO)
    assert await refused(house.service.call_function(JO, ID, "f", "")) == "function_not_found"
    assert await refused(house.service.read_variable(JO, ID, "v")) == "variable_not_found"
    house.desk.devices[ID].silent = True
    with pytest.raises(TimedOut) as caught:
        await house.service.call_function(JO, ID, "f", "")
    assert caught.value.code == "timed_out"
    assert not await house.service.ping(JO, ID)
    del house.desk.devices[ID]
    assert await refused(house.service.read_variable(JO, ID, "v")) == "device_offline"
    assert not await house.service.ping(JO, ID)


async def test_notes_are_kept_and_removed(house):
    await house.add(1, owner=JO)
    noted = await house.service.set_notes(JO, ID, "in the cellar\n2nd shelf")
    assert (noted.id, noted.notes) == (ID, "in the cellar\n2nd shelf")
    assert (await house.service.resolve(JO, ID)).notes == "in the cellar\n2nd shelf"
    assert (await house.service.set_notes(JO, ID, None)).notes is None
    with pytest.raises(NotFound):
        await house.service.set_notes(JO, ID2, "x")


async def test_reports_that_say_nothing_new_write_nothing(house):
    await house.add(1, owner=JO)
    facts = HelloFacts(13, 7, 13, 6200, 0xF6, 1152, 1 << 20, 512)
    modules = {"p": 13, "m": [{"f": "s", "n": "1", "v": 6200}], "imei": "35" * 7, "iccid": "x\0"}
    for _ in range(2):
        await house.reports.hello(ID, facts)
        await house.reports.application(ID, ["f"], {"v": "int32"})
        await house.reports.system(ID, modules)
        await house.reports.updates_flags(ID, True, None)
        await house.reports.safe_mode(ID, False)
        device = await house.service.resolve(JO, ID)
        assert device.updated_at == house.clock.now() - timedelta(seconds=5 * (_ > 0))
        house.clock.advance(5)
    assert (device.imei, device.iccid) == ("35" * 7, None)
    assert (device.firmware_product_id, device.firmware_version) == (13, 7)
    assert (device.updates_enabled, device.updates_forced) == (True, None)


async def test_what_a_device_said_of_itself_is_there_for_its_next_session(house):
    await house.add(1)
    empty = await house.registry.find_description(ID)
    assert (empty.functions, empty.variables, empty.system, empty.safe_mode) == (
        None,
        None,
        None,
        False,
    )
    await house.reports.application(ID, [], {})
    await house.reports.system(ID, {"p": 6, "m": [{"f": "s", "v": 1512}]})
    await house.reports.updates_flags(ID, False, True)
    await house.reports.safe_mode(ID, True)
    said = await house.registry.find_description(ID)
    assert (said.functions, said.variables, said.safe_mode) == ([], {}, True)
    assert said.system == {"p": 6, "m": [{"f": "s", "v": 1512}]}
    assert (said.updates_enabled, said.updates_forced) == (False, True)
    await house.reports.hello(ID, HelloFacts(6, 0xFFFF, 6))
    assert not (await house.registry.find_description(ID)).safe_mode
    await house.service.claim(JO, ID)
    assert (await house.service.resolve(JO, ID)).system_version == 1512


async def test_a_platform_that_differs_from_the_registered_one_is_told_to_all(house):
    await house.add(1)
    heard = []
    house.bus.subscribe("device.changed", lambda message: heard.append(message.key))
    await house.reports.hello(ID, HelloFacts(0xFFFF, 0xFFFF, 13, 6200))
    await house.follower.deliver()
    assert heard == []
    await house.reports.hello(ID, HelloFacts(0xFFFF, 0xFFFF, 25, 6200))
    await house.follower.deliver()
    assert heard == [ID]
    assert (await house.registry.find_identity(ID)).platform_id == 25


async def test_reports_of_an_unknown_device_are_passed_over(house):
    await house.reports.hello(ID, HelloFacts(13, 1, 13))
    await house.reports.application(ID, ["f"], {})
    assert await house.registry.find_identity(ID) is None

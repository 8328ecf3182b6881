"""Claim codes on both engines."""

import pytest
from tests.builders.identity import make_identity

from roadstead.audit import trail
from roadstead.devices import store
from roadstead.devices.claiming import ClaimCodes
from roadstead.devices.model import Device
from roadstead.devices.reports import DeviceReports
from roadstead.identity.model import OPERATOR, Actor
from roadstead.kit.clock import ManualClock
from roadstead.kit.errors import Invalid

DEVICE, OTHER = "e00fce680000000000000001", "e00fce680000000000000002"


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
async def jo(database, clock) -> Actor:
    identity = make_identity(database, clock)
    user = await identity.create_user("jo@example.com", "correct horse battery", actor=OPERATOR)
    identity.close()
    return Actor(user.id, user.username)


@pytest.fixture
async def reports(database, clock):
    async def add(device_id: str) -> None:
        device = Device(id=device_id, created_at=clock.now(), updated_at=clock.now())
        await database.write(lambda conn: store.insert_device(conn, device))

    await add(DEVICE)
    await add(OTHER)
    return DeviceReports(database, clock, lambda: None)


async def owner(database, device_id=DEVICE):
    device = await database.read(lambda conn: store.find_device(conn, device_id))
    return device.owner_id


async def test_the_device_that_says_the_code_is_its_persons(database, clock, jo, reports):
    made = await ClaimCodes(database, clock).create(jo)
    assert len(made.code) == 63 and made.code.isalnum() and made.device_ids == []
    assert await reports.claim_code(DEVICE, made.code, "192.0.2.5")
    assert await owner(database) == jo.user_id
    assert (await ClaimCodes(database, clock).create(jo)).device_ids == [DEVICE]
    assert await database.read(trail.verify) is None


async def test_a_code_gives_one_device(database, clock, jo, reports):
    made = await ClaimCodes(database, clock).create(jo)
    assert await reports.claim_code(DEVICE, made.code, "")
    assert not await reports.claim_code(OTHER, made.code, "")
    assert await owner(database, OTHER) is None


async def test_a_code_ends_after_a_day(database, clock, jo, reports):
    made = await ClaimCodes(database, clock).create(jo)
    clock.advance(24 * 3600)
    assert not await reports.claim_code(DEVICE, made.code, "")
    assert await owner(database) is None


async def test_a_code_does_not_take_a_device_from_its_owner(database, clock, jo, reports):
    await database.write(lambda conn: store.claim_unowned(conn, DEVICE, "f" * 24, clock.now()))
    made = await ClaimCodes(database, clock).create(jo)
    assert not await reports.claim_code(DEVICE, made.code, "")
    assert await owner(database) == "f" * 24
    assert await reports.claim_code(OTHER, made.code, "")


async def test_made_up_codes_do_nothing(database, clock, jo, reports):
    for code in ("", "x" * 63, "\0" * 63, "�" * 63):
        assert not await reports.claim_code(DEVICE, code, "")
    assert not await reports.claim_code("e00fce6800000000000000ff", "x" * 63, "")


async def test_the_operator_has_no_devices_to_claim(database, clock):
    with pytest.raises(Invalid):
        await ClaimCodes(database, clock).create(OPERATOR)

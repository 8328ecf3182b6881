"""Registration, keys and identities on each engine."""

import asyncio

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.builders.devices import (
    ADMIN,
    JO,
    KIM,
    encode_pem,
    make_device_id,
    make_key,
    make_registration,
    make_rsa_key,
)

from roadstead.audit import trail
from roadstead.audit.store import audit_rows
from roadstead.bus.local import LocalBus
from roadstead.devices import store
from roadstead.devices.keys import digest_of
from roadstead.devices.model import Device, Registration
from roadstead.devices.registry import DeviceRegistry
from roadstead.identity.model import OPERATOR
from roadstead.kit.clock import ManualClock
from roadstead.kit.errors import Conflict, Forbidden, Invalid
from roadstead.storage.database import Database
from roadstead.storage.opening import open_database
from roadstead.storage.outbox import OutboxFollower

ID = make_device_id(1)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def registry(database: Database, clock: ManualClock) -> DeviceRegistry:
    return make_registry(database, clock)


def make_registry(database: Database, clock, bus: LocalBus | None = None) -> DeviceRegistry:
    return DeviceRegistry(database, clock, bus or LocalBus(), lambda: None)


async def own(database: Database, device_id: str, owner_id: str) -> None:
    def work(conn):
        assert store.claim_unowned(conn, device_id, owner_id, ManualClock().now())

    await database.write(work)


async def get(database: Database, device_id: str) -> Device | None:
    return await database.read(lambda conn: store.find_device(conn, device_id))


async def audited(database: Database) -> list[tuple[str, str, str]]:
    def work(conn):
        assert trail.verify(conn) is None
        rows = conn.execute(audit_rows.select().order_by(audit_rows.c.id))
        return [(row.actor_name, row.action, row.target) for row in rows]

    return await database.read(work)


async def test_a_registered_device_is_found_by_its_key_and_by_its_id(registry, database):
    key = make_key()
    assert await registry.register(make_registration(1, key, serial_number="P1"), actor=OPERATOR)
    found = await registry.find_by_key(key)
    assert found == await registry.find_identity(ID)
    assert (found.device_id, found.spki_digest, found.platform_id) == (ID, digest_of(key), 13)
    assert (found.owner_id, found.quarantined, found.claimed) == (None, False, False)
    assert (await get(database, ID)).serial_number == "P1"
    assert await audited(database) == [("operator", "device.register", f"device/{ID}")]


async def test_unknown_keys_and_ids_are_none(registry):
    assert await registry.find_by_key(make_key()) is None
    assert await registry.find_identity(ID) is None
    assert await registry.find_description(ID) is None


async def test_a_key_that_was_unknown_is_found_once_it_is_registered(registry):
    key = make_key()
    assert await registry.find_by_key(key) is None
    await registry.register(make_registration(1, key), actor=OPERATOR)
    assert (await registry.find_by_key(key)).device_id == ID


async def test_a_key_registered_by_another_process_is_found_by_way_of_the_outbox(database, clock):
    bus, key = LocalBus(), make_key()
    follower = OutboxFollower(database, bus)
    await follower.start()
    here, elsewhere = make_registry(database, clock, bus), make_registry(database, clock)
    await elsewhere.register(make_registration(1), actor=OPERATOR)
    await follower.deliver()
    old = await here.find_identity(ID)
    assert await here.find_by_key(key) is None
    await elsewhere.register(make_registration(1, key, platform_id=14), actor=OPERATOR)
    assert await here.find_by_key(key) is None
    assert await here.find_identity(ID) is old
    await follower.deliver()
    assert (await here.find_by_key(key)).device_id == ID
    assert (await here.find_identity(ID)).platform_id == 14


async def test_registering_the_same_again_changes_nothing(registry, database):
    registration = make_registration(1)
    assert await registry.register(registration, actor=OPERATOR)
    assert not await registry.register(registration, actor=OPERATOR)
    assert len(await audited(database)) == 1


async def test_a_new_key_takes_the_place_of_the_old_one(registry):
    old, new = make_key(), make_key()
    await registry.register(make_registration(1, old), actor=OPERATOR)
    assert await registry.find_by_key(old)
    await registry.register(make_registration(1, new), actor=OPERATOR)
    assert await registry.find_by_key(old) is None
    assert (await registry.find_by_key(new)).device_id == ID


async def test_a_device_may_have_one_key_of_each_kind(registry):
    elliptic, rsa = make_key(), make_rsa_key()
    await registry.register(make_registration(1, rsa), actor=OPERATOR)
    await registry.register(make_registration(1, elliptic), actor=OPERATOR)
    assert (await registry.find_by_key(rsa)).device_id == ID
    assert (await registry.find_by_key(elliptic)).device_id == ID
    assert (await registry.find_identity(ID)).spki_digest == digest_of(elliptic)


async def test_one_key_belongs_to_one_device(registry):
    key = make_key()
    await registry.register(make_registration(1, key), actor=OPERATOR)
    with pytest.raises(Conflict) as refused:
        await registry.register(make_registration(2, key), actor=OPERATOR)
    assert refused.value.code == "key_in_use"
    assert await registry.find_identity(make_device_id(2)) is None


async def test_a_list_is_accounted_for_line_by_line(registry):
    known, key = make_registration(1), make_key()
    await registry.register(known, actor=OPERATOR)
    report = await registry.register_many(
        [
            known,
            make_registration(2, key),
            Registration("no id", make_key(), 13),
            make_registration(3, key),
            Registration(make_device_id(4), b"no key", 13),
            make_registration(1, known.public_key_der, platform_id=14),
            make_registration(5, platform_id=70_000),
            make_registration(2),
            Registration(make_device_id(6).upper(), make_key(), 6),
        ],
        OPERATOR,
    )
    assert (report.registered, report.unchanged) == (3, 1)
    assert [line for line, _ in report.refused] == [3, 4, 5, 7, 8]
    assert all(reason for _, reason in report.refused)
    assert (await registry.find_identity(make_device_id(6))).platform_id == 6
    assert (await registry.find_identity(ID)).platform_id == 14


async def test_a_long_list_is_registered_in_steps(registry, database):
    registrations = [make_registration(number) for number in range(1, 1203)]
    report = await registry.register_many(registrations, OPERATOR)
    assert (report.registered, report.unchanged, report.refused) == (1202, 0, [])
    again = await registry.register_many(registrations, OPERATOR)
    assert (again.registered, again.unchanged, again.refused) == (0, 1202, [])


async def test_only_administrators_register_lists(registry):
    with pytest.raises(Forbidden):
        await registry.register_many([make_registration()], JO)
    with pytest.raises(Forbidden):
        await registry.register(make_registration(), actor=JO)


async def test_anybody_signed_in_may_provision_a_new_device(registry, database):
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = encode_pem(key)
    assert await registry.provision_key(JO, ID.upper(), pem, "ecc", 13) == ID
    device = await get(database, ID)
    assert (device.platform_id, device.registered_by, device.owner_id) == (13, JO.user_id, None)
    assert await audited(database) == [(JO.username, "device.provision_key", f"device/{ID}")]


async def test_sending_the_registered_key_again_is_no_change_for_anybody(registry, database):
    key = make_key()
    await registry.provision_key(JO, ID, key, "ecc")
    await registry.provision_key(JO, ID, key, "ecc")
    await registry.provision_key(KIM, ID, key, "ecc")
    assert len(await audited(database)) == 1


async def test_the_key_of_an_unclaimed_known_device_is_changed_by_administrators_only(registry):
    await registry.provision_key(JO, ID, make_key(), "ecc")
    for actor in (JO, KIM):
        with pytest.raises(Forbidden) as refused:
            await registry.provision_key(actor, ID, make_key(), "ecc")
        assert refused.value.code == "device_known"
    key = make_key()
    await registry.provision_key(ADMIN, ID, key, "ecc")
    assert (await registry.find_by_key(key)).device_id == ID


async def test_the_key_of_a_claimed_device_is_changed_by_its_owner(registry, database):
    await registry.provision_key(JO, ID, make_key(), "ecc")
    await own(database, ID, KIM.user_id)
    with pytest.raises(Forbidden):
        await registry.provision_key(JO, ID, make_key(), "ecc")
    key = make_key()
    await registry.provision_key(KIM, ID, key, "ecc")
    assert (await registry.find_by_key(key)).owner_id == KIM.user_id


async def test_a_person_registers_so_many_devices_before_they_are_claimed(
    registry, database, monkeypatch
):
    monkeypatch.setattr("roadstead.devices.registering.MAX_UNCLAIMED", 2)
    for number in (1, 2):
        await registry.provision_key(JO, make_device_id(number), make_key(), "ecc")
    with pytest.raises(Forbidden) as refused:
        await registry.provision_key(JO, make_device_id(3), make_key(), "ecc")
    assert refused.value.code == "unclaimed_limit"
    await registry.provision_key(KIM, make_device_id(4), make_key(), "ecc")
    for number in (5, 6, 7):
        await registry.provision_key(ADMIN, make_device_id(number), make_key(), "ecc")
    await own(database, make_device_id(1), JO.user_id)
    await registry.provision_key(JO, make_device_id(3), make_key(), "ecc")


async def test_nobody_takes_a_key_that_another_device_has(registry):
    key = make_key()
    await registry.provision_key(JO, ID, key, "ecc")
    for actor in (JO, ADMIN):
        with pytest.raises(Conflict):
            await registry.provision_key(actor, make_device_id(2), key, "ecc")


@pytest.mark.parametrize(
    ("device_id", "key", "algorithm", "product_id", "code"),
    [
        ("xyz", make_key(), "ecc", None, "bad_device_id"),
        (ID, b"", "ecc", None, "bad_public_key"),
        (ID, make_key(), "rsa", None, "bad_public_key"),
        (ID, make_key(), "dsa", None, "bad_algorithm"),
        (ID, make_key(), "ecc", 30301, "unknown_product"),
    ],
)
async def test_a_broken_provisioning_request_is_refused(
    registry, device_id, key, algorithm, product_id, code
):
    with pytest.raises(Invalid) as refused:
        await registry.provision_key(JO, device_id, key, algorithm, product_id)
    assert refused.value.code == code


async def test_registrations_at_the_same_time_end_with_one_device_and_no_fault(registry, database):
    key = make_key()
    outcomes = await asyncio.gather(
        *(registry.provision_key(actor, ID, key, "ecc") for actor in (JO, KIM, ADMIN) * 3),
        *(
            registry.register_many([make_registration(n) for n in order], OPERATOR)
            for order in (range(2, 40), range(39, 1, -1))
        ),
        return_exceptions=True,
    )
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert (await registry.find_by_key(key)).device_id == ID
    await audited(database)


async def test_identities_that_were_found_once_need_no_database(database_url: str, registry, clock):
    keys = [make_key() for _ in range(20)]
    registrations = [make_registration(number, key) for number, key in enumerate(keys)]
    await registry.register_many(registrations, OPERATOR)
    own_database = await open_database(database_url)
    reader = make_registry(own_database, clock)
    for key in keys:
        assert await reader.find_by_key(key)
        assert await reader.find_identity((await reader.find_by_key(key)).device_id)
    await own_database.close()
    for number, key in enumerate(keys):
        assert (await reader.find_by_key(key)).device_id == make_device_id(number)
        assert await reader.find_identity(make_device_id(number))


async def test_what_was_read_before_a_change_is_not_given_after_it(registry, database):
    await registry.register(make_registration(), actor=OPERATOR)
    read, stale = database.read, []

    async def read_then_change(work):
        found = await read(work)
        if not stale:
            stale.append(found)
            await own(database, ID, JO.user_id)
            registry.forget(ID)
        return found

    database.read = read_then_change
    try:
        assert (await registry.find_identity(ID)).owner_id == JO.user_id
        assert stale[0].owner_id is None
    finally:
        del database.read

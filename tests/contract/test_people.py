"""Organizations, teams, API users, customers, clients and plan limits on both engines."""

import asyncio
from dataclasses import dataclass
from typing import cast

import pytest
from tests.builders.cloud import ORIGIN, Letters
from tests.builders.identity import make_identity

from roadstead.audit import trail
from roadstead.audit.trail import AuditFilter
from roadstead.bus.local import LocalBus
from roadstead.devices import store as device_store
from roadstead.devices.model import Device
from roadstead.devices.service import DeviceService
from roadstead.http.people.people_parts import PeopleParts
from roadstead.identity.model import OPERATOR, AccountKind, Actor
from roadstead.identity.oauth_clients import NewClient
from roadstead.identity.permissions import Role
from roadstead.identity.service import IdentityService
from roadstead.kit.clock import ManualClock
from roadstead.kit.errors import Conflict, Forbidden, Invalid, NotFound
from roadstead.main.people import PeopleNeeds, build_limits, build_people
from roadstead.organizations.model import Owner
from roadstead.organizations.plans import PlanService
from roadstead.organizations.teams import team_for_organization, team_for_product
from roadstead.products.service import ProductDraft, ProductService
from roadstead.products.store import count_devices, find_product
from roadstead.products.team_access import TeamAccess
from roadstead.storage.database import Database
from roadstead.storage.secret_box import SecretBox

PASSWORD = "correct horse battery"


@dataclass
class World:
    database: Database
    clock: ManualClock
    people: PeopleParts
    identity: IdentityService
    products: ProductService
    letters: Letters

    async def person(self, name: str) -> Actor:
        user = await self.identity.create_user(f"{name}@example.com", PASSWORD, actor=OPERATOR)
        return Actor(user.id, user.username)

    async def product(self, owner: Owner, name: str = "Fridge", actor: Actor = OPERATOR):
        draft = ProductDraft(name=name, platform_id=13)
        return await self.products.create(actor, owner, draft)

    async def join(self, owner: Actor, team, guest: Actor, role: Role = Role.DEVELOPER) -> None:
        made = await self.people.invitations.invite(owner, team, guest.username, role)
        await self.people.invitations.decide(guest, made.id, accept=True)


@pytest.fixture
async def world(database: Database):
    clock, letters = ManualClock(), Letters()
    plans = PlanService(database, clock, lambda: None, default_plan="enterprise")
    identity = make_identity(database, clock, bus=LocalBus(), account_opened=plans.account_opened)
    needs = PeopleNeeds(
        *(database, clock, lambda: None, identity, letters, lambda: ORIGIN, SecretBox(bytes(32))),
        devices=cast(DeviceService, None),  # nobody's history is asked for here
    )
    people = build_people(needs, plans, build_limits("enterprise"))
    products = ProductService(database, clock, lambda: None, TeamAccess())
    yield World(database, clock, people, identity, products, letters)
    identity.close()


async def test_the_larger_of_two_roles_holds_and_ends_with_its_team(world: World):
    jo, mo = await world.person("jo"), await world.person("mo")
    acme = await world.people.organizations.create(jo, "Acme", None)
    product = await world.product(acme.owner)
    own = team_for_product(product.id, product.name, product.owner)
    await world.join(jo, own, mo, Role.SUPPORT)
    first = await world.products.reach(mo, product.slug)
    await world.join(jo, team_for_organization(acme), mo, Role.ADMINISTRATOR)
    second = await world.products.reach(mo, product.slug)
    assert first.rights < second.rights
    assert [one.slug for one in await world.people.organizations.list_for(mo)] == ["acme"]
    await world.people.teams.remove(jo, team_for_organization(acme), mo.username)
    with pytest.raises(NotFound):
        await world.products.reach(mo, product.slug)
    assert await world.database.read(trail.verify) is None


async def test_an_invitation_is_answered_once_however_many_try_at_once(world: World):
    jo, mo = await world.person("jo"), await world.person("mo")
    acme = await world.people.organizations.create(jo, "Acme", None)
    team = team_for_organization(acme)
    made = await world.people.invitations.invite(jo, team, mo.username, Role.DEVELOPER)

    async def accept() -> bool:
        try:
            await world.people.invitations.decide(mo, made.id, accept=True)
        except NotFound:
            return False
        return True

    answers = await asyncio.gather(*(accept() for _ in range(10)))
    assert sum(answers) == 1
    roster = await world.people.teams.list_team(team)
    assert [one.username for one in roster.members] == [jo.username, mo.username]


async def test_organizations_made_at_once_get_slugs_of_their_own(world: World):
    jo = await world.person("jo")

    async def make():
        try:
            return (await world.people.organizations.create(jo, "Acme", None)).slug
        except Conflict:
            return None

    slugs = [slug for slug in await asyncio.gather(*(make() for _ in range(8))) if slug]
    assert len(set(slugs)) == len(slugs) >= 1


async def test_an_api_user_and_its_token_live_and_end_together(world: World):
    jo = await world.person("jo")
    product = await world.product(Owner(user_id=jo.user_id), actor=jo)
    team = team_for_product(product.id, product.name, product.owner)
    made = await world.people.api_users.create(jo, team, "CI", ["devices:list"])
    actor = await world.identity.find_actor(made.token, "192.0.2.1")
    assert actor.kind is AccountKind.API_USER and actor.scopes == {"devices:list"}
    assert (await world.products.reach(actor, product.slug)).rights == {"devices:list"}
    again = await world.people.api_users.rotate(jo, team, made.user.username)
    assert await world.identity.find_actor(made.token, "") is None
    assert await world.identity.find_actor(again.token, "") is not None
    assert await world.people.api_users.remove(jo, team, made.user.username)
    assert await world.identity.find_actor(again.token, "") is None
    assert not await world.people.api_users.remove(jo, team, made.user.username)


async def test_customers_made_at_once_are_one(world: World):
    jo = await world.person("jo")
    product = await world.product(Owner(user_id=jo.user_id), actor=jo)
    customers = world.people.customers

    async def make() -> bool:
        try:
            await customers.create(jo, product.id, "Jane@Example.com", PASSWORD)
        except Conflict:
            return False
        return True

    assert sum(await asyncio.gather(*(make() for _ in range(8)))) == 1
    page = await customers.list_page(product.id, page=1, per_page=10)
    assert [one.email for one in page.items] == ["jane@example.com"] and page.total == 1
    jane = await customers.log_in(product.id, "jane@example.com", PASSWORD, "")
    with pytest.raises(Invalid):
        await customers.log_in(product.id + 1, "jane@example.com", PASSWORD, "")
    issued = await customers.issue(jane, "app-1000", lifetime_s=60, address="")
    device_id = "e00fce680000000000000001"

    def own(conn):
        now = world.clock.now()
        device = Device(
            id=device_id,
            owner_id=jane.id,
            product_id=product.id,
            claimed_at=now,
            created_at=now,
            updated_at=now,
        )
        device_store.insert_device(conn, device)

    await world.database.write(own)
    await customers.remove(jo, product.id, "jane@example.com")
    assert await world.identity.find_actor(issued.token, "") is None
    device = await world.database.read(lambda conn: device_store.find_device(conn, device_id))
    assert (device.owner_id, device.product_id) == (None, product.id)
    assert await world.database.read(trail.verify) is None


async def test_a_clients_secret_proves_it_until_it_is_removed(world: World):
    jo = await world.person("jo")
    product = await world.product(Owner(user_id=jo.user_id), actor=jo)
    clients = world.people.clients
    client, secret = await clients.create(jo, NewClient("App", "installed", None, None), product.id)
    assert (await clients.prove(client.id, secret)).product_id == product.id
    for wrong in (secret[:-1], "", secret + "0"):
        with pytest.raises(Invalid):
            await clients.prove(client.id, wrong)
    issued = await clients.issue(client, lifetime_s=None, address="")
    assert (await world.identity.find_actor(issued.token, "")).kind is AccountKind.CLIENT
    await clients.remove(jo, client.id, product.id)
    assert await world.identity.find_actor(issued.token, "") is None
    with pytest.raises(Invalid):
        await clients.prove(client.id, secret)


@pytest.mark.parametrize(("plan", "room"), [("product", 250), ("developer", 100)])
async def test_two_hundred_reservations_at_once_never_exceed_the_plan(world: World, plan, room):
    jo = await world.person("jo")
    product = await world.product(Owner(user_id=jo.user_id), actor=jo)
    await world.people.plans.set_plan(jo.username, plan, OPERATOR)
    limits, at = world.people.limits, world.clock.now()

    def add_three(conn) -> int:
        granted = limits.reserve_in_product(conn, product.owner, product.id, 3, at).granted
        if granted:
            count_devices(conn, product.id, members=granted)
        return granted

    granted = await asyncio.gather(*(world.database.write(add_three) for _ in range(200)))
    assert sum(granted) == room
    kept = await world.database.read(lambda conn: find_product(conn, product.id))
    assert kept.device_count == room
    assert sorted(set(granted)) == [0, room % 3, 3]


async def test_a_refusal_of_a_plan_says_what_counts(world: World):
    jo = await world.person("jo")
    product = await world.product(Owner(user_id=jo.user_id), actor=jo)
    await world.people.plans.set_plan(jo.username, "product", OPERATOR)
    at = world.clock.now()

    def work(conn):
        count_devices(conn, product.id, members=249)
        return world.people.limits.reserve_in_product(conn, product.owner, product.id, 5, at)

    reservation = await world.database.write(work)
    refusal = reservation.refusal()
    assert reservation.granted == 1
    assert refusal.detail == {"plan": "product", "limit": 250, "used": 249, "refused": 4}
    assert "250 devices in one product" in refusal.message


async def test_a_plan_that_shrinks_cuts_nothing_off(world: World):
    jo = await world.person("jo")
    acme = await world.people.organizations.create(jo, "Acme", None)
    await world.people.plans.set_plan("acme", "developer", OPERATOR)
    assert await world.people.plans.plan_of(acme.id) == "developer"
    reached = await world.people.organizations.reach(jo, "acme")
    assert reached.role is Role.OWNER
    team = team_for_organization(acme)
    with pytest.raises(Forbidden):
        await world.people.invitations.invite(jo, team, "x@example.com", Role.DEVELOPER)


async def test_a_trail_is_read_by_its_filters(world: World):
    jo = await world.person("jo")
    acme = await world.people.organizations.create(jo, "Acme", None)
    team = team_for_organization(acme)
    for name in ("one", "two"):
        await world.people.api_users.create(jo, team, name, ["devices:list"])
    wanted = AuditFilter(scopes=(acme.team,), action="api_user", actor=jo.username)
    rows, total = await world.database.read(
        lambda conn: trail.page_scope(conn, wanted, offset=0, limit=1)
    )
    assert total == 2 and rows[0].after["username"].startswith("two+")
    older = await world.database.read(
        lambda conn: trail.list_scope(conn, wanted, before_id=rows[0].id, limit=9)
    )
    assert [row.after["username"].partition("+")[0] for row in older] == ["one"]

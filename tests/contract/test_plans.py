"""Plans of owners on each engine."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.builders.identity import make_identity

from roadstead.identity.model import OPERATOR, Actor
from roadstead.identity.service import IdentityService
from roadstead.kit.clock import ManualClock
from roadstead.kit.errors import Forbidden, Invalid, NotFound
from roadstead.organizations.plans import PlanService, parse_plan
from roadstead.storage.database import Database

PASSWORD = "correct horse"


@pytest.fixture
def plans(database: Database) -> PlanService:
    return PlanService(database, ManualClock(), lambda: None, default_plan="product")


@pytest.fixture
async def identity(database: Database, plans: PlanService) -> AsyncIterator[IdentityService]:
    service = make_identity(database, ManualClock(), account_opened=plans.account_opened)
    yield service
    service.close()


async def test_a_new_account_is_on_the_default_plan_also_after_the_default_changes(
    identity, plans, database
):
    jo = await identity.create_user("jo@example.com", PASSWORD, actor=OPERATOR)
    assert await plans.plan_of(jo.id) == "product"
    later = PlanService(database, ManualClock(), lambda: None, default_plan="developer")
    assert await later.plan_of(jo.id) == "product"


async def test_the_first_administrator_and_no_other_is_on_enterprise(identity, plans):
    first = await identity.create_user("a@example.com", PASSWORD, is_admin=True, actor=OPERATOR)
    second = await identity.create_user("b@example.com", PASSWORD, is_admin=True, actor=OPERATOR)
    assert await plans.plan_of(first.id) == "enterprise"
    assert await plans.plan_of(second.id) == "product"


async def test_an_administrator_puts_an_owner_on_a_plan(identity, plans):
    jo = await identity.create_user("jo@example.com", PASSWORD, actor=OPERATOR)
    assert await plans.set_plan(" Jo@example.com", "enterprise", OPERATOR) == jo.id
    assert await plans.plan_of(jo.id) == "enterprise"
    await plans.set_plan("jo@example.com", "developer", OPERATOR)
    assert await plans.plan_of(jo.id) == "developer"


async def test_nobody_puts_themselves_on_a_plan(identity, plans):
    jo = await identity.create_user("jo@example.com", PASSWORD, actor=OPERATOR)
    with pytest.raises(Forbidden):
        await plans.set_plan("jo@example.com", "enterprise", Actor(jo.id, jo.username))
    assert await plans.plan_of(jo.id) == "product"


async def test_an_unknown_owner_is_told(plans):
    with pytest.raises(NotFound):
        await plans.set_plan("mo@example.com", "enterprise", OPERATOR)


async def test_an_owner_without_a_row_is_on_the_default_plan(plans):
    assert await plans.plan_of("f" * 24) == "product"


async def test_plans_set_at_once_leave_one(identity, plans):
    jo = await identity.create_user("jo@example.com", PASSWORD, actor=OPERATOR)
    wanted = ["developer", "product", "enterprise"] * 3
    await asyncio.gather(*(plans.set_plan("jo@example.com", plan, OPERATOR) for plan in wanted))
    assert await plans.plan_of(jo.id) in wanted


def test_a_plan_is_one_of_three_words():
    assert parse_plan("Enterprise") == "enterprise"
    with pytest.raises(Invalid) as refusal:
        parse_plan("gold")
    assert "developer, product, enterprise" in refusal.value.message

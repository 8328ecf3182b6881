"""Products on each engine."""

import asyncio

import pytest

from roadstead.identity.model import Actor
from roadstead.kit.clock import ManualClock
from roadstead.kit.errors import Conflict, NotFound
from roadstead.products import store
from roadstead.products.access import ALL_RIGHTS
from roadstead.products.model import Owner
from roadstead.products.service import ProductDraft, ProductService
from roadstead.storage.database import Database

JO = Actor("a" * 24, "jo@example.com")
MO = Actor("b" * 24, "mo@example.com")


@pytest.fixture
def products(database: Database) -> ProductService:
    return ProductService(database, ManualClock(), lambda: None)


async def create(products, actor=JO, name="Cold Box", platform_id=13, **what):
    draft = ProductDraft(name=name, platform_id=platform_id, **what)
    return await products.create(actor, Owner(user_id=actor.user_id), draft)


async def test_a_product_is_found_by_number_and_by_slug(products):
    made = await create(products, description="keeps cold", settings={"quarantine": False})
    assert (made.id, made.slug, made.settings.quarantine) == (1000, "cold-box", "automatic")
    for ref in ("1000", "cold-box", "Cold-Box", "01000"):
        reached = await products.reach(JO, ref)
        assert reached.product == made
        assert reached.rights == ALL_RIGHTS


async def test_a_strangers_product_is_unknown(products):
    await create(products)
    for ref in ("1000", "cold-box", "1001", "nothing", "999999", "", "\n", "١٠٠٠"):
        with pytest.raises(NotFound) as refused:
            await products.reach(MO, ref)
        assert refused.value.code == "product_not_found"
    admin = Actor("c" * 24, "admin@example.com", is_admin=True)
    assert (await products.reach(admin, "cold-box")).rights == ALL_RIGHTS


async def test_names_are_ones_own_and_slugs_are_everybodys(products):
    await create(products)
    with pytest.raises(Conflict) as refused:
        await create(products, name="COLD box")
    assert refused.value.code == "product_name_taken"
    assert (await create(products, MO)).slug == "cold-box-2"
    with pytest.raises(Conflict) as refused:
        await create(products, MO, name="Other", slug="cold-box")
    assert refused.value.code == "slug_taken"


async def test_a_chosen_number_is_taken_once(products):
    assert (await create(products, id=30301)).id == 30301
    with pytest.raises(Conflict) as refused:
        await create(products, MO, id=30301)
    assert refused.value.code == "product_id_taken"
    assert (await create(products, name="Next")).id == 30302


async def test_the_next_free_number_is_found_behind_the_last(products, database):
    await create(products, name="Last", id=65535)
    assert (await create(products, name="First")).id == 1000
    await database.write(
        lambda conn: store.put_id(conn, 1001, Owner(user_id="c" * 24), ManualClock().now())
    )
    assert (await create(products, name="Third")).id == 1002


async def test_products_created_at_once_get_numbers_and_slugs_of_their_own(products):
    people = [Actor(f"{number:024x}", f"{number}@example.com") for number in range(8)]
    made = await asyncio.gather(*(create(products, actor) for actor in people))
    assert len({one.id for one in made}) == len({one.slug for one in made}) == 8


async def test_a_list_has_ones_own_products_by_name(products):
    for name in ("b", "A", "c"):
        await create(products, name=name)
    await create(products, MO, name="z")
    assert [view.product.name for view in await products.list_products(JO)] == ["A", "b", "c"]

"""Open streams of somebody who may not have them any more."""

import pytest
from tests.builders.cloud import Cloud, Person
from tests.builders.sse import read_stream

ENDS_WITHIN_S = 2.0


@pytest.fixture
async def acme(cloud: Cloud, jo: Person, stranger: Person) -> str:
    slug = (await jo.client.post("/v1/orgs", json={"name": "Acme"})).json()["organization"]["slug"]
    await jo.client.post(f"/v1/orgs/{slug}/team", json={"username": stranger.username})
    (waiting,) = (await stranger.client.get("/v1/user/invitations")).json()
    url = f"/v1/user/invitations/{waiting['id']}"
    await stranger.client.put(url, json={"action": "accept"})
    return slug


@pytest.fixture
async def product(jo: Person, acme: str) -> int:
    body = {"product": {"name": "Fridge", "platform_id": 13}}
    made = await jo.client.post(f"/v1/orgs/{acme}/products", json=body)
    return made.json()["product"]["id"]


async def test_who_leaves_a_team_loses_its_streams(cloud, jo, stranger, acme, product):
    path = f"/v1/products/{product}/events"
    async with (
        read_stream(cloud.app, path, stranger.token) as theirs,
        read_stream(cloud.app, path, jo.token) as mine,
        read_stream(cloud.app, "/v1/devices/events", stranger.token) as own,
    ):
        for stream in (theirs, mine, own):
            await stream.until(lambda stream=stream: stream.blocks)
        url = f"/v1/orgs/{acme}/team/{stranger.username}"
        # Another role that may still read events changes nothing.
        assert (await jo.client.post(url, json={"role": "View-only"})).status_code == 200
        assert (await jo.client.delete(url)).status_code == 200
        await theirs.until(lambda: theirs.ended, ENDS_WITHIN_S)
        assert not mine.ended and not own.ended
    assert (await stranger.client.get(f"/v1/products/{product}")).status_code == 404


async def test_a_product_that_moves_away_takes_its_streams_along(
    cloud, jo, stranger, acme, product
):
    path = f"/v1/products/{product}/events/temp"
    async with read_stream(cloud.app, path, stranger.token) as theirs:
        await theirs.until(lambda: theirs.blocks)
        await jo.client.post(f"/v1/products/{product}/move", json={"to": "me"})
        await theirs.until(lambda: theirs.ended, ENDS_WITHIN_S)


async def test_a_rule_of_the_organization_ends_streams_too(cloud, jo, stranger, acme, product):
    await cloud.enable_mfa(jo)
    path = f"/v1/products/{product}/events"
    async with read_stream(cloud.app, path, stranger.token) as theirs:
        await theirs.until(lambda: theirs.blocks)
        await jo.client.put(f"/v1/orgs/{acme}", json={"mfa_required": True})
        await theirs.until(lambda: theirs.ended, ENDS_WITHIN_S)

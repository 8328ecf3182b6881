"""Open streams of somebody who may not have them any more."""

import dataclasses

import pytest
from tests.builders.cloud import Cloud, Person
from tests.builders.sse import read_stream

from roadstead.events.matching import EventFilter
from roadstead.http import events
from roadstead.http.app import build_app
from roadstead.http.operation import Call
from roadstead.http.operations import OPERATIONS
from roadstead.http.sse import StreamAnswer

ENDS_WITHIN_S = 2.0


async def follow(call: Call) -> StreamAnswer:
    streams = call.edge.open_streams
    return StreamAnswer(
        call.parts.streams.open(EventFilter(owner_id="nobody")),
        streams,
        address=call.caller.address,
        token_digest=call.actor.token_digest,
        remaining_s=forever,
    )


async def forever() -> float | None:
    return None


def on(path: str) -> tuple:
    like = next(row for row in events.OPERATIONS if row.name == "stream_account_events")
    return (
        dataclasses.replace(like, name="follow_product", path=path, handler=follow),
        *OPERATIONS,
    )


@pytest.fixture
async def acme(cloud: Cloud, jo: Person, stranger: Person) -> str:
    slug = (await jo.client.post("/v1/orgs", json={"name": "Acme"})).json()["organization"]["slug"]
    await jo.client.post(f"/v1/orgs/{slug}/team", json={"username": stranger.username})
    (waiting,) = (await stranger.client.get("/v1/user/invitations")).json()
    url = f"/v1/user/invitations/{waiting['id']}"
    await stranger.client.put(url, json={"action": "accept"})
    return slug


@pytest.mark.parametrize("kind", ["product", "organization"])
async def test_who_leaves_a_team_loses_its_streams(cloud, jo, stranger, acme, kind):
    body = {"product": {"name": "Fridge", "platform_id": 13}}
    made = await jo.client.post(f"/v1/orgs/{acme}/products", json=body)
    number = made.json()["product"]["id"]
    path = f"/v1/products/{number}/follow" if kind == "product" else f"/v1/orgs/{acme}/follow"
    below = path.replace(str(number), "{product}").replace(acme, "{org}")
    app = build_app(cloud.parts, operations=on(below))
    async with (
        read_stream(app, path, stranger.token) as theirs,
        read_stream(app, path, jo.token) as mine,
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
    again = await stranger.client.get(f"/v1/products/{number}")
    assert again.status_code == 404


async def test_a_rule_of_the_organization_ends_streams_too(cloud, jo, stranger, acme):
    app = build_app(cloud.parts, operations=on("/v1/orgs/{org}/follow"))
    await cloud.enable_mfa(jo)
    async with read_stream(app, f"/v1/orgs/{acme}/follow", stranger.token) as theirs:
        await theirs.until(lambda: theirs.blocks)
        await jo.client.put(f"/v1/orgs/{acme}", json={"mfa_required": True})
        await theirs.until(lambda: theirs.ended, ENDS_WITHIN_S)

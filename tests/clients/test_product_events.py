"""Streams of products, as the official clients read them."""

import asyncio

import httpx
import pytest
from tests.clients.test_particle_cli import _open

pytestmark = pytest.mark.system


@pytest.fixture
def product(server, jo) -> int:
    """A product of Jo's."""
    with server.client(jo.token) as client:
        slug = f"fridge-{len(client.get('/v1/user/products').json()['products'])}"
        body = {"product": {"name": slug, "platform_id": 12}}
        answer = client.post("/v1/user/products", json=body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()["product"]["id"]


async def test_api_js_streams_and_publishes_in_a_product(api, jo, make_person, product):
    every = await api.stream(jo.token, product=product)
    some = await api.stream(jo.token, product=product, name="cold/")
    for name in ("cold/one", "warm", "cold/two"):
        await api.call("publishEvent", jo.token, product=product, name=name, data=name)
    assert [(await every.next())["name"] for _ in range(3)] == ["cold/one", "warm", "cold/two"]
    event = await some.next()
    assert (event["name"], event["data"], event["coreid"]) == ("cold/one", "cold/one", "api")
    assert (event["productID"], event["userid"], event["public"]) == (product, "", False)
    assert (await some.next())["name"] == "cold/two"
    refused = await api.refusal(
        "publishEvent", make_person().token, product=product, name="x", data="x"
    )
    assert refused.status == 404


async def test_the_cli_subscribes_and_publishes_in_a_product(jos_cli, product):
    stream = await jos_cli.start("subscribe", "cold", "--product", str(product), "--max", "2")
    await _open(stream)
    for data in ("first", "second"):
        await jos_cli.ok("publish", "cold/door", data, "--product", str(product))
    ended = await stream.end()
    assert ended.code == 0
    assert [event["data"] for event in ended.events()] == ["first", "second"]


async def test_the_id_lines_do_not_disturb_the_client(server, api, jo, product):
    """It knows no ids, and passes over them."""
    stream = await api.stream(jo.token, product=product)
    url = f"{server.api_url}/v1/products/{product}/events"
    headers = {"Authorization": f"Bearer {jo.token}"}
    async with httpx.AsyncClient(trust_env=False, headers=headers) as client:
        for number in range(200):
            answer = await client.post(url, json={"name": "n", "data": str(number)})
            assert answer.status_code == 200
    got = [(await stream.next())["data"] for _ in range(200)]
    assert got == [str(number) for number in range(200)]
    await asyncio.sleep(0)
    assert stream.troubles == []

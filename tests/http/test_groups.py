"""Groups of a product's devices over HTTP."""

import pytest
from tests.builders.cloud import Person, make_device_id
from tests.builders.products import import_ids, list_ids, make_product


@pytest.fixture
async def product(jo: Person) -> dict:
    return await make_product(jo)


@pytest.fixture
def path(product: dict) -> str:
    return f"/v1/products/{product['id']}/groups"


async def test_a_group_is_created_listed_changed_and_deleted(jo: Person, product, path):
    new = {"name": "beta", "description": "first to get it", "color": "#5BC0DE"}
    answer = await jo.client.post(path, json=new)
    assert answer.status_code == 201
    group = {**new, "color": "#5bc0de", "fw_version": None, "device_count": 0}
    assert answer.json() == {"group": group}
    assert (await jo.client.get(f"{path}/beta")).json() == {"group": group}
    await jo.client.post(path, json={"name": "alpha"})
    names = [one["name"] for one in (await jo.client.get(path)).json()["groups"]]
    assert names == ["alpha", "beta"]
    found = (await jo.client.get(path, params={"name": "bet"})).json()["groups"]
    assert [one["name"] for one in found] == ["beta"]
    listed = (await jo.client.get(f"/v1/products/{product['id']}")).json()["product"]["groups"]
    assert listed == ["alpha", "beta"]
    await import_ids(jo, product, make_device_id(1), groups=["beta"])
    answer = await jo.client.put(f"{path}/beta", json={"name": "gamma", "color": ""})
    assert answer.json()["group"] == {**group, "name": "gamma", "color": "", "device_count": 1}
    assert await list_ids(jo, product, groups="gamma") == [make_device_id(1)]
    assert (await jo.client.delete(f"{path}/gamma")).status_code == 204
    assert (await jo.client.get(f"{path}/gamma")).status_code == 404
    assert await list_ids(jo, product, groups="gamma") == []
    assert await list_ids(jo, product) == [make_device_id(1)]
    await jo.client.post(path, json={"name": "gamma"})
    assert (await jo.client.get(f"{path}/gamma")).json()["group"]["device_count"] == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "Beta"}, "bad_group_name"),
        ({"name": "a b"}, "bad_group_name"),
        ({"name": ""}, "bad_group_name"),
        ({"name": "x" * 65}, "bad_group_name"),
        ({"name": "ok", "color": "reddish"}, "bad_group_color"),
        ({"color": "#fff"}, "invalid_request"),
    ],
)
async def test_what_is_wrong_is_said(jo: Person, path: str, body: dict, code: str):
    answer = await jo.client.post(path, json=body)
    assert (answer.status_code, answer.json()["error"]) == (400, code)
    assert (await jo.client.get(path)).json() == {"groups": []}


async def test_a_name_is_there_once(jo: Person, path: str):
    for name in ("a", "b"):
        await jo.client.post(path, json={"name": name})
    for answer in (
        await jo.client.post(path, json={"name": "a"}),
        await jo.client.put(f"{path}/b", json={"name": "a"}),
    ):
        assert (answer.status_code, answer.json()["error"]) == (409, "group_name_taken")
    assert (await jo.client.put(f"{path}/b", json={})).status_code == 400
    assert (await jo.client.put(f"{path}/c", json={"name": "d"})).status_code == 404


async def test_names_have_no_more_than_64_characters_of_four_kinds(jo: Person, path: str):
    for name in ("a" * 64, "a-b_c-9", "0"):
        assert (await jo.client.post(path, json={"name": name})).status_code == 201


async def test_a_device_may_be_in_many_groups_and_none_twice(jo: Person, product, path):
    device_id = make_device_id(1)
    await import_ids(jo, product, device_id, groups=["a", "b", "a"])
    for _ in range(2):
        await import_ids(jo, product, device_id, groups=["b", "c"])
    groups = (await jo.client.get(path)).json()["groups"]
    assert [(one["name"], one["device_count"]) for one in groups] == [("a", 1), ("b", 1), ("c", 1)]
    assert await list_ids(jo, product, groups="a,b,nothing") == [device_id]

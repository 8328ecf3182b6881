"""Products over HTTP."""

import pytest
from tests.builders.cloud import Cloud, Person

NEW = {"name": "Cold Box", "description": "keeps cold", "platform_id": 13}


async def create(person: Person, path: str = "/v1/user/products", **what) -> dict:
    answer = await person.client.post(path, json={"product": {**NEW, **what}})
    assert answer.status_code == 200, answer.text
    return answer.json()["product"]


async def test_a_product_is_created_listed_and_got(cloud: Cloud, jo: Person):
    made = await create(jo, settings={"location": {"opt_in": False}})
    assert made["id"] == 1000 and made["slug"] == "cold-box"
    assert made["groups"] == [] and made["settings"]["quarantine"] == "manual"
    assert len(made["user"]) == 24 and "organization_id" not in made
    for path in ("/v1/user/products", "/v1/products"):
        assert (await jo.client.get(path)).json() == {"products": [made]}
    for ref in ("1000", "cold-box"):
        assert (await jo.client.get(f"/v1/products/{ref}")).json()["product"] == made


async def test_a_form_does_too(jo: Person):
    form = {"product[name]": "Boxes", "product[platform_id]": "13", "product[id]": "30301"}
    answer = await jo.client.post("/v1/products", data=form)
    assert answer.json()["product"]["id"] == 30301


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ({"name": ""}, "bad_product_name"),
        ({"platform_id": 99}, "bad_platform_id"),
        ({"id": 13}, "bad_product_id"),
        ({"id": "x"}, "invalid_request"),
        ({"slug": "Cold Box"}, "bad_slug"),
        ({"settings": {"colour": 1}}, "bad_product_settings"),
    ],
)
async def test_what_is_wrong_is_said(jo: Person, what, code):
    answer = await jo.client.post("/v1/products", json={"product": {**NEW, **what}})
    assert (answer.status_code, answer.json()["error"]) == (400, code)
    assert (await jo.client.get("/v1/products")).json() == {"products": []}


async def test_a_strangers_product_is_unknown(jo: Person, stranger: Person):
    made = await create(jo)
    for ref in (made["id"], made["slug"], 4321, "nothing"):
        answer = await stranger.client.get(f"/v1/products/{ref}")
        assert answer.status_code == 404
        assert answer.json()["error"] == "product_not_found"
        assert answer.json()["error_description"].startswith("Permission denied")
        assert "jo@" not in answer.text
    assert (await stranger.client.get("/v1/products")).json() == {"products": []}


async def test_what_is_not_there_yet_is_said_plainly(jo: Person):
    made = await create(jo)
    answer = await jo.client.get(f"/v1/products/{made['id']}/device_orders")
    assert (answer.status_code, answer.json()["error"]) == (501, "not_offered")

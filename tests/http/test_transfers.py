"""A device changes hands because its owner says so."""

import re

import pytest
from tests.builders.cloud import Cloud, Person


async def ask(cloud: Cloud, person: Person, device_id: str):
    body = {"id": device_id, "request_transfer": True}
    return await person.client.post("/v1/devices", json=body)


async def ids(person: Person) -> list[str]:
    return [device["id"] for device in (await person.client.get("/v1/devices")).json()]


@pytest.fixture
async def fridge(cloud: Cloud, jo: Person) -> str:
    device_id, _ = await cloud.claimed(jo)
    await jo.client.put(f"/v1/devices/{device_id}", json={"name": "<b>fridge", "notes": "private"})
    return device_id


async def link_of(cloud: Cloud, owner: Person) -> dict[str, str]:
    letter = await cloud.letters.next_to(owner.username)
    found = re.search(
        r"/device-transfer\?transfer=([0-9a-f]{24})&token=([0-9a-f]{40})", letter.text
    )
    assert found and "stranger@example.com" in letter.text
    return {"transfer": found[1], "token": found[2]}


async def test_the_owner_accepts_in_the_api(cloud, jo, stranger, fridge):
    answer = await ask(cloud, stranger, fridge)
    transfer_id = answer.json()["transfer_id"]
    (seen,) = (await jo.client.get("/v1/transfer_requests")).json()
    assert seen["id"] == transfer_id and seen["incoming"] and seen["requester"] == stranger.username
    url = f"/v1/transfer_requests/{transfer_id}"
    assert (await jo.client.put(url, json={"action": "accept"})).json() == {"ok": True}
    assert (await ids(jo), await ids(stranger)) == ([], [fridge])
    device = (await stranger.client.get(f"/v1/devices/{fridge}")).json()
    assert (device["name"], device["notes"]) == (None, None)
    assert "is yours now" in (await cloud.letters.next_to(stranger.username)).text
    assert (await jo.client.put(url, json={"action": "accept"})).status_code == 404


async def test_the_owner_accepts_by_the_link_of_the_letter(cloud, jo, stranger, fridge):
    await ask(cloud, stranger, fridge)
    query, client = await link_of(cloud, jo), cloud.client()
    shown = await client.get("/device-transfer", params=query)
    assert shown.status_code == 200 and "<b>fridge" not in shown.text
    assert await ids(jo) == [fridge], "looking changes nothing"
    done = await client.post("/device-transfer", data={**query, "action": "accept"})
    assert done.status_code == 200
    assert (await ids(jo), await ids(stranger)) == ([], [fridge])
    again = await client.post("/device-transfer", data={**query, "action": "accept"})
    assert again.status_code == 404


async def test_the_owner_declines(cloud, jo, stranger, fridge):
    await ask(cloud, stranger, fridge)
    query = await link_of(cloud, jo)
    await cloud.client().post("/device-transfer", data={**query, "action": "decline"})
    assert (await ids(jo), await ids(stranger)) == ([fridge], [])
    assert "declined" in (await cloud.letters.next_to(stranger.username)).text
    assert (await jo.client.get("/v1/transfer_requests")).json() == []


async def test_who_asks_learns_nothing_of_the_owner_and_cannot_decide(cloud, jo, stranger, fridge):
    transfer_id = (await ask(cloud, stranger, fridge)).json()["transfer_id"]
    (seen,) = (await stranger.client.get("/v1/transfer_requests")).json()
    assert (seen["owner"], seen["device_name"], seen["incoming"]) == (None, None, False)
    url = f"/v1/transfer_requests/{transfer_id}"
    assert (await stranger.client.put(url, json={"action": "accept"})).status_code == 404
    other = await cloud.person("other@example.com")
    for action in ("accept", "decline", "withdraw"):
        assert (await other.client.put(url, json={"action": action})).status_code == 404
    assert (await stranger.client.put(url, json={"action": "withdraw"})).status_code == 200
    assert (await jo.client.get("/v1/transfer_requests")).json() == []


async def test_asking_again_sends_no_second_letter(cloud, jo, stranger, fridge):
    first, second = await ask(cloud, stranger, fridge), await ask(cloud, stranger, fridge)
    assert first.json() == second.json()
    assert len(cloud.letters.posted) == 1


async def test_a_request_is_void_after_two_weeks_or_with_another_owner(cloud, jo, stranger, fridge):
    await ask(cloud, stranger, fridge)
    query = await link_of(cloud, jo)
    await jo.client.delete(f"/v1/devices/{fridge}")
    assert (await cloud.client().get("/device-transfer", params=query)).status_code == 404
    assert (await jo.client.post("/v1/devices", json={"id": fridge})).status_code == 200
    cloud.clock.advance(14 * 86_400)
    refused = await cloud.client().post("/device-transfer", data={**query, "action": "accept"})
    assert refused.status_code == 404


async def test_a_wrong_token_decides_nothing(cloud, jo, stranger, fridge):
    await ask(cloud, stranger, fridge)
    query = {**await link_of(cloud, jo), "token": "0" * 40}
    assert (await cloud.client().get("/device-transfer", params=query)).status_code == 404
    refused = await cloud.client().post("/device-transfer", data={**query, "action": "accept"})
    assert refused.status_code == 404
    assert await ids(jo) == [fridge]


async def test_without_the_wish_for_a_transfer_the_answer_is_as_before(cloud, jo, stranger, fridge):
    answer = await stranger.client.post("/v1/devices", json={"id": fridge})
    assert answer.status_code == 403 and "belongs to someone else" in answer.text
    assert cloud.letters.posted == []


async def test_a_devices_history_tells_no_strangers_name(cloud: Cloud, jo, stranger):
    device_id, _ = await cloud.claimed(jo)
    asked = await stranger.client.post(
        "/v1/devices", json={"id": device_id, "request_transfer": True}
    )
    cloud.clock.advance(60)
    url = f"/v1/transfer_requests/{asked.json()['transfer_id']}"
    await jo.client.put(url, json={"action": "accept"})
    history = f"/v1/ownership_history/{device_id}"
    assert (await jo.client.get(history)).status_code == 404
    first, second = (await stranger.client.get(history)).json()["ownership"]
    assert (first["owner"], first["how"]) == (stranger.username, "device.transfer")
    assert first["until"] is None and first["since"] == second["until"]
    assert second["owner"] is None and second["owned"] is True
    assert second["how"] == "device.claim"

"""Notices through the API."""

import asyncio

from tests.builders.cloud import Cloud, Person
from tests.builders.hooks import open_receiver

from roadstead.notifications.model import NoticeOwner

DEFAULTS = {
    "mail": True,
    "mailSeverity": "warning",
    "webhookUrl": None,
    "webhookSeverity": "info",
    "muted": [],
    "quiet": None,
}


async def test_preferences(jo: Person, stranger: Person):
    path = "/v1/notices/preferences"
    assert (await jo.client.get(path)).json() == DEFAULTS
    wanted = {
        **DEFAULTS,
        "mailSeverity": "critical",
        "muted": ["device"],
        "quiet": {"begin": "22:00", "end": "07:00", "timeZone": "Europe/Berlin"},
    }
    answer = await jo.client.put(path, json=wanted)
    assert answer.status_code == 200, answer.text
    wanted["quiet"]["letsThrough"] = "critical"
    assert answer.json() == wanted == (await jo.client.get(path)).json()
    assert (await stranger.client.get(path)).json() == DEFAULTS
    for bad in ({"mailSeverity": "loud"}, {"quiet": {"begin": "x", "end": "07:00"}}):
        answer = await jo.client.put(path, json=bad)
        assert answer.status_code == 400
    answer = await jo.client.put(path, json={"webhookUrl": "ftp://x"})
    assert answer.json()["error"] == "bad_preferences"


async def test_a_test_arrives_by_mail_and_webhook(cloud: Cloud, jo: Person):
    async with open_receiver() as receiver:
        body = {"webhookUrl": receiver.url}
        assert (await jo.client.put("/v1/notices/preferences", json=body)).status_code == 200
        made = (await jo.client.post("/v1/notices/test")).json()
        letter = await cloud.letters.next_to("jo@example.com")
        assert letter.subject == "A test of your notices"
        async with asyncio.timeout(5):
            while True:
                (notice,) = (await jo.client.get("/v1/notices")).json()["notices"]
                if {way["state"] for way in notice["ways"]} == {"sent"}:
                    break
                await asyncio.sleep(0.02)
    assert (notice["id"], notice["kind"], len(notice["ways"])) == (made["id"], "test", 2)
    assert receiver.taken[0].json["data"]["facts"] == {"asked_by": "jo@example.com"}
    assert (await jo.client.get("/v1/notices/secret")).json()["secret"].startswith("whsec_")


async def test_the_people_behind_a_product(cloud: Cloud, jo: Person, stranger: Person):
    product = (
        await jo.client.post(
            "/v1/user/products", json={"product": {"name": "Fridges", "platform_id": 13}}
        )
    ).json()["product"]
    path = f"/v1/products/{product['id']}/notices"
    assert (await stranger.client.get(path)).status_code == 404
    assert (await jo.client.get(path)).json() == {"notices": [], "next_cursor": None}
    await cloud.parts.notices.notify(
        NoticeOwner("product", str(product["id"])), "rollout.halted", {"version": 3}
    )
    letter = await cloud.letters.next_to("jo@example.com")
    assert letter.subject == "The rollout of version 3 was halted"


async def test_pages(cloud: Cloud, jo: Person):
    user_id = (await cloud.parts.identity.find_actor(jo.token, "")).user_id
    for number in range(5):
        await cloud.parts.notices.notify(
            NoticeOwner("user", user_id), "x", {"n": number}, severity="info"
        )
    seen, cursor = [], ""
    while cursor is not None:
        query = {"limit": 2, "cursor": cursor}
        page = (await jo.client.get("/v1/notices", params=query)).json()
        seen += [one["facts"]["n"] for one in page["notices"]]
        cursor = page["next_cursor"]
    assert sorted(seen) == [0, 1, 2, 3, 4]
    assert (await jo.client.get("/v1/notices", params={"limit": "x"})).status_code == 400

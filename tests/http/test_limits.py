"""Guessing is refused: lockout by address and name, limits by address."""

import asyncio

import pytest
from tests.builders.cloud import PASSWORD, Cloud, Person, open_cloud


async def try_password(
    cloud: Cloud, password: str, *, address: str = "198.51.100.1", name: str = "jo@example.com"
):
    form = {"grant_type": "password", "username": name, "password": password}
    client = cloud.client(address)
    return await client.post("/oauth/token", data=form, auth=("particle", "particle"))


async def test_ten_failures_in_a_row_lock_the_address_out_of_the_name(cloud: Cloud, jo: Person):
    for _ in range(10):
        assert (await try_password(cloud, "wrong")).status_code == 400
    locked = await try_password(cloud, PASSWORD)
    assert locked.status_code == 429
    assert locked.json()["error"] == "locked_out"
    assert 1700 < int(locked.headers["retry-after"]) <= 1801
    elsewhere = await try_password(cloud, PASSWORD, address="198.51.100.2")
    assert elsewhere.status_code == 200
    cloud.clock.advance(1801)
    assert (await try_password(cloud, PASSWORD)).status_code == 200


async def test_a_right_password_forgives_the_failures_before_it(cloud: Cloud, jo: Person):
    for _ in range(3):
        for _ in range(9):
            assert (await try_password(cloud, "wrong")).status_code == 400
        assert (await try_password(cloud, PASSWORD)).status_code == 200


async def test_a_name_that_nobody_has_is_locked_alike(cloud: Cloud):
    for _ in range(10):
        assert (await try_password(cloud, "x", name="nobody@example.com")).status_code == 400
    assert (await try_password(cloud, "x", name="nobody@example.com")).status_code == 429


async def test_many_guesses_at_once_are_no_more_than_ten(cloud: Cloud, jo: Person):
    answers = await asyncio.gather(*(try_password(cloud, f"wrong {n}") for n in range(30)))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(400) == 10 and statuses.count(429) == 20


async def test_one_network_of_ipv6_is_one_address(cloud: Cloud, jo: Person):
    for number in range(10):
        await try_password(cloud, "wrong", address=f"2001:db8:1:2::{number + 1:x}")
    same = await try_password(cloud, PASSWORD, address="2001:db8:1:2:ffff::9")
    other = await try_password(cloud, PASSWORD, address="2001:db8:1:3::9")
    assert (same.status_code, other.status_code) == (429, 200)


async def test_a_stolen_token_cannot_guess_the_password(cloud: Cloud, jo: Person):
    for _ in range(10):
        body = {"password": "a new passphrase", "current_password": "wrong"}
        assert (await jo.client.put("/v1/user", json=body)).json()["error"] == "wrong_password"
    body["current_password"] = PASSWORD
    assert (await jo.client.put("/v1/user", json=body)).status_code == 429


@pytest.fixture
async def limited(database, key_folder):
    async with open_cloud(database, key_folder, rate_limits=True) as opened:
        yield opened


async def test_the_hundredth_and_first_sign_in_of_an_address_is_refused(limited: Cloud):
    for _ in range(100):
        answer = await try_password(limited, "x", name="", address="127.0.0.1")
        assert answer.status_code in (400, 429), answer.text
    refused = await try_password(limited, "x", address="127.0.0.1")
    assert refused.status_code == 429
    assert refused.json()["error"] == "rate_limited"
    assert 0 < int(refused.headers["retry-after"]) <= 301
    assert (await try_password(limited, "x", address="127.0.0.2")).status_code == 400
    limited.clock.advance(301)
    assert (await try_password(limited, "x", address="127.0.0.1")).status_code == 400


async def test_without_limits_nobody_is_refused(cloud: Cloud):
    for _ in range(101):
        answer = await cloud.client().delete(f"/v1/access_tokens/{'0' * 40}")
    assert answer.status_code == 404

"""The cookie of the console: what it opens, and for whom it does not."""

from ipaddress import ip_network

import httpx
import pytest
from tests.builders.cloud import Cloud, Person, open_cloud

COOKIE = "roadstead_session"


async def sign_in(cloud: Cloud, person: Person) -> httpx.AsyncClient:
    """A client with nothing but the cookie."""
    answer = await person.client.post("/v1/browser_session")
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    browser = cloud.client()
    browser.cookies.set(COOKIE, answer.cookies[COOKIE])
    return browser


async def test_the_cookie_cannot_be_read_by_scripts_nor_sent_from_elsewhere(cloud, jo: Person):
    answer = await jo.client.post("/v1/browser_session")
    attributes = answer.headers["set-cookie"].lower()
    assert "httponly" in attributes and "samesite=strict" in attributes and "path=/" in attributes


async def test_the_cookie_opens_what_the_token_opens(cloud: Cloud, jo: Person):
    browser = await sign_in(cloud, jo)
    same = {"Sec-Fetch-Site": "same-origin"}
    assert (await browser.get("/v1/user", headers=same)).json()["username"] == jo.username
    assert (await browser.get("/v1/user")).status_code == 200
    named = await browser.put("/v1/user", json={"account_info": {}}, headers=same)
    assert named.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {},
    ],
)
async def test_a_write_from_elsewhere_is_nobodys(cloud: Cloud, jo: Person, headers):
    browser = await sign_in(cloud, jo)
    answer = await browser.put("/v1/user", json={"account_info": {}}, headers=headers)
    assert answer.status_code == 401


async def test_a_browser_without_fetch_metadata_names_its_origin(cloud: Cloud, jo: Person):
    browser = await sign_in(cloud, jo)
    here = str(browser.base_url).rstrip("/")
    answer = await browser.put("/v1/user", json={"account_info": {}}, headers={"Origin": here})
    assert answer.status_code == 200


async def test_reading_across_sites_is_nobodys(cloud: Cloud, jo: Person):
    browser = await sign_in(cloud, jo)
    answer = await browser.get("/v1/user", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 401


async def test_signing_out_ends_the_token_and_takes_the_cookie_away(cloud: Cloud, jo: Person):
    browser = await sign_in(cloud, jo)
    ended = await browser.delete("/v1/browser_session", headers={"Sec-Fetch-Site": "same-origin"})
    assert ended.status_code == 200 and "max-age=0" in ended.headers["set-cookie"].lower()
    assert (await jo.client.get("/v1/user")).status_code == 401


async def test_the_header_counts_before_the_cookie(cloud: Cloud, jo: Person, stranger: Person):
    browser = await sign_in(cloud, jo)
    answer = await browser.get("/v1/user", headers=stranger.headers)
    assert answer.json()["username"] == stranger.username


async def test_a_malformed_cookie_is_no_sign_in(cloud: Cloud):
    answer = await cloud.client().get("/v1/user", headers={"Cookie": 'a="; roadstead_session'})
    assert answer.status_code == 401


async def test_under_https_the_cookie_is_bound_to_the_host(database, key_folder):
    async with open_cloud(
        database, key_folder, trusted_proxies=(ip_network("127.0.0.0/8"),)
    ) as cloud:
        jo = await cloud.person("jo@example.com")
        https = cloud.client("127.0.0.1", **jo.headers)
        https.headers.update({"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"})
        answer = await https.post("/v1/browser_session")
        cookie = answer.headers["set-cookie"].lower()
        assert cookie.startswith("__host-roadstead_session=") and "secure" in cookie

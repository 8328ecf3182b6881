import base64
import json
from random import Random

import httpx
import pytest

from roadstead.simulator import cloud_account
from roadstead.simulator.cloud_account import AccountError, CloudAccount, NameTaken
from roadstead.simulator.identity import make_identity

IDENTITY = make_identity(12, Random(1))
KEYS = {
    "udp": {
        "host": "127.0.0.1",
        "port": 5684,
        "algorithm": "ec",
        "public_key_pem": "",
        "public_key_der": base64.b64encode(b"key").decode(),
    },
    "tcp": None,
}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(cloud_account, "RETRY_PAUSE_S", 0.0)


def account(*answers: httpx.Response) -> tuple[CloudAccount, list[httpx.Request]]:
    """An account whose server gives these answers in turn, the last one for ever."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answers[min(len(seen), len(answers)) - 1]

    return CloudAccount("http://cloud/", "tok", httpx.MockTransport(answer)), seen


async def test_the_endpoint_is_read_from_the_servers_keys():
    cloud, _ = account(httpx.Response(200, json=KEYS))
    endpoint = await cloud.find_endpoint()
    assert (endpoint.host, endpoint.port, endpoint.public_key) == ("127.0.0.1", 5684, b"key")


@pytest.mark.parametrize("body", [{"udp": None, "tcp": None}, {}, [], {"udp": {"host": "a"}}])
async def test_a_server_without_udp_devices_is_named_as_such(body):
    cloud, _ = account(httpx.Response(200, json=body))
    with pytest.raises(AccountError, match="no UDP device endpoint"):
        await cloud.find_endpoint()


async def test_a_device_is_registered_with_its_pem_under_its_id():
    cloud, seen = account(httpx.Response(200, json={"ok": True}))
    await cloud.register(IDENTITY)
    assert seen[0].url.path == f"/v1/provisioning/{IDENTITY.text_id}"
    assert seen[0].headers["authorization"] == "Bearer tok"
    body = json.loads(seen[0].content)
    assert body["publicKey"] == IDENTITY.public_pem
    assert body["algorithm"] == "ecc"


async def test_claim_and_rename_use_the_public_routes():
    cloud, seen = account(httpx.Response(200, json={"ok": True}))
    await cloud.claim(IDENTITY)
    await cloud.rename(IDENTITY, "fridge-01")
    assert [(request.method, request.url.path) for request in seen] == [
        ("POST", "/v1/devices"),
        ("PUT", f"/v1/devices/{IDENTITY.text_id}"),
    ]
    assert json.loads(seen[1].content) == {"name": "fridge-01"}


async def test_a_refusal_carries_the_servers_words():
    cloud, _ = account(httpx.Response(403, json={"error": "no", "error_description": "not yours"}))
    with pytest.raises(AccountError, match=r"not yours \(403\)"):
        await cloud.claim(IDENTITY)


async def test_a_name_that_another_device_has_is_told_apart_from_other_refusals():
    cloud, _ = account(httpx.Response(409, json={"error": "device_name_taken"}))
    with pytest.raises(NameTaken):
        await cloud.rename(IDENTITY, "fridge-01")


async def test_a_busy_server_is_asked_again():
    cloud, seen = account(httpx.Response(503), httpx.Response(429), httpx.Response(200, json={}))
    await cloud.claim(IDENTITY)
    assert len(seen) == 3


async def test_a_server_that_stays_away_ends_in_an_error_that_names_it():
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused")

    cloud = CloudAccount("http://cloud", "tok", httpx.MockTransport(refuse))
    with pytest.raises(AccountError, match="http://cloud"):
        await cloud.claim(IDENTITY)


@pytest.mark.parametrize("url", ["", "cloud", "ftp://cloud", "http://"])
async def test_an_address_that_is_no_url_is_refused(url):
    with pytest.raises(AccountError, match="http"):
        CloudAccount(url, "tok")


async def test_an_answer_that_is_no_json_is_an_error():
    cloud, _ = account(httpx.Response(200, text="<html>"))
    with pytest.raises(AccountError, match="no JSON"):
        await cloud.claim(IDENTITY)

import logging

import httpx
import pytest
from tests.builders.cloud import Cloud, Person

from roadstead.http.fields import MAX_BODY_BYTES
from roadstead.http.operations import OPERATIONS


@pytest.mark.parametrize("path", ["/v1", "/v1/nothing", "/v2/devices", "/nothing", "/v1//devices"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_an_unknown_path_is_a_404_in_json(cloud: Cloud, method, path):
    answer = await cloud.client().request(method, path)
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


async def test_a_wrong_method_is_a_405_that_names_the_right_ones(cloud: Cloud):
    answer = await cloud.client().patch("/v1/devices")
    assert (answer.status_code, answer.json()["error"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, POST"


async def test_a_trailing_slash_changes_nothing(jo: Person):
    assert (await jo.client.get("/v1/devices/")).json() == []


async def test_head_answers_like_get_without_a_body(cloud: Cloud, jo: Person):
    answer = await jo.client.head("/v1/user")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 0
    assert (await jo.client.head("/v1/devices/events")).status_code == 405


async def test_every_answer_names_its_request_and_forbids_guessing(cloud: Cloud):
    answers = [await cloud.client().get(path) for path in ("/healthz", "/", "/nothing")]
    names = {answer.headers["x-request-id"] for answer in answers}
    assert len(names) == 3
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_programs_in_browsers_may_call_from_anywhere_without_cookies(cloud, jo: Person):
    preflight = await cloud.client().options(
        "/v1/devices",
        headers={"Origin": "https://app.example", "Access-Control-Request-Method": "PUT"},
    )
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "PUT" in preflight.headers["access-control-allow-methods"]
    assert "Authorization" in preflight.headers["access-control-allow-headers"]
    answer = await jo.client.get("/v1/devices", headers={"Origin": "https://app.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


async def test_what_the_official_tools_add_is_taken(jo: Person):
    headers = {
        "User-Agent": "particle-api-js/12.0.3 (x)",
        "X-Particle-Tool": "cli@3.49.2",
        "X-Particle-Project": "p; k=v",
    }
    assert (await jo.client.get("/v1/devices?nonce=0.123", headers=headers)).status_code == 200


async def test_a_delete_may_carry_a_body(jo: Person):
    answer = await jo.client.request("DELETE", "/v1/access_tokens/current", json={})
    assert answer.json() == {"ok": True}


async def test_a_chunked_body_is_read(jo: Person):
    async def chunks():
        yield b'{"name":'
        yield b'"ev"}'

    headers = {"content-type": "application/json"}
    answer = await jo.client.post("/v1/devices/events", content=chunks(), headers=headers)
    assert answer.json() == {"ok": True}


@pytest.mark.parametrize(
    ("content", "media_type", "status", "error"),
    [
        (b"{", "application/json", 400, "invalid_request"),
        (b"[]", "application/json", 400, "invalid_request"),
        (b"\xff", "application/json", 400, "invalid_request"),
        (b"[" * 100_000, "application/json", 400, "invalid_request"),
        (b"name=a&name=b", "application/x-www-form-urlencoded", 400, "invalid_request"),
        (b"name=%ff", "application/x-www-form-urlencoded", 400, "invalid_request"),
        (b"<a/>", "application/xml", 415, "unsupported_media_type"),
        (b"x", "multipart/form-data; boundary=x", 415, "unsupported_media_type"),
        (b" " * (MAX_BODY_BYTES + 1), "application/json", 413, "body_too_large"),
    ],
)
async def test_a_bad_body_is_refused_by_name(jo: Person, content, media_type, status, error):
    headers = {"content-type": media_type}
    answer = await jo.client.post("/v1/devices/events", content=content, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/v1/devices?" + "x=y&" * 3000, {}, 414),
        ("/v1/devices/" + "x" * 3000, {}, 414),
        ("/v1/devices/%ff", {}, 400),
        ("/v1/devices/%00", {}, 400),
        ("/v1/devices?x=%ff", {}, 400),
        ("/v1/devices", {"X-Long": "x" * 20_000}, 431),
    ],
)
async def test_a_bad_address_or_head_is_refused(jo: Person, path, headers, status):
    answer = await jo.client.get(path, headers=headers)
    assert answer.status_code == status
    assert answer.json()["ok"] is False


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/products/1/device_orders"),
        ("HEAD", "/v1/sims/89"),
        ("GET", "/v1/ledgers/l/instances/x/versions/V"),
        ("POST", "/v1/logic/execute"),
        ("PATCH", "/v1/libraries/lib"),
        ("POST", "/v1/binaries"),
        ("GET", "/v1/serial_numbers/E26AAA"),
        ("GET", "/v1/device-os/versions/6.3.0"),
        ("PATCH", "/v1/env/x"),
        ("GET", "/v1/secrets"),
        ("PUT", "/v1/devices/e00fce680000000000000001/unprotect"),
    ],
)
async def test_what_is_not_there_yet_says_so_to_whoever_is_signed_in(cloud, jo, method, path):
    unknown = await cloud.client().request(method, path)
    assert unknown.status_code == 401
    answer = await jo.client.request(method, path)
    assert answer.status_code == 501
    if method != "HEAD":
        assert answer.json()["ok"] is False
        assert answer.json()["error"] == "not_offered"
        assert "not offered by this version" in answer.json()["error_description"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/build_targets"),
    ],
)
async def test_what_clients_ask_without_a_token_says_so_to_all(cloud: Cloud, method, path):
    answer = await cloud.client().request(method, path)
    assert (answer.status_code, answer.json()["error"]) == (501, "not_offered")


async def test_a_fault_of_the_server_is_an_incident_without_a_traceback(cloud, jo, caplog):
    cloud.parts.devices = None
    with caplog.at_level(logging.ERROR, "roadstead.http"):
        answer = await jo.client.get("/v1/devices")
    body = answer.json()
    assert (answer.status_code, body["error"]) == (500, "internal_error")
    assert body["incident"] == answer.headers["x-request-id"]
    assert "Traceback" not in answer.text and "NoneType" not in answer.text
    (record,) = [row for row in caplog.records if body["incident"] in row.getMessage()]
    assert record.exc_info is not None


async def test_the_log_never_holds_a_token(cloud: Cloud, jo: Person, caplog):
    with caplog.at_level(logging.DEBUG):
        client = cloud.client()
        await client.get(f"/v1/user?access_token={jo.token}")
        await client.post("/v1/devices/events", data={"name": "e", "access_token": jo.token})
        await client.get(f"/v1/access_tokens/{jo.token}")
        await client.delete(f"/v1/access_tokens/{jo.token}/")
    lines = [row.getMessage() for row in caplog.records if row.name == "roadstead.http.access"]
    assert len(lines) == 4
    assert all(jo.token not in row.getMessage() for row in caplog.records if row.name != "httpx")
    assert "GET /v1/user 200" in lines[0]


async def test_a_websocket_is_refused(cloud: Cloud):
    sent: list[dict[str, object]] = []

    async def send(message):
        sent.append(message)

    await cloud.app({"type": "websocket", "path": "/"}, None, send)
    assert sent == [{"type": "websocket.close", "code": 1000}]


async def test_the_servers_lifespan_is_acknowledged(cloud: Cloud):
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[str] = []

    async def receive():
        return messages.pop(0)

    async def send(message):
        sent.append(message["type"])

    await cloud.app({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_no_text_of_the_table_makes_the_official_cli_forget_its_login():
    for operation in OPERATIONS:
        assert "access token" not in operation.summary.lower()
    assert httpx.codes.NOT_IMPLEMENTED == 501

import base64
import re

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key
from tests.builders.cloud import Cloud, Person, open_cloud

from roadstead.http.callers import identify


async def test_health_is_open_and_says_how_long_the_server_lives(cloud: Cloud):
    cloud.clock.advance(93)
    answer = await cloud.client().get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "version": "1.2.3",
        "uptime_s": 93,
        "checks": {"database": "ok"},
    }


async def test_health_is_503_when_the_database_is_gone(cloud: Cloud):
    await cloud.parts.database.close()
    answer = await cloud.client().get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "unavailable"
    assert answer.json()["checks"]["database"] != "ok"


async def test_metrics_are_open_to_this_machine(cloud: Cloud, jo: Person):
    await jo.client.get("/v1/devices")
    await jo.client.get("/v1/no/such/path/for/anybody")
    answer = await cloud.client("127.0.0.1").get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'roadstead_http_requests_total{operation="list_devices",status="200"} 1.0' in answer.text
    assert 'operation="unmatched",status="404"' in answer.text
    assert "process_resident_memory_bytes" in answer.text
    assert "access-control-allow-origin" not in answer.headers
    assert jo.token not in answer.text


async def test_metrics_need_an_administrator_from_elsewhere(cloud, jo: Person, admin: Person):
    assert (await cloud.client().get("/metrics")).status_code == 401
    assert (await jo.client.get("/metrics")).status_code == 403
    assert (await admin.client.get("/metrics")).status_code == 200


async def test_metrics_are_not_open_through_a_proxy_that_nobody_named(cloud: Cloud):
    answer = await cloud.client("127.0.0.1", **{"X-Forwarded-For": "203.0.113.9"}).get("/metrics")
    assert answer.status_code == 401
    assert identify("127.0.0.1", "http", {}, ()).is_local


async def test_devices_find_the_servers_key_and_port(cloud: Cloud):
    answer = await cloud.client().get("/v1/server_keys")
    keys = answer.json()
    udp = keys["udp"]
    assert answer.status_code == 200 and keys["tcp"] is None
    assert (udp["host"], udp["port"], udp["algorithm"]) == ("cloud.test", 5684, "ec")
    der = base64.b64decode(udp["public_key_der"])
    assert load_der_public_key(der) == load_pem_public_key(udp["public_key_pem"].encode())


async def test_the_public_url_names_the_host(database, key_folder):
    async with open_cloud(database, key_folder, public_url="https://cloud.example.com") as cloud:
        cloud.parts.tcp_address = ("0.0.0.0", 5683)
        keys = (await cloud.client().get("/v1/server_keys")).json()
        assert keys["udp"]["host"] == keys["tcp"]["host"] == "cloud.example.com"
        assert keys["tcp"]["algorithm"] == "rsa"
        document = (await cloud.client().get("/openapi.json")).json()
        assert document["servers"] == [{"url": "https://cloud.example.com"}]


async def test_a_gateway_that_is_off_has_no_keys(cloud: Cloud):
    cloud.parts.udp_address = None
    answer = await cloud.client().get("/v1/server_keys")
    assert answer.json() == {"udp": None, "tcp": None}


@pytest.mark.parametrize("path", ["/", "/docs/api"])
async def test_pages_stand_under_a_strict_policy(cloud: Cloud, path):
    answer = await cloud.client().get(path)
    policy = answer.headers["content-security-policy"]
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    for forbidden in ("<style", "style=", "onclick", "<script>", "http://", "//cdn"):
        assert forbidden not in answer.text.replace("http://127.0.0.1:8080", "")


@pytest.mark.parametrize("path", ["/", "/docs/api"])
async def test_everything_that_the_pages_ask_for_is_there(cloud: Cloud, path):
    client = cloud.client()
    asked = re.findall(r'(?:src|href)="(/assets/[^"]+)"', (await client.get(path)).text)
    types = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
    assert asked
    for asset in asked:
        answer = await client.get(asset)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(types[asset.rpartition(".")[2]])


@pytest.mark.parametrize(
    "path", ["/assets/none.css", "/assets/../pages.py", "/assets/%2e%2e/pages.py", "/index.html"]
)
async def test_nothing_else_is_served(cloud: Cloud, path):
    answer = await cloud.client().get(path)
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


async def test_every_address_of_the_console_gives_its_page(cloud: Cloud):
    client = cloud.client()
    page = (await client.get("/")).text
    for path in ("/devices", "/products/fridge/devices", "/sign-in"):
        assert (await client.get(path)).text == page
    answer = await client.post("/devices")
    assert (answer.status_code, answer.json()["error"]) == (405, "method_not_allowed")


async def test_pages_are_sent_compressed_to_those_who_take_it(cloud: Cloud):
    packed = await cloud.client().get("/", headers={"Accept-Encoding": "gzip"})
    plain = await cloud.client().get("/", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text
    assert packed.headers["vary"] == plain.headers["vary"] == "accept-encoding"

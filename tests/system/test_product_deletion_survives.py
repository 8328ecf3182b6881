"""A product of many devices is deleted to its end, though the server is killed in the middle."""

import time

import pytest
from tests.system.harness import RoadsteadServer

pytestmark = pytest.mark.system

DEVICES = 20_000
PASSWORD = "correct horse"


def test_a_killed_server_deletes_the_product_to_its_end(tmp_path):
    with RoadsteadServer(tmp_path, default_plan="enterprise") as server:
        server.create_user("jo@example.com", PASSWORD)
        token = server.log_in("jo@example.com", PASSWORD)
        ids = [f"e00fce68{number:016x}" for number in range(DEVICES)]
        with server.client(token) as client:
            body = {"product": {"name": "Boxes", "platform_id": 13}}
            product = client.post("/v1/user/products", json=body).json()["product"]["id"]
            path = f"/v1/products/{product}"
            files = {"file": ("file", "\n".join(ids).encode())}
            answer = client.post(f"{path}/devices", files=files, timeout=300)
            assert answer.status_code == 200, answer.text
            assert client.delete(path).status_code == 409
            wanted = {"async": "true", "remove_devices": "true"}
            answer = client.delete(path, params=wanted)
            assert answer.status_code == 202, answer.text
            assert answer.json()["deletion"]["total_devices"] == DEVICES
            removed = 0
            while not removed:
                removed = client.get(f"{path}/deletion").json()["deletion"]["removed_devices"]
            assert removed < DEVICES, "it was over before it could be interrupted"
            server.restart()
            deadline = time.monotonic() + 180
            while (answer := client.get(path)).status_code != 404:
                assert answer.json()["product"]["device_count"] < DEVICES
                assert time.monotonic() < deadline
                time.sleep(0.2)
            made = client.post("/v1/user/products", json={"product": body["product"]}).json()
            again = f"/v1/products/{made['product']['id']}/devices"
            # They are registered still, and nobody's.
            assert client.post(again, json={"ids": ids[:500]}).json()["updated"] == 500

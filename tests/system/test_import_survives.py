"""An import of many devices goes on after the server was killed in its middle."""

import csv
import io
import time

import pytest
from tests.system.harness import RoadsteadServer

pytestmark = pytest.mark.system

LINES = 20_000
PASSWORD = "correct horse"


def test_a_killed_server_finishes_the_import_and_accounts_for_every_line(tmp_path):
    with RoadsteadServer(tmp_path, default_plan="enterprise") as server:
        server.create_user("jo@example.com", PASSWORD)
        token = server.log_in("jo@example.com", PASSWORD)
        ids = [f"e00fce68{number:016x}" for number in range(LINES)]
        with server.client(token) as client:
            body = {"product": {"name": "Boxes", "platform_id": 13}}
            product = client.post("/v1/user/products", json=body).json()["product"]["id"]
            path = f"/v1/products/{product}/devices"
            files = {"file": ("file", "\n".join([*ids, "nonsense"]).encode())}
            answer = client.post(path, files=files, params={"async": "true"}, timeout=60)
            assert answer.status_code == 202, answer.text
            job = answer.json()["device_import"]
            at = job["result"].removesuffix("/result")
            kills = 0
            while kills < 2:
                done = client.get(at).json()["device_import"]["done_lines"]
                assert done < LINES, "the import was over before it could be interrupted"
                if done > kills * 3000:
                    server.restart()
                    kills += 1
            deadline = time.monotonic() + 90
            while (found := client.get(at).json()["device_import"])["state"] != "done":
                assert time.monotonic() < deadline, found
                time.sleep(0.2)
            assert found["counts"] == {"imported": LINES, "invalid": 1}
            rows = list(csv.reader(io.StringIO(client.get(job["result"], timeout=60).text)))
            assert [row[1] for row in rows[1:]] == [*ids, "nonsense"]
            shown = client.get(f"/v1/products/{product}").json()["product"]
            assert shown["device_count"] == LINES
            meta = client.get(path).json()["meta"]
            assert meta["total_devices"] == LINES

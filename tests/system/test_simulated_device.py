"""The simulated device that the server runs for a newcomer, on its own real socket."""

import time

import httpx
from tests.system.harness import RoadsteadServer

PASSWORD = "a long enough password"


def wait_until(look, timeout_s: float = 20.0):
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.2)
    raise AssertionError("it did not come")


def test_one_click_brings_a_device_online_which_ends_and_comes_back(tmp_path):
    with RoadsteadServer(tmp_path, rate_limits="off", simulated_devices="1") as server:
        for name in ("jo@example.com", "jim@example.com"):
            server.create_user(name, PASSWORD)
        jo = server.client(server.log_in("jo@example.com", PASSWORD))
        jim = server.client(server.log_in("jim@example.com", PASSWORD))
        with jo, jim:
            assert jo.get("/v1/simulated_device").json() == {
                "simulated_device": None,
                "offered": True,
            }
            told = jo.post("/v1/simulated_device", timeout=30)
            assert told.status_code == 200, told.text
            device = told.json()["simulated_device"]
            assert device["online"] is True
            (mine,) = jo.get("/v1/devices").json()
            assert (mine["id"], mine["name"], mine["online"]) == (
                device["id"],
                "simulated-fridge",
                True,
            )
            assert jo.get(f"/v1/devices/{device['id']}/temperature").json()["result"] > -60
            assert jo.post("/v1/simulated_device").json()["simulated_device"]["id"] == device["id"]
            refused = jim.post("/v1/simulated_device")
            assert refused.status_code == 429
            assert refused.json()["error"] == "too_many_simulated_devices"

            assert jo.delete("/v1/simulated_device").status_code == 204
            assert jo.get("/v1/simulated_device").json()["simulated_device"] is None
            wait_until(lambda: not jo.get("/v1/devices").json()[0]["online"], timeout_s=8)
            assert jim.post("/v1/simulated_device", timeout=30).status_code == 200
            assert jim.delete("/v1/simulated_device").status_code == 204

            server.restart()
        with _again(server, "jo@example.com") as jo:
            again = jo.post("/v1/simulated_device", timeout=30).json()["simulated_device"]
            assert again["id"] == device["id"]
            assert len(jo.get("/v1/devices").json()) == 1
            wait_until(lambda: jo.get("/v1/devices").json()[0]["online"])


def test_an_operator_can_turn_them_off(tmp_path):
    with RoadsteadServer(tmp_path, simulated_devices="0") as server:
        server.create_user("jo@example.com", PASSWORD)
        with server.client(server.log_in("jo@example.com", PASSWORD)) as jo:
            assert jo.get("/v1/simulated_device").json()["offered"] is False
            refused = jo.post("/v1/simulated_device")
            assert refused.status_code == 501
            assert "ROADSTEAD_SIMULATED_DEVICES" in refused.json()["error_description"]


def _again(server: RoadsteadServer, name: str) -> httpx.Client:
    return server.client(server.log_in(name, PASSWORD))

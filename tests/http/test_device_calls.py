import pytest
from tests.builders.cloud import Cloud, Person

from roadstead.protocol.messages.vitals import decode_vitals, encode_vitals


def brewing(argument: str) -> int:
    return {"coffee": 1, "": -7}.get(argument, len(argument))


async def test_a_function_is_called_as_the_sdk_does(cloud: Cloud, jo: Person):
    device_id, _ = await cloud.claimed(jo, functions={"brew": brewing})
    answer = await jo.client.post(f"/v1/devices/{device_id}/brew", json={"args": "coffee"})
    assert (answer.status_code, answer.json()) == (
        200,
        {"id": device_id, "name": None, "connected": True, "return_value": 1},
    )


@pytest.mark.parametrize("field", ["arg", "args", "params"])
async def test_an_argument_has_three_names(cloud: Cloud, jo: Person, field):
    device_id, _ = await cloud.claimed(jo, functions={"brew": brewing})
    answer = await jo.client.post(f"/v1/devices/{device_id}/brew", data={field: "four"})
    assert answer.json()["return_value"] == 4


async def test_a_function_needs_no_argument(cloud: Cloud, jo: Person):
    device_id, _ = await cloud.claimed(jo, functions={"brew": brewing})
    for sent in ({"json": {}}, {}, {"data": {"access_token": jo.token}}):
        answer = await jo.client.post(f"/v1/devices/{device_id}/brew", **sent)
        assert answer.json()["return_value"] == -7


async def test_two_different_arguments_are_refused(cloud: Cloud, jo: Person):
    device_id, _ = await cloud.claimed(jo, functions={"brew": brewing})
    body = {"arg": "a", "args": "b"}
    answer = await jo.client.post(f"/v1/devices/{device_id}/brew", json=body)
    assert answer.status_code == 400


@pytest.mark.parametrize("where", ["query", "body"])
async def test_a_raw_answer_is_the_bare_value(cloud: Cloud, jo: Person, where):
    device_id, _ = await cloud.claimed(jo, functions={"brew": brewing})
    query = "?format=raw" if where == "query" else ""
    form = {"args": "four", **({"format": "raw"} if where == "body" else {})}
    answer = await jo.client.post(f"/v1/devices/{device_id}/brew{query}", data=form)
    assert answer.text == "4"
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("value", [True, 42, -0.5, "text with ünïcode"])
async def test_a_variable_is_read_in_its_own_type(cloud: Cloud, jo: Person, value):
    device_id, _ = await cloud.claimed(jo, variables={"temp": value})
    answer = await jo.client.get(f"/v1/devices/{device_id}/temp")
    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {"name", "result", "coreInfo"}
    assert (body["name"], body["result"], type(body["result"])) == ("temp", value, type(value))
    assert body["coreInfo"]["deviceID"] == device_id
    assert body["coreInfo"]["connected"] is True


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (21.5, "21.5"), ("a b", "a b")])
async def test_a_raw_variable_is_the_bare_value(cloud: Cloud, jo: Person, value, text):
    device_id, _ = await cloud.claimed(jo, variables={"temp": value})
    answer = await jo.client.get(f"/v1/devices/{device_id}/temp?format=raw")
    assert answer.text == text


@pytest.mark.parametrize("name", ["ping", "unprotect", "backup_files"])
async def test_a_variable_or_function_may_have_the_name_of_a_route(cloud, jo, name):
    device_id, _ = await cloud.claimed(jo, functions={name: lambda _: 5}, variables={name: "value"})
    assert (await jo.client.get(f"/v1/devices/{device_id}/{name}")).json()["result"] == "value"
    answer = await jo.client.post(f"/v1/devices/{device_id}/{name}", json={"args": ""})
    assert answer.json()["return_value"] == 5


async def test_what_a_device_does_not_register_is_404(cloud: Cloud, jo: Person):
    device_id, _ = await cloud.claimed(jo)
    function = await jo.client.post(f"/v1/devices/{device_id}/nothing", json={"args": ""})
    variable = await jo.client.get(f"/v1/devices/{device_id}/nothing")
    assert (function.status_code, function.json()["error"]) == (404, "function_not_found")
    assert (variable.status_code, variable.json()["error"]) == (404, "variable_not_found")


async def test_a_device_that_is_away_is_408(cloud: Cloud, jo: Person):
    device_id, _ = await cloud.claimed(jo)
    cloud.unplug(device_id)
    for answer in (
        await jo.client.get(f"/v1/devices/{device_id}/temp"),
        await jo.client.post(f"/v1/devices/{device_id}/brew", json={"args": ""}),
        await jo.client.put(f"/v1/devices/{device_id}", json={"signal": "1"}),
    ):
        assert (answer.status_code, answer.json()["error"]) == (408, "device_offline")


async def test_a_silent_device_is_408(cloud: Cloud, jo: Person):
    device_id, device = await cloud.claimed(jo, variables={"temp": 1})
    device.silent = True
    answer = await jo.client.get(f"/v1/devices/{device_id}/temp")
    assert (answer.status_code, answer.json()["error"]) == (408, "timed_out")


async def test_ping_says_whether_the_device_answered(cloud: Cloud, jo: Person):
    device_id, device = await cloud.claimed(jo)
    path = f"/v1/devices/{device_id}/ping"
    assert (await jo.client.put(path)).json() == {"online": True, "ok": True}
    device.silent = True
    assert (await jo.client.put(path)).json() == {"online": False, "ok": True}


async def test_fresh_vitals_are_asked_for(cloud: Cloud, jo: Person):
    device_id, device = await cloud.claimed(jo)
    answer = await jo.client.post(f"/v1/diagnostics/{device_id}/update")
    assert (answer.status_code, answer.json()) == (202, {"ok": True})
    assert device.vitals_asked == 1


async def test_the_last_vitals_are_given(cloud: Cloud, jo: Person):
    device_id, _ = await cloud.claimed(jo)
    none = await jo.client.get(f"/v1/diagnostics/{device_id}/last")
    assert none.status_code == 404
    assert "access token" not in none.text.lower()


async def test_the_history_of_vitals_by_date_as_json_and_as_csv(cloud: Cloud, jo: Person, stranger):
    device_id, _ = await cloud.claimed(jo)
    readings = decode_vitals(encode_vitals([(6, 99, False)]))
    for _ in range(3):
        await cloud.parts.vitals.store(device_id, readings, {})
        cloud.clock.advance(3600)
    path = f"/v1/diagnostics/{device_id}"
    found = (await jo.client.get(path)).json()["diagnostics"]
    assert [one["updated_at"] for one in found] == [
        "2026-01-01T00:00:00.000Z",
        "2026-01-01T01:00:00.000Z",
        "2026-01-01T02:00:00.000Z",
    ]
    assert found[0]["deviceID"] == device_id
    assert found[0]["payload"]["device"]["system"]["uptime"] == 99
    dates = {"start_date": "2026-01-01T01:00:00Z", "end_date": "2026-01-01T02:00:00.000Z"}
    assert len((await jo.client.get(path, params=dates)).json()["diagnostics"]) == 1
    csv = await jo.client.get(path, headers={"Accept": "text/csv"})
    assert csv.headers["content-type"].startswith("text/csv")
    assert len(csv.text.splitlines()) == 4
    for wrong in ({"start_date": "soon"}, {"start_date": "2025-01-01T00:00:00Z"}):
        answer = await jo.client.get(path, params=wrong)
        assert (answer.status_code, answer.json()["error"]) == (400, "bad_request")
        assert answer.json()["description"]
    assert (await stranger.client.get(path)).status_code == 404

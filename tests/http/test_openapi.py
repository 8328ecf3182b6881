import re

import msgspec
from tests.builders.cloud import Cloud, Person

from roadstead.http.operation import Access
from roadstead.http.operations import OPERATIONS

METHODS = {"get", "put", "post", "delete", "patch"}


async def description(cloud: Cloud) -> dict:
    answer = await cloud.client().get("/openapi.json")
    assert answer.status_code == 200
    return answer.json()


def references(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [ref for child in node.values() for ref in references(child)]
    return [ref for child in node for ref in references(child)] if isinstance(node, list) else []


async def test_every_offered_operation_is_described_and_no_other(cloud: Cloud):
    document = await description(cloud)
    described = {
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods
    }
    offered = {
        (row.method, row.path.replace("*}", "}"))
        for row in OPERATIONS
        if row.offered and row.described
    }
    assert described == offered


async def test_the_description_keeps_the_rules_of_openapi(cloud: Cloud):
    document = await description(cloud)
    assert document["openapi"] == "3.1.1"
    assert document["servers"] == [{"url": "http://cloud.test:8080"}]
    identifiers = []
    for path, methods in document["paths"].items():
        in_path = set(re.findall(r"{(\w+)}", path))
        assert set(methods) <= METHODS
        for operation in methods.values():
            identifiers.append(operation["operationId"])
            declared = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert declared == in_path
            assert operation["responses"]
            assert all(re.fullmatch(r"[2-5]\d\d", status) for status in operation["responses"])
            assert all("description" in answer for answer in operation["responses"].values())
    assert len(identifiers) == len(set(identifiers))
    schemas = document["components"]["schemas"]
    assert {ref.rpartition("/")[2] for ref in references(document)} <= set(schemas)


async def test_a_request_with_several_meanings_lists_all_bodies(cloud: Cloud):
    document = await description(cloud)
    update = document["paths"]["/v1/devices/{device}"]["put"]
    schema = update["requestBody"]["content"]["application/json"]["schema"]
    assert {ref["$ref"].rpartition("/")[2] for ref in schema["anyOf"]} == {
        "AttributesBody",
        "FlashBody",
        "ForceBody",
        "SignalBody",
    }
    assert "multipart/form-data" in update["requestBody"]["content"]
    assert "devices:update" in update["description"]
    assert "devices:signal" in update["description"]


async def test_real_answers_fit_their_types(cloud: Cloud, jo: Person):
    device_id, _ = await cloud.claimed(jo, variables={"temp": 1.5})
    paths = {
        "/v1/user": "get_user",
        "/v1/devices": "list_devices",
        f"/v1/devices/{device_id}": "get_device",
        f"/v1/devices/{device_id}/temp": "read_variable",
        "/v1/access_tokens/current": "get_current_token",
        "/v1/server_keys": "get_server_keys",
        "/healthz": "get_health",
    }
    by_name = {operation.name: operation for operation in OPERATIONS}
    for path, name in paths.items():
        answer = await jo.client.get(path)
        msgspec.json.decode(answer.content, type=by_name[name].answer)


def test_every_operation_that_asks_for_a_token_names_a_permission():
    for operation in OPERATIONS:
        if operation.offered and operation.access is not Access.OPEN:
            assert operation.permission is not None, operation.name


def test_names_of_offered_operations_are_unique():
    names = [operation.name for operation in OPERATIONS if operation.offered]
    assert len(names) == len(set(names))


async def test_no_two_answers_share_a_name(cloud: Cloud):
    document = await description(cloud)
    # Of two structs with one name both are written with their modules, which nobody should see.
    assert [name for name in document["components"]["schemas"] if "." in name] == []

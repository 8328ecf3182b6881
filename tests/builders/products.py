"""Products and their devices as a client of the API makes them."""

from roadstead.devices.reports import HelloFacts
from tests.builders.cloud import Cloud, Person, make_device_id, make_public_pem

BORON = 13


async def make_product(person: Person, name: str = "Cold Box", **what) -> dict:
    body = {"product": {"name": name, "platform_id": BORON, **what}}
    answer = await person.client.post("/v1/user/products", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["product"]


async def import_ids(person: Person, product: dict, *ids: str, **what) -> dict:
    path = f"/v1/products/{product['id']}/devices"
    answer = await person.client.post(path, json={"ids": list(ids), **what})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def register(cloud: Cloud, person: Person, number: int) -> str:
    """A device whose key the person registered."""
    device_id = make_device_id(number)
    body = {"publicKey": make_public_pem(), "algorithm": "ecc", "product_id": BORON}
    answer = await person.client.post(f"/v1/provisioning/{device_id}", json=body)
    assert answer.status_code == 200, answer.text
    return device_id


async def hello(
    cloud: Cloud,
    device_id: str,
    product_id: int = BORON,
    version: int = 1,
    platform_id: int = BORON,
) -> bool:
    """The device says Hello, as the gateway reports it."""
    facts = HelloFacts(product_id, version, platform_id, 6200, 0xF6, 1152, 1 << 31, 512)
    changed = await cloud.reports.hello(device_id, facts)
    if changed:
        cloud.parts.registry.forget(device_id)
    return changed


async def get_device(person: Person, product: dict, device_id: str) -> dict:
    answer = await person.client.get(f"/v1/products/{product['id']}/devices/{device_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def list_ids(person: Person, product: dict, **query) -> list[str]:
    path = f"/v1/products/{product['id']}/devices"
    answer = await person.client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return [device["id"] for device in answer.json()["devices"]]


async def counts(person: Person, product: dict) -> tuple[int, int, int]:
    """Devices, those that wait, and those that were refused, as the product counts them."""
    document = (await person.client.get(f"/v1/products/{product['id']}")).json()["product"]
    return document["device_count"], document["quarantined_count"], document["denied_count"]

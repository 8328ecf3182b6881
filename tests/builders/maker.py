"""Somebody who makes a product, over HTTP."""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.builders.cloud import Cloud, Person
from tests.builders.firmware import make_image


@dataclass
class Maker:
    """A person with a product of Borons."""

    person: Person
    product_id: int
    slug: str

    @property
    def path(self) -> str:
        return f"/v1/products/{self.product_id}"

    async def upload(
        self, version: int, content: bytes | None = None, *, part: str = "file", **fields: Any
    ) -> httpx.Response:
        file = make_image(version) if content is None else content
        return await self.person.client.post(
            f"{self.path}/firmware",
            data={"version": str(version), **fields},
            files={part: ("firmware.bin", file)},
        )

    async def uploaded(self, *versions: int) -> None:
        for version in versions:
            answer = await self.upload(version)
            assert answer.status_code == 201, answer.text

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.person.client.get(f"{self.path}{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


async def make_maker(cloud: Cloud, person: Person, name: str = "Cold Box", **what: Any) -> Maker:
    body = {"product": {"name": name, "platform_id": 13, **what}}
    answer = await person.client.post("/v1/user/products", json=body)
    assert answer.status_code == 200, answer.text
    made = answer.json()["product"]
    return Maker(person, made["id"], made["slug"])

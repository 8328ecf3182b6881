"""The firmware part of `roadstead demo`: a product, two versions, one fridge, a group, all of them.

It does what a maker does, by the public API alone, in the order that a maker should: lock one
device and flash it, release to a group, release to all.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from roadstead.cli.demo_feed import DemoFeed
from roadstead.firmware.images.image_builder import build_user_module, make_code

FIRST, SECOND = 2, 3
"""Versions that are uploaded; the second is left for whoever watches."""

IMAGE_BYTES = 64 * 1024
BETA = "beta"
BETA_SHARE = 5
"""One in so many fridges is in the group."""

POLL_S = 0.5
STEP_TIMEOUT_S = 180.0
READY_TIMEOUT_S = 60.0
PAUSE_S = 2.0
"""Between two steps, so that somebody can follow."""

PAGE = 1000


class StoryEnded(Exception):
    """The story cannot go on; the text is for people."""


@dataclass(slots=True)
class Progress:
    """What the story is at, for the screen.

    Attributes:
        title: what happens now; empty before it begins.
        done, total: devices that have arrived where the step leads; no total, no bar.
        lines: what is done already.
        hints: commands for whoever watches, (title, request path and data), once all is done.
    """

    title: str = ""
    done: int = 0
    total: int = 0
    lines: list[str] = field(default_factory=list)
    hints: list[tuple[str, str]] = field(default_factory=list)


class FirmwareStory:
    """Tells the story on a running demo.

    Args:
        url: of the server.
        token: of the demo's account.
        platform_id: hardware of the fridges.
        devices: how many there will be.
    """

    def __init__(self, url: str, token: str, platform_id: int, devices: int) -> None:
        self._client = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
            trust_env=False,
        )
        self._platform_id = platform_id
        self._devices = devices
        self._path = ""
        self.progress = Progress()

    async def run(self, feed: DemoFeed) -> None:
        """Goes through all steps; what fails is said on the screen and ends the story alone."""
        try:
            async with self._client:
                await self._tell(feed)
        except (httpx.HTTPError, StoryEnded, TimeoutError, KeyError) as error:
            self.progress.title = ""
            self.progress.lines.append(f"Firmware: the story ends here: {error!r:.200}")

    async def _tell(self, feed: DemoFeed) -> None:
        ids = await self._wait_for_fridges(feed)
        await self._make_product(ids)
        await self._upload()
        await asyncio.sleep(PAUSE_S)
        await self._lock_one(ids[0])
        await asyncio.sleep(PAUSE_S)
        beta = ids[: max(1, len(ids) // BETA_SHARE)]
        await self._release_to_group(beta)
        await asyncio.sleep(PAUSE_S)
        await self._release_to_all(ids)
        self.progress.title = ""
        self.progress.hints = self._hints(ids[0])

    async def _wait_for_fridges(self, feed: DemoFeed) -> list[str]:
        for _ in range(int(READY_TIMEOUT_S / POLL_S)):
            if feed.online >= self._devices:
                break
            await asyncio.sleep(POLL_S)
        answer = await self._ask("GET", "/v1/devices")
        named = sorted((one["name"] or "", one["id"]) for one in answer if one["connected"])
        if not named:
            raise StoryEnded("no fridge is online")
        return [device_id for _, device_id in named]

    async def _make_product(self, ids: list[str]) -> None:
        self.progress.title = "Making a product and importing the fridges"
        body = {"product": {"name": "Cold Chain", "platform_id": self._platform_id}}
        made = await self._ask("POST", "/v1/user/products", json=body)
        self._path = f"/v1/products/{made['product']['id']}"
        done = await self._ask("POST", f"{self._path}/devices", json={"ids": ids})
        self.progress.lines.append(
            f"Product Cold Chain ({made['product']['id']}): {done['updated']} fridges imported"
        )

    async def _upload(self) -> None:
        self.progress.title = f"Uploaded versions {FIRST} and {SECOND}"
        for version in (FIRST, SECOND):
            code = make_code(f"demo/{version}", IMAGE_BYTES)
            image = build_user_module(self._platform_id, code, product_version=version)
            await self._ask(
                "POST",
                f"{self._path}/firmware",
                data={"version": str(version), "title": f"Cold Chain {version}"},
                files={"file": (f"cold-chain-{version}.bin", image)},
            )
        self.progress.lines.append(f"Versions {FIRST} and {SECOND} uploaded, 64 KiB each")

    async def _lock_one(self, device_id: str) -> None:
        path = f"{self._path}/devices/{device_id}"
        await self._ask("PUT", path, json={"desired_firmware_version": FIRST, "flash": True})
        await self._watch("Locked one fridge and flashing it", 1, lambda: self._count([device_id]))
        await self._ask("PUT", path, json={"desired_firmware_version": None})
        self.progress.lines.append(
            f"One fridge was locked to version {FIRST} and came back with it"
        )

    async def _release_to_group(self, beta: list[str]) -> None:
        await self._ask("POST", f"{self._path}/groups", json={"name": BETA})
        body = {"action": "groups", "devices": beta, "metadata": {"add": [BETA], "remove": []}}
        await self._ask("PUT", f"{self._path}/devices", json=body)
        await self._release(groups=[BETA])
        await self._watch(f"Released to group {BETA}", len(beta), lambda: self._count(beta))
        self.progress.lines.append(f"Group {BETA}: {len(beta)} fridges run version {FIRST}")

    async def _release_to_all(self, ids: list[str]) -> None:
        await self._release(product_default=True)
        await self._watch("Released to all", len(ids), self._count_all)
        self.progress.lines.append(f"All {len(ids)} fridges run version {FIRST}")

    async def _release(self, **to: object) -> None:
        body = {"version": FIRST, "intelligent": True, **to}
        await self._ask("PUT", f"{self._path}/firmware/release", json=body)

    async def _watch(self, title: str, total: int, count: Callable[[], Awaitable[int]]) -> None:
        self.progress.title, self.progress.done, self.progress.total = title, 0, total
        async with asyncio.timeout(STEP_TIMEOUT_S):
            while self.progress.done < total:
                self.progress.done = await count()
                await asyncio.sleep(POLL_S)

    async def _count(self, ids: list[str]) -> int:
        listed = await self._ask("GET", f"{self._path}/devices", params={"per_page": str(PAGE)})
        running = {one["id"] for one in listed["devices"] if one["firmware_version"] == FIRST}
        return len(running.intersection(ids))

    async def _count_all(self) -> int:
        answer = await self._ask("GET", f"{self._path}/firmware/{FIRST}")
        return int(answer["device_count"])

    def _hints(self, device_id: str) -> list[tuple[str, str]]:
        one = f"{self._path}/devices/{device_id}"
        return [
            ("Ask why a fridge runs what it runs", f"{self._path}/firmware_targets/{device_id}"),
            (
                f"Lock that fridge to version {SECOND} and flash it",
                f"{one} -X PUT -d desired_firmware_version={SECOND} -d flash=true",
            ),
        ]

    async def _ask(self, method: str, path: str, **what: Any) -> Any:
        answer = await self._client.request(method, path, **what)
        if answer.is_error:
            raise StoryEnded(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json()

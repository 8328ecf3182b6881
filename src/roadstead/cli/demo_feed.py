"""What the demo shows, read from the server's own API: devices online and the event stream."""

import asyncio
import json
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

RECENT_EVENTS = 12
RATE_WINDOW_S = 10.0
"""Events per second are counted over this many seconds."""

POLL_EVERY_S = 1.0
RECONNECT_AFTER_S = 0.5


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """One event of the stream: local time, device name, event name, data."""

    at: datetime
    device: str
    name: str
    data: str


class DemoFeed:
    """Follows one account on the server.

    Attributes:
        online: devices that the server calls connected.
        known: devices of the account.
        total: events seen.
        recent: the last events, oldest first.
    """

    def __init__(self, url: str, token: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(10, read=30),
            trust_env=False,
        )
        self._loop = asyncio.get_running_loop()
        self._arrivals: deque[float] = deque()
        self._names: dict[str, str] = {}
        self.online = self.known = self.total = 0
        self.recent: deque[SeenEvent] = deque(maxlen=RECENT_EVENTS)

    def events_per_second(self) -> float:
        """The mean over the last RATE_WINDOW_S."""
        horizon = self._loop.time() - RATE_WINDOW_S
        while self._arrivals and self._arrivals[0] < horizon:
            self._arrivals.popleft()
        return len(self._arrivals) / RATE_WINDOW_S

    def first_named(self) -> str | None:
        """The id of the device whose name comes first, once any has one."""
        named = [(name, key) for key, name in self._names.items() if name != key]
        return min(named)[1] if named else None

    async def close(self) -> None:
        """Ends the connections."""
        await self._client.aclose()

    async def poll(self) -> None:
        """Lists the account's devices for ever; a server that is away is asked again."""
        while True:
            try:
                answer = await self._client.get("/v1/devices")
                self._note_devices(answer.raise_for_status().json())
            except (httpx.HTTPError, ValueError):
                self.online = 0
            await asyncio.sleep(POLL_EVERY_S)

    async def follow(self) -> None:
        """Reads the event stream for ever, connecting again when it ends."""
        while True:
            try:
                async with self._client.stream("GET", "/v1/devices/events") as stream:
                    stream.raise_for_status()
                    await self._read(stream)
            except httpx.HTTPError:
                pass
            await asyncio.sleep(RECONNECT_AFTER_S)

    async def _read(self, stream: httpx.Response) -> None:
        name = ""
        async for line in stream.aiter_lines():
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "event":
                name = value
            elif field == "data":
                self._note_event(name, value)

    def _note_devices(self, devices: list[dict[str, Any]]) -> None:
        self.known = len(devices)
        self.online = sum(bool(device.get("connected")) for device in devices)
        self._names = {device["id"]: device.get("name") or device["id"] for device in devices}

    def _note_event(self, name: str, raw: str) -> None:
        try:
            body = json.loads(raw)
        except ValueError:
            return
        source = str(body.get("coreid", ""))
        self.total += 1
        self._arrivals.append(self._loop.time())
        device = self._names.get(source, source)
        self.recent.append(
            SeenEvent(datetime.now().astimezone(), device, name, str(body.get("data")))
        )

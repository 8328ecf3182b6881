"""Integrations for tests: a receiver on a real socket, and the engine on a real database."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiohttp import web

from roadstead.bus.local import LocalBus
from roadstead.events.ingest import TOPIC, EventIngest
from roadstead.events.model import Event
from roadstead.integrations.breakers import Breakers
from roadstead.integrations.delivery_store import deliveries, to_row
from roadstead.integrations.engine import DeliveryEngine
from roadstead.integrations.matching import HookIndex
from roadstead.integrations.model import Integration, Owner, WebhookSettings
from roadstead.integrations.sending import WebhookSender
from roadstead.integrations.settling import Settling
from roadstead.integrations.trying import Trying
from roadstead.kit.clock import SystemClock
from roadstead.kit.ids import EventIds, new_object_id
from roadstead.outbound.http_client import HttpClient
from roadstead.storage.database import Database
from roadstead.storage.journal import Journal

JO = "1" * 24
DEVICE = "e00fce68" + "0" * 15 + "1"


def make_hook(url: str = "https://hooks.example/x", **fields) -> Integration:
    """A webhook of Jo; fields of the settings and of the integration alike."""
    known = set(Integration.__dataclass_fields__) - {"settings"}
    meta = {name: fields.pop(name) for name in list(fields) if name in known}
    at = datetime(2026, 1, 1, tzinfo=UTC)
    defaults = {
        "id": new_object_id(),
        "owner": Owner("user", JO),
        "kind": "Webhook",
        "event": "",
        "name": "a hook",
        "device_id": None,
        "disabled": False,
        "keys": (),
        "template": None,
        "created_by": JO,
        "created_at": at,
        "updated_at": at,
    }
    return Integration(**{**defaults, **meta}, settings=WebhookSettings(url=url, **fields))


@dataclass
class Taken:
    """A request that a receiver got."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Receiver:
    """Somebody's server. ``answer`` may be changed at any time."""

    port: int = 0
    taken: list[Taken] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def answer(self, request: Taken) -> web.Response:
        return web.Response(text="")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.read()
        taken = Taken(request.method, request.path, dict(request.query), headers, body)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            self.taken.append(taken)
            return await self.answer(taken)
        finally:
            self.under_way -= 1

    def counted(self) -> Counter[str]:
        """How often each delivery arrived, by its id."""
        return Counter(one.headers["webhook-id"] for one in self.taken)


@contextlib.asynccontextmanager
async def open_receiver(**attributes) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    for name, value in attributes.items():
        setattr(receiver, name, value)
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.port = runner.addresses[0][1]
    try:
        yield receiver
    finally:
        await runner.cleanup()


@dataclass
class Rig:
    """Ingest and the engine, running."""

    database: Database
    journal: Journal
    ingest: EventIngest
    hooks: HookIndex
    breakers: Breakers
    settling: Settling
    engine: DeliveryEngine
    events: list[Event]

    def put(self, hook: Integration) -> Integration:
        self.hooks.put(hook)
        self.engine.on_hook_changed(hook.id)
        return hook

    def publish(self, name="temp", data="21.5", *, device_id=DEVICE, **fields) -> Event:
        defaults = {"owner_id": JO, "product_id": None, "source": "device"}
        event = self.ingest.accept(
            name=name,
            payload=data.encode() if data else None,
            content_format=None,
            ttl_s=60,
            device_id=device_id,
            firmware_version=0,
            **{**defaults, **fields},
        )
        assert event is not None
        return event

    async def rows(self):
        """All deliveries as they stand in the database."""
        await self.journal.flush()
        query = deliveries.select().order_by(deliveries.c.id)
        return await self.database.read(lambda conn: [to_row(row) for row in conn.execute(query)])

    async def settled(self, count: int, timeout_s: float = 20.0):
        """All rows, once so many have ended."""
        async with asyncio.timeout(timeout_s):
            while True:
                rows = await self.rows()
                if sum(row.state == "done" for row in rows) >= count:
                    return rows
                await asyncio.sleep(0.02)

    def told(self, prefix: str) -> list[tuple[str, str]]:
        """Names and data of events that were published with this prefix."""
        return [
            (one.name, (one.payload or b"").decode())
            for one in self.events
            if one.name.startswith(prefix)
        ]


@contextlib.asynccontextmanager
async def open_rig(database: Database, *, scale: float = 0.01, **client) -> AsyncIterator[Rig]:
    """A running engine; ``scale`` shrinks pauses, ``client`` are arguments of the HTTP client."""
    clock, bus = SystemClock(), LocalBus()
    journal = Journal(database, delay_s=0.001)
    ingest = EventIngest(journal, bus, clock, EventIds())
    http = HttpClient(**{"allow_private": True, "timeout_s": 2.0, **client})
    hooks = HookIndex()
    breakers = Breakers(clock.monotonic, scale=scale)
    settling = Settling(journal, ingest, scale=scale)
    senders = {"Webhook": WebhookSender(http, clock)}
    ids = EventIds()
    trying = Trying(database, clock, senders, ids)
    engine = DeliveryEngine(database, clock, hooks, trying, breakers, settling, ids)
    ingest.react_with(engine)
    events: list[Event] = []
    bus.subscribe(TOPIC, events.append)
    await engine.start()
    running = [asyncio.create_task(journal.run()), asyncio.create_task(engine.run())]
    await asyncio.sleep(0)
    try:
        yield Rig(database, journal, ingest, hooks, breakers, settling, engine, events)
    finally:
        await engine.stop()
        await journal.close()
        running[1].cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await http.close()

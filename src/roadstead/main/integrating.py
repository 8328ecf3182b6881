"""Builds what carries events out of the server."""

import asyncio
import hashlib
import importlib
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roadstead.bus.local import LocalBus
from roadstead.devices.link import DeviceLink
from roadstead.events.ingest import EventIngest
from roadstead.health.alerting.receivers import ReceiverReports
from roadstead.http.integrations.integration_parts import IntegrationParts
from roadstead.http.metrics import Sample
from roadstead.integrations.breakers import Breakers, Turn
from roadstead.integrations.catalogue import Catalogue
from roadstead.integrations.commands import Commands
from roadstead.integrations.delivery_log import DeliveryLog
from roadstead.integrations.engine import DeliveryEngine
from roadstead.integrations.matching import HookIndex
from roadstead.integrations.model import Integration, Kind
from roadstead.integrations.mqtt import MqttSender
from roadstead.integrations.product_owners import ProductOwners
from roadstead.integrations.sending import Sender, WebhookSender
from roadstead.integrations.service import IntegrationService
from roadstead.integrations.settling import Settling
from roadstead.integrations.template_files import TemplateFiles
from roadstead.integrations.trying import Trying
from roadstead.kit.clock import Clock
from roadstead.kit.ids import EventIds
from roadstead.notifications.model import NoticeOwner
from roadstead.outbound.http_client import HttpClient
from roadstead.storage.database import Database
from roadstead.storage.journal import Journal
from roadstead.storage.secret_box import SecretBox

WARM_UP_AFTER_S = 5.0


@dataclass(frozen=True, slots=True)
class IntegrationNeeds:
    """What these parts are built on.

    Attributes:
        announce: called after a change was committed that other processes must hear of.
        templates: the operator's folder of templates.
        allow_private: whether receivers may have private addresses.
        scale: shrinks the pauses between attempts; 1 in a real server.
        reports: told of receivers that fail, and of those that answer again.
    """

    database: Database
    clock: Clock
    box: SecretBox
    bus: LocalBus
    journal: Journal
    ingest: EventIngest
    client: HttpClient
    announce: Callable[[], None]
    templates: Path
    link: DeviceLink
    device_timeout_s: float
    allow_private: bool
    scale: float = 1.0
    reports: ReceiverReports | None = None


@dataclass(frozen=True, slots=True)
class Integrating:
    """The parts, and their life."""

    parts: IntegrationParts
    catalogue: Catalogue
    owners: ProductOwners
    settling: Settling
    mqtt: MqttSender

    async def start(self) -> None:
        """Before any event is accepted: from then on none misses its integrations."""
        await self.owners.start()
        await self.catalogue.start()
        await self.parts.engine.start()

    def background(self) -> Mapping[str, Coroutine[Any, Any, None]]:
        """What runs beside the server, by name."""
        return {
            "integrations": self.catalogue.run(),
            "deliveries": self.parts.engine.run(),
            "product-owners": self.owners.run(),
            "bridges": self.mqtt.run(),
            "warm-up": _warm_up(),
        }

    def samples(self) -> Iterable[Sample]:
        """Numbers for ``/metrics``."""
        engine, settling = self.parts.engine, self.settling
        counters = {
            "hook_deliveries": ("Deliveries committed with their events.", engine.planned),
            "hook_requests": ("Requests sent for deliveries.", engine.attempted),
            "hook_requests_held": ("Requests that a breaker held back.", engine.held),
            "hook_replies_lost": ("Answers that found no room.", settling.lost_replies),
        }
        for name, (words, value) in counters.items():
            yield Sample(f"roadstead_{name}_total", words, "counter", value)
        for outcome in ("delivered", "failed", "rejected", "expired", "retried"):
            words = "What attempts of deliveries came to."
            value = settling.outcomes[outcome]
            labels = {"outcome": outcome}
            yield Sample("roadstead_hook_outcomes_total", words, "counter", value, labels)
        hooks, hosts = self.parts.breakers.open_counts()
        gauges = {
            "hook_requests_in_flight": ("Requests under way.", engine.in_flight),
            "hook_deliveries_waiting": ("Deliveries in memory that wait.", engine.waiting),
            "hook_breakers_open": ("Hooks whose breaker is open.", hooks),
            "hook_hosts_asleep": ("Hosts that are left alone for a while.", hosts),
            "hook_bridges_connected": ("Bridges with a connection.", self.mqtt.connected),
        }
        for name, (words, value) in gauges.items():
            yield Sample(f"roadstead_{name}", words, "gauge", value)


async def _warm_up() -> None:
    """Imports the HTTP library in a thread, before the first delivery would have to wait for it.

    Not at once: devices that come back after a restart are served first.
    """
    await asyncio.sleep(WARM_UP_AFTER_S)
    await asyncio.to_thread(importlib.import_module, "aiohttp")


class _Telling:
    """Carries what happens to receivers to those who care."""

    def __init__(self, hooks: HookIndex, reports: ReceiverReports | None) -> None:
        self._hooks = hooks
        self._reports = reports

    def turned(self, hook: Integration, turn: Turn) -> None:
        """A breaker opened or closed."""
        if self._reports is None:
            return
        receiver, name = hook.id, _name_of(hook)
        if turn.host is not None:
            # Who finds a host asleep and who finds it awake may be different hooks of one owner.
            digest = hashlib.sha256(turn.host.encode()).hexdigest()[:16]
            receiver, name = f"host-{digest}", turn.host
        owner = NoticeOwner(hook.owner.kind, hook.owner.id)
        if turn.paused:
            reason = f"{turn.failures} requests failed in a row"
            self._reports.paused(owner, receiver, name, reason)
        else:
            self._reports.resumed(owner, receiver, name)

    def given_up(self, hook_id: str, reason: str) -> None:
        """A delivery was given up."""
        hook = self._hooks.get(hook_id)
        if self._reports is not None and hook is not None:
            owner = NoticeOwner(hook.owner.kind, hook.owner.id)
            self._reports.undelivered(owner, hook_id, _name_of(hook), reason)


def _name_of(hook: Integration) -> str:
    return hook.name or hook.event or hook.id


def build_integrating(needs: IntegrationNeeds) -> Integrating:
    """Builds the parts and makes ingest ask them about each event; nothing runs yet."""
    hooks, ids = HookIndex(), EventIds()
    telling = _Telling(hooks, needs.reports)
    breakers = Breakers(needs.clock.monotonic, scale=needs.scale, turned=telling.turned)
    settling = Settling(needs.journal, needs.ingest, scale=needs.scale, given_up=telling.given_up)
    owners = ProductOwners(needs.database, needs.bus)
    commands = Commands(
        needs.database, needs.link, needs.ingest, owners.organization_of, needs.device_timeout_s
    )
    mqtt = MqttSender(hooks, commands, allow_private=needs.allow_private)
    senders: dict[Kind, Sender] = {
        "Webhook": WebhookSender(needs.client, needs.clock),
        "Mqtt": mqtt,
    }
    trying = Trying(needs.database, needs.clock, senders, ids)
    engine = DeliveryEngine(
        needs.database, needs.clock, hooks, trying, breakers, settling, ids, owners.organization_of
    )

    def reset(hook_id: str) -> None:
        hook = hooks.get(hook_id)
        if hook is not None:
            breakers.reset(hook)
            engine.wake(hook.owner)

    catalogue = Catalogue(
        needs.database, needs.box, needs.bus, hooks, engine, reset, (mqtt.on_changed,)
    )
    service = IntegrationService(
        needs.database,
        needs.clock,
        needs.box,
        needs.announce,
        catalogue,
        TemplateFiles(needs.templates),
        trying,
    )
    log = DeliveryLog(needs.database, needs.clock, needs.announce)
    needs.ingest.react_with(engine)
    return Integrating(
        IntegrationParts(service, log, engine, breakers), catalogue, owners, settling, mqtt
    )

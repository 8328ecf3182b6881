"""What the HTTP edge is given: the services it calls and the settings it obeys."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from roadstead.bus.local import LocalBus
from roadstead.devices.claiming import ClaimCodes
from roadstead.devices.registry import DeviceRegistry
from roadstead.devices.server_keys import ServerKeys
from roadstead.devices.service import DeviceService
from roadstead.devices.transfers import DeviceTransfers
from roadstead.events.history import EventHistory
from roadstead.events.publishing import EventPublishing
from roadstead.events.streams import EventStreams
from roadstead.events.subscriptions import EventSubscriptions
from roadstead.firmware.services import FirmwareServices
from roadstead.health.alerting.acting import Alerts
from roadstead.health.alerting.ruling import AlertRules
from roadstead.health.checks import HealthChecks
from roadstead.health.fleet_health import FleetHealth
from roadstead.health.fleet_metrics import FleetMetrics
from roadstead.health.service import VitalsService
from roadstead.http.callers import Network
from roadstead.http.integrations.integration_parts import IntegrationParts
from roadstead.http.metrics import MetricsSource
from roadstead.http.people.people_parts import PeopleParts
from roadstead.http.products.product_parts import ProductParts
from roadstead.http.server_facts import StatusSource
from roadstead.identity.model import Actor
from roadstead.identity.removal import AccountRemoval
from roadstead.identity.resets import PasswordResets
from roadstead.identity.second_factor import SecondFactors
from roadstead.identity.service import IdentityService
from roadstead.identity.sign_in import SignIn
from roadstead.kit.clock import Clock
from roadstead.notifications.service import Notices
from roadstead.products.service import ProductService
from roadstead.rollouts.service import RolloutService
from roadstead.storage.database import Database

BoundAddress = tuple[str, int]
"""Address and port that a socket is really bound to."""


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """What the operator decides about the HTTP edge.

    Attributes:
        signup: strangers may create accounts.
        public_url: origin under which people reach this server, without a trailing slash; None to
            take it from each request.
        trusted_proxies: networks of proxies whose forwarded headers are believed.
        rate_limits: requests of one address are limited.
    """

    signup_open: bool = False
    public_url: str | None = None
    trusted_proxies: tuple[Network, ...] = ()
    rate_limits: bool = False


class PageFile(Protocol):
    """A file of the pages, as it is sent."""

    @property
    def content(self) -> bytes:
        """Its bytes."""

    @property
    def compressed(self) -> bytes | None:
        """The same by gzip, where that saves something."""

    @property
    def media_type(self) -> str:
        """With the charset where it has one."""

    @property
    def forever(self) -> bool:
        """Its content never changes under this name."""


class PageSource(Protocol):
    """Pages for people in a browser."""

    def find(self, name: str) -> PageFile | None:
        """The file of this name (``index.html``), or None."""


class RunningTrial(Protocol):
    """A simulated device that the server runs for somebody."""

    @property
    def device_id(self) -> str:
        """24 hex digits."""

    @property
    def online(self) -> bool:
        """Whether it is connected now."""

    @property
    def ends_at(self) -> datetime:
        """When it ends by itself."""


class SimulatedDevices(Protocol):
    """Simulated devices that the server runs, one for each person at most."""

    @property
    def offered(self) -> bool:
        """Whether there are any."""

    def find(self, actor: Actor) -> RunningTrial | None:
        """The actor's, if one runs."""

    async def start(self, actor: Actor) -> RunningTrial:
        """Brings the actor's online and makes it theirs.

        Raises:
            DomainError: why it cannot be.
        """

    def stop(self, actor: Actor) -> bool:
        """Ends the actor's; False when none runs."""


@dataclass(frozen=True, slots=True)
class EventReading:
    """By what events are read."""

    streams: EventStreams
    history: EventHistory
    subscriptions: EventSubscriptions


@dataclass(slots=True)
class HttpParts:
    """Everything that the HTTP edge uses.

    Attributes:
        udp_address, tcp_address: where devices arrive; set once their sockets are bound.
        bound_origin: ``http://`` and the address that the HTTP socket is bound to; set with it.
        metrics: who else has numbers for ``/metrics``.
        pages: what is at ``/`` (``index.html``) and below ``/assets/``.
        checks: further looks for ``/healthz`` by name; each gives ``ok`` or what is wrong.
        status: who can look at the server as a whole; None where nobody can.
        simulated_devices: None where no device can connect.
        stopping: once set, open event streams end at once.
        version: version of the program.
    """

    identity: IdentityService
    sign_in: SignIn
    second_factors: SecondFactors
    resets: PasswordResets
    removal: AccountRemoval
    products: ProductService
    product: ProductParts
    people: PeopleParts
    firmware: FirmwareServices
    integrations: IntegrationParts
    rollouts: RolloutService
    notices: Notices
    alerts: Alerts
    alert_rules: AlertRules
    devices: DeviceService
    claim_codes: ClaimCodes
    transfers: DeviceTransfers
    registry: DeviceRegistry
    publishing: EventPublishing
    events: EventReading
    vitals: VitalsService
    fleet_metrics: FleetMetrics
    fleet_health: FleetHealth
    health_checks: HealthChecks
    server_keys: ServerKeys
    database: Database
    bus: LocalBus
    clock: Clock
    version: str
    settings: HttpSettings = HttpSettings()
    udp_address: BoundAddress | None = None
    tcp_address: BoundAddress | None = None
    bound_origin: str = ""
    metrics: Sequence[MetricsSource] = ()
    pages: PageSource | None = None
    checks: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    status: StatusSource | None = None
    simulated_devices: SimulatedDevices | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

"""The whole server without its sockets: real services on a database, behind the HTTP edge."""

import asyncio
import contextlib
import shutil
import tempfile
from base64 import b32decode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.types import ASGIApp

from roadstead.bus.local import LocalBus
from roadstead.config import load
from roadstead.console.pages import Pages
from roadstead.devices.claiming import ClaimCodes
from roadstead.devices.leaving import release_all
from roadstead.devices.presence import PresenceBoard
from roadstead.devices.product_store import claim_many
from roadstead.devices.registry import DeviceRegistry
from roadstead.devices.reports import DeviceReports
from roadstead.devices.server_keys import ServerKeys
from roadstead.devices.service import DeviceService
from roadstead.devices.transfers import DeviceTransfers
from roadstead.events.history import EventHistory
from roadstead.events.indexing import HistoryIndexer
from roadstead.events.ingest import EventIngest
from roadstead.events.publishing import EventPublishing
from roadstead.events.streams import EventStreams
from roadstead.events.subscriptions import EventSubscriptions
from roadstead.firmware.files import FirmwareFiles
from roadstead.firmware.ports import NoDeliveries
from roadstead.firmware.services import FirmwareNeeds, build_firmware
from roadstead.health.service import VitalsService
from roadstead.http.app import HttpParts, HttpSettings, build_app
from roadstead.http.parts import EventReading
from roadstead.http.server_facts import DeviceEdgeFacts, Queue
from roadstead.identity import totp
from roadstead.identity.lockout import Lockout
from roadstead.identity.model import OPERATOR
from roadstead.identity.removal import AccountRemoval
from roadstead.identity.resets import PasswordResets
from roadstead.identity.second_factor import SecondFactors
from roadstead.identity.sign_in import SignIn
from roadstead.identity.store import find_user_by_name
from roadstead.kit.clock import ManualClock
from roadstead.kit.ids import EventIds
from roadstead.main.alerting import Alerting, build_alerting
from roadstead.main.fleet import build_fleet
from roadstead.main.integrating import Integrating, IntegrationNeeds, build_integrating
from roadstead.main.leftovers import product_leftovers
from roadstead.main.noticing import build_noticing
from roadstead.main.people import PeopleNeeds, build_limits, build_people
from roadstead.main.products import ProductNeeds, build_gatekeeper, build_products
from roadstead.main.status import ServerStatus
from roadstead.organizations.leaving import refuse_owners
from roadstead.organizations.model import PlanName
from roadstead.organizations.plans import PlanService
from roadstead.outbound.http_client import HttpClient
from roadstead.outbound.mail import Mail
from roadstead.products.leaving import refuse_product_owners
from roadstead.rollouts.engine import RolloutEngine
from roadstead.rollouts.for_products import FirmwareAndRollouts
from roadstead.rollouts.releasing import ReleaseRollouts
from roadstead.rollouts.service import RolloutService
from roadstead.storage.blobs import FolderBlobs
from roadstead.storage.database import Database
from roadstead.storage.journal import Journal
from roadstead.storage.outbox import OutboxFollower
from roadstead.storage.secret_box import SecretBox
from tests.builders.device_link import Desk, DeskDevice
from tests.builders.identity import make_identity

PASSWORD = "correct horse battery"

BOX_KEY = bytes(range(32))

ORIGIN = "https://cloud.test"

FOLLOW_S = 0.02
"""Seconds between two looks at the outbox."""


def make_public_pem() -> str:
    """A fresh P-256 public key as a device's would be sent."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def make_device_id(number: int) -> str:
    return f"e00fce68{number:016x}"


@dataclass
class Person:
    """A signed-in user and their client."""

    username: str
    token: str
    client: httpx.AsyncClient

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class Letters:
    """A mailbox that keeps what is posted."""

    def __init__(self) -> None:
        self.posted: list[Mail] = []

    def post(self, mail: Mail) -> None:
        self.posted.append(mail)

    async def next_to(self, recipient: str, timeout_s: float = 3.0) -> Mail:
        """Takes the oldest letter to this person; waits for it."""
        async with asyncio.timeout(timeout_s):
            while True:
                for mail in self.posted:
                    if mail.recipient == recipient:
                        self.posted.remove(mail)
                        return mail
                await asyncio.sleep(0.01)


class LetterBox:
    """A mail server that hands over to the same mailbox."""

    def __init__(self, letters: Letters) -> None:
        self._letters = letters

    async def send(self, mail: Mail) -> None:
        self._letters.post(mail)


@dataclass
class Cloud:
    """Services, the application, and the devices on the desk."""

    parts: HttpParts
    app: ASGIApp
    desk: Desk
    clock: ManualClock
    journal: Journal
    presence: PresenceBoard
    reports: DeviceReports
    ingest: EventIngest
    follower: OutboxFollower
    letters: "Letters"
    integrating: Integrating
    indexer: HistoryIndexer
    rollout_engine: RolloutEngine
    blobs: Path
    alerting: Alerting
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def client(self, address: str = "203.0.113.7", **headers: str) -> httpx.AsyncClient:
        """A client from this address, without a token."""
        transport = httpx.ASGITransport(self.app, client=(address, 50123))
        client = httpx.AsyncClient(
            transport=transport, base_url="http://cloud.test:8080", headers=headers
        )
        self.clients.append(client)
        return client

    async def create_user(self, username: str, *, is_admin: bool = False) -> None:
        await self.parts.identity.create_user(username, PASSWORD, is_admin=is_admin, actor=OPERATOR)

    async def person(self, username: str, *, is_admin: bool = False, **issue) -> Person:
        """A new user, signed in as clients sign in."""
        await self.create_user(username, is_admin=is_admin)
        return await self.sign_in(username, **issue)

    async def sign_in(self, username: str, *, expires_in: int | None = None) -> Person:
        client = self.client()
        form = {"grant_type": "password", "username": username, "password": PASSWORD}
        if expires_in is not None:
            form["expires_in"] = str(expires_in)
        answer = await client.post("/oauth/token", data=form, auth=("particle", "particle"))
        assert answer.status_code == 200, answer.text
        token = answer.json()["access_token"]
        return Person(username, token, self.client(Authorization=f"Bearer {token}"))

    async def enable_mfa(self, person: Person) -> bytes:
        """Gives the person a second factor; gives its secret."""
        begun = (await person.client.get("/v1/user/mfa-enable")).json()
        secret = b32decode(begun["secret"] + "=" * (-len(begun["secret"]) % 8))
        code = totp.code_at(secret, int(self.clock.now().timestamp() // 30))
        body = {"mfa_token": begun["mfa_token"], "otp": code}
        answer = await person.client.post("/v1/user/mfa-enable", json=body)
        assert answer.status_code == 200, answer.text
        return secret

    async def claimed(self, person: Person, number: int = 1, **what) -> tuple[str, DeskDevice]:
        """A device that is registered, online, and claimed by the person."""
        device_id = make_device_id(number)
        body = {"publicKey": make_public_pem(), "algorithm": "ecc"}
        answer = await person.client.post(f"/v1/provisioning/{device_id}", json=body)
        assert answer.status_code == 200, answer.text
        device = self.plug_in(device_id, **what)
        answer = await person.client.post("/v1/devices", json={"id": device_id})
        assert answer.status_code == 200, answer.text
        return device_id, device

    def plug_in(self, device_id: str, **what) -> DeskDevice:
        self.presence.online(device_id, "192.0.2.5", self.clock.now(), True)
        self.presence.write_now(device_id)
        return self.desk.plug_in(device_id, **what)

    async def own(self, device_id: str, owner_id: str) -> None:
        """Gives a device to an account, without asking anybody."""
        await self.parts.database.write(
            lambda conn: claim_many(conn, [device_id], owner_id, self.clock.now())
        )
        self.parts.registry.forget(device_id)

    async def user_id_of_customer(self, product_id: int, email: str) -> str:
        name = f"customer:{product_id}:{email}"
        user = await self.parts.database.read(lambda conn: find_user_by_name(conn, name))
        assert user is not None
        return user.id

    async def settle(self) -> None:
        """Waits until what was handed to the journal is written."""
        self.presence.flush()
        await self.journal.flush()

    def unplug(self, device_id: str) -> None:
        self.presence.offline(device_id, self.clock.now())
        del self.desk.devices[device_id]


@contextlib.asynccontextmanager
async def open_cloud(
    database: Database,
    folder: Path,
    *,
    keep_alive_s: float = 9.0,
    plan: PlanName = "enterprise",
    **settings,
) -> AsyncIterator[Cloud]:
    """A running cloud; ``settings`` are those of the HTTP edge."""
    clock, bus, desk = ManualClock(), LocalBus(), Desk()
    blobs = Path(tempfile.mkdtemp(prefix="rs-blobs-"))
    follower = OutboxFollower(database, bus)
    journal = Journal(database, delay_s=0.001)
    ingest = EventIngest(journal, bus, clock, EventIds())
    limits = build_limits(plan)
    box = SecretBox(BOX_KEY)
    of_products = FirmwareAndRollouts(clock, FirmwareFiles(FolderBlobs(blobs)).drop)
    product_needs = ProductNeeds(
        *(database, clock, bus, follower.wake, journal, limits, of_products),
        leftovers=product_leftovers(box),
    )
    gatekeeper = build_gatekeeper(product_needs)
    presence = PresenceBoard(journal, clock, gatekeeper.came_online)
    registry = DeviceRegistry(database, clock, bus, follower.wake, gatekeeper)
    product = build_products(product_needs, gatekeeper, registry, presence)
    devices = DeviceService(
        database, clock, registry, presence, desk, follower.wake, 30.0, gatekeeper
    )
    lockout = Lockout(clock)
    plans = PlanService(database, clock, follower.wake, default_plan=plan)
    identity = make_identity(
        database, clock, bus=bus, account_opened=plans.account_opened, lockout=lockout
    )
    factors = SecondFactors(database, clock, identity, box, lockout)
    letters = Letters()
    resets = PasswordResets(database, clock, identity, letters, lambda: "https://cloud.test")
    http = HttpClient(allow_private=True, timeout_s=2.0)
    noticing = build_noticing(
        *(database, clock, box, LetterBox(letters), http, lambda: ORIGIN, folder / "notices.toml")
    )
    alerting = build_alerting(
        *(database, journal, bus, clock, box, ingest, noticing.notices, limits, follower.wake)
    )
    needs = IntegrationNeeds(
        *(database, clock, box, bus, journal, ingest, http),
        announce=follower.wake,
        templates=folder / "templates",
        link=desk,
        device_timeout_s=30.0,
        allow_private=True,
        scale=0.01,
        reports=alerting.reports,
    )
    integrating = build_integrating(needs)
    fleet = build_fleet(
        *(database, journal, bus, clock, limits, devices), presence, integrating.settling
    )
    streams, history = EventStreams(bus), EventHistory(database, clock)
    subscriptions = EventSubscriptions(database, journal, clock, streams, history)
    engine = RolloutEngine(database, clock, follower.wake)
    parts = HttpParts(
        notices=noticing.notices,
        alerts=alerting.alerts,
        alert_rules=alerting.rules,
        integrations=integrating.parts,
        identity=identity,
        sign_in=SignIn(database, identity, factors),
        second_factors=factors,
        resets=resets,
        removal=AccountRemoval(
            database,
            clock,
            identity,
            [
                refuse_owners,
                refuse_product_owners,
                release_all,
                integrating.parts.service.remove_all,
            ],
            follower.wake,
        ),
        products=product.products,
        product=product,
        people=build_people(
            PeopleNeeds(
                database, clock, follower.wake, identity, letters, lambda: ORIGIN, box, devices
            ),
            plans,
            limits,
        ),
        firmware=build_firmware(
            FirmwareNeeds(
                database,
                clock,
                FolderBlobs(blobs),
                ingest,
                follower.wake,
                build_limits(plan),
                desk,
                NoDeliveries(),
                bus,
                ReleaseRollouts(engine.wake),
            )
        ),
        rollouts=RolloutService(database, clock, follower.wake, engine.wake),
        devices=devices,
        claim_codes=ClaimCodes(database, clock),
        transfers=DeviceTransfers(
            database,
            clock,
            registry,
            follower.wake,
            letters,
            lambda: "https://cloud.test",
            gatekeeper,
        ),
        registry=registry,
        publishing=EventPublishing(ingest),
        events=EventReading(streams, history, subscriptions),
        vitals=VitalsService(database, devices, ingest, desk, journal),
        fleet_metrics=fleet.metrics,
        fleet_health=fleet.health,
        health_checks=fleet.checks,
        server_keys=ServerKeys.load_or_create(folder / "keys"),
        database=database,
        bus=bus,
        clock=clock,
        version="1.2.3",
        settings=HttpSettings(**settings),
        udp_address=("0.0.0.0", 5684),
        pages=Pages(),
        status=ServerStatus(
            load({}, {"data_dir": str(folder)}),
            database,
            lambda: [Queue("journal", "Rows", journal.waiting, journal.limit)],
            lambda: DeviceEdgeFacts(presence.online_count, 0, 0),
        ),
    )
    indexer = HistoryIndexer(database, clock)
    reports = DeviceReports(database, clock, follower.wake, gatekeeper)
    await follower.start()
    await integrating.start()
    await alerting.start()
    app = build_app(parts, keep_alive_s=keep_alive_s)
    cloud = Cloud(
        *(parts, app, desk, clock, journal, presence, reports, ingest, follower, letters),
        integrating=integrating,
        indexer=indexer,
        rollout_engine=engine,
        blobs=blobs,
        alerting=alerting,
    )
    parts_run = (journal.run(), _follow(follower), product.imports.run())
    running = [asyncio.create_task(part) for part in parts_run]
    running.append(asyncio.create_task(noticing.courier.run()))
    running += map(asyncio.create_task, integrating.background().values())
    # Tests step the engine themselves.
    running.append(asyncio.create_task(alerting.catalogue.run()))
    running.append(asyncio.create_task(alerting.reports.run()))
    try:
        yield cloud
    finally:
        parts.stopping.set()
        for client in cloud.clients:
            await client.aclose()
        await resets.close()
        await integrating.parts.engine.stop()
        await journal.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        identity.close()
        shutil.rmtree(blobs)
        await http.close()


async def _follow(follower: OutboxFollower) -> None:
    """Delivers what other processes must hear, without waiting for the poll of a real server."""
    while True:
        await follower.deliver()
        await asyncio.sleep(FOLLOW_S)

"""The composition root: the one place that builds concrete parts from Settings.

Reads top to bottom as the server starts: data folder, database, services, device gateway, HTTP.
Nothing else constructs a service, and no part looks another up.
"""

import asyncio
import contextlib
import fcntl
import logging
import resource
import signal
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn

from roadstead import __version__
from roadstead.bus.local import LocalBus
from roadstead.config import Address, Settings
from roadstead.console.pages import Pages
from roadstead.devices.claim_store import claim_codes, transfer_requests
from roadstead.devices.claiming import ClaimCodes
from roadstead.devices.leaving import release_all
from roadstead.devices.presence import PresenceBoard
from roadstead.devices.registry import DeviceRegistry
from roadstead.devices.reports import DeviceReports
from roadstead.devices.server_keys import ServerKeys
from roadstead.devices.service import DeviceService
from roadstead.devices.transfers import DeviceTransfers
from roadstead.events.ingest import EventIngest
from roadstead.events.publishing import EventPublishing
from roadstead.events.store import events, is_older_than
from roadstead.events.streams import EventStreams
from roadstead.gateway import operator_socket
from roadstead.gateway.server import Gateway, GatewaySettings
from roadstead.health.service import VitalsService
from roadstead.http.app import HttpParts, HttpSettings, build_app
from roadstead.http.certificate import load_certificate
from roadstead.http.connection import HttpConnection
from roadstead.http.metrics import Sample
from roadstead.identity.lockout import Lockout
from roadstead.identity.removal import AccountRemoval
from roadstead.identity.resets import PasswordResets
from roadstead.identity.safety_store import password_resets, refresh_tokens
from roadstead.identity.second_factor import SecondFactors
from roadstead.identity.service import IdentityService
from roadstead.identity.sign_in import SignIn
from roadstead.identity.store import access_tokens
from roadstead.kit.clock import SystemClock
from roadstead.kit.errors import Unavailable
from roadstead.kit.ids import EventIds
from roadstead.organizations.plans import PlanService
from roadstead.outbound.mail import FolderSender, MailSender, SmtpSender, parse_smtp_url
from roadstead.outbound.mailbox import MailQueue
from roadstead.storage import migrate
from roadstead.storage.database import Database
from roadstead.storage.disk import describe_room
from roadstead.storage.journal import Journal
from roadstead.storage.opening import open_database
from roadstead.storage.outbox import OutboxFollower
from roadstead.storage.secret_box import SecretBox, load_or_create_key
from roadstead.storage.sweeping import Sweeper, SweepRule, expired

log = logging.getLogger("roadstead")

STOP_DEADLINE_S = 8.0
"""Seconds that an orderly stop may take before what is left is cancelled; SIGTERM promises 10."""

GRACEFUL_CLOSE_S = 4
"""Seconds that running requests get to finish when the server stops."""

KEEP_ALIVE_S = 15
"""Seconds that an idle HTTP connection is kept."""

MAX_HTTP_CONNECTIONS = 4096
"""Connections at once, event streams included; more are answered 503 at once."""

OPEN_FILES = MAX_HTTP_CONNECTIONS + 512
"""Files that may have to be open at once; many systems start processes with 1024."""


@dataclass(frozen=True, slots=True)
class Services:
    """The parts that have a life of their own, built once."""

    journal: Journal
    follower: OutboxFollower
    presence: PresenceBoard
    identity: IdentityService
    mail: MailQueue
    gateway: Gateway
    http: HttpParts
    sweeper: Sweeper


def build_services(settings: Settings, database: Database) -> Services:
    """Builds every part of one server on an open database; nothing runs yet."""
    clock, bus = SystemClock(), LocalBus()
    keys = ServerKeys.load_or_create(settings.keys_dir)
    journal = Journal(database)
    follower = OutboxFollower(database, bus)
    announce = follower.wake
    plans = PlanService(database, clock, announce, default_plan=settings.default_plan)
    lockout = Lockout(clock, enabled=settings.rate_limits)
    identity = IdentityService(
        database, clock, announce, bus=bus, account_opened=plans.account_opened, lockout=lockout
    )
    box = SecretBox(load_or_create_key(settings.secret_key_file))
    factors = SecondFactors(database, clock, identity, box, lockout)
    mail = MailQueue(_mail_sender(settings, clock))

    def origin() -> str:
        return settings.public_url or http.bound_origin

    registry = DeviceRegistry(database, clock, bus, announce)
    presence = PresenceBoard(journal, clock)
    ingest = EventIngest(journal, bus, clock, EventIds())

    async def keep_vitals(device_id: str, readings: Any, service: dict[str, object]) -> None:
        await vitals.store(device_id, readings, service)

    gateway = Gateway(
        GatewaySettings(unknown_devices=settings.unknown_devices),
        server_key=keys.ec,
        database=database,
        journal=journal,
        box=box,
        registry=registry,
        reports=DeviceReports(database, clock, announce),
        presence=presence,
        ingest=ingest,
        bus=bus,
        clock=clock,
        vitals_sink=keep_vitals,
    )
    devices = DeviceService(
        database, clock, registry, presence, gateway.link, announce, settings.device_timeout_s
    )
    vitals = VitalsService(database, devices, ingest, gateway.link)
    streams = EventStreams(bus)
    sweeper = Sweeper(database, clock, _sweep_rules(settings))
    http = HttpParts(
        identity=identity,
        sign_in=SignIn(database, identity, factors),
        second_factors=factors,
        resets=PasswordResets(database, clock, identity, mail, origin),
        removal=AccountRemoval(database, clock, identity, [release_all], announce),
        devices=devices,
        claim_codes=ClaimCodes(database, clock),
        transfers=DeviceTransfers(database, clock, registry, announce, mail, origin),
        registry=registry,
        publishing=EventPublishing(ingest),
        streams=streams,
        vitals=vitals,
        server_keys=keys,
        database=database,
        bus=bus,
        clock=clock,
        version=__version__,
        settings=HttpSettings(
            signup_open=settings.signup == "open",
            public_url=settings.public_url,
            trusted_proxies=settings.trusted_proxies,
            rate_limits=settings.rate_limits,
        ),
        metrics=(_Numbers(gateway, journal, ingest, streams, sweeper),),
        pages=Pages(),
        checks={"disk": partial(describe_room, settings.data_dir)},
    )
    return Services(journal, follower, presence, identity, mail, gateway, http, sweeper)


def _sweep_rules(settings: Settings) -> list[SweepRule]:
    """What is deleted once it is old: events by the setting, and what expired a day ago."""
    digests = [t.c.digest for t in (access_tokens, refresh_tokens, password_resets, claim_codes)]
    rules = [expired(key) for key in (*digests, transfer_requests.c.id)]
    if settings.events_days:
        rules.append(SweepRule(events.c.id, partial(is_older_than, settings.events_days)))
    return rules


def _mail_sender(settings: Settings, clock: SystemClock) -> MailSender:
    if settings.smtp_url is None:
        return FolderSender(settings.outbox_dir, settings.mail_sender, clock.now)
    return SmtpSender(parse_smtp_url(settings.smtp_url), settings.mail_sender, clock.now)


@dataclass(frozen=True, slots=True)
class _Numbers:
    """What the parts below the HTTP edge count, in its words."""

    gateway: Gateway
    journal: Journal
    ingest: EventIngest
    streams: EventStreams
    sweeper: Sweeper

    def samples(self) -> Iterable[Sample]:
        for sample in self.gateway.samples():
            name = f"roadstead_{sample.name}" + ("_total" if sample.kind == "counter" else "")
            yield Sample(name, sample.help, sample.kind, sample.value, sample.labels)
        counters = {
            "journal_rows": ("Rows committed by the journal.", self.journal.rows),
            "journal_batches": ("Transactions of the journal.", self.journal.batches),
            "journal_failures": ("Transactions that failed.", self.journal.failures),
            "events_committed": ("Events committed.", self.ingest.committed),
            "events_delivered_to_streams": ("Events queued for streams.", self.streams.delivered),
            "slow_readers_cut": ("Streams cut for slowness.", self.streams.slow_readers_cut),
        }
        for name, (explanation, value) in counters.items():
            yield Sample(f"roadstead_{name}_total", explanation, "counter", value)
        for table, count in self.sweeper.deleted.items():
            words = "Rows deleted because they were old."
            yield Sample("roadstead_rows_swept_total", words, "counter", count, {"table": table})


class _Server(uvicorn.Server):
    """uvicorn without its signal handling: this process stops its parts in its own order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves SIGINT and SIGTERM to ``serve`` below."""
        yield


async def serve(settings: Settings) -> None:
    """Runs the server until SIGTERM or SIGINT; prints one ``ready`` line when it serves.

    Raises:
        Unavailable: ``data_folder_in_use`` when another server runs on the same folder,
            ``address_in_use`` when a port is taken, ``database_unavailable``.
    """
    for chatty in ("alembic", "uvicorn.error"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    _allow_open_files()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, log.info, "no certificate to read again")
    with _folder_lock(settings.data_dir):
        await asyncio.to_thread(migrate.upgrade, settings.database_url)
        database = await open_database(settings.database_url)
        try:
            await _run(settings, database, stop)
        finally:
            await database.close()


async def _run(settings: Settings, database: Database, stop: asyncio.Event) -> None:
    services = build_services(settings, database)
    with contextlib.closing(_bind_http(settings)) as http_socket:
        await services.follower.start()
        if settings.udp is not None:
            services.http.udp_address = await _start_gateway(services.gateway, settings.udp)
        services.http.bound_origin = _origin(settings, http_socket)
        web = _Server(_uvicorn_config(services.http, settings))
        if settings.tls_cert is not None and settings.tls_key is not None:
            reload = load_certificate(web.config, settings.tls_cert, settings.tls_key)
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)
        bound = services.http.bound_origin
        questions = {
            "device": services.gateway.trace,
            "server": lambda _: {"http": bound, "version": __version__},
        }
        async with (
            operator_socket.serving(settings.data_dir, questions),
            asyncio.TaskGroup() as tasks,
        ):
            kept = _start_background(tasks, services)
            serving = tasks.create_task(web.serve(sockets=[http_socket]), name="http")
            _announce_ready(http_socket, services.http.udp_address)
            await _first_of(stop, serving)
            try:
                async with asyncio.timeout(STOP_DEADLINE_S):
                    await _stop_in_order(services, web, serving)
            except TimeoutError:
                log.warning("stopping took over %g s; what is left is cut short", STOP_DEADLINE_S)
                serving.cancel()
            for task in kept:
                task.cancel()
        services.gateway.close_socket()
        await services.http.resets.close()
        services.identity.close()


def _origin(settings: Settings, http_socket: socket.socket) -> str:
    scheme = "http" if settings.tls_cert is None else "https"
    return f"{scheme}://{Address(*http_socket.getsockname()[:2])}"


async def _start_gateway(gateway: Gateway, address: Address) -> tuple[str, int]:
    try:
        host, port = (await gateway.start(address))[:2]
    except OSError as error:
        raise _address_in_use("udp", address, error) from error
    return host, port


def _start_background(tasks: asyncio.TaskGroup, services: Services) -> list[asyncio.Task[None]]:
    parts = {
        "journal": services.journal.run(),
        "outbox": services.follower.run(),
        "presence": services.presence.run(),
        "gateway": services.gateway.run(),
        "mail": services.mail.run(),
        "sweeper": services.sweeper.run(),
    }
    return [tasks.create_task(work, name=name) for name, work in parts.items()]


async def _stop_in_order(
    services: Services, web: uvicorn.Server, serving: asyncio.Task[None]
) -> None:
    """Takes no new work first, then lets what was accepted reach the database."""
    log.info("stopping")
    services.http.stopping.set()
    web.should_exit = True
    await serving
    await services.gateway.stop()
    await services.journal.close()


async def _first_of(stop: asyncio.Event, serving: asyncio.Task[None]) -> None:
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait({waiting, serving}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


def _uvicorn_config(parts: HttpParts, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        build_app(parts),
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        lifespan="off",
        http=HttpConnection,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACEFUL_CLOSE_S,
        limit_concurrency=MAX_HTTP_CONNECTIONS,
        proxy_headers=False,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )


def _allow_open_files() -> None:
    """Raises the soft limit of open files to what full use needs, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _bind_http(settings: Settings) -> socket.socket:
    host, port = settings.http
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.create_server(address[:2], family=family, backlog=1024, reuse_port=False)
        # Accepted sockets inherit it. Without it each answer waits 40 ms for a delayed
        # acknowledgement, because its head and its body are written one after the other.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except OSError as error:
        raise _address_in_use("http", settings.http, error) from error


def _address_in_use(option: str, address: Address, error: OSError) -> Unavailable:
    return Unavailable(
        "address_in_use",
        f"Cannot listen on {option} {address}: {error.strerror or error}. "
        f"Choose another with --{option} HOST:PORT.",
    )


def _announce_ready(http_socket: socket.socket, udp: tuple[str, int] | None) -> None:
    """The one line on stdout that tells programs the real ports; logs go to stderr."""
    http = Address(*http_socket.getsockname()[:2])
    udp_text = str(Address(*udp)) if udp else "off"
    print(f"ready http={http} udp={udp_text} tcp=off", flush=True)


@contextlib.contextmanager
def _folder_lock(folder: Path) -> Iterator[None]:
    """Holds the data folder for one serving process; the kernel lets go when it dies."""
    with (folder / "serve.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Unavailable(
                "data_folder_in_use",
                f"Another server is running on {folder}. Stop it, or choose another --data-dir.",
            ) from None
        yield

"""Every part of one server, built once on an open database."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from roadstead import __version__
from roadstead.bus.local import LocalBus
from roadstead.config import Settings
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
from roadstead.events.subscription_store import event_subscriptions, is_unused
from roadstead.events.subscriptions import KEPT_DAYS, forget_subscriptions
from roadstead.firmware.delivery.engine import DeliveryEngine
from roadstead.firmware.delivery.store import delete_old_deliveries
from roadstead.firmware.files import FirmwareFiles
from roadstead.firmware.leaving import forget_person
from roadstead.firmware.services import FirmwareNeeds, build_firmware
from roadstead.gateway.server import Gateway, GatewaySettings
from roadstead.health.alerting.alert_store import alerts
from roadstead.health.alerting.evidence_store import delete_idle_watches
from roadstead.health.fleet_store import delete_old_counts
from roadstead.health.service import VitalsService
from roadstead.health.trend_store import delete_old_trends
from roadstead.health.vitals_history import delete_old_vitals
from roadstead.http.app import HttpParts, HttpSettings
from roadstead.http.server_facts import DeviceEdgeFacts, Queue
from roadstead.identity.client_store import authorization_codes
from roadstead.identity.lockout import Lockout
from roadstead.identity.removal import AccountRemoval
from roadstead.identity.resets import PasswordResets
from roadstead.identity.safety_store import password_resets, refresh_tokens
from roadstead.identity.second_factor import SecondFactors
from roadstead.identity.service import IdentityService
from roadstead.identity.sign_in import SignIn
from roadstead.identity.store import access_tokens
from roadstead.integrations import delivery_store
from roadstead.kit.clock import SystemClock
from roadstead.kit.ids import EventIds
from roadstead.main.alerting import Alerting, build_alerting
from roadstead.main.event_parts import EventParts, build_event_parts
from roadstead.main.fleet import FleetParts, build_fleet
from roadstead.main.integrating import Integrating, IntegrationNeeds, build_integrating
from roadstead.main.leftovers import product_leftovers
from roadstead.main.noticing import Noticing, build_noticing, forget_notices
from roadstead.main.numbers import Numbers
from roadstead.main.people import PeopleNeeds, build_limits, build_people
from roadstead.main.products import ProductNeeds, build_gatekeeper, build_products
from roadstead.main.rolling_out import RolloutParts, build_rollouts
from roadstead.main.status import ServerStatus
from roadstead.main.trials import TrialDesk
from roadstead.notifications.store import notices
from roadstead.organizations.leaving import refuse_owners
from roadstead.organizations.plans import PlanService
from roadstead.organizations.team_store import team_invitations
from roadstead.outbound.http_client import HttpClient
from roadstead.outbound.mail import FolderSender, MailSender, SmtpSender, parse_smtp_url
from roadstead.outbound.mailbox import MAX_WAITING, MailQueue
from roadstead.products.import_store import device_imports, is_abandoned, is_old
from roadstead.products.leaving import refuse_product_owners
from roadstead.products.unclaimed import QuietProducts
from roadstead.rollouts.for_products import FirmwareAndRollouts
from roadstead.simulator.trials import TrialDevices
from roadstead.storage.blobs import open_blobs
from roadstead.storage.database import Database
from roadstead.storage.disk import describe_room
from roadstead.storage.journal import Journal
from roadstead.storage.outbox import OutboxFollower
from roadstead.storage.secret_box import SecretBox, load_or_create_key
from roadstead.storage.sweeping import Sweeper, SweepRule, SweepStep, expired

NOTICES_KEPT = timedelta(days=90)
"""How long people can look up what they were told."""


ALERTS_KEPT = timedelta(days=90)
"""How long alerts can be looked up after they were resolved."""


@dataclass(frozen=True, slots=True)
class Services:
    """The parts that have a life of their own, built once."""

    journal: Journal
    follower: OutboxFollower
    presence: PresenceBoard
    identity: IdentityService
    mail: MailQueue
    gateway: Gateway
    deliveries: DeliveryEngine
    http: HttpParts
    sweeper: Sweeper
    integrating: Integrating
    noticing: Noticing
    alerting: Alerting
    client: HttpClient
    events: EventParts
    rollouts: RolloutParts
    fleet: FleetParts
    quiet: QuietProducts
    trials: TrialDesk


def build_services(settings: Settings, database: Database) -> Services:
    """Builds every part of one server on an open database; nothing runs yet."""
    clock, bus = SystemClock(), LocalBus()
    keys = ServerKeys.load_or_create(settings.keys_dir)
    journal = Journal(database)
    follower = OutboxFollower(database, bus)
    announce = follower.wake
    quiet = QuietProducts(database, bus)
    plans = PlanService(database, clock, announce, default_plan=settings.default_plan)
    limits = build_limits(settings.default_plan)
    lockout = Lockout(clock, enabled=settings.rate_limits)
    identity = IdentityService(
        database, clock, announce, bus=bus, account_opened=plans.account_opened, lockout=lockout
    )
    secret = load_or_create_key(settings.secret_key_file)
    box = SecretBox(secret)
    factors = SecondFactors(database, clock, identity, box, lockout)
    sender = _mail_sender(settings, clock)
    mail = MailQueue(sender)

    def origin() -> str:
        return settings.public_url or http.bound_origin

    ids = EventIds()
    ingest = EventIngest(journal, bus, clock, ids)
    blobs = open_blobs(settings.blobs_url, settings.blobs_dir)
    of_products = FirmwareAndRollouts(clock, FirmwareFiles(blobs).drop)
    product_needs = ProductNeeds(
        *(database, clock, bus, announce, journal, limits, of_products),
        leftovers=product_leftovers(box),
    )
    gatekeeper = build_gatekeeper(product_needs)
    registry = DeviceRegistry(database, clock, bus, announce, gatekeeper)
    presence = PresenceBoard(journal, clock, gatekeeper.came_online)
    product = build_products(product_needs, gatekeeper, registry, presence)

    async def keep_vitals(device_id: str, readings: Any, service: dict[str, object]) -> None:
        await vitals.store(device_id, readings, service)

    gateway = Gateway(
        GatewaySettings(
            unknown_devices=settings.unknown_devices,
            update_bytes_per_s=settings.update_bytes_per_s,
            events_per_s=settings.device_events_per_s,
        ),
        server_key=keys.ec,
        database=database,
        journal=journal,
        box=box,
        registry=registry,
        reports=DeviceReports(database, clock, announce, gatekeeper),
        presence=presence,
        ingest=ingest,
        bus=bus,
        clock=clock,
        vitals_sink=keep_vitals,
        is_quiet=quiet.is_quiet,
    )
    deliveries = DeliveryEngine(
        database=database,
        journal=journal,
        bus=bus,
        clock=clock,
        link=gateway.link,
        registry=registry,
        ingest=ingest,
        blobs=blobs,
        at_once=settings.updates_at_once,
    )
    gateway.attach(deliveries)
    rollouts = build_rollouts(database, journal, bus, clock, announce, deliveries)
    devices = DeviceService(
        database,
        clock,
        registry,
        presence,
        gateway.link,
        announce,
        settings.device_timeout_s,
        gatekeeper,
    )
    vitals = VitalsService(database, devices, ingest, gateway.link, journal)
    client = HttpClient(
        allow_private=settings.allow_private_targets,
        own_origins=lambda: (origin(),),
    )
    noticing = build_noticing(
        *(database, clock, box, sender, client, origin, settings.data_dir / "notices.toml")
    )
    alerting = build_alerting(
        *(database, journal, bus, clock, box, ingest, noticing.notices, limits, announce)
    )
    needs = IntegrationNeeds(
        *(database, clock, box, bus, journal, ingest, client, announce),
        templates=settings.templates_dir,
        link=gateway.link,
        device_timeout_s=settings.device_timeout_s,
        allow_private=settings.allow_private_targets,
        reports=alerting.reports,
    )
    integrating = build_integrating(needs)
    closing = [
        refuse_owners,
        refuse_product_owners,
        release_all,
        integrating.parts.service.remove_all,
        forget_notices,
        forget_subscriptions,
        forget_person,
    ]
    events = build_event_parts(settings, database, journal, bus, clock, ids, plans)
    fleet = build_fleet(
        *(database, journal, bus, clock, limits, devices), presence, integrating.settling
    )
    sweeper = Sweeper(database, clock, _sweep_rules(settings))
    trials = TrialDesk(
        TrialDevices(clock, limit=settings.simulated_devices),
        *(registry, devices, keys, secret),
        udp_address=lambda: http.udp_address,
    )

    def queues() -> list[Queue]:
        return [
            Queue("journal", "Rows on their way to the database", journal.waiting, journal.limit),
            Queue("deliveries", "Webhook deliveries", integrating.parts.engine.waiting),
            Queue("mail", "Letters", mail.waiting, MAX_WAITING),
        ]

    def edge() -> DeviceEdgeFacts:
        return DeviceEdgeFacts(
            presence.online_count, gateway.session_count, gateway.updates_running
        )

    http = HttpParts(
        identity=identity,
        sign_in=SignIn(database, identity, factors),
        second_factors=factors,
        resets=PasswordResets(database, clock, identity, mail, origin),
        removal=AccountRemoval(database, clock, identity, closing, announce),
        products=product.products,
        product=product,
        people=build_people(
            PeopleNeeds(database, clock, announce, identity, mail, origin, box, devices),
            plans,
            limits,
        ),
        firmware=build_firmware(
            FirmwareNeeds(
                database,
                clock,
                blobs,
                ingest,
                announce,
                limits,
                gateway.link,
                deliveries,
                bus,
                rollouts.releases,
            )
        ),
        rollouts=rollouts.service,
        integrations=integrating.parts,
        notices=noticing.notices,
        alerts=alerting.alerts,
        alert_rules=alerting.rules,
        devices=devices,
        claim_codes=ClaimCodes(database, clock),
        transfers=DeviceTransfers(database, clock, registry, announce, mail, origin, gatekeeper),
        registry=registry,
        publishing=EventPublishing(ingest),
        events=events.reading,
        vitals=vitals,
        fleet_metrics=fleet.metrics,
        fleet_health=fleet.health,
        health_checks=fleet.checks,
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
        metrics=(
            Numbers(gateway, journal, ingest, events, sweeper),
            integrating,
            noticing,
            alerting,
        ),
        pages=Pages(),
        status=ServerStatus(settings, database, queues, edge),
        simulated_devices=None if settings.udp is None else trials,
        checks={
            "disk": partial(describe_room, settings.data_dir),
            "journal": journal.describe,
        },
    )
    return Services(
        journal,
        follower,
        presence,
        identity,
        mail,
        gateway,
        deliveries,
        http,
        sweeper,
        integrating,
        noticing,
        alerting,
        client,
        events,
        rollouts,
        fleet,
        quiet,
        trials,
    )


def _sweep_rules(settings: Settings) -> list[SweepRule | SweepStep]:
    """What is deleted once it is old: unused subscriptions, and what expired a day ago."""
    digests = [t.c.digest for t in (access_tokens, refresh_tokens, password_resets, claim_codes)]
    digests.append(authorization_codes.c.digest)
    ids = (transfer_requests.c.id, team_invitations.c.id)
    rules: list[SweepRule | SweepStep] = [expired(key) for key in (*digests, *ids)]
    rules += [SweepRule(device_imports.c.id, condition) for condition in (is_old, is_abandoned)]
    if settings.deliveries_days:
        old = partial(delivery_store.is_older_than, settings.deliveries_days)
        rules.append(SweepRule(delivery_store.deliveries.c.id, old))
    rules.append(SweepRule(notices.c.id, lambda now: notices.c.created_at < now - NOTICES_KEPT))
    if days := settings.firmware_history_days:
        rules.append(SweepStep("firmware_deliveries", partial(delete_old_deliveries, days)))
    rules.append(SweepRule(alerts.c.id, lambda now: alerts.c.resolved_at < now - ALERTS_KEPT))
    rules.append(SweepStep("alert_watches", delete_idle_watches))
    rules.append(SweepStep("vitals_history", delete_old_vitals))
    rules.append(SweepStep("fleet_counts", delete_old_counts))
    rules.append(SweepStep("fleet_trends", delete_old_trends))
    rules.append(SweepRule(event_subscriptions.c.id, partial(is_unused, KEPT_DAYS)))
    return rules


def _mail_sender(settings: Settings, clock: SystemClock) -> MailSender:
    if settings.smtp_url is None:
        return FolderSender(settings.outbox_dir, settings.mail_sender, clock.now)
    return SmtpSender(parse_smtp_url(settings.smtp_url), settings.mail_sender, clock.now)

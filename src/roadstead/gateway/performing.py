"""Carries out the effects of conversations: everything that touches the rest of the server.

Quick ones happen here and at once; what has to be stored first is handed to ``storing``.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from roadstead.devices.presence import PresenceBoard
from roadstead.devices.updates import UpdateDesk, UpdateEnd
from roadstead.events.ingest import EventIngest
from roadstead.gateway import call_rules, event_rules
from roadstead.gateway.connection import NOTHING_ASKED, Connection
from roadstead.gateway.counters import Counters
from roadstead.gateway.delivery import EventDelivery
from roadstead.gateway.effects import (
    Acknowledge,
    AnswerDevice,
    AnswerUpdate,
    Ask,
    ClaimByCode,
    CloseSession,
    Count,
    Effect,
    Fail,
    FailUpdate,
    FeedUpdate,
    PublishEvent,
    ReportHello,
    Respond,
    SeekUpdate,
    SetOffline,
    SetOnline,
    SetSafeMode,
    StoreApplication,
    StoreFacts,
    StoreHello,
    StoreSubscriptions,
    StoreSystem,
    StoreUpdateFlags,
    StoreVitals,
    Succeed,
    Tell,
)
from roadstead.gateway.event_rate import EventRate
from roadstead.gateway.refusals import RefusalLog
from roadstead.gateway.storing import Storing
from roadstead.gateway.tracing import DeviceTraces
from roadstead.gateway.udp_socket import show_host
from roadstead.gateway.updates import Updates
from roadstead.gateway.wire import Wire
from roadstead.kit.clock import Clock
from roadstead.kit.errors import DomainError
from roadstead.protocol.coap import codes
from roadstead.protocol.coap.events import Request
from roadstead.protocol.coap.message import Draft

log = logging.getLogger(__name__)

RANDOM_ANSWER_BYTES = 40
"""Random bytes given to a device that asks for some. Source: device protocol notes §3.15."""

PENDING_SYSTEM_EVENTS = 10_000
"""System events kept while the journal is full; they have nobody who would repeat them."""


class Performer:
    """Does what conversations say.

    Args:
        drop: ends a session: connection and reason.
        watch: puts a connection under the deadline of its present state.
        rate: how many events a device may publish; None without a limit.

    Attributes:
        storing: set once, right after both were made.
        desk: decides about updates; None where nobody does.
    """

    storing: Storing
    desk: UpdateDesk | None = None

    def __init__(
        self,
        *,
        wire: Wire,
        presence: PresenceBoard,
        ingest: EventIngest,
        delivery: EventDelivery,
        updates: Updates,
        refusals: RefusalLog,
        clock: Clock,
        counters: Counters,
        traces: DeviceTraces,
        random: Callable[[int], bytes],
        drop: Callable[[Connection, str], None],
        watch: Callable[[Connection], None],
        rate: EventRate | None,
    ) -> None:
        self._wire = wire
        self._presence = presence
        self._ingest = ingest
        self._delivery = delivery
        self._updates = updates
        self._refusals = refusals
        self._clock = clock
        self._counters = counters
        self._traces = traces
        self._random = random
        self._drop = drop
        self._watch = watch
        self._rate = rate
        self._pending: deque[tuple[Connection, PublishEvent]] = deque()
        self._doers: dict[type[Effect], Callable[[Connection, Any], None]] = {
            Acknowledge: lambda connection, effect: wire.acknowledge(connection, effect.request),
            Respond: lambda connection, effect: wire.respond(
                connection, effect.request, effect.draft
            ),
            Ask: wire.ask,
            Tell: lambda connection, effect: wire.tell(connection, effect.draft),
            PublishEvent: self._publish,
            AnswerDevice: self._answer_device,
            StoreHello: self._store_hello,
            StoreApplication: self._store_application,
            StoreFacts: lambda connection, effect: self.storing.facts(connection, effect),
            StoreSystem: self._store_system,
            StoreSubscriptions: lambda connection, effect: self.storing.subscriptions(
                connection, effect
            ),
            StoreUpdateFlags: lambda connection, effect: self.storing.update_flags(
                connection, effect
            ),
            ClaimByCode: lambda connection, effect: self.storing.claim(connection, effect),
            StoreVitals: lambda connection, effect: self.storing.vitals(connection, effect),
            SetOnline: self._set_online,
            SetOffline: self._set_offline,
            SetSafeMode: lambda connection, effect: self.storing.safe_mode(connection, effect),
            FeedUpdate: lambda connection, effect: updates.receive(connection, effect.message),
            AnswerUpdate: lambda connection, effect: updates.answered(
                connection, effect.exchange, effect.message
            ),
            FailUpdate: lambda connection, effect: updates.failed(
                connection, effect.exchange, effect.reason
            ),
            ReportHello: self._report_hello,
            SeekUpdate: self._seek_update,
            Succeed: lambda connection, effect: _succeed(effect),
            Fail: lambda connection, effect: self._fail(effect.call, effect.error),
            CloseSession: self._close,
            Count: self._count,
        }

    def perform(self, connection: Connection, effects: Iterable[Effect]) -> None:
        """Carries out effects in order; the caller flushes the connection."""
        doers = self._doers
        for effect in effects:
            doers[type(effect)](connection, effect)

    def go_on(self, connection: Connection, effects: Iterable[Effect]) -> None:
        """Carries out effects later, if the connection still stands."""
        if connection.alive:
            self.perform(connection, effects)
            self._wire.flush(connection)

    def retry_pending(self) -> None:
        """Publishes system events that found the journal full."""
        for _ in range(len(self._pending)):
            self._publish(*self._pending.popleft())

    def abandon(self, connection: Connection, end: UpdateEnd = "went_offline") -> None:
        """Tells everybody who waits for this device that nothing will come.

        Args:
            connection: of the device.
            end: what that means for a transfer to it.
        """
        self._updates.abandon(connection, end)
        error = call_rules.offline(connection.state)
        asked, connection.asked = connection.asked, NOTHING_ASKED
        for purpose in asked.values():
            if purpose.call is not None:
                self._fail(purpose.call, error)
        self._delivery.forget(connection)

    def _publish(self, connection: Connection, effect: PublishEvent) -> None:
        state, receipt = connection.state, effect.receipt
        if state.muted and receipt is None:
            return  # it was muted by the very Hello that this event tells of
        if effect.source == "device" and self._is_over_rate(state.device_id, effect.name):
            self._counters.events_over_rate += 1
            if receipt is not None:
                self._wire.respond(connection, receipt, Draft(codes.TOO_MANY_REQUESTS))
            return
        identity = state.identity
        event = self._ingest.accept(
            name=effect.name,
            payload=effect.payload,
            content_format=effect.content_format,
            ttl_s=effect.ttl_s,
            source=effect.source,
            device_id=state.device_id,
            owner_id=None if identity is None else identity.owner_id,
            product_id=None if identity is None else identity.product_id,
            firmware_version=state.firmware_version,
            message_id=None if receipt is None else receipt.message.message_id,
            on_committed=(
                None if receipt is None else partial(self._event_settled, connection, receipt)
            ),
        )
        if event is None:
            self._keep_unpublished(connection, effect)
        elif effect.source == "device":
            self._counters.events_accepted += 1
            connection.events_received += 1

    def _is_over_rate(self, device_id: str, name: str) -> bool:
        rate = self._rate
        return rate is not None and not rate.take(device_id, name, self._clock.monotonic())

    def _keep_unpublished(self, connection: Connection, effect: PublishEvent) -> None:
        if effect.source == "device":
            self._counters.events_unstored += 1
            if effect.receipt is not None:
                self._wire.give_back(connection, effect.receipt)
        elif len(self._pending) < PENDING_SYSTEM_EVENTS:
            self._pending.append((connection, effect))
        else:
            self._counters.system_events_dropped += 1

    def _event_settled(
        self, connection: Connection, receipt: Request, error: Exception | None
    ) -> None:
        if not connection.alive:
            return
        if error is None:
            self._wire.acknowledge(connection, receipt)
            self._wire.flush(connection)
        else:
            self._counters.events_unstored += 1
            self._wire.give_back(connection, receipt)

    def _answer_device(self, connection: Connection, effect: AnswerDevice) -> None:
        state = connection.state
        if effect.fact == "random":
            payload = self._random(RANDOM_ANSWER_BYTES)
        elif effect.fact == "ip":
            payload = show_host(connection.session.address).encode()
        else:
            name = None if state.identity is None else state.identity.name
            payload = (name or "").encode()
        self.perform(connection, [call_rules.tell_event(effect.event, payload)])

    def _store_hello(self, connection: Connection, effect: StoreHello) -> None:
        # What made a device drop the connection would make it drop it again.
        self._wire.discard_pending(connection)
        self.abandon(connection, "began_anew")
        self._trace(connection, "hello")
        self.storing.hello(connection, effect)

    def _store_application(self, connection: Connection, effect: StoreApplication) -> None:
        told = f"{len(effect.functions)} functions, {len(effect.variables)} variables"
        self._trace(connection, "described", told)
        self.storing.application(connection, effect)

    def _store_system(self, connection: Connection, effect: StoreSystem) -> None:
        self._trace(connection, "modules")
        self.storing.system(connection, effect)

    def _report_hello(self, connection: Connection, effect: ReportHello) -> None:
        state = connection.state
        if self.desk is not None and not state.stranger:
            self.desk.hello(state.device_id, state.firmware_version)

    def _seek_update(self, connection: Connection, effect: SeekUpdate) -> None:
        state, identity = connection.state, connection.state.identity
        decided = (
            self.desk is not None
            and identity is not None
            and self.desk.consult(state.device_id, identity.product_id, effect.occasion)
        )
        if not decided and effect.occasion in ("handshake", "resumed"):
            self.perform(connection, event_rules.tell_consent(state, forced=False, pending=False))

    def _set_online(self, connection: Connection, effect: SetOnline) -> None:
        state = connection.state
        if not effect.handshake:
            self._counters.resumed += 1
        self._trace(connection, "online", "" if effect.handshake else "on its kept session")
        if not state.stranger:
            self._presence.online(
                state.device_id,
                show_host(connection.session.address),
                self._clock.now(),
                effect.handshake,
            )
            self._presence.write_now(state.device_id)
        self._watch(connection)

    def _set_offline(self, connection: Connection, effect: SetOffline) -> None:
        state = connection.state
        self._trace(connection, "offline")
        if not state.stranger:
            self._presence.offline(state.device_id, self._clock.now())
            self._presence.write_now(state.device_id)
        self._wire.discard_pending(connection)
        self.abandon(connection)
        self._watch(connection)

    def _fail(self, call: object, error: DomainError) -> None:
        self._counters.calls_failed += 1
        if isinstance(call, asyncio.Future) and not call.done():
            call.set_exception(error)

    def _close(self, connection: Connection, effect: CloseSession) -> None:
        self._counters.identity_mismatches += 1
        self._trace(connection, "refused", effect.reason)
        self._refusals.note(
            connection.state.device_id or "a device without a registered key",
            effect.reason,
            show_host(connection.session.address),
            self._clock.monotonic(),
        )
        self._drop(connection, effect.reason)

    def _trace(self, connection: Connection, step: str, detail: str = "") -> None:
        state = connection.state
        # A stranger names the device that it claims to be; that must not become its trace.
        self._traces.note("" if state.stranger else state.device_id, step, detail)

    def _count(self, connection: Connection, effect: Count) -> None:
        setattr(self._counters, effect.counter, getattr(self._counters, effect.counter) + 1)


def _succeed(effect: Succeed) -> None:
    if isinstance(effect.call, asyncio.Future) and not effect.call.done():
        effect.call.set_result(effect.value)

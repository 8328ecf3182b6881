"""The loop of the device edge: datagrams to sessions, messages to conversations, answers back.

Established devices are served at once; handshakes go through ``admission``. One timer wheel holds
the silence of all devices, one heap the repetitions of what they were asked; no device has a task
of its own. Whatever a peer sends, nothing leaves this loop but counters and log lines.
"""

import logging

from roadstead.devices.presence import PresenceBoard
from roadstead.gateway import conversation, hello_rules
from roadstead.gateway.admission import Admission
from roadstead.gateway.connection import Connection
from roadstead.gateway.connections import Connections
from roadstead.gateway.counters import Counters
from roadstead.gateway.delivery import EventDelivery
from roadstead.gateway.effects import Effect, Purpose
from roadstead.gateway.performing import Performer
from roadstead.gateway.quota import MessageQuota
from roadstead.gateway.session_keeping import SessionKeeper
from roadstead.gateway.timeouts import SHORT_TIMEOUT_S, silence_timeout_s
from roadstead.gateway.timer_wheel import TimerWheel
from roadstead.gateway.udp_socket import Address, show_host
from roadstead.gateway.updates import Updates
from roadstead.gateway.wire import Wire
from roadstead.kit.clock import Clock
from roadstead.protocol.coap.events import (
    Acknowledged,
    CoapEvent,
    Failed,
    Malformed,
    Ping,
    Request,
    Reset,
    Response,
)
from roadstead.protocol.dtls.events import (
    ApplicationData,
    SequenceLow,
    ServerEvent,
    SessionClosed,
    SessionMoved,
)
from roadstead.protocol.dtls.server import DtlsServer
from roadstead.protocol.dtls.session import Session

log = logging.getLogger(__name__)

HANDSHAKE_TYPES = frozenset((20, 21, 22))
"""Record types that, in clear, belong to handshakes. Spec: RFC 5246 §6.2.1."""

CLEAR_EPOCH = b"\x00\x00"

SILENCES_PER_TICK = 500
"""Devices whose silence is looked at in one tick (0.1 s), a few milliseconds of work."""

NO_HELLO_EXPIRY_S = 300.0
"""Seconds after which a session without a Hello is dropped; a device sends it at once."""

REPLACED = "replaced"
"""Why a session ends when the device has a newer one."""


class Runner:
    """Moves what happens between the parts.

    Args:
        expiry_s: silence after which a session is deleted.
        messages_per_s: messages of one device taken in a second.
    """

    admission: Admission
    performer: Performer
    delivery: EventDelivery
    updates: Updates

    def __init__(
        self,
        *,
        dtls: DtlsServer,
        wire: Wire,
        connections: Connections,
        keeper: SessionKeeper,
        presence: PresenceBoard,
        clock: Clock,
        counters: Counters,
        expiry_s: float,
        messages_per_s: int,
    ) -> None:
        self._dtls = dtls
        self._wire = wire
        self._connections = connections
        self._keeper = keeper
        self._presence = presence
        self._clock = clock
        self._counters = counters
        self._expiry_s = expiry_s
        self._wheel: TimerWheel[Connection] = TimerWheel(clock.monotonic())
        self._quota: MessageQuota[Connection] = MessageQuota(messages_per_s, clock.monotonic())

    def receive(self, datagram: bytes, address: Address) -> None:
        """One datagram from the socket."""
        if datagram[:1] and datagram[0] in HANDSHAKE_TYPES and datagram[3:5] == CLEAR_EPOCH:
            self.admission.offer(datagram, address)
        else:
            self._dtls.receive(datagram, address, self._clock.monotonic())

    def drain(self) -> None:
        """Looks at everything that the sessions did, then sends what waits."""
        next_event = self._dtls.next_event
        while (event := next_event()) is not None:
            try:
                self._on_event(event)
            except Exception:
                self._counters.callback_errors += 1
                log.exception("an event of a device session failed")
        self._wire.send_datagrams()

    def adopt(self, connection: Connection) -> None:
        """Takes in a session that is new or was taken over."""
        self._connections.add(connection)
        self.watch(connection)

    def watch(self, connection: Connection) -> None:
        """Puts a connection under the deadline of its present state."""
        if connection.alive:
            self._wheel.schedule(connection, connection.heard_at + self._patience_s(connection))

    def drop(self, connection: Connection, reason: str) -> None:
        """Ends a session; its device is told, unless it has a newer one."""
        if not connection.alive:
            return
        if reason != REPLACED and self._connections.speaks(connection):
            self._perform(connection, hello_rules.go_offline(connection.state))
        if reason == REPLACED:
            self._dtls.forget(connection.session)
        else:
            self._dtls.close(connection.session)
        self._forget(connection, replaced=reason == REPLACED)
        self._wire.schedule_send()

    def tick(self) -> None:
        """What the passing of a tenth of a second brings."""
        now = self._clock.monotonic()
        for connection, events in self._wire.take_timeouts(now):
            self._on_coap_events(connection, events)
        for connection in self._wheel.take_due(now, SILENCES_PER_TICK):
            try:
                self._on_silence(connection, now)
            except Exception:  # the others were taken off the wheel too and must be watched again
                self._counters.callback_errors += 1
                log.exception("the silence of a device could not be handled")
        self._dtls.handle_timeout(now)
        self.drain()

    def _on_event(self, event: ServerEvent) -> None:
        match event:
            case ApplicationData(session, content):
                self._on_content(session.context, content)
            case SessionMoved(session, _):
                self._on_moved(session)
            case SessionClosed(session, reason):
                self._on_closed(session, reason)
            case SequenceLow(session):
                if session.context is not None:
                    self._keeper.raise_limit(session.context)
            case _:
                self.admission.on_event(event)

    def _on_content(self, connection: Connection | None, content: bytes) -> None:
        if connection is None or not connection.alive:
            return
        now = self._clock.monotonic()
        if not self._quota.take(connection, now):
            self._counters.messages_over_quota += 1
            return
        connection.heard_at = now
        state = connection.state
        if state.identity is not None:
            self._presence.heard(state.device_id)
            if not self._connections.speaks(connection):
                self._let_speak(connection)
        self._keeper.note_heard(connection)
        if state.online and self.updates.take_report(connection, content, now):
            self._counters.requests += 1
            return
        endpoint = connection.endpoint or self._wire.endpoint(connection)
        self._on_coap_events(connection, endpoint.receive(content, now))
        self._wire.flush(connection)

    def _on_coap_events(self, connection: Connection, events: list[CoapEvent]) -> None:
        for event in events:
            if type(event) is Request:
                self._counters.requests += 1
                unix_s = int(self._clock.now().timestamp())
                effects = conversation.on_request(connection.state, event, unix_s)
            else:
                effects = self._on_other(connection, event)
            self.performer.perform(connection, effects)

    def _on_other(self, connection: Connection, event: CoapEvent) -> list[Effect]:
        state = connection.state
        match event:
            case Ping():
                return conversation.on_ping(state)
            case Acknowledged(handle):
                return self._on_acknowledged(connection, handle)
            case Response(handle, message):
                purpose = connection.asked.pop(handle, None)
                if purpose is None:
                    return []
                self._settle(connection, purpose)
                return conversation.on_response(state, purpose, message)
            case Failed(handle, reason):
                purpose = connection.asked.pop(handle, None)
                if purpose is None:
                    return []
                self._settle(connection, purpose)
                heard_since = connection.heard_at > purpose.asked_at
                return conversation.on_failed(state, purpose, reason, heard_since=heard_since)
            case Reset():
                self.updates.reset(connection)
                return []
            case Malformed():
                self._counters.malformed += 1
                return []
            case _:
                return []

    def _on_acknowledged(self, connection: Connection, handle: int) -> list[Effect]:
        purpose = connection.asked.get(handle)
        if purpose is None:
            return []
        connection.round_trip_ms = int((connection.heard_at - purpose.asked_at) * 1000)
        if purpose.kind in ("ping", "event"):
            del connection.asked[handle]
            self._settle(connection, purpose)
        return conversation.on_acknowledged(purpose)

    def _settle(self, connection: Connection, purpose: Purpose) -> None:
        if purpose.queued:
            self.delivery.on_settled(connection)

    def _let_speak(self, connection: Connection) -> None:
        for replaced in self._connections.make_speak(connection):
            self._counters.sessions_replaced += 1
            self.drop(replaced, REPLACED)
        self.watch(connection)

    def _on_moved(self, session: Session) -> None:
        connection: Connection | None = session.context
        if connection is None:
            return
        self._keeper.note_heard(connection)
        state = connection.state
        if state.online and not state.stranger:
            host = show_host(session.address)
            self._presence.online(state.device_id, host, self._clock.now(), False)

    def _on_closed(self, session: Session, reason: str) -> None:
        connection: Connection | None = session.context
        if connection is None or not connection.alive:
            return
        if reason == REPLACED:
            self._counters.sessions_replaced += 1
        elif self._connections.speaks(connection):
            self._perform(connection, hello_rules.go_offline(connection.state))
        self._forget(connection, replaced=reason == REPLACED)
        heir = self._connections.find(connection.state.device_id)
        if heir is not None:
            self.watch(heir)

    def _on_silence(self, connection: Connection, now: float) -> None:
        if connection.heard_at + self._patience_s(connection) > now:
            self.watch(connection)
        elif connection.state.online:
            self._perform(connection, conversation.on_silence(connection.state))
        else:
            self._counters.sessions_expired += 1
            self._dtls.forget(connection.session)
            self._forget(connection)

    def _patience_s(self, connection: Connection) -> float:
        state = connection.state
        if not state.online:
            return self._expiry_s if state.hello is not None else NO_HELLO_EXPIRY_S
        if state.hello is not None:
            return silence_timeout_s(state.hello.platform_id)
        platform_id = None if state.identity is None else state.identity.platform_id
        return SHORT_TIMEOUT_S if platform_id is None else silence_timeout_s(platform_id)

    def _forget(self, connection: Connection, *, replaced: bool = False) -> None:
        self.performer.abandon(connection, "began_anew" if replaced else "went_offline")
        connection.alive = False
        connection.session.context = None
        self._wheel.cancel(connection)
        self._connections.remove(connection)
        self._keeper.delete(connection)

    def _perform(self, connection: Connection, effects: list[Effect]) -> None:
        self.performer.perform(connection, effects)
        self._wire.flush(connection)

"""Transfers of files to connected devices, as part of their conversations.

Which message goes out next is the transfer's matter (``protocol.transfer``), who sends next that of
the line (``update_pump``); here both are joined to the connections. A transfer lives as long as its
connection: a device that comes back, or another process, begins a new one, which goes on where the
protocol can.
"""

import asyncio
import logging
from collections.abc import Callable

from roadstead.devices.errors import update_running
from roadstead.devices.updates import OnStep, UpdateEnd, UpdateFile, UpdateResult, UpdateStep
from roadstead.gateway.connection import Connection
from roadstead.gateway.counters import Counters
from roadstead.gateway.effects import Ask, Purpose
from roadstead.gateway.timer_wheel import NOT_SCHEDULED
from roadstead.gateway.update_pump import SHARE_CHUNKS, TICK_S, TURN_CHUNKS, SendingLine
from roadstead.gateway.update_rules import broken_off, choose_transfer, result_of, step_of
from roadstead.gateway.wire import Wire
from roadstead.kit.clock import Clock
from roadstead.protocol.coap.events import FailureReason
from roadstead.protocol.coap.message import Message
from roadstead.protocol.transfer.steps import Sending, ServerTransfer, TransferEvent

log = logging.getLogger(__name__)

DEFAULT_BYTES_PER_S = 32_000_000.0
"""Content sent to all devices together."""


class ActiveUpdate:
    """One transfer to one connection."""

    __slots__ = (
        "connection",
        "ended",
        "file",
        "in_line",
        "on_step",
        "sent_bytes",
        "share",
        "step",
        "transfer",
        "wheel_tick",
    )

    def __init__(
        self,
        connection: Connection,
        file: UpdateFile,
        transfer: ServerTransfer,
        ended: "asyncio.Future[UpdateResult]",
        on_step: OnStep | None,
    ) -> None:
        self.connection = connection
        self.file = file
        self.transfer = transfer
        self.ended = ended
        self.on_step = on_step
        self.step: UpdateStep | None = None
        self.sent_bytes = 0
        # As it was at the beginning: its place in the line is found by it.
        identity = connection.state.identity
        self.share = None if identity is None else identity.product_id
        self.in_line = False
        self.wheel_tick = NOT_SCHEDULED


class Updates:
    """All transfers of this process.

    Args:
        wire: sends to devices.
        bytes_per_s: content sent to all devices together.
    """

    def __init__(
        self,
        wire: Wire,
        clock: Clock,
        counters: Counters,
        bytes_per_s: float = DEFAULT_BYTES_PER_S,
    ) -> None:
        self._wire = wire
        self._clock = clock
        self._counters = counters
        self._active: dict[Connection, ActiveUpdate] = {}
        self._line: SendingLine[ActiveUpdate] = SendingLine(clock.monotonic(), bytes_per_s)
        self._turn: asyncio.Handle | None = None
        self._turn_is_soon = False

    def __len__(self) -> int:
        """Number of transfers that run."""
        return len(self._active)

    def begin(
        self,
        connection: Connection,
        file: UpdateFile,
        *,
        continues: bool,
        on_step: OnStep | None,
    ) -> "asyncio.Future[UpdateResult]":
        """Begins a transfer; the future gets its result, and never an error.

        Raises:
            Conflict: ``update_running``.
        """
        state = connection.state
        if connection in self._active:
            raise update_running(state.device_id)
        assert state.hello is not None  # an online device has said Hello
        ended: asyncio.Future[UpdateResult] = asyncio.get_running_loop().create_future()
        chosen = choose_transfer(state.hello, file, continues=continues)
        if isinstance(chosen, UpdateResult):
            ended.set_result(chosen)
            return ended
        self._counters.updates_begun += 1
        active = ActiveUpdate(connection, file, chosen, ended, on_step)
        self._active[connection] = active
        chosen.start(self._clock.monotonic())
        self._hurry(active)
        return ended

    def cancel(self, connection: Connection) -> bool:
        """Gives a transfer up and tells the device; False when there is none."""
        return self._with(connection, lambda one, now: one.cancel(now))

    def receive(self, connection: Connection, message: Message) -> None:
        """A request of the device that belongs to updates."""
        if not self._with(connection, lambda one, now: one.receive(message, now)):
            self._counters.ignored_requests += 1

    def take_report(self, connection: Connection, datagram: bytes, now: float) -> bool:
        """Takes a message if it reports chunks of a running transfer, as every second one does.

        False when it does not; then it goes the way of all messages.
        """
        active = self._active.get(connection)
        if active is None or not active.transfer.take_report(datagram, now):
            return False
        self._tell_events(active)
        if active.transfer.over:
            return True
        if active.transfer.wants_turn:
            self._hurry(active)
        else:
            self._line.rest(active, now + TICK_S)
        return True

    def answered(self, connection: Connection, exchange: int, message: Message) -> None:
        """The answer to a message of the transfer."""
        self._with(connection, lambda one, now: one.answered(exchange, message, now))

    def failed(self, connection: Connection, exchange: int, reason: FailureReason) -> None:
        """A message of the transfer got no answer."""
        self._with(connection, lambda one, now: one.failed(exchange, reason, now))

    def reset(self, connection: Connection) -> None:
        """The device refused a message that nobody waits for: of those we send, a chunk."""
        self._with(connection, lambda one, now: one.reset(now))

    def abandon(self, connection: Connection, end: UpdateEnd) -> None:
        """The connection ended, or begins anew: its transfer is over, without a word to anybody."""
        active = self._active.get(connection)
        if active is not None:
            self._end(active, broken_off(end, active.step, active.sent_bytes))

    def _with(
        self, connection: Connection, action: Callable[[ServerTransfer, float], None]
    ) -> bool:
        active = self._active.get(connection)
        if active is None:
            return False
        action(active.transfer, self._clock.monotonic())
        self._tell_events(active)
        if not active.transfer.over:
            self._hurry(active)
        return True

    def _hurry(self, active: ActiveUpdate) -> None:
        self._line.enter(active)
        if not self._turn_is_soon:
            if self._turn is not None:
                self._turn.cancel()
            self._turn = asyncio.get_running_loop().call_soon(self._take_turn)
            self._turn_is_soon = True

    def _take_turn(self) -> None:
        self._turn, self._turn_is_soon = None, False
        now, left = self._clock.monotonic(), TURN_CHUNKS
        while left > 0 and not self._wire.congested:
            active = self._line.next_sender(now)
            if active is None:
                break
            try:
                left -= self._serve(active, now)
            except Exception:  # the other transfers must not stand still
                self._counters.callback_errors += 1
                log.exception("a transfer failed inside")
                self._end(active, broken_off("misbehaved", active.step, active.sent_bytes))
        self._arm()

    def _serve(self, active: ActiveUpdate, now: float) -> int:
        """Lets one transfer send its share; gives the number of messages."""
        transfer, connection = active.transfer, active.connection
        transfer.handle_timeout(now)
        bodies, sent_bytes = transfer.next_bodies(now, SHARE_CHUNKS)
        if bodies:
            self._wire.tell_bodies(connection, bodies)
        sendings = transfer.to_send(now, SHARE_CHUNKS)
        for one in sendings:
            self._send(connection, one)
            if one.exchange is None:
                sent_bytes += len(one.draft.payload)
        if sendings or bodies:
            self._wire.flush(connection)
            active.sent_bytes += sent_bytes
            self._counters.update_bytes_sent += sent_bytes
            self._line.spend(sent_bytes)
        self._tell_events(active)
        due = transfer.next_timeout()
        if due is not None and active.connection in self._active:
            if due <= now:
                self._line.enter(active)
            else:
                self._line.rest(active, due)
        return max(1, len(sendings) + len(bodies))

    def _send(self, connection: Connection, one: Sending) -> None:
        if one.exchange is None:
            self._wire.tell_untracked(connection, one.draft, token=one.token)
        else:
            purpose = Purpose("update", exchange=one.exchange)
            self._wire.ask(connection, Ask(purpose, one.draft, token=one.token))

    def _tell_events(self, active: ActiveUpdate) -> None:
        last: TransferEvent | None = None
        while (event := active.transfer.next_event()) is not None:
            last = event
            step = step_of(event)
            if step is not None:
                active.step = step
                if active.on_step is not None:
                    active.on_step(step)
        if active.transfer.over and last is not None:
            self._end(active, result_of(last, active.step, active.file, active.sent_bytes))

    def _end(self, active: ActiveUpdate, result: UpdateResult) -> None:
        if self._active.pop(active.connection, None) is None:
            return
        self._line.leave(active)
        if result.delivered:
            self._counters.updates_delivered += 1
        if not active.ended.done():
            active.ended.set_result(result)

    def _arm(self) -> None:
        pause_s = self._line.pause_s()
        if pause_s is None or self._turn is not None:
            return
        loop = asyncio.get_running_loop()
        if self._wire.congested:
            pause_s = TICK_S
        if pause_s <= 0:
            self._turn = loop.call_soon(self._take_turn)
            self._turn_is_soon = True
        else:
            self._turn = loop.call_later(pause_s, self._take_turn)

"""What the loop keeps of one device session, beside the protected session itself."""

from collections import deque
from typing import Final

from roadstead.gateway.effects import Ask, Purpose
from roadstead.gateway.state import DeviceState
from roadstead.gateway.timer_wheel import NOT_SCHEDULED
from roadstead.protocol.coap.endpoint import CoapEndpoint
from roadstead.protocol.coap.events import Handle
from roadstead.protocol.dtls.session import Session

EVENTS_IN_FLIGHT = 8
"""Events sent to one device and not acknowledged yet; the device answers each within one pass of
its loop, and its receive buffers are few."""

EVENTS_WAITING = 100
"""Events kept for one device while others are in flight; more are dropped and counted."""


NOTHING_ASKED: Final[dict[Handle, Purpose]] = {}
"""What all connections share that wait for no answer; never written to."""


class Connection:
    """One session with its conversation; hashed by identity, a few hundred bytes while idle.

    Attributes:
        session: the protected session.
        row_key: primary key of the stored session.
        endpoint: reliability of its messages; None until the first message.
        asked: purposes of requests that the device has not answered, by handle.
        waiting: events that wait for their turn to be sent.
        in_flight: events sent and not acknowledged.
        opened_at: monotonic seconds when it was opened or taken over.
        events_received: events of the device on this session.
        round_trip_ms: from the last request to its acknowledgement; None before the first.
        heard_at: monotonic seconds when it was last heard, or when the process started.
        state: what the conversation knows of the device.
        timer_at: when the next look at the endpoint's timers is due; None when none is.
        taken_over: the session was opened by an earlier process.
        wheel_tick: place in the wheel of silence.
        alive: False once the session was dropped.
        extending: a larger reservation of record numbers is on its way to the database.
    """

    __slots__ = (
        "__weakref__",
        "alive",
        "asked",
        "endpoint",
        "events_received",
        "extending",
        "heard_at",
        "in_flight",
        "opened_at",
        "round_trip_ms",
        "row_key",
        "session",
        "state",
        "taken_over",
        "timer_at",
        "waiting",
        "wheel_tick",
    )

    def __init__(self, session: Session, row_key: bytes, state: DeviceState, now: float) -> None:
        self.session = session
        self.row_key = row_key
        self.state = state
        self.endpoint: CoapEndpoint | None = None
        self.asked: dict[Handle, Purpose] = NOTHING_ASKED
        self.waiting: deque[Ask] | None = None
        self.in_flight = 0
        self.opened_at = now
        self.events_received = 0
        self.round_trip_ms: int | None = None
        self.heard_at = now
        self.timer_at: float | None = None
        self.wheel_tick = NOT_SCHEDULED
        self.taken_over = False
        self.alive = True
        self.extending = False

"""What the server sides of both transfers share."""

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Protocol

import msgspec

from roadstead.protocol.coap.events import FailureReason
from roadstead.protocol.coap.message import Draft, Message
from roadstead.protocol.messages.update import UpdateStatistics

DEVICE_SILENCE_S: Final = 300.0
"""A device gives an update up when no chunk came for this long. Device protocol notes §4.1, §4.2"""

AbortReason = Literal[
    "refused",
    "no_answer",
    "busy",
    "stalled",
    "not_running",
    "bad_chunk",
    "validation_failed",
    "misbehaved",
    "cancelled",
]
"""``refused``: the device does not take the file (``code`` and ``text`` say why); ``no_answer``: it
did not answer in time; ``busy``: the session had no room for another request; ``stalled``: chunks
bring no progress; ``not_running``: the device says that it is in no update (it was reset, or gave
up); ``bad_chunk``: it found one chunk damaged again and again; ``validation_failed``: it has the
whole file and does not take it; ``misbehaved``: an answer makes no sense; ``cancelled``: by us."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long each step of a transfer may take, in seconds.

    Attributes:
        start_s: until the device accepts the file; it may erase flash first. Like ``finish_s`` it
            leaves time to ask again: the four transmissions of one request take 60 to 90 s.
        progress_s: between two reports that bring progress; below DEVICE_SILENCE_S.
        finish_s: until the device has validated the whole file.
        cancel_s: until the device confirms that it gives up.
    """

    start_s: float = 180.0
    progress_s: float = 240.0
    finish_s: float = 180.0
    cancel_s: float = 45.0


class Sending(NamedTuple):
    """A message to send.

    Attributes:
        draft: what it says.
        confirmable: sent again until acknowledged.
        token: needs a token.
        exchange: its answer or failure is to be handed back under this number; None: the owner
            sends it untracked and forgets it.
    """

    draft: Draft
    confirmable: bool
    token: bool
    exchange: int | None


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """The device takes the file.

    Attributes:
        offset_bytes: how much it has already.
    """

    offset_bytes: int


class Progressed(msgspec.Struct, frozen=True, gc=False):
    """The device confirmed more of the file (classic: it was sent).

    Attributes:
        done_bytes: of the file, with what the device had before.
    """

    done_bytes: int


class Transferred(msgspec.Struct, frozen=True, gc=False):
    """The device has the whole file, found it good and is about to restart. The transfer is over.

    Attributes:
        statistics: what it counted; None in a classic transfer.
    """

    statistics: UpdateStatistics | None = None


class Aborted(msgspec.Struct, frozen=True, gc=False):
    """The transfer is over without success.

    Attributes:
        reason: see AbortReason.
        code: the device's own error code, negative; 0 when it named none.
        text: the device's own words.
    """

    reason: AbortReason
    code: int = 0
    text: str = ""


TransferEvent = Accepted | Progressed | Transferred | Aborted


class ServerTransfer(Protocol):
    """The server side of either transfer, as its owner sees it."""

    @property
    def over(self) -> bool:
        """Whether it has ended; then it wants nothing any more."""

    def start(self, now: float) -> None:
        """Begins; once."""

    def receive(self, message: Message, now: float) -> None:
        """Takes a request of the device that belongs to updates; what makes no sense is ignored."""

    def take_report(self, datagram: bytes, now: float) -> bool:
        """Takes a whole message if it is a report of this transfer in its usual form.

        False when it is not; then nothing was changed, and it is to be decoded and received.
        """

    def answered(self, exchange: int, message: Message, now: float) -> None:
        """Takes the answer to a message that was sent under this number."""

    def failed(self, exchange: int, reason: FailureReason, now: float) -> None:
        """Takes notice that a message got no answer."""

    def reset(self, now: float) -> None:
        """Takes notice that the device refused a message that was not confirmable."""

    def cancel(self, now: float) -> None:
        """Gives up, and tells the device if that can be."""

    def to_send(self, now: float, chunks_max: int | None = None) -> list[Sending]:
        """What to send now, at most so many chunks; each is given once."""

    @property
    def wants_turn(self) -> bool:
        """Whether it is worth asking it at once what to send; if not, soon is enough."""

    def next_bodies(self, now: float, limit: int) -> tuple[list[bytes], int]:
        """Chunks to send now as POST messages that nobody confirms or answers, without a token.

        Each is what stands behind the header of its message; and how many bytes of the file are in
        them. A transfer whose chunks need more than that gives them by ``to_send``, and none here.
        """

    def next_event(self) -> TransferEvent | None:
        """The next thing that happened, None when all were told."""

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` and ``to_send`` are to be called; in the past means at once.

        An owner that gave fewer chunks a place than there were (``chunks_max``) knows itself when
        the next have one.
        """

    def handle_timeout(self, now: float) -> None:
        """Acts on what is due."""


class StepBook:
    """The requests of one transfer, at most one open at a time, its deadline and its events."""

    __slots__ = ("_asked", "_events", "_exchange", "_out", "deadline", "over")

    def __init__(self) -> None:
        self._exchange = 0
        self._asked: Draft | None = None
        self._out: list[Sending] = []
        self._events: list[TransferEvent] = []
        self.deadline: float | None = None
        self.over = False

    def ask(self, draft: Draft, deadline: float) -> None:
        """Sends a confirmable request with a token; an older one is no longer waited for."""
        self._exchange += 1
        self._asked = draft
        self._out.append(Sending(draft, True, True, self._exchange))
        self.deadline = deadline

    def ask_again(self) -> None:
        """Sends the last request anew, as another one, with the deadline as it is."""
        if self._asked is not None and self.deadline is not None:
            self.ask(self._asked, self.deadline)

    def is_open(self, exchange: int) -> bool:
        """Whether this is the request that is waited for."""
        return not self.over and exchange == self._exchange

    def close(self) -> None:
        """Waits for no request until the next is asked."""
        self._exchange += 1

    def tell(self, event: TransferEvent) -> None:
        """Adds an event."""
        self._events.append(event)

    def end(self, event: Transferred | Aborted) -> None:
        """Ends the transfer; what was not sent yet stays unsent."""
        if not self.over:
            self.over = True
            self.deadline = None
            self._out.clear()
            self._events.append(event)

    def to_send(self) -> list[Sending]:
        """What was asked since the last call."""
        out, self._out = self._out, []
        return out

    def next_event(self) -> TransferEvent | None:
        """The oldest event that was not told."""
        return self._events.pop(0) if self._events else None

    def expired(self, now: float) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and now >= self.deadline


def abort_reason(failure: FailureReason) -> AbortReason:
    """What the failure of a request means for a transfer."""
    if failure == "busy":
        return "busy"
    return "not_running" if failure == "reset" else "no_answer"

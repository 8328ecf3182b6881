"""The classic transfer, server side, fast and slow.

offer -> ready -> chunks (fast: numbered, not answered; slow: one by one) -> end -> all there, or
reports of missed chunks -> these again -> end ... A report may name only some of the gaps.
Spec: device protocol notes §4.2; Device OS 6.2 wire.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from roadstead.protocol.coap.codes import CHANGED
from roadstead.protocol.coap.events import FailureReason
from roadstead.protocol.coap.message import Message
from roadstead.protocol.messages.classic_update import (
    CHUNK_BYTES_UDP,
    CHUNK_COUNT_MAX,
    RESULT_NOT_RUNNING,
    UpdateBegin,
    chunk,
    decode_chunk_missed,
    decode_update_ready,
    decode_update_result,
    update_begin,
    update_done,
)
from roadstead.protocol.messages.device_request import DeviceRequest, kind_of_device_request
from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.update import decode_problem
from roadstead.protocol.transfer.steps import (
    Aborted,
    Accepted,
    Deadlines,
    Progressed,
    Sending,
    StepBook,
    TransferEvent,
    Transferred,
    abort_reason,
)

CHUNK_INTERVAL_S: Final = 0.02
"""Between two chunks of a fast transfer, which has no flow control. Device protocol notes §4.2."""
IDLE_ROUNDS_MAX: Final = 12
"""Rounds of missed chunks in a row that may name the same first gap."""
REPORT_WAIT_S: Final = 15.0
"""From "chunks are missing" to the report that names them; then the end is sent again."""
DAMAGED_MAX: Final = 5
"""How often a device may find the same chunk damaged."""
CHUNKS_AT_ONCE: Final = 64
"""Chunks given by one call of ``to_send`` at most."""


@dataclass(frozen=True, slots=True)
class ClassicParameters:
    """How a classic transfer is done.

    Attributes:
        chunk_bytes: what the device asks for, else 512 (UDP) or 256 (TCP).
        fast: offers the fast way; the device may decline.
        pads: fills the last chunk with zeros, as devices of the first years want it.
        interval_s: see CHUNK_INTERVAL_S.
        asks_first: a device of this same connection accepted the offer of this same file from a
            server process that is gone: asks whether it still waits, before beginning anew. Never
            to be set when the offer's outcome is not known: see ``update_done``. Without effect on
            the slow way, which cannot be continued.
    """

    chunk_bytes: int = CHUNK_BYTES_UDP
    fast: bool = True
    pads: bool = False
    interval_s: float = CHUNK_INTERVAL_S
    asks_first: bool = False


class _State(Enum):
    NEW = auto()
    ASKING = auto()
    """Whether the device still waits for chunks."""
    STARTING = auto()
    SENDING = auto()
    FINISHING = auto()
    REPORTING = auto()
    """The device said that chunks are missing, and has not named them."""


class ClassicServerTransfer:
    """One file on its way to one device. See ServerTransfer for the calls.

    Raises:
        ValueError: the file is empty, or has too many chunks for this protocol.
    """

    def __init__(
        self,
        file: bytes,
        parameters: ClassicParameters | None = None,
        deadlines: Deadlines | None = None,
    ) -> None:
        self._parameters = parameters or ClassicParameters()
        self._deadlines = deadlines or Deadlines()
        self._count = -(-len(file) // self._parameters.chunk_bytes)
        if not 0 < self._count <= CHUNK_COUNT_MAX:
            raise ValueError("a file of no bytes, or of too many chunks")
        self._file = memoryview(file)
        self._book = StepBook()
        self._state = _State.NEW
        self._fast = self._parameters.fast
        self._queue: deque[int] = deque()
        self._missed: tuple[int, ...] = ()
        self._first_gap = -1
        self._idle_rounds = 0
        self._damaged = 0
        self._sent_to = 0
        self._free_at = 0.0
        self._awaits_chunk = False
        self._continues = False

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._book.over

    def start(self, now: float) -> None:
        """Offers the file, or asks whether the device still waits for it; once."""
        if self._state is not _State.NEW:
            return
        if self._parameters.asks_first and self._fast:
            self._state = _State.ASKING
            self._book.ask(update_done(), now + self._deadlines.finish_s)
        else:
            self._offer(now)

    def _offer(self, now: float) -> None:
        self._state = _State.STARTING
        begin = UpdateBegin(len(self._file), self._parameters.chunk_bytes, self._fast)
        self._book.ask(update_begin(begin), now + self._deadlines.start_s)

    def answered(self, exchange: int, message: Message, now: float) -> None:
        """Takes the answer to the offer, a chunk of the slow way, or the end."""
        if not self._book.is_open(exchange):
            return
        self._book.close()
        if self._state is _State.STARTING:
            self._take_ready(message, now)
        elif self._state is _State.SENDING:
            self._take_receipt(message, now)
        else:
            self._take_result(message, now)

    def _take_ready(self, message: Message, now: float) -> None:
        try:
            agreed = decode_update_ready(message)
        except MessageFormatError:
            problem = decode_problem(message)
            self._book.end(Aborted("refused", problem.code, problem.message))
            return
        self._fast = self._fast and agreed
        self._book.tell(Accepted(0))
        self._send(range(self._count), now)

    def _send(self, indices: range | tuple[int, ...], now: float) -> None:
        self._state = _State.SENDING
        self._queue.extend(indices)
        self._book.deadline = now + self._deadlines.progress_s

    def _take_receipt(self, message: Message, now: float) -> None:
        self._awaits_chunk = False
        if message.code != CHANGED:
            self._damaged += 1
            if self._damaged >= DAMAGED_MAX:
                self._book.end(Aborted("bad_chunk"))
            return
        self._damaged = 0
        self._note_sent(self._queue.popleft(), now)
        self._finish_when_sent(now)

    def _note_sent(self, index: int, now: float) -> None:
        self._book.deadline = now + self._deadlines.progress_s
        if index >= self._sent_to:
            self._sent_to = index + 1
            done = min(len(self._file), self._sent_to * self._parameters.chunk_bytes)
            self._book.tell(Progressed(done))

    def _finish_when_sent(self, now: float) -> None:
        if not self._queue:
            self._finish(now)

    def _finish(self, now: float) -> None:
        self._state = _State.FINISHING
        self._missed = ()
        self._book.ask(update_done(), now + self._deadlines.finish_s)

    def _take_result(self, message: Message, now: float) -> None:
        try:
            result = decode_update_result(message)
        except MessageFormatError as error:
            self._book.end(Aborted("misbehaved", 0, str(error)))
            return
        if result is None:
            self._await_report(now)
        elif result == RESULT_NOT_RUNNING and self._state is _State.ASKING:
            self._offer(now)
        elif result == RESULT_NOT_RUNNING:
            self._book.end(Aborted("not_running", result))
        elif result < 0:
            self._book.end(Aborted("validation_failed", result))
        else:
            self._book.end(Transferred())

    def _await_report(self, now: float) -> None:
        if not self._fast:
            self._book.end(Aborted("misbehaved", 0, "chunks are missing that were confirmed"))
            return
        if self._state is _State.ASKING:
            self._book.tell(Accepted(0))
            self._continues = True
        self._state = _State.REPORTING
        self._book.deadline = now + REPORT_WAIT_S
        self._repeat_missed(now)

    def _repeat_missed(self, now: float) -> None:
        missed, self._missed = self._missed, ()
        if not missed:
            return
        self._idle_rounds = self._idle_rounds + 1 if missed[0] <= self._first_gap else 0
        self._first_gap = max(self._first_gap, missed[0])
        if self._idle_rounds >= IDLE_ROUNDS_MAX:
            self._book.end(Aborted("stalled"))
        else:
            self._send(self._wanted(missed), now)

    def _wanted(self, missed: tuple[int, ...]) -> range | tuple[int, ...]:
        first, last = missed[0], missed[-1]
        goes_on = self._continues and last - first == len(missed) - 1
        self._continues = False
        # Where a killed process stopped, all that follows is missing: a report would name it in
        # hundreds of rounds.
        return range(first, self._count) if goes_on else missed

    def receive(self, message: Message, now: float) -> None:
        """Takes the device's report of missed chunks; it may come before "chunks are missing"."""
        expected = self._state in (_State.ASKING, _State.FINISHING, _State.REPORTING)
        kind = kind_of_device_request(message)
        if self._book.over or not expected or kind is not DeviceRequest.CHUNK_MISSED:
            return
        try:
            missed = decode_chunk_missed(message)
        except MessageFormatError:
            return
        self._missed = tuple(sorted({index for index in missed if index < self._count}))
        if self._state is _State.REPORTING:
            self._repeat_missed(now)

    def failed(self, exchange: int, reason: FailureReason, now: float) -> None:
        """Takes notice that a message got no answer."""
        if not self._book.is_open(exchange):
            return
        # Only the end may be repeated: a device refuses a second offer, and takes an unnumbered
        # chunk that comes anew for the next one.
        repeatable = self._state in (_State.ASKING, _State.FINISHING)
        if repeatable and reason == "timeout" and not self._book.expired(now):
            self._book.ask_again()
        else:
            self._book.end(Aborted(abort_reason(reason)))

    def reset(self, now: float) -> None:
        """The device refused a chunk."""
        if self._state is _State.SENDING:
            self._book.end(Aborted("not_running"))

    def cancel(self, now: float) -> None:
        """Gives up. This protocol cannot tell the device, which gives up after 300 s."""
        self._book.end(Aborted("cancelled"))

    def to_send(self, now: float, chunks_max: int | None = None) -> list[Sending]:
        """What to send now; no more than ``chunks_max`` chunks, 64 when it is None."""
        limit = CHUNKS_AT_ONCE if chunks_max is None else chunks_max
        if self._state is _State.SENDING and not self._book.over and limit > 0:
            if self._fast:
                out = self._numbered_chunks(now, limit)
                return out + self._book.to_send()
            self._ask_chunk()
        return self._book.to_send()

    def _numbered_chunks(self, now: float, limit: int) -> list[Sending]:
        out: list[Sending] = []
        while self._queue and len(out) < limit and now >= self._free_at:
            index = self._queue.popleft()
            out.append(Sending(chunk(self._content(index), index), False, True, None))
            self._free_at = now + self._parameters.interval_s
            self._note_sent(index, now)
        # The end waits for its turn as a chunk would, so that it does not overtake the last one.
        if not self._queue and not out and now >= self._free_at:
            self._finish(now)
        return out

    def _ask_chunk(self) -> None:
        if self._queue and not self._awaits_chunk:
            deadline = self._book.deadline
            assert deadline is not None
            self._awaits_chunk = True
            self._book.ask(chunk(self._content(self._queue[0]), None), deadline)

    def _content(self, index: int) -> bytes:
        size = self._parameters.chunk_bytes
        content = bytes(self._file[index * size : (index + 1) * size])
        return content.ljust(size, b"\0") if self._parameters.pads else content

    def take_report(self, datagram: bytes, now: float) -> bool:
        """Reports of missing chunks are few; they are received as other requests are."""
        return False

    @property
    def wants_turn(self) -> bool:
        """Always: its chunks leave one by one."""
        return True

    def next_bodies(self, now: float, limit: int) -> tuple[list[bytes], int]:
        """None: its chunks need tokens."""
        return [], 0

    def next_event(self) -> TransferEvent | None:
        """The next thing that happened."""
        return self._book.next_event()

    def next_timeout(self) -> float | None:
        """When it wants to be called; None when it is over."""
        deadline = self._book.deadline
        if deadline is None or self._state is not _State.SENDING or self._awaits_chunk:
            return deadline
        return min(deadline, self._free_at)

    def handle_timeout(self, now: float) -> None:
        """Ends what took too long; asks again for a report that did not come."""
        if self._book.over or not self._book.expired(now):
            return
        if self._state is not _State.REPORTING:
            self._book.end(Aborted("stalled" if self._state is _State.SENDING else "no_answer"))
            return
        self._idle_rounds += 1
        if self._idle_rounds >= IDLE_ROUNDS_MAX:
            self._book.end(Aborted("stalled"))
        else:
            self._finish(now)

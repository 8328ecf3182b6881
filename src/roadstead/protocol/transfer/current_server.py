"""The current transfer, server side.

offer -> the device accepts, naming how much it has -> chunks and reports -> end -> verdict.
Spec: device protocol notes §4.1; Device OS 6.2 wire.
"""

from enum import Enum, auto
from typing import Final

from roadstead.protocol.coap.codes import CHANGED, CREATED
from roadstead.protocol.coap.events import FailureReason
from roadstead.protocol.coap.message import Message
from roadstead.protocol.messages.device_request import DeviceRequest, kind_of_device_request
from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.update import (
    UpdateAccepted,
    UpdateStart,
    decode_problem,
    decode_statistics,
    decode_update_accepted,
    decode_update_ack,
    update_chunk,
    update_finish,
    update_start,
)
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
from roadstead.protocol.transfer.window import Pacing, SendWindow

CHUNKS_AT_ONCE: Final = 64
"""Chunks given by one call of ``to_send`` at most, so that one device does not hold up others."""


class _State(Enum):
    NEW = auto()
    STARTING = auto()
    SENDING = auto()
    FINISHING = auto()
    CANCELLING = auto()


class CurrentServerTransfer:
    """One file on its way to one device. See ServerTransfer for the calls.

    The acknowledgement of the device's last answer makes it apply the file; the endpoint below
    sends that by itself, so that Transferred is told when it cannot be stopped any more.

    Args:
        file: the whole file; shared by all transfers of it.
        start: what is offered; its ``file_bytes`` is the length of ``file``.
        pacing: how fast chunks go out.
        deadlines: how long each step may take.
    """

    def __init__(
        self,
        file: bytes,
        start: UpdateStart,
        pacing: Pacing | None = None,
        deadlines: Deadlines | None = None,
    ) -> None:
        if len(file) != start.file_bytes:
            raise ValueError("the offer names another length than the file has")
        self._file = memoryview(file)
        self._start = start
        self._pacing = pacing or Pacing()
        self._deadlines = deadlines or Deadlines()
        self._book = StepBook()
        self._state = _State.NEW
        self._offset = 0
        self._window = SendWindow(0, 0, self._pacing)

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._book.over

    def start(self, now: float) -> None:
        """Offers the file; once."""
        if self._state is _State.NEW:
            self._state = _State.STARTING
            self._book.ask(update_start(self._start), now + self._deadlines.start_s)

    def answered(self, exchange: int, message: Message, now: float) -> None:
        """Takes the answer to the offer or to the end."""
        if not self._book.is_open(exchange):
            return
        if self._state is _State.STARTING:
            self._take_acceptance(message, now)
        elif self._state is _State.FINISHING:
            self._take_verdict(message)
        elif self._state is _State.CANCELLING:
            self._book.end(Aborted("cancelled"))

    def _take_acceptance(self, message: Message, now: float) -> None:
        if message.code != CREATED:
            problem = decode_problem(message)
            self._book.end(Aborted("refused", problem.code, problem.message))
            return
        try:
            accepted = decode_update_accepted(message)
        except MessageFormatError as error:
            self._book.end(Aborted("misbehaved", 0, str(error)))
            return
        if accepted.offset_bytes > self._start.file_bytes:
            self._book.end(Aborted("misbehaved", 0, "an offset beyond the end of the file"))
            return
        self._begin_sending(accepted, now)

    def _begin_sending(self, accepted: UpdateAccepted, now: float) -> None:
        self._book.close()
        self._book.tell(Accepted(accepted.offset_bytes))
        self._state = _State.SENDING
        self._offset = accepted.offset_bytes
        remaining = self._start.file_bytes - self._offset
        count = -(-remaining // self._start.chunk_bytes)
        self._window = SendWindow(count, accepted.window_chunks, self._pacing)
        self._book.deadline = now + self._deadlines.progress_s
        self._finish_when_complete(now)

    def _finish_when_complete(self, now: float) -> None:
        if self._window.complete:
            self._state = _State.FINISHING
            self._book.ask(update_finish(), now + self._deadlines.finish_s)

    def _take_verdict(self, message: Message) -> None:
        if message.code == CHANGED:
            self._book.end(Transferred(decode_statistics(message)))
        else:
            problem = decode_problem(message)
            self._book.end(Aborted("validation_failed", problem.code, problem.message))

    def failed(self, exchange: int, reason: FailureReason, now: float) -> None:
        """Takes notice that the offer or the end got no answer."""
        if not self._book.is_open(exchange):
            return
        if self._state is _State.CANCELLING:
            self._book.end(Aborted("cancelled"))
        elif reason == "timeout" and not self._book.expired(now):
            self._book.ask_again()
        else:
            self._book.end(Aborted(abort_reason(reason)))

    def receive(self, message: Message, now: float) -> None:
        """Takes a report of the device."""
        if (
            self._state is not _State.SENDING
            or self._book.over
            or kind_of_device_request(message) is not DeviceRequest.UPDATE_ACK
        ):
            return
        try:
            ack = decode_update_ack(message)
        except MessageFormatError:
            return
        if self._window.acknowledge(ack.in_sequence, ack.beyond, now):
            self._book.deadline = now + self._deadlines.progress_s
            self._book.tell(Progressed(self._done_bytes()))
            self._finish_when_complete(now)

    def _done_bytes(self) -> int:
        done = self._offset + self._window.confirmed * self._start.chunk_bytes
        return min(done, self._start.file_bytes)

    def reset(self, now: float) -> None:
        """The device refused a chunk: it is in no update, or found the chunk out of all bounds."""
        if self._state is _State.SENDING:
            self._book.end(Aborted("not_running"))

    def cancel(self, now: float, *, discard: bool = False) -> None:
        """Gives up and tells the device; with ``discard`` it drops what it has."""
        if self._state is _State.NEW:
            self._book.end(Aborted("cancelled"))
        elif self._state is not _State.CANCELLING and not self._book.over:
            self._state = _State.CANCELLING
            draft = update_finish(cancel=True, discard=discard)
            self._book.ask(draft, now + self._deadlines.cancel_s)

    def to_send(self, now: float, chunks_max: int | None = None) -> list[Sending]:
        """What to send now; no more than ``chunks_max`` chunks, 64 when it is None."""
        out = self._book.to_send()
        if self._state is _State.SENDING and not self._book.over:
            out += self._chunks(now, CHUNKS_AT_ONCE if chunks_max is None else chunks_max)
        return out

    def _chunks(self, now: float, limit: int) -> list[Sending]:
        chunks: list[Sending] = []
        while len(chunks) < limit and (index := self._window.next_chunk(now)) is not None:
            begin = self._offset + (index - 1) * self._start.chunk_bytes
            content = bytes(self._file[begin : begin + self._start.chunk_bytes])
            chunks.append(Sending(update_chunk(index, content), False, False, None))
        return chunks

    def next_event(self) -> TransferEvent | None:
        """The next thing that happened."""
        return self._book.next_event()

    def next_timeout(self) -> float | None:
        """When it wants to be called; None when it is over."""
        deadline = self._book.deadline
        if self._state is not _State.SENDING or deadline is None:
            return deadline
        due = self._window.next_timeout()
        return deadline if due is None else min(deadline, due)

    def handle_timeout(self, now: float) -> None:
        """Ends what took too long; else takes chunks as lost that are overdue."""
        if self._book.over:
            return
        if self._book.expired(now):
            sending = self._state is _State.SENDING
            cancelling = self._state is _State.CANCELLING
            self._book.end(
                Aborted("stalled" if sending else "cancelled" if cancelling else "no_answer")
            )
        elif self._state is _State.SENDING:
            self._window.handle_timeout(now)

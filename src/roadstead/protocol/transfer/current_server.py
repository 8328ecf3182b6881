"""The current transfer, server side.

offer -> the device accepts, naming how much it has -> chunks and reports -> end -> verdict.
Spec: device protocol notes §4.1; Device OS 6.2 wire.
"""

from enum import Enum, auto

from roadstead.protocol.coap.codes import CHANGED, CREATED
from roadstead.protocol.coap.events import FailureReason
from roadstead.protocol.coap.message import Message
from roadstead.protocol.messages.device_request import DeviceRequest, kind_of_device_request
from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.update import (
    UpdateAccepted,
    UpdateAck,
    UpdateStart,
    decode_problem,
    decode_statistics,
    decode_update_accepted,
    decode_update_ack,
    encode_chunk_body,
    find_update_ack,
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
        self._file = file
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
            self._take_ack(decode_update_ack(message), now)
        except MessageFormatError:
            return

    def take_report(self, datagram: bytes, now: float) -> bool:
        """Takes a message if it is a report in the form that devices write."""
        ack = find_update_ack(datagram)
        if ack is None:
            return False
        if self._state is _State.SENDING and not self._book.over:
            self._take_ack(ack, now)
        return True

    def _take_ack(self, ack: UpdateAck, now: float) -> None:
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
        """The requests to send now; its chunks are given by ``next_bodies``."""
        return self._book.to_send()

    @property
    def wants_turn(self) -> bool:
        """Whether it has a request to send, or a burst of chunks."""
        return self._state is not _State.SENDING or self._window.has_burst

    def next_bodies(self, now: float, limit: int) -> tuple[list[bytes], int]:
        """Chunks to send now, behind their headers, and how much of the file they carry."""
        bodies: list[bytes] = []
        content_bytes = 0
        if self._state is not _State.SENDING or self._book.over:
            return bodies, content_bytes
        file, size = self._file, self._start.chunk_bytes
        first = self._offset - size
        for index in self._window.next_chunks(now, limit):
            begin = first + index * size
            content = file[begin : begin + size]
            content_bytes += len(content)
            bodies.append(encode_chunk_body(index, content))
        return bodies, content_bytes

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

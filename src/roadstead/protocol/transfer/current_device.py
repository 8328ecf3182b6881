"""The current transfer as a device does it. Spec: device protocol notes §4.1, §4.5."""

import hashlib
from collections.abc import Callable
from typing import Final

from roadstead.protocol.coap.codes import CHANGED, SERVICE_UNAVAILABLE
from roadstead.protocol.coap.message import Draft, Message
from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.server_request import ServerRequest, kind_of_server_request
from roadstead.protocol.messages.update import (
    WINDOW_BYTES,
    UpdateAccepted,
    UpdateAck,
    UpdateProblem,
    UpdateStart,
    UpdateStatistics,
    decode_update_chunk,
    decode_update_finish,
    decode_update_start,
    update_accepted,
    update_ack,
    update_finished,
    update_problem,
)
from roadstead.protocol.transfer.replies import (
    ERROR_BAD_REQUEST,
    ERROR_DIGEST,
    ERROR_DISABLED,
    ERROR_NOT_RUNNING,
    ERROR_SIZE,
    SILENCE_S,
    Acknowledge,
    Applied,
    Dropped,
    Partial,
    Refuse,
    Reply,
    Report,
    Respond,
)

ACK_DELAY_S: Final = 0.2
"""Longest time until a report, when nothing makes one necessary at once."""
CHUNKS_PER_ACK: Final = 2


class _Reception:
    """The chunks of one accepted file."""

    def __init__(self, start: UpdateStart, head: bytes) -> None:
        self.start = start
        self.offset = len(head)
        self.content = bytearray(head.ljust(start.file_bytes, b"\0"))
        self.count = -(-(start.file_bytes - self.offset) // start.chunk_bytes)
        self.window = WINDOW_BYTES // start.chunk_bytes
        self.in_sequence = 0
        self.beyond: set[int] = set()

    @property
    def complete(self) -> bool:
        return self.in_sequence == self.count

    def content_bytes(self, index: int) -> int:
        """Length of a chunk, 0 for a number out of bounds."""
        if not 1 <= index <= self.count:
            return 0
        begin = self.offset + (index - 1) * self.start.chunk_bytes
        return min(self.start.chunk_bytes, self.start.file_bytes - begin)

    def has(self, index: int) -> bool:
        return index <= self.in_sequence or index in self.beyond

    def store(self, index: int, content: bytes) -> None:
        begin = self.offset + (index - 1) * self.start.chunk_bytes
        self.content[begin : begin + len(content)] = content
        self.beyond.add(index)
        while self.in_sequence + 1 in self.beyond:
            self.in_sequence += 1
            self.beyond.remove(self.in_sequence)

    def head(self) -> bytes:
        """The file as far as it came without gaps."""
        end = self.offset + self.in_sequence * self.start.chunk_bytes
        return bytes(self.content[: min(end, self.start.file_bytes)])


class CurrentDeviceTransfer:
    """One device's side.

    Args:
        max_file_bytes: largest file that it takes.
        validate: gives 0 for a good file, else a negative error.
        partial: what it kept of an earlier file.
        resumes: whether it goes on with what it kept.
        accepts: whether updates are enabled or forced; may be set at any time.
    """

    def __init__(
        self,
        *,
        max_file_bytes: int,
        validate: Callable[[bytes], int],
        partial: Partial | None = None,
        resumes: bool = True,
        accepts: bool = True,
    ) -> None:
        self.accepts = accepts
        self._max_file_bytes = max_file_bytes
        self._validate = validate
        self._resumes = resumes
        self._kept = partial
        self._running: _Reception | None = None
        self._verdict: int | None = None
        self._counts = [0, 0, 0, 0]
        self._unreported = 0
        self._report_at: float | None = None
        self._silent_at: float | None = None
        self._out: list[Reply] = []
        self._events: list[Applied | Dropped] = []

    @property
    def running(self) -> bool:
        """Whether an update is under way; the device publishes nothing meanwhile."""
        return self._running is not None

    def partial(self) -> Partial | None:
        """What survives a reset of the device now."""
        running = self._running
        if running is None:
            return self._kept
        if not running.start.sha256:
            return None
        return Partial(running.start.sha256, running.start.file_bytes, running.head())

    def receive(self, message: Message, now: float) -> bool:
        """Takes a request of the server; whether it belonged to this transfer."""
        kind = kind_of_server_request(message)
        if kind is ServerRequest.UPDATE_START:
            self._take_start(message, now)
        elif kind is ServerRequest.UPDATE_CHUNK:
            self._take_chunk(message, now)
        elif kind is ServerRequest.UPDATE_FINISH:
            self._take_finish(message)
        else:
            return False
        return True

    def _take_start(self, message: Message, now: float) -> None:
        try:
            start = decode_update_start(message)
        except MessageFormatError as error:
            problem = UpdateProblem(ERROR_BAD_REQUEST, str(error))
            draft = update_problem(SERVICE_UNAVAILABLE, problem)
            self._out.append(Respond(message, draft, separate=False))
            return
        self._out.append(Acknowledge(message))
        refusal = self._refusal(start)
        if refusal:
            self._refuse(message, refusal, closing=False)
        else:
            self._begin(start, now)
            running = self._running
            assert running is not None
            accepted = UpdateAccepted(running.window, running.offset)
            self._out.append(Respond(message, update_accepted(accepted)))

    def _refusal(self, start: UpdateStart) -> int:
        if not self.accepts:
            return ERROR_DISABLED
        return 0 if start.file_bytes <= self._max_file_bytes else ERROR_SIZE

    def _refuse(self, message: Message, code: int, *, closing: bool) -> None:
        problem = UpdateProblem(code, "refused by the device")
        draft = update_problem(SERVICE_UNAVAILABLE, problem)
        self._out.append(Respond(message, draft, closing=closing))

    def _begin(self, start: UpdateStart, now: float) -> None:
        kept = None if start.discard or not start.sha256 else self.partial()
        fits = kept and (kept.sha256, kept.file_bytes) == (start.sha256, start.file_bytes)
        head = kept.content if kept and fits and self._resumes else b""
        self._running = _Reception(start, head)
        self._kept = None
        self._verdict = None
        self._counts = [0, 0, 0, 0]
        self._unreported = 0
        self._report_at = None
        self._silent_at = now + SILENCE_S

    def _take_chunk(self, message: Message, now: float) -> None:
        running = self._running
        if running is None:
            self._out.append(Refuse(message))
            return
        try:
            chunk = decode_update_chunk(message)
        except MessageFormatError:
            self._give_up(message)
            return
        if len(chunk.content) != running.content_bytes(chunk.index):
            self._give_up(message)
            return
        self._silent_at = now + SILENCE_S
        self._counts[0] += 1
        if self._store(running, chunk.index, chunk.content):
            self._report()
        elif self._report_at is None:
            self._report_at = now + ACK_DELAY_S

    def _give_up(self, message: Message) -> None:
        self._out.append(Refuse(message))
        self._stop(keep=True)
        self._events.append(Dropped(ERROR_BAD_REQUEST, True))

    def _store(self, running: _Reception, index: int, content: bytes) -> bool:
        """Whether a report is due at once."""
        if running.has(index):
            self._counts[1] += 1
            return True
        if index > running.in_sequence + running.window:
            return True
        had_gap = bool(running.beyond)
        running.store(index, content)
        if running.beyond and not had_gap:
            self._counts[2] += 1
        self._unreported += 1
        due = self._unreported >= CHUNKS_PER_ACK
        return due or had_gap or bool(running.beyond) or running.complete

    def _report(self) -> None:
        running = self._running
        assert running is not None
        self._unreported = 0
        self._report_at = None
        self._counts[3] += 1
        ack = UpdateAck(running.in_sequence, tuple(sorted(running.beyond)))
        self._out.append(Report(update_ack(ack), confirmable=False))

    def _take_finish(self, message: Message) -> None:
        cancel, discard = decode_update_finish(message)
        self._out.append(Acknowledge(message))
        running = self._running
        if running is None:
            self._refuse(message, ERROR_NOT_RUNNING, closing=False)
        elif cancel:
            self._stop(keep=not discard)
            self._events.append(Dropped(0, False))
            self._out.append(Respond(message, Draft(CHANGED)))
        else:
            self._judge(message, running)

    def _judge(self, message: Message, running: _Reception) -> None:
        self._verdict = self._verdict_on(running)
        if self._verdict:
            self._refuse(message, self._verdict, closing=True)
        else:
            statistics = UpdateStatistics(*self._counts)
            self._out.append(Respond(message, update_finished(statistics), closing=True))

    def _verdict_on(self, running: _Reception) -> int:
        if not running.complete:
            return ERROR_BAD_REQUEST
        content = bytes(running.content)
        sha256 = running.start.sha256
        if sha256 and hashlib.sha256(content).digest() != sha256:
            return ERROR_DIGEST
        return self._validate(content)

    def confirmed(self) -> None:
        """The server acknowledged the closing answer: now the device acts on it."""
        running, verdict = self._running, self._verdict
        if running is None or verdict is None:
            return
        self._stop(keep=False)
        if verdict:
            self._events.append(Dropped(verdict, True))
        else:
            self._events.append(Applied(bytes(running.content)))

    def _stop(self, *, keep: bool) -> None:
        self._kept = self.partial() if keep else None
        self._running = None
        self._verdict = None
        self._report_at = self._silent_at = None

    def to_send(self) -> list[Reply]:
        """What is to be done now, in order; each is given once."""
        out, self._out = self._out, []
        return out

    def next_event(self) -> Applied | Dropped | None:
        """The next thing that happened."""
        return self._events.pop(0) if self._events else None

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` is to be called."""
        moments = [one for one in (self._report_at, self._silent_at) if one is not None]
        return min(moments, default=None)

    def handle_timeout(self, now: float) -> None:
        """Reports late, or gives up after silence."""
        if self._silent_at is not None and now >= self._silent_at:
            self._stop(keep=True)
            self._events.append(Dropped(0, True))
        elif self._report_at is not None and now >= self._report_at:
            self._report()

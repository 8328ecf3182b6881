"""The classic transfer as a device does it, fast and slow. Spec: device protocol notes §4.2."""

from collections.abc import Callable

from roadstead.protocol.coap.message import Message
from roadstead.protocol.messages.classic_update import (
    CHUNK_BYTES_UDP,
    CHUNK_COUNT_MAX,
    MISSED_MAX,
    RESULT_NOT_RUNNING,
    STORE_FIRMWARE,
    UpdateBegin,
    chunk_missed,
    chunk_received,
    decode_chunk,
    decode_update_begin,
    update_incomplete,
    update_ready,
    update_refused,
    update_result,
)
from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.server_request import ServerRequest, kind_of_server_request
from roadstead.protocol.transfer.replies import (
    SILENCE_S,
    Acknowledge,
    Applied,
    Dropped,
    Reply,
    Report,
    Respond,
)


class ClassicDeviceTransfer:
    """One device's side. It keeps nothing across a reset.

    Args:
        max_file_bytes: largest file that it takes.
        validate: gives 0 for a good file, else a negative error.
        fast: whether it agrees to the fast way.
        missed_max: chunks that it names in one report.
        accepts: whether updates are enabled or forced; may be set at any time.
    """

    def __init__(
        self,
        *,
        max_file_bytes: int,
        validate: Callable[[bytes], int],
        fast: bool = True,
        missed_max: int = MISSED_MAX,
        accepts: bool = True,
    ) -> None:
        self.accepts = accepts
        self._max_file_bytes = max_file_bytes
        self._validate = validate
        self._takes_fast = fast
        self._missed_max = missed_max
        self._begin: UpdateBegin | None = None
        self._chunks: dict[int, bytes] = {}
        self._count = 0
        self._silent_at: float | None = None
        self._out: list[Reply] = []
        self._events: list[Applied | Dropped] = []

    @property
    def running(self) -> bool:
        """Whether an update is under way; the device publishes nothing meanwhile."""
        return self._begin is not None

    def receive(self, message: Message, now: float) -> bool:
        """Takes a request of the server; whether it belonged to this transfer."""
        kind = kind_of_server_request(message)
        if kind is ServerRequest.UPDATE_BEGIN:
            self._take_begin(message, now)
        elif kind is ServerRequest.CHUNK:
            self._take_chunk(message, now)
        elif kind is ServerRequest.UPDATE_DONE:
            self._take_done(message)
        else:
            return False
        return True

    def _take_begin(self, message: Message, now: float) -> None:
        begin = self._acceptable(message)
        if begin is None:
            self._out.append(Respond(message, update_refused(), separate=False))
            return
        self._begin = begin
        self._chunks.clear()
        self._count = -(-begin.file_bytes // begin.chunk_bytes)
        self._silent_at = now + SILENCE_S
        self._out.append(Acknowledge(message))
        self._out.append(Respond(message, update_ready(fast=begin.fast)))

    def _acceptable(self, message: Message) -> UpdateBegin | None:
        try:
            offered = decode_update_begin(message)
        except MessageFormatError:
            return None
        size = offered.chunk_bytes or CHUNK_BYTES_UDP
        fast = offered.fast and self._takes_fast
        begin = UpdateBegin(offered.file_bytes, size, fast, offered.store, offered.address)
        fits = 0 < begin.file_bytes <= min(self._max_file_bytes, size * CHUNK_COUNT_MAX)
        free = self.accepts and self._begin is None
        return begin if fits and free and begin.store == STORE_FIRMWARE else None

    def _take_chunk(self, message: Message, now: float) -> None:
        begin = self._begin
        try:
            chunk = decode_chunk(message)
        except MessageFormatError:
            return
        if begin is None:
            return
        self._silent_at = now + SILENCE_S
        if begin.fast:
            self._store(chunk.index, chunk.content, intact=chunk.intact)
            return
        self._store(len(self._chunks), chunk.content, intact=chunk.intact)
        self._out.append(Acknowledge(message))
        self._out.append(Respond(message, chunk_received(intact=chunk.intact)))

    def _store(self, index: int | None, content: bytes, *, intact: bool) -> None:
        if intact and index is not None and index < self._count:
            self._chunks[index] = content

    def _take_done(self, message: Message) -> None:
        if self._begin is None:
            draft = update_result(RESULT_NOT_RUNNING)
            self._out.append(Respond(message, draft, separate=False))
            return
        missing = [index for index in range(self._count) if index not in self._chunks]
        if missing:
            self._out.append(Respond(message, update_incomplete(), separate=False))
            named = tuple(missing[: self._missed_max])
            self._out.append(Report(chunk_missed(named), confirmable=True))
        else:
            self._apply(message, self._begin)

    def _apply(self, message: Message, begin: UpdateBegin) -> None:
        file = b"".join(self._chunks[index] for index in range(self._count))
        result = self._validate(file[: begin.file_bytes])
        self._out.append(Respond(message, update_result(result), separate=False))
        self._stop()
        if result:
            self._events.append(Dropped(result, True))
        else:
            self._events.append(Applied(file[: begin.file_bytes]))

    def _stop(self) -> None:
        self._begin = None
        self._chunks.clear()
        self._silent_at = None

    def to_send(self) -> list[Reply]:
        """What is to be done now, in order; each is given once."""
        out, self._out = self._out, []
        return out

    def next_event(self) -> Applied | Dropped | None:
        """The next thing that happened."""
        return self._events.pop(0) if self._events else None

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` is to be called."""
        return self._silent_at

    def handle_timeout(self, now: float) -> None:
        """After silence the device restarts with what it ran before."""
        if self._silent_at is not None and now >= self._silent_at:
            self._stop()
            self._events.append(Dropped(0, True))

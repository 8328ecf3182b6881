"""Putting handshake messages in order: fragments, repeats, early ones. Spec: RFC 6347 §4.2.3."""

from roadstead.protocol.dtls.handshake_messages import Fragment
from roadstead.protocol.dtls.limits import MAX_HANDSHAKE_MESSAGE_BYTES, MESSAGES_AHEAD


class _Partial:
    __slots__ = ("_missing", "content", "kind", "length")

    def __init__(self, kind: int, length: int) -> None:
        self.kind, self.length = kind, length
        self.content = bytearray(length)
        self._missing = (1 << length) - 1

    def add(self, offset: int, content: bytes) -> None:
        """Of bytes that arrive twice the first ones stay."""
        for position, value in enumerate(content, offset):
            if self._missing >> position & 1:
                self.content[position] = value
        self._missing &= ~(((1 << len(content)) - 1) << offset)

    @property
    def is_whole(self) -> bool:
        return not self._missing


class MessageQueue:
    """Hands out the peer's messages in order, each once, whatever order they came in.

    Args:
        next_seq: number of the first message expected.

    Attributes:
        next_seq: number of the next message that ``take`` will give.
    """

    __slots__ = ("_partial", "_whole", "next_seq")

    def __init__(self, next_seq: int) -> None:
        self.next_seq = next_seq
        self._whole: dict[int, Fragment] = {}
        self._partial: dict[int, _Partial] = {}

    def add(self, fragment: Fragment) -> None:
        """Keeps a message or a part of one; drops what is old, too far ahead or too long."""
        sequence = fragment.message_seq
        if not 0 <= sequence - self.next_seq < MESSAGES_AHEAD or sequence in self._whole:
            return
        if fragment.length > MAX_HANDSHAKE_MESSAGE_BYTES:
            return
        if fragment.is_whole:
            self._partial.pop(sequence, None)
            self._whole[sequence] = fragment
            return
        partial = self._partial.get(sequence)
        if partial is None:
            partial = self._partial[sequence] = _Partial(fragment.kind, fragment.length)
        if (partial.kind, partial.length) != (fragment.kind, fragment.length):
            return
        partial.add(fragment.offset, fragment.content)
        if partial.is_whole:
            del self._partial[sequence]
            self._whole[sequence] = fragment._replace(offset=0, content=bytes(partial.content))

    def take(self) -> Fragment | None:
        """The next message, whole, or None while it is not there."""
        message = self._whole.pop(self.next_seq, None)
        if message is not None:
            self.next_seq += 1
        return message

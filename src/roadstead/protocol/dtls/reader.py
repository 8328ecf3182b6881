"""Reading fields off bytes with every border checked."""


class DtlsFormatError(ValueError):
    """The bytes are not what they should be; whoever decodes drops them."""


class ByteReader:
    """Takes fields from the front of ``content``; big endian.

    Every method raises DtlsFormatError when fewer bytes are left than it needs.
    """

    __slots__ = ("_at", "_content")

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def take(self, length: int) -> bytes:
        """The next ``length`` bytes."""
        end = self._at + length
        if end > len(self._content):
            raise DtlsFormatError(f"{end - len(self._content)} bytes are missing")
        taken = self._content[self._at : end]
        self._at = end
        return taken

    def left(self) -> int:
        """Number of bytes not taken."""
        return len(self._content) - self._at

    def u8(self) -> int:
        """A number of one byte."""
        at = self._at
        if at >= len(self._content):
            raise DtlsFormatError("1 byte is missing")
        self._at = at + 1
        return self._content[at]

    def u16(self) -> int:
        """A number of two bytes."""
        at = self._at
        if at + 2 > len(self._content):
            raise DtlsFormatError("a number of two bytes is cut off")
        self._at = at + 2
        return self._content[at] << 8 | self._content[at + 1]

    def u24(self) -> int:
        """A number of three bytes."""
        return int.from_bytes(self.take(3), "big")

    def u48(self) -> int:
        """A number of six bytes."""
        return int.from_bytes(self.take(6), "big")

    def u64(self) -> int:
        """A number of eight bytes."""
        return int.from_bytes(self.take(8), "big")

    def vector8(self) -> bytes:
        """Bytes with a length of one byte before them."""
        return self.take(self.u8())

    def vector16(self) -> bytes:
        """Bytes with a length of two bytes before them."""
        return self.take(self.u16())

    def end(self) -> None:
        """Nothing may be left.

        Raises:
            DtlsFormatError: something is.
        """
        if self.left():
            raise DtlsFormatError(f"{self.left()} bytes too many")

"""Bodies with files: ``multipart/form-data`` read as it arrives, within limits.

A file goes to a temporary file on the disk once it is longer than a megabyte, so that an upload
costs the memory of a few blocks, whatever its length. Names and types that a client gives to its
files are hints and nothing more.

Source: clients notes §3 (parts named ``file``, ``file2`` …; chunked, without a length).
"""

import asyncio
import logging
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from roadstead.http.fields import (
    MAX_FIELD_BYTES,
    MAX_FORM_FIELDS,
    ClientGone,
    Fields,
    Receive,
    put_field,
)
from roadstead.kit.errors import Invalid, TimedOut, Unavailable

logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
"""What it warns of is told to the caller, who sent it."""

IDLE_TIMEOUT_S = 30.0
"""Seconds between two pieces of a body; a sender that is silent for longer has gone."""

UPLOAD_TIMEOUT_S = 900.0
"""Seconds for the whole body: 32 MiB at 300 kbit/s, a poor line of an office."""

MEMORY_BYTES = 1024 * 1024
"""What of a file is kept in memory; a longer one goes to the disk."""

OVERHEAD_BYTES = 256 * 1024
"""Room for the boundaries, headers and fields around the files."""

MAX_NAME_CHARS = 255
"""Longest name of a file that is kept; what is longer is cut."""


@dataclass(frozen=True, slots=True)
class FileLimits:
    """What files an operation takes.

    Attributes:
        max_bytes: all files of one request together.
        max_files: number of files in one request.
    """

    max_bytes: int
    max_files: int = 1


@dataclass(slots=True)
class UploadedFile:
    """One file of an upload.

    Attributes:
        part: name of the part, as ``file`` or ``binary``.
        name: file name as the client gave it, without folders.
        media_type: as the client gave it.
        content: its bytes, to be read from the start; closed with the upload.
    """

    part: str
    name: str
    media_type: str
    content: IO[bytes]
    size_bytes: int = 0


@dataclass(slots=True)
class Upload:
    """A body with files, taken apart; to be closed.

    Attributes:
        fields: texts by name.
        files: in the order in which they came.
    """

    fields: Fields = field(default_factory=dict)
    files: list[UploadedFile] = field(default_factory=list)

    def close(self) -> None:
        """Frees what the files hold."""
        for file in self.files:
            file.content.close()


async def read_upload(
    receive: Receive, headers: Mapping[str, str], limits: FileLimits, upload: Upload
) -> None:
    """Reads a multipart body into ``upload``, which its owner closes, whatever happens.

    Raises:
        Invalid: ``upload_too_large``, ``too_many_files`` or ``invalid_request``.
        TimedOut: ``body_timeout``.
        Unavailable: ``disk_full``.
        ClientGone: the caller left.
    """
    announced = headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limits.max_bytes + OVERHEAD_BYTES:
        raise _too_large(limits)
    _, options = parse_options_header(headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if not boundary:
        raise _bad("its Content-Type names no boundary")
    try:
        async with asyncio.timeout(UPLOAD_TIMEOUT_S):
            await _read(receive, _Parts(limits, upload), boundary)
    except TimeoutError as error:
        raise TimedOut("body_timeout", "The body did not arrive in time.") from error
    for file in upload.files:
        file.content.seek(0)


async def _read(receive: Receive, parts: "_Parts", boundary: bytes) -> None:
    try:
        parser = MultipartParser(boundary, parts.callbacks())
        more, total = True, 0
        while more:
            async with asyncio.timeout(IDLE_TIMEOUT_S):
                message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            piece, more = message.get("body", b""), message.get("more_body", False)
            total += len(piece)
            if total > parts.limits.max_bytes + OVERHEAD_BYTES:
                raise _too_large(parts.limits)
            parser.write(piece)
        parser.finalize()
    except MultipartParseError as error:
        raise _bad(str(error)) from error
    except TimeoutError:  # an OSError, too
        raise
    except OSError as error:
        raise Unavailable("disk_full", f"The upload cannot be stored: {error.strerror}.") from error
    if not parts.ended:
        raise _bad("it ends before its last boundary")


class _Parts:
    """Takes what the parser finds, piece by piece, and counts it against the limits."""

    def __init__(self, limits: FileLimits, upload: Upload) -> None:
        self.limits = limits
        self.upload = upload
        self.ended = False
        self._bytes_left = limits.max_bytes
        self._headers: dict[bytes, bytes] = {}
        self._header_name = b""
        self._header_value = b""
        self._field_name = ""
        self._field_value = bytearray()
        self._file: UploadedFile | None = None
        self._number_of_fields = 0

    def callbacks(self) -> Any:
        """For the parser."""
        return {
            "on_part_begin": self._begin_part,
            "on_header_field": self._add_header_name,
            "on_header_value": self._add_header_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._add_content,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def _begin_part(self) -> None:
        self._headers = {}
        self._file = None
        self._field_value = bytearray()

    def _add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _end_headers(self) -> None:
        kind, options = parse_options_header(self._headers.get(b"content-disposition"))
        if kind != b"form-data" or b"name" not in options:
            raise _bad("a part has no name")
        name = _text(options[b"name"])
        if b"filename" not in options:
            self._begin_field(name)
            return
        if len(self.upload.files) == self.limits.max_files:
            raise Invalid(
                "too_many_files", f"At most {self.limits.max_files} files are taken in one request."
            )
        self._file = UploadedFile(
            part=name,
            name=_base_name(_text(options[b"filename"])),
            media_type=_text(self._headers.get(b"content-type", b"")),
            content=tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES),  # noqa: SIM115
        )
        self.upload.files.append(self._file)

    def _begin_field(self, name: str) -> None:
        self._number_of_fields += 1
        if self._number_of_fields > MAX_FORM_FIELDS:
            raise _bad(f"it has more than {MAX_FORM_FIELDS} fields")
        self._field_name = name

    def _add_content(self, data: bytes, start: int, end: int) -> None:
        if self._file is None:
            self._field_value += data[start:end]
            if len(self._field_value) > MAX_FIELD_BYTES:
                raise _bad(f"field {self._field_name!r} is longer than {MAX_FIELD_BYTES} bytes")
            return
        self._bytes_left -= end - start
        if self._bytes_left < 0:
            raise _too_large(self.limits)
        self._file.size_bytes += end - start
        self._file.content.write(memoryview(data)[start:end])

    def _end_part(self) -> None:
        if self._file is None:
            put_field(self.upload.fields, self._field_name, _text(bytes(self._field_value)))

    def _end(self) -> None:
        self.ended = True


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise _bad("a name or a field is not valid UTF-8") from error


def _base_name(name: str) -> str:
    # The official command line sends the whole path of its own disk.
    base = name.replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in base if c.isprintable())[:MAX_NAME_CHARS]


def _bad(why: str) -> Invalid:
    return Invalid("invalid_request", f"The multipart body cannot be read: {why}.")


def _too_large(limits: FileLimits) -> Invalid:
    return Invalid("upload_too_large", f"At most {limits.max_bytes} bytes of files are taken.")

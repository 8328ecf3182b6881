"""A socket in the data folder over which the operator's commands ask the running server.

Whoever may enter the data folder (mode 0700) may read everything of the server anyway, so it asks
for no password. One line in (``device ID``), one JSON document out.
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

log = logging.getLogger(__name__)

NAME = "operator.sock"

MAX_LINE_BYTES = 256
"""Longest question; a device id has 24 digits."""

DEADLINE_S = 5.0
"""Seconds for one question and its answer, on both sides."""

Answerer = Callable[[str], object]
"""Gives a JSON-able document for the argument of a question."""


@contextlib.asynccontextmanager
async def serving(folder: Path, answerers: Mapping[str, Answerer]) -> AsyncIterator[None]:
    """Answers questions while the block runs; without such sockets the block runs all the same.

    Args:
        folder: the data folder; only one process may serve on it.
        answerers: by the first word of the question.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, TimeoutError):
            async with asyncio.timeout(DEADLINE_S):
                word, _, argument = (await reader.readline()).decode().strip().partition(" ")
                found = answerers.get(word)
                document = {"error": "unknown question"} if found is None else found(argument)
                writer.write(msgspec.json.encode(document))
                await writer.drain()
        writer.close()

    with contextlib.suppress(FileNotFoundError):
        (folder / NAME).unlink()
    with _entered(folder) as short:
        try:
            server = await asyncio.start_unix_server(
                answer, str(short / NAME), limit=MAX_LINE_BYTES
            )
        except OSError as error:
            log.warning("no operator socket in %s: %s", folder, error)
            yield
            return
    (folder / NAME).chmod(0o600)
    try:
        yield
    finally:
        server.close()
        with contextlib.suppress(OSError):
            (folder / NAME).unlink()


def ask(folder: Path, question: str) -> dict[str, Any] | None:
    """Asks the server that runs on this folder; None when none answers (blocking)."""
    with _entered(folder) as short, socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(DEADLINE_S)
        try:
            connection.connect(str(short / NAME))
            connection.sendall(question.encode() + b"\n")
            received = bytearray()
            while chunk := connection.recv(65536):
                received += chunk
            answer: dict[str, Any] = msgspec.json.decode(bytes(received), type=dict[str, Any])
        except (OSError, msgspec.DecodeError):
            return None
    return answer


@contextlib.contextmanager
def _entered(folder: Path) -> Iterator[Path]:
    """The folder under a short name: a socket's path has about 100 bytes, however deep it lies."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield folder
        return
    try:
        short = Path(f"/proc/self/fd/{descriptor}")
        yield short if short.exists() else folder
    finally:
        os.close(descriptor)

"""A fleet's keys and sessions in a folder, so that a restarted simulator is the same fleet.

Sessions are taken out of the folder as they are loaded and written back at an orderly end. A
simulator that was killed therefore shakes hands anew and never sends a record number twice.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import msgspec

from roadstead.simulator.identity import VirtualIdentity, load_identity
from roadstead.simulator.module_image import ImageFacts

Kind = TypeVar("Kind")

FLEET_FILE = "fleet.msgpack"
SESSIONS_FILE = "sessions.msgpack"


class StoredDevice(msgspec.Struct, frozen=True):
    """One device of the fleet as it is kept; the private key is secret.

    Attributes:
        server: digest of the key of the server that knows it; empty if none does yet.
        claimed: whether it belongs to an account there.
        image: what it was updated to; None before its first update.
    """

    device_id: bytes
    private_der: bytes
    platform_id: int
    generation: str
    seed: int
    server: bytes = b""
    claimed: bool = False
    image: ImageFacts | None = None

    def identity(self) -> VirtualIdentity:
        """The identity to build a VirtualDevice from."""
        return load_identity(self.device_id, self.private_der, self.platform_id)


class StateError(Exception):
    """The folder cannot be used; the text is for people."""


class StateFolder:
    """The folder given by ``--state``; its files are readable by their owner only.

    Raises:
        StateError: the folder cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StateError(f"cannot use {path} to keep state: {error.strerror}") from error

    def load_devices(self) -> list[StoredDevice]:
        """The fleet, in its order; empty if there is none yet.

        Raises:
            StateError: the file is damaged or of another version.
        """
        raw = self._read(FLEET_FILE)
        return [] if raw is None else self._decode(raw, list[StoredDevice], FLEET_FILE)

    def save_devices(self, devices: Iterable[StoredDevice]) -> None:
        """Replaces the stored fleet."""
        self._write(FLEET_FILE, msgspec.msgpack.encode(list(devices)))

    def take_sessions(self) -> dict[bytes, bytes]:
        """Stored sessions by device id; they are removed from the folder.

        Raises:
            StateError: the file is damaged.
        """
        raw = self._read(SESSIONS_FILE)
        if raw is None:
            return {}
        (self._path / SESSIONS_FILE).unlink()
        return self._decode(raw, dict[bytes, bytes], SESSIONS_FILE)

    def save_sessions(self, sessions: dict[bytes, bytes]) -> None:
        """Keeps sessions by device id for the next start."""
        self._write(SESSIONS_FILE, msgspec.msgpack.encode(sessions))

    def _read(self, name: str) -> bytes | None:
        try:
            return (self._path / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(f"cannot read {self._path / name}: {error.strerror}") from error

    def _write(self, name: str, content: bytes) -> None:
        target = self._path / name
        draft = target.with_suffix(".new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        draft.replace(target)

    def _decode(self, raw: bytes, kind: type[Kind], name: str) -> Kind:
        try:
            return msgspec.msgpack.decode(raw, type=kind)
        except msgspec.DecodeError as error:
            raise StateError(f"{self._path / name} is damaged ({error}); remove it") from error

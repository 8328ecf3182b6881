"""Data folders with an account, devices, and sessions as an earlier process would have left them.

The rows are written through the server's own tables, key box and session format; what is skipped is
only the handshake that would have made them.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from random import Random

import msgspec
import sqlalchemy as sa

from roadstead import config
from roadstead.devices.store import device_keys, devices
from roadstead.gateway.session_store import SessionRow, device_sessions
from roadstead.products.membership_store import product_devices
from roadstead.protocol.dtls.client_state import ClientState
from roadstead.protocol.dtls.constants import APPLICATION_DATA
from roadstead.protocol.dtls.snapshot import SessionSnapshot
from roadstead.protocol.messages.hello import Hello
from roadstead.protocol.messages.subscription import DeviceSubscription
from roadstead.simulator.identity import VirtualIdentity, make_identity
from roadstead.storage.secret_box import SecretBox, load_or_create_key
from roadstead.storage.sqlite import make_engine

ARGON = 12
SPKI_BYTES = 91
FIRST_LIMIT = 1024
"""Record numbers that the imagined earlier process had reserved."""

SUBSCRIPTIONS = msgspec.json.encode([DeviceSubscription("bench/")]).decode()
_MODULES = {"p": ARGON, "m": [{"f": "s", "n": "1", "v": 6200, "s": 679936, "l": "m"}]}


@dataclass(slots=True)
class StoredDevice:
    """A device with a session that the server has stored.

    Attributes:
        device_id: 24 hex digits.
        session: the device's half of it.
    """

    device_id: str
    session: ClientState
    next_message_id: int = 1

    def take_message_id(self) -> int:
        """The next CoAP message id."""
        taken, self.next_message_id = self.next_message_id, self.next_message_id % 0xFFFF + 1
        return taken

    def protect(self, message: bytes) -> bytes:
        """One message as the datagram that carries it."""
        return self.session.seal(APPLICATION_DATA, message)


def find_user_id(folder: Path) -> str:
    """The id of the folder's only account."""
    with make_engine(_database(folder)).connect() as connection:
        return str(connection.exec_driver_sql("SELECT id FROM users").scalar_one())


def add_keyed_devices(folder: Path, count: int, owner_id: str, seed: int) -> list[VirtualIdentity]:
    """Registers devices with real keys, owned and not yet connected."""
    random = Random(seed)
    identities = [make_identity(ARGON, random) for _ in range(count)]
    _insert_devices(folder, [(one.text_id, one.public_der) for one in identities], owner_id)
    return identities


def add_members(folder: Path, product_id: int, device_ids: Sequence[str]) -> None:
    """Puts registered devices into a product, as an import does."""
    now = datetime.now(UTC)
    rows = [
        {
            "product_id": product_id,
            "device_id": device_id,
            "standing": "member",
            "development": False,
            "imported_at": now,
            "last_handshake_ms": 0,
            "firmware_version": 0,
            "name_key": "",
            "updated_at": now,
        }
        for device_id in device_ids
    ]
    _insert(folder, product_devices, rows)
    engine = make_engine(_database(folder))
    with engine.connect() as connection:
        connection.execution_options(write=True)
        with connection.begin():
            connection.execute(sa.update(devices).values(product_id=product_id))
    engine.dispose()


def add_stored_sessions(folder: Path, count: int, owner_id: str, seed: int) -> list[StoredDevice]:
    """Devices that said hello to an earlier process; it knows their functions and subscriptions."""
    random = Random(seed)
    named = [(random.randbytes(12), random.randbytes(SPKI_BYTES)) for _ in range(count)]
    _insert_devices(folder, [(device_id.hex(), spki) for device_id, spki in named], owner_id)
    settings = config.load({}, {"data_dir": str(folder)})
    box = SecretBox(load_or_create_key(settings.secret_key_file))
    stored, rows = [], []
    for device_id, spki in named:
        cid, keys = b"\0" + random.randbytes(7), random.randbytes(40)
        rows.append(msgspec.structs.asdict(_session_row(box, device_id, spki, cid, keys)))
        stored.append(StoredDevice(device_id.hex(), ClientState(keys, cid)))
    _insert(folder, device_sessions, rows)
    return stored


def count_events(folder: Path, name: str) -> int:
    """How many events of this name the database holds."""
    with make_engine(_database(folder)).connect() as connection:
        query = "SELECT count(*) FROM events WHERE name = ?"
        return int(connection.exec_driver_sql(query, (name,)).scalar_one())


def _session_row(
    box: SecretBox, device_id: bytes, spki: bytes, cid: bytes, keys: bytes
) -> SessionRow:
    hello = Hello(
        product_id=ARGON,
        product_version=0xFFFF,
        flags=0xF6,
        platform_id=ARGON,
        system_version=6200,
        max_message_bytes=1152,
        max_binary_bytes=917504,
        ota_chunk_bytes=512,
    )
    address = ("127.0.0.1", 9)
    snapshot = SessionSnapshot(
        cid=cid,
        device_id=device_id,
        address=address,
        spki_digest=sha256(spki).digest(),
        keys=keys,
        tx_limit=FIRST_LIMIT,
        rx_highest=-1,
        rx_window=0,
        finale=None,
    )
    return SessionRow(
        session_key=cid,
        shard=0,
        device_id=device_id.hex(),
        sealed=box.seal(snapshot.encode(), cid),
        tx_limit=FIRST_LIMIT,
        rx_highest=-1,
        host=address[0],
        port=address[1],
        hello=msgspec.json.encode(hello).decode(),
        subscriptions=SUBSCRIPTIONS,
        heard_ms=int(time.time() * 1000),
    )


def _insert_devices(folder: Path, keyed: Sequence[tuple[str, bytes]], owner_id: str) -> None:
    now = datetime.now(UTC)
    rows = [
        {
            "id": device_id,
            "owner_id": owner_id,
            "platform_id": ARGON,
            "firmware_version": 0,
            "system_version": 6200,
            "hello_flags": 0xF6,
            "max_message_bytes": 1152,
            "functions": ["led"],
            "variables": {"temperature": "double"},
            "system_description": _MODULES,
            "safe_mode": False,
            "updates_enabled": True,
            "updates_forced": False,
            "quarantined": False,
            "created_at": now,
            "claimed_at": now,
            "updated_at": now,
        }
        for device_id, _ in keyed
    ]
    _insert(folder, devices, rows)
    keys = [
        {
            "device_id": device_id,
            "algorithm": "ecc",
            "spki": spki,
            "spki_digest": sha256(spki).digest(),
            "created_at": now,
        }
        for device_id, spki in keyed
    ]
    _insert(folder, device_keys, keys)


def _insert(folder: Path, table: sa.Table, rows: list[dict[str, object]]) -> None:
    engine = make_engine(_database(folder))
    with engine.connect() as connection:
        connection.execution_options(write=True)
        with connection.begin():
            connection.execute(sa.insert(table), rows)
    engine.dispose()
    os.sync()


def _database(folder: Path) -> Path:
    return folder / "roadstead.db"

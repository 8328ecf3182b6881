"""Whether a version has run on a device of its product that came back with it.

The first such device is written down when its Hello changes the counts of versions; a device that
ran the version before it was uploaded is looked for here.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from roadstead.firmware.model import FirmwareVersion
from roadstead.kit.clock import from_ms, to_ms
from roadstead.products.membership_store import product_devices

_D = product_devices.c


@dataclass(frozen=True, slots=True)
class Proof:
    """That a version ran: when a device came back with it, and which, if that is known."""

    at: datetime
    device_id: str | None


def find_proof(conn: Connection, version: FirmwareVersion) -> Proof | None:
    """The proof of a version; None while there is none."""
    if version.proven_at is not None:
        return Proof(version.proven_at, version.proven_by)
    # A number may have been given to another build that was deleted before it was ever released,
    # so only what a device said since the upload counts.
    row = conn.execute(
        select(_D.device_id, _D.last_handshake_ms)
        .where(
            _D.product_id == version.product_id,
            _D.standing == "member",
            _D.firmware_version == version.version,
            _D.last_handshake_ms >= to_ms(version.uploaded_at),
        )
        .limit(1)
    ).first()
    return None if row is None else Proof(from_ms(row.last_handshake_ms), row.device_id)

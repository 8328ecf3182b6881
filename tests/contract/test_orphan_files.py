"""Files that no row names are removed, and no others."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.builders.firmware import OWNER, add_product, add_version

from roadstead.firmware import store
from roadstead.firmware.delivery.model import Delivery
from roadstead.firmware.delivery.store import changes_of, insert_open, write_deliveries
from roadstead.firmware.orphans import AGE, OrphanFiles
from roadstead.kit.clock import ManualClock
from roadstead.storage.blobs import FolderBlobs
from roadstead.storage.database import Database

A = 14_000


def flash(key: str) -> Delivery:
    return Delivery(
        id="0" * 24,
        device_id="e00fce680000000000000001",
        product_id=None,
        version=0,
        from_version=0,
        file_key=key,
        file_sha256="",
        file_bytes=1,
        cause="flash",
        reason="flash",
        asked_by=None,
        state="queued",
        requested_at_ms=0,
        deadline_ms=0,
    )


async def test_only_old_files_that_nothing_needs_go(database: Database, tmp_path: Path):
    blobs = FolderBlobs(tmp_path)

    def fill(conn) -> str:
        add_product(conn, A, owner=OWNER)
        add_version(conn, A, 7)
        found = store.find_version(conn, A, 7)
        assert found is not None
        return found.id

    version_id = await database.write(fill)
    kept = [f"firmware/{version_id}/file", f"firmware/{version_id}/asset-0"]
    sending, orphans = (
        "flash/1/file",
        ["firmware/gone/file", "firmware/gone/asset-1", "flash/2/file"],
    )
    for key in [*kept, sending, *orphans]:
        await blobs.put(key, b"x")
    one = flash(sending)
    await database.write(lambda conn: insert_open(conn, [one]))

    clock = ManualClock(datetime.now(UTC))
    sweeper = OrphanFiles(database, blobs, clock)
    assert await sweeper.sweep() == 0  # all of them are young
    clock.advance((AGE + timedelta(minutes=1)).total_seconds())
    assert await sweeper.sweep() == len(orphans)
    later = clock.now() + timedelta(days=1)
    for folder, expected in [("firmware", sorted(kept)), ("flash", [sending])]:
        assert [page async for page in blobs.list_older(folder, later)] == [expected]

    one.state, one.ended_at_ms = "failed", 1
    await database.write(lambda conn: write_deliveries(conn, [changes_of(one)]))
    assert await sweeper.sweep() == 1
    assert sweeper.removed == len(orphans) + 1

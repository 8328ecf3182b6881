"""What is acknowledged is stored: a killed writer, two writers at once, a full disk."""

import asyncio
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from roadstead.kit.errors import Unavailable
from roadstead.storage import migrate
from roadstead.storage.opening import open_database
from roadstead.storage.outbox import append, outbox_rows

pytestmark = pytest.mark.system

WRITER = """
import asyncio, sys
from roadstead.storage.journal import Journal
from roadstead.storage.opening import open_database
from roadstead.storage.outbox import outbox_rows

def write(conn, keys):
    conn.execute(outbox_rows.insert(), [{"at_s": 0, "topic": "t", "key": k} for k in keys])

async def main(url, name, limit):
    database = await open_database(url)
    journal = Journal(database, delay_s=0.001)
    running = asyncio.create_task(journal.run())
    for n in range(limit):
        key = f"{name}-{n}"
        journal.append(write, key, lambda error, key=key: error or print(key, flush=True))
        if n % 20 == 0:
            await asyncio.sleep(0.001)
    await journal.close()
    await database.close()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


def writer(url: str, name: str, limit: int, out: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WRITER, url, name, str(limit)]
    with out.open("wb") as file:
        return subprocess.Popen(command, stdout=file)


def stored_keys(url: str) -> set[str]:
    engine = sa.create_engine(url)
    with engine.connect() as conn:
        found = set(conn.execute(sa.select(outbox_rows.c.key)).scalars())
    engine.dispose()
    return found


def fresh(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'roadstead.db'}"
    migrate.upgrade(url)
    return url


def test_every_acknowledged_row_survives_a_kill(tmp_path: Path) -> None:
    url = fresh(tmp_path)
    for attempt in range(4):
        out = tmp_path / f"acknowledged-{attempt}"
        process = writer(url, f"run{attempt}", 1_000_000, out)
        deadline = time.monotonic() + 20
        while out.stat().st_size < 2000 * (attempt + 1) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        acknowledged = {line for line in out.read_text().split("\n")[:-1] if line}
        assert len(acknowledged) > 100
        assert acknowledged <= stored_keys(url)


def test_two_processes_may_write_at_once(tmp_path: Path) -> None:
    url = fresh(tmp_path)
    processes = [writer(url, name, 3000, tmp_path / name) for name in ("a", "b")]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert stored_keys(url) == {f"{name}-{n}" for name in ("a", "b") for n in range(3000)}


def test_a_full_disk_is_reported_and_left_behind_when_space_returns(tmp_path: Path) -> None:
    url = fresh(tmp_path)

    async def fill() -> None:
        database = await open_database(url)
        await database.write(lambda conn: append(conn, "t", "before"))
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        wal = (tmp_path / "roadstead.db-wal").stat().st_size
        old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (wal + 8192, limits[1]))
        try:
            with pytest.raises(Unavailable) as refused:
                await database.write(lambda conn: append(conn, "t", "x" * 200_000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, old)
        assert refused.value.code in ("disk_full", "database_unavailable")
        await database.write(lambda conn: append(conn, "t", "after"))
        await database.close()

    asyncio.run(fill())
    assert stored_keys(url) == {"before", "after"}


def test_the_database_file_is_the_only_place_of_data(tmp_path: Path) -> None:
    fresh(tmp_path)
    assert {file.name.split("-")[0] for file in tmp_path.iterdir()} == {"roadstead.db"}

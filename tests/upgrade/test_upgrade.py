"""A data folder that the first revision made, under the program as it is now.

``data/0001.tar.gz`` is a folder of the code before revision 0002, as it lay after a kill: an
administrator, a claimed and named device with a live session, events. ``0001.json`` names them.
"""

import json
import sqlite3
import tarfile
import time
from pathlib import Path

import pytest
from tests.system.harness import RoadsteadServer

from roadstead.storage import migrate

pytestmark = pytest.mark.system

DATA = Path(__file__).parent / "data"
REVISIONS = sorted(path.stem for path in DATA.glob("*.json"))
EMAIL, PASSWORD = "kim@example.com", "correct horse battery"


@pytest.fixture(params=REVISIONS)
def old_folder(request, tmp_path) -> tuple[RoadsteadServer, dict[str, str]]:
    """A server, not started, on the old folder; its token and session made young again."""
    server = RoadsteadServer(tmp_path)
    with tarfile.open(DATA / f"{request.param}.tar.gz") as tar:
        tar.extractall(server.data_dir, filter="data")
    with sqlite3.connect(server.data_dir / "roadstead.db") as connection:
        revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        assert revision == request.param != migrate.head_revision()
        connection.execute("UPDATE access_tokens SET expires_at = NULL")
        connection.execute("UPDATE device_sessions SET heard_ms = ?", (int(time.time() * 1000),))
    return server, json.loads((DATA / f"{request.param}.json").read_text())


def test_everything_is_there_after_the_upgrade(old_folder):
    server, facts = old_folder
    with server:
        assert "took over 1 device sessions" in server.read_log()
        with server.client(facts["token"]) as client:
            (device,) = client.get("/v1/devices").json()
        assert (device["id"], device["name"]) == (facts["device"], "fridge")
        assert server.log_in(EMAIL, PASSWORD)
        followed = server.command("doctor", "device", facts["device"]).stdout
        assert "kept from before the server's last start" in followed
        assert server.stop() == 0
    with sqlite3.connect(server.data_dir / "roadstead.db") as connection:
        revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        names = {row[0] for row in connection.execute("SELECT name FROM events")}
    assert revision == migrate.head_revision()
    assert "kept" in names


def test_the_trail_of_changes_is_still_whole(old_folder):
    server, _ = old_folder
    before = server.data_dir / "roadstead.db"
    with sqlite3.connect(before) as connection:
        rows = connection.execute("SELECT id, hash FROM audit_rows ORDER BY id").fetchall()
    assert rows
    assert server.command("db", "upgrade").returncode == 0
    with sqlite3.connect(before) as connection:
        after = connection.execute("SELECT id, hash FROM audit_rows ORDER BY id").fetchall()
    assert after == rows


def test_a_backup_of_the_old_folder_can_be_restored_and_upgraded(old_folder, tmp_path):
    server, facts = old_folder
    assert server.command("backup", "old.tar.gz").returncode == 0
    other = RoadsteadServer(tmp_path / "other")
    other.folder.mkdir()
    assert other.command("restore", str(tmp_path / "old.tar.gz")).returncode == 0
    with other, other.client(facts["token"]) as client:
        assert [device["id"] for device in client.get("/v1/devices").json()] == [facts["device"]]

"""Backups of a working server, and data folders made of them."""

import io
import sqlite3
import stat
import tarfile
import threading
from pathlib import Path

import httpx
import pytest
from tests.system.harness import RoadsteadServer

pytestmark = pytest.mark.system

PASSWORD = "correct horse"
USER = "jo@example.com"


def publish(server: RoadsteadServer, token: str, name: str) -> None:
    with server.client(token) as client:
        answer = client.post("/v1/devices/events", data={"name": name, "data": "1"})
    assert answer.status_code == 200, answer.text


def event_names(database: Path) -> set[str]:
    with sqlite3.connect(database) as connection:
        return {row[0] for row in connection.execute("SELECT name FROM events")}


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory):
    """A backup that was taken while events were published, and those acknowledged before it."""
    folder = tmp_path_factory.mktemp("live")
    archive = folder / "backup.tar.gz"
    acknowledged: list[str] = []
    with RoadsteadServer(folder) as server:
        server.create_user(USER, PASSWORD, admin=True)
        token = server.log_in(USER, PASSWORD)
        stop = threading.Event()

        def load() -> None:
            with httpx.Client(base_url=server.api_url, trust_env=False) as client:
                client.headers["Authorization"] = f"Bearer {token}"
                while not stop.is_set():
                    name = f"load-{len(acknowledged)}"
                    client.post("/v1/devices/events", data={"name": name}).raise_for_status()
                    acknowledged.append(name)

        thread = threading.Thread(target=load)
        thread.start()
        while len(acknowledged) < 20:
            assert thread.is_alive()
        before = list(acknowledged)
        done = server.command("backup", str(archive))
        taken_at = len(acknowledged)
        stop.set()
        thread.join()
    assert done.returncode == 0, done.stderr
    assert taken_at > len(before), "nothing was published while the backup was taken"
    return server, archive, before, token


def test_a_backup_under_load_holds_everything_acknowledged_before_it(backed_up, tmp_path):
    _, archive, before, _ = backed_up
    other = RoadsteadServer(tmp_path)
    done = other.command("restore", str(archive))
    assert (done.returncode, done.stderr) == (0, "")
    assert set(before) <= event_names(other.data_dir / "roadstead.db")


def test_a_restored_folder_serves_the_same_accounts_tokens_and_keys(backed_up, tmp_path):
    first, archive, _, token = backed_up
    with_keys = RoadsteadServer(tmp_path)
    assert with_keys.command("restore", str(archive)).returncode == 0
    for key in ("ec.pem", "rsa.pem", "secret.key"):
        restored = with_keys.data_dir / "keys" / key
        assert restored.read_bytes() == (first.data_dir / "keys" / key).read_bytes()
        assert stat.S_IMODE(restored.stat().st_mode) == 0o600
    assert stat.S_IMODE((with_keys.data_dir / "keys").stat().st_mode) == 0o700
    with with_keys as server, server.client(token) as client:
        assert client.get("/v1/user").json()["username"] == USER


def test_a_backup_is_readable_by_its_owner_only(backed_up):
    assert stat.S_IMODE(backed_up[1].stat().st_mode) == 0o600


def test_no_backup_is_overwritten(backed_up):
    first, archive, _, _ = backed_up
    content = archive.read_bytes()
    done = first.command("backup", str(archive))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert archive.read_bytes() == content
    assert not list(archive.parent.glob(".backup-*"))


def test_no_data_folder_is_overwritten(backed_up):
    first, archive, before, _ = backed_up
    done = first.command("restore", str(archive))
    assert done.returncode == 1
    assert "not empty" in done.stderr
    assert set(before) <= event_names(first.data_dir / "roadstead.db")


def rewritten(archive: Path, target: Path, change) -> Path:
    """The archive with each member's name and content changed by ``change`` (None drops it)."""
    with tarfile.open(archive) as old, tarfile.open(target, "w:gz") as new:
        for member in old:
            changed = change(member.name, old.extractfile(member).read())
            if changed is not None:
                info = tarfile.TarInfo(changed[0])
                info.size = len(changed[1])
                new.addfile(info, io.BytesIO(changed[1]))
    return target


@pytest.mark.parametrize(
    "change",
    [
        lambda name, content: (
            (name, content + b"x") if name.endswith("ec.pem") else (name, content)
        ),
        lambda name, content: None if name.endswith("ec.pem") else (name, content),
        lambda name, content: None if name == "manifest.json" else (name, content),
        lambda name, content: (name, b"{}" if name == "manifest.json" else content),
        lambda name, content: (name.replace("folder/", "folder/../../"), content),
        lambda name, content: ("/etc/" + name, content),
    ],
    ids=["changed", "missing", "no manifest", "empty manifest", "climbing", "absolute"],
)
def test_a_tampered_backup_changes_nothing(backed_up, tmp_path, change):
    bad = rewritten(backed_up[1], tmp_path / "bad.tar.gz", change)
    other = RoadsteadServer(tmp_path / "other")
    other.folder.mkdir()
    done = other.command("restore", str(bad))
    assert done.returncode == 2
    assert "no sound backup" in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(other.data_dir.iterdir()) == []


@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.99])
def test_a_backup_that_was_cut_off_is_refused(backed_up, tmp_path, kept):
    content = backed_up[1].read_bytes()
    bad = tmp_path / "bad.tar.gz"
    bad.write_bytes(content[: kept if kept in (0, 10) else int(len(content) * kept)])
    other = RoadsteadServer(tmp_path)
    done = other.command("restore", str(bad))
    assert done.returncode == 2, done.stdout
    assert "Traceback" not in done.stderr


def test_a_secret_key_outside_the_data_folder_is_kept_and_put_back(tmp_path):
    key = tmp_path / "elsewhere" / "secret.key"
    key.parent.mkdir()
    with RoadsteadServer(tmp_path, secret_key_file=str(key)) as server:
        assert server.command("backup", "b.tar.gz").returncode == 0
    content = key.read_bytes()
    key.unlink()
    new = RoadsteadServer(tmp_path, secret_key_file=str(key))
    new.data_dir = tmp_path / "new"
    done = new.command("restore", "b.tar.gz")
    assert (done.returncode, done.stderr) == (0, "")
    assert key.read_bytes() == content
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_postgresql_database_is_left_to_its_own_tool(tmp_path):
    server = RoadsteadServer(tmp_path, database_url="postgresql://jo:hidden@127.0.0.1:1/x")
    server.data_dir.mkdir()
    done = server.command("backup", "b.tar.gz")
    assert done.returncode == 2
    assert "pg_dump" in done.stderr
    assert "hidden" not in done.stderr

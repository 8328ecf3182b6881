"""``roadstead audit`` as a process, on the folder of a stopped server."""

import json
import sqlite3
from pathlib import Path

import pytest
from tests.system.harness import RoadsteadServer

pytestmark = pytest.mark.system


@pytest.fixture
def folder(tmp_path: Path) -> RoadsteadServer:
    made = RoadsteadServer(tmp_path)
    for name in ("jo", "kim", "sam"):
        arguments = ("user", "create", f"{name}@example.com", "--password-stdin")
        assert made.command(*arguments, stdin="correct horse").returncode == 0
    return made


def tamper(tmp_path: Path, statement: str) -> None:
    (path,) = tmp_path.rglob("roadstead.db")
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()


def test_changes_are_listed_newest_last(folder):
    done = folder.command("audit", "list", "--limit", "2", "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 2 and rows[0]["id"] < rows[1]["id"]
    target = rows[1]["target"]
    only = folder.command("audit", "list", "--target", target).stdout.splitlines()
    assert only and all(target in line for line in only)


def test_a_whole_trail_is_verified(folder):
    done = folder.command("audit", "verify")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("ok rows=")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_rows SET actor_name = 'mallory' WHERE id = 2",
        "DELETE FROM audit_rows WHERE id = 2",
        "UPDATE audit_rows SET at = at + 1 WHERE id = 1",
    ],
)
def test_a_changed_or_missing_row_is_found(folder, tmp_path, statement):
    tamper(tmp_path, statement)
    done = folder.command("audit", "verify")
    assert done.returncode == 1
    assert "broken at row" in done.stderr and "Traceback" not in done.stderr

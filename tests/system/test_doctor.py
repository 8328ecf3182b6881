"""The doctor on data folders that are well and ill, and on devices that stop on the way."""

import socket
import sqlite3
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.system.desk import Desk
from tests.system.harness import RoadsteadServer

pytestmark = pytest.mark.system

EMAIL, PASSWORD = "kim@example.com", "correct horse battery"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    deep = tmp_path_factory.mktemp("d" * 60) / ("e" * 60)  # sockets have short names only
    deep.mkdir()
    with RoadsteadServer(deep) as running:
        running.create_user(EMAIL, PASSWORD)
        yield running


def lines(done, level):
    return [line for line in done.stdout.splitlines() if line.startswith(level)]


def test_a_running_server_is_well(server):
    done = server.command("doctor")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert lines(done, "FAIL") == []
    subjects = {line.split()[1] for line in done.stdout.splitlines()}
    assert {"versions", "settings", "folder", "keys", "disk", "database", "clock"} <= subjects
    assert f"127.0.0.1:{server.http_port}" in done.stdout


def ill_server(tmp_path, **settings):
    ill = RoadsteadServer(tmp_path, **settings)
    with ill:
        assert ill.stop() == 0
    return ill


def spoil_mode(ill):
    (ill.data_dir / "keys" / "ec.pem").chmod(0o644)


def spoil_key(ill):
    (ill.data_dir / "keys" / "rsa.pem").write_text("nonsense")


def lose_key(ill):
    (ill.data_dir / "keys" / "secret.key").unlink()


def spoil_database(ill):
    (ill.data_dir / "roadstead.db").write_bytes(b"no database at all" * 100)


def make_clock_late(ill):
    ahead_ms = int((time.time() + 3600) * 1000)
    with sqlite3.connect(ill.data_dir / "roadstead.db") as connection:
        connection.execute(
            "INSERT INTO events (id, name, ttl_s, published_at_ms, source, firmware_version) "
            "VALUES (9000000000000000000, 'x', 60, ?, 'system', 0)",
            (ahead_ms,),
        )


@pytest.mark.parametrize(
    ("spoil", "subject", "advice"),
    [
        (spoil_mode, "keys", "chmod 600"),
        (spoil_key, "keys", "rsa.pem"),
        (lose_key, "keys", "backup"),
        (spoil_database, "database", "roadstead.db"),
        (make_clock_late, "clock", "NTP"),
    ],
)
def test_what_is_ill_is_named_with_what_to_do(tmp_path, spoil, subject, advice):
    ill = ill_server(tmp_path)
    spoil(ill)
    done = ill.command("doctor")
    assert done.returncode == 1
    failed = lines(done, "FAIL")
    assert {line.split()[1] for line in failed} == {subject}
    assert advice in " ".join(failed)
    assert done.stderr == ""


def test_a_port_in_use_is_named(tmp_path):
    ill = ill_server(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ill._settings["ROADSTEAD_HTTP"] = f"127.0.0.1:{taken.getsockname()[1]}"
        done = ill.command("doctor")
    assert any("ports" in line and "--http" in line for line in lines(done, "FAIL"))


def test_the_doctor_changes_nothing(tmp_path):
    nothing = RoadsteadServer(tmp_path)
    done = nothing.command("doctor")
    assert done.returncode == 1
    assert not nothing.data_dir.exists()


def test_settings_that_conflict_are_warned_about(tmp_path):
    odd = ill_server(tmp_path)
    odd._settings |= {
        "ROADSTEAD_HTTP": "0.0.0.0:0",
        "ROADSTEAD_UDP": "127.0.0.1:15684",
        "ROADSTEAD_PUBLIC_URL": "https://cloud.example.com",
        "ROADSTEAD_SINGUP": "open",
    }
    warned = " ".join(lines(odd.command("doctor"), "WARN"))
    for word in ("plain HTTP", "5684", "TRUSTED_PROXIES", "ROADSTEAD_SINGUP"):
        assert word in warned


async def test_a_connected_device_is_followed_to_its_end(server):
    desk = Desk(server.api_url, server.log_in(EMAIL, PASSWORD))
    device = await desk.put()
    try:
        done = server.command("doctor", "device", device.identity.text_id)
    finally:
        desk.clear()
    assert (done.returncode, lines(done, "FAIL")) == (0, []), done.stdout + done.stderr
    assert "functions" in done.stdout


def test_an_unknown_device_is_told_how_to_be_registered(server):
    done = server.command("doctor", "device", "e00fce68000000000000dead")
    assert done.returncode == 1
    assert "device register" in lines(done, "FAIL")[0]


def test_a_registered_device_that_never_came_is_told_so(server, tmp_path):
    key = tmp_path / "device.der"
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    key.write_bytes(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    device_id = "e00fce680000000000000abc"
    options = ("--public-key", str(key), "--platform", "13")
    assert server.command("device", "register", device_id, *options).returncode == 0
    done = server.command("doctor", "device", device_id)
    assert done.returncode == 1
    assert "firewall" in lines(done, "FAIL")[0]


def test_a_device_id_that_is_none_is_refused(server):
    done = server.command("doctor", "device", "123")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1

"""The real command as a process: exit codes, one-line errors, and a running server that hears."""

import stat
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.clients.second_factor import Authenticator
from tests.system.harness import ROADSTEAD, RoadsteadServer

pytestmark = pytest.mark.system

PASSWORD = "correct horse"


@pytest.fixture
def folder(tmp_path: Path) -> RoadsteadServer:
    """A data folder whose server does not run."""
    return RoadsteadServer(tmp_path)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoadsteadServer]:
    with RoadsteadServer(tmp_path_factory.mktemp("server")) as running:
        yield running


def make_key() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def make_line(number: int, *, platform: int = 12) -> str:
    return f"{number:024x},{b64encode(make_key()).decode()},{platform}"


def test_an_account_is_created_with_the_server_stopped(folder):
    done = folder.command("user", "create", "Jo@example.com", "--password-stdin", stdin=PASSWORD)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("created user jo@example.com id=")
    assert stat.S_IMODE(folder.data_dir.stat().st_mode) == 0o700
    again = folder.command("user", "create", "jo@example.com", "--password-stdin", stdin=PASSWORD)
    assert again.returncode == 1
    assert again.stderr.count("\n") == 1
    assert "jo@example.com" in again.stderr


def test_the_first_administrator_is_on_plan_enterprise_and_others_on_the_default(tmp_path):
    folder = RoadsteadServer(tmp_path, default_plan="product")
    first = folder.command(
        "user", "create", "a@example.com", "--password-stdin", "--admin", stdin=PASSWORD
    )
    second = folder.command("user", "create", "b@example.com", "--password-stdin", stdin=PASSWORD)
    assert "plan=enterprise" in first.stdout
    assert "plan=product" in second.stdout
    assert folder.command("plan", "set", "b@example.com", "developer").returncode == 0
    unknown = folder.command("plan", "set", "c@example.com", "developer")
    assert unknown.returncode == 1
    assert unknown.stderr.count("\n") == 1


@pytest.mark.parametrize("stdin", ["", "short", "x" * 200_000, "jo@example.com"])
def test_a_password_that_will_not_do_is_refused_before_anything_is_made(folder, stdin):
    done = folder.command("user", "create", "jo@example.com", "--password-stdin", stdin=stdin)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert not folder.data_dir.exists()


def test_without_a_terminal_the_password_must_come_by_stdin(folder):
    done = folder.command("user", "create", "jo@example.com")
    assert done.returncode == 2
    assert "--password-stdin" in done.stderr


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("http", "nowhere"),
        ("database_url", "mysql://x:secret@y/z"),
        ("device_timeout_s", "-1"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(tmp_path, key, value):
    done = RoadsteadServer(tmp_path, **{key: value}).command("serve")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"ROADSTEAD_{key.upper()}" in done.stderr
    assert "secret" not in done.stderr


def test_the_database_is_made_and_then_left_alone(folder):
    first = folder.command("db", "upgrade")
    second = folder.command("db", "upgrade")
    assert (first.returncode, second.returncode) == (0, 0)
    assert second.stdout.endswith(" already\n")
    assert first.stdout != second.stdout


def test_key_commands_that_start_together_write_the_same_key(folder):
    command = [*ROADSTEAD, "server-key", "export", "--format", "der"]
    started = [
        subprocess.Popen(command, stdout=subprocess.PIPE, env=folder.environment) for _ in range(3)
    ]
    written = {process.communicate(timeout=60)[0] for process in started}
    assert len(written) == 1
    assert len(written.pop()) == 91
    assert stat.S_IMODE((folder.data_dir / "keys" / "ec.pem").stat().st_mode) == 0o600


def test_one_device_is_registered_from_der_or_pem(folder, tmp_path):
    (tmp_path / "key.der").write_bytes(make_key())
    arguments = ("device", "register", "E" * 24, "--public-key", "key.der", "--platform", "12")
    done = folder.command(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"registered {'e' * 24}\n"
    assert folder.command(*arguments).stdout == f"unchanged {'e' * 24}\n"
    (tmp_path / "rsa.pem").write_bytes(subprocess_export(folder, "--kind", "rsa"))
    other = ("device", "register", "d" * 24, "--public-key", "rsa.pem", "--platform", "6")
    assert folder.command(*other).returncode == 0


def subprocess_export(folder: RoadsteadServer, *arguments: str) -> bytes:
    command = [*ROADSTEAD, "server-key", "export", "--format", "pem", *arguments]
    return subprocess.run(command, env=folder.environment, capture_output=True, check=True).stdout


def test_every_line_of_a_list_is_accounted_for(folder, tmp_path):
    good = [make_line(number) for number in range(1, 6)]
    lines = ["device_id,public_key,platform_id", *good, "", "nonsense", make_line(9)[:-3], good[0]]
    (tmp_path / "list.csv").write_text("\ufeff" + "\r\n".join(lines), newline="")
    done = folder.command("device", "register", "--from", "list.csv")
    assert done.returncode == 1
    assert done.stdout == "registered 5, unchanged 0, refused 3\n"
    refused = done.stderr.splitlines()
    assert [line.partition(":")[0] for line in refused] == ["line 8", "line 9", "line 10"]
    assert "line 2 already" in refused[-1]
    again = folder.command("device", "register", "--from", "-", stdin="\n".join(good))
    assert (again.returncode, again.stdout) == (0, "registered 0, unchanged 5, refused 0\n")


def test_a_key_that_another_device_has_is_refused_with_its_line(folder, tmp_path):
    first = make_line(1)
    stolen = f"{2:024x}," + first.split(",", 1)[1]
    (tmp_path / "list.csv").write_text(f"{first}\n{stolen}\n")
    done = folder.command("device", "register", "--from", "list.csv")
    assert done.returncode == 1
    assert done.stderr.startswith("line 2: ")


def test_output_into_a_closed_pipe_is_no_traceback(folder):
    command = f"{sys.executable} -c 'from roadstead.cli import main; main()' --help | true"
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, env=folder.environment, check=False
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_running_server_knows_a_new_account_at_once(server):
    server.create_user("mo@example.com", PASSWORD)
    token = server.log_in("mo@example.com", PASSWORD)
    with server.client(token) as client:
        assert client.get("/v1/user").json()["username"] == "mo@example.com"


def test_a_lost_second_factor_is_taken_away_by_the_operator(server):
    server.create_user("lost@example.com", PASSWORD)
    none = server.command("user", "disable-mfa", "lost@example.com")
    assert (none.returncode, none.stderr.count("\n")) == (1, 1)
    assert "has no second factor" in none.stderr
    with server.client(server.log_in("lost@example.com", PASSWORD)) as client:
        offer = client.get("/v1/user/mfa-enable").json()
        code = {"mfa_token": offer["mfa_token"], "otp": Authenticator(offer["secret"]).code()}
        client.post("/v1/user/mfa-enable", json=code).raise_for_status()
        with pytest.raises(AssertionError, match="mfa_required"):
            server.log_in("lost@example.com", PASSWORD)
        done = server.command("user", "disable-mfa", "Lost@example.com")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("removed the second factor of lost@example.com id=")
        assert server.log_in("lost@example.com", PASSWORD)
        assert client.get("/v1/user").json()["mfa"] == {"enabled": False}
    trail = server.command("audit", "list").stdout
    assert "user.disable_mfa" in trail
    unknown = server.command("user", "disable-mfa", "nobody@example.com")
    assert (unknown.returncode, "no account nobody@example.com" in unknown.stderr) == (1, True)


def test_a_running_server_offers_the_key_that_the_command_exports(server):
    exported = subprocess_export(server)
    answer = httpx.get(f"{server.api_url}/v1/server_keys", trust_env=False)
    assert answer.json()["udp"]["public_key_pem"].encode() == exported


def test_a_second_server_on_the_same_folder_is_refused_in_one_line(server):
    done = server.command("serve", "--http", "127.0.0.1:0", "--udp", "127.0.0.1:0", "--tcp", "off")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert str(server.data_dir) in done.stderr


def test_a_taken_port_is_one_line(server, tmp_path):
    other = RoadsteadServer(tmp_path)
    http = f"127.0.0.1:{server.http_port}"
    done = other.command("serve", "--http", http, "--udp", "off", "--tcp", "off")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert http in done.stderr


def test_an_asked_for_tcp_address_is_answered_and_the_server_goes_on(tmp_path):
    command = [*ROADSTEAD, "serve", "--http", "127.0.0.1:0", "--udp", "off", "--tcp", "127.0.0.1:0"]
    folder = RoadsteadServer(tmp_path)
    with subprocess.Popen(
        command,
        env=folder.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        ready = process.stdout.readline()
        assert ready.startswith("ready http=127.0.0.1:")
        assert ready.endswith(" udp=off tcp=off\n")
        started = time.monotonic()
        process.terminate()
        assert process.wait(15) == 0
        assert time.monotonic() - started < 10
        assert "TCP generation are not served" in process.stderr.readline()

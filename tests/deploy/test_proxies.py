"""The shipped proxy configurations in front of a real server, on other ports than 443."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.system.harness import RoadsteadServer
from tests.system.test_tls_and_logs import write_certificate

pytestmark = pytest.mark.system

DEPLOY = Path(__file__).parents[2] / "deploy"
EMAIL, PASSWORD = "kim@example.com", "correct horse battery"


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[RoadsteadServer]:
    folder = tmp_path_factory.mktemp("behind")
    settings = {"trusted_proxies": "127.0.0.1", "public_url": "https://cloud.example.com"}
    with RoadsteadServer(folder, **settings) as running:
        running.create_user(EMAIL, PASSWORD)
        yield running


def free_port() -> int:
    """A port that is free for TCP and for UDP; a proxy may speak HTTP/3."""
    while True:
        with (
            socket.create_server(("127.0.0.1", 0)) as listening,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        ):
            port = int(listening.getsockname()[1])
            try:
                datagrams.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def replaced(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        assert old in text, f"{old} is no longer in the shipped file"
        text = text.replace(old, new)
    return text


@contextlib.contextmanager
def running_proxy(command: list[str], port: int, log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + 20
            while True:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.05)
            yield
        finally:
            process.kill()  # Caddy would wait for open streams
            process.wait(10)


@pytest.fixture(params=["nginx", "caddy"])
def proxy_url(request, tmp_path, server) -> Iterator[str]:
    program = shutil.which(request.param) or shutil.which(request.param, path="/usr/sbin")
    if program is None:
        pytest.skip(f"{request.param} is not installed")
    port = free_port()
    write_certificate(tmp_path)
    start = nginx_command if request.param == "nginx" else caddy_command
    command = start(program, tmp_path, port, server.http_port)
    with running_proxy(command, port, tmp_path / "proxy.log"):
        yield f"https://127.0.0.1:{port}"


def nginx_command(program: str, folder: Path, port: int, backend: int) -> list[str]:
    shipped = replaced(
        (DEPLOY / "nginx.conf").read_text(),
        {
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            "127.0.0.1:8080": f"127.0.0.1:{backend}",
            "/etc/letsencrypt/live/cloud.example.com/fullchain.pem": f"{folder}/cert.pem",
            "/etc/letsencrypt/live/cloud.example.com/privkey.pem": f"{folder}/key.pem",
        },
    )
    folders = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log stderr;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{folders}{shipped}\n}}\n"
    )
    return [program, "-e", "stderr", "-c", str(folder / "nginx.conf")]


def caddy_command(program: str, folder: Path, port: int, backend: int) -> list[str]:
    shipped = replaced(
        (DEPLOY / "Caddyfile").read_text(),
        {
            "cloud.example.com {": f"https://127.0.0.1:{port} {{\n"
            f"\ttls {folder}/cert.pem {folder}/key.pem",
            "127.0.0.1:8080": f"127.0.0.1:{backend}",
        },
    )
    options = "{\n\tadmin off\n\tauto_https disable_redirects\n}\n"
    (folder / "Caddyfile").write_text(options + shipped)
    return [program, "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


@pytest.fixture
def client(proxy_url) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=proxy_url, verify=False, timeout=10, trust_env=False) as client:
        yield client


def test_the_api_works_through_the_proxy(client):
    form = {"grant_type": "password", "client_id": "particle", "client_secret": "particle"}
    form |= {"username": EMAIL, "password": PASSWORD}
    answer = client.post("/oauth/token", data=form)
    assert answer.status_code == 200, answer.text
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert client.get("/v1/devices", headers=bearer).json() == []


def test_a_caller_of_the_proxy_is_not_taken_for_this_machine_by_claiming_so(client):
    claimed = {"X-Forwarded-For": "127.0.0.1"}
    server_keys = client.get("/v1/server_keys", headers=claimed)
    assert server_keys.json()["udp"]["host"] == "cloud.example.com"


def test_an_event_reaches_a_stream_at_once_through_the_proxy(client, server):
    token = server.log_in(EMAIL, PASSWORD)
    bearer = {"Authorization": f"Bearer {token}"}
    with client.stream("GET", "/v1/devices/events", headers=bearer) as stream:
        assert stream.status_code == 200
        lines = stream.iter_lines()
        published_at = time.monotonic()
        with server.client(token) as direct:
            direct.post("/v1/devices/events", data={"name": "seen", "data": "1"})
        assert next(line for line in lines if line.startswith("event:")) == "event: seen"
        assert time.monotonic() - published_at < 2

"""HTTPS by certificate files, changed while the server runs; logs for programs, without secrets."""

import datetime
import hashlib
import ipaddress
import json
import os
import signal
import socket
import ssl
import time
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from tests.system.harness import RoadsteadServer, ServerDied

pytestmark = pytest.mark.system

EMAIL, PASSWORD = "kim@example.com", "correct horse battery"


def write_certificate(folder: Path) -> bytes:
    """A fresh pair cert.pem, key.pem; gives the certificate as DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return certificate.public_bytes(Encoding.DER)


def shown_certificate(port: int) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), 5) as plain,
        context.wrap_socket(plain) as encrypted,
    ):
        shown = encrypted.getpeercert(binary_form=True)
    assert shown is not None
    return shown


def tls_server(tmp_path: Path) -> RoadsteadServer:
    return RoadsteadServer(
        tmp_path, tls_cert=str(tmp_path / "cert.pem"), tls_key=str(tmp_path / "key.pem")
    )


def test_a_certificate_is_served_and_changed_by_sighup(tmp_path):
    first = write_certificate(tmp_path)
    with tls_server(tmp_path) as server:
        trusted = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
        url = f"https://127.0.0.1:{server.http_port}"
        with httpx.Client(base_url=url, verify=trusted, trust_env=False) as client:
            assert client.get("/healthz").status_code == 200
            second = write_certificate(tmp_path)
            assert shown_certificate(server.http_port) == first
            os.kill(server.pid, signal.SIGHUP)
            deadline = time.monotonic() + 5
            while shown_certificate(server.http_port) != second:
                assert time.monotonic() < deadline
            assert client.get("/healthz").status_code == 200, "open connections go on"
        (tmp_path / "cert.pem").write_text("nonsense")
        os.kill(server.pid, signal.SIGHUP)
        while "was not read again" not in server.read_log():
            assert time.monotonic() < deadline + 5
            time.sleep(0.05)
        assert shown_certificate(server.http_port) == second


def test_a_certificate_that_cannot_be_used_ends_the_start_with_one_line(tmp_path):
    write_certificate(tmp_path)
    (tmp_path / "key.pem").write_text("nonsense")
    with pytest.raises(ServerDied, match=r"The certificate .*cert\.pem"):
        tls_server(tmp_path).start()


def test_sighup_without_a_certificate_ends_nothing(tmp_path):
    with RoadsteadServer(tmp_path) as server:
        os.kill(server.pid, signal.SIGHUP)
        assert httpx.get(f"{server.api_url}/healthz", trust_env=False).status_code == 200


def test_the_log_is_json_where_wanted_and_holds_no_secret(tmp_path):
    with RoadsteadServer(tmp_path, log_format="json", log_level="debug") as server:
        server.create_user(EMAIL, PASSWORD)
        token = server.log_in(EMAIL, PASSWORD)
        with server.client(token) as client:
            client.get("/v1/devices")
            client.get(f"/v1/devices?access_token={token}")
            client.post("/v1/devices/events", data={"name": "x", "data": "inside-the-event"})
            client.post("/oauth/token", data={"username": EMAIL, "password": "wrong-password-1"})
            client.put("/v1/user", json={"current_password": PASSWORD, "password": "a new one 22"})
        server.stop()
    log = server.read_log()
    records = [json.loads(line) for line in log.splitlines()]
    assert len(records) > 1
    assert all(record.keys() >= {"at", "level", "logger", "message"} for record in records)
    keys = server.data_dir / "keys"
    secrets = [token, PASSWORD, "wrong-password-1", "a new one 22", "inside-the-event"]
    secrets += [
        hashlib.sha256(token.encode()).hexdigest(),
        (keys / "secret.key").read_bytes().hex(),
    ]
    secrets += (keys / "ec.pem").read_text().splitlines()[1:-1]
    assert [secret for secret in secrets if secret in log] == []


def test_only_what_is_severe_enough_is_logged(tmp_path):
    with RoadsteadServer(tmp_path, log_level="error") as server:
        server.stop()
    assert server.read_log() == ""

"""Letters reach a real mail server: by STARTTLS, by TLS from the start, with a password."""

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from tests.system.harness import RoadsteadServer
from tests.system.mail_server import PASSWORD, USERNAME, mail_server

from roadstead.outbound.mail import Mail, SmtpSender, parse_smtp_url

pytestmark = pytest.mark.system

LETTER = Mail("jo@example.com", "Grüße", "Zeile eins\nnoch eine\n")
CREDENTIALS = f"{USERNAME}:{quote(PASSWORD, safe='')}@"


def sender(url: str) -> SmtpSender:
    return SmtpSender(parse_smtp_url(url), "roadstead@cloud.test", lambda: datetime.now(UTC))


@pytest.mark.parametrize(("kind", "scheme"), [("starttls", "smtp"), ("tls", "smtps")])
async def test_a_letter_arrives_over_tls_with_a_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, scheme: str
) -> None:
    with mail_server(tmp_path, kind=kind) as (server, mailbox):
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        await sender(f"{scheme}://{CREDENTIALS}127.0.0.1:{server.port}").send(LETTER)
    (letter,) = mailbox.letters
    assert (letter["To"], letter["Subject"]) == ("jo@example.com", "Grüße")
    assert letter["From"] == letter["X-MailFrom"] == "roadstead@cloud.test"
    assert letter.get_content().replace("\r\n", "\n") == "Zeile eins\nnoch eine\n"


@pytest.mark.parametrize(
    ("url", "trusted", "error"),
    [
        (f"smtp://{USERNAME}:wrong@", True, "535"),
        ("smtp://", True, "Authentication required"),
        (f"smtp://{CREDENTIALS}", False, "certificate verify failed"),
    ],
)
async def test_a_letter_does_not_leave_without_a_right_password_and_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, trusted: bool, error: str
) -> None:
    with mail_server(tmp_path) as (server, mailbox):
        if trusted:
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        with pytest.raises(OSError, match=error):
            await sender(f"{url}127.0.0.1:{server.port}").send(LETTER)
    assert mailbox.letters == []


async def test_a_password_is_not_said_in_clear(tmp_path: Path) -> None:
    with mail_server(tmp_path, kind="plain") as (server, mailbox):
        with pytest.raises(OSError, match="offers no TLS"):
            await sender(f"smtp://{CREDENTIALS}127.0.0.1:{server.port}").send(LETTER)
        assert mailbox.letters == []
        await sender(f"smtp://127.0.0.1:{server.port}").send(LETTER)
    assert len(mailbox.letters) == 1


def test_a_password_is_reset_by_a_letter_from_a_real_server(tmp_path: Path) -> None:
    with mail_server(tmp_path) as (mail, mailbox):
        server = RoadsteadServer(
            tmp_path,
            smtp_url=f"smtp://{CREDENTIALS}127.0.0.1:{mail.port}",
            public_url="https://cloud.test",
        )
        server.extra_environment["SSL_CERT_FILE"] = str(tmp_path / "ca.pem")
        with server:
            server.create_user("jo@example.com", "an old password")
            asked = httpx.post(
                f"{server.api_url}/v1/user/password-reset",
                json={"username": "jo@example.com"},
                trust_env=False,
            )
            assert asked.status_code == 200
            deadline = time.monotonic() + 15
            while not mailbox.letters and time.monotonic() < deadline:
                time.sleep(0.05)
            (letter,) = mailbox.letters
            text = letter.get_content()
            token = re.search(r"https://cloud\.test/\S+[?&]token=(\S+)", text)
            assert token is not None, text
            done = httpx.put(
                f"{server.api_url}/v1/user/password-reset",
                json={"token": token[1], "password": "a new long password"},
                trust_env=False,
            )
            assert done.status_code == 200, done.text
            assert server.log_in("jo@example.com", "a new long password")

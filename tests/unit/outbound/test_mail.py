import asyncio
import stat
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from roadstead.kit.errors import Invalid
from roadstead.outbound.mail import FolderSender, Mail, SmtpServer, compose, parse_smtp_url
from roadstead.outbound.mailbox import ATTEMPTS, MailQueue

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("smtp://mail.test", SmtpServer("mail.test", 25, False)),
        ("smtp://jo:p%40ss@mail.test", SmtpServer("mail.test", 587, False, "jo", "p@ss")),
        ("smtps://mail.test", SmtpServer("mail.test", 465, True)),
        ("smtp://mail.test:2525/", SmtpServer("mail.test", 2525, False)),
    ],
)
def test_the_url_of_a_mail_server_is_read(text, server):
    assert parse_smtp_url(text) == server


@pytest.mark.parametrize("text", ["mail.test", "http://mail.test", "smtp://", "smtp://x:99999", ""])
def test_another_url_is_refused_without_repeating_it(text):
    with pytest.raises(Invalid) as refused:
        parse_smtp_url(text)
    assert "99999" not in refused.value.message


def test_a_line_break_cannot_add_a_header():
    with pytest.raises(ValueError, match="linefeed"):
        compose(Mail("jo@example.com", "Hello\r\nBcc: evil@example.com", ""), "a@b.c", AT)


async def test_a_letter_becomes_a_file_that_only_its_user_reads(tmp_path: Path):
    folder = tmp_path / "outbox"
    await FolderSender(folder, "roadstead@cloud.test", lambda: AT).send(
        Mail("jo@example.com", "Grüße", "Zeile eins\nnoch eine\n")
    )
    (path,) = folder.iterdir()
    assert path.suffix == ".eml" and stat.S_IMODE(path.stat().st_mode) == 0o600
    message = message_from_bytes(path.read_bytes(), policy=default)
    assert (message["To"], message["Subject"]) == ("jo@example.com", "Grüße")
    assert message.get_content().splitlines() == ["Zeile eins", "noch eine"]


class Flaky:
    def __init__(self, failures: int) -> None:
        self.failures, self.sent = failures, []

    async def send(self, mail: Mail) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("no route")
        self.sent.append(mail)


@pytest.mark.parametrize(("failures", "arrives"), [(0, True), (3, True), (ATTEMPTS, False)])
async def test_a_letter_is_tried_again_and_holds_up_none(failures, arrives):
    sender = Flaky(failures)
    queue = MailQueue(sender, first_pause_s=0)
    running = asyncio.create_task(queue.run())
    queue.post(Mail("jo@example.com", "first", ""))
    queue.post(Mail("jo@example.com", "second", ""))
    while queue.sent + queue.lost < 2:
        await asyncio.sleep(0)
    running.cancel()
    subjects = [mail.subject for mail in sender.sent]
    assert subjects == (["first", "second"] if arrives else ["second"])

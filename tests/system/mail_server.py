"""A real mail server on the loopback: STARTTLS or TLS from the start, and a password."""

import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

USERNAME, PASSWORD = "roadstead", "p@ss word/1"


class Mailbox(MessageHandler):
    """Keeps what it is given.

    Attributes:
        letters: in the order in which they came.
    """

    def __init__(self) -> None:
        super().__init__(EmailMessage)
        self.letters: list[Message] = []

    def handle_message(self, message: Message) -> None:
        self.letters.append(message_from_bytes(message.as_bytes(), policy=default))


class _Controller(Controller):
    """On a port that the system chooses."""

    def _trigger_server(self) -> None:
        """The knock by which ``start`` finds out whether the server answers."""
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        socket.create_connection(("127.0.0.1", self.port), 5).close()


@contextmanager
def mail_server(folder: Path, *, kind: str = "starttls") -> Iterator[tuple[Controller, Mailbox]]:
    """Runs a mail server that takes letters of USERNAME only.

    Args:
        folder: where ``ca.pem`` is written, which its clients have to trust.
        kind: ``starttls``, ``tls`` (from the start) or ``plain`` (no TLS, no password).
    """
    context = make_tls_context(folder)
    mailbox = Mailbox()
    secrets: dict[str, Any] = (
        {} if kind == "plain" else {"authenticator": _check, "auth_required": True}
    )
    if kind == "starttls":
        secrets |= {"tls_context": context, "require_starttls": True}
    if kind == "tls":
        secrets |= {"ssl_context": context, "auth_require_tls": False}
    controller = _Controller(mailbox, "127.0.0.1", 0, **secrets)
    controller.start()
    try:
        yield controller, mailbox
    finally:
        controller.stop()


def make_tls_context(folder: Path) -> ssl.SSLContext:
    """A server's context with a certificate for 127.0.0.1 that nobody else has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.test")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    return context


def _check(server: object, session: object, envelope: object, mechanism: str, data: object):
    given = isinstance(data, LoginPassword) and (data.login, data.password)
    return AuthResult(success=given == (USERNAME.encode(), PASSWORD.encode()), handled=False)

"""A real broker: Mosquitto as a process, in clear or with TLS."""

import asyncio
import contextlib
import datetime
import os
import shutil
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@dataclass
class Broker:
    """A broker, and what is needed to reach it."""

    folder: Path
    port: int
    ca: str | None
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"{'mqtts' if self.ca else 'mqtt'}://localhost:{self.port}"

    async def start(self) -> None:
        assert MOSQUITTO is not None
        self.process = await asyncio.create_subprocess_exec(
            MOSQUITTO, "-c", str(self.folder / "broker.conf"),
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        async with asyncio.timeout(10):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()
                    return
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            await self.process.wait()
            self.process = None


@contextlib.asynccontextmanager
async def open_broker(folder: Path, *, tls: bool = False) -> AsyncIterator[Broker]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = [f"listener {port} 127.0.0.1", "allow_anonymous true", "persistence false"]
    ca = None
    if tls:
        ca = _certificate(folder)
        config += [f"certfile {folder / 'cert.pem'}", f"keyfile {folder / 'key.pem'}"]
    if os.getuid() == 0:
        config.append("user root")
    (folder / "broker.conf").write_text("\n".join(config) + "\n")
    broker = Broker(folder, port, ca)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


def _certificate(folder: Path) -> str:
    """A certificate for ``localhost`` that signs itself; gives it in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("192.0.2.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    (folder / "cert.pem").write_bytes(pem)
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pem.decode()

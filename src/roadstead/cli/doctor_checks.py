"""What can be wrong with a server on this machine, looked at without changing anything."""

import asyncio
import contextlib
import platform
import shutil
import socket
import sqlite3
import ssl
import stat
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from roadstead import __version__
from roadstead.cli.findings import Finding, Level
from roadstead.cli.serve import list_warnings
from roadstead.config import Address, Settings
from roadstead.devices.server_keys import ServerKeys
from roadstead.gateway import operator_socket
from roadstead.kit.errors import DomainError
from roadstead.storage import migrate
from roadstead.storage.disk import LITTLE_DISK_BYTES, NO_DISK_BYTES
from roadstead.storage.opening import SQLITE_PREFIX, open_database, sqlite_path
from roadstead.storage.secret_box import load_or_create_key

DEVICE_PORT = 5684
"""The port that devices have stored; they ignore another (device protocol notes §1.2)."""

CLOCK_BEHIND_S = 120
"""How far the newest event may lie ahead of this machine's clock before the clock is wrong."""

BUILT_AT = datetime(2025, 1, 1, tzinfo=UTC)
"""A clock before this is not set: the program is younger."""


def check_server(settings: Settings, env: Mapping[str, str]) -> Iterator[Finding]:
    """All findings, in the order in which one would look."""
    yield _check_versions()
    yield from _check_settings(settings, env)
    if not settings.data_dir.is_dir():
        yield Finding(
            "FAIL", "folder", f"{settings.data_dir} does not exist; roadstead serve makes it"
        )
        return
    yield _check_mode("folder", settings.data_dir, 0o077)
    yield from _check_keys(settings)
    yield _check_disk(settings.data_dir)
    yield from _check_database(settings)
    yield from _check_ports(settings)


def _check_versions() -> Finding:
    libraries = f"SQLite {sqlite3.sqlite_version}, {ssl.OPENSSL_VERSION}"
    words = f"Roadstead {__version__}, Python {platform.python_version()}, {libraries}"
    return Finding("OK", "versions", words)


def _check_settings(settings: Settings, env: Mapping[str, str]) -> Iterator[Finding]:
    warnings = [*list_warnings(settings, env), *list_conflicts(settings)]
    for line in warnings:
        yield Finding("WARN", "settings", line)
    if not warnings:
        yield Finding("OK", "settings", "no conflicts")


def list_conflicts(settings: Settings) -> Iterator[str]:
    """Settings that do not go together, one sentence each."""
    public, proxies = settings.public_url, settings.trusted_proxies
    encrypted = settings.tls_cert is not None
    if settings.http.host not in ("127.0.0.1", "::1", "localhost") and not (encrypted or proxies):
        yield (
            f"the API listens on {settings.http} in plain HTTP, so passwords cross the network in "
            "clear: set ROADSTEAD_TLS_CERT and ROADSTEAD_TLS_KEY, or put a proxy in front and name "
            "it in ROADSTEAD_TRUSTED_PROXIES."
        )
    if public is not None and public.startswith("https:") and not (encrypted or proxies):
        yield (
            "ROADSTEAD_PUBLIC_URL is https, but there is no certificate and no trusted proxy: "
            "callers would all seem to come from the proxy; set ROADSTEAD_TRUSTED_PROXIES."
        )
    if proxies and public is None:
        yield "ROADSTEAD_TRUSTED_PROXIES is set without ROADSTEAD_PUBLIC_URL; links may be wrong."
    if settings.udp is not None and settings.udp.port not in (0, DEVICE_PORT):
        yield f"devices arrive at port {DEVICE_PORT}, but the server listens on {settings.udp}."


def _check_mode(subject: str, path: Path, forbidden: int) -> Finding:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & forbidden:
        right = mode & ~forbidden
        return Finding(
            "FAIL",
            subject,
            f"{path} has mode {mode:04o}: others get in; run chmod {right:o} {path}",
        )
    return Finding("OK", subject, f"{path} mode {mode:04o}")


def _check_keys(settings: Settings) -> Iterator[Finding]:
    keys = (settings.keys_dir / "ec.pem", settings.keys_dir / "rsa.pem", settings.secret_key_file)
    missing = [str(path) for path in keys if not path.exists()]
    if len(missing) == len(keys):
        yield Finding("WARN", "keys", "there are none yet; the first roadstead serve makes them")
        return
    if missing:
        yield Finding(
            "FAIL",
            "keys",
            f"missing: {', '.join(missing)}; restore it from a backup, because devices know the "
            "server by its key",
        )
        return
    for path in keys:
        yield _check_mode("keys", path, 0o077)
    try:
        ServerKeys.load_or_create(settings.keys_dir)
        load_or_create_key(settings.secret_key_file)
    except DomainError as error:
        yield Finding("FAIL", "keys", error.message)


def _check_disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    level: Level = "OK"
    words = f"{free / 1024**3:.1f} GiB free at {folder}"
    if free < LITTLE_DISK_BYTES:
        level = "FAIL" if free < NO_DISK_BYTES else "WARN"
        words += "; make room: events fill it, and a full disk stops accepting them"
    return Finding(level, "disk", words)


def _check_database(settings: Settings) -> Iterator[Finding]:
    url = settings.database_url
    if url.startswith(SQLITE_PREFIX) and not sqlite_path(url).exists():
        yield Finding("WARN", "database", "there is none yet; the first roadstead serve makes it")
        yield _check_clock(None)
        return
    try:
        revision, head = migrate.current_revision(url), migrate.head_revision()
        newest_ms = asyncio.run(_find_newest_event_ms(url)) if revision else None
    except DomainError as error:
        yield Finding("FAIL", "database", error.message)
        return
    if revision == head:
        yield Finding("OK", "database", f"revision {revision}, that of this version")
    else:
        words = f"revision {revision}, this version has {head}; roadstead db upgrade brings it up"
        yield Finding("WARN", "database", words + " (so does roadstead serve)")
    yield _check_clock(newest_ms)


async def _find_newest_event_ms(url: str) -> int | None:
    database = await open_database(url)
    newest = sa.text("SELECT published_at_ms FROM events ORDER BY id DESC LIMIT 1")
    try:
        found: int | None = await database.read(lambda conn: conn.execute(newest).scalar())
    finally:
        await database.close()
    return found


def _check_clock(newest_ms: int | None) -> Finding:
    now = datetime.now(UTC)
    if now < BUILT_AT:
        return Finding(
            "FAIL", "clock", f"it says {now:%Y-%m-%d}; set it: devices take theirs from it"
        )
    ahead_s = 0 if newest_ms is None else newest_ms / 1000 - now.timestamp()
    if ahead_s > CLOCK_BEHIND_S:
        words = f"it is {ahead_s:.0f} s behind the newest stored event; turn on NTP"
        return Finding("FAIL", "clock", words)
    return Finding("OK", "clock", f"{now:%Y-%m-%d %H:%M:%S} UTC")


def _check_ports(settings: Settings) -> Iterator[Finding]:
    running = operator_socket.ask(settings.data_dir, "server")
    if running is not None:
        words = f"Roadstead {running['version']} runs on this folder, at {running['http']}"
        yield Finding("OK", "server", words)
        if running["version"] != __version__:
            yield Finding("WARN", "server", f"restart it: {__version__} is installed")
        return
    yield Finding("WARN", "server", "no server runs on this folder")
    yield _check_port("http", settings.http, socket.SOCK_STREAM)
    if settings.udp is not None:
        yield _check_port("udp", settings.udp, socket.SOCK_DGRAM)


def _check_port(option: str, address: Address, kind: socket.SocketKind) -> Finding:
    try:
        family, _, _, _, resolved = socket.getaddrinfo(*address, type=kind)[0]
        with contextlib.closing(socket.socket(family, kind)) as trial:
            if kind == socket.SOCK_STREAM:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(resolved)
    except OSError as error:
        words = f"{option} {address} cannot be used ({error.strerror or error}); choose another"
        return Finding("FAIL", "ports", f"{words} with --{option}")
    return Finding("OK", "ports", f"{option} {address} is free")

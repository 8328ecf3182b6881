"""Settings: every key of the server with its unit, default and reason.

A key is given as an option of the command line (``--data-dir``), else as an environment variable
(``ROADSTEAD_DATA_DIR``), else in ``roadstead.toml`` (``data_dir``), else it has its default. An
empty variable counts as not given. Nothing reads a setting from a global: ``load`` makes one frozen
value, and the composition root hands each part what it needs.
"""

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from roadstead.identity.credentials import parse_username
from roadstead.kit.errors import Invalid, Unavailable
from roadstead.kit.toml_texts import read_texts
from roadstead.organizations.model import PLAN_NAMES, PlanName
from roadstead.organizations.per_plan import PerPlan, parse_event_days, parse_event_size
from roadstead.outbound.mail import parse_smtp_url
from roadstead.storage.blobs import parse_blobs_url

PREFIX = "ROADSTEAD_"

MAX_DEVICE_TIMEOUT_S = 300.0
"""Longest wait for a device that may be set; beyond it the client's own socket gives up first."""

CONFIG = "config"
"""Option and variable that name the settings file."""

FILE_NAME = "roadstead.toml"
"""The settings file in the data folder, read when no other is named."""

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_IPV6 = re.compile(r"[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?")


class Address(NamedTuple):
    """Where to listen: a host name or IP address, and a port (0 = any free one)."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of one server."""

    data_dir: Path
    """Folder of everything that must be kept: database, keys. The one folder to back up. Default
    ``./roadstead-data``, so that a first try leaves nothing outside its folder."""

    http: Address
    """Where the API listens. Default 127.0.0.1:8080: plain HTTP belongs behind a TLS proxy."""

    udp: Address | None
    """Where devices arrive over UDP, or None for ``off``. Default 0.0.0.0:5684, because devices
    ignore any other port that is stored in them (device protocol notes §1.2)."""

    tcp: Address | None
    """Where devices of the TCP generation arrive, or None for ``off``. Default 0.0.0.0:5683."""

    database: str | None
    """Given URL of the database, or None for the SQLite file in the data folder; read
    ``database_url``. Key ``ROADSTEAD_DATABASE_URL``."""

    bus_url: str | None
    """Bus between processes. Default none: one process needs none. This version serves as one
    process and refuses any value, rather than ignore it."""

    blobs_url: str | None
    """Object store of firmware files, ``s3://BUCKET/PREFIX``; credentials are in its own variables
    (``AWS_…``). Default none: the folder ``blobs`` in the data folder."""

    signup: Literal["invite", "open"]
    """Whether strangers may create accounts. Default invite: a server is its owner's first."""

    allow_private_targets: bool
    """Whether webhooks may reach private and loopback addresses. Default off: a tenant must not be
    able to look into the network that the server stands in. Link-local addresses and those where
    clouds give a machine its credentials stay refused."""

    default_plan: PlanName
    """Plan of a new account. Default developer, the smallest."""

    unknown_devices: Literal["refuse", "quarantine"]
    """What happens to a device whose key nobody registered. Default refuse."""

    secret_key_file: Path
    """The 32-byte key that encrypts secrets at rest. Default ``secret.key`` in ``keys_dir``; put it
    elsewhere to keep it apart from the backups of the database."""

    public_url: str | None
    """Origin under which people reach the API (``https://cloud.example.com``), for links and for
    the host that devices are pointed to. Default None: taken from the request."""

    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    """Networks of proxies whose forwarded client addresses are believed. Default none."""

    rate_limits: bool
    """Whether requests per client address are limited, and failed sign-ins lock. Default on."""

    smtp_url: str | None
    """Mail server, ``smtp://user:password@host:587`` or ``smtps://…``. Default None: letters go
    to ``outbox`` in the data folder as ``.eml`` files, and the log names each."""

    mail_from: str | None
    """Sender of letters. Default None: ``roadstead@`` and the host of the public URL."""

    device_timeout_s: float
    """Seconds to wait for the answer of a connected device. Default 30, as in the field."""

    device_events_per_s: int
    """Events that one device may publish in a second, with bursts of four times as many; its system
    has 255 in 65 seconds. What is beyond is answered with 4.29 and not stored. Default 0: no limit,
    because Device OS itself keeps applications to one a second."""

    tls_cert: Path | None
    """File of the certificate chain (PEM) for HTTPS; read again on SIGHUP. Default None: plain
    HTTP, for this machine or behind a proxy."""

    tls_key: Path | None
    """File of the private key (PEM) to ``tls_cert``. Default None; one needs the other."""

    log_format: Literal["text", "json"]
    """Lines of the log on stderr: for people, or one JSON object each for a log store. Default
    text."""

    log_level: Literal["debug", "info", "warning", "error"]
    """Least severity that is logged. Default info."""

    events_days: PerPlan
    """Days that events are kept, for all plans or as ``developer=7,product=30``; 0 keeps all.
    Default 7: long enough to look back, and no disk fills up."""

    events_size: PerPlan
    """Bytes of events kept for an account or product, the newest, likewise (``500MB``, ``20GB``);
    0 sets no limit. Default 1GB on the smallest plan, so that one tenant cannot fill the disk."""

    deliveries_days: int
    """Days that deliveries of webhooks can be looked up and replayed; 0 keeps all. Default 7."""

    firmware_history_days: int
    """Days that the history of firmware updates is kept, in each device's `firmware_history`; 0
    keeps all. Default 400: a year with something to compare it with."""

    updates_at_once: int
    """Transfers of firmware at the same time. Default 500: each takes some kilobytes of memory."""

    update_bytes_per_s: int
    """Content of firmware sent to all devices together, in bytes per second. Default 32000000:
    leaves room for everything else on one core."""

    simulated_devices: int
    """Simulated devices that the server runs at the same time for people who have no board yet, one
    for each and for half an hour. Default 10; 0 turns them off."""

    tcp_given: bool = False
    """Whether ``tcp`` was asked for by name and is not the default."""

    @property
    def database_url(self) -> str:
        """URL of the database: the given one, or the SQLite file in the data folder."""
        return self.database or f"sqlite:///{self.data_dir / 'roadstead.db'}"

    @property
    def outbox_dir(self) -> Path:
        """Folder of letters where no mail server is set."""
        return self.data_dir / "outbox"

    @property
    def templates_dir(self) -> Path:
        """Folder of the operator's own templates of integrations; it need not exist."""
        return self.data_dir / "templates"

    @property
    def mail_sender(self) -> str:
        """Sender of letters."""
        host = urlsplit(self.public_url).hostname if self.public_url else None
        return self.mail_from or f"roadstead@{host or 'localhost'}"

    @property
    def blobs_dir(self) -> Path:
        """Folder of firmware files where no object store is set."""
        return self.data_dir / "blobs"

    @property
    def keys_dir(self) -> Path:
        """Folder of the server's own keys (ec.pem, rsa.pem), mode 0700."""
        return self.data_dir / "keys"


def load(env: Mapping[str, str], overrides: Mapping[str, str | None] | None = None) -> Settings:
    """Makes the settings of this process.

    Args:
        env: the environment.
        overrides: texts by key name (``data_dir``), which win over ``env``; None = not given.

    Raises:
        Invalid: ``bad_setting``; the sentence names the key, the value and what is accepted.
    """
    given = {name: _given(name, env, overrides or {}) for name in _KEYS}
    in_file = _read_file(env, overrides or {}, given["data_dir"])
    values: dict[str, Any] = {}
    for name, key in _KEYS.items():
        if given[name] is None:
            given[name] = in_file.get(name)
        text = given[name]
        values[name] = key.parse(name, key.default if text is None else text)
    if (values["tls_cert"] is None) != (values["tls_key"] is None):
        raise Invalid("bad_setting", "ROADSTEAD_TLS_CERT and ROADSTEAD_TLS_KEY go together.")
    data_dir = values["data_dir"]
    secret_key_file = values["secret_key_file"] or data_dir / "keys" / "secret.key"
    database = values.pop("database_url")
    return Settings(
        **{**values, "secret_key_file": secret_key_file},
        database=database,
        tcp_given=given["tcp"] is not None,
    )


def list_unknown(env: Mapping[str, str]) -> list[str]:
    """Variables that begin with ``ROADSTEAD_`` and mean nothing here, most likely misspelt."""
    known = {PREFIX + name.upper() for name in (*_KEYS, CONFIG)}
    return sorted(name for name in env if name.startswith(PREFIX) and name not in known)


def ensure_folders(settings: Settings) -> None:
    """Creates the data folder and its ``keys`` folder (mode 0700) where they are missing.

    Raises:
        Unavailable: ``data_dir_unusable`` when a folder cannot be made or written to.
    """
    for folder in (settings.data_dir, settings.keys_dir):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(
                "data_dir_unusable", f"Cannot create the folder {folder}: {error.strerror}."
            ) from error
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise Unavailable(
                "data_dir_unusable", f"The folder {folder} cannot be read and written by this user."
            )


def parse_address(name: str, text: str) -> Address:
    """``HOST:PORT``, with an IPv6 host in brackets.

    Raises:
        Invalid: ``bad_setting``.
    """
    host, colon, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else None
    shaped = _IPV6.fullmatch(bare) if bare is not None else _HOST.fullmatch(host)
    if not colon or not shaped or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        raise _refuse(name, text, "HOST:PORT with a port from 0 to 65535, as in 127.0.0.1:8080")
    return Address(host if bare is None else bare, int(port))


def _given(name: str, env: Mapping[str, str], overrides: Mapping[str, str | None]) -> str | None:
    override = overrides.get(name)
    return override if override is not None else (env.get(PREFIX + name.upper()) or None)


def _read_file(
    env: Mapping[str, str], overrides: Mapping[str, str | None], data_dir: str | None
) -> dict[str, str]:
    """Texts by key name of the file that was named, or of the one in the data folder."""
    named = _given(CONFIG, env, overrides)
    folder = _parse_path("data_dir", data_dir or _KEYS["data_dir"].default)
    path = _parse_path(CONFIG, named or f"{folder}/{FILE_NAME}")
    assert path is not None
    try:
        texts = read_texts(path)
    except (FileNotFoundError, NotADirectoryError):
        if named is None:
            return {}
        raise Invalid("bad_setting", f"There is no file {path}.") from None
    if named is None and "data_dir" in texts:
        raise Invalid("bad_setting", f"data_dir cannot be set in {path}, which lies in it.")
    for name in texts.keys() - _KEYS.keys():
        close = difflib.get_close_matches(name, _KEYS, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise Invalid("bad_setting", f"{name} in {path} means nothing to this version.{hint}")
    return texts


def _refuse(name: str, text: str, accepted: str) -> Invalid:
    return Invalid("bad_setting", f"{PREFIX}{name.upper()} is {text!r}; accepted is {accepted}.")


def _parse_listener(name: str, text: str) -> Address | None:
    if text.lower() == "off":
        return None
    try:
        return parse_address(name, text)
    except Invalid:
        raise _refuse(name, text, "HOST:PORT with a port from 0 to 65535, or off") from None


def _parse_path(name: str, text: str) -> Path | None:
    if "\0" in text:
        raise _refuse(name, text, "a path of the file system")
    try:
        return Path(text).expanduser().absolute() if text else None
    except RuntimeError:
        raise _refuse(name, text, "a path; the home folder of that user is unknown") from None


def _parse_database_url(name: str, text: str) -> str | None:
    if not text or re.match(r"(sqlite:///|postgresql(\+asyncpg)?://)[^\s\0]+$", text):
        return text or None
    # A mistyped URL may hold a password, so only what comes before it is repeated.
    shown = text.partition("://")[0][:20] + "://…" if "://" in text else "…"
    raise _refuse(name, shown, "sqlite:///FILE, postgresql://… or postgresql+asyncpg://…")


def _parse_not_served(name: str, text: str) -> None:
    if text:
        raise _refuse(name, text, "nothing: this version does not offer it")


def _parse_public_url(name: str, text: str) -> str | None:
    if not text:
        return None
    accepted = "an origin without a path, as in https://cloud.example.com"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _refuse(name, text, accepted) from None
    plain = parts.path in ("", "/") and not parts.query and not parts.fragment
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain or "@" in text:
        raise _refuse(name, text, accepted)
    if not (_HOST.fullmatch(parts.hostname) or _IPV6.fullmatch(parts.hostname)):
        raise _refuse(name, text, accepted)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")


def _parse_smtp_url(name: str, text: str) -> str | None:
    try:
        if text:
            parse_smtp_url(text)
        return text or None
    except Invalid:
        # The text may hold a password, so it is not repeated.
        raise _refuse(name, "…", "smtp://user:password@host:port or smtps://…") from None


def _parse_mail_address(name: str, text: str) -> str | None:
    try:
        return parse_username(text) if text else None
    except Invalid:
        raise _refuse(name, text, "an e-mail address") from None


def _parse_networks(name: str, text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError:
        accepted = "addresses or networks joined by commas, as in 10.0.0.0/8,::1"
        raise _refuse(name, text, accepted) from None


def _parse_switch(name: str, text: str) -> bool:
    if text.lower() not in ("on", "off", "true", "false"):
        raise _refuse(name, text, "on or off (true and false are read too)")
    return text.lower() in ("on", "true")


def _parse_seconds(name: str, text: str) -> float:
    shaped = re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3})?", text)
    if not shaped or not 1 <= float(text) <= MAX_DEVICE_TIMEOUT_S:
        raise _refuse(name, text, f"seconds from 1 to {MAX_DEVICE_TIMEOUT_S:g}")
    return float(text)


def _parse_days(name: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text):
        raise _refuse(name, text, "a number of days up to 99999")
    return int(text)


def _parse_number(least: int, most: int) -> Callable[[str, str], int]:
    def parse(name: str, text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text) or not least <= int(text) <= most:
            raise _refuse(name, text, f"a whole number from {least} to {most}")
        return int(text)

    return parse


def _one_of(*choices: str) -> Callable[[str, str], str]:
    def parse(name: str, text: str) -> str:
        if text.lower() not in choices:
            raise _refuse(name, text, ", ".join(choices[:-1]) + f" or {choices[-1]}")
        return text.lower()

    return parse


class _Key(NamedTuple):
    parse: Callable[[str, str], Any]
    default: str


_KEYS: dict[str, _Key] = {
    "data_dir": _Key(_parse_path, "roadstead-data"),
    "http": _Key(parse_address, "127.0.0.1:8080"),
    "udp": _Key(_parse_listener, "0.0.0.0:5684"),
    "tcp": _Key(_parse_listener, "0.0.0.0:5683"),
    "database_url": _Key(_parse_database_url, ""),
    "bus_url": _Key(_parse_not_served, ""),
    "blobs_url": _Key(parse_blobs_url, ""),
    "signup": _Key(_one_of("invite", "open"), "invite"),
    "allow_private_targets": _Key(_parse_switch, "off"),
    "default_plan": _Key(_one_of(*PLAN_NAMES), "developer"),
    "unknown_devices": _Key(_one_of("refuse", "quarantine"), "refuse"),
    "secret_key_file": _Key(_parse_path, ""),
    "public_url": _Key(_parse_public_url, ""),
    "trusted_proxies": _Key(_parse_networks, ""),
    "rate_limits": _Key(_parse_switch, "on"),
    "smtp_url": _Key(_parse_smtp_url, ""),
    "mail_from": _Key(_parse_mail_address, ""),
    "device_timeout_s": _Key(_parse_seconds, "30"),
    "device_events_per_s": _Key(_parse_number(0, 1000), "0"),
    "tls_cert": _Key(_parse_path, ""),
    "tls_key": _Key(_parse_path, ""),
    "log_format": _Key(_one_of("text", "json"), "text"),
    "updates_at_once": _Key(_parse_number(1, 20_000), "500"),
    "update_bytes_per_s": _Key(_parse_number(1000, 10_000_000_000), "32000000"),
    "deliveries_days": _Key(_parse_days, "7"),
    "firmware_history_days": _Key(_parse_days, "400"),
    "events_days": _Key(parse_event_days, "7"),
    "events_size": _Key(parse_event_size, "developer=1GB"),
    "simulated_devices": _Key(_parse_number(0, 1000), "10"),
    "log_level": _Key(_one_of("debug", "info", "warning", "error"), "info"),
}

assert {*_KEYS} == {f.name for f in fields(Settings)} - {"database", "tcp_given"} | {"database_url"}

"""Where does this device stop? Pure: from what is registered and what the server saw."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from roadstead.cli.findings import Finding

FAILURES = {
    "bad_signature": "it does not have the private key of the registered public key",
    "bad_finished": "device and server disagree about the keys of the session; most often the "
    "device holds another server's public key: run roadstead server-key export --host and put "
    "the file into the device",
    "bad_agreement": "its key agreement was no point of the curve",
    "expired": "it did not go on in time: packets are lost on the way back to it, or it does not "
    "accept the server's key (export it with roadstead server-key export --host)",
    "restarted": "it began again before it was done: answers do not reach it in time, or it does "
    "not accept the server's key (export it with roadstead server-key export --host)",
    "key_refused": "its key was not known then",
    "unsupported": "it offered no cipher suite of a Device OS device; this may be another program",
    "bad_key": "its public key is no P-256 key",
}
"""What the reasons of ``HandshakeFailed`` mean to a person."""


class Known(NamedTuple):
    """What the database says of the device.

    Attributes:
        key_digest: SHA-256 of the registered key in hexadecimal; None without a key.
    """

    key_digest: str | None
    claimed: bool
    quarantined: bool


def follow(
    device_id: str, known: Known | None, trace: Mapping[str, Any] | None, now: datetime
) -> Iterator[Finding]:
    """One line for each stage that the device reached, and what to do where it stops.

    Args:
        device_id: 24 hexadecimal digits.
        known: None when nobody registered it.
        trace: what the running server answers (``Gateway.trace``); None when none runs.
        now: for ages.
    """
    if known is None:
        yield Finding(
            "FAIL",
            "known",
            f"no device {device_id} is registered; run roadstead device register {device_id} "
            "--public-key FILE --platform N",
        )
    else:
        yield Finding("OK", "known", "the device is registered")
        yield from _follow_known(device_id, known, trace, now)
    if trace is not None and (known is None or not _steps(trace)):
        yield from _tell_strangers(trace, now)


def _follow_known(
    device_id: str, known: Known, trace: Mapping[str, Any] | None, now: datetime
) -> Iterator[Finding]:
    if known.key_digest is None:
        yield Finding("FAIL", "key", "no public key is registered for it; send it with keys send")
        return
    yield Finding("OK", "key", f"SHA-256 {known.key_digest[:16]}…")
    if not known.claimed:
        yield Finding("WARN", "owner", "nobody has claimed it: it connects, its events go nowhere")
    if known.quarantined:
        yield Finding("WARN", "owner", "it is in quarantine: its events go nowhere")
    if trace is None:
        yield Finding("FAIL", "server", "no server runs on this data folder; start it")
        return
    yield from _follow_connection(trace, now)


def _follow_connection(trace: Mapping[str, Any], now: datetime) -> Iterator[Finding]:
    session, steps = trace["session"], _steps(trace)
    last_seen = steps[-1] if steps else None
    if session is None:
        yield _tell_missing_session(trace, last_seen, now)
    else:
        taken = " (kept from before the server's last start)" if session["taken_over"] else ""
        yield Finding("OK", "handshake", f"it has a session, from {session['address']}{taken}")
        yield from _follow_session(session)
    for at_ms, step, detail in steps[-6:]:
        yield Finding("OK", "step", f"{_age(at_ms, now)}: {step} {detail}".rstrip())


def _tell_missing_session(
    trace: Mapping[str, Any], last: tuple[int, str, str] | None, now: datetime
) -> Finding:
    if trace["udp"] is None:
        return Finding("FAIL", "handshake", "the server does not listen for devices (udp is off)")
    if last is None:
        host, port = trace["udp"]
        arrived = trace["datagrams_received"]
        heard = f"{arrived} datagrams of others arrived" if arrived else "no datagram arrived"
        return Finding(
            "FAIL",
            "handshake",
            f"no handshake with its key was seen since the server started; {heard} at UDP "
            f"{host}:{port}. Check the server address in the device, DNS, and the firewall for "
            "UDP",
        )
    at_ms, step, detail = last
    if step == "handshake_failed":
        reason = detail.partition(" ")[0]
        return Finding(
            "FAIL", "handshake", f"failed {_age(at_ms, now)}: {FAILURES.get(reason, reason)}"
        )
    if step == "key_offered":
        return Finding("FAIL", "handshake", f"under way or stuck since {_age(at_ms, now)}")
    if step == "refused":
        return Finding("FAIL", "hello", f"refused {_age(at_ms, now)}: {detail}")
    return Finding("FAIL", "handshake", f"it has no session; last seen {_age(at_ms, now)}: {step}")


def _follow_session(session: Mapping[str, Any]) -> Iterator[Finding]:
    if not session["hello"]:
        yield Finding(
            "FAIL",
            "hello",
            "it has not said hello on this session; the records it sends may get lost on the way",
        )
        return
    yield Finding("OK", "hello", "it said hello")
    if session["described"]:
        yield Finding("OK", "describe", "its functions and variables are known")
    else:
        words = "not told on this session; what an earlier one told still holds"
        yield Finding("OK" if session["taken_over"] else "WARN", "describe", words)
    if session["safe_mode"]:
        yield Finding("WARN", "firmware", "it runs in safe mode: its application does not start")
    silence = f"{session['silent_s']:.0f} s since it was heard"
    if session["online"]:
        count = session["events_received"]
        yield Finding("OK", "online", f"{silence}, {count} events on this session")
    else:
        yield Finding(
            "FAIL",
            "online",
            f"it is away, {silence}; its session is kept. Look at its power and network",
        )


def _tell_strangers(trace: Mapping[str, Any], now: datetime) -> Iterator[Finding]:
    for at_ms, step, detail in trace["strangers"][-5:]:
        yield Finding("WARN", "stranger", f"{_age(at_ms, now)}: {step} {detail}")
    if trace["strangers"]:
        yield Finding(
            "WARN",
            "stranger",
            "one of these may be this device with another key than the registered one; register "
            "the key that it has (keys send)",
        )


def _steps(trace: Mapping[str, Any]) -> list[tuple[int, str, str]]:
    return [(at_ms, step, detail) for at_ms, step, detail in trace["steps"]]


def _age(at_ms: int, now: datetime) -> str:
    seconds = (now - datetime.fromtimestamp(at_ms / 1000, UTC)).total_seconds()
    return f"{max(0, seconds):.0f} s ago" if seconds < 600 else f"{seconds / 60:.0f} min ago"

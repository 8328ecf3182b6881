from datetime import UTC, datetime

import pytest

from roadstead.cli.doctor_device import Known, follow

ID = "e00fce680000000000000001"
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
KNOWN = Known("ab" * 32, claimed=True, quarantined=False)

SESSION = {
    "online": True, "hello": True, "described": True, "safe_mode": False, "quarantined": False,
    "subscriptions": 0, "events_received": 3, "silent_s": 2.0, "taken_over": False,
    "address": "192.0.2.1",
}  # fmt: skip


def trace(session=None, steps=(), strangers=(), udp=("0.0.0.0", 5684), received=0):
    return {
        "session": session,
        "steps": [[NOW_MS - 5000, *step] for step in steps],
        "strangers": [[NOW_MS - 5000, *step] for step in strangers],
        "udp": udp,
        "datagrams_received": received,
    }


CASES = {
    "nobody registered it": (None, trace(), "known", "device register"),
    "its key is missing": (Known(None, True, False), trace(), "key", "keys send"),
    "no server runs": (KNOWN, None, "server", "start it"),
    "udp is off": (KNOWN, trace(udp=None), "handshake", "udp is off"),
    "nothing arrived at all": (KNOWN, trace(), "handshake", "no datagram arrived"),
    "only others arrived": (KNOWN, trace(received=9), "handshake", "9 datagrams of others"),
    "the handshake never ended": (
        KNOWN,
        trace(steps=[("key_offered", ""), ("handshake_failed", "expired from 192.0.2.1")]),
        "handshake",
        "server-key export",
    ),
    "it cannot prove its key": (
        KNOWN,
        trace(steps=[("handshake_failed", "bad_signature from 192.0.2.1")]),
        "handshake",
        "private key",
    ),
    "its Hello named another": (
        KNOWN, trace(steps=[("refused", "it names another")]), "hello", "names another"
    ),
    "no hello": (KNOWN, trace(SESSION | {"hello": False}), "hello", "not said hello"),
    "it went away": (KNOWN, trace(SESSION | {"online": False}), "online", "power"),
}  # fmt: skip


@pytest.mark.parametrize(("known", "seen", "subject", "words"), CASES.values(), ids=CASES)
def test_the_doctor_says_where_a_device_stops(known, seen, subject, words):
    failed = [finding for finding in follow(ID, known, seen, NOW) if finding.level == "FAIL"]
    assert [finding.subject for finding in failed] == [subject]
    assert words in failed[0].words


def test_a_device_that_is_well_passes_every_stage():
    findings = list(follow(ID, KNOWN, trace(SESSION, [("hello", "")]), NOW))
    assert {finding.level for finding in findings} == {"OK"}
    subjects = [finding.subject for finding in findings]
    assert subjects == ["known", "key", "handshake", "hello", "describe", "online", "step"]
    assert findings[-1].words == "5 s ago: hello"


def test_refused_strangers_are_shown_while_the_device_itself_was_not_seen():
    strangers = [("key_refused", "key 1234 from 192.0.2.9")]
    unseen = list(follow(ID, KNOWN, trace(strangers=strangers), NOW))
    assert any("1234" in finding.words for finding in unseen)
    seen = list(follow(ID, KNOWN, trace(SESSION, [("hello", "")], strangers), NOW))
    assert not any("1234" in finding.words for finding in seen)


def test_an_unclaimed_device_in_safe_mode_is_warned_about():
    known = Known("ab" * 32, claimed=False, quarantined=False)
    findings = follow(ID, known, trace(SESSION | {"safe_mode": True}), NOW)
    warned = {finding.subject for finding in findings if finding.level == "WARN"}
    assert warned == {"owner", "firmware"}

"""When again, may it go now, where to, and what is masked."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders.events import make_event
from tests.builders.hooks import make_hook

from roadstead.integrations.breaker import (
    Breaker,
    Go,
    Wait,
    admit,
    give_back,
    hook_rule,
    host_rule,
    record,
)
from roadstead.integrations.line_protocol import to_line
from roadstead.integrations.masking import MASK, masked, redacted, secrets_of, unmasked
from roadstead.integrations.matching import HookIndex, is_answer, matches
from roadstead.integrations.model import Owner
from roadstead.integrations.retry import GiveUp, Retry, next_attempt, parse_retry_after


@pytest.mark.parametrize(
    ("made", "facts", "verdict"),
    [
        (1, {"status": 500}, Retry(30.0)),
        (2, {"status": 500}, Retry(60.0)),
        (3, {"status": 500}, GiveUp()),
        (1, {"status": 404}, Retry(30.0)),
        (1, {"status": 302}, Retry(30.0)),
        (1, {"failure": "timeout"}, Retry(30.0)),
        (1, {"status": 410}, GiveUp()),
        (1, {"failure": "refused_target"}, GiveUp(rejected=True)),
        (1, {"failure": "bad_template"}, GiveUp(rejected=True)),
        (1, {"failure": "bad_url"}, GiveUp(rejected=True)),
        (1, {"status": 429, "retry_after_s": 45.0}, Retry(45.0)),
        (1, {"status": 429, "retry_after_s": 5.0}, Retry(30.0)),
        (1, {"status": 503, "retry_after_s": 1e9}, Retry(900.0)),
        (9, {"status": 500, "max_attempts": 20}, Retry(3600.0)),
        (1, {"status": 500, "max_attempts": 1}, GiveUp()),
    ],
)
def test_when_again(made, facts, verdict):
    assert next_attempt(made, **{"max_attempts": 3, **facts}) == verdict


@pytest.mark.parametrize(
    ("text", "seconds"), [("120", 120.0), (None, None), ("soon", None), ("-1", None), ("1.5", None)]
)
def test_retry_after(text, seconds):
    assert parse_retry_after(text) == seconds


def run(results, opens, at_s=0.0):
    breaker = Breaker()
    for ok in results:
        admission = admit(breaker, at_s)
        if isinstance(admission, Wait):
            break
        breaker = record(admission.breaker, ok=ok, probe=admission.probe, now_s=at_s, opens=opens)
    return breaker


def test_a_host_sleeps_when_its_errors_exceed_its_successes():
    assert run([False] * 9, host_rule).state == "closed"
    assert run([False] * 10, host_rule).state == "open"
    assert run([True] * 20 + [False] * 20, host_rule).state == "closed"
    assert run([True] * 20 + [False] * 21, host_rule).state == "open"


def test_a_hooks_breaker_counts_failures_in_a_row():
    assert run([False] * 2 + [True] + [False] * 2, hook_rule(3)).state == "closed"
    assert run([False] * 3, hook_rule(3)).state == "open"
    assert run([False] * 500, hook_rule(0)).state == "closed"


def test_one_probe_decides():
    opened = run([False] * 3, hook_rule(3))
    assert admit(opened, 29.9) == Wait(30.0)
    probe = admit(opened, 30.0)
    assert isinstance(probe, Go)
    assert probe.probe
    assert isinstance(admit(probe.breaker, 31.0), Wait)
    rule = hook_rule(3)
    again = record(probe.breaker, ok=False, probe=True, now_s=40.0, opens=rule)
    assert (again.state, again.until_s) == ("open", 100.0)
    closed = record(probe.breaker, ok=True, probe=True, now_s=40.0, opens=rule)
    assert closed == Breaker(window_s=40.0)
    assert isinstance(admit(give_back(probe.breaker, 32.0), 32.0), Go)
    lost = admit(probe.breaker, 91.0)  # nobody reported the probe
    assert isinstance(lost, Go)


def test_what_was_under_way_changes_nothing():
    opened = run([False] * 3, hook_rule(3))
    for ok in (True, False):
        assert record(opened, ok=ok, probe=False, now_s=1.0, opens=hook_rule(3)) == opened


def test_old_errors_are_forgotten():
    breaker = run([False] * 9, host_rule)
    breaker = record(breaker, ok=False, probe=False, now_s=61.0, opens=host_rule)
    assert (breaker.state, breaker.errors) == ("closed", 1)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 100)), max_size=60))
def test_a_breaker_never_opens_for_ever(steps):
    breaker, now_s = Breaker(), 0.0
    for ok, pause_s in steps:
        now_s += pause_s
        admission = admit(breaker, now_s)
        if isinstance(admission, Wait):
            assert now_s < admission.until_s <= now_s + 600
        else:
            breaker = record(
                admission.breaker, ok=ok, probe=admission.probe, now_s=now_s, opens=hook_rule(2)
            )
    assert isinstance(admit(breaker, now_s + 601), Go)


@pytest.mark.parametrize(
    ("hook", "event", "goes"),
    [
        ({"event": "temp"}, {"name": "temp"}, True),
        ({"event": "temp"}, {"name": "temperature"}, True),
        ({"event": "temp"}, {"name": "Temp"}, False),
        ({"event": "temp/"}, {"name": "temp"}, False),
        ({"event": "spark/status"}, {"name": "spark/status", "source": "system"}, True),
        ({"event": "t", "device_id": "a" * 24}, {"name": "t"}, True),
        ({"event": "t", "device_id": "b" * 24}, {"name": "t"}, False),
        ({"event": "t", "disabled": True}, {"name": "t"}, False),
        ({"event": "hook"}, {"name": "hook-sent/t"}, False),
        ({"event": "hook"}, {"name": "hook-error/t/0"}, False),
        ({"event": "hook"}, {"name": "hooked"}, True),
        ({"event": "a"}, {"name": "a" * 24 + "/hook-response/t/0"}, False),
    ],
)
def test_where_to(hook, event, goes):
    assert matches(make_hook(**hook), make_event(**event)) is goes


def test_answers_by_name():
    assert not is_answer("my/hook-sent/x")
    assert is_answer("hook-response/x")


def test_the_index_finds_by_owner():
    index = HookIndex()
    hooks = {
        "mine": make_hook(owner=Owner("user", "0" * 23 + "1")),
        "product": make_hook(owner=Owner("product", "7")),
        "organization": make_hook(owner=Owner("organization", "9" * 24)),
        "other": make_hook(owner=Owner("user", "2" * 24)),
    }
    for hook in hooks.values():
        index.put(hook)
    event = make_event(product_id=7)
    assert index.find(event, "9" * 24) == [hooks[k] for k in ("mine", "product", "organization")]
    assert index.find(make_event(owner_id=None)) == []
    assert index.has_organizations()
    index.drop(hooks["organization"].id)
    index.drop("unknown")
    assert not index.has_organizations()
    changed = replace(hooks["mine"], disabled=True)
    index.put(changed)
    assert index.find(event) == [hooks["product"]]
    assert index.get(changed.id) == changed
    assert len(index) == 3


SETTINGS = {
    "url": "https://u:pw12@x.example/a?access_token=tok12345&x={{data}}&key=k123",
    "auth": {"username": "me", "password": "pa55word"},
    "headers": {"Authorization": "Bearer abcd1234", "X-Plain": "p", "X-Key": "{{k}}"},
    "json": {"api_key": 12345, "list": [{"token": "t"}], "plain": "x"},
}


def test_secrets_are_masked_and_come_back():
    shown = masked(SETTINGS)
    assert shown == {
        "url": f"https://u:{MASK}@x.example/a?access_token={MASK}&x={{{{data}}}}&key={MASK}",
        "auth": {"username": "me", "password": MASK},
        "headers": {"Authorization": MASK, "X-Plain": "p", "X-Key": MASK},
        "json": {"api_key": MASK, "list": [{"token": MASK}], "plain": "x"},
    }
    assert unmasked(shown, SETTINGS) == SETTINGS
    changed = {**shown, "auth": {"username": "you", "password": "new"}}
    assert unmasked(changed, SETTINGS)["auth"] == {"username": "you", "password": "new"}
    assert unmasked({"url": shown["url"] + "&more"}, SETTINGS)["url"].endswith("&more")


def test_what_no_log_may_show():
    secrets = tuple(secrets_of(SETTINGS))
    assert {"pw12", "tok12345", "k123", "pa55word", "Bearer abcd1234", "abcd1234"} <= set(secrets)
    assert redacted("got abcd1234 and Bearer abcd1234", secrets) == f"got {MASK} and {MASK}"


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        ({"t": 1, "b": True, "s": 'a"b\\', "n": None}, 't=1.0,b=true,s="a\\"b\\\\"'),
        ({"a": {"b": [1, {"c": 2}]}}, "a.b.0=1.0,a.b.1.c=2.0"),
        ({"a b,c=d": 1}, "a\\ b\\,c\\=d=1.0"),
        (21, "value=21.0"),
        ([1, 2], 'value="text"'),
        ("x", 'value="text"'),
        (None, 'value="text"'),
        ({}, 'value="text"'),
    ],
)
def test_lines(data, fields):
    assert to_line("m x", {"d": "1", "e": ""}, data, "text", 5) == f"m\\ x,d=1 {fields} 5"


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_a_line_stays_a_line(measurement, tag, text):
    line = to_line(measurement, {"t": tag}, {"f": 1}, text, 5)
    assert "\n" not in line and "\r" not in line

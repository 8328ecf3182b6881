"""Quiet times, severities and words."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.kit.errors import Invalid
from roadstead.notifications.letters import find_words, read_templates, write_letter
from roadstead.notifications.model import (
    Notice,
    NoticeOwner,
    Preferences,
    QuietTime,
    is_muted,
    severity_reaches,
)
from roadstead.notifications.quiet import check_quiet, quiet_until
from roadstead.notifications.service import check_preferences

NIGHT = QuietTime(begin="22:00", end="07:00", time_zone="Europe/Berlin")
NOON = QuietTime(begin="12:00", end="13:30")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "quiet", "until"),
    [
        ("2026-01-10T20:59:59", NIGHT, None),
        ("2026-01-10T21:00:00", NIGHT, "2026-01-11T06:00:00"),
        ("2026-01-11T05:59:59", NIGHT, "2026-01-11T06:00:00"),
        ("2026-01-11T06:00:00", NIGHT, None),
        ("2026-07-10T20:00:00", NIGHT, "2026-07-11T05:00:00"),
        ("2026-03-29T00:30:00", NIGHT, "2026-03-29T05:00:00"),  # the night of 23 hours
        ("2026-10-25T00:30:00", NIGHT, "2026-10-25T06:00:00"),  # the night of 25 hours
        ("2026-01-10T12:30:00", NOON, "2026-01-10T13:30:00"),
        ("2026-01-10T13:30:00", NOON, None),
    ],
)
def test_quiet_until(now, quiet, until):
    assert quiet_until(at(now), quiet) == (at(until) if until else None)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)))
def test_it_ends_within_a_day_and_is_over_then(now):
    until = quiet_until(now, NIGHT)
    if until is not None:
        assert now < until
        assert (until - now).total_seconds() <= 10 * 3600
        assert quiet_until(until, NIGHT) is None


@pytest.mark.parametrize(
    "quiet",
    [
        QuietTime(begin="24:00", end="07:00"),
        QuietTime(begin="7:00", end="08:00"),
        QuietTime(begin="07:00", end="07:00"),
        QuietTime(begin="07:00", end="08:00", time_zone="Mars/Olympus"),
        QuietTime(begin="07:00", end="08:00", time_zone="../etc/passwd"),
    ],
)
def test_quiet_times_that_cannot_be_meant(quiet):
    with pytest.raises(Invalid, match="quiet"):
        check_quiet(quiet)


@pytest.mark.parametrize(
    "url", ["ftp://x", "http://", "x", "http://[::1", "https://x/" + "y" * 2048]
)
def test_urls_that_cannot_be_meant(url):
    with pytest.raises(Invalid, match="webhookUrl"):
        check_preferences(Preferences(webhook_url=url))


def test_severities_and_muted_kinds():
    assert severity_reaches("critical", "warning")
    assert severity_reaches("warning", "warning")
    assert not severity_reaches("info", "warning")
    assert is_muted("device.offline", ("device",))
    assert is_muted("device", ("device",))
    assert not is_muted("devices.offline", ("device",))


def make_notice(kind: str, **facts) -> Notice:
    owner = NoticeOwner("user", "1" * 24)
    return Notice("2" * 24, owner, kind, "warning", facts, at("2026-01-01T00:00:00"))


def test_a_letter():
    notice = make_notice("device.offline", device="fridge", last_heard="noon")
    letter = write_letter(notice, "jo@example.com", "https://cloud.test", read_templates())
    assert letter.subject == "fridge is offline"
    assert letter.text.startswith("The device fridge was heard last at noon.\n\n  device: fridge\n")
    assert "https://cloud.test/v1/notices/preferences" in letter.text


def test_a_fact_cannot_look_like_a_part_of_the_letter():
    notice = make_notice("device.offline", device="x\r\nBcc: all@example.com\n\nHello")
    letter = write_letter(notice, "jo@example.com", "o", read_templates())
    assert "\n" not in letter.subject
    assert "\nBcc" not in letter.text
    assert "heard last at (unknown)" in letter.text


def test_words_of_kinds_above_and_of_an_operator(tmp_path):
    templates = read_templates()
    assert find_words("rollout.unheard.of", templates) == templates["any"]
    own = tmp_path / "notices.toml"
    own.write_text('[rollout]\nsubject = "A rollout"\ntext = "${kind}"\n')
    templates = read_templates(own)
    assert find_words("rollout.unheard.of", templates).subject == "A rollout"
    assert find_words("rollout.halted", templates).subject.startswith("The rollout")
    own.write_text("[rollout")
    with pytest.raises(Invalid, match="cannot be used"):
        read_templates(own)

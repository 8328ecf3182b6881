from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.identity import credentials
from roadstead.kit.errors import Invalid

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LABEL = "d" * 63


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("jo@example.com", "jo@example.com"),
        (" Jo.Doe+Lab@Example.COM ", "jo.doe+lab@example.com"),
        ("o'neil@sub.example.co", "o'neil@sub.example.co"),
        ("root@localhost", "root@localhost"),
        ("a" * 64 + "@b.c", "a" * 64 + "@b.c"),
        (f"a@{LABEL}.{LABEL}.{LABEL}.{'d' * 60}", f"a@{LABEL}.{LABEL}.{LABEL}.{'d' * 60}"),
    ],
)
def test_an_address_is_kept_in_lower_case(text, stored):
    assert credentials.parse_username(text) == stored


@pytest.mark.parametrize(
    "text",
    [
        "",
        "jo",
        "@",
        "jo@",
        "@example.com",
        "jo@example..com",
        "jo@-example.com",
        "jo@example.com.",
        "jo doe@example.com",
        "jo@exam\nple.com",
        "jo@example.com\0",
        "jo@@example.com",
        "a" * 65 + "@b.c",
        f"a@{LABEL}.{LABEL}.{LABEL}.{'d' * 62}",
        "j\ud800@example.com",
        "\u212aelvin@example.com",
        "a" * 100_000,
    ],
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(Invalid) as refusal:
        credentials.parse_username(text)
    assert refusal.value.code == "bad_username"


@given(st.text(max_size=300))
def test_a_stored_user_name_is_its_own_stored_form(text):
    try:
        stored = credentials.parse_username(text)
    except Invalid:
        return
    assert credentials.parse_username(stored) == stored
    assert stored.isascii()
    assert len(stored) <= 254


@pytest.mark.parametrize("password", ["12345678", "ünïcödë", "x" * 1023 + "y", " spaces  "])
def test_a_password_of_eight_to_1024_bytes_is_taken_as_it_is(password):
    assert credentials.parse_new_password(password, "jo@example.com") == password


@pytest.mark.parametrize(
    "password",
    ["", "1234567", "x" * 1024 + "y", "ü" * 513, "Jo@Example.com", "aaaaaaaaaa", "secret\ud800xx"],
)
def test_a_password_that_is_too_short_long_or_obvious_is_refused(password):
    with pytest.raises(Invalid) as refusal:
        credentials.parse_new_password(password, "jo@example.com")
    assert refusal.value.code == "weak_password"
    assert not password or password not in refusal.value.message


def test_facts_that_are_not_named_stay():
    stored = {"first_name": "Jo", "business_account": False}
    changed = credentials.merge_account_info(stored, {"business_account": True})
    assert changed == {"first_name": "Jo", "business_account": True}
    assert stored == {"first_name": "Jo", "business_account": False}


@pytest.mark.parametrize(
    "changes",
    [
        {"first_name": 7},
        {"company_name": "x" * 257},
        {"last_name": "a\x1b[2Jb"},
        {"business_account": "yes"},
        {"other": "x" * 5000},
        {"other": object()},
        {"other": "\ud800"},
    ],
)
def test_facts_of_the_wrong_kind_or_size_are_refused(changes):
    with pytest.raises(Invalid) as refusal:
        credentials.merge_account_info({}, changes)
    assert refusal.value.code == "bad_account_info"


def test_a_token_lives_90_days_unless_asked_otherwise():
    assert credentials.token_expiry(None, NOW) == NOW + timedelta(days=90)
    assert credentials.token_expiry(60, NOW) == NOW + timedelta(seconds=60)
    assert credentials.token_expiry(0, NOW) is None


@pytest.mark.parametrize("lifetime_s", [-1, 10 * 365 * 24 * 3600 + 1, 10**30])
def test_a_lifetime_out_of_bounds_is_refused(lifetime_s):
    with pytest.raises(Invalid):
        credentials.token_expiry(lifetime_s, NOW)

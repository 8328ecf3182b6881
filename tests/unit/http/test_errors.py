import pytest

from roadstead.devices import errors as device_errors
from roadstead.http import errors
from roadstead.kit.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    NotOffered,
    TimedOut,
    TooMany,
    Unavailable,
)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (Invalid, 400),
        (Forbidden, 403),
        (NotFound, 404),
        (TimedOut, 408),
        (Conflict, 409),
        (TooMany, 429),
        (NotOffered, 501),
        (Unavailable, 503),
    ],
)
def test_each_class_has_its_status_and_the_usual_shape(kind, status):
    error = kind("some_code", "A sentence.", {"line": 3})
    assert errors.status_of(error) == status
    assert errors.body_of(error) == {
        "ok": False,
        "error": "some_code",
        "error_description": "A sentence.",
        "line": 3,
    }


def test_only_a_refused_token_is_401():
    assert errors.status_of(errors.invalid_token()) == 401
    assert errors.status_of(errors.token_missing()) == 401
    assert errors.headers_of(errors.invalid_token())["WWW-Authenticate"].startswith("Bearer")
    codes = {code for code, status in errors.STATUS_BY_CODE.items() if status == 401}
    assert codes == {"invalid_token", "token_missing", "credentials_missing"}


def test_an_unknown_device_reads_as_the_field_writes_it():
    error = device_errors.device_not_found("0123456789abcdef01234567")
    body = errors.body_of(error)
    assert errors.status_of(error) == 404
    assert body["error"] == "Permission Denied"
    assert str(body["info"]).startswith("I didn't recognize that device name or ID")
    assert "token" not in str(body["info"])


def test_an_owned_device_keeps_the_sentence_that_the_official_tool_looks_for():
    error = device_errors.belongs_to_someone_else()
    body = errors.body_of(error)
    assert errors.status_of(error) == 403
    assert body["errors"] == ["That belongs to someone else."]
    assert not {"error", "error_description"} & set(body)


def test_a_device_that_is_away_or_silent_is_408():
    for error in (device_errors.device_offline("x"), device_errors.device_timed_out("x", 30)):
        assert errors.status_of(error) == 408
        assert errors.body_of(error)["error"] in ("device_offline", "timed_out")


def test_a_limit_says_when_to_come_back():
    error = TooMany("too_many_streams", "Many.", {"retry_after_s": 30})
    assert errors.headers_of(error) == {"Retry-After": "30"}


def test_an_error_without_a_class_of_its_own_is_the_callers():
    assert errors.status_of(DomainError("x", "y")) == 400

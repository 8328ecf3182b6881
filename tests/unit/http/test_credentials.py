import base64

import pytest

from roadstead.http.credentials import find_basic, find_bearer, find_field_token


def basic(text: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def test_the_header_wins_over_the_query():
    assert find_bearer({"authorization": "Bearer abc"}, {"access_token": "def"}) == "abc"


def test_the_scheme_may_be_written_in_any_case():
    assert find_bearer({"authorization": "bEARER  abc "}, {}) == "abc"


def test_a_token_may_come_in_the_query_or_in_the_body():
    assert find_bearer({}, {"access_token": "def"}) == "def"
    assert find_field_token({"access_token": "ghi"}) == "ghi"
    assert find_field_token({"access_token": 5}) is None
    assert find_bearer({}, {}) is None


def test_a_malformed_header_is_an_empty_token_and_not_a_missing_one():
    assert find_bearer({"authorization": "Bearer"}, {}) == ""


def test_a_basic_pair_splits_at_the_first_colon():
    assert find_basic(basic("jo@example.com:a:b")) == ("jo@example.com", "a:b")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer x"},
        {"authorization": "Basic ä"},
        basic("no colon"),
        {"authorization": "Basic /w=="},
    ],
)
def test_a_malformed_pair_is_none(headers):
    assert find_basic(headers) is None

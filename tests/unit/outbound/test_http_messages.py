"""Origins, and what goes along with a redirect."""

import pytest

from roadstead.outbound.http_messages import HttpFailure, HttpRequest, origin_of, redirected

POST = HttpRequest(
    "POST",
    "https://a.example/hook?x=1",
    {"Content-Type": "application/json", "Authorization": "Basic c2VjcmV0", "X-Api-Key": "k"},
    b"{}",
)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://A.example/x", "http://a.example:80"),
        ("https://a.example", "https://a.example:443"),
        ("https://a.example:8443/x?y", "https://a.example:8443"),
        ("https://u:p@a.example/", "https://a.example:443"),
        ("http://[::1]:8080/", "http://::1:8080"),
        ("ftp://a.example/", None),
        ("http:///x", None),
        ("http://a:port/", None),
        ("http://[::1/", None),
        ("", None),
    ],
)
def test_origin(url, origin):
    assert origin_of(url) == origin


@pytest.mark.parametrize("status", [301, 302, 303])
def test_most_redirects_turn_a_post_into_a_get(status):
    followed = redirected(POST, status, "/other")
    assert (followed.method, followed.url, followed.body) == ("GET", "https://a.example/other", b"")
    assert "Content-Type" not in followed.headers
    assert followed.headers["Authorization"] == "Basic c2VjcmV0"


@pytest.mark.parametrize("status", [307, 308])
def test_two_kinds_keep_method_and_body(status):
    followed = redirected(POST, status, "https://a.example:443/other")
    assert (followed.method, followed.body) == ("POST", b"{}")
    assert followed.headers == POST.headers


@pytest.mark.parametrize(
    "where", ["https://b.example/", "http://a.example/", "https://a.example:444/", "//b.example/x"]
)
def test_secrets_stay_with_their_origin(where):
    assert redirected(POST, 307, where).headers == {"Content-Type": "application/json"}


def test_a_location_that_is_no_url():
    with pytest.raises(HttpFailure) as refused:
        redirected(POST, 307, "http://[::1")
    assert refused.value.kind == "bad_url"

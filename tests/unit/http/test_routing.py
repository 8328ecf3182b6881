import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.http.routing import ANY_METHOD, Found, RouteTable, WrongMethod

TABLE = RouteTable(
    [
        ("GET", "/", "start"),
        ("GET", "/v1/devices/{device}/{variable}", "variable"),
        ("POST", "/v1/devices/{device}/{function}", "function"),
        ("GET", "/v1/devices/{device}/events", "device stream"),
        ("GET", "/v1/devices/{device}/events/{prefix*}", "device stream by prefix"),
        ("PUT", "/v1/devices/{device}/ping", "ping"),
        ("GET", "/v1/devices", "list"),
        ("GET", "/v1/devices/events", "stream"),
        ("GET", "/v1/devices/{device}", "get"),
        ("DELETE", "/v1/devices/{device}", "unclaim"),
        (ANY_METHOD, "/v1/products/{rest*}", "products"),
        ("POST", "/v1/products/{product}/customers", "customers"),
    ]
)


@pytest.mark.parametrize(
    ("method", "path", "target", "parameters"),
    [
        ("GET", b"/", "start", {}),
        ("GET", b"/v1/devices", "list", {}),
        ("GET", b"/v1/devices/", "list", {}),
        ("GET", b"/v1/devices/events", "stream", {}),
        ("GET", b"/v1/devices/abc", "get", {"device": "abc"}),
        ("DELETE", b"/v1/devices/events", "unclaim", {"device": "events"}),
        ("GET", b"/v1/devices/abc/events", "device stream", {"device": "abc"}),
        ("GET", b"/v1/devices/abc/temp", "variable", {"device": "abc", "variable": "temp"}),
        ("PUT", b"/v1/devices/abc/ping", "ping", {"device": "abc"}),
        ("POST", b"/v1/devices/abc/ping", "function", {"device": "abc", "function": "ping"}),
        ("GET", b"/v1/devices/abc/ping", "variable", {"device": "abc", "variable": "ping"}),
        ("PATCH", b"/v1/products/1/firmware/7", "products", {"rest": "1/firmware/7"}),
        ("POST", b"/v1/products/1/customers", "customers", {"product": "1"}),
        ("GET", b"/v1/products/1/customers", "products", {"rest": "1/customers"}),
    ],
)
def test_a_fixed_name_wins_for_the_methods_that_it_has(method, path, target, parameters):
    assert TABLE.find(method, path) == Found(target, parameters)


def test_an_encoded_slash_stays_inside_its_segment():
    found = TABLE.find("GET", b"/v1/devices/a%2Fb/events/x%2Fy%20z/w")
    assert found == Found("device stream by prefix", {"device": "a/b", "prefix": "x/y z/w"})


def test_a_known_path_with_another_method_names_the_methods_it_has():
    assert TABLE.find("PATCH", b"/v1/devices/abc") == WrongMethod(("DELETE", "GET"))


@pytest.mark.parametrize("path", [b"/v1", b"/v2/devices", b"/v1//devices", b"/v1/devices/a/b/c"])
def test_an_unknown_path_is_not_found(path):
    assert TABLE.find("GET", path) is None


def test_a_segment_that_is_no_utf8_is_refused():
    with pytest.raises(UnicodeDecodeError):
        TABLE.find("GET", b"/v1/devices/%ff")


def test_a_row_that_stands_twice_is_refused():
    with pytest.raises(ValueError, match="twice"):
        RouteTable([("GET", "/a/{x}", 1), ("GET", "/a/{y}", 2)])


@given(st.binary(max_size=60))
def test_any_path_is_answered_or_is_no_utf8(path):
    with contextlib.suppress(UnicodeDecodeError):
        TABLE.find("GET", b"/" + path)

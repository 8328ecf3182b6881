from ipaddress import ip_network

import pytest

from roadstead.http.callers import identify

PROXIES = (ip_network("10.0.0.0/8"), ip_network("127.0.0.1/32"))


def call(peer, trusted=(), **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return identify(peer, "http", names, trusted)


def test_without_proxies_the_connection_says_who_calls():
    caller = call("203.0.113.9", host="cloud.example:8080")
    assert (caller.address, caller.is_local, caller.scheme) == ("203.0.113.9", False, "http")
    assert (caller.authority, caller.host) == ("cloud.example:8080", "cloud.example")


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "127.9.9.9"])
def test_this_machine_is_local(peer):
    assert call(peer).is_local


def test_a_forwarded_request_is_not_local_even_when_its_proxy_is_not_known():
    caller = call("127.0.0.1", x_forwarded_for="203.0.113.9")
    assert (caller.address, caller.is_local) == ("127.0.0.1", False)


def test_a_stranger_cannot_invent_an_address():
    caller = call("203.0.113.9", PROXIES, x_forwarded_for="127.0.0.1", x_forwarded_proto="https")
    assert (caller.address, caller.is_local, caller.scheme) == ("203.0.113.9", False, "http")


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("127.0.0.1, 203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9, 10.1.1.1", "203.0.113.9"),
        ("198.51.100.1, nonsense", "10.0.0.5"),
        ("", "10.0.0.5"),
        ("10.1.1.1, 10.1.1.2", "10.1.1.1"),
    ],
)
def test_behind_a_trusted_proxy_the_last_untrusted_address_calls(forwarded, address):
    caller = call("10.0.0.5", PROXIES, x_forwarded_for=forwarded)
    assert (caller.address, caller.is_local) == (address, False)


def test_a_trusted_proxy_says_how_it_was_reached():
    caller = call(
        "10.0.0.5",
        PROXIES,
        host="inner:8080",
        x_forwarded_for="203.0.113.9",
        x_forwarded_proto="https",
        x_forwarded_host="cloud.example",
    )
    assert (caller.scheme, caller.authority) == ("https", "cloud.example")


@pytest.mark.parametrize(
    ("authority", "host"),
    [("[::1]:8080", "::1"), ("[::1]", "::1"), ("a.b", "a.b"), ("a.b:80", "a.b"), ("", "")],
)
def test_the_host_loses_its_port(authority, host):
    assert call("203.0.113.9", host=authority).host == host


def test_a_transport_without_addresses_has_an_unknown_caller():
    caller = call(None)
    assert (caller.address, caller.is_local) == ("unknown", False)

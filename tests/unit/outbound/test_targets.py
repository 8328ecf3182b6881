"""Which addresses are public."""

import pytest

from roadstead.outbound.targets import is_public, may_reach

PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]

REFUSED = [
    "127.0.0.1",
    "127.8.9.10",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "168.63.129.16",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "fec0::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::1",
    "2001:0:7f00:1::1",
    "::127.0.0.1",
    "localhost",
    "2130706433",
    "0x7f.1",
    "",
]


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_public(text):
    assert is_public(text)


@pytest.mark.parametrize("text", REFUSED)
def test_all_else_is_not(text):
    assert not is_public(text)


@pytest.mark.parametrize("text", [*PUBLIC, "127.0.0.1", "::1", "10.0.0.1", "fd12::1", "100.64.0.1"])
def test_private_addresses_can_be_allowed(text):
    assert may_reach(text, private=True)


@pytest.mark.parametrize(
    "text",
    [
        "169.254.169.254",
        "169.254.7.7",
        "fe80::1%eth0",
        "168.63.129.16",
        "192.0.0.192",
        "100.100.100.200",
        "fd00:ec2::254",
        "fd20:ce::254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "localhost",
        "",
    ],
)
def test_where_a_machine_gets_its_credentials_never_is(text):
    assert not may_reach(text, private=True)


def test_without_permission_only_public_ones_may_be_reached():
    assert may_reach("1.1.1.1", private=False)
    assert not may_reach("10.0.0.1", private=False)

import pytest

from roadstead.events import limits
from roadstead.kit.errors import Forbidden, Invalid


@pytest.mark.parametrize("name", ["a", "x" * 64, "ä" * 32, "a/b c", "temp.1", "Sparrow", "partic"])
def test_names_within_the_limits_are_taken(name):
    limits.validate_public_name(name)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "event_name_missing"),
        ("x" * 65, "event_name_too_long"),
        ("ä" * 33, "event_name_too_long"),
        ("a\nid: 7", "bad_event_name"),
        ("a\rb", "bad_event_name"),
        ("a\0", "bad_event_name"),
        ("a\x7f", "bad_event_name"),
        ("a\x85b", "bad_event_name"),
        ("a\ud800", "bad_event_name"),
    ],
)
def test_names_beyond_the_limits_are_refused_with_a_code_of_their_own(name, code):
    with pytest.raises(Invalid) as refused:
        limits.validate_name(name)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "name", ["spark/status", "SPARK", "Particle/x", "particlefoo", "sparkling"]
)
def test_people_may_not_publish_under_the_names_of_the_system(name):
    limits.validate_name(name)
    with pytest.raises(Forbidden) as refused:
        limits.validate_public_name(name)
    assert refused.value.code == "event_name_reserved"


def test_a_payload_of_1024_bytes_is_the_largest():
    limits.validate_payload(None)
    limits.validate_payload(b"x" * 1024)
    with pytest.raises(Invalid, match="1025"):
        limits.validate_payload(b"x" * 1025)


@pytest.mark.parametrize("ttl_s", [-1, 1 << 32])
def test_a_lifetime_that_the_wire_cannot_carry_is_refused(ttl_s):
    limits.validate_ttl(0)
    limits.validate_ttl((1 << 32) - 1)
    with pytest.raises(Invalid, match="ttl"):
        limits.validate_ttl(ttl_s)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.identity.clients import PUBLIC_CLIENTS, find_client


@pytest.mark.parametrize("client_id", ["particle", "particle-api", "particle-cli", "spark"])
def test_the_official_tools_are_known_by_the_pairs_in_their_sources(client_id):
    assert find_client(client_id, client_id) == client_id


@pytest.mark.parametrize(
    ("client_id", "secret"),
    [
        ("particle", "particle-api"),
        ("particl", "eparticle"),
        ("Particle", "particle"),
        ("particle", ""),
        ("", ""),
        ("particle\ud800", "particle"),
        ("particle\0", "particle"),
    ],
)
def test_any_other_pair_is_unknown(client_id, secret):
    assert find_client(client_id, secret) is None


@given(st.text(), st.text())
def test_no_pair_raises(client_id, secret):
    found = find_client(client_id, secret)
    assert found is None or PUBLIC_CLIENTS[found] == secret

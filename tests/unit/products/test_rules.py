"""Who is let in: the tables of the two decisions."""

import pytest

from roadstead.kit.errors import Invalid
from roadstead.products.arrival_rules import ArrivalFacts, judge_arrival
from roadstead.products.group_naming import parse_color, parse_group_name
from roadstead.products.import_rules import ImportFacts, judge_import

A, B, BORON = 30301, 30302, 13


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        ({}, "quarantine"),
        ({"denied": True}, "denied"),
        ({"denied": True, "automatic": True}, "denied"),
        ({"automatic": True}, "admit"),
        ({"automatic": True, "fits": False}, "quarantine"),
        ({"automatic": True, "acceptable": False}, "quarantine"),
        ({"automatic": True, "has_room": False}, "quarantine"),
    ],
)
def test_what_becomes_of_a_device_that_names_the_product(facts, verdict):
    assert judge_arrival(ArrivalFacts(**facts)) == verdict


@pytest.mark.parametrize(
    ("facts", "outcome", "code"),
    [
        ({}, "imported", ""),
        ({"platform_id": BORON}, "imported", ""),
        ({"platform_id": 32}, "invalid", "wrong_platform"),
        ({"member_of": A}, "existing", ""),
        ({"member_of": A, "owned_by_stranger": True}, "existing", ""),
        ({"member_of": B}, "invalid", "in_other_product"),
        ({"member_of": B, "may_move": True}, "moved", ""),
        ({"member_of": B, "may_move": True, "platform_id": 32}, "invalid", "wrong_platform"),
        ({"owned_by_stranger": True}, "nonmember", "owner_not_in_team"),
        ({"member_of": B, "may_move": True, "owned_by_stranger": True}, "nonmember", None),
        ({"key_of_stranger": True}, "invalid", "key_of_somebody_else"),
        ({"key_of_stranger": True, "owned_by_team": True}, "imported", ""),
    ],
)
def test_what_becomes_of_a_device_that_is_imported(facts, outcome, code):
    judgement = judge_import(ImportFacts(**facts), A, BORON)
    assert judgement.outcome == outcome
    assert code is None or judgement.code == code
    assert bool(judgement.text) == (outcome in ("invalid", "nonmember"))


@pytest.mark.parametrize(("text", "color"), [("", ""), ("#ABC", "#aabbcc"), ("00ff7f", "#00ff7f")])
def test_a_colour_has_one_form(text, color):
    assert parse_color(text) == color


@pytest.mark.parametrize("name", ["", "A", "a b", "ä", "a" * 65, "a,b", "a/b"])
def test_a_group_has_a_plain_name(name):
    with pytest.raises(Invalid):
        parse_group_name(name)

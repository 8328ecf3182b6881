import pytest

from roadstead.firmware.reported import membership_of, modules_of


def module(letter="s", index: object = "1", version: object = 6200, **more: object):
    return {"f": letter, "n": index, "v": version, "l": "m", "vc": 30, "vv": 30, **more}


def test_modules_by_function_and_index():
    described = {"m": [module(), module("b", "0", 2400), module("a", 0, 7)]}
    assert modules_of(described) == {(4, 1): 6200, (2, 0): 2400, (8, 0): 7}


@pytest.mark.parametrize(
    "odd",
    [
        module(l="f"),
        module(vv=28),
        module(letter="x"),
        module(letter="ss"),
        module(letter=4),
        module(index="one"),
        module(index="²"),
        module(index=None),
        module(version="6"),
        module(version=70_000),
        "text",
    ],
)
def test_what_is_spare_damaged_or_malformed_does_not_count(odd: object):
    assert modules_of({"m": [odd]}) == {}


def test_nothing_told_is_not_nothing_there():
    assert modules_of(None) is None
    assert modules_of({}) is None
    assert modules_of({"m": []}) == {}


@pytest.mark.parametrize(
    ("standing", "names", "membership"),
    [
        ("member", None, "member"),
        ("member", 14_000, "member"),
        ("member", 13, "member"),
        ("member", 14_001, "other_firmware"),
        ("quarantined", 14_000, "quarantined"),
        ("denied", 14_000, "denied"),
    ],
)
def test_membership(standing: str, names: int | None, membership: str):
    assert membership_of(standing, 14_000, 13, names) == membership

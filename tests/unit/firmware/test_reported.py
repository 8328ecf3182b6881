import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.firmware.reported import membership_of, modules_of, parse_modules


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


@given(
    st.none()
    | st.fixed_dictionaries(
        {},
        optional={
            "m": st.none()
            | st.lists(
                st.text(max_size=2)
                | st.fixed_dictionaries(
                    {},
                    optional={
                        "f": st.sampled_from("nrbmsu_catx") | st.integers() | st.text(max_size=2),
                        "n": st.integers(-1, 3) | st.text("0123²-x", max_size=2) | st.none(),
                        "v": st.integers(-2, 70_000) | st.text(max_size=2),
                        "l": st.sampled_from("mfb"),
                        "vc": st.integers(0, 31) | st.none(),
                        "vv": st.integers(0, 31),
                    },
                ),
                max_size=6,
            )
        },
    )
)
def test_the_stored_text_reads_as_the_document_does(document):
    text = None if document is None else msgspec.json.encode(document).decode()
    assert parse_modules(text) == modules_of(document)


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

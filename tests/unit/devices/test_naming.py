import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadstead.devices.naming import name_key, parse_name, parse_notes
from roadstead.kit.errors import Invalid
from roadstead.kit.ids import parse_device_id


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("blue", "blue"),
        ("  Fridge 7 ", "Fridge 7"),
        ("Kühlschrank", "Kühlschrank"),
        ("Ku\u0308hl", "Kühl"),
        ("x" * 64, "x" * 64),
        ("e00fce68", "e00fce68"),
    ],
)
def test_a_name_is_kept_composed_and_without_surrounding_blanks(text, name):
    assert parse_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        *("", "   ", "x" * 65),
        *("a/b", "a\\b", "a?b", "a#b", ".", ".."),
        *("a\nb", "a\0b", "a\ud800", "a\u2028b"),
        "E00FCE68" * 3,
    ],
)
def test_a_name_that_cannot_stand_in_a_path_or_looks_like_an_id_is_refused(text):
    with pytest.raises(Invalid) as refused:
        parse_name(text)
    assert refused.value.code == "bad_device_name"


def test_names_are_compared_without_regard_to_case():
    assert name_key("Straße 1") == name_key("STRASSE 1 ") == "strasse 1"


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=70))
def test_a_name_that_is_taken_is_taken_again_unchanged_and_is_no_id(text):
    try:
        name = parse_name(text)
    except Invalid:
        return
    assert parse_name(name) == name
    assert parse_device_id(name) is None
    assert name_key(name) == name_key(text)


def test_notes_have_a_limit_in_bytes_and_can_be_removed():
    assert parse_notes(None) is None
    assert parse_notes("two\nlines") == "two\nlines"
    assert parse_notes("x" * 4096)
    for text in ("ä" * 2049, "a\0b", "\ud800"):
        with pytest.raises(Invalid):
            parse_notes(text)

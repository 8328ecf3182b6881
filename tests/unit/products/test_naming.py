from itertools import islice

import pytest

from roadstead.kit.errors import Invalid
from roadstead.products import naming


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Cold Box", "cold-box"),
        ("  Kühl — Schrank!  ", "kuhl-schrank"),
        ("30301", "product-30301"),
        ("水", "product"),
        ("x" * 64, "x" * 56),
    ],
)
def test_a_slug_is_made_from_a_name(name, slug):
    assert next(naming.propose_slugs(name)) == slug
    assert naming.parse_slug(slug) == slug


def test_a_taken_slug_gets_a_number():
    assert list(islice(naming.propose_slugs("a"), 3)) == ["a", "a-2", "a-3"]


@pytest.mark.parametrize("slug", ["", "A", "a_b", "-a", "a-", "123", "a--b", "x" * 65, "a/b"])
def test_what_is_no_slug_is_refused(slug):
    with pytest.raises(Invalid, match="slug"):
        naming.parse_slug(slug)


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "x" * 65])
def test_a_name_that_cannot_be_used_is_refused(name):
    with pytest.raises(Invalid, match="product name"):
        naming.parse_product_name(name)


@pytest.mark.parametrize("number", [0, -1, 65536, 13, 0, 32])
def test_a_number_outside_the_range_or_of_a_platform_is_refused(number):
    with pytest.raises(Invalid):
        naming.parse_product_id(number)


@pytest.mark.parametrize("number", [1, 1234, 65535])
def test_a_number_may_be_chosen(number):
    assert naming.parse_product_id(number) == number


def test_an_unknown_platform_is_refused():
    assert naming.parse_platform_id(13) == 13
    with pytest.raises(Invalid, match="known are"):
        naming.parse_platform_id(999)


def test_a_description_has_a_limit():
    assert naming.parse_description(" a ") == "a"
    for text in ("ä" * 2049, "a\0b", "\ud800"):
        with pytest.raises(Invalid, match="description"):
            naming.parse_description(text)

import pytest

from roadstead.kit.errors import Invalid
from roadstead.organizations.per_plan import parse_event_days, parse_event_size


@pytest.mark.parametrize(
    ("text", "developer", "product", "enterprise"),
    [("7", 7, 7, 7), ("0", 0, 0, 0), ("product=30, enterprise=365", 7, 30, 365)],
)
def test_days_for_all_plans_or_for_each(text, developer, product, enterprise):
    assert parse_event_days("events_days", text) == {
        "developer": developer,
        "product": product,
        "enterprise": enterprise,
    }


@pytest.mark.parametrize(
    ("text", "size"), [("5", 5), ("5kB", 5000), ("2mb", 2_000_000), ("1GB", 10**9)]
)
def test_sizes_have_units(text, size):
    assert parse_event_size("events_size", text)["product"] == size


@pytest.mark.parametrize("text", ["", "x", "-1", "7 days", "gold=7", "developer=", "5XB"])
def test_anything_else_is_refused(text):
    with pytest.raises(Invalid):
        parse_event_days("events_days", text)
    with pytest.raises(Invalid):
        parse_event_size("events_size", text)

import pytest

from roadstead.kit.errors import Invalid
from roadstead.products.model import OptIn, ProductSettings
from roadstead.products.preferences import change_settings

BEFORE = ProductSettings(trust_first_key=True)


def test_only_what_is_given_changes():
    after = change_settings(BEFORE, {"quarantine": "automatic", "location": {"opt_in": True}})
    assert after == ProductSettings(
        trust_first_key=True, quarantine="automatic", location=OptIn(opt_in=True)
    )
    assert change_settings(BEFORE, {}) == BEFORE
    assert change_settings(BEFORE, {"quarantine": None}) == BEFORE


@pytest.mark.parametrize(
    ("given", "meant"), [(True, "manual"), (False, "automatic"), ("true", "manual")]
)
def test_the_fields_switch_is_understood(given, meant):
    assert change_settings(BEFORE, {"quarantine": given}).quarantine == meant


@pytest.mark.parametrize(
    "given",
    [{"quarantine": "never"}, {"trust_first_key": "perhaps"}, {"location": 1}, {"colour": "red"}],
)
def test_what_is_wrong_is_named(given):
    with pytest.raises(Invalid, match=r"settings cannot be used") as refused:
        change_settings(BEFORE, given)
    assert next(iter(given)) in refused.value.message

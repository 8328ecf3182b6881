"""What a device in safe mode lacks, by its own list of modules."""

from hypothesis import given
from hypothesis import strategies as st

from roadstead.firmware.delivery.missing_modules import NEEDS_MAX, missing_modules


def module(letter: str, index: int, version: int, *needs: tuple[str, int, int]) -> dict:
    wanted = [{"f": f, "n": str(n), "v": v} for f, n, v in needs]
    return {"f": letter, "n": str(index), "v": version, "d": wanted}


def test_what_is_too_old_or_absent_is_named_once() -> None:
    description = {
        "m": [
            module("b", 0, 2000),
            module("s", 1, 5600, ("b", 0, 2000), ("a", 0, 3)),
            module("u", 1, 6, ("s", 1, 6200), ("s", 1, 6200)),
        ]
    }
    assert missing_modules(description) == [
        "radio stack 0 in version 3 or newer (it has none)",
        "system part 1 in version 6200 or newer (it has 5600)",
    ]


def test_a_device_that_has_everything_lacks_nothing() -> None:
    assert missing_modules({"m": [module("s", 1, 6200), module("u", 1, 6, ("s", 1, 6200))]}) == []
    assert missing_modules({}) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("mfnvd"), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from("pm"), JSON))
def test_whatever_a_device_says_is_taken(description: dict) -> None:
    assert len(missing_modules(description)) <= NEEDS_MAX

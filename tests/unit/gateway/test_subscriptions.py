"""Who subscribes to an event."""

from hypothesis import given, settings
from hypothesis import strategies as st

from roadstead.gateway.subscriptions import SubscriptionIndex, is_reserved
from roadstead.protocol.messages.subscription import DeviceSubscription as Subscription

OWNER, OTHER = "a" * 24, "b" * 24


def names(index: SubscriptionIndex[str], owner: str, name: str, device: str | None = None):
    return {member for member, _ in index.find(owner, name, device)}


def test_a_prefix_matches_the_events_of_its_owner_only() -> None:
    index: SubscriptionIndex[str] = SubscriptionIndex()
    index.replace("fridge", OWNER, [Subscription("alarm/")])
    assert names(index, OWNER, "alarm/door") == {"fridge"}
    assert names(index, OWNER, "alarm") == set()
    assert names(index, OTHER, "alarm/door") == set()


def test_reserved_names_match_nobody_whatever_the_filter() -> None:
    index: SubscriptionIndex[str] = SubscriptionIndex()
    index.replace("a", OWNER, [Subscription("spark"), Subscription("s"), Subscription("p")])
    assert names(index, OWNER, "spark/device/claim/code") == set()
    assert names(index, OWNER, "Particle/device/updates/forced") == set()
    assert names(index, OWNER, "status") == {"a"}


def test_a_filter_for_one_device_takes_only_its_events() -> None:
    index: SubscriptionIndex[str] = SubscriptionIndex()
    index.replace("a", OWNER, [Subscription("t", device_id="1" * 24)])
    assert names(index, OWNER, "temp", "1" * 24) == {"a"}
    assert names(index, OWNER, "temp", "2" * 24) == set()
    assert names(index, OWNER, "temp", None) == set()


def test_every_matching_filter_of_a_device_is_given() -> None:
    index: SubscriptionIndex[str] = SubscriptionIndex()
    filters = [Subscription("a"), Subscription("ab", "cbor"), Subscription("x")]
    index.replace("m", OWNER, filters)
    [(member, matching)] = index.find(OWNER, "abc", None)
    assert member == "m"
    assert set(matching) == set(filters[:2])


def test_without_an_owner_or_after_removal_nothing_matches_and_nothing_is_kept() -> None:
    index: SubscriptionIndex[str] = SubscriptionIndex()
    index.replace("m", OWNER, [Subscription("a"), Subscription("a", "cbor")])
    index.replace("m", None, [Subscription("a")])
    assert names(index, OWNER, "abc") == set()
    assert len(index) == 0
    index.replace("m", OTHER, [Subscription("a")])
    index.remove("m")
    index.remove("m")
    assert len(index) == 0


FILTERS = st.lists(st.sampled_from(["a", "ab", "abc", "b", "spark", "ba", "s"]), max_size=5)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from([OWNER, OTHER]), FILTERS), max_size=20),
    st.sampled_from(["a", "abcd", "bah", "sparkle", "sun", "c"]),
)
def test_the_index_finds_exactly_what_looking_at_every_device_finds(changes, name) -> None:
    index: SubscriptionIndex[int] = SubscriptionIndex()
    model: dict[int, tuple[str, list[str]]] = {}
    for member, owner, filters in changes:
        index.replace(member, owner, [Subscription(one) for one in filters])
        model[member] = (owner, filters)
    expected = {
        member
        for member, (owner, filters) in model.items()
        if owner == OWNER and not is_reserved(name) and any(name.startswith(f) for f in filters)
    }
    assert names(index, OWNER, name) == expected


def test_a_device_gets_the_events_of_its_product_whoever_owns_it_and_each_once() -> None:
    index: SubscriptionIndex[str] = SubscriptionIndex()
    index.replace("owned", OWNER, [Subscription("a")], 7)
    index.replace("nobodys", None, [Subscription("a")], 7)
    index.replace("elsewhere", OWNER, [Subscription("a")], 8)
    of_product = dict(index.find(None, "a", None, 7))
    assert {member: len(filters) for member, filters in of_product.items()} == {
        "owned": 1,
        "nobodys": 1,
    }
    both = dict(index.find(OWNER, "abc", None, 7))
    assert {member: len(filters) for member, filters in both.items()} == {
        "owned": 1,
        "nobodys": 1,
        "elsewhere": 1,
    }
    assert dict(index.find(OTHER, "a", None, None)) == {}
    assert dict(index.find(None, "spark/status", None, 7)) == {}
    for member in ("owned", "nobodys", "elsewhere"):
        index.remove(member)
    assert dict(index.find(OWNER, "a", None, 7)) == {}
    assert index._accounts == {}

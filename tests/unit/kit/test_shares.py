from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from roadstead.kit.shares import Shares


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcd"), st.integers(0, 9)), max_size=80))
def test_shares_are_those_of_a_plain_table(steps: list[tuple[bool, str, int]]) -> None:
    shares: Shares[int] = Shares()
    plain: defaultdict[str, list[int]] = defaultdict(list)
    for adds, holder, item in steps:
        if adds and item not in plain[holder]:
            plain[holder].append(item)
            shares.add(holder, item)
        elif not adds and item in plain[holder]:
            plain[holder].remove(item)
            shares.remove(holder, item)
        most = max(map(len, plain.values()), default=0)
        assert shares.most == most
        assert {holder: shares.count(holder) for holder in "abcd"} == {
            holder: len(plain[holder]) for holder in "abcd"
        }
        heaviest = list(shares.heaviest())
        assert not most or heaviest in [items for items in plain.values() if len(items) == most]
        assert most or not heaviest

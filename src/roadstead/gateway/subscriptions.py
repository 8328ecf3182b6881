"""Which connected devices subscribe to an event: owner or product first, then the name's prefix.

A device gets events of its owner's account, and those of its product, from whichever of its devices
or published into it by the API. Source: particle cloud notes §3.6.2.

An account may have thousands of devices, each with a prefix of its own. Looking up the prefixes of
the event's name (at most 64) costs the same whatever their number.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Generic, TypeVar

from roadstead.protocol.messages.subscription import DeviceSubscription

RESERVED_PREFIXES = ("spark", "particle")
"""Names of the system. Events of these names go to a device only when they are meant for it: an
echo of ``spark/device/claim/code``, for example, would make it drop its claim code."""


def is_reserved(name: str) -> bool:
    """True for the names of the system, in any case."""
    return name.lower().startswith(RESERVED_PREFIXES)


SHARED_VALUES = 4096
"""Different values remembered of one account; beyond it equal ones are kept more than once."""

Member = TypeVar("Member", bound=Hashable)
Value = TypeVar("Value", bound=Hashable)


class _Account(Generic[Member]):
    """The subscriptions of the devices of one owner or product.

    Devices of a fleet subscribe to the same; what is equal is kept once.
    """

    __slots__ = ("by_prefix", "lengths", "shared")

    def __init__(self) -> None:
        self.by_prefix: dict[str, dict[Member, tuple[DeviceSubscription, ...]]] = {}
        self.lengths: dict[int, int] = {}
        self.shared: dict[Any, Any] = {}

    def share(self, value: Value) -> Value:
        """The first value that was equal to this one."""
        if len(self.shared) >= SHARED_VALUES:
            self.shared.clear()
        kept: Value = self.shared.setdefault(value, value)
        return kept

    def add(self, member: Member, subscription: DeviceSubscription) -> None:
        prefix = subscription.prefix
        members = self.by_prefix.get(prefix)
        if members is None:
            members = self.by_prefix[prefix] = {}
            self.lengths[len(prefix)] = self.lengths.get(len(prefix), 0) + 1
        members[member] = self.share((*members.get(member, ()), subscription))

    def discard(self, member: Member, prefix: str) -> None:
        members = self.by_prefix.get(prefix)
        if members is None or members.pop(member, None) is None or members:
            return
        del self.by_prefix[prefix]
        self.lengths[len(prefix)] -= 1
        if not self.lengths[len(prefix)]:
            del self.lengths[len(prefix)]


class SubscriptionIndex(Generic[Member]):
    """The subscriptions of all connected devices; members are compared by hash."""

    def __init__(self) -> None:
        self._accounts: dict[str | int, _Account[Member]] = {}
        self._entries: dict[Member, tuple[tuple[str | int, ...], tuple[str, ...]]] = {}

    def __len__(self) -> int:
        """Number of members with at least one subscription that can match."""
        return len(self._entries)

    def replace(
        self,
        member: Member,
        owner_id: str | None,
        subscriptions: Sequence[DeviceSubscription],
        product_id: int | None = None,
    ) -> None:
        """Sets all subscriptions of a member; without an owner or product it gets nothing."""
        self.remove(member)
        wanted = [one for one in subscriptions if not is_reserved(one.prefix)]
        scopes = tuple(scope for scope in (owner_id, product_id) if scope is not None)
        if not scopes or not wanted:
            return
        for scope in scopes:
            account = self._accounts.get(scope)
            if account is None:
                account = self._accounts[scope] = _Account()
            for subscription in wanted:
                account.add(member, subscription)
        prefixes = tuple(one.prefix for one in wanted)
        self._entries[member] = self._accounts[scopes[0]].share((scopes, prefixes))

    def remove(self, member: Member) -> None:
        """Forgets a member."""
        entry = self._entries.pop(member, None)
        if entry is None:
            return
        scopes, prefixes = entry
        for scope in scopes:
            account = self._accounts[scope]
            for prefix in prefixes:
                account.discard(member, prefix)
            if not account.by_prefix:
                del self._accounts[scope]

    def find(
        self,
        owner_id: str | None,
        name: str,
        device_id: str | None,
        product_id: int | None = None,
    ) -> Iterable[tuple[Member, list[DeviceSubscription]]]:
        """The members whose filters match an event, each with those filters.

        Args:
            owner_id: owner of the event; None for nobody's.
            name: its name; reserved names match nobody.
            device_id: the device that it is from, None for the API.
            product_id: product of the event; None outside products.
        """
        account = self._accounts.get(owner_id or "")
        product = None if product_id is None else self._accounts.get(product_id)
        if (account is None and product is None) or is_reserved(name):
            return ()
        found = {} if account is None else self._match(account, name, device_id)
        if product is not None:
            found = self._match(product, name, device_id) | found
        return found.items()

    @staticmethod
    def _match(
        account: _Account[Member], name: str, device_id: str | None
    ) -> dict[Member, list[DeviceSubscription]]:
        found: dict[Member, list[DeviceSubscription]] = {}
        for length in account.lengths:
            members = account.by_prefix.get(name[:length]) if length <= len(name) else None
            for member, subscriptions in (members or {}).items():
                matching = [one for one in subscriptions if one.device_id in (None, device_id)]
                if matching:
                    found.setdefault(member, []).extend(matching)
        return found

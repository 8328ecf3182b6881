"""Which connected devices subscribe to an event: owner first, then the prefix of the name.

An account may have thousands of devices, each with a prefix of its own. Looking up the prefixes of
the event's name (at most 64) costs the same whatever their number.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import Generic, TypeVar

from roadstead.protocol.messages.subscription import DeviceSubscription

RESERVED_PREFIXES = ("spark", "particle")
"""Names of the system. Events of these names go to a device only when they are meant for it: an
echo of ``spark/device/claim/code``, for example, would make it drop its claim code."""


def is_reserved(name: str) -> bool:
    """True for the names of the system, in any case."""
    return name.lower().startswith(RESERVED_PREFIXES)


Member = TypeVar("Member", bound=Hashable)


class _Account(Generic[Member]):
    """The subscriptions of one owner's devices."""

    __slots__ = ("by_prefix", "lengths")

    def __init__(self) -> None:
        self.by_prefix: dict[str, dict[Member, list[DeviceSubscription]]] = {}
        self.lengths: dict[int, int] = {}

    def add(self, member: Member, subscription: DeviceSubscription) -> None:
        prefix = subscription.prefix
        members = self.by_prefix.get(prefix)
        if members is None:
            members = self.by_prefix[prefix] = {}
            self.lengths[len(prefix)] = self.lengths.get(len(prefix), 0) + 1
        members.setdefault(member, []).append(subscription)

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
        self._accounts: dict[str, _Account[Member]] = {}
        self._entries: dict[Member, tuple[str, tuple[str, ...]]] = {}

    def __len__(self) -> int:
        """Number of members with at least one subscription that can match."""
        return len(self._entries)

    def replace(
        self, member: Member, owner_id: str | None, subscriptions: Sequence[DeviceSubscription]
    ) -> None:
        """Sets all subscriptions of a member; without an owner it gets nothing."""
        self.remove(member)
        wanted = [one for one in subscriptions if not is_reserved(one.prefix)]
        if owner_id is None or not wanted:
            return
        account = self._accounts.get(owner_id)
        if account is None:
            account = self._accounts[owner_id] = _Account()
        for subscription in wanted:
            account.add(member, subscription)
        self._entries[member] = (owner_id, tuple(one.prefix for one in wanted))

    def remove(self, member: Member) -> None:
        """Forgets a member."""
        entry = self._entries.pop(member, None)
        if entry is None:
            return
        owner_id, prefixes = entry
        account = self._accounts[owner_id]
        for prefix in prefixes:
            account.discard(member, prefix)
        if not account.by_prefix:
            del self._accounts[owner_id]

    def find(
        self, owner_id: str, name: str, device_id: str | None
    ) -> Iterable[tuple[Member, list[DeviceSubscription]]]:
        """The members whose filters match an event of this owner, each with those filters.

        Args:
            owner_id: owner of the event.
            name: its name; reserved names match nobody.
            device_id: the device that it is from, None for the API.
        """
        account = self._accounts.get(owner_id)
        if account is None or is_reserved(name):
            return ()
        found: dict[Member, list[DeviceSubscription]] = {}
        for length in account.lengths:
            members = account.by_prefix.get(name[:length]) if length <= len(name) else None
            for member, subscriptions in (members or {}).items():
                matching = [one for one in subscriptions if one.device_id in (None, device_id)]
                if matching:
                    found.setdefault(member, []).extend(matching)
        return found.items()

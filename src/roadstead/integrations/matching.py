"""Which integrations does an event go to? Pure.

Source: particle cloud notes §3.9, §3.6.2.
"""

from collections.abc import Iterable

from roadstead.events.model import Event
from roadstead.integrations.model import Integration, Owner, OwnerKind

ANSWER_NAMES = ("hook-sent/", "hook-response/", "hook-error/")
"""Events that tell of webhooks never cause any, or there would be no end."""

DEVICE_ID_CHARS = 24


def is_answer(name: str) -> bool:
    """Whether a name is one of those that tell of webhooks, with a device's id before or not."""
    if name.startswith(ANSWER_NAMES):
        return True
    own = name[DEVICE_ID_CHARS : DEVICE_ID_CHARS + 1] == "/"
    return own and name.startswith(ANSWER_NAMES, DEVICE_ID_CHARS + 1)


def matches(hook: Integration, event: Event) -> bool:
    """Whether an event of the hook's owner goes to the hook."""
    return (
        event.name.startswith(hook.event)
        and (hook.device_id is None or hook.device_id == event.device_id)
        and not hook.disabled
        and not is_answer(event.name)
    )


class HookIndex:
    """All integrations by owner: an event of owners without any costs a few look-ups."""

    def __init__(self) -> None:
        self._of: dict[OwnerKind, dict[str, dict[str, Integration]]] = {
            "user": {},
            "product": {},
            "organization": {},
        }
        self._owners: dict[str, Owner] = {}

    def __len__(self) -> int:
        """Number of integrations."""
        return len(self._owners)

    def put(self, hook: Integration) -> None:
        """Adds or replaces one."""
        self.drop(hook.id)
        self._owners[hook.id] = hook.owner
        self._of[hook.owner.kind].setdefault(hook.owner.id, {})[hook.id] = hook

    def drop(self, hook_id: str) -> None:
        """Forgets one."""
        owner = self._owners.pop(hook_id, None)
        if owner is None:
            return
        of_kind = self._of[owner.kind]
        del of_kind[owner.id][hook_id]
        if not of_kind[owner.id]:
            del of_kind[owner.id]

    def get(self, hook_id: str) -> Integration | None:
        """One by its id."""
        owner = self._owners.get(hook_id)
        return self._of[owner.kind][owner.id].get(hook_id) if owner else None

    def all(self) -> Iterable[Integration]:
        """All of them."""
        for of_kind in self._of.values():
            for hooks in tuple(of_kind.values()):
                yield from tuple(hooks.values())

    def has_organizations(self) -> bool:
        """Whether any belongs to an organization; then an event's must be known."""
        return bool(self._of["organization"])

    def find(self, event: Event, organization_id: str | None = None) -> list[Integration]:
        """The integrations that this event goes to.

        Args:
            event: of a device, a product or an account.
            organization_id: organization of the event's product.
        """
        found: list[Integration] = []
        if not self._owners:
            return found
        of = self._of
        if event.owner_id and (hooks := of["user"].get(event.owner_id)):
            found += [hook for hook in hooks.values() if matches(hook, event)]
        if event.product_id is not None and (hooks := of["product"].get(str(event.product_id))):
            found += [hook for hook in hooks.values() if matches(hook, event)]
        if organization_id and (hooks := of["organization"].get(organization_id)):
            found += [hook for hook in hooks.values() if matches(hook, event)]
        return found

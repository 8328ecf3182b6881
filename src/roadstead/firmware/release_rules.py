"""What a release changes of what is in force. Pure.

``groups`` left out leaves groups alone, else the list is absolute for the version: groups that had
it and are not named lose it. ``product_default`` likewise: left out it stays, true makes the
version the default, false withdraws it if it is the default.
Spec: product notes §2.14, §3.1.1, §3.1.4.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from roadstead.firmware.model import InForce
from roadstead.kit.errors import Invalid

GROUPS_MAX: Final = 1000
"""Groups in one release."""

REASON_CHARS_MAX: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseWish:
    """What somebody asks for.

    Attributes:
        version: which version.
        groups: names of groups; None leaves groups alone.
        product_default: None leaves the default alone.
        intelligent: deliver at once to whoever is online and agrees.
        override_reason: why without proof; None when not asked for.
        security_fix: it mends a weakness, so that no plan holds it back; written down.
    """

    version: int
    groups: Sequence[str] | None = None
    product_default: bool | None = None
    intelligent: bool = False
    override_reason: str | None = None
    security_fix: bool = False

    @property
    def releases(self) -> bool:
        """Whether it gives the version to anybody; else it only withdraws."""
        return bool(self.groups) or self.product_default is True


def check_wish(wish: ReleaseWish) -> None:
    """Refuses a wish that means nothing.

    Raises:
        Invalid: ``nothing_to_release``; ``too_many_groups``; ``bad_override_reason``.
    """
    if wish.groups is None and wish.product_default is None:
        raise Invalid(
            "nothing_to_release",
            "A release needs groups, product_default or both: groups names all groups that shall "
            "have the version (an empty list withdraws it), product_default makes it everybody's.",
        )
    if wish.groups is not None and len(wish.groups) > GROUPS_MAX:
        raise Invalid("too_many_groups", f"A release names at most {GROUPS_MAX} groups.")
    reason = wish.override_reason
    if reason is not None and not 0 < len(reason.strip()) <= REASON_CHARS_MAX:
        raise Invalid("bad_override_reason", f"The reason has 1 to {REASON_CHARS_MAX} characters.")


def find_changes(
    wish: ReleaseWish, in_force: InForce, group_ids: Mapping[str, str]
) -> dict[str, int | None]:
    """What becomes of each group (by id) and of the default (by an empty id); None withdraws.

    Args:
        wish: what is asked for.
        in_force: what is released now.
        group_ids: ids of the product's groups by name.

    Raises:
        Invalid: ``unknown_group``.
    """
    changes: dict[str, int | None] = {}
    if wish.groups is not None:
        unknown = sorted(set(wish.groups) - group_ids.keys())
        if unknown:
            raise Invalid(
                "unknown_group", f"The product has no group {unknown[0]!r}; create it first."
            )
        named = {group_ids[name] for name in wish.groups}
        changes |= dict.fromkeys(sorted(named), wish.version)
        lost = {key for key, version in in_force.groups.items() if version == wish.version}
        changes |= dict.fromkeys(sorted(lost - named))
    if wish.product_default:
        changes[""] = wish.version
    elif wish.product_default is False and in_force.default == wish.version:
        changes[""] = None
    return changes


def apply_changes(in_force: InForce, changes: Mapping[str, int | None]) -> InForce:
    """What is in force afterwards."""
    versions: dict[str, int | None] = {**in_force.groups, "": in_force.default, **changes}
    default = versions.pop("")
    groups = {key: version for key, version in versions.items() if version is not None}
    return InForce(default=default, groups=groups)

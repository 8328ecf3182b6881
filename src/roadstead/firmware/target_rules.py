"""The rules of the target decision: facts, and what each rule says of them.

First rules that choose a version, in order, the first that speaks wins; then rules that may hold it
back, those that a person must act on before those that time solves.
Spec: product notes §3.1, §7.2.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, NamedTuple

from roadstead.firmware.images.extensions import Dependency
from roadstead.firmware.images.image import ModuleFunction
from roadstead.firmware.images.platforms import platform_name

Membership = Literal["member", "quarantined", "denied", "other_firmware", "none"]
"""What a device is to the product; ``other_firmware``: a member whose firmware names another
product, which is not trusted with this one's."""
Occasion = Literal["handshake", "asked", "none"]
"""What gives a reason to look now: ``handshake``, a new session of this connection; ``asked``, a
person or a rollout wants it now, or the device agreed to what was pending; ``none``, a device that
goes on with its session, which a plain release does not disturb."""

ModuleKey = tuple[int, int]
"""Function and index of a module."""


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """What is known of a version that may be sent.

    Attributes:
        size_bytes: length of its file.
        platform_id: hardware that it is for.
        dependencies: modules that it needs.
        assets: files that it expects on the device beside itself.
    """

    size_bytes: int
    platform_id: int
    dependencies: tuple[Dependency, ...] = ()
    assets: int = 0


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """Everything that the decision looks at.

    Attributes:
        membership: whether the device belongs to the product.
        development: marked for development: only explicit flashing changes it.
        locked_version: version that it is locked to.
        assigned_version: version that a rollout assigned to it.
        group_releases: for each group of the device that has a release, its version.
        default_version: the product's released default.
        paused_versions: versions whose release to it is paused: the gate found something.
        taken_back: the assigned version is what it had before a rollout that is taken back.
        versions: what is known of versions, by number.
        running_version: what it reported last; None when unknown or none.
        safe_mode: it runs no application, for modules are missing.
        platform_id: its hardware; None until it was seen.
        modules: versions of its modules; None until it told.
        max_binary_bytes: longest file that it takes; 0 when it did not say.
        online: whether it is connected.
        updates_enabled: what it said last, else true.
        updates_forced: whether it confirmed that updates are forced.
        transfer_running: whether a file is on its way to it.
        failures: attempts at this version that failed in a row.
        retry_at: not before, because of failures.
        occasion: see Occasion.
        now: the time.
    """

    now: datetime
    membership: Membership = "member"
    development: bool = False
    locked_version: int | None = None
    assigned_version: int | None = None
    group_releases: Mapping[str, int] = field(default_factory=dict)
    default_version: int | None = None
    paused_versions: frozenset[int] = frozenset()
    taken_back: bool = False
    versions: Mapping[int, VersionFacts] = field(default_factory=dict)
    running_version: int | None = None
    safe_mode: bool = False
    platform_id: int | None = None
    modules: Mapping[ModuleKey, int] | None = None
    max_binary_bytes: int = 0
    online: bool = True
    updates_enabled: bool = True
    updates_forced: bool = False
    transfer_running: bool = False
    failures: int = 0
    retry_at: datetime | None = None
    occasion: Occasion = "handshake"


class Choice(NamedTuple):
    """What a rule that speaks says: the version, None for no version at all; and why."""

    version: int | None
    reason: str
    text: str


class Objection(NamedTuple):
    """Why a rule holds a version back; ``until`` when time alone solves it."""

    reason: str
    text: str
    until: datetime | None = None


_NOT_MEMBERS: Final = {
    "quarantined": "The device is in quarantine; approve it to have it updated.",
    "denied": "The device was denied for this product.",
    "other_firmware": "The firmware on the device names another product; flash it over USB.",
    "none": "The device does not belong to this product.",
}


def choose_by_membership(facts: TargetFacts) -> Choice | None:
    """No version for a device that is no approved member."""
    if facts.membership == "member":
        return None
    reason = "not_a_member" if facts.membership == "none" else facts.membership
    return Choice(None, reason, _NOT_MEMBERS[facts.membership])


def choose_by_development(facts: TargetFacts) -> Choice | None:
    """No version for a development device, whatever is released or locked."""
    if not facts.development:
        return None
    return Choice(
        None,
        "development",
        "A development device is left alone; unmark it, or flash it, to change what it runs.",
    )


def choose_by_lock(facts: TargetFacts) -> Choice | None:
    """The version that the device is locked to."""
    version = facts.locked_version
    if version is None:
        return None
    return Choice(version, "lock", f"The device is locked to version {version}.")


def choose_by_assignment(facts: TargetFacts) -> Choice | None:
    """The version that a rollout has assigned to the device, forwards or back."""
    version = facts.assigned_version
    if version is None:
        return None
    if facts.taken_back:
        text = f"A rollout was stopped and is taken back: the device gets version {version} again."
        return Choice(version, "rollout", text)
    return Choice(version, "rollout", f"A rollout has assigned version {version} to the device.")


def choose_by_groups(facts: TargetFacts) -> Choice | None:
    """The highest version released to its groups; the default does not count then."""
    if not facts.group_releases:
        return None
    version = max(facts.group_releases.values())
    names = sorted(name for name, one in facts.group_releases.items() if one == version)
    return Choice(version, "group_release", f"Version {version} is released to {', '.join(names)}.")


def choose_by_default(facts: TargetFacts) -> Choice | None:
    """The product's default."""
    version = facts.default_version
    if version is None:
        return None
    return Choice(version, "product_default", f"Version {version} is the product's default.")


def hold_unknown_version(facts: TargetFacts, version: int) -> Objection | None:
    """The file of the version must be there."""
    if version in facts.versions:
        return None
    return Objection("version_missing", f"Version {version} has no firmware; upload it.")


def hold_equal_version(facts: TargetFacts, version: int) -> Objection | None:
    """A device that runs it is left alone; versions are compared for equality only."""
    if facts.safe_mode or facts.running_version != version:
        return None
    return Objection("up_to_date", f"The device runs version {version}.")


def hold_paused_release(facts: TargetFacts, version: int) -> Objection | None:
    """A release that the gate, or a person, has paused is sent to nobody; a lock is."""
    if facts.locked_version is not None or facts.assigned_version is not None:
        return None
    if version not in facts.paused_versions:
        return None
    return Objection(
        "release_paused",
        f"The release of version {version} is paused; the rollout that watches it says why.",
    )


def hold_wrong_platform(facts: TargetFacts, version: int) -> Objection | None:
    """The version must be for this hardware."""
    wanted = facts.versions[version].platform_id
    if facts.platform_id is None or wanted == facts.platform_id:
        return None
    return Objection(
        "wrong_platform",
        f"Version {version} is for {platform_name(wanted)}, "
        f"the device is {platform_name(facts.platform_id)}.",
    )


def hold_too_large(facts: TargetFacts, version: int) -> Objection | None:
    """The device must have room."""
    size = facts.versions[version].size_bytes
    if not facts.max_binary_bytes or size <= facts.max_binary_bytes:
        return None
    return Objection(
        "too_large",
        f"Version {version} has {size} bytes; the device takes {facts.max_binary_bytes}.",
    )


def hold_missing_modules(facts: TargetFacts, version: int) -> Objection | None:
    """What the version needs must be on the device; else it would end in safe mode."""
    needs = facts.versions[version].dependencies
    modules = facts.modules
    if not needs or (modules is None and not facts.online):
        return None
    if modules is None:
        return Objection("modules_unknown", "The device has not told yet which modules it has.")
    missing = [one for one in needs if modules.get((one.function, one.index), -1) < one.version]
    if not missing:
        return None
    newer = any(one.function == ModuleFunction.SYSTEM for one in missing)
    reason = "needs_newer_device_os" if newer else "missing_modules"
    wants = "; ".join(_name_need(one, modules) for one in missing)
    return Objection(reason, f"Version {version} needs {wants}.")


def _name_need(need: Dependency, modules: Mapping[ModuleKey, int]) -> str:
    names = {int(one): one.name.lower().replace("_", " ") for one in ModuleFunction}
    name = f"{names.get(need.function, f'function {need.function}')} {need.index}"
    has = modules.get((need.function, need.index))
    has_text = "has none" if has is None else f"has {has}"
    return f"{name} in version {need.version} or newer (the device {has_text})"


def hold_assets(facts: TargetFacts, version: int) -> Objection | None:
    """Assets are not brought over the air yet; without them a device would not run the version."""
    if not facts.versions[version].assets:
        return None
    return Objection(
        "assets_not_offered",
        f"Version {version} expects assets, which this server does not bring over the air yet.",
    )


def hold_running_transfer(facts: TargetFacts, version: int) -> Objection | None:
    """Never two transfers to one device."""
    if not facts.transfer_running:
        return None
    return Objection("transfer_running", "A transfer to the device is running.")


def hold_back_off(facts: TargetFacts, version: int) -> Objection | None:
    """A device that failed again and again gets time."""
    until = facts.retry_at
    if until is None or facts.now >= until:
        return None
    times = "once" if facts.failures == 1 else f"{facts.failures} times in a row"
    return Objection("back_off", f"The update failed {times}; it is tried again later.", until)


def hold_offline(facts: TargetFacts, version: int) -> Objection | None:
    """The device must be connected."""
    if facts.online:
        return None
    return Objection("offline", "The device is offline; it is updated when it connects.")


def hold_disabled(facts: TargetFacts, version: int) -> Objection | None:
    """The device must agree, or be forced."""
    if facts.updates_enabled or facts.updates_forced:
        return None
    return Objection(
        "updates_disabled",
        "The device has disabled updates; it is told that one is pending, and can be forced.",
    )


def hold_without_occasion(facts: TargetFacts, version: int) -> Objection | None:
    """A plain release waits until the device begins a new session."""
    if facts.occasion != "none":
        return None
    return Objection(
        "awaits_handshake",
        "The device is updated at its next new session; flash it to update it now.",
    )


ChoosingRule = Callable[[TargetFacts], Choice | None]
HoldingRule = Callable[[TargetFacts, int], Objection | None]

CHOOSING: Final[tuple[tuple[str, ChoosingRule], ...]] = (
    ("membership", choose_by_membership),
    ("development", choose_by_development),
    ("lock", choose_by_lock),
    ("rollout", choose_by_assignment),
    ("group_release", choose_by_groups),
    ("product_default", choose_by_default),
)

HOLDING: Final[tuple[tuple[str, HoldingRule], ...]] = (
    ("firmware_exists", hold_unknown_version),
    ("differs_from_running", hold_equal_version),
    ("release_not_paused", hold_paused_release),
    ("platform", hold_wrong_platform),
    ("size", hold_too_large),
    ("assets", hold_assets),
    ("dependencies", hold_missing_modules),
    ("one_transfer", hold_running_transfer),
    ("back_off", hold_back_off),
    ("online", hold_offline),
    ("consent", hold_disabled),
    ("occasion", hold_without_occasion),
)
"""In this order; those up to ``dependencies`` are solved by people, the others by time."""

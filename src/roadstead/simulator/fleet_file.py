"""``fleet.toml``: a fleet, and how each firmware version of it truly behaves.

One format for both worlds: `roadstead simulate --fleet` runs such a fleet over real sockets,
`roadstead testbed` runs it in process on a clock of its own. See docs/simulator.md for an example.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from roadstead.kit.errors import Invalid
from roadstead.simulator.generation import GENERATIONS, LATEST
from roadstead.simulator.identity import parse_platform
from roadstead.simulator.radio import Radio

DEVICE_LIMIT: Final = 200_000
VERSION_LIMIT: Final = 65_534
NUMBER_LIMIT: Final = 1e6

Contact = Literal["always", "hourly", "daily"]

DAYTIME: Final = (0.7, 1.4, 1.2, 0.7)
"""How busy each quarter of a day is, by the clock of the device."""

FREE_MEMORY_BYTES: Final = 80_000


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Devices that are alike.

    Attributes:
        name: how the kind is called.
        share: part of the fleet; all shares together are the whole.
        application: what runs on them over real sockets: ``fridge`` or ``workbench``.
        platform: their hardware, as ``argon``.
        contact: connected always, or for a moment every hour or day.
        generation: their release of Device OS, over real sockets.
        radio: how they are connected: what is lost and how long it takes.
        loss, delay_ms: of datagrams over real sockets; None is what the radio has.
        time_zones: where they are, dealt out in turn: by their clocks they are busy, and by their
            clocks updates have their windows.
        vitals_per_h: reports of vitals, over real sockets.
        publishes_per_h: events of the application.
        resets_per_h, reconnects_per_h, errors_per_h: averages of the kind; a device's own differ.
        lost_messages, offline: shares, likewise.
        battery: share of devices that run on a battery.
        fails_per_day: share of devices that vanish on a day for hours, whatever they run.
        regions: devices in one place, which lose their connection together.
    """

    name: str
    share: float = 1.0
    application: Literal["fridge", "workbench"] = "fridge"
    platform: str = "argon"
    generation: str = LATEST.name
    contact: Contact = "always"
    radio: Radio = "wifi"
    loss: float | None = None
    delay_ms: float | None = None
    time_zones: tuple[str, ...] = ("UTC",)
    vitals_per_h: float = 1.0
    publishes_per_h: float = 12.0
    resets_per_h: float = 0.01
    reconnects_per_h: float = 0.2
    errors_per_h: float = 0.05
    lost_messages: float = 0.01
    offline: float = 0.01
    battery: float = 0.5
    fails_per_day: float = 0.0037
    regions: int = 20


class Truth(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a firmware version truly behaves, beside what its kind does anyway.

    Attributes:
        bricks: share of devices that never come back from its installation.
        fails_install: share of installations that fail and leave the old version.
        resets_times, reconnects_times, errors_times: factors; ``reconnects_times`` is how often it
            drops sessions.
        loses_messages: share of messages lost more.
        leaks_percent_per_h: free memory that goes per hour, percent of what is there.
        leak_resets_after_h: hours after which a leak ends in a restart; 0 for never.
        drains_more: additional drain of batteries: 0.3 is 30 percent.
        silences: share of devices whose application stops to publish.
    """

    bricks: float = 0.0
    fails_install: float = 0.0
    resets_times: float = 1.0
    reconnects_times: float = 1.0
    errors_times: float = 1.0
    loses_messages: float = 0.0
    leaks_percent_per_h: float = 0.0
    leak_resets_after_h: float = 0.0
    drains_more: float = 0.0
    silences: float = 0.0


class Nuisance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens to all devices, whatever they run.

    Attributes:
        region_days: share of days on which a region has a bad connection.
        server_days: share of days on which everybody has.
        busy_days: how unlike days are: 2 is usual, 0.4 very much so.
        shift_times: factor of all rates from the start of the rollout on.
    """

    region_days: float = 0.03
    server_days: float = 0.02
    busy_days: float = 2.0
    shift_times: float = 1.0


GOOD: Final = Truth()
QUIET: Final = Nuisance()


class FleetFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fleet.

    Attributes:
        devices: how many.
        seed: of all that is left to chance.
        kind: the kinds of devices.
        version: behaviour by version number, written as text in TOML; the others are good.
        runs: version that the fleet begins with.
        nuisance: what happens to all.
    """

    devices: int = 100
    seed: int = 1
    kind: tuple[Kind, ...] = (Kind(name="device"),)
    version: dict[str, Truth] = {}
    runs: int = 1
    nuisance: Nuisance = QUIET

    def truth(self, version: int) -> Truth:
        """How a version behaves."""
        return self.version.get(str(version), GOOD)

    def kinds(self) -> list[Kind]:
        """The kind of each device; kinds are mixed evenly, so that a shorter fleet is alike."""
        total = sum(one.share for one in self.kind)
        owed = [0.0] * len(self.kind)
        dealt: list[Kind] = []
        for _ in range(self.devices):
            owed = [have + one.share / total for have, one in zip(owed, self.kind, strict=True)]
            chosen = max(range(len(owed)), key=owed.__getitem__)
            owed[chosen] -= 1.0
            dealt.append(self.kind[chosen])
        return dealt

    def zones(self) -> list[str]:
        """The time zone of each device: those of its kind in turn."""
        dealt: dict[str, int] = {}
        zones: list[str] = []
        for kind in self.kinds():
            number = dealt.get(kind.name, 0)
            dealt[kind.name] = number + 1
            zones.append(kind.time_zones[number % len(kind.time_zones)])
        return zones

    def zones_by_group(self) -> dict[str, str]:
        """The group in which the devices of each time zone are, for windows of rollouts."""
        return {group_of_zone(zone): zone for kind in self.kind for zone in kind.time_zones}


def slug(text: str) -> str:
    """A name as groups and devices may have it: ``in the field`` is ``in-the-field``."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "kind"


def group_of_zone(zone: str) -> str:
    """The name of the group of a time zone: ``europe-berlin``."""
    return slug(zone)


USUAL_KINDS: Final = (
    Kind(name="powered", share=0.7),
    Kind(name="hourly", share=0.2, contact="hourly", publishes_per_h=2, battery=1.0),
    Kind(name="daily", share=0.1, contact="daily", publishes_per_h=0.25, battery=1.0),
)
"""Most devices connected always, some hourly, some daily: the mix of the published simulation."""


def read_fleet(path: Path) -> FleetFile:
    """Reads and checks a file.

    Raises:
        Invalid: ``bad_fleet``; the sentence says what is wrong and where.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise Invalid("bad_fleet", f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise Invalid("bad_fleet", f"{path} is not TOML: {error}.") from error
    return parse_fleet(document, str(path))


def parse_fleet(document: dict[str, Any], where: str = "the fleet") -> FleetFile:
    """The fleet that a document describes.

    Raises:
        Invalid: ``bad_fleet``.
    """
    try:
        fleet = msgspec.convert(document, FleetFile)
    except msgspec.ValidationError as error:
        raise Invalid("bad_fleet", f"{where} does not describe a fleet: {error}.") from error
    problem = _problem_of(fleet)
    if problem:
        raise Invalid("bad_fleet", f"{where} does not describe a fleet: {problem}.")
    return fleet


def _problem_of(fleet: FleetFile) -> str:
    if not 1 <= fleet.devices <= DEVICE_LIMIT:
        return f"devices must be 1 to {DEVICE_LIMIT}"
    if not 1 <= fleet.runs <= VERSION_LIMIT:
        return f"runs must be a version from 1 to {VERSION_LIMIT}"
    if not fleet.kind:
        return "it needs a kind with a share above zero"
    if len({slug(one.name) for one in fleet.kind}) < len(fleet.kind):
        return "two kinds have one name"
    for kind in fleet.kind:
        problem = _problem_of_kind(kind)
        if problem:
            return problem
    if sum(one.share for one in fleet.kind) <= 0:
        return "it needs a kind with a share above zero"
    for number, truth in fleet.version.items():
        if not number.isdecimal() or not 1 <= int(number) <= VERSION_LIMIT:
            return f"version {number!r} is no number from 1 to {VERSION_LIMIT}"
        shares = ("bricks", "fails_install", "loses_messages", "silences")
        problem = _out_of_range(truth, f"version {number}", shares)
        if problem:
            return problem
    return _problem_of_nuisance(fleet.nuisance)


def _problem_of_kind(kind: Kind) -> str:
    where = f"kind {kind.name}"
    shares = ("lost_messages", "offline", "battery", "loss", "fails_per_day")
    problem = _out_of_range(kind, where, shares)
    if problem:
        return problem
    for name, most in (("publishes_per_h", 180_000.0), ("vitals_per_h", 3600.0)):
        if getattr(kind, name) > most:
            return f"{name} of {where} must be at most {most:,.0f}"
    if kind.regions < 1:
        return f"regions of {where} must be at least 1"
    if kind.generation not in GENERATIONS:
        return f"generation {kind.generation!r} of {where} is none of {', '.join(GENERATIONS)}"
    try:
        parse_platform(kind.platform)
    except ValueError as error:
        return f"platform of {where}: {error}"
    if not kind.time_zones:
        return f"time_zones of {where} must name at least one"
    for zone in kind.time_zones:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return (
                f"{zone!r} in time_zones of {where} is no time zone; write one as Europe/Berlin"
                " or UTC"
            )
    return ""


def _problem_of_nuisance(nuisance: Nuisance) -> str:
    problem = _out_of_range(nuisance, "nuisance", ("region_days", "server_days"))
    if not problem and nuisance.busy_days <= 0:
        return "busy_days of nuisance must be above zero"
    return problem


def _out_of_range(part: Kind | Truth | Nuisance, where: str, shares: tuple[str, ...]) -> str:
    """What is wrong with the numbers of a part: shares are 0 to 1, nothing is below zero."""
    values: Mapping[str, object] = msgspec.structs.asdict(part)
    for name, value in values.items():
        if not isinstance(value, int | float):
            continue
        if value != value or value < 0:
            return f"{name} of {where} is {value}; it must not be below zero"
        if name in shares and value > 1:
            return f"{name} of {where} is {value}; it is a share, 0 to 1"
        if value > NUMBER_LIMIT:
            return f"{name} of {where} is {value}; it must be at most {NUMBER_LIMIT:,.0f}"
    return ""

"""What is remembered of a device so that its fleet can be counted without looking at devices. Pure.

A condition takes note of what happens, and says under which headings its device is counted. What
changes between two conditions is added to and taken from the sums of the fleet: that is all that a
message costs. Times are Unix milliseconds.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple

import msgspec

from roadstead.health.check_rules import (
    HealthFacts,
    State,
    battery_percent,
    check,
    memory_used_percent,
    signal_strength_percent,
    worst,
)
from roadstead.health.resets import is_unexpected, word_of
from roadstead.health.thresholds import HealthThresholds

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS

RESTARTS_KEPT: Final = 10
"""Restarts remembered of one device: more within a day are no worse than these."""

ALL: Final = ""
"""Stands for the whole product where a group's name would be."""

NoteKind = Literal["online", "offline", "reset", "vitals", "update"]

DURATIONS: Final = (
    (60, "under_1m"),
    (600, "under_10m"),
    (3_600, "under_1h"),
    (21_600, "under_6h"),
    (86_400, "under_1d"),
)
"""Seconds below which a time has this word; the longest are ``over_1d``."""

OF_THE_MOMENT: Final = frozenset({"contact_h", "vitals_age_h"})
"""Checks that get worse while nothing happens: they are made when somebody looks."""


class Note(NamedTuple):
    """Something that happened to a device of a product.

    Attributes:
        firmware: product firmware version that it ran; 0 for none.
        word: reason of a restart, or how an update ended.
        version: version of an update.
        vitals: the ``device`` part of a vitals document.
    """

    device_id: str
    product_id: int
    firmware: int
    at_ms: int
    kind: NoteKind
    word: str = ""
    version: int = 0
    vitals: Mapping[str, Any] | None = None


class Condition(msgspec.Struct, array_like=True):
    """What is remembered of one device.

    Attributes:
        firmware, system, groups: under which it is counted.
        checks: what each check came to; those that are not known are missing.
        battery, signal, memory: tens of per cent; None for what is not known.
        online: connected; None before it came or went for the first time.
        since_ms: when it came or went last.
        restarts_ms: the last restarts that nobody asked for; None before it told of any.
        judged_ms: when it was judged last.
    """

    product_id: int
    firmware: int = 0
    system: str = ""
    groups: list[str] = []
    checks: dict[str, State] = {}
    battery: int | None = None
    signal: int | None = None
    memory: int | None = None
    online: bool | None = None
    since_ms: int = 0
    restarts_ms: list[int] | None = None
    judged_ms: int = 0

    @property
    def state(self) -> State:
        """As bad as its worst check."""
        return worst(self.checks.values())

    @property
    def reasons(self) -> list[str]:
        """Names of the checks that are not well, the worst first."""
        return [
            name
            for wanted in ("unhealthy", "warning")
            for name, state in self.checks.items()
            if state == wanted
        ]

    @property
    def score(self) -> int:
        """How bad it is, for an order: an unhealthy check weighs more than all that warn."""
        states = Counter(self.checks.values())
        return 100 * states["unhealthy"] + states["warning"]


class Heading(NamedTuple):
    """Under what something is counted."""

    product_id: int
    measure: str
    device_group: str
    firmware: int
    system: str
    label: str


class Happening(NamedTuple):
    """Something to count in its hour."""

    hour: int
    heading: Heading


def take(condition: Condition, note: Note, thresholds: HealthThresholds) -> list[Happening]:
    """Takes a note; gives what is to be counted in its hour."""
    counted: list[tuple[str, str, int]] = []
    if note.kind in ("online", "offline"):
        counted += _come_or_gone(condition, note)
    elif note.kind == "reset":
        counted.append(("resets", word_of(note.word), condition.firmware))
        _note_restart(condition, note)
    elif note.kind == "update":
        counted.append(("updates", note.word, note.version))
    _judge(condition, note, thresholds)
    hour = note.at_ms // HOUR_MS
    return [
        Happening(
            hour,
            Heading(condition.product_id, measure, group, firmware, condition.system, label),
        )
        for measure, label, firmware in counted
        for group in (ALL, *condition.groups)
    ]


def _come_or_gone(condition: Condition, note: Note) -> Iterable[tuple[str, str, int]]:
    lasted = duration_word((note.at_ms - condition.since_ms) / 1000)
    if condition.online:
        yield "sessions", lasted, condition.firmware
    elif condition.online is False and note.kind == "online":
        yield "offline", lasted, condition.firmware
    if note.kind == "online":
        yield "connects", "", condition.firmware
    if condition.online is not (note.kind == "online") or condition.online:
        condition.since_ms = note.at_ms
    condition.online = note.kind == "online"


def _note_restart(condition: Condition, note: Note) -> None:
    known = condition.restarts_ms or []
    unasked = is_unexpected(note.word)
    condition.restarts_ms = [*known, note.at_ms][-RESTARTS_KEPT:] if unasked else known


def _judge(condition: Condition, note: Note, thresholds: HealthThresholds) -> None:
    restarts = condition.restarts_ms
    recent = None if restarts is None else sum(note.at_ms - one <= DAY_MS for one in restarts)
    facts = HealthFacts(vitals=note.vitals, restarts=recent)
    found = {one.name: one.state for one in check(facts, thresholds).findings}
    kept: dict[str, State] = {} if note.vitals is not None else dict(condition.checks)
    known: dict[str, State] = {
        name: state
        for name, state in found.items()
        if state != "unknown" and name not in OF_THE_MOMENT
    }
    condition.checks = kept | known
    condition.judged_ms = note.at_ms
    if note.vitals is not None:
        condition.battery = _tens(battery_percent(facts))
        condition.signal = _tens(signal_strength_percent(facts))
        condition.memory = _tens(memory_used_percent(facts))


def _tens(percent: float | None) -> int | None:
    return None if percent is None else min(max(int(percent // 10) * 10, 0), 90)


def duration_word(seconds: float) -> str:
    """The word for a time of this length."""
    return next((word for below, word in DURATIONS if seconds < below), "over_1d")


def headings(condition: Condition) -> list[Heading]:
    """Under what the device is counted now; each group is counted for itself."""
    labels = [("devices", ""), ("state", condition.state)]
    labels += [("reason", name) for name in condition.reasons]
    for measure, tens in (
        ("battery", condition.battery),
        ("signal", condition.signal),
        ("memory", condition.memory),
    ):
        if tens is not None:
            labels.append((measure, str(tens)))
    product_id, firmware, system = condition.product_id, condition.firmware, condition.system
    return [
        Heading(product_id, measure, group, firmware, system, label)
        for group in (ALL, *condition.groups)
        for measure, label in labels
    ]


def difference(before: Condition | None, after: Condition | None) -> dict[Heading, int]:
    """What is added to the sums of the fleet when a device's condition changes."""
    change: Counter[Heading] = Counter(headings(after) if after else ())
    change.subtract(headings(before) if before else ())
    return {heading: by for heading, by in change.items() if by}

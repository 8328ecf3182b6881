"""Is this device well? Facts and thresholds in, a report in words out. Pure.

Each row of the table below is one check: where its figure comes from, and what to do when it is
bad. A layer is as bad as its worst check, a device as its worst layer; what nobody knows says
nothing. Begin at ``check``.

Source of the layers: particle cloud notes §3.7.5. SIM cards are not this server's to look at.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from roadstead.health.thresholds import BELOW, HealthLimit, HealthThresholds, limit_of

State = Literal["healthy", "warning", "unhealthy", "unknown"]

Layer = Literal["device", "power", "signal", "cloud"]

LAYERS: tuple[Layer, ...] = ("device", "power", "signal", "cloud")

_RANK: Mapping[State, int] = {"unknown": 0, "healthy": 1, "warning": 2, "unhealthy": 3}

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class HealthFacts:
    """What is known of a device at one moment; None for what is not.

    Attributes:
        vitals: the ``device`` part of its last vitals document.
        vitals_age_s: how old they are.
        online: it is connected.
        silent_s: since its last sign of life; None if there never was one.
        restarts: restarts that nobody asked for, within the last day.
    """

    vitals: Mapping[str, Any] | None = None
    vitals_age_s: float | None = None
    online: bool = False
    silent_s: float | None = None
    restarts: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check came to.

    Attributes:
        name: the field of its thresholds.
        figure: what was found, in ``unit``; None when it is not known.
        text: one sentence: what it means, and what to do if it is bad.
    """

    name: str
    layer: Layer
    label: str
    state: State
    figure: float | None
    unit: str
    limit: HealthLimit
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """How a device is, by the layers of ``LAYERS``."""

    state: State
    findings: tuple[Finding, ...]

    def state_of(self, layer: Layer) -> State:
        """The worst of a layer's checks; unknown when none has a figure."""
        return worst(one.state for one in self.findings if one.layer == layer)

    @property
    def reasons(self) -> list[str]:
        """Names of the checks that are not well, the worst first."""
        bad = [one for one in self.findings if _RANK[one.state] > 1]
        return [one.name for one in sorted(bad, key=lambda one: -_RANK[one.state])]

    @property
    def score(self) -> int:
        """How bad it is, for an order: an unhealthy check weighs more than all that warn."""
        weights = {"unhealthy": 100, "warning": 1}
        return sum(weights.get(one.state, 0) for one in self.findings)


class _Rule(NamedTuple):
    name: str
    layer: Layer
    label: str
    unit: str
    figure: Callable[[HealthFacts], float | None]
    well: str
    advice: str
    missing: str


def check(facts: HealthFacts, thresholds: HealthThresholds) -> Report:
    """How a device is."""
    findings = tuple(_apply(rule, facts, limit_of(thresholds, rule.name)) for rule in _RULES)
    return Report(worst(one.state for one in findings), findings)


def worst(states: Iterable[State]) -> State:
    """The worst of some states; unknown when there is none."""
    return max(states, key=_RANK.__getitem__, default="unknown")


def _apply(rule: _Rule, facts: HealthFacts, limit: HealthLimit) -> Finding:
    figure = rule.figure(facts)
    state = _judge(figure, limit, below=rule.name in BELOW)
    text = {"healthy": rule.well, "unknown": rule.missing}.get(state, rule.advice)
    return Finding(rule.name, rule.layer, rule.label, state, figure, rule.unit, limit, text)


def _judge(figure: float | None, limit: HealthLimit, *, below: bool) -> State:
    if figure is None:
        return "unknown"
    for state, edge in (("unhealthy", limit.unhealthy), ("warning", limit.warning)):
        if edge is not None and (figure < edge if below else figure >= edge):
            return state  # type: ignore[return-value]
    return "healthy"


def _at(facts: HealthFacts, *path: str) -> float | None:
    """A number of the vitals; None where there is none, or an error in its place."""
    place: Any = facts.vitals
    for name in path:
        place = place.get(name) if isinstance(place, Mapping) else None
    number = isinstance(place, int | float) and not isinstance(place, bool)
    return float(place) if number else None


def memory_used_percent(facts: HealthFacts) -> float | None:
    """Used memory of all."""
    used, total = _at(facts, "system", "memory", "used"), _at(facts, "system", "memory", "total")
    return None if used is None or not total else round(100 * used / total, 1)


def battery_percent(facts: HealthFacts) -> float | None:
    """Charge of a battery that is there."""
    state = ((facts.vitals or {}).get("power") or {}).get("battery") or {}
    absent = isinstance(state, Mapping) and state.get("state") == "disconnected"
    return None if absent else _at(facts, "power", "battery", "charge")


def signal_strength_percent(facts: HealthFacts) -> float | None:
    """Strength of the network's signal."""
    return _at(facts, "network", "signal", "strength")


def _disconnects(layer: str) -> Callable[[HealthFacts], float | None]:
    def figure(facts: HealthFacts) -> float | None:
        count, uptime_s = _at(facts, layer, "connection", "disconnects"), _at(facts, *_UPTIME)
        if count is None:
            return None
        return round(count / max((uptime_s or 0.0) / DAY_S, 1.0), 1)

    return figure


_UPTIME = ("system", "uptime")


def _unacknowledged(facts: HealthFacts) -> float | None:
    sent, lost = _at(facts, "cloud", "coap", "transmit"), _at(facts, "cloud", "coap", "unack")
    return None if not sent or lost is None else round(min(100 * lost / sent, 100.0), 1)


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / 3600, 1)


_NOT_TOLD = "The device has not told this."

_RULES: tuple[_Rule, ...] = (
    _Rule(
        *("vitals_age_h", "device", "Last vitals", "h"),
        lambda facts: _hours(facts.vitals_age_s),
        "Its vitals are fresh.",
        "Its vitals are old, so what is said of it may be out of date. Ask it for fresh ones, or "
        "have its application publish vitals regularly.",
        "It has not sent vitals yet. Ask it for them, or have its application publish them.",
    ),
    _Rule(
        *("memory_used_percent", "device", "Memory used", "%"),
        memory_used_percent,
        "Enough memory is free.",
        "Little memory is free. Look whether it falls steadily since the device started, which is "
        "a leak in the application, and compare with devices of another version.",
        _NOT_TOLD,
    ),
    _Rule(
        *("restarts_per_day", "device", "Unexpected restarts in a day", ""),
        lambda facts: None if facts.restarts is None else float(facts.restarts),
        "It did not restart unasked within a day.",
        "It restarted by a fault, a watchdog or lost power. Read the reasons in its events, and "
        "see whether they began with a version or with its power supply.",
        "It has not told of a restart since this server watches it.",
    ),
    _Rule(
        *("battery_percent", "power", "Battery charge", "%"),
        battery_percent,
        "The battery has enough charge.",
        "The battery is low. Charge or change it; if that is soon after the last time, look what "
        "keeps the device awake.",
        "It has no battery, or does not tell its charge.",
    ),
    _Rule(
        *("signal_strength_percent", "signal", "Signal strength", "%"),
        signal_strength_percent,
        "The signal is strong enough.",
        "The signal is weak. Check the antenna and its plug, or move the device; a whole place "
        "that is weak needs another network.",
        _NOT_TOLD,
    ),
    _Rule(
        *("signal_quality_percent", "signal", "Signal quality", "%"),
        lambda facts: _at(facts, "network", "signal", "quality"),
        "The signal is clear enough.",
        "The signal is disturbed although it may be strong. Look for a source of noise nearby, "
        "or for a crowded channel.",
        _NOT_TOLD,
    ),
    _Rule(
        *("network_disconnects_per_day", "signal", "Network disconnects in a day", ""),
        _disconnects("network"),
        "It stays in its network.",
        "It loses its network often. See whether signal or power drop at those times.",
        _NOT_TOLD,
    ),
    _Rule(
        *("contact_h", "cloud", "Without contact", "h"),
        lambda facts: 0.0 if facts.online else _hours(facts.silent_s),
        "It is in contact.",
        "It has been away for long. If it is not meant to sleep, check its power and its network "
        "at the place.",
        "It has never been heard.",
    ),
    _Rule(
        *("cloud_disconnects_per_day", "cloud", "Cloud disconnects in a day", ""),
        _disconnects("cloud"),
        "Its sessions last.",
        "Its sessions break often. If its network holds, look for a firewall or a provider that "
        "forgets idle connections, and shorten the keep-alive.",
        _NOT_TOLD,
    ),
    _Rule(
        *("round_trip_ms", "cloud", "Round trip", "ms"),
        lambda facts: _at(facts, "cloud", "coap", "round_trip"),
        "Messages are answered quickly.",
        "Messages take long. That is usual for some radio; otherwise look at signal and network.",
        _NOT_TOLD,
    ),
    _Rule(
        *("unacknowledged_percent", "cloud", "Messages not acknowledged", "%"),
        _unacknowledged,
        "Its messages arrive.",
        "Many of its messages are lost on the way. Look at its signal, and whether it publishes "
        "while it is going to sleep.",
        _NOT_TOLD,
    ),
    _Rule(
        *("rate_limited", "cloud", "Events held back", ""),
        lambda facts: _at(facts, "cloud", "publish", "rate_limited"),
        "It publishes within its limits.",
        "Its application publishes faster than is allowed, and events are lost. Publish less "
        "often, or several values in one event.",
        _NOT_TOLD,
    ),
)

CHECKS: Mapping[str, str] = {rule.name: rule.label for rule in _RULES}
"""Name and label of each check."""

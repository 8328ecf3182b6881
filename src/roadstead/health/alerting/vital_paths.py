"""The numbers that a rule can watch, and how they are found in a document of vitals. Pure."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple


class VitalMetric(NamedTuple):
    """A number with a name of its own.

    Attributes:
        path: where it stands in the document.
        unit: as people write it; empty for counts.
        label: in words.
    """

    path: tuple[str, ...]
    unit: str
    label: str


_SIGNAL = ("device", "network", "signal")
_CLOUD = ("device", "cloud")

METRICS: Mapping[str, VitalMetric] = {
    "signal_strength": VitalMetric((*_SIGNAL, "strength"), "%", "Signal strength"),
    "signal_strength_value": VitalMetric((*_SIGNAL, "strengthv"), "dBm", "Signal strength"),
    "signal_quality": VitalMetric((*_SIGNAL, "quality"), "%", "Signal quality"),
    "signal_quality_value": VitalMetric((*_SIGNAL, "qualityv"), "dB", "Signal quality"),
    "memory_used": VitalMetric(("device", "system", "memory", "used"), "bytes", "Memory used"),
    "memory_used_percent": VitalMetric(("device", "system", "memory"), "%", "Memory used"),
    "battery_charge": VitalMetric(("device", "power", "battery", "charge"), "%", "Battery charge"),
    "uptime": VitalMetric(("device", "system", "uptime"), "s", "Uptime"),
    "round_trip": VitalMetric((*_CLOUD, "coap", "round_trip"), "ms", "Round trip"),
    "unacknowledged": VitalMetric((*_CLOUD, "coap", "unack"), "", "Unacknowledged messages"),
    "retransmitted": VitalMetric((*_CLOUD, "coap", "retransmit"), "", "Repeated messages"),
    "rate_limited": VitalMetric((*_CLOUD, "publish", "rate_limited"), "", "Rate-limited events"),
    "cloud_disconnects": VitalMetric(
        (*_CLOUD, "connection", "disconnects"), "", "Disconnects from the cloud"
    ),
    "cloud_error": VitalMetric((*_CLOUD, "connection", "error"), "", "Cloud error"),
    "network_disconnects": VitalMetric(
        ("device", "network", "connection", "disconnects"), "", "Disconnects from the network"
    ),
    "network_error": VitalMetric(("device", "network", "connection", "error"), "", "Network error"),
}
"""By the name that rules use. Anything else is the path of a number, its parts joined by dots."""

_PATH = re.compile(r"(device|service)(\.[A-Za-z0-9_:\-]{1,64}){1,6}")


def is_metric(name: str) -> bool:
    """Whether a rule can watch it: a name, or a path like ``device.other.temp``."""
    return name in METRICS or _PATH.fullmatch(name) is not None


def describe_metric(name: str) -> tuple[str, str]:
    """The number in words, and its unit."""
    known = METRICS.get(name)
    return (name, "") if known is None else (known.label, known.unit)


def value_of(document: Mapping[str, Any], name: str) -> float | None:
    """The number in a document of vitals; None where the device did not give it."""
    known = METRICS.get(name)
    path = tuple(name.split(".")) if known is None else known.path
    found: Any = document
    for part in path:
        if not isinstance(found, Mapping):
            return None
        found = found.get(part)
    if name == "memory_used_percent" and isinstance(found, Mapping):
        used, total = _number(found.get("used")), _number(found.get("total"))
        return None if used is None or not total else 100 * used / total
    return _number(found)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)

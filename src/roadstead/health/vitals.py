"""From a device's numbered diagnostics to the document that people read. Pure.

The document has the groups of the field's API; a value that the device could not give stands there
as ``{"err": N}`` with the error it gave instead. What has no place in the groups, applications' own
diagnostics among it, is kept under ``other``.

Source: particle cloud notes §3.7.3, §3.7.4.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from roadstead.health import vital_words as words
from roadstead.protocol.messages.vitals import VitalReading

Document = dict[str, Any]
Show = Callable[[int | float], Any]

_ACCESS_TECHNOLOGY = 36
_INTERFACE = 44
_INTERFACES_OF_WIFI = frozenset({4, 5})

_Readings = dict[int, VitalReading]


def _number(value: int | float) -> int | float:
    rounded = round(value, 2)
    return int(rounded) if rounded == int(rounded) else rounded


def _word(table: Mapping[int, str]) -> Show:
    return lambda value: table.get(int(value), _number(value))


def _network_code(value: int | float) -> str:
    """The text of a mobile network code: the sign tells how many digits it has."""
    return f"{-int(value):02d}" if value < 0 else f"{int(value):03d}"


_PLACES: dict[int, tuple[tuple[str, ...], Show]] = {
    40: (("network", "cellular", "cell_global_identity", "mobile_country_code"), _number),
    41: (("network", "cellular", "cell_global_identity", "mobile_network_code"), _network_code),
    42: (("network", "cellular", "cell_global_identity", "location_area_code"), _number),
    43: (("network", "cellular", "cell_global_identity", "cell_id"), _number),
    8: (("network", "connection", "status"), _word(words.NETWORK_STATES)),
    9: (("network", "connection", "error"), _number),
    12: (("network", "connection", "disconnects"), _number),
    27: (("network", "connection", "attempts"), _number),
    28: (
        ("network", "connection", "disconnect_reason"),
        _word(words.NETWORK_DISCONNECT_REASONS),
    ),
    10: (("cloud", "connection", "status"), _word(words.CLOUD_STATES)),
    13: (("cloud", "connection", "error"), _number),
    29: (("cloud", "connection", "attempts"), _number),
    14: (("cloud", "connection", "disconnects"), _number),
    30: (("cloud", "connection", "disconnect_reason"), _word(words.CLOUD_DISCONNECT_REASONS)),
    _INTERFACE: (("cloud", "connection", "interface"), _word(words.INTERFACES)),
    23: (("cloud", "coap", "transmit"), _number),
    21: (("cloud", "coap", "retransmit"), _number),
    22: (("cloud", "coap", "unack"), _number),
    31: (("cloud", "coap", "round_trip"), _number),
    20: (("cloud", "publish", "rate_limited"), _number),
    3: (("power", "battery", "charge"), _number),
    7: (("power", "battery", "state"), _word(words.BATTERY_STATES)),
    24: (("power", "source"), _word(words.POWER_SOURCES)),
    6: (("system", "uptime"), _number),
    26: (("system", "memory", "used"), _number),
    25: (("system", "memory", "total"), _number),
    1: (("system", "reset_reason"), _word(words.RESET_REASONS)),
}
"""Where a diagnostic stands in the document, by its id, and how it is shown."""


class _SignalIds(NamedTuple):
    """The diagnostics of one interface."""

    technology: int
    strength: int
    strength_value: int
    quality: int
    quality_value: int


_SIGNAL = _SignalIds(_ACCESS_TECHNOLOGY, 33, 37, 34, 35)
_ALTERNATE_SIGNAL = _SignalIds(49, 46, 45, 47, 48)


def document(readings: Iterable[VitalReading], service: Mapping[str, object]) -> Document:
    """The public document.

    Args:
        readings: what the device reported; of two with one id the later counts.
        service: what the server itself adds: ``device``, ``cloud`` and ``coap``.
    """
    by_id = {reading.id: reading for reading in readings}
    technology = _value(by_id, _ACCESS_TECHNOLOGY)
    device: Document = {}
    _put_signal(device, ("network", "signal"), by_id, _SIGNAL)
    _put_signal(device, ("network", "alternate", "signal"), by_id, _ALTERNATE_SIGNAL)
    for number, (path, show) in _PLACES.items():
        reading = by_id.pop(number, None)
        if reading is not None:
            _put(device, path, _shown(reading, show))
            if number == _INTERFACE:
                _name_interface(device, reading, technology)
    if technology in words.RADIO_TECHNOLOGIES:
        path = ("network", "cellular", "radio_access_technology")
        _put(device, path, words.RADIO_TECHNOLOGIES[technology])
    other = {one.name or str(one.id): _shown(one, _number) for one in by_id.values()}
    if other:
        device["other"] = other
    return {"device": device, "service": dict(service)}


def _put_signal(device: Document, path: tuple[str, ...], by_id: _Readings, ids: _SignalIds) -> None:
    technology = _value(by_id, ids.technology)
    if ids.technology in by_id:
        reading = by_id.pop(ids.technology)
        _put(device, (*path, "at"), _shown(reading, _word(words.ACCESS_TECHNOLOGIES)))
    for number, name, unit, types in (
        (ids.strength, "strength", "%", {}),
        (ids.strength_value, "strengthv", "dBm", words.STRENGTH_TYPES),
        (ids.quality, "quality", "%", {}),
        (ids.quality_value, "qualityv", "dB", words.QUALITY_TYPES),
    ):
        if number not in by_id:
            continue
        _put(device, (*path, name), _shown(by_id.pop(number), _number))
        _put(device, (*path, f"{name}_units"), unit)
        if technology in types:
            _put(device, (*path, f"{name}_type"), types[technology])


def _name_interface(device: Document, reading: VitalReading, technology: int) -> None:
    """Platforms with Wi-Fi alone number their interfaces one lower; the technology tells them."""
    if technology == words.WIFI and reading.value in _INTERFACES_OF_WIFI:
        _put(device, _PLACES[_INTERFACE][0], words.INTERFACES[5])


def _value(by_id: _Readings, number: int) -> int:
    """The value of an enumeration; 0 when it was not given."""
    reading = by_id.get(number)
    return 0 if reading is None or reading.value is None else int(reading.value)


def _shown(reading: VitalReading, show: Show) -> Any:
    return {"err": reading.error} if reading.value is None else show(reading.value)


def _put(device: Document, path: tuple[str, ...], value: Any) -> None:
    *groups, name = path
    place = device
    for group in groups:
        place = place.setdefault(group, {})
    place[name] = value

"""Events as lines of InfluxDB's line protocol. Pure.

``measurement,tag=value field=value timestamp``, with milliseconds as the precision. Numbers are
written as floating-point, because a field that was an integer once refuses 21.5 for ever.

Source: InfluxDB line protocol reference.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

_SPECIAL = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ ", "\n": "\\ ", "\r": "\\ "})
_SPECIAL_MEASUREMENT = str.maketrans({",": "\\,", " ": "\\ ", "\n": "\\ ", "\r": "\\ "})
_SPECIAL_STRING = str.maketrans({'"': '\\"', "\\": "\\\\"})

MAX_FIELDS = 256


def to_line(measurement: str, tags: Mapping[str, str], data: Any, text: str, at_ms: int) -> str:
    """One event as one line.

    Args:
        measurement: name of the series.
        tags: those without a value are left out.
        data: the event's data as a JSON value, None if it is none.
        text: the event's data as text; the one field ``value`` where ``data`` is no object.
        at_ms: Unix milliseconds.
    """
    fields = [f"{_key(name)}={value}" for name, value in _fields(data)][:MAX_FIELDS]
    if not fields:
        value = _value(data) if isinstance(data, int | float) else None
        fields = [f"value={value if value is not None else _string(text)}"]
    series = measurement.translate(_SPECIAL_MEASUREMENT) or "event"
    for name, tag in sorted(tags.items()):
        if name and tag:
            series += f",{_key(name)}={_key(tag)}"
    return f"{series} {','.join(fields)} {at_ms}"


def _fields(data: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Fields of an object, those of inner objects and lists by dotted names."""
    if isinstance(data, list) and prefix:
        data = {str(index): one for index, one in enumerate(data)}
    for name, one in data.items() if isinstance(data, dict) else ():
        whole = f"{prefix}{name}"
        if isinstance(one, dict | list):
            yield from _fields(one, f"{whole}.")
        elif (value := _value(one)) is not None and whole:
            yield whole, value


def _value(one: Any) -> str | None:
    if isinstance(one, bool):
        return "true" if one else "false"
    if isinstance(one, int | float):
        return repr(float(one)) if math.isfinite(one) and abs(one) < 1e308 else None
    return _string(one) if isinstance(one, str) else None


def _string(text: str) -> str:
    return f'"{text.translate(_SPECIAL_STRING)}"'


def _key(text: str) -> str:
    # A backslash at the end would hide the separator that follows.
    return text.rstrip("\\").translate(_SPECIAL)

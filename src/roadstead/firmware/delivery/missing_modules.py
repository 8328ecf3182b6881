"""Which modules a device lacks, by what it reports of itself. Pure.

A device whose application needs more than there is starts without it, in safe mode, and lists its
modules with what each of them needs.
Source: product notes §3.1.7; device protocol notes §3.5.3.
"""

from collections.abc import Iterator, Mapping
from typing import Any

_NAMES = {
    "b": "bootloader",
    "s": "system part",
    "u": "application",
    "r": "resource",
    "m": "monolithic firmware",
    "n": "network processor firmware",
    "a": "radio stack",
}

NEEDS_MAX = 16
"""Needs that are named; a device has fewer modules."""


def missing_modules(description: Mapping[str, Any]) -> list[str]:
    """What is missing, a phrase each: "system part 1 in version 6300 or newer (it has 6200)".

    Args:
        description: as devices report it: ``m`` lists modules with function ``f``, index ``n``,
            version ``v`` and needs ``d``.
    """
    modules = [one for one in _list(description.get("m")) if isinstance(one, Mapping)]
    has = {_key(one): _number(one.get("v")) for one in modules}
    lacking: dict[str, None] = {}
    for need in _needs(modules):
        wanted, present = _number(need.get("v")), has.get(_key(need))
        if present is None or present < wanted:
            lacking[_phrase(need, wanted, present)] = None
    return list(lacking)[:NEEDS_MAX]


def _needs(modules: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for module in modules:
        for need in _list(module.get("d")):
            if isinstance(need, Mapping):
                yield need


def _phrase(need: Mapping[str, Any], wanted: int, present: int | None) -> str:
    letter, index = _key(need)
    name = _NAMES.get(letter, f"module {letter[:1]!r}")
    told = "it has none" if present is None else f"it has {present}"
    return f"{name} {index} in version {wanted} or newer ({told})"


def _key(module: Mapping[str, Any]) -> tuple[str, int]:
    return str(module.get("f", "")), _number(module.get("n"))


def _number(value: object) -> int:
    text = str(value)
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []

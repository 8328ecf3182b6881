"""What a device said of itself, in the words of the target decision. Pure.

Spec: device protocol notes §3.5.3; product notes §3.2.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from roadstead.firmware.target_rules import Membership, ModuleKey

_LETTERS: Final = "nrbmsu_cat"
"""Letters of the functions of modules, by number."""

_MAIN: Final = "m"
"""The store of modules that run; others are spares."""

_INTEGRITY: Final = 0x02

NUMBER_MAX: Final = 0xFFFF

KEYS_KEPT: Final = 256
"""Kinds of modules whose key is kept; a whole fleet has about ten."""


def modules_of(description: Mapping[str, Any] | None) -> dict[ModuleKey, int] | None:
    """Versions of the modules that a device runs, of its describe; None when it told none.

    A module that the device found damaged does not count.
    """
    if description is None or not isinstance(description.get("m"), list):
        return None
    found: dict[ModuleKey, int] = {}
    for module in description["m"]:
        if not isinstance(module, dict) or module.get("l", _MAIN) != _MAIN:
            continue
        key, version = _key_of(module), module.get("v")
        if key is None or not isinstance(version, int) or not 0 <= version <= NUMBER_MAX:
            continue
        if _is_sound(module):
            found[key] = max(version, found.get(key, 0))
    return found


class _Module(msgspec.Struct, gc=False):
    f: str = ""
    n: str | int = "0"
    v: int = -1
    l: str = _MAIN  # noqa: E741 - as the device names it
    vc: int = 0
    vv: int = 0


class _Description(msgspec.Struct, gc=False):
    m: list[_Module] | None = None


_decode_description = msgspec.json.Decoder(_Description).decode


def parse_modules(text: str | None) -> dict[ModuleKey, int] | None:
    """As ``modules_of``, from the JSON text that is stored, without making all of it."""
    if text is None:
        return None
    try:
        modules = _decode_description(text).m
    except msgspec.ValidationError:
        return modules_of(msgspec.json.decode(text))
    if modules is None:
        return None
    found: dict[ModuleKey, int] = {}
    for one in modules:
        key = _keys_of(one.f, one.n) if one.l == _MAIN and 0 <= one.v <= NUMBER_MAX else None
        if key is not None and (not one.vc & _INTEGRITY or one.vv & _INTEGRITY):
            found[key] = max(one.v, found.get(key, 0))
    return found


@lru_cache(KEYS_KEPT)
def _keys_of(letter: str, index: str | int) -> ModuleKey | None:
    return _key_of({"f": letter, "n": index})


def membership_of(
    standing: str, product_id: int, platform_id: int | None, firmware_product_id: int | None
) -> Membership:
    """What a device is to its product.

    Args:
        standing: ``member``, ``quarantined`` or ``denied``, as the product keeps it.
        product_id: the product.
        platform_id: hardware of the device; releases from 4.0 on report it as their product.
        firmware_product_id: product that its firmware names; None for none.
    """
    if standing == "quarantined":
        return "quarantined"
    if standing == "denied":
        return "denied"
    if firmware_product_id in (None, product_id, platform_id):
        return "member"
    return "other_firmware"


def _key_of(module: Mapping[str, Any]) -> ModuleKey | None:
    letter, index = module.get("f"), module.get("n", "0")
    if not isinstance(letter, str) or len(letter) != 1 or letter not in _LETTERS:
        return None
    if not isinstance(index, str | int) or not str(index).isascii() or not str(index).isdigit():
        return None
    return _LETTERS.index(letter), int(index)


def _is_sound(module: Mapping[str, Any]) -> bool:
    """A module whose integrity was checked and not found is not there."""
    checked, valid = module.get("vc", 0), module.get("vv", 0)
    if not isinstance(checked, int) or not isinstance(valid, int):
        return True
    return not checked & _INTEGRITY or bool(valid & _INTEGRITY)

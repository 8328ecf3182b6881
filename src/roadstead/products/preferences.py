"""The settings of a product as people give them. Pure."""

from collections.abc import Mapping

import msgspec

from roadstead.kit.errors import Invalid
from roadstead.products.model import ProductSettings

_NAMES = tuple(field.name for field in msgspec.structs.fields(ProductSettings))

_QUARANTINE_WORDS = {True: "manual", False: "automatic", "true": "manual", "false": "automatic"}
"""The field has a switch here: on means that a person approves."""


def change_settings(before: ProductSettings, given: Mapping[str, object]) -> ProductSettings:
    """The settings with those changed that are given; the others stay.

    Raises:
        Invalid: ``bad_product_settings``, naming the setting.
    """
    unknown = sorted(set(given) - set(_NAMES))
    if unknown:
        raise _bad(f"there is no setting {unknown[0]!r}; known are {', '.join(_NAMES)}")
    document: dict[str, object] = msgspec.to_builtins(before)
    for name, value in given.items():
        if value is not None:
            document[name] = _in_words(value) if name == "quarantine" else value
    try:
        return msgspec.convert(document, ProductSettings, strict=False)
    except msgspec.ValidationError as error:
        raise _bad(str(error)) from error


def _in_words(value: object) -> object:
    return _QUARANTINE_WORDS.get(value, value) if isinstance(value, bool | str) else value


def _bad(why: str) -> Invalid:
    return Invalid("bad_product_settings", f"The settings cannot be used: {why}.")

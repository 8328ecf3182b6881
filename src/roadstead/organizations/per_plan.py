"""A number for each plan, written in one text: ``7``, or ``developer=7,product=30``. Pure."""

import re
from collections.abc import Callable, Mapping

from roadstead.kit.errors import Invalid
from roadstead.organizations.model import PLAN_NAMES, PlanName

PerPlan = Mapping[PlanName, int]

_SIZE = re.compile(r"([0-9]{1,12})(|kB|MB|GB|TB)", re.IGNORECASE)
_UNITS = {"": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}


def parse_event_days(name: str, text: str) -> PerPlan:
    """The setting of this name: days for each plan.

    Raises:
        Invalid: ``bad_setting``.
    """
    values = parse_per_plan(text, 7, parse_days)
    if values is None:
        raise _refuse(name, text, "days up to 99999, or PLAN=DAYS joined by commas")
    return values


def parse_event_size(name: str, text: str) -> PerPlan:
    """The setting of this name: bytes for each plan.

    Raises:
        Invalid: ``bad_setting``.
    """
    values = parse_per_plan(text, 0, parse_size)
    if values is None:
        raise _refuse(name, text, "bytes as in 500MB, or PLAN=BYTES joined by commas")
    return values


def parse_per_plan(text: str, default: int, parse: Callable[[str], int | None]) -> PerPlan | None:
    """The number of each plan; None where the text is not understood.

    Args:
        text: one value for all plans, or ``PLAN=VALUE`` joined by commas.
        default: of plans that the text does not name.
        parse: reads one value; None where it cannot.
    """
    if "=" not in text:
        value = parse(text)
        return None if value is None else dict.fromkeys(PLAN_NAMES, value)
    values: dict[PlanName, int] = dict.fromkeys(PLAN_NAMES, default)
    for part in text.split(","):
        name, _, number = part.partition("=")
        value = parse(number.strip())
        plan = next((one for one in PLAN_NAMES if one == name.strip().lower()), None)
        if plan is None or value is None:
            return None
        values[plan] = value
    return values


def parse_days(text: str) -> int | None:
    """A number of days up to 99999."""
    return int(text) if re.fullmatch(r"[0-9]{1,5}", text) else None


def parse_size(text: str) -> int | None:
    """Bytes, with an optional unit in powers of ten: ``500MB``."""
    found = _SIZE.fullmatch(text)
    return int(found[1]) * _UNITS[found[2].lower()] if found else None


def _refuse(name: str, text: str, accepted: str) -> Invalid:
    setting = f"ROADSTEAD_{name.upper()}"
    return Invalid("bad_setting", f"{setting} is {text!r}; accepted is {accepted}.")

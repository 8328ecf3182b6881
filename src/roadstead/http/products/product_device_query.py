"""What the query of the list of a product's devices may ask.

Source: particle cloud notes §2.5.
"""

import re
from typing import cast, get_args

from roadstead.http.operation import Call, QueryParameter
from roadstead.kit.errors import Invalid
from roadstead.products.listing import DeviceQuery, SortAttribute
from roadstead.products.model import Standing

MAX_VERSION = 65_535
"""Of a product's firmware: two bytes on the wire."""

FILTERS = (
    QueryParameter("deviceId", "A part of the device id."),
    QueryParameter("deviceName", "A part of the name, in any case."),
    QueryParameter("serialNumber", "A part of the serial number, in any case."),
    QueryParameter("groups", "Names of groups, separated by commas: devices in one of them."),
    QueryParameter("quarantined", "`true`: those that wait for approval."),
    QueryParameter("denied", "`true`: those that were refused."),
    QueryParameter("development", "`true` or `false`: only development devices, or only others."),
    QueryParameter("firmwareVersion", "A number: those that said that they run this version."),
    QueryParameter("sortAttr", "`lastConnection`, `deviceName`, `deviceId`, `firmwareVersion`."),
    QueryParameter("sortDir", "`asc` or `desc`; of `lastConnection` the default is `desc`."),
    QueryParameter("page", "From 1."),
    QueryParameter("per_page", "1 to 1000, 25 by default; `perPage` does too."),
)


def query_of(call: Call) -> DeviceQuery:
    """What the query asks of the list.

    Raises:
        Invalid: ``invalid_request``, naming the parameter.
    """
    query = call.query
    sort = query.get("sortAttr") or "lastConnection"
    if sort not in get_args(SortAttribute):
        known = ", ".join(get_args(SortAttribute))
        raise Invalid("invalid_request", f"'sortAttr' is one of {known}, not {sort!r}.")
    direction = query.get("sortDir") or ("desc" if sort == "lastConnection" else "asc")
    if direction not in ("asc", "desc"):
        raise Invalid("invalid_request", f"'sortDir' is asc or desc, not {direction!r}.")
    groups = tuple(dict.fromkeys(name for name in query.get("groups", "").split(",") if name))
    development = query.get("development")
    for name in ("deviceId", "deviceName", "serialNumber"):
        if "\0" in query.get(name, ""):
            raise Invalid("invalid_request", f"{name!r} must not contain a zero character.")
    return DeviceQuery(
        standing=_standing(query.get("quarantined"), query.get("denied")),
        device_id=query.get("deviceId", ""),
        device_name=query.get("deviceName", ""),
        serial_number=query.get("serialNumber", ""),
        groups=groups,
        development=None if development is None else _is_true(development),
        firmware_version=_version(query.get("firmwareVersion")),
        sort=cast(SortAttribute, sort),
        descending=direction == "desc",
        page=_number(query.get("page"), "page", 1),
        per_page=_number(query.get("per_page") or query.get("perPage"), "per_page", 25),
    )


def _version(text: str | None) -> int | None:
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > MAX_VERSION:
        raise Invalid(
            "invalid_request",
            f"'firmwareVersion' is a number from 0 to {MAX_VERSION}, not {text!r}.",
        )
    return int(text)


def _standing(quarantined: str | None, denied: str | None) -> Standing:
    if _is_true(quarantined):
        return "quarantined"
    return "denied" if _is_true(denied) else "member"


def _is_true(text: str | None) -> bool:
    return text is not None and text.lower() in ("true", "1", "yes")


def _number(text: str | None, name: str, default: int) -> int:
    if text is None or text == "":
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Invalid("invalid_request", f"{name!r} is a number from 1, not {text!r}.")
    return int(text)

"""Charts of a fleet. Source: particle cloud notes §2.16."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from roadstead.health.fleet_series import MAX_POINTS, MINUTE_MS, FleetFilter, Panel, make_window
from roadstead.http.events.event_reading import parse_moment
from roadstead.http.operation import Call, Handler, Operation, QueryParameter
from roadstead.identity.permissions import Permission
from roadstead.kit.clock import from_ms, iso_ms, to_ms
from roadstead.kit.errors import Invalid

_TAG = "Fleet health"

ANSWER_KEYS: Mapping[Panel, str] = {"integration": "integrations"}
"""Panels whose answer has another name than their path."""

DEFAULT_WINDOW = timedelta(minutes=30)
DEFAULT_BUCKET_S = 900
LEAST_BUCKET_S = 15

FILTERS = (
    QueryParameter("product_fw", "Only devices that run this firmware version."),
    QueryParameter("device_os_version", "Only devices of this release of Device OS."),
    QueryParameter("device_group", "Only devices of this group."),
)
"""Which devices count."""

_QUERY = (
    QueryParameter("start_date", "First moment (ISO 8601); 30 minutes ago if it is not given."),
    QueryParameter("end_date", "Moment after the last; now if it is not given."),
    QueryParameter("bucket_size", "Seconds of a point, above 15; whole minutes are counted."),
    *FILTERS,
)


def _reading(panel: Panel) -> Handler:
    async def read(call: Call) -> dict[str, list[dict[str, Any]]]:
        query = call.query
        now_ms = to_ms(call.parts.clock.now())
        end_ms = now_ms + 1  # the minute that has just begun is part of it
        if query.get("end_date"):
            end_ms = parse_moment("end_date", query["end_date"])
        start_ms = end_ms - DEFAULT_WINDOW // timedelta(milliseconds=1)
        if query.get("start_date"):
            start_ms = parse_moment("start_date", query["start_date"])
        size_s = parse_number("bucket_size", query.get("bucket_size")) or DEFAULT_BUCKET_S
        if size_s <= LEAST_BUCKET_S:
            raise Invalid("bad_bucket_size", f"bucket_size must be above {LEAST_BUCKET_S} seconds.")
        if start_ms >= end_ms:
            raise Invalid("bad_time_range", "start_date must be earlier than end_date.")
        window = make_window(start_ms, min(end_ms, now_ms + MINUTE_MS), size_s)
        if (window.last - window.first) // window.width > MAX_POINTS:
            raise Invalid(
                "too_many_points",
                f"That would be over {MAX_POINTS} points; choose a larger bucket_size.",
            )
        points = await call.parts.fleet_metrics.read(
            call.product, panel, window, parse_filter(call)
        )
        shown = [
            {"time": iso_ms(from_ms(minute * MINUTE_MS)), **counts} for minute, counts in points
        ]
        return {ANSWER_KEYS.get(panel, panel): shown}

    return read


def parse_filter(call: Call) -> FleetFilter:
    """Which devices the query asks for.

    Raises:
        Invalid: ``invalid_request``.
    """
    return FleetFilter(
        group=call.query.get("device_group") or None,
        firmware=parse_number("product_fw", call.query.get("product_fw")),
        system=call.query.get("device_os_version") or None,
    )


def parse_number(name: str, text: str | None) -> int | None:
    """A number of the query; None when it is not given.

    Raises:
        Invalid: ``invalid_request``.
    """
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Invalid("invalid_request", f"{name} must be a whole number.")
    return int(text)


_PANELS: tuple[tuple[Panel, Permission, str], ...] = (
    ("online", Permission.METRICS_ONLINE_GET, "Devices online over time"),
    ("events", Permission.METRICS_EVENTS_GET, "Events received from devices over time"),
    (
        "integration",
        Permission.METRICS_INTEGRATIONS_GET,
        "Deliveries of webhooks over time, by outcome",
    ),
    ("functions", Permission.METRICS_FUNCTIONS_GET, "Function calls over time, by outcome"),
    ("variables", Permission.METRICS_VARIABLES_GET, "Variable requests over time, by outcome"),
)

OPERATIONS = tuple(
    Operation(
        name=f"get_{panel}_metrics",
        method="GET",
        path=f"/v1/products/{{product}}/metrics/{panel}",
        tag=_TAG,
        summary=summary,
        handler=_reading(panel),
        permission=permission,
        query=_QUERY,
        answer=dict[str, list[dict[str, Any]]],
    )
    for panel, permission, summary in _PANELS
)

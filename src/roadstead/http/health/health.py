"""The health of devices and fleets. Source: particle cloud notes §3.7.5, §3.10.1."""

from datetime import timedelta
from typing import Literal, cast

import msgspec

from roadstead.health.check_rules import CHECKS, LAYERS, Finding, Report, State
from roadstead.health.checks import CheckedDevice
from roadstead.health.condition import HOUR_MS
from roadstead.health.fleet_health import FleetPart, FleetSummary
from roadstead.health.fleet_series import FleetFilter
from roadstead.health.thresholds import SHIPPED, HealthThresholds
from roadstead.health.trend_rules import MAX_POINTS, TRENDS, TrendName, make_hours
from roadstead.health.trend_store import KEPT_DAYS
from roadstead.http.events.event_reading import parse_moment
from roadstead.http.health.fleet_metrics import FILTERS, parse_filter, parse_number
from roadstead.http.operation import Call, Operation, QueryParameter
from roadstead.identity.permissions import Permission
from roadstead.kit.clock import from_ms, iso_ms
from roadstead.kit.errors import Invalid, NotFound

_TAG = "Fleet health"

DEFAULT_WINDOW = timedelta(days=7)
DEFAULT_BUCKET_S = 86_400
LEAST_BUCKET_S = 3_600


class HealthFinding(msgspec.Struct):
    """What one check came to: the figure, from where on it is bad, and what that means.

    A null figure is not known; a null threshold is switched off.
    """

    name: str
    label: str
    state: State
    figure: float | None
    unit: str
    warning: float | None
    unhealthy: float | None
    text: str


class HealthLayer(msgspec.Struct):
    """A layer is as bad as its worst check."""

    name: str
    state: State
    checks: list[HealthFinding]


class DeviceHealth(msgspec.Struct):
    """How a device is."""

    device_id: str
    checked_at: str
    vitals_at: str | None
    online: bool
    state: State
    layers: list[HealthLayer]


class DeviceHealthAnswer(msgspec.Struct):
    """The health check of a device."""

    health: DeviceHealth


class ThresholdsBody(msgspec.Struct):
    """The product's own thresholds, or null for the shipped ones.

    Those that are not named are as shipped.
    """

    thresholds: HealthThresholds | None


class ThresholdsAnswer(msgspec.Struct):
    """What counts for the product; ``shipped`` when nobody set them."""

    thresholds: HealthThresholds
    shipped: bool


class FleetPartDocument(msgspec.Struct):
    """Some of the devices: those of one version, group or release.

    Restarts, connects and updates are those of the last 30 days; only versions have them.
    """

    name: str
    devices: int
    states: dict[str, int]
    restarts: int
    connects: int
    updates: dict[str, int]


class HealthReason(msgspec.Struct):
    """How many devices are in trouble by one check."""

    name: str
    label: str
    devices: int


class UnwellDevice(msgspec.Struct):
    """A device that needs somebody, and why."""

    id: str
    name: str | None
    state: State
    reasons: list[str]
    firmware: int
    judged_at: str


class FleetHealthDocument(msgspec.Struct):
    """How a fleet is now.

    ``devices`` is null when only some are looked at; ``heard`` counts those that did something
    since they are counted. Of the distributions, each key begins ten per cent.
    """

    devices: int | None
    heard: int
    online: int
    states: dict[str, int]
    reasons: list[HealthReason]
    battery: dict[str, int]
    signal: dict[str, int]
    memory: dict[str, int]
    by_firmware: list[FleetPartDocument]
    by_group: list[FleetPartDocument]
    by_device_os: list[FleetPartDocument]
    worst: list[UnwellDevice]


class FleetHealthAnswer(msgspec.Struct):
    """How a fleet is now."""

    health: FleetHealthDocument


class TrendPoint(msgspec.Struct):
    """Counts by label, of the time that begins here; zeros have no key."""

    time: str
    counts: dict[str, int]


class TrendAnswer(msgspec.Struct):
    """A trend of a fleet; of ``levels`` a point says how many there were at its end."""

    name: str
    bucket_size: int
    kind: Literal["levels", "happenings"]
    points: list[TrendPoint]


async def check_device(call: Call) -> DeviceHealthAnswer:
    """How a device is, by its last vitals and its connection."""
    found = await call.parts.health_checks.check(
        call.actor, call.path["device"], product_id=call.product_id
    )
    return DeviceHealthAnswer(_to_health(found))


def _to_health(found: CheckedDevice) -> DeviceHealth:
    report: Report = found.report
    layers = [
        HealthLayer(
            layer,
            report.state_of(layer),
            [_to_finding(one) for one in report.findings if one.layer == layer],
        )
        for layer in LAYERS
    ]
    vitals_at = None if found.vitals_at is None else iso_ms(found.vitals_at)
    return DeviceHealth(
        *(found.device.id, iso_ms(found.at), vitals_at, found.online), report.state, layers
    )


def _to_finding(one: Finding) -> HealthFinding:
    return HealthFinding(
        *(one.name, one.label, one.state, one.figure, one.unit),
        warning=one.limit.warning,
        unhealthy=one.limit.unhealthy,
        text=one.text,
    )


async def get_thresholds(call: Call) -> ThresholdsAnswer:
    """From which figure on devices of the product count as in trouble."""
    found = await call.parts.health_checks.thresholds(call.product)
    return ThresholdsAnswer(found or SHIPPED, found is None)


async def put_thresholds(call: Call) -> ThresholdsAnswer:
    """Keeps the product's own thresholds; null goes back to the shipped ones."""
    found = await call.parts.health_checks.set_thresholds(
        call.actor, call.product, call.body.thresholds
    )
    return ThresholdsAnswer(found or SHIPPED, found is None)


async def get_fleet_health(call: Call) -> FleetHealthAnswer:
    """How the fleet is now, which of its parts do worse, and which devices need somebody."""
    found = await call.parts.fleet_health.summary(call.product, parse_filter(call))
    return FleetHealthAnswer(_to_document(found))


def _to_document(found: FleetSummary) -> FleetHealthDocument:
    reasons = sorted(found.reasons.items(), key=lambda one: (-one[1], one[0]))
    worst = [
        UnwellDevice(
            *(one.device_id, one.name, one.condition.state, one.condition.reasons),
            firmware=one.condition.firmware,
            judged_at=iso_ms(from_ms(one.condition.judged_ms)),
        )
        for one in found.worst
    ]
    return FleetHealthDocument(
        devices=found.members,
        heard=found.heard,
        online=found.online,
        states=dict(found.states),
        reasons=[HealthReason(name, CHECKS.get(name, name), count) for name, count in reasons],
        battery=dict(found.battery),
        signal=dict(found.signal),
        memory=dict(found.memory),
        by_firmware=[
            _to_part(str(version), part)
            for version, part in sorted(found.by_firmware.items(), reverse=True)
        ],
        by_group=[_to_part(name, part) for name, part in sorted(found.by_group.items())],
        by_device_os=[_to_part(name, part) for name, part in sorted(found.by_system.items())],
        worst=worst,
    )


def _to_part(name: str, part: FleetPart) -> FleetPartDocument:
    states = {str(state): count for state, count in part.states.items()}
    return FleetPartDocument(
        name, part.devices, states, part.restarts, part.connects, dict(part.updates)
    )


async def get_trend(call: Call) -> TrendAnswer:
    """Points of a trend."""
    name = call.path["trend"]
    if name not in TRENDS:
        known = ", ".join(TRENDS)
        raise NotFound("trend_not_found", f"There is no trend {name[:40]!r}; there are {known}.")
    trend_name = cast(TrendName, name)
    query = call.query
    now_ms = call.parts.clock.now_ms()
    end_ms = now_ms + 1
    if query.get("end_date"):
        end_ms = min(parse_moment("end_date", query["end_date"]), now_ms + 1)
    start_ms = end_ms - DEFAULT_WINDOW // timedelta(milliseconds=1)
    if query.get("start_date"):
        start_ms = parse_moment("start_date", query["start_date"])
    if start_ms >= end_ms:
        raise Invalid("bad_time_range", "start_date must be earlier than end_date, and passed.")
    if start_ms < now_ms - (KEPT_DAYS + 1) * 24 * HOUR_MS:
        raise Invalid("bad_time_range", f"Trends are kept for {KEPT_DAYS} days.")
    size_s = parse_number("bucket_size", query.get("bucket_size")) or DEFAULT_BUCKET_S
    if size_s < LEAST_BUCKET_S:
        raise Invalid("bad_bucket_size", f"bucket_size must be {LEAST_BUCKET_S} seconds or more.")
    hours = make_hours(start_ms, end_ms, size_s)
    if len(hours.points) > MAX_POINTS:
        raise Invalid(
            "too_many_points", f"That would be over {MAX_POINTS} points; choose a larger size."
        )
    wanted: FleetFilter = parse_filter(call)
    points = await call.parts.fleet_health.trend(call.product, trend_name, hours, wanted)
    return TrendAnswer(
        name,
        hours.width * 3600,
        "levels" if TRENDS[trend_name].gauge else "happenings",
        [TrendPoint(iso_ms(from_ms(hour * HOUR_MS)), counts) for hour, counts in points],
    )


_RANGE = (
    QueryParameter("start_date", "First moment (ISO 8601); a week ago if it is not given."),
    QueryParameter("end_date", "Moment after the last; now if it is not given."),
    QueryParameter("bucket_size", "Seconds of a point: a day if it is not given, at least 3600."),
)


def _check_operation(prefix: str, of: str) -> Operation:
    return Operation(
        name=f"check_{of}device_health",
        method="GET",
        path=f"{prefix}/health_checks/{{device}}",
        tag=_TAG,
        summary="Check the health of a device, with figures and advice",
        handler=check_device,
        permission=Permission.DEVICES_DIAGNOSTICS_GET,
        answer=DeviceHealthAnswer,
    )


_PRODUCT = "/v1/products/{product}"

OPERATIONS = (
    _check_operation("/v1", ""),
    _check_operation(_PRODUCT, "product_"),
    Operation(
        name="get_health_thresholds",
        method="GET",
        path=f"{_PRODUCT}/health_thresholds",
        tag=_TAG,
        summary="Get the thresholds of health checks",
        handler=get_thresholds,
        permission=Permission.HEALTH_THRESHOLDS_GET,
        answer=ThresholdsAnswer,
    ),
    Operation(
        name="set_health_thresholds",
        method="PUT",
        path=f"{_PRODUCT}/health_thresholds",
        tag=_TAG,
        summary="Set the thresholds of health checks",
        handler=put_thresholds,
        permission=Permission.HEALTH_THRESHOLDS_UPDATE,
        body=ThresholdsBody,
        answer=ThresholdsAnswer,
    ),
    Operation(
        name="get_fleet_health",
        method="GET",
        path=f"{_PRODUCT}/fleet_health",
        tag=_TAG,
        summary="See how a fleet is now, by version and group, and who needs somebody",
        handler=get_fleet_health,
        permission=Permission.METRICS_HEALTH_GET,
        query=FILTERS,
        answer=FleetHealthAnswer,
    ),
    Operation(
        name="get_fleet_trend",
        method="GET",
        path=f"{_PRODUCT}/fleet_health/{{trend}}",
        tag=_TAG,
        summary="See how a fleet changed over time",
        handler=get_trend,
        permission=Permission.METRICS_HEALTH_GET,
        query=(*_RANGE, *FILTERS),
        answer=TrendAnswer,
    ),
)

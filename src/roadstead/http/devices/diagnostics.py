"""Vitals: what a device says about its health. Source: particle cloud notes §2.15, §3.7."""

from datetime import UTC, datetime, timedelta

import msgspec
from starlette.responses import Response

from roadstead.health.vitals_history import KEPT_DAYS, to_csv
from roadstead.http.accounts.access_tokens import Ok
from roadstead.http.operation import Call, Operation, QueryParameter
from roadstead.identity.permissions import Permission
from roadstead.kit.clock import iso_ms
from roadstead.kit.errors import Invalid

_TAG = "Vitals"


class Vitals(msgspec.Struct):
    """A device's vitals as it last gave them; the payload is grouped by device and service."""

    updated_at: str
    deviceID: str
    payload: dict[str, object]


class VitalsAnswer(msgspec.Struct):
    """The last vitals."""

    diagnostics: Vitals


class VitalsHistoryAnswer(msgspec.Struct):
    """Vitals of a range of time, oldest first; at most 10,000 of them."""

    diagnostics: list[Vitals]


async def refresh(call: Call) -> Ok:
    """Asks a device for its vitals, which then come as an event."""
    ref, product_id = call.path["device"], call.product_id
    await call.parts.vitals.refresh(call.actor, ref, product_id=product_id)
    return Ok()


async def get_last(call: Call) -> VitalsAnswer:
    """The vitals that a device gave last."""
    updated_at, device_id, payload = await call.parts.vitals.last(
        call.actor, call.path["device"], product_id=call.product_id
    )
    return VitalsAnswer(Vitals(iso_ms(updated_at), device_id, payload))


async def get_history(call: Call) -> object:
    """The vitals of a range of time, as JSON or, if it is asked for, as CSV."""
    start, end = _range(call)
    device_id, found = await call.parts.vitals.history(
        call.actor, call.path["device"], start, end, product_id=call.product_id
    )
    if "text/csv" in call.headers.get("accept", ""):
        return Response(to_csv(device_id, found), media_type="text/csv")
    shown = [Vitals(iso_ms(record.at), device_id, record.payload) for record in found]
    return VitalsHistoryAnswer(shown)


def _range(call: Call) -> tuple[datetime, datetime]:
    now = call.parts.clock.now()
    oldest = now - timedelta(days=KEPT_DAYS)
    start = _moment(call.query.get("start_date"), oldest)
    end = _moment(call.query.get("end_date"), now + timedelta(seconds=1))
    if start < oldest - timedelta(minutes=1):
        raise Invalid("bad_request", f"start_date must not be older than {KEPT_DAYS} days")
    return start, min(end, now + timedelta(days=1))


def _moment(text: str | None, default: datetime) -> datetime:
    if not text:
        return default
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid("bad_request", "start_date and end_date must be ISO8601 formatted") from None


_RANGE = (
    QueryParameter("start_date", "First moment (ISO 8601), at most 30 days ago."),
    QueryParameter("end_date", "Moment after the last (ISO 8601)."),
)


def _operations(prefix: str, of: str) -> tuple[Operation, ...]:
    """Vitals below a path; ``of`` goes into the names of the operations."""
    return (
        Operation(
            name=f"refresh_{of}vitals",
            method="POST",
            path=f"{prefix}/diagnostics/{{device}}/update",
            tag=_TAG,
            summary="Ask a device for fresh vitals",
            handler=refresh,
            permission=Permission.DEVICES_DIAGNOSTICS_UPDATE,
            answer=Ok,
            status=202,
            errors=(408,),
        ),
        Operation(
            name=f"get_last_{of}vitals",
            method="GET",
            path=f"{prefix}/diagnostics/{{device}}/last",
            tag=_TAG,
            summary="Get the vitals that a device gave last",
            handler=get_last,
            permission=Permission.DEVICES_DIAGNOSTICS_GET,
            answer=VitalsAnswer,
        ),
        Operation(
            name=f"get_{of}vitals_history",
            method="GET",
            path=f"{prefix}/diagnostics/{{device}}",
            tag=_TAG,
            summary="Get the vitals that a device gave in a range of time, as JSON or CSV",
            handler=get_history,
            permission=Permission.DEVICES_DIAGNOSTICS_GET,
            query=_RANGE,
            answer=VitalsHistoryAnswer,
        ),
    )


OPERATIONS = (
    *_operations("/v1", ""),
    *_operations("/v1/products/{product}", "product_"),
)

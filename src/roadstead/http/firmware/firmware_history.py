"""The firmware history of a device in its product: every delivery, the open one first.

Source: particle cloud notes §6 (10); our own shape.
"""

import msgspec

from roadstead.firmware.delivery.model import Delivery
from roadstead.http.firmware.firmware_releases import device_in
from roadstead.http.operation import Call, Operation, QueryParameter
from roadstead.identity.permissions import Permission
from roadstead.kit.clock import from_ms, iso_ms
from roadstead.kit.errors import Invalid

_TAG = "Firmware"

PER_PAGE_MAX = 200


class DeliveryDocument(msgspec.Struct, kw_only=True):
    """One update of a device.

    ``cause`` is why it began (``handshake release lock flash agreed retry rollout``), ``reason``
    why this version, ``state`` where it is, ``result`` how it ended in one word and ``text`` in a
    sentence; ``error_code`` is the device's own number.
    """

    id: str
    version: int | None
    from_version: int | None
    cause: str
    reason: str
    asked_by: str | None
    state: str
    result: str | None
    text: str | None
    error_code: int | None
    requested_at: str
    started_at: str | None
    ended_at: str | None
    duration_s: float | None
    file_bytes: int
    done_bytes: int
    sent_bytes: int
    attempts: int


class FirmwareHistoryAnswer(msgspec.Struct):
    """The newest first; ``next`` goes on behind the last with ``?before=``."""

    history: list[DeliveryDocument]
    next: str | None


async def get_history(call: Call) -> FirmwareHistoryAnswer:
    """The updates of a device, the newest first."""
    per_page = _number(call.query.get("per_page") or call.query.get("perPage"))
    found = await call.parts.firmware.explaining.history(
        call.product, device_in(call), before=call.query.get("before", ""), limit=per_page
    )
    following = found[-1].id if len(found) == per_page else None
    return FirmwareHistoryAnswer([document_of(one) for one in found], following)


def document_of(one: Delivery) -> DeliveryDocument:
    """A delivery as the API writes it."""
    started, ended = one.started_at_ms, one.ended_at_ms
    return DeliveryDocument(
        id=one.id,
        version=one.version or None,
        from_version=one.from_version or None,
        cause=one.cause,
        reason=one.reason,
        asked_by=one.asked_by,
        state=one.state,
        result=one.result or None,
        text=one.text or None,
        error_code=one.error_code or None,
        requested_at=iso_ms(from_ms(one.requested_at_ms)),
        started_at=None if started is None else iso_ms(from_ms(started)),
        ended_at=None if ended is None else iso_ms(from_ms(ended)),
        duration_s=None if started is None or ended is None else (ended - started) / 1000,
        file_bytes=one.file_bytes,
        done_bytes=one.done_bytes,
        sent_bytes=one.sent_bytes,
        attempts=one.begins,
    )


def _number(text: str | None) -> int:
    if text is None:
        return 25
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= PER_PAGE_MAX:
        raise Invalid("invalid_request", f"per_page is a number from 1 to {PER_PAGE_MAX}.")
    return int(text)


OPERATIONS = (
    Operation(
        name="get_firmware_history",
        method="GET",
        path="/v1/products/{product}/firmware_history/{device}",
        tag=_TAG,
        summary="List the updates of a device: when, from, to, why, how it ended",
        handler=get_history,
        permission=Permission.DEVICES_GET,
        answer=FirmwareHistoryAnswer,
        query=(
            QueryParameter("before", "Id behind which to go on, from `next`."),
            QueryParameter("per_page", f"1 to {PER_PAGE_MAX}, 25 by default."),
        ),
    ),
)

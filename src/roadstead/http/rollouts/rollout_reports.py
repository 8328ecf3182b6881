"""The report of a rollout: one JSON document or CSV lines, streamed however long they are."""

from collections.abc import AsyncIterator
from typing import Final

import msgspec
from starlette.responses import StreamingResponse

from roadstead.http.operation import Call
from roadstead.http.rollouts.rollout_documents import (
    ReportAnswer,
    look_document,
    reported_document,
    rollout_document,
    stage_documents,
)
from roadstead.rollouts.reporting import CSV_HEADER, ReportedDevice, to_csv

REPORT_PAGE: Final = 1000
"""Devices read at a time for a report."""


async def get_report(call: Call) -> object:
    """The report, as JSON or (``format=csv``) one line for each device."""
    service, rollout_id = call.parts.rollouts, call.path["rollout"]
    rollout, progress, looks = await service.get(call.product, rollout_id)
    pages = _report_pages(call, rollout_id)
    wants_csv = call.query.get("format") == "csv" or "text/csv" in call.headers.get("accept", "")
    if wants_csv:
        name = f"rollout-{rollout.id}.csv"
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return StreamingResponse(_csv(pages), media_type="text/csv; charset=utf-8", headers=headers)
    head = ReportAnswer(
        rollout=rollout_document(rollout),
        counts=progress.counts,
        stages=stage_documents(progress),
        looks=[look_document(one) for one in looks],
        devices=[],
    )
    return StreamingResponse(_json(head, pages), media_type="application/json")


async def _report_pages(call: Call, rollout_id: str) -> AsyncIterator[list[ReportedDevice]]:
    after = ""
    while True:
        page = await call.parts.rollouts.report(
            call.product, rollout_id, after=after, limit=REPORT_PAGE
        )
        yield page
        if len(page) < REPORT_PAGE:
            return
        after = page[-1].order


async def _csv(pages: AsyncIterator[list[ReportedDevice]]) -> AsyncIterator[bytes]:
    yield CSV_HEADER.encode()
    async for page in pages:
        yield to_csv(page).encode()


async def _json(
    head: ReportAnswer, pages: AsyncIterator[list[ReportedDevice]]
) -> AsyncIterator[bytes]:
    yield msgspec.json.encode(head).removesuffix(b"]}")
    first = True
    async for page in pages:
        for one in page:
            yield (b"" if first else b",") + msgspec.json.encode(reported_document(one))
            first = False
    yield b"]}"

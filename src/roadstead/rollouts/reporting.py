"""How far a rollout is, and what became of each device: while it runs and as its report."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from roadstead.rollouts import store
from roadstead.rollouts.candidates import DRAWN
from roadstead.rollouts.gathering import END
from roadstead.rollouts.model import Member, Rollout

CSV_HEADER: Final = "device_id,stage,state,reason,previous_version,offered_at,ended_at\n"


@dataclass(frozen=True, slots=True)
class StageProgress:
    """One stage.

    Attributes:
        stage: from 0; the number of stages for what comes after them.
        size: devices in it.
        offered: devices with an offer; updated, failed and skipped ones among them.
        state: ``waiting``, ``open`` or ``done``.
    """

    stage: int
    size: int
    offered: int
    state: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rollout is: devices by state, and stage by stage."""

    counts: dict[str, int]
    stages: list[StageProgress]


@dataclass(frozen=True, slots=True)
class ReportedDevice:
    """What became of one device. ``order`` is where to go on from."""

    order: str
    device_id: str
    stage: int
    state: str
    reason: str
    previous_version: int | None
    offered_at: datetime | None
    ended_at: datetime | None


def read_progress(conn: Connection, rollout: Rollout) -> Progress:
    """How far a rollout is."""
    counts = store.count_members(conn, rollout.id)
    stages: list[StageProgress] = []
    start = 0
    after_last = rollout.members + rollout.late
    for stage, total in enumerate((*rollout.totals, after_last)):
        if total > start or stage < rollout.stages:
            offered = min(max(rollout.offered - start, 0), total - start)
            stages.append(StageProgress(stage, total - start, offered, _state(rollout, stage)))
        start = max(total, start)
    return Progress(counts, stages)


def _state(rollout: Rollout, stage: int) -> str:
    if rollout.state == "finished" or stage < rollout.stage:
        return "done"
    return "open" if stage == rollout.stage else "waiting"


def list_reported(
    conn: Connection, rollout: Rollout, *, after: str, limit: int
) -> list[ReportedDevice]:
    """Devices in the order of the draw, behind ``after``."""
    rank = store.count_range(conn, rollout.id, "", after) if after else 0
    members = store.list_members(conn, rollout.id, after=after, limit=limit)
    return [
        _to_reported(rollout, member, stage_of(rollout, rank + place))
        for place, member in enumerate(members)
    ]


def stage_of(rollout: Rollout, rank: int) -> int:
    """The stage of the device with this place in the draw, from 0."""
    return sum(total <= rank for total in rollout.totals)


def rank_of(conn: Connection, rollout: Rollout, member: Member) -> int:
    """Devices that come before this one."""
    return store.count_range(conn, rollout.id, "", member.order) - 1


def is_late(member: Member) -> bool:
    """Whether it was dormant when the devices were drawn, or came later."""
    return not member.order.startswith(DRAWN) and member.order < END


def _to_reported(rollout: Rollout, member: Member, stage: int) -> ReportedDevice:
    return ReportedDevice(
        member.order,
        member.device_id,
        stage,
        member.state,
        member.reason,
        member.previous_version,
        member.offered_at,
        member.ended_at,
    )


def to_csv(devices: Iterable[ReportedDevice]) -> str:
    """Lines of the report, without the header; no field needs quotes."""
    return "".join(
        f"{one.device_id},{one.stage + 1},{one.state},{one.reason},"
        f"{'' if one.previous_version is None else one.previous_version},"
        f"{_moment(one.offered_at)},{_moment(one.ended_at)}\n"
        for one in devices
    )


def _moment(at: datetime | None) -> str:
    return "" if at is None else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

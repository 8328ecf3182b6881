"""How long dashboards of a large fleet take: `python -m bench.fleet_health [VERSIONS [GROUPS]]`.

Not part of `make bench`. A product with a month of sums, every minute of it filled, as a fleet of
any size leaves them: their number follows from versions (4), releases of Device OS (3) and groups
(20), never from devices. A million rows of devices stand in the index of the worst. Each question
is asked 20 times as the API asks it, its answer encoded; SQLite, one process. Processor time is
that of this process alone, and says what a machine with nothing else to do would take.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, insert

from bench import machine
from roadstead.devices.store import devices
from roadstead.health.check_rules import CHECKS
from roadstead.health.condition import Condition
from roadstead.health.condition_store import device_health, list_worst
from roadstead.health.fleet_series import FleetFilter, make_window
from roadstead.health.fleet_series import to_points as to_counts
from roadstead.health.fleet_store import fleet_counts, list_counts
from roadstead.health.trend_rules import make_hours, sum_by, to_levels
from roadstead.health.trend_store import (
    DAILY,
    DAY_HOURS,
    fleet_gauges,
    fleet_trends,
    list_gauges,
    list_totals,
    list_trend,
)
from roadstead.storage import migrate
from roadstead.storage.sqlite import make_engine

PRODUCT = 1000
DAYS = 30
END_MINUTE = 29_000_000 // 1440 * 1440
DEVICES = 1_000_000
TIMES = 20
ROLLED = (("", 1), ("/q", 15), ("/h", 60))
STEP = 50_000
Row = dict[str, Any]


def seed(conn: Connection, versions: int, groups: int) -> None:
    """A month of sums, and the devices in the index."""
    kinds = [(v, f"6.{s}.0") for v in range(1, versions + 1) for s in range(3)]
    first = END_MINUTE - DAYS * 1440
    for ending, width in ROLLED:
        for metric in ("events", "online"):
            if metric == "online" and ending == "/h":
                continue
            rows = (
                _row(minute=minute, metric=metric + ending, group="", kind=kind, count=minute % 97)
                for minute in range(first, END_MINUTE, width)
                for kind in kinds
            )
            _insert(conn, fleet_counts, rows)
    names = ["", *(f"group-{number}" for number in range(groups))]
    labels = [("devices", ""), *(("state", one) for one in ("healthy", "warning", "unhealthy"))]
    labels += [("reason", one) for one in CHECKS]
    trended = [*labels, ("connects", ""), ("sessions", "under_1h"), ("resets", "panic")]
    hours = range(first // 60, END_MINUTE // 60)
    for ending, step in (("", 1), (DAILY, DAY_HOURS)):
        _insert(
            conn,
            fleet_trends,
            (
                _sum(name, measure + ending, kind, label, hour=hour, count=1)
                for name in names[:2]
                for measure, label in trended
                for hour in hours[::step]
                for kind in kinds
            ),
        )
    spread = [
        (one, str(ten)) for one in ("battery", "signal", "memory") for ten in range(0, 100, 10)
    ]
    _insert(
        conn,
        fleet_gauges,
        (
            _sum(name, measure, kind, label, count=1000)
            for name in names
            for measure, label in [*labels, *spread]
            for kind in kinds
        ),
    )
    condition = msgspec.msgpack.encode(
        Condition(PRODUCT, 1, "6.0.0", checks={"battery_percent": "warning"})
    )
    _insert(
        conn,
        device_health,
        (
            {
                "device_id": f"{number:024x}",
                "product_id": PRODUCT,
                "score": number % 500,
                "judged_ms": 0,
                "condition": condition,
            }
            for number in range(DEVICES)
        ),
    )


def _row(*, minute: int, metric: str, group: str, kind: tuple[int, str], count: int) -> Row:
    where = {"product_id": PRODUCT, "metric": metric, "device_group": group, "minute": minute}
    return {**where, "firmware": kind[0], "system": kind[1], "count": count}


def _sum(group: str, measure: str, kind: tuple[int, str], label: str, **more: int) -> Row:
    where = {"product_id": PRODUCT, "device_group": group, "measure": measure, "label": label}
    return {**where, "firmware": kind[0], "system": kind[1], **more}


def _insert(conn: Connection, table: Any, rows: Iterable[Row]) -> None:
    some: list[Row] = []
    for row in rows:
        some.append(row)
        if len(some) == STEP:
            conn.execute(insert(table), some)
            some = []
    if some:
        conn.execute(insert(table), some)


def _chart(conn: Connection, panel: Any, bucket_s: int, wanted: FleetFilter) -> object:
    end_ms = END_MINUTE * 60_000
    window = make_window(end_ms - DAYS * 86_400_000, end_ms, bucket_s)
    metric: Any = {"events": "events", "online": "online"}[panel]
    found = list_counts(conn, PRODUCT, [metric], window, wanted, snapshots=panel == "online")
    return [{"time": minute, **counts} for minute, counts in to_counts(panel, window, found)]


def _levels(conn: Connection, measure: str, bucket_s: int, wanted: FleetFilter) -> object:
    end_ms = END_MINUTE * 60_000
    hours = make_hours(end_ms - DAYS * 86_400_000, end_ms, bucket_s)
    changed = list_trend(conn, PRODUCT, measure, hours, wanted, to_now=True)
    now = sum_by(list_gauges(conn, PRODUCT, wanted, {measure}), measure)
    return to_levels(hours, now, changed)


def _summary(conn: Connection) -> object:
    gauges = list_gauges(conn, PRODUCT, FleetFilter())
    list_gauges(conn, PRODUCT, FleetFilter(), ("devices", "state"), all_groups=True)
    first = END_MINUTE // 60 - DAYS * 24
    measures = ("resets", "connects", "updates")
    totals = list_totals(conn, PRODUCT, measures, first, FleetFilter())
    return [sum_by(gauges, one) for one in ("state", "reason", "battery")], len(totals)


def main() -> int:
    """Prints a line for each question."""
    versions = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    groups = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    everybody, one = FleetFilter(), FleetFilter(firmware=1, system="6.0.0")
    questions: dict[str, Callable[[Connection], object]] = {
        "events, 30 days in quarter hours": lambda c: _chart(c, "events", 900, everybody),
        "events, 30 days in hours": lambda c: _chart(c, "events", 3600, everybody),
        "events of one version, quarter hours": lambda c: _chart(c, "events", 900, one),
        "online, 30 days in quarter hours": lambda c: _chart(c, "online", 900, everybody),
        "states, 30 days in hours": lambda c: _levels(c, "state", 3600, everybody),
        "states, 30 days in days": lambda c: _levels(c, "state", 86_400, everybody),
        "reasons, 30 days in days": lambda c: _levels(c, "reason", 86_400, everybody),
        "the fleet now, with its parts": _summary,
        "the 20 worst": lambda c: len(list_worst(c, PRODUCT, everybody, 20)),
        "the 20 worst of one version": lambda c: len(list_worst(c, PRODUCT, one, 20)),
    }
    with tempfile.TemporaryDirectory(prefix="bench-health-") as folder:
        path = Path(folder) / "roadstead.db"
        migrate.upgrade(f"sqlite:///{path}")
        engine = make_engine(path)
        with engine.begin() as conn:
            seed(conn, versions, groups)
            _insert(conn, devices, (_device(n) for n in range(DEVICES) if n % 500 >= 498))
        print(f"{machine.describe()}; {versions} versions, 3 releases, {groups} groups")
        for name, ask in questions.items():
            with engine.connect() as conn:
                took, used = [], []
                for _ in range(TIMES):
                    began, busy = time.perf_counter(), time.process_time()
                    msgspec.json.encode(ask(conn))
                    took.append(1000 * (time.perf_counter() - began))
                    used.append(1000 * (time.process_time() - busy))
            middle, busiest = statistics.median(took), statistics.median(used)
            print(f"{name}: {middle:.1f} ms, longest {max(took):.1f}; processor {busiest:.1f} ms")
        engine.dispose()
    return 0


def _device(number: int) -> Row:
    """One of those that a question for the worst gives: only their names are read."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    facts = {"firmware_version": 1, "system_version": 6000, "hello_flags": 0}
    flags = {"safe_mode": False, "quarantined": False, "created_at": at, "updated_at": at}
    return {"id": f"{number:024x}", "name": f"box {number}", **facts, **flags}


if __name__ == "__main__":
    sys.exit(main())

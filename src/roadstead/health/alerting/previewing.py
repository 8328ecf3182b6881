"""How many would match a rule now, asked by a person who writes one.

It reads bounded pages of indexes, and says how far it looked.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from roadstead.devices.store import devices
from roadstead.health.alerting.deciding import fleet_online
from roadstead.health.alerting.evidence_store import offline_devices
from roadstead.health.alerting.hysteresis import judge_level
from roadstead.health.alerting.model import AlertRule
from roadstead.health.alerting.scoping import conditions
from roadstead.health.alerting.vital_paths import value_of
from roadstead.health.alerting.wording import describe_value, number
from roadstead.health.store import device_vitals
from roadstead.kit.clock import from_ms, iso_ms, to_ms
from roadstead.products.membership_store import product_devices

MAX_EXAMINED: Final = 10_000
"""Devices looked at for one preview: less than half a second."""

PAGE: Final = 1_000
NAMED: Final = 5

_P = product_devices.c
_O = offline_devices.c


@dataclass(slots=True)
class Preview:
    """What a rule would find now.

    Attributes:
        matches: how many would have an alert; None where only the future can tell.
        examined: devices looked at; ``complete`` unless there are more.
        examples: the first few, with what was seen.
        text: how it stands, in words.
    """

    matches: int | None = 0
    examined: int = 0
    complete: bool = True
    examples: list[tuple[str, str, str]] = field(default_factory=list)
    text: str = ""

    def note(self, device_id: str, name: str | None, seen: str) -> None:
        """One that matches."""
        assert self.matches is not None
        self.matches += 1
        if len(self.examples) < NAMED:
            self.examples.append((device_id, name or "", seen))


def preview(conn: Connection, rule: AlertRule, now: datetime) -> Preview:
    """How many would match a rule that need not be kept."""
    kind = rule.draft.kind
    if kind == "offline":
        return _offline(conn, rule, now)
    if kind == "vital":
        return _vital(conn, rule)
    if kind == "fleet_online":
        return _fleet(conn, rule, now)
    return Preview(None, text="This rule counts what happens from the moment at which it is on.")


def _offline(conn: Connection, rule: AlertRule, now: datetime) -> Preview:
    found = Preview()
    until_ms = to_ms(now) - rule.draft.condition.for_s * 1000
    query = (
        select(_O.device_id, _O.since_ms, devices.c.name)
        .join(product_devices, _P.device_id == _O.device_id)
        .join(devices, devices.c.id == _O.device_id)
        .where(_O.product_id == rule.product_id, _O.since_ms <= until_ms)
        .where(*conditions(rule.product_id, rule.draft.scope))
        .order_by(_O.since_ms)
        .limit(MAX_EXAMINED + 1)
    )
    for device_id, since_ms, name in conn.execute(query).all()[:MAX_EXAMINED]:
        found.note(device_id, name, f"offline since {iso_ms(from_ms(since_ms))}")
    found.examined = found.matches or 0
    found.complete = found.examined < MAX_EXAMINED
    return found


def _vital(conn: Connection, rule: AlertRule) -> Preview:
    found, condition, after = Preview(), rule.draft.condition, ""
    while found.examined < MAX_EXAMINED:
        query = (
            select(_P.device_id, devices.c.name, device_vitals.c.payload)
            .join(devices, devices.c.id == _P.device_id)
            .join(device_vitals, device_vitals.c.device_id == _P.device_id, isouter=True)
            .where(*conditions(rule.product_id, rule.draft.scope), _P.device_id > after)
            .order_by(_P.device_id)
            .limit(PAGE)
        )
        rows = conn.execute(query).all()
        for device_id, name, payload in rows:
            after = device_id
            found.examined += 1
            value = None if payload is None else value_of(payload, condition.metric)
            if value is None:
                continue
            verdict = judge_level(
                value, above=condition.above, below=condition.below, clear_level=None
            )
            if verdict == "bad":
                found.note(device_id, name, describe_value(rule, value))
        if len(rows) < PAGE:
            return found
    found.complete = False
    return found


def _fleet(conn: Connection, rule: AlertRule, now: datetime) -> Preview:
    measured = fleet_online(conn, rule, now)
    if measured is None:
        return Preview(0, text="There are no devices yet.")
    online, total = measured
    percent = 100 * online / total
    below = rule.draft.condition.below or 0
    text = f"{online} of {total} devices are online ({number(percent)} %)."
    return Preview(int(percent < below), total, text=text)

"""Alerts on each engine: two processes on one database, a process that dies, what a flood costs."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, insert, select

from roadstead.bus.local import LocalBus
from roadstead.devices.store import devices
from roadstead.events.ingest import EventIngest
from roadstead.health.alerting import alert_store, deciding, evidence_store, rule_store
from roadstead.health.alerting.alert_store import alerts
from roadstead.health.alerting.catalogue import RuleCatalogue
from roadstead.health.alerting.engine import AlertEngine
from roadstead.health.alerting.model import AlertCondition, AlertRule, PresenceChange, RuleDraft
from roadstead.health.alerting.reacting import AlertReactions
from roadstead.kit.clock import ManualClock, to_ms
from roadstead.kit.ids import EventIds
from roadstead.notifications.service import Notices
from roadstead.notifications.store import notices
from roadstead.products.membership_store import product_devices
from roadstead.products.model import Owner, Product, ProductSettings
from roadstead.products.store import insert_product
from roadstead.storage.journal import Journal
from roadstead.storage.secret_box import SecretBox

AT = datetime(2026, 1, 1, tzinfo=UTC)
BOX = SecretBox(bytes(32))
PRODUCT = 7


def device_id(number: int) -> str:
    return f"{number:024x}"


class Rig:
    """A product with devices and one rule; engines as several processes have them."""

    def __init__(self, database) -> None:
        self.database, self.clock = database, ManualClock(AT)
        self.notices = Notices(database, self.clock, BOX, lambda conn, owner: ["a@example.com"])

    def engine(self) -> AlertEngine:
        return AlertEngine(self.database, self.clock, BOX, self.notices, lambda conn, product: [])

    async def make(self, count: int, draft: RuleDraft) -> AlertRule:
        rule = AlertRule("f" * 24, PRODUCT, draft, "jo", AT, AT)

        def work(conn):
            product = Product(
                id=PRODUCT, slug="p", name="P", description="", platform_id=13,
                owner=Owner(user_id="1" * 24), settings=ProductSettings(),
                created_at=AT, updated_at=AT,
            )  # fmt: skip
            insert_product(conn, product)
            ids = [device_id(number) for number in range(count)]
            shared = {"firmware_version": 1, "updated_at": AT}
            more = {"safe_mode": False, "quarantined": False, "hello_flags": 0}
            conn.execute(
                insert(devices),
                [
                    shared
                    | {"id": one, "product_id": PRODUCT, "created_at": AT, "system_version": 0}
                    | more
                    for one in ids
                ],
            )
            conn.execute(
                insert(product_devices),
                [
                    shared
                    | {"device_id": one, "product_id": PRODUCT, "standing": "member"}
                    | {"development": False, "last_handshake_ms": 0, "name_key": ""}
                    for one in ids
                ],
            )
            rule_store.insert_rule(conn, BOX, rule, to_ms(AT))

        await self.database.write(work)
        return rule

    async def go(self, count: int, *, online: bool) -> None:
        at_ms = to_ms(self.clock.now())
        rows = [PresenceChange(device_id(one), PRODUCT, online, at_ms) for one in range(count)]
        await self.database.write(lambda conn: evidence_store.write_presence_changes(conn, rows))

    async def states(self) -> dict[str, int]:
        query = select(alerts.c.state, func.count()).group_by(alerts.c.state)
        rows = await self.database.read(lambda conn: conn.execute(query).all())
        return {row[0]: row[1] for row in rows}

    async def told(self) -> list[tuple[str, int]]:
        query = select(notices.c.kind, notices.c.facts).order_by(notices.c.id)
        rows = await self.database.read(lambda conn: conn.execute(query).all())
        return [(row.kind, row.facts["count"]) for row in rows]


OFFLINE = RuleDraft(name="Silent", kind="offline", condition=AlertCondition(for_s=600))


async def test_two_processes_open_and_tell_each_alert_once(database):
    rig = Rig(database)
    await rig.make(1100, OFFLINE)
    await rig.go(1100, online=False)
    rig.clock.advance(600)
    engines = [rig.engine(), rig.engine()]
    await asyncio.gather(*(one.step() for one in engines))
    assert await rig.states() == {"open": 1100}
    rig.clock.advance(61)
    await asyncio.gather(*(one.step() for one in engines))
    await asyncio.gather(*(one.step() for one in engines))
    assert await rig.told() == [("alert.opened", 1100)]
    await rig.go(1100, online=True)
    await asyncio.gather(*(one.step() for one in engines))
    for one in engines:
        await one.step()
    assert await rig.states() == {"resolved": 1100}
    rig.clock.advance(61)
    await asyncio.gather(*(one.step() for one in engines))
    assert await rig.told() == [("alert.opened", 1100), ("alert.resolved", 1100)]


@pytest.mark.parametrize("where", ["open", "tell"])
async def test_a_process_that_dies_in_a_step_leaves_it_to_be_done(database, where):
    rig = Rig(database)
    await rig.make(3, OFFLINE)
    await rig.go(3, online=False)
    rig.clock.advance(600)
    engine = rig.engine()
    if where == "tell":
        await engine.step()
        rig.clock.advance(61)

    class Dies(Exception):
        """In the place of a power cut: whatever the transaction wrote is undone."""

    def half(conn):
        now = rig.clock.now()
        if where == "open":
            assert deciding.check_rules(conn, BOX, now, settled=True) == 1
        else:
            (rule,) = rule_store.take_due(conn, BOX, "tell_due_ms", to_ms(now), 9)
            rule_store.note_told(conn, rule)
        raise Dies

    with pytest.raises(Dies):
        await database.write(half)
    await rig.engine().step()
    rig.clock.advance(61)
    await rig.engine().step()
    assert await rig.states() == {"open": 3}
    assert await rig.told() == [("alert.opened", 3)]


async def test_what_came_back_in_time_is_never_told(database):
    rig = Rig(database)
    await rig.make(2, OFFLINE)
    await rig.go(2, online=False)
    rig.clock.advance(600)
    await rig.engine().step()
    await rig.go(2, online=True)
    await rig.engine().step()
    rig.clock.advance(61)
    await rig.engine().step()
    assert await rig.states() == {"resolved": 2}
    assert await rig.told() == []


async def test_a_second_live_alert_is_impossible(database):
    rig = Rig(database)
    rule = await rig.make(1, OFFLINE)
    await rig.go(1, online=False)
    rig.clock.advance(600)
    await rig.engine().step()
    (alert,) = await database.read(lambda conn: alert_store.list_alerts(conn, PRODUCT, limit=10))
    twin = alert_store.Alert(**{n: getattr(alert, n) for n in alert.__slots__} | {"id": "0" * 24})
    with pytest.raises(Exception, match=r"(?i)unique"):
        await database.write(lambda conn: alert_store.insert_alerts(conn, [twin]))
    assert alert.rule_id == rule.id


async def test_a_quiet_rule_looks_no_more_often_than_its_time(database):
    rig = Rig(database)
    await rig.make(1, OFFLINE)
    engine = rig.engine()
    await engine.step()

    def due(conn):
        return conn.execute(select(rule_store.alert_rules.c.check_due_ms)).scalar_one()

    assert await database.read(due) == to_ms(AT) + 600_000
    # Somebody goes just afterwards: the look comes in time, though nothing woke the rule.
    rig.clock.advance(1)
    await rig.go(1, online=False)
    rig.clock.advance(599)
    await engine.step()
    assert await database.read(due) == to_ms(AT) + 601_000
    rig.clock.advance(1)
    await engine.step()
    assert await rig.states() == {"open": 1}


async def test_evidence_is_committed_with_its_event(database):
    """What an event tells is in the database when the event is: nobody has to hear of it."""
    rig, bus = Rig(database), LocalBus()
    condition = AlertCondition(metric="battery_charge", below=20.0)
    await rig.make(1, RuleDraft(name="Empty", kind="vital", condition=condition))
    catalogue = RuleCatalogue(database, BOX, bus)
    await catalogue.start()
    journal = Journal(database, delay_s=0.001)
    running = asyncio.create_task(journal.run())
    ingest = EventIngest(journal, bus, rig.clock, EventIds())
    woken = []
    ingest.react_with(AlertReactions(catalogue, lambda: woken.append(1)))
    for charge in (b"15", b"12"):
        ingest.accept(
            name="spark/device/diagnostics/update",
            payload=b'{"device":{"power":{"battery":{"charge":' + charge + b"}}}}",
            content_format=None,
            ttl_s=60,
            source="system",
            device_id=device_id(0),
            owner_id=None,
            product_id=PRODUCT,
            firmware_version=1,
        )
    await journal.flush()
    assert woken
    await rig.engine().step()
    (alert,) = await database.read(lambda conn: alert_store.list_alerts(conn, PRODUCT, limit=9))
    assert (alert.text, alert.subject) == ("Battery charge 12 %", device_id(0))
    await journal.close()
    await running


async def test_old_counts_leave(database):
    rig = Rig(database)
    draft = RuleDraft(name="Loop", kind="resets", condition=AlertCondition(count=3, within_s=600))
    rule = await rig.make(1, draft)
    row = evidence_store.Evidence(rule, device_id(0), "", "happened", to_ms(AT), "t")
    await database.write(lambda conn: evidence_store.write_evidence(conn, [row]))
    assert await database.write(lambda c: evidence_store.delete_idle_watches(c, AT)) == 0
    rig.clock.advance(8 * 86_400)
    now = rig.clock.now()
    assert await database.write(lambda c: evidence_store.delete_idle_watches(c, now)) == 1

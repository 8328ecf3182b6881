"""What a plan means for one owner now, in the terms of the field's service agreements.

Devices are counted. Messages and data are not metered here and are left out.

Source: particle cloud notes §1.19, §2.18.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from roadstead.organizations import store
from roadstead.organizations.limits import PlanLimits
from roadstead.organizations.model import Owner, PlanName
from roadstead.organizations.terms import PlanTerms, terms_of
from roadstead.storage.database import Database


@dataclass(frozen=True, slots=True)
class Agreement:
    """An owner's plan with its use.

    Attributes:
        since: when the plan was set; None while it is the server's default.
        owned_devices: devices of the owner's products, and those claimed outside products.
        limit_reached: a limit of the plan leaves no room, somewhere.
    """

    owner: Owner
    plan: PlanName
    terms: PlanTerms
    since: datetime | None
    owned_devices: int
    limit_reached: bool
    period_start: datetime
    period_end: datetime


class Agreements:
    """Agreements of all owners."""

    def __init__(self, database: Database, limits: PlanLimits) -> None:
        self._database = database
        self._limits = limits

    async def of(self, owner: Owner, now: datetime) -> Agreement:
        """The agreement of one owner; the period is the calendar month in UTC."""
        return await self._database.read(lambda conn: self._read(conn, owner, now))

    def _read(self, conn: Connection, owner: Owner, now: datetime) -> Agreement:
        plan = self._limits.plan_of(conn, owner)
        use = self._limits.use_of(conn, owner)
        start = datetime(now.year, now.month, 1, tzinfo=UTC)
        following = (now.year + now.month // 12, now.month % 12 + 1)
        return Agreement(
            owner=owner,
            plan=plan,
            terms=terms_of(plan),
            since=store.find_changed_at(conn, owner.id),
            owned_devices=use.devices,
            limit_reached=use.limit_reached,
            period_start=start,
            period_end=datetime(*following, 1, tzinfo=UTC),
        )

"""The plan of an owner: set, told, and given to new accounts."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from roadstead.identity.model import Actor, User
from roadstead.identity.recording import record_change
from roadstead.identity.store import find_user_by_name
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Forbidden, Invalid, NotFound
from roadstead.organizations import store
from roadstead.organizations.model import PLAN_NAMES, Owner, PlanName
from roadstead.organizations.organization_store import find_organization
from roadstead.storage import outbox
from roadstead.storage.database import Database


class PlanService:
    """Which plan each owner is on.

    Args:
        database: where plans are kept.
        clock: for the time of a change.
        announce: called after a change was committed that other processes must hear of.
        default_plan: plan of a new account, and of an owner whose plan was never set.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        announce: Callable[[], None],
        *,
        default_plan: PlanName,
    ) -> None:
        self._database = database
        self._clock = clock
        self._announce = announce
        self._default_plan = default_plan

    async def set_plan(self, owner: str, plan: PlanName, actor: Actor) -> str:
        """Puts an owner on a plan; gives the owner's id.

        Args:
            owner: e-mail address of an account, or an organization's slug.
            plan: name of the plan.
            actor: an administrator of the server.

        Raises:
            NotFound: ``owner_not_found``.
            Forbidden: ``permission_denied``.
        """
        if not actor.is_admin:
            raise Forbidden("permission_denied", "Only an administrator may set a plan.")
        now = self._clock.now()

        def work(conn: Connection) -> str:
            found = _find_owner(conn, owner.strip().lower())
            if found is None:
                raise NotFound(
                    "owner_not_found", f"There is no account and no organization {owner!r}."
                )
            self._put(conn, found, plan, actor, now)
            return found.id

        owner_id = await self._database.write(work, durable=True)
        self._announce()
        return owner_id

    async def plan_of(self, user_id: str) -> PlanName:
        """The plan that this owner is on."""
        found = await self._database.read(lambda conn: store.find_plan(conn, user_id))
        return found or self._default_plan

    def account_opened(
        self, conn: Connection, user: User, *, actor: Actor, first_admin: bool
    ) -> None:
        """Puts a new account on its plan; fills the port ``identity.service.AccountOpened``.

        The first administrator is whoever owns the server, so nothing is held back from them.
        """
        plan: PlanName = "enterprise" if first_admin else self._default_plan
        self._put(conn, Owner(user_id=user.id), plan, actor, user.created_at)

    def _put(
        self, conn: Connection, owner: Owner, plan: PlanName, actor: Actor, at: datetime
    ) -> None:
        before = store.find_plan(conn, owner.id)
        store.put_plan(conn, owner.id, plan, at)
        kind = "user" if owner.user_id else "organization"
        record_change(
            conn,
            actor,
            "plan.set",
            f"{kind}/{owner.id}",
            None if before is None else {"plan": before},
            {"plan": plan},
            at=at,
        )
        outbox.append(conn, "plan.changed", owner.id)


def _find_owner(conn: Connection, ref: str) -> Owner | None:
    user = find_user_by_name(conn, ref)
    if user is not None:
        return Owner(user_id=user.id)
    found = find_organization(conn, ref)
    return None if found is None else found.owner


def parse_plan(text: str) -> PlanName:
    """The plan of this name.

    Raises:
        Invalid: ``bad_plan``.
    """
    for plan in PLAN_NAMES:
        if text.lower() == plan:
            return plan
    raise Invalid("bad_plan", f"There is no plan {text!r}; choose {', '.join(PLAN_NAMES)}.")

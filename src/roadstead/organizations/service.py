"""Organizations: created, found for a request, changed, handed over, removed."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from roadstead.identity import store as identity_store
from roadstead.identity.model import Actor
from roadstead.identity.permissions import Permission, Role, rights_of
from roadstead.identity.safety_store import find_factor
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Conflict, Invalid, NotFound, TooMany
from roadstead.kit.ids import new_object_id
from roadstead.organizations import authority, organization_store, store, team_store, telling
from roadstead.organizations.api_users import remove_all
from roadstead.organizations.invitations import ProductsOf
from roadstead.organizations.limits import PlanLimits
from roadstead.organizations.model import Organization, Owner
from roadstead.organizations.teams import member_not_found, team_for_organization
from roadstead.storage import outbox
from roadstead.storage.database import Database

MAX_NAME_CHARS = 100
MAX_SLUG_CHARS = 64

MAX_OWNED = 50
"""Organizations of which one person is the owner."""

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_ID = re.compile(r"[0-9a-f]{24}")


@dataclass(frozen=True, slots=True)
class ReachedOrganization:
    """The organization that a path names, and what the caller may do with it."""

    organization: Organization
    role: Role
    rights: frozenset[Permission]


class Organizations:
    """All organizations.

    Args:
        announce: called after a change was committed that other processes must hear of.
        limits: what the plans of owners allow.
        products_of: the products of an organization.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        announce: Callable[[], None],
        limits: PlanLimits,
        products_of: ProductsOf,
    ) -> None:
        self._database = database
        self._clock = clock
        self._announce = announce
        self._limits = limits
        self._products_of = products_of

    async def reach(self, actor: Actor, ref: str) -> ReachedOrganization:
        """The organization that a path names by id or slug, and what the actor may do with it.

        Raises:
            NotFound: ``organization_not_found``: there is none, or it is a stranger's.
            Forbidden: ``mfa_enrolment_required``.
        """

        def work(conn: Connection) -> ReachedOrganization:
            found = organization_store.find_organization(conn, ref.lower()) if _plain(ref) else None
            role = authority.role_in_organization(conn, actor, found) if found else None
            if found is None or role is None:
                raise organization_not_found(ref)
            return ReachedOrganization(found, role, rights_of(actor, role))

        return await self._database.read(work)

    async def list_for(self, actor: Actor) -> list[Organization]:
        """The organizations on whose team the actor is, by name."""

        def work(conn: Connection) -> list[Organization]:
            kind = "organization/"
            keys = [key for key in authority.teams_of(conn, actor) if key.startswith(kind)]
            return organization_store.list_by_ids(conn, [key.removeprefix(kind) for key in keys])

        return await self._database.read(work)

    async def create(self, actor: Actor, name: str, slug: str | None) -> Organization:
        """Makes an organization that the actor owns, on the actor's own plan.

        Raises:
            Invalid: ``bad_organization_name``, ``bad_slug`` or ``no_account``.
            Conflict: ``slug_taken``.
            Forbidden: ``plan_limit``.
            TooMany: ``too_many_organizations``.
        """
        if not actor.user_id:
            raise Invalid("no_account", "Only an account can own an organization.")
        parsed = parse_organization_name(name)
        wanted = None if slug is None else parse_organization_slug(slug)
        at = self._clock.now()

        def work(conn: Connection) -> Organization:
            mine = Owner(user_id=actor.user_id)
            self._limits.require(conn, mine, "organizations")
            if len(organization_store.list_owned_by(conn, actor.user_id)) >= MAX_OWNED:
                raise TooMany(
                    "too_many_organizations", f"One person owns at most {MAX_OWNED} organizations."
                )
            new = Organization(
                new_object_id(), _free_slug(conn, parsed, wanted), parsed, actor.user_id, False, at
            )
            organization_store.insert_organization(conn, new)
            store.put_plan(conn, new.id, self._limits.plan_of(conn, mine), at)
            team_store.insert_member(conn, new.team, actor.user_id, Role.OWNER, at)
            after: telling.Facts = {"name": new.name, "slug": new.slug, "owner": actor.username}
            telling.record(conn, actor, "organization.create", new.team, None, after, at)
            telling.announce(conn, [actor.user_id])
            return new

        try:
            created = await self._database.write(work, durable=True)
        except IntegrityError as error:
            raise _slug_taken(wanted or parsed) from error
        self._announce()
        return created

    async def update(
        self,
        actor: Actor,
        organization: Organization,
        *,
        name: str | None = None,
        slug: str | None = None,
        mfa_required: bool | None = None,
    ) -> Organization:
        """Changes what is given.

        Raises:
            Invalid: ``bad_organization_name`` or ``bad_slug``.
            Conflict: ``slug_taken``; ``mfa_not_enabled`` when the actor would shut themselves out.
        """
        values: dict[str, object] = {}
        if name is not None:
            values["name"] = parse_organization_name(name)
        if slug is not None:
            values["slug"] = parse_organization_slug(slug)
        if mfa_required is not None:
            values["mfa_required"] = mfa_required
        at = self._clock.now()

        def work(conn: Connection) -> Organization:
            kept = _get(conn, organization)
            changed = {key: one for key, one in values.items() if getattr(kept, key) != one}
            if not changed:
                return kept
            if changed.get("mfa_required"):
                _check_own_factor(conn, actor)
            organization_store.update_organization(conn, kept.id, **changed)
            before: telling.Facts = {key: getattr(kept, key) for key in changed}
            telling.record(conn, actor, "organization.update", kept.team, before, changed, at)
            telling.announce(conn, [""])
            return _get(conn, organization)

        try:
            updated = await self._database.write(work, durable=True)
        except IntegrityError as error:
            raise _slug_taken(str(values.get("slug", ""))) from error
        self._announce()
        return updated

    async def hand_over(self, actor: Actor, organization: Organization, username: str) -> None:
        """Makes another member the owner; the owner until then becomes an administrator.

        Raises:
            NotFound: ``member_not_found``.
        """
        at = self._clock.now()

        def work(conn: Connection) -> None:
            kept = _get(conn, organization)
            heir = identity_store.find_user_by_name(conn, username.strip().lower())
            if heir is None or team_store.find_role(conn, kept.team, heir.id) is None:
                raise member_not_found(username)
            if heir.id == kept.owner_id:
                return
            team_store.update_role(conn, kept.team, kept.owner_id, Role.ADMINISTRATOR)
            team_store.update_role(conn, kept.team, heir.id, Role.OWNER)
            organization_store.update_organization(conn, kept.id, owner_id=heir.id)
            before: telling.Facts = {"owner_id": kept.owner_id}
            after: telling.Facts = {"owner_id": heir.id, "owner": heir.username}
            telling.record(conn, actor, "organization.hand_over", kept.team, before, after, at)
            telling.announce(conn, [kept.owner_id, heir.id])

        await self._database.write(work, durable=True)
        self._announce()

    async def remove(self, actor: Actor, organization: Organization) -> None:
        """Removes an organization that has no products.

        Raises:
            Conflict: ``organization_has_products``.
        """
        at = self._clock.now()

        def work(conn: Connection) -> None:
            kept = _get(conn, organization)
            if self._products_of(conn, kept.id):
                raise Conflict(
                    "organization_has_products",
                    "The organization has products; move or remove them first.",
                )
            members = team_store.delete_team(conn, kept.team)
            programs = remove_all(conn, team_for_organization(kept))
            organization_store.delete_organization(conn, kept.id)
            before: telling.Facts = {"name": kept.name, "slug": kept.slug}
            telling.record(conn, actor, "organization.remove", kept.team, before, None, at)
            for user_id, digests in programs:
                for digest in digests:
                    outbox.append(conn, "token.revoked", digest.hex())
                outbox.append(conn, "user.changed", user_id)
            telling.announce(conn, members)

        await self._database.write(work, durable=True)
        self._announce()


def parse_organization_name(text: str) -> str:
    """A name as it is kept.

    Raises:
        Invalid: ``bad_organization_name``.
    """
    name = text.strip()
    if not 1 <= len(name) <= MAX_NAME_CHARS or not name.isprintable():
        raise Invalid(
            "bad_organization_name",
            f"The name must have 1 to {MAX_NAME_CHARS} printable characters.",
        )
    return name


def parse_organization_slug(text: str) -> str:
    """A slug as it stands in paths; never in the shape of an id.

    Raises:
        Invalid: ``bad_slug``.
    """
    slug = text.strip().lower()
    if len(slug) > MAX_SLUG_CHARS or not _SLUG.fullmatch(slug) or _ID.fullmatch(slug):
        raise Invalid(
            "bad_slug",
            f"The slug must have 1 to {MAX_SLUG_CHARS} of a-z, 0-9 and -, begin and end with a "
            "letter or digit, and not look like an id.",
        )
    return slug


def organization_not_found(ref: str) -> NotFound:
    """The organization is unknown, or a stranger's."""
    return NotFound(
        "organization_not_found", f"Permission denied: you have no organization {ref!r}."
    )


def _free_slug(conn: Connection, name: str, wanted: str | None) -> str:
    if wanted is not None:
        if organization_store.find_organization(conn, wanted) is not None:
            raise _slug_taken(wanted)
        return wanted
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:MAX_SLUG_CHARS].strip("-")
    base = plain if plain and not _ID.fullmatch(plain) else "organization"
    candidates = (base if number == 1 else f"{base[:56]}-{number}" for number in range(1, 10_000))
    return next(
        slug for slug in candidates if organization_store.find_organization(conn, slug) is None
    )


def _get(conn: Connection, organization: Organization) -> Organization:
    found = organization_store.lock_organization(conn, organization.id)
    if found is None:
        raise organization_not_found(organization.slug)
    return found


def _check_own_factor(conn: Connection, actor: Actor) -> None:
    if find_factor(conn, actor.user_id) is None:
        raise Conflict(
            "mfa_not_enabled", "Enable a second factor for your own account first, then require it."
        )


def _plain(ref: str) -> bool:
    return ref.isascii() and ref.isprintable()


def _slug_taken(slug: str) -> Conflict:
    return Conflict("slug_taken", f"The slug {slug!r} is taken; choose another.")

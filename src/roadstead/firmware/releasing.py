"""Releases: which version the groups of a product, and all its devices, should run.

One release of a product at a time; each is written down, and what is in force is the last one's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from roadstead.events.ingest import EventIngest
from roadstead.firmware import release_store, store, telling
from roadstead.firmware.content import assets_not_offered
from roadstead.firmware.library import VersionView, get_version, view_versions
from roadstead.firmware.model import FirmwareVersion, InForce, Release
from roadstead.firmware.plan_rules import allow_release
from roadstead.firmware.ports import Deliveries, Rollouts
from roadstead.firmware.proving import find_proof
from roadstead.firmware.release_rules import ReleaseWish, check_wish, find_changes
from roadstead.identity.model import Actor
from roadstead.identity.recording import record_change
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Conflict, Forbidden
from roadstead.kit.ids import new_object_id
from roadstead.organizations.limits import PlanLimits
from roadstead.products.group_store import list_groups
from roadstead.products.model import Product
from roadstead.storage.database import Database


@dataclass(frozen=True, slots=True)
class Released:
    """The answer to a release.

    Attributes:
        release: what was written down.
        view: the version, with what is released of it now.
        default: the product's default now.
        groups: versions by the name of the group, of all groups with a release now.
    """

    release: Release
    view: VersionView
    default: int | None
    groups: dict[str, int]


class FirmwareReleases:
    """Releases of products.

    Whether the actor may release is the caller's to check.

    Args:
        database: where they are kept.
        clock: for times.
        ingest: takes the events of the product's stream.
        announce: called after a change was committed that other processes must hear of.
        limits: what plans allow.
        deliveries: brings a release that is wanted at once.
        rollouts: watches it, and may put it in force itself.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ingest: EventIngest,
        announce: Callable[[], None],
        limits: PlanLimits,
        deliveries: Deliveries,
        rollouts: Rollouts,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ingest = ingest
        self._announce = announce
        self._limits = limits
        self._deliveries = deliveries
        self._rollouts = rollouts

    async def release(
        self, actor: Actor, product: Product, wish: ReleaseWish, *, may_override: bool
    ) -> Released:
        """Releases a version, or withdraws it.

        Args:
            actor: who releases.
            product: whose version it is.
            wish: what is asked for.
            may_override: whether the actor may release without proof, with a reason.

        Raises:
            Invalid: see ``check_wish``; ``unknown_group``.
            NotFound: ``firmware_not_found``.
            Conflict: ``version_not_proven``.
            Forbidden: ``plan_limit``; ``override_not_allowed``.
            NotOffered: ``assets_not_offered``.
        """
        check_wish(wish)
        if wish.override_reason is not None and not may_override:
            raise Forbidden(
                "override_not_allowed",
                "Only who may change the product's settings may release without proof.",
            )
        at = self._clock.now()
        release = await self._database.write(
            lambda conn: self._release(conn, actor, product, wish, at), durable=True
        )
        self._announce()
        facts: dict[str, object] = {"immediate": wish.intelligent, "version": wish.version}
        telling.publish(self._ingest, product.id, "particle/firmware/release", facts)
        if wish.intelligent:
            self._deliveries.wake()
        self._rollouts.wake()
        return await self._database.read(lambda conn: _read_back(conn, product.id, release))

    async def list_releases(self, product: Product, *, limit: int) -> list[Release]:
        """The newest releases of the product, newest first."""
        return await self._database.read(
            lambda conn: release_store.list_releases(conn, product.id, limit=limit)
        )

    def _release(
        self, conn: Connection, actor: Actor, product: Product, wish: ReleaseWish, at: datetime
    ) -> Release:
        release_store.lock_releases(conn, product.id)
        version = get_version(conn, product.id, wish.version)
        override = self._check(conn, product, version, wish)
        group_ids = {group.name: group.id for group in list_groups(conn, product.id)}
        in_force = release_store.find_in_force(conn, product.id)
        changes = find_changes(wish, in_force, group_ids)
        release = Release(
            id=new_object_id(),
            product_id=product.id,
            version=wish.version,
            groups=None if wish.groups is None else tuple(sorted(set(wish.groups))),
            product_default=wish.product_default,
            intelligent=wish.intelligent,
            released_by=actor.user_id or None,
            released_at=at,
            override_reason=override,
        )
        if wish.releases:
            store.mark_released(conn, product.id, wish.version, at)
        names = {key: name for name, key in group_ids.items()}
        self._rollouts.supersede(conn, product.id, changes, at)
        in_steps = False
        if wish.releases:
            was = {**in_force.groups, release_store.DEFAULT: in_force.default}
            about = (actor, product.id, wish.version, changes, was, names, at)
            in_steps = self._rollouts.begin(conn, *about, immediate=wish.intelligent)
        release_store.insert_release(conn, release)
        if not in_steps:
            release_store.put_targets(conn, product.id, release.id, changes)
        if wish.intelligent and not in_steps:
            self._deliveries.push(conn, product.id, actor.user_id or None, at)
        _record(conn, actor, release, in_force, changes, names, at, wish.security_fix)
        telling.announce(conn, product.id)
        return release

    def _check(
        self, conn: Connection, product: Product, version: FirmwareVersion, wish: ReleaseWish
    ) -> str | None:
        """The reason to be written down for a release without proof; None where there is proof."""
        if not wish.releases:
            return None
        if version.assets:
            raise assets_not_offered(f"Version {version.version}")
        allow_release(
            conn,
            self._limits,
            product,
            intelligent=wish.intelligent,
            security_fix=wish.security_fix,
        )
        proof = find_proof(conn, version)
        if proof is not None and version.proven_at is None:
            store.mark_proven(conn, product.id, version.version, proof.device_id, proof.at)
        if proof is not None or not product.settings.release_requires_proof:
            return None
        if wish.override_reason is not None:
            return wish.override_reason.strip()
        raise Conflict(
            "version_not_proven",
            f"Version {version.version} has not run yet on a device of this product that came back "
            "with it. Lock one device to it and flash it, or run it on a development device; or "
            "release it all the same with an override_reason, which is written down.",
            {"version": version.version},
        )


def _record(
    conn: Connection,
    actor: Actor,
    release: Release,
    in_force: InForce,
    changes: dict[str, int | None],
    names: dict[str, str],
    at: datetime,
    security_fix: bool,
) -> None:
    def word(key: str) -> str:
        return f"group {names.get(key, key)}" if key else "default"

    was = {**in_force.groups, "": in_force.default}
    before: dict[str, object] = {word(key): was.get(key) for key in changes}
    after: dict[str, object] = {word(key): number for key, number in changes.items()}
    after["intelligent"] = release.intelligent
    if release.override_reason is not None:
        after["override_reason"] = release.override_reason
    if security_fix:
        after["security_fix"] = True
    target = f"product/{release.product_id}/firmware/{release.version}"
    record_change(conn, actor, "firmware.release", target, before, after, at=at)


def _read_back(conn: Connection, product_id: int, release: Release) -> Released:
    """What is in force after the commit, which another release may have changed again."""
    in_force = release_store.find_in_force(conn, product_id)
    names = {group.id: group.name for group in list_groups(conn, product_id)}
    view = view_versions(conn, product_id, [get_version(conn, product_id, release.version)])[0]
    groups = {names[key]: number for key, number in sorted(in_force.groups.items()) if key in names}
    return Released(release, view, in_force.default, groups)

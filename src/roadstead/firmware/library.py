"""The firmware versions of a product: uploaded, listed, described, given back, deleted."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from roadstead.events.ingest import EventIngest
from roadstead.firmware import count_store, release_store, store, telling
from roadstead.firmware.content import (
    Content,
    parse_description,
    parse_title,
    read_for_product,
    sha256_hex,
)
from roadstead.firmware.files import FirmwareFiles
from roadstead.firmware.model import Asset, FirmwareVersion, InForce
from roadstead.identity.model import Actor
from roadstead.identity.recording import record_change
from roadstead.identity.store import find_usernames
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Conflict, DomainError, NotFound
from roadstead.kit.ids import new_object_id
from roadstead.products.group_store import list_groups
from roadstead.products.model import Product
from roadstead.storage.database import Database

log = logging.getLogger(__name__)

VERSIONS_MAX: Final = 5000
"""Versions of one product: three a day for four years. A list of them is one answer."""

PARSED_AT_ONCE: Final = 2
"""Files that are parsed at the same time: each is in memory whole, up to 32 MiB."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody says of a version that they upload."""

    version: int
    title: str = ""
    description: str = ""
    mandatory: bool = False
    file_name: str = "firmware.bin"


@dataclass(frozen=True, slots=True)
class VersionView:
    """A version as people see it.

    Attributes:
        groups: names of the groups that it is released to now.
        product_default: whether it is the product's default now.
        intelligent: whether a release of it was to be delivered at once.
        device_count: members of the product that report it.
        uploaded_by: e-mail address of who uploaded it; None once the account is gone.
    """

    version: FirmwareVersion
    groups: list[str]
    product_default: bool
    intelligent: bool
    device_count: int
    uploaded_by: str | None


class FirmwareLibrary:
    """The versions of products.

    Whether the actor may do what they ask with the product is the caller's to check.

    Args:
        database: where versions are kept.
        clock: for times.
        files: where their files are kept.
        ingest: takes the events of the product's stream.
        announce: called after a change was committed that other processes must hear of.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        files: FirmwareFiles,
        ingest: EventIngest,
        announce: Callable[[], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._files = files
        self._ingest = ingest
        self._announce = announce
        self._parsing = asyncio.Semaphore(PARSED_AT_ONCE)

    async def upload(
        self, actor: Actor, product: Product, draft: Draft, read: Callable[[], bytes]
    ) -> VersionView:
        """Adds a version.

        Args:
            actor: who uploads.
            product: whose version it is to be.
            draft: what they say of it.
            read: gives the file; called once, in a thread.

        Raises:
            ImageRefused: the file is no such version, with the reason as its code.
            Invalid: ``bad_title``, ``bad_description``.
            Conflict: ``version_exists``; ``too_many_versions``.
            Unavailable: the file cannot be stored; nothing was kept.
        """
        draft = replace(
            draft,
            title=parse_title(draft.title),
            description=parse_description(draft.description),
        )
        await self._database.read(lambda conn: _refuse_taken(conn, product.id, draft.version))
        at = self._clock.now()
        async with self._parsing:
            content = await asyncio.to_thread(_read, read, product, draft.version)
            version = await asyncio.to_thread(_describe, content, product, draft, actor, at)
            await self._keep_files(version, content)
        try:
            await self._database.write(lambda conn: _insert(conn, actor, version, at), durable=True)
        except (IntegrityError, DomainError) as error:
            await self._drop_files(store.keys_of(version))
            if isinstance(error, DomainError):
                raise
            raise _exists(version.version) from error
        self._announce()
        facts: dict[str, object] = {"version": str(version.version)}
        telling.publish(self._ingest, product.id, "particle/firmware/create", facts)
        return await self.get(product, version.version)

    async def list_versions(self, product: Product) -> list[VersionView]:
        """All versions of the product, the highest number first."""

        def work(conn: Connection) -> list[VersionView]:
            return view_versions(conn, product.id, store.list_versions(conn, product.id))

        return await self._database.read(work)

    async def get(self, product: Product, version: int) -> VersionView:
        """One version.

        Raises:
            NotFound: ``firmware_not_found``.
        """

        def work(conn: Connection) -> VersionView:
            return view_versions(conn, product.id, [get_version(conn, product.id, version)])[0]

        return await self._database.read(work)

    async def describe(
        self, actor: Actor, product: Product, version: int, changes: dict[str, Any]
    ) -> VersionView:
        """Writes a new title, description or ``mandatory``.

        Raises:
            NotFound: ``firmware_not_found``.
            Invalid: ``bad_title``, ``bad_description``.
        """
        values = dict(changes)
        if "title" in values:
            values["title"] = parse_title(values["title"])
        if "description" in values:
            values["description"] = parse_description(values["description"])
        at = self._clock.now()

        def work(conn: Connection) -> None:
            before = get_version(conn, product.id, version)
            store.describe_version(conn, product.id, version, values, at)
            was = {name: getattr(before, name) for name in values}
            _record(conn, actor, "firmware.update", before, was, values, at)
            telling.announce(conn, product.id)

        await self._database.write(work)
        self._announce()
        return await self.get(product, version)

    async def read_file(self, product: Product, version: int) -> tuple[FirmwareVersion, bytes]:
        """A version and the file as it was uploaded.

        Raises:
            NotFound: ``firmware_not_found``.
            Unavailable: the file cannot be read.
        """
        found = await self._database.read(lambda conn: get_version(conn, product.id, version))
        return found, await self._files.read(found.blob_key, found.sha256)

    async def delete(self, actor: Actor, product: Product, version: int) -> None:
        """Removes a version that was never released, and its files.

        Raises:
            NotFound: ``firmware_not_found``.
            Conflict: ``firmware_released``; ``firmware_locked``: devices are locked to it.
        """
        at = self._clock.now()

        def work(conn: Connection) -> FirmwareVersion:
            found = get_version(conn, product.id, version)
            if found.released_at is not None:
                raise _released(version)
            locked = store.count_wanting(conn, product.id, version)
            if locked:
                raise _locked(version, locked)
            if not store.delete_unreleased(conn, product.id, version):
                raise _released(version)
            _record(conn, actor, "firmware.delete", found, {"title": found.title}, None, at)
            telling.announce(conn, product.id)
            return found

        gone = await self._database.write(work, durable=True)
        self._announce()
        await self._drop_files(store.keys_of(gone))

    async def _keep_files(self, version: FirmwareVersion, content: Content) -> None:
        files = {version.blob_key: content.file, version.application_key: content.application}
        files |= {one.blob_key: content.assets[one.name] for one in version.assets}
        kept: list[str] = []
        try:
            for key, file in files.items():
                await self._files.blobs.put(key, file)
                kept.append(key)
        except BaseException:
            await self._drop_files(kept)
            raise

    async def _drop_files(self, keys: list[str]) -> None:
        try:
            await self._files.drop(keys)
        except DomainError as error:
            # No row names them any more; they cost room and nothing else.
            log.warning("files that are not needed stay: %s: %s", ", ".join(keys), error.message)


def get_version(conn: Connection, product_id: int, version: int) -> FirmwareVersion:
    """The product's version with this number.

    Raises:
        NotFound: ``firmware_not_found``.
    """
    found = store.find_version(conn, product_id, version)
    if found is None:
        raise NotFound("firmware_not_found", f"This product has no firmware version {version}.")
    return found


def view_versions(
    conn: Connection, product_id: int, versions: list[FirmwareVersion]
) -> list[VersionView]:
    """Versions of one product with what is released of them now."""
    in_force: InForce = release_store.find_in_force(conn, product_id)
    names = {group.id: group.name for group in list_groups(conn, product_id)}
    counts = count_store.find_counts(conn, product_id)
    at_once = release_store.find_intelligent(conn, product_id)
    people = find_usernames(conn, {one.uploaded_by for one in versions if one.uploaded_by})
    return [
        VersionView(
            version=one,
            groups=sorted(
                names[key]
                for key, number in in_force.groups.items()
                if number == one.version and key in names
            ),
            product_default=in_force.default == one.version,
            intelligent=one.version in at_once,
            device_count=counts.get(one.version, 0),
            uploaded_by=people.get(one.uploaded_by or ""),
        )
        for one in versions
    ]


def _read(read: Callable[[], bytes], product: Product, version: int) -> Content:
    return read_for_product(
        read(), platform_id=product.platform_id, product_id=product.id, version=version
    )


def _describe(
    content: Content, product: Product, draft: Draft, actor: Actor, at: datetime
) -> FirmwareVersion:
    version_id = new_object_id()
    folder = f"firmware/{version_id}"
    file_key = f"{folder}/file"
    image = content.image
    assets = tuple(
        Asset(
            name=name,
            size_bytes=len(asset),
            sha256=sha256_hex(asset),
            blob_key=f"{folder}/asset-{number}",
        )
        for number, (name, asset) in enumerate(sorted(content.assets.items()))
    )
    digest = sha256_hex(content.file)
    return FirmwareVersion(
        id=version_id,
        product_id=product.id,
        version=draft.version,
        title=draft.title,
        description=draft.description,
        mandatory=draft.mandatory,
        file_name=draft.file_name or "firmware.bin",
        size_bytes=len(content.file),
        sha256=digest,
        blob_key=file_key,
        application_bytes=len(content.application),
        application_sha256=sha256_hex(content.application) if content.is_bundle else digest,
        application_key=f"{folder}/application" if content.is_bundle else file_key,
        module_sha256=image.sha256.hex(),
        crc32=image.crc32,
        platform_id=image.platform_id,
        dependencies=image.dependencies,
        assets=assets,
        uploaded_at=at,
        uploaded_by=actor.user_id or None,
        updated_at=at,
    )


def _insert(conn: Connection, actor: Actor, version: FirmwareVersion, at: datetime) -> None:
    _refuse_taken(conn, version.product_id, version.version)
    store.insert_version(conn, version)
    after: telling.Facts = {
        "title": version.title,
        "size_bytes": version.size_bytes,
        "sha256": version.sha256,
    }
    _record(conn, actor, "firmware.create", version, None, after, at)
    telling.announce(conn, version.product_id)


def _record(
    conn: Connection,
    actor: Actor,
    action: str,
    version: FirmwareVersion,
    before: telling.Facts,
    after: telling.Facts,
    at: datetime,
) -> None:
    target = f"product/{version.product_id}/firmware/{version.version}"
    record_change(conn, actor, action, target, before, after, at=at)


def _refuse_taken(conn: Connection, product_id: int, version: int) -> None:
    if store.find_version(conn, product_id, version) is not None:
        raise _exists(version)
    if store.count_versions(conn, product_id) >= VERSIONS_MAX:
        raise Conflict(
            "too_many_versions", f"A product has at most {VERSIONS_MAX} versions; delete some."
        )


def _exists(version: int) -> Conflict:
    return Conflict(
        "version_exists",
        f"Version {version} is there already; compile the next with a higher PRODUCT_VERSION.",
    )


def _released(version: int) -> Conflict:
    return Conflict(
        "firmware_released", f"Version {version} was released once, so it cannot be deleted."
    )


def _locked(version: int, devices: int) -> Conflict:
    return Conflict(
        "firmware_locked",
        f"Version {version} is what {devices} devices are locked or assigned to; free them first.",
    )

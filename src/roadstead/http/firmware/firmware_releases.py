"""Releases of firmware: release, withdraw, look ahead, look back; the target of one device.

Source: particle cloud notes §2.13 (impact), §2.14, §3.1; clients notes §4.
"""

from typing import Any

import msgspec

from roadstead.firmware.content import parse_version
from roadstead.firmware.model import Release
from roadstead.firmware.release_rules import ReleaseWish
from roadstead.http.firmware.firmware import Uploader, document_of
from roadstead.http.operation import Call, Operation, QueryParameter
from roadstead.identity.permissions import Permission
from roadstead.kit.clock import iso_ms
from roadstead.kit.errors import Invalid, NotFound
from roadstead.kit.ids import parse_device_id

_TAG = "Firmware"

RELEASES_SHOWN = 200
"""Releases in one answer, the newest."""


class ReleaseBody(msgspec.Struct, kw_only=True):
    """A version and who shall have it.

    ``groups`` names all groups that shall have it: left out, groups stay as they are; empty
    withdraws it. ``product_default`` likewise. ``intelligent`` delivers at once to whoever is
    online and agrees. ``override_reason`` releases a version that never ran, and is written down.
    ``security_fix`` marks what no plan may hold back, and is written down too.
    """

    version: str | int
    groups: list[str] | msgspec.UnsetType = msgspec.UNSET
    product_default: bool | msgspec.UnsetType = msgspec.UNSET
    intelligent: bool = False
    override_reason: str | None = None
    security_fix: bool = False


class InForceDocument(msgspec.Struct):
    """What is released in the product now: the default, and versions by group."""

    product_default: int | None
    groups: dict[str, int]


class ReleaseAnswer(msgspec.Struct, kw_only=True):
    """The version as it is released now, and what is in force in the product."""

    release_id: str
    version: int
    title: str
    size: int
    product_id: int
    product_default: bool
    groups: list[str]
    intelligent: bool
    uploaded_on: str
    uploaded_by: Uploader
    updated_at: str
    in_force: InForceDocument


class ReleaseDocument(msgspec.Struct, kw_only=True):
    """A release as it was asked for."""

    id: str
    version: int
    groups: list[str] | None
    product_default: bool | None
    intelligent: bool
    released_by: str | None
    released_at: str
    override_reason: str | None


class ReleasesAnswer(msgspec.Struct):
    """Releases, the newest first."""

    releases: list[ReleaseDocument]


class VersionTotal(msgspec.Struct):
    """How many devices that run a version now; 0 for none."""

    version: int
    total: int


class UpdateImpact(msgspec.Struct):
    """How many devices would be updated."""

    total: int
    by_version: list[VersionTotal]


class DevicesImpact(msgspec.Struct):
    """What happens to devices."""

    firmware_update: UpdateImpact


class ImpactAnswer(msgspec.Struct):
    """What a release would do."""

    devices: DevicesImpact


async def release(call: Call) -> ReleaseAnswer:
    """Releases a version, or withdraws it."""
    body: ReleaseBody = call.body
    wish = ReleaseWish(
        version=parse_version(body.version),
        groups=None if body.groups is msgspec.UNSET else body.groups,
        product_default=None if body.product_default is msgspec.UNSET else body.product_default,
        intelligent=body.intelligent,
        override_reason=body.override_reason,
        security_fix=body.security_fix,
    )
    may_override = Permission.PRODUCTS_UPDATE in call.rights
    done = await call.parts.firmware.releases.release(
        call.actor, call.product, wish, may_override=may_override
    )
    document = document_of(done.view)
    return ReleaseAnswer(
        release_id=done.release.id,
        version=document.version,
        title=document.title,
        size=document.size,
        product_id=document.product_id,
        product_default=document.product_default,
        groups=document.groups,
        intelligent=body.intelligent,
        uploaded_on=document.uploaded_on,
        uploaded_by=document.uploaded_by,
        updated_at=iso_ms(done.release.released_at),
        in_force=InForceDocument(done.default, done.groups),
    )


async def list_releases(call: Call) -> ReleasesAnswer:
    """What was released when, by whom."""
    found = await call.parts.firmware.releases.list_releases(call.product, limit=RELEASES_SHOWN)
    return ReleasesAnswer([_release_document(one) for one in found])


async def get_impact(call: Call) -> ImpactAnswer:
    """How many devices a release would update, by what they run now."""
    query = call.query
    if query.get("action", IMPACT_ACTION) != IMPACT_ACTION:
        raise Invalid("unknown_action", f"action must be {IMPACT_ACTION}.")
    groups = query.get("groups")
    wish = ReleaseWish(
        version=parse_version(query.get("firmware_version", query.get("version", ""))),
        groups=None if groups is None else [name for name in groups.split(",") if name],
        product_default=_switch(query.get("product_default")),
    )
    impact = await call.parts.firmware.impact.of_release(call.product, wish)
    totals = [VersionTotal(version, total) for version, total in impact.by_version.items()]
    return ImpactAnswer(DevicesImpact(UpdateImpact(impact.total, totals)))


async def get_target(call: Call) -> dict[str, Any]:
    """Why a device runs what it runs, and why not yet what it should."""
    return await call.parts.firmware.explaining.explain(call.product, device_in(call))


def device_in(call: Call) -> str:
    """The id of the device that the path names.

    Raises:
        NotFound: ``not_in_product``.
    """
    device_id = parse_device_id(call.path["device"])
    if device_id is None:
        raise NotFound("not_in_product", "Device not found for this product")
    return device_id


IMPACT_ACTION = "edit_groups_for_firmware"
"""The one kind of look ahead that the field knows."""

_SWITCHES = {"true": True, "1": True, "false": False, "0": False}


def _switch(text: str | None) -> bool | None:
    if text is None or text.lower() in _SWITCHES:
        return None if text is None else _SWITCHES[text.lower()]
    raise Invalid("invalid_request", "product_default is true or false.")


def _release_document(one: Release) -> ReleaseDocument:
    return ReleaseDocument(
        id=one.id,
        version=one.version,
        groups=None if one.groups is None else list(one.groups),
        product_default=one.product_default,
        intelligent=one.intelligent,
        released_by=one.released_by,
        released_at=iso_ms(one.released_at),
        override_reason=one.override_reason,
    )


OPERATIONS = (
    Operation(
        name="release_firmware",
        method="PUT",
        path="/v1/products/{product}/firmware/release",
        tag=_TAG,
        summary="Release a firmware version to groups or to all, or withdraw it",
        handler=release,
        permission=Permission.FIRMWARE_RELEASE,
        body=ReleaseBody,
        answer=ReleaseAnswer,
        errors=(409,),
    ),
    Operation(
        name="list_firmware_releases",
        method="GET",
        path="/v1/products/{product}/firmware_releases",
        tag=_TAG,
        summary="List the releases of a product, the newest first",
        handler=list_releases,
        permission=Permission.FIRMWARE_LIST,
        answer=ReleasesAnswer,
    ),
    Operation(
        name="get_firmware_impact",
        method="GET",
        path="/v1/products/{product}/impact",
        tag=_TAG,
        summary="Say how many devices a release would update",
        handler=get_impact,
        permission=Permission.GROUPS_IMPACT_GET,
        answer=ImpactAnswer,
        query=(
            QueryParameter("action", f"`{IMPACT_ACTION}`."),
            QueryParameter("firmware_version", "The version to be released."),
            QueryParameter("groups", "Names of groups, joined by commas; as in a release."),
            QueryParameter("product_default", "true or false; as in a release."),
        ),
    ),
    Operation(
        name="get_firmware_target",
        method="GET",
        path="/v1/products/{product}/firmware_targets/{device}",
        tag=_TAG,
        summary="Explain which version a device should run, and why not yet",
        handler=get_target,
        permission=Permission.DEVICES_GET,
        answer=dict[str, object],
    ),
)

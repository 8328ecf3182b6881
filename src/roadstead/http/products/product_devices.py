"""Devices of a product: list, get, what may be changed of them, take them out.

Source: particle cloud notes §1.4, §2.5; clients notes §4, §6.
"""

from typing import Literal

import msgspec
from starlette.responses import Response

from roadstead.devices.membership import product_of_events
from roadstead.http.accounts.access_tokens import Ok
from roadstead.http.devices.devices import DeviceAnswer, SignalAnswer, SignalBody
from roadstead.http.devices.devices import answer as device_answer
from roadstead.http.operation import Call, Operation
from roadstead.http.products.product_device_query import FILTERS, query_of
from roadstead.identity.permissions import Permission
from roadstead.kit.clock import iso_ms
from roadstead.kit.errors import Forbidden, Invalid
from roadstead.products.devices import DeviceChange, ProductDeviceView

_TAG = "Devices of a product"


class Protection(msgspec.Struct):
    """Whether the device is locked against other firmware; never known here."""

    status: str = "unknown"


class ProductDeviceAnswer(DeviceAnswer, kw_only=True):
    """A device in its product.

    ``targeted_firmware_release_version`` is what is released to it by its groups or to all,
    ``desired_firmware_version`` what it is locked to. ``first_connected_at`` is when its service
    began. With ``wrong_product_id`` its firmware names another product, so it acts for neither.
    ``user_id`` belongs to ``owner``; ``last_iccid`` is the field's older name of ``iccid``.
    """

    groups: list[str]
    development: bool
    denied: bool
    desired_firmware_version: int | None
    targeted_firmware_release_version: int | None
    wrong_product_id: bool
    imported_at: str | None
    first_connected_at: str | None
    device_protection: Protection
    user_id: str | None
    last_iccid: str | None
    mobile_secret: str | None = None
    current_build_target: str | None = None
    default_build_target: str | None = None
    pinned_build_target: str | None = None


class CustomerDocument(msgspec.Struct):
    """Somebody who owns a device of the page."""

    id: str
    username: str


class PageFacts(msgspec.Struct):
    """How many pages and devices there are."""

    total_pages: int
    total_devices: int


class ProductDevicesAnswer(msgspec.Struct):
    """A page of a product's devices, and who owns them."""

    devices: list[ProductDeviceAnswer]
    customers: list[CustomerDocument]
    meta: PageFacts


class DeviceChangeBody(msgspec.Struct, kw_only=True):
    """What to change of a device; what is not given stays.

    ``groups`` are all groups that it is in from now on; those that are missing are made. A
    ``development`` device is left alone by releases. Notes of null remove them.
    """

    name: str | msgspec.UnsetType = msgspec.UNSET
    notes: str | msgspec.UnsetType | None = msgspec.UNSET
    development: bool | msgspec.UnsetType = msgspec.UNSET
    groups: list[str] | str | msgspec.UnsetType = msgspec.UNSET
    signal: bool | msgspec.UnsetType = msgspec.UNSET


class DeviceChangeAnswer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What was changed, as it is now."""

    id: str
    updated_at: str
    name: str | msgspec.UnsetType = msgspec.UNSET
    notes: str | msgspec.UnsetType | None = msgspec.UNSET
    development: bool | msgspec.UnsetType = msgspec.UNSET
    groups: list[str] | msgspec.UnsetType = msgspec.UNSET
    connected: bool | msgspec.UnsetType = msgspec.UNSET
    signaling: bool | msgspec.UnsetType = msgspec.UNSET


class BatchFacts(msgspec.Struct, frozen=True):
    """For ``groups``: names to add and to remove; for ``development``: whether they are that."""

    add: list[str] = []
    remove: list[str] = []
    development: bool | None = None


class BatchBody(msgspec.Struct):
    """The same change of many devices, all or none; ``action`` is ``groups`` or ``development``."""

    action: Literal["groups", "development"]
    devices: list[str]
    metadata: BatchFacts = BatchFacts()


class BatchAnswer(msgspec.Struct):
    """How many devices were changed."""

    updated: int
    ok: bool = True


class RemoveBody(msgspec.Struct):
    """``deny`` keeps the device out, so that it does not come to wait for approval again."""

    deny: bool = False


async def list_devices(call: Call) -> ProductDevicesAnswer:
    """A page of the product's devices."""
    page = await call.parts.product.devices.list_devices(call.actor, call.product, query_of(call))
    customers = {
        one.view.device.owner_id: one.view.owner_name
        for one in page.items
        if one.view.device.owner_id
    }
    return ProductDevicesAnswer(
        [document_of(call, one) for one in page.items],
        [
            CustomerDocument(owner_id, (name or "").rpartition(":")[2])
            for owner_id, name in customers.items()
            if owner_id
        ],
        PageFacts(page.total_pages, page.total),
    )


async def get_device(call: Call) -> ProductDeviceAnswer:
    """One device of the product, or one that waits for it or was refused."""
    found = await call.parts.product.devices.get_device(
        call.actor, call.product, call.path["device"]
    )
    return document_of(call, found)


async def update(call: Call) -> DeviceChangeAnswer:
    """Changes what is given, and signals if that is asked for too."""
    body: DeviceChangeBody = call.body
    result = DeviceChangeAnswer(id="", updated_at="")
    if body.signal is not msgspec.UNSET:
        # First, because it alone may fail for a device that is away; then nothing is changed.
        await _signal_too(call, body.signal, result)
    await _change_in_product(call, body, result)
    ref, product_id = call.path["device"], call.product.id
    devices = call.parts.devices
    if body.name is not msgspec.UNSET:
        renamed = await devices.rename(call.actor, ref, body.name, product_id=product_id)
        result.id, result.name = renamed.id, renamed.name
        result.updated_at = iso_ms(renamed.updated_at)
    if body.notes is not msgspec.UNSET:
        noted = await devices.set_notes(call.actor, ref, body.notes, product_id=product_id)
        result.id, result.notes = noted.id, noted.notes
        result.updated_at = iso_ms(noted.updated_at)
    return result


async def signal(call: Call) -> SignalAnswer:
    """Starts or ends the signal by which a person finds a device."""
    body: SignalBody = call.body
    outcome = await call.parts.devices.signal(
        call.actor, call.path["device"], body.signal, product_id=call.product.id
    )
    return SignalAnswer(outcome.id, outcome.connected, outcome.signaling)


async def update_many(call: Call) -> BatchAnswer:
    """Changes groups or the development mark of many devices at once."""
    body: BatchBody = call.body
    facts = body.metadata
    if body.action == "development":
        if facts.development is None:
            raise Invalid("invalid_request", "Field 'metadata.development' is missing.")
        facts = BatchFacts(development=facts.development)
    else:
        if not facts.add and not facts.remove:
            raise Invalid("invalid_request", "Give groups to add or to remove in 'metadata'.")
        facts = BatchFacts(facts.add, facts.remove)
    changed = await call.parts.product.devices.update_many(
        call.actor,
        call.product,
        body.devices,
        add=facts.add,
        remove=facts.remove,
        development=facts.development,
    )
    return BatchAnswer(len(changed))


async def remove(call: Call) -> Response:
    """Takes a device out of the product, or refuses one that waits."""
    body: RemoveBody = call.body or RemoveBody()
    await call.parts.product.devices.remove(
        call.actor, call.product, call.path["device"], deny_it=body.deny
    )
    return Response(status_code=204)


async def unclaim(call: Call) -> Ok:
    """Ends the ownership of a device; it stays in the product."""
    await call.parts.product.devices.unclaim(call.actor, call.product, call.path["device"])
    return Ok()


def document_of(call: Call, found: ProductDeviceView) -> ProductDeviceAnswer:
    """A device in its product as the API writes it."""
    entry, device = found.entry, found.view.device
    plain = msgspec.structs.asdict(device_answer(found.view))
    plain |= {
        "product_id": entry.product_id,
        "quarantined": entry.standing == "quarantined",
        "owner": (found.view.owner_name or "").rpartition(":")[2] or None,
    }
    acts_for = product_of_events(entry.product_id, device.firmware_product_id, device.platform_id)
    return ProductDeviceAnswer(
        **plain,
        groups=found.groups,
        development=entry.development,
        denied=entry.standing == "denied",
        desired_firmware_version=entry.desired_firmware_version,
        targeted_firmware_release_version=found.target,
        wrong_product_id=acts_for is None,
        imported_at=iso_ms(entry.imported_at) if entry.imported_at else None,
        first_connected_at=iso_ms(entry.first_connected_at) if entry.first_connected_at else None,
        device_protection=Protection(),
        user_id=device.owner_id,
        last_iccid=device.iccid,
    )


async def _signal_too(call: Call, on: bool, result: DeviceChangeAnswer) -> None:
    if Permission.DEVICES_SIGNAL not in call.rights:
        raise Forbidden("permission_denied", "Permission denied: you may not signal devices.")
    outcome = await call.parts.devices.signal(
        call.actor, call.path["device"], on, product_id=call.product.id
    )
    result.id, result.connected, result.signaling = outcome.id, outcome.connected, outcome.signaling


async def _change_in_product(
    call: Call, body: DeviceChangeBody, result: DeviceChangeAnswer
) -> None:
    groups: list[str] | None = None
    if not isinstance(body.groups, msgspec.UnsetType):
        given = body.groups.split(",") if isinstance(body.groups, str) else body.groups
        groups = [name for name in given if name]
    development = None if isinstance(body.development, msgspec.UnsetType) else body.development
    if groups is None and development is None:
        return
    changed = await call.parts.product.devices.update(
        call.actor,
        call.product,
        call.path["device"],
        DeviceChange(development=development, groups=groups),
    )
    result.id, result.updated_at = changed.id, iso_ms(changed.updated_at)
    if development is not None:
        result.development = changed.development
    if groups is not None:
        result.groups = changed.groups


_ALL = "/v1/products/{product}/devices"
_ONE = "/v1/products/{product}/devices/{device}"

OPERATIONS = (
    Operation(
        name="list_product_devices",
        method="GET",
        path=_ALL,
        tag=_TAG,
        summary="List the devices of a product",
        handler=list_devices,
        permission=Permission.DEVICES_LIST,
        answer=ProductDevicesAnswer,
        query=FILTERS,
    ),
    Operation(
        name="update_product_devices",
        method="PUT",
        path=_ALL,
        tag=_TAG,
        summary="Change many devices at once",
        handler=update_many,
        permission=Permission.DEVICES_UPDATE,
        body=BatchBody,
        answer=BatchAnswer,
    ),
    Operation(
        name="get_product_device",
        method="GET",
        path=_ONE,
        tag=_TAG,
        summary="Get a device of a product",
        handler=get_device,
        permission=Permission.DEVICES_GET,
        answer=ProductDeviceAnswer,
    ),
    Operation(
        name="change_product_device",
        method="PUT",
        path=_ONE,
        tag=_TAG,
        summary="Change a device of a product",
        handler=update,
        permission=Permission.DEVICES_UPDATE,
        body=DeviceChangeBody,
        when=frozenset({"name", "notes", "development", "groups"}),
        answer=DeviceChangeAnswer,
        errors=(409,),
    ),
    Operation(
        name="signal_product_device",
        method="PUT",
        path=_ONE,
        tag=_TAG,
        summary="Make a device of a product signal in all colours",
        handler=signal,
        permission=Permission.DEVICES_SIGNAL,
        body=SignalBody,
        when=frozenset({"signal"}),
        answer=SignalAnswer,
        errors=(408,),
    ),
    Operation(
        name="remove_product_device",
        method="DELETE",
        path=_ONE,
        tag=_TAG,
        summary="Take a device out of a product, or refuse it",
        handler=remove,
        permission=Permission.DEVICES_REMOVE,
        body=RemoveBody,
        status=204,
    ),
    Operation(
        name="unclaim_product_device",
        method="DELETE",
        path=f"{_ONE}/owner",
        tag=_TAG,
        summary="End the ownership of a device of a product",
        handler=unclaim,
        permission=Permission.DEVICES_RELEASE,
        answer=Ok,
        errors=(409,),
    ),
)

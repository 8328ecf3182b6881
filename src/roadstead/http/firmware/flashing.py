"""Flashing, locking and forcing one device, by its owner and by its product's team.

Source: particle cloud notes §2.4, §2.5, §2.7, §3.1.6; clients notes §4, §6.
"""

import msgspec

from roadstead.devices.model import Device
from roadstead.firmware.content import parse_version
from roadstead.http.firmware.firmware import FILES, the_file
from roadstead.http.operation import Call, Operation
from roadstead.identity.permissions import Permission
from roadstead.kit.clock import iso_ms
from roadstead.kit.errors import Invalid

_TAG = "Firmware"


class FlashBody(msgspec.Struct, kw_only=True):
    """One ``.bin`` or ``.zip`` as multipart.

    ``latest`` and ``build_target_version`` choose a compiler and mean nothing for a binary.
    """

    file_type: str = ""
    latest: str = ""
    build_target_version: str = ""
    app: str = ""
    app_id: str = ""


class FlashAnswer(msgspec.Struct):
    """The update has started; how it ends comes as ``spark/flash/status``."""

    id: str
    status: str
    size: int


class LockBody(msgspec.Struct, kw_only=True):
    """A version to lock to, null to unlock; ``flash`` updates at once."""

    desired_firmware_version: int | str | None
    flash: bool = False


class LockAnswer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The lock. After a flash, ``hold`` says as a code why it does not begin at once."""

    id: str
    desired_firmware_version: int | None
    updated_at: str
    hold: str | msgspec.UnsetType | None = msgspec.UNSET


class ForceBody(msgspec.Struct):
    """Whether the device takes updates without its consent."""

    firmware_updates_forced: bool


class ForceAnswer(msgspec.Struct):
    """Whether the device shall take updates without its consent."""

    id: str
    firmware_updates_forced: bool


async def flash(call: Call) -> FlashAnswer:
    """Sends a file to a device that is online."""
    device = await _reach(call)
    body: FlashBody = call.body
    if body.app or body.app_id:
        name = body.app or body.app_id
        raise Invalid(
            "no_known_applications",
            f"This server keeps no applications such as {name[:40]!r}; send the .bin itself "
            "(the official tools bring tinker with them: particle flash --local).",
        )
    file = the_file(call)
    done = await call.parts.firmware.flashing.flash(
        call.actor, device, file.name, file.content.read
    )
    return FlashAnswer(done.device_id, "Update started", done.size_bytes)


async def _reach(call: Call) -> Device:
    """The device that the path names, which the caller may update."""
    return await call.parts.devices.resolve(
        call.actor,
        call.path["device"],
        Permission.DEVICES_UPDATE,
        product_id=None if call.reached is None else call.product.id,
    )


async def lock(call: Call) -> LockAnswer:
    """Locks a device to a version or frees it."""
    body: LockBody = call.body
    told = body.desired_firmware_version
    version = None if told is None or told == "null" else parse_version(told)
    done = await call.parts.firmware.locks.lock(
        call.actor, call.product, call.path["device"], version, flash=body.flash
    )
    return LockAnswer(
        id=done.id,
        desired_firmware_version=done.version,
        updated_at=iso_ms(done.updated_at),
        hold=done.hold if body.flash else msgspec.UNSET,
    )


async def force(call: Call) -> ForceAnswer:
    """Has a device take updates without its consent, or not any more."""
    device = await _reach(call)
    forced = call.body.firmware_updates_forced
    await call.parts.firmware.locks.force(call.actor, device.id, forced)
    return ForceAnswer(device.id, forced)


async def refuse_in_product(call: Call) -> object:
    """Names the route on which a device is what it is in its product."""
    await _reach(call)
    raise Invalid(
        "product_route_needed",
        "development, groups and desired_firmware_version belong to a device in its product: "
        "PUT /v1/products/PRODUCT/devices/DEVICE.",
    )


_FLASH = frozenset({"file", "file_type", "app", "app_id", "latest", "build_target_version"})


def _rows(path: str, suffix: str, tag: str) -> tuple[Operation, ...]:
    return (
        Operation(
            name=f"flash_{suffix}",
            method="PUT",
            path=path,
            tag=tag,
            summary="Flash a file to a device that is online",
            handler=flash,
            permission=Permission.DEVICES_UPDATE,
            body=FlashBody,
            files=FILES,
            when=_FLASH,
            answer=FlashAnswer,
            errors=(408, 409, 501),
        ),
        Operation(
            name=f"force_updates_of_{suffix}",
            method="PUT",
            path=path,
            tag=tag,
            summary="Have a device take updates without its consent, or not any more",
            handler=force,
            permission=Permission.DEVICES_UPDATE,
            body=ForceBody,
            when=frozenset({"firmware_updates_forced"}),
            answer=ForceAnswer,
        ),
    )


OPERATIONS = (
    *_rows("/v1/devices/{device}", "device", "Devices"),
    *_rows("/v1/products/{product}/devices/{device}", "product_device", "Product devices"),
    Operation(
        name="lock_product_device",
        method="PUT",
        path="/v1/products/{product}/devices/{device}",
        tag="Product devices",
        summary="Lock a device of a product to a firmware version, flash it, or unlock it",
        handler=lock,
        permission=Permission.DEVICES_UPDATE,
        body=LockBody,
        when=frozenset({"desired_firmware_version", "flash"}),
        answer=LockAnswer,
        errors=(409, 501),
    ),
    Operation(
        name="update_product_device",
        method="PUT",
        path="/v1/devices/{device}",
        tag="Devices",
        summary="Refused: what a device is in its product",
        handler=refuse_in_product,
        permission=Permission.DEVICES_UPDATE,
        when=frozenset({"development", "desired_firmware_version", "flash", "groups"}),
        offered=False,
    ),
)

"""The caller's devices: list, get, claim, unclaim, and what may be changed of them.

Source: particle cloud notes §1.4, §2.4; clients notes §4, §6.
"""

from datetime import datetime

import msgspec

from roadstead.devices.model import DeviceView
from roadstead.devices.releases import release_name
from roadstead.http.accounts.access_tokens import Ok
from roadstead.http.errors import permission_denied
from roadstead.http.operation import Call, Operation, not_offered
from roadstead.identity.permissions import Permission, allows, role_for_oneself
from roadstead.kit.clock import iso_ms
from roadstead.kit.errors import Conflict

_TAG = "Devices"

CELLULAR_PLATFORMS = frozenset({10, 13, 23, 25, 26, 28, 35, 37})
"""Electron, Boron, B SoM, B5 SoM, Tracker, Tracker M, M SoM, Electron 2.
Source: particle cloud notes §1.4."""


class DeviceAnswer(msgspec.Struct, kw_only=True):
    """A device of the caller, in a list and alone."""

    id: str
    name: str | None
    owner: str | None
    last_ip_address: str | None
    last_heard: str | None
    last_handshake_at: str | None
    product_id: int | None
    platform_id: int | None
    online: bool
    connected: bool
    cellular: bool
    notes: str | None
    functions: list[str]
    variables: dict[str, str]
    status: str
    serial_number: str | None
    imei: str | None
    iccid: str | None
    system_firmware_version: str | None
    firmware_version: int
    firmware_product_id: int | None
    firmware_updates_enabled: bool | None
    firmware_updates_forced: bool | None
    quarantined: bool
    last_app: str | None = None
    """The field's name of the last known application; always null here, as for newer devices."""


class ClaimBody(msgspec.Struct):
    """The id of a device; ``request_transfer`` asks its owner for it, if it is somebody's."""

    id: str
    request_transfer: bool = False


class ClaimAnswer(msgspec.Struct):
    """The device is the caller's now; with ``transfer_id`` its owner was asked for it instead."""

    deviceID: str | msgspec.UnsetType = msgspec.UNSET
    claimed: bool | msgspec.UnsetType = msgspec.UNSET
    transfer_id: str | msgspec.UnsetType = msgspec.UNSET
    ok: bool = True


class AttributesBody(msgspec.Struct):
    """A new name, new notes, or both; notes of null remove them.

    ``signal`` may come along: 1 makes the device signal in all colours, 0 ends it.
    """

    name: str | msgspec.UnsetType = msgspec.UNSET
    notes: str | msgspec.UnsetType | None = msgspec.UNSET
    signal: bool | msgspec.UnsetType = msgspec.UNSET


class AttributesAnswer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What was changed, as it is now."""

    id: str
    updated_at: str
    name: str | msgspec.UnsetType = msgspec.UNSET
    notes: str | msgspec.UnsetType | None = msgspec.UNSET
    connected: bool | msgspec.UnsetType = msgspec.UNSET
    signaling: bool | msgspec.UnsetType = msgspec.UNSET


class SignalBody(msgspec.Struct):
    """1 to make the device signal in all colours, 0 to end it."""

    signal: bool


class SignalAnswer(msgspec.Struct):
    """Whether the device signals."""

    id: str
    connected: bool
    signaling: bool


async def list_devices(call: Call) -> list[DeviceAnswer]:
    """The devices that the caller has claimed."""
    return [answer(view) for view in await call.parts.devices.list_devices(call.actor)]


async def get_device(call: Call) -> DeviceAnswer:
    """One of them, by id or name."""
    return answer(await call.parts.devices.get_device(call.actor, call.path["device"]))


async def claim(call: Call) -> ClaimAnswer:
    """Makes an unowned device the caller's, or asks its owner for it."""
    body: ClaimBody = call.body
    try:
        device_id = await call.parts.devices.claim(call.actor, body.id)
        return ClaimAnswer(deviceID=device_id, claimed=True)
    except Conflict as error:
        if error.code != "device_owned" or not body.request_transfer:
            raise
    return ClaimAnswer(transfer_id=await call.parts.transfers.request(call.actor, body.id))


async def unclaim(call: Call) -> Ok:
    """Gives a device up."""
    await call.parts.devices.unclaim(call.actor, call.path["device"])
    return Ok()


async def update(call: Call) -> AttributesAnswer:
    """Changes name and notes, and signals if that is asked for too."""
    body: AttributesBody = call.body
    ref = call.path["device"]
    result = AttributesAnswer(id="", updated_at="")
    if body.signal is not msgspec.UNSET:
        # First, because it alone may fail for a device that is away; then nothing is changed.
        await _signal_too(call, body.signal, result)
    if body.name is not msgspec.UNSET:
        renamed = await call.parts.devices.rename(call.actor, ref, body.name)
        # The device may have been addressed by the name that it has just lost.
        ref = result.id = renamed.id
        result.name, result.updated_at = renamed.name, iso_ms(renamed.updated_at)
    if body.notes is not msgspec.UNSET:
        noted = await call.parts.devices.set_notes(call.actor, ref, body.notes)
        result.id, result.notes = noted.id, noted.notes
        result.updated_at = iso_ms(noted.updated_at)
    return result


async def _signal_too(call: Call, on: bool, result: AttributesAnswer) -> None:
    if not allows(call.actor, Permission.DEVICES_SIGNAL, role=role_for_oneself(call.actor)):
        raise permission_denied()
    outcome = await call.parts.devices.signal(call.actor, call.path["device"], on)
    result.connected, result.signaling = outcome.connected, outcome.signaling


async def signal(call: Call) -> SignalAnswer:
    """Starts or ends the signal by which a person finds a device."""
    body: SignalBody = call.body
    outcome = await call.parts.devices.signal(call.actor, call.path["device"], body.signal)
    return SignalAnswer(outcome.id, outcome.connected, outcome.signaling)


def answer(view: DeviceView) -> DeviceAnswer:
    """A device as the API writes it."""
    device, presence = view.device, view.presence
    return DeviceAnswer(
        id=device.id,
        name=device.name,
        owner=view.owner_name,
        last_ip_address=presence.last_ip_address,
        last_heard=_time(presence.last_heard_at),
        last_handshake_at=_time(presence.last_handshake_at),
        product_id=view.product_id,
        platform_id=device.platform_id,
        online=presence.online,
        connected=presence.online,
        cellular=device.platform_id in CELLULAR_PLATFORMS,
        notes=device.notes,
        functions=device.functions or [],
        variables=device.variables or {},
        status=view.status,
        serial_number=device.serial_number,
        imei=device.imei,
        iccid=device.iccid,
        system_firmware_version=release_name(device.system_version),
        firmware_version=device.firmware_version,
        firmware_product_id=device.firmware_product_id,
        firmware_updates_enabled=device.updates_enabled,
        firmware_updates_forced=device.updates_forced,
        quarantined=device.quarantined,
    )


def _time(moment: datetime | None) -> str | None:
    return iso_ms(moment) if moment else None


OPERATIONS = (
    Operation(
        name="list_devices",
        method="GET",
        path="/v1/devices",
        tag=_TAG,
        summary="List your devices",
        handler=list_devices,
        permission=Permission.DEVICES_LIST,
        answer=list[DeviceAnswer],
    ),
    Operation(
        name="claim_device",
        method="POST",
        path="/v1/devices",
        tag=_TAG,
        summary="Claim a device that is online",
        handler=claim,
        permission=Permission.DEVICES_CLAIM,
        body=ClaimBody,
        when=frozenset({"id"}),
        answer=ClaimAnswer,
        errors=(403, 404, 408),
    ),
    Operation(
        name="create_virtual_device",
        method="POST",
        path="/v1/devices",
        tag=_TAG,
        summary="Get an id for a virtual device",
        handler=not_offered("An id for a virtual device"),
        permission=Permission.DEVICES_CLAIM,
        when=frozenset({"product_id"}),
        offered=False,
    ),
    Operation(
        name="get_device",
        method="GET",
        path="/v1/devices/{device}",
        tag=_TAG,
        summary="Get a device by id or name",
        handler=get_device,
        permission=Permission.DEVICES_GET,
        answer=DeviceAnswer,
    ),
    Operation(
        name="unclaim_device",
        method="DELETE",
        path="/v1/devices/{device}",
        tag=_TAG,
        summary="Give a device up",
        handler=unclaim,
        permission=Permission.DEVICES_RELEASE,
        answer=Ok,
    ),
    Operation(
        name="update_device",
        method="PUT",
        path="/v1/devices/{device}",
        tag=_TAG,
        summary="Rename a device or change its notes",
        handler=update,
        permission=Permission.DEVICES_UPDATE,
        body=AttributesBody,
        when=frozenset({"name", "notes"}),
        answer=AttributesAnswer,
        errors=(409,),
    ),
    Operation(
        name="signal_device",
        method="PUT",
        path="/v1/devices/{device}",
        tag=_TAG,
        summary="Make a device signal in all colours",
        handler=signal,
        permission=Permission.DEVICES_SIGNAL,
        body=SignalBody,
        when=frozenset({"signal"}),
        answer=SignalAnswer,
        errors=(408,),
    ),
)

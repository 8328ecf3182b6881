"""The caller's devices: list, get, claim, unclaim, and what may be changed of them.

Source: particle cloud notes §1.4, §2.4; clients notes §4, §6.
"""

import msgspec

from roadstead.devices.service import DeviceView
from roadstead.http.access_tokens import Ok
from roadstead.http.operation import Call, Operation, not_offered
from roadstead.identity.permissions import Permission
from roadstead.kit.clock import iso_ms

_TAG = "Devices"


class DeviceItem(msgspec.Struct, kw_only=True):
    """A device in the list of the caller's."""

    id: str
    name: str | None
    owner: str | None
    last_ip_address: str | None
    last_heard: str | None
    last_handshake_at: str | None
    product_id: int
    platform_id: int
    online: bool
    connected: bool
    cellular: bool
    notes: str | None
    functions: list[str]
    variables: dict[str, str]
    status: str
    serial_number: str | None
    system_firmware_version: str | None
    firmware_version: int | None
    firmware_product_id: int | None
    firmware_updates_enabled: bool | None
    firmware_updates_forced: bool | None

"""The values of this room: a device, its key, and how others see them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

KeyAlgorithm = Literal["ecc", "rsa"]
"""``ecc``: P-256, devices of the UDP generation. ``rsa``: devices of the TCP generation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A registered device with everything that is kept of it except its keys and its presence.

    Attributes:
        id: 24 lower-case hex digits.
        owner_id: user id of who claimed it.
        name: given by its owner, unique among the owner's devices in any case.
        notes: free text of its owner.
        product_id: product that it belongs to; None outside products.
        platform_id: hardware platform; None until the device or its registration said it.
        serial_number: printed on the device.
        imei, iccid: as told by a device with a modem.
        firmware_product_id: product id compiled into the running firmware; None for none.
        firmware_version: product version of the running firmware; 0 for none.
        system_version: number of the running Device OS; 0 while unknown.
        hello_flags: capabilities as in the Hello.
        max_message_bytes: largest message that it takes; None where its release does not say.
        max_binary_bytes: largest firmware that it takes; None where its release does not say.
        ota_chunk_bytes: chunk size of the older update protocol; None likewise.
        functions: cloud functions that it registers; None until it said.
        variables: cloud variables, name to type (``int32 double string bool``); None likewise.
        system_description: the modules that it runs, in the JSON form; None likewise.
        safe_mode: it runs without its application.
        updates_enabled: its consent to updates; None until it said.
        updates_forced: whether it takes updates without consent; None likewise.
        quarantined: known, and not trusted yet.
        registered_by: user id of who registered it; None for the operator.
        claimed_at: when its owner claimed it.
        updated_at: last change of what people or the device itself said of it.
    """

    id: str
    owner_id: str | None = None
    name: str | None = None
    notes: str | None = None
    product_id: int | None = None
    platform_id: int | None = None
    serial_number: str | None = None
    imei: str | None = None
    iccid: str | None = None
    firmware_product_id: int | None = None
    firmware_version: int = 0
    system_version: int = 0
    hello_flags: int = 0
    max_message_bytes: int | None = None
    max_binary_bytes: int | None = None
    ota_chunk_bytes: int | None = None
    functions: list[str] | None = None
    variables: dict[str, str] | None = None
    system_description: dict[str, object] | None = None
    safe_mode: bool = False
    updates_enabled: bool | None = None
    updates_forced: bool | None = None
    quarantined: bool = False
    registered_by: str | None = None
    created_at: datetime
    claimed_at: datetime | None = None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """A device's public key.

    Attributes:
        spki: SubjectPublicKeyInfo in DER.
        spki_digest: its SHA-256; one key belongs to one device.
    """

    device_id: str
    algorithm: KeyAlgorithm
    spki: bytes
    spki_digest: bytes


@dataclass(frozen=True, slots=True)
class Registration:
    """What a list of devices says of one.

    Attributes:
        device_id: 24 hex digits in any case.
        public_key_der: SubjectPublicKeyInfo in DER (PEM is taken too).
        platform_id: hardware platform, 0 to 65535.
    """

    device_id: str
    public_key_der: bytes
    platform_id: int
    serial_number: str | None = None


@dataclass(frozen=True, slots=True)
class RegistrationReport:
    """What became of a list of registrations; the three add up to its length.

    Attributes:
        registered: devices that are new or have a new key, platform or serial number.
        unchanged: devices that were registered exactly so.
        refused: (line number, reason) of the others.
    """

    registered: int
    unchanged: int
    refused: list[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class DeviceIdentity:
    """What the gateway needs to know of a device at its first message.

    Attributes:
        spki_digest: SHA-256 of the public key by which it is known; None without a key.
        platform_id: None while unknown.
        owner_id: user id; None while nobody has claimed it.
        quarantined: may connect, and nothing else.
        claimed_at: since when the owner has it.
    """

    device_id: str
    spki_digest: bytes | None
    platform_id: int | None
    owner_id: str | None
    name: str | None
    product_id: int | None
    quarantined: bool
    claimed_at: datetime | None = None

    @property
    def claimed(self) -> bool:
        """True when somebody owns it."""
        return self.owner_id is not None


@dataclass(frozen=True, slots=True)
class SelfDescription:
    """What a device last said that it can do and runs; a resumed session does not repeat it.

    Attributes:
        functions: names; None when never told.
        variables: name to type; None when never told.
        system: its modules in the JSON form; None when never told.
        safe_mode: it ran without its application.
    """

    functions: list[str] | None
    variables: dict[str, str] | None
    system: dict[str, object] | None
    safe_mode: bool
    updates_enabled: bool | None
    updates_forced: bool | None


@dataclass(frozen=True, slots=True)
class Presence:
    """What is known of a device's connection.

    Attributes:
        last_heard_at: when any message of it arrived last.
        last_handshake_at: when it last made a full handshake.
        last_ip_address: where it was last, without the port.
    """

    online: bool = False
    last_heard_at: datetime | None = None
    last_handshake_at: datetime | None = None
    last_ip_address: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceView:
    """A device as its owner sees it now.

    Attributes:
        owner_name: e-mail address of the owner.
    """

    device: Device
    presence: Presence
    owner_name: str | None = None

    @property
    def product_id(self) -> int | None:
        """Its product, or outside products the platform, as the field has it."""
        product_id = self.device.product_id
        return self.device.platform_id if product_id is None else product_id

    @property
    def status(self) -> Literal["normal", "safe_mode"]:
        """Whether it runs its application."""
        return "safe_mode" if self.device.safe_mode else "normal"


@dataclass(frozen=True, slots=True)
class Renamed:
    """Answer to a rename."""

    id: str
    name: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Noted:
    """Answer to new notes."""

    id: str
    notes: str | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """Answer to a function call.

    Attributes:
        name: the device's name.
        return_value: 32-bit signed.
    """

    id: str
    name: str | None
    connected: bool
    return_value: int


@dataclass(frozen=True, slots=True)
class VariableReading:
    """Answer to the reading of a variable.

    Attributes:
        name: the variable's name.
        result: in the type of the variable.
        device_name: the device's name.
    """

    name: str
    result: bool | int | float | str
    device_id: str
    device_name: str | None
    connected: bool
    last_handshake_at: datetime | None


@dataclass(frozen=True, slots=True)
class Signaling:
    """Answer to the start or end of the signal."""

    id: str
    connected: bool
    signaling: bool


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """Somebody asks the owner of a device to hand it over.

    Attributes:
        id: 24 hex digits.
        owner_id: who has to decide.
        requester_id: who would own it.
        token_digest: SHA-256 of the secret in the owner's mail, which may decide too.
    """

    id: str
    device_id: str
    owner_id: str
    requester_id: str
    token_digest: bytes
    created_at: datetime
    expires_at: datetime

"""What a virtual device says of itself, in the form of its generation."""

from dataclasses import dataclass
from hashlib import sha256

from roadstead.protocol.messages.application import Application, encode_application
from roadstead.protocol.messages.describe import FORMAT_PROTOBUF, DescribeFlag
from roadstead.protocol.messages.hello import NO_VERSION, Hello
from roadstead.protocol.messages.module_protobuf import encode_modules
from roadstead.protocol.messages.modules import Document, encode_combined, encode_modules_json
from roadstead.protocol.messages.variable import VariableType
from roadstead.protocol.messages.vitals import encode_vitals
from roadstead.simulator.firmware import Firmware, VariableValue
from roadstead.simulator.generation import Generation
from roadstead.simulator.identity import VirtualIdentity
from roadstead.simulator.module_image import ImageFacts

MAX_BINARY_BYTES = 1024 * 1024
"""Largest firmware that virtual devices announce."""

OTA_CHUNK_BYTES = 512
"""Chunk of the classic transfer that they announce."""

BOOTLOADER_VERSION = 2006
MODULE_CHECKS = 0x1E
"""Integrity, dependency, range and platform. Spec: device protocol notes §3.5.3."""

DEPENDENCY_CHECK = 0x04
"""The bit of a module whose needs are met. Spec: device protocol notes §3.5.3."""

_LETTERS = {2: "b", 4: "s", 5: "u", 7: "n", 8: "a"}
"""Functions of modules in the JSON form."""

_TYPES: dict[type, VariableType] = {
    bool: VariableType.BOOL,
    int: VariableType.INT,
    float: VariableType.DOUBLE,
    str: VariableType.STRING,
}


@dataclass(frozen=True, slots=True)
class Profile:
    """What a device is: who, with which application, on which release."""

    identity: VirtualIdentity
    firmware: Firmware
    generation: Generation

    @property
    def safe_mode(self) -> bool:
        """Whether the application cannot run, because it needs a newer Device OS."""
        image = self.firmware.image
        return image is not None and (
            image.system_version_needed() > self.generation.system_version
        )

    def hello(self) -> Hello:
        """What it says first; without its application a device has no version."""
        generation, platform_id = self.generation, self.identity.platform_id
        product_id = self.firmware.product_id
        return Hello(
            product_id=platform_id if product_id is None else product_id,
            product_version=NO_VERSION if self.safe_mode else self.firmware.product_version,
            flags=generation.hello_flags,
            platform_id=platform_id,
            device_id=self.identity.device_id,
            system_version=generation.system_version,
            max_message_bytes=generation.max_message_bytes,
            max_binary_bytes=MAX_BINARY_BYTES,
            ota_chunk_bytes=OTA_CHUNK_BYTES,
        )

    def application(self) -> Application:
        """Functions and variables; a variable's type is that of its present value."""
        if self.safe_mode:
            return Application((), {})
        variables = {name: api_type(read()) for name, read in self.firmware.variables.items()}
        return Application(tuple(self.firmware.functions), variables)

    def modules(self) -> Document:
        """Bootloader, system part and application, as a healthy device has them."""
        version = self.generation.system_version
        bootloader = _module("b", BOOTLOADER_VERSION, 48 * 1024, [])
        needs_bootloader = {"f": "b", "n": "0", "v": BOOTLOADER_VERSION}
        system = _module("s", version, 664 * 1024, [needs_bootloader], index="1")
        image = self.firmware.image
        needs = [{"f": "s", "n": "1", "v": version}] if image is None else _needs(image)
        user = _module("u", 6, 256 * 1024, needs, index="1")
        own = sha256(type(self.firmware).__name__.encode()).digest()
        user["u"] = (own if image is None else image.digest).hex()
        if self.safe_mode:
            user["vv"] = MODULE_CHECKS & ~DEPENDENCY_CHECK
        return {"p": self.identity.platform_id, "m": [bootloader, system, user]}

    def describe(self, flag: DescribeFlag, now: float) -> tuple[bytes, int | None]:
        """One describe with its content format, where it is told."""
        if flag is DescribeFlag.APPLICATION:
            return encode_application(self.application()), None
        if flag is DescribeFlag.METRICS:
            vitals = self.firmware.vitals(now)
            return encode_vitals((one.vital_id, one.value, one.is_error) for one in vitals), None
        if self.generation.describe_form == "protobuf":
            return encode_modules(self.modules()), FORMAT_PROTOBUF
        return encode_modules_json(self.modules()), None

    def describe_all(self) -> bytes:
        """Functions, variables and modules in one. Spec: device protocol notes §3.5.2."""
        return encode_combined(self.modules(), self.application())


def api_type(value: VariableValue) -> str:
    """The public name of a value's type on the wire."""
    return _TYPES[type(value)].api_name


def _needs(image: ImageFacts) -> list[dict[str, object]]:
    return [
        {"f": _LETTERS.get(function, "s"), "n": str(index), "v": version}
        for function, index, version in image.needs
    ]


def _module(
    function: str, version: int, size: int, needs: list[dict[str, object]], index: str = "0"
) -> dict[str, object]:
    return {
        "s": size,
        "l": "m",
        "vc": MODULE_CHECKS,
        "vv": MODULE_CHECKS,
        "f": function,
        "n": index,
        "v": version,
        "d": needs,
    }

"""What a device takes, by release and hardware. Spec: device protocol notes §1.13, §3.7, §3.10."""

from dataclasses import dataclass
from typing import Final

from roadstead.protocol.messages.hello import Hello

PLATFORM_CORE: Final = 0

NAME_BYTES: Final = 64
"""Longest name of an event, function or variable, 0.8 and later."""
CORE_NAME_BYTES: Final = 12
"""Longest name of a function or variable on a Core."""

CORE_MESSAGE_BYTES: Final = 640
CORE_DATA_BYTES: Final = 64
OLD_MESSAGE_BYTES: Final = 800
"""Largest message of a device that does not announce one, that is 0.6 to 2.x."""

DATA_BYTES: Final = ((1152, 1024), (960, 864), (800, 622))
"""Largest message that a device announces, and the data that it then takes."""

FRAMING_BYTES: Final = 178
"""Taken off an announced message smaller than all of DATA_BYTES: 800 leaves 622."""

ACKNOWLEDGEMENT_BYTES: Final = 4
"""A device copies a confirmable message with room for its acknowledgement behind it; a longer one
makes it drop the connection. Device protocol notes §1.13."""

TCP_FRAMING_BYTES: Final = 33
"""Room that a frame of the TCP generation takes; a longer one makes the device close."""


@dataclass(frozen=True, slots=True)
class DeviceLimits:
    """Sizes in bytes.

    Attributes:
        message: largest message that is not confirmable.
        confirmable: largest confirmable message.
        data: longest argument of a function, value of a variable and payload of an event.
        name: longest name of a function or variable.
    """

    message: int
    confirmable: int
    data: int
    name: int


def limits_for(hello: Hello, *, tcp: bool = False) -> DeviceLimits:
    """The limits of a device, from its Hello.

    Before 3.0 a Hello does not tell the release. Devices of 0.7 and older take arguments of 64
    bytes and names of 12 only, and are treated as those of 0.8 to 2.x are: they refuse by
    themselves.
    """
    announced = hello.max_message_bytes
    core = hello.platform_id == PLATFORM_CORE
    message = announced or (CORE_MESSAGE_BYTES if core else OLD_MESSAGE_BYTES)
    return DeviceLimits(
        message=message - TCP_FRAMING_BYTES if tcp else message,
        confirmable=message - (TCP_FRAMING_BYTES if tcp else ACKNOWLEDGEMENT_BYTES),
        data=CORE_DATA_BYTES if core else _data_bytes(message),
        name=CORE_NAME_BYTES if core else NAME_BYTES,
    )


def _data_bytes(message_bytes: int) -> int:
    for least, data in DATA_BYTES:
        if message_bytes >= least:
            return data
    return max(0, message_bytes - FRAMING_BYTES)

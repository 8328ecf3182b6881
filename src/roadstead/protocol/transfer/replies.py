"""What the device sides of both transfers want done, and what they tell.

Spec: device protocol notes §4.1, §4.2, §4.5.
"""

from typing import Final

import msgspec

from roadstead.protocol.coap.message import Draft, Message

ERROR_NOT_RUNNING: Final = -210
ERROR_BAD_REQUEST: Final = -240
ERROR_DIGEST: Final = -1331
ERROR_SIZE: Final = -1351
ERROR_DISABLED: Final = -1380
"""Updates are neither enabled nor forced."""

SILENCE_S: Final = 300.0
"""A device gives up when no chunk came for this long."""


class Acknowledge(msgspec.Struct, frozen=True, gc=False):
    """Acknowledge this request without answering it yet."""

    message: Message


class Respond(msgspec.Struct, frozen=True, gc=False):
    """Answer this request.

    Attributes:
        message: the request.
        draft: the answer.
        separate: confirmable, after the acknowledgement; else within it.
        closing: when it is acknowledged, ``confirmed`` is to be called.
    """

    message: Message
    draft: Draft
    separate: bool = True
    closing: bool = False


class Report(msgspec.Struct, frozen=True, gc=False):
    """Send this request, without a token."""

    draft: Draft
    confirmable: bool


class Refuse(msgspec.Struct, frozen=True, gc=False):
    """Answer this message, which is not confirmable, with a reset."""

    message: Message


Reply = Acknowledge | Respond | Report | Refuse


class Applied(msgspec.Struct, frozen=True, gc=False):
    """The file is whole and good: the device applies it and restarts."""

    file: bytes


class Dropped(msgspec.Struct, frozen=True, gc=False):
    """The update is over without success.

    Attributes:
        code: the device's error, 0 when it was cancelled or nothing came any more.
        disconnects: whether the device drops the connection.
    """

    code: int
    disconnects: bool


class Partial(msgspec.Struct, frozen=True, gc=False):
    """What a device keeps of a file across resets.

    Attributes:
        sha256: digest of the whole file.
        file_bytes: its length.
        content: its beginning, as far as it came without gaps.
    """

    sha256: bytes
    file_bytes: int
    content: bytes

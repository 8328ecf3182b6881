"""A file on its way to a connected device, in the words of the port to it."""

from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

UpdateEnd = Literal[
    "delivered",
    "refused",
    "no_answer",
    "busy",
    "stalled",
    "not_running",
    "bad_chunk",
    "validation_failed",
    "misbehaved",
    "cancelled",
    "unsuitable",
    "went_offline",
    "began_anew",
]
"""``delivered``: the device has the whole file, found it good and restarts; ``unsuitable``: the
file cannot go to this device at all; ``went_offline``: it left, or nothing was heard of it for too
long; ``began_anew``: it said Hello in the middle, so it was reset. The others: ``AbortReason`` of
``protocol.transfer.steps``."""


class UpdateFile(msgspec.Struct, frozen=True, eq=False):
    """What is sent; one object, and one copy of the bytes, for all devices that get it.

    Attributes:
        content: the whole file.
        sha256: its digest, 32 bytes; by it a device goes on where it was interrupted.
        module_function: what it is, told to devices of the current transfer (9 for an asset); None
            leaves it to them.
    """

    content: bytes
    sha256: bytes
    module_function: int | None = None


class UpdateStep(msgspec.Struct, frozen=True, gc=False):
    """How far a transfer is.

    Attributes:
        done_bytes: what the device confirmed (classic transfer: what was sent to it).
        accepted: the device has just taken the offer; ``done_bytes`` is what it had before.
    """

    done_bytes: int
    accepted: bool = False


class UpdateResult(msgspec.Struct, frozen=True):
    """How a transfer ended.

    Attributes:
        end: see UpdateEnd.
        code: the device's own error code, negative; 0 when it named none.
        text: its own words, or ours where it has none.
        done_bytes: how much of the file the device had.
        sent_bytes: content sent, repetitions included.
        accepted: whether the device ever took the offer.
    """

    end: UpdateEnd
    code: int = 0
    text: str = ""
    done_bytes: int = 0
    sent_bytes: int = 0
    accepted: bool = False

    @property
    def delivered(self) -> bool:
        """Whether the device has the file."""
        return self.end == "delivered"


Occasion = Literal["handshake", "resumed", "agreed", "heard"]
"""Why a device may be looked at now: it is there by a new session and has said everything; it is
there again on a kept one; it has just agreed to updates, or confirmed that they are forced; it is
heard again after it seemed to be away."""


class UpdateDesk(Protocol):
    """Who decides about updates, as the edge of devices sees it; each call returns at once."""

    def hello(self, device_id: str, firmware_version: int) -> None:
        """A device began anew and runs this version, 0 for none; an update may have been proven."""

    def consult(self, device_id: str, product_id: int | None, occasion: Occasion) -> bool:
        """A device can take an update now.

        False when there is nothing to decide about it: one that has just come is told then that
        nothing is forced and nothing pending. Else this desk tells it.
        """

    def safe_mode(self, device_id: str, description: dict[str, object]) -> None:
        """A device runs without its application; ``description`` lists its modules."""


OnStep = Callable[[UpdateStep], None]
"""Told of each step, on the event loop; must be quick."""

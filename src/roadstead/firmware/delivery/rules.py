"""What the end of a transfer, a Hello, or the passing of time means for a delivery. Pure.

What was sent proves nothing: a delivery has succeeded when the device says hello with the version.
Interruptions are no failures: the next transfer goes on where the protocol can. Only what will most
likely happen again counts towards the pause before the next attempt.
Source: product notes §3.1.9; device protocol notes §4.
"""

from typing import Final, NamedTuple

from roadstead.devices.updates import UpdateResult
from roadstead.firmware.delivery.model import Delivery, EndState

QUEUE_S: Final = 24 * 3600.0
"""How long a delivery may wait for its turn; the device is looked at anew when it comes again."""

AWAY_S: Final = 15 * 60.0
"""How long a delivery waits for a device that left in the middle; one that comes later is looked at
as any other, and still has what it received."""

SENDING_S: Final = 6 * 3600.0
"""How long one transfer may take; each of its steps has a shorter deadline of its own."""

APPLYING_S: Final = 30 * 60.0
"""From the last acknowledgement to the Hello: an application may put the restart off."""

BEGINS_MAX: Final = 8
"""Transfers of one delivery; a device that is reset by its own update would go on for ever."""

PAUSES_S: Final = (60.0, 300.0, 1800.0, 2 * 3600.0, 12 * 3600.0, 24 * 3600.0)
"""Pause after so many failures in a row; the last for all further ones."""

DISABLED_CODE: Final = -1380
"""The device's number for "updates are neither enabled nor forced"."""

NOT_RUNNING_CODE: Final = -210
"""The device's number for "there is no update": it was reset before it was asked to apply it."""


class Await(NamedTuple):
    """The device has the file: wait for its Hello."""


class Again(NamedTuple):
    """Begin another transfer.

    Attributes:
        after_s: not before so many seconds; None: when the device is back.
        continues: the device is taken to have accepted this file already.
    """

    after_s: float | None
    continues: bool = False


class End(NamedTuple):
    """It is over.

    Attributes:
        state: ``succeeded``, ``failed`` or ``cancelled``.
        result: why, in one word.
        text: a sentence for people.
        code: the device's number.
        counts: whether it lengthens the pause before the next attempt.
    """

    state: EndState
    result: str
    text: str
    code: int = 0
    counts: bool = False


Verdict = Await | Again | End

_AGAIN_S: Final = {
    "not_running": 1.0,
    "began_anew": 2.0,
    "busy": 5.0,
    "no_answer": 10.0,
    "stalled": 10.0,
    "went_offline": None,
}

_TEXTS: Final = {
    "refused": "The device refused the file",
    "bad_chunk": "The device found one piece of the file damaged again and again",
    "validation_failed": "The device has the whole file and does not take it",
    "misbehaved": "The device answered what makes no sense",
    "unsuitable": "The file cannot go to this device",
}

ERROR_NAMES: Final = {
    -1300: "it found no module in it",
    -1310: "a part of it has no use for the device",
    -1330: "its checksum is wrong",
    -1331: "its digest is another",
    -1340: "it needs modules that the device does not have",
    -1350: "its place in memory is out of range",
    -1351: "it is too long",
    -1360: "it is for other hardware",
    -1370: "its format is not supported",
    DISABLED_CODE: "updates are disabled",
}
"""What the numbers of devices mean. Source: device protocol notes §4.5."""


def after_transfer(delivery: Delivery, result: UpdateResult, *, outcome_unknown: bool) -> Verdict:
    """What follows the end of a transfer.

    Args:
        delivery: as it was while the transfer ran; ``begins`` counts this one.
        result: how it ended.
        outcome_unknown: an earlier process offered the file and died before it knew the answer.
    """
    end = "not_running" if result.code == NOT_RUNNING_CODE else result.end
    if end == "delivered":
        return Await()
    if end == "cancelled":
        return End("cancelled", "cancelled", "The update was given up on request.")
    if end == "refused" and result.code == DISABLED_CODE:
        return End("cancelled", "updates_disabled", "The device has disabled updates.", result.code)
    if end == "refused" and outcome_unknown and result.code == 0:
        # It consents and has room, so it refuses because it still waits for the rest of this file.
        return Again(1.0, continues=True)
    if end in _AGAIN_S:
        if delivery.begins >= BEGINS_MAX:
            text = f"It was interrupted {delivery.begins} times, the last time as: {end}."
            return End("failed", "interrupted_too_often", text, result.code, counts=True)
        return Again(_AGAIN_S[end])
    return End("failed", end, _sentence(result), result.code, counts=True)


def _sentence(result: UpdateResult) -> str:
    known = ERROR_NAMES.get(result.code)
    why = known or result.text.rstrip(".")
    said = _TEXTS.get(result.end, result.end)
    number = f" ({result.code})" if result.code else ""
    return f"{said}: {why}{number}." if why else f"{said}{number}."


def after_hello(delivery: Delivery, version: int) -> End | None:
    """What a Hello proves; None when it proves nothing yet.

    Args:
        delivery: an open one.
        version: what the device says that it runs; 0 for none.
    """
    if not delivery.begins:
        return None
    if delivery.version and version == delivery.version:
        return End("succeeded", "succeeded", f"The device runs version {version}.")
    if delivery.state != "applying":
        return None
    if not delivery.version:
        return End("succeeded", "succeeded", "The device took the file and is back.")
    runs = f"version {version}" if version else "no version"
    text = f"The device restarted and runs {runs}, not version {delivery.version}."
    return End("failed", "reports_other_version", text, counts=True)


def after_deadline(delivery: Delivery) -> End:
    """What it means that a state has lasted too long."""
    if delivery.state == "applying":
        text = "The device took the file and was not heard of since."
        return End("failed", "never_came_back", text, counts=True)
    if delivery.state == "sending":
        return End("failed", "too_slow", "The transfer took too long.", counts=True)
    if delivery.begins:
        return End("failed", "device_left", "The device left in the middle and did not come back.")
    return End("cancelled", "never_began", "Its turn did not come.")


def pause_s(failures: int) -> float:
    """Seconds until the next attempt after so many failures in a row, at least one."""
    return PAUSES_S[min(failures, len(PAUSES_S)) - 1]

"""What would change a target decision: a sentence for each reason. Pure."""

from typing import Final

from roadstead.firmware.target_rules import TargetFacts
from roadstead.firmware.targeting import Decision, Hold

_REMEDIES: Final = {
    "quarantined": "Approve the device in its product.",
    "denied": "Approve the device in its product, if it belongs there after all.",
    "not_a_member": "Import the device into the product.",
    "other_firmware": "Flash firmware of this product over USB, or one that names no product.",
    "development": "Unmark it as a development device, or flash it.",
    "no_release": "Release a version to one of its groups or to all, or lock the device to one.",
    "version_missing": "Upload that version, or release or lock another.",
    "release_paused": "Resume the rollout that watches the release, or abort it, which withdraws "
    "the release; or lock the device to the version.",
    "wrong_platform": "Release or lock a version for the hardware of the device.",
    "too_large": "Release or lock a smaller build.",
    "needs_newer_device_os": "Update Device OS on the device, or release what needs less.",
    "missing_modules": "Flash the missing modules, or release a version that does not need them.",
    "assets_not_offered": "Flash the bundle over USB, or release a build without assets.",
    "modules_unknown": "Nothing to do: it is decided when the device has told its modules.",
    "transfer_running": "Nothing to do: it is decided anew when the transfer has ended.",
    "back_off": "Nothing to do: it is tried again by itself; lock and flash it to try at once.",
    "offline": "Nothing to do: it is decided when the device connects.",
    "updates_disabled": "The application enables updates again, or somebody forces them.",
    "awaits_handshake": "Nothing to do: it is sent with its next session; lock and flash it, or "
    "release with intelligent, to have it now.",
    "up_to_date": "Release another version to its groups or to all, or lock the device to one.",
}


def remedy_of(facts: TargetFacts, decision: Decision) -> str | None:
    """What would change the decision; None when the version is sent now."""
    if not isinstance(decision, Hold):
        return None
    if decision.reason == "up_to_date" and decision.target_reason == "lock":
        return "Unlock the device, or lock it to another version."
    if decision.reason == "up_to_date" and decision.target_reason == "rollout":
        return "The rollout that assigned the version ends or turns back, or the device is locked."
    return _REMEDIES.get(decision.reason)

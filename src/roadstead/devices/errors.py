"""What can go wrong between a person and a device, by name."""

from roadstead.kit.errors import Conflict, Forbidden, Invalid, NotFound, TimedOut


def device_not_found(device_id: str) -> NotFound:
    """The id is unknown, or the device is somebody else's."""
    return NotFound(
        "device_not_found",
        f"I didn't recognize the device name or ID {device_id!r}. "
        "Check it with the list of your devices.",
    )


def not_in_product() -> NotFound:
    """The product has no such device; the official CLI's own tests look for this sentence."""
    return NotFound("not_in_product", "Device not found for this product")


def device_offline(device_id: str) -> TimedOut:
    """The device has no connection now, so nothing was sent to it."""
    return TimedOut(
        "device_offline", f"Device {device_id} is not connected; nothing was sent to it."
    )


def device_timed_out(device_id: str, timeout_s: float) -> TimedOut:
    """The device is connected but did not answer in time."""
    return TimedOut("timed_out", f"Device {device_id} did not answer within {timeout_s:g} s.")


def update_running(device_id: str) -> Conflict:
    """Never two transfers to one device."""
    return Conflict("update_running", f"A transfer to device {device_id} is running.")


def function_not_found(name: str) -> NotFound:
    """The device registered no function of this name."""
    return NotFound(
        "function_not_found", f"Function {name!r} not found: the device does not register it."
    )


def variable_not_found(name: str) -> NotFound:
    """The device registered no variable of this name; the official CLI's tests look for this."""
    return NotFound("variable_not_found", f"Unknown Variable: {name}")


def argument_too_long(length: int, limit: int) -> Invalid:
    """The function's argument is longer than this device accepts."""
    return Invalid(
        "argument_too_long",
        f"The argument has {length} bytes; this device accepts at most {limit}.",
    )


def belongs_to_someone_else() -> Conflict:
    """The official CLI looks for this sentence to offer a transfer."""
    return Conflict("device_owned", "That belongs to someone else.")


def belongs_to_product() -> Forbidden:
    """A product's device is claimed by the product's people and nobody else."""
    return Forbidden(
        "product_device", "The device belongs to a product; only the product's team may claim it."
    )


def device_unknown() -> NotFound:
    """Nobody knows a device with this id."""
    # The official CLI's own tests compare this sentence; it shows the id itself.
    return NotFound("device_unknown", "device not found")

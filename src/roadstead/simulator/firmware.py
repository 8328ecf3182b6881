"""The application of a virtual device: what it offers and what it does by itself.

A Firmware is to a VirtualDevice what an application is to Device OS: it registers functions,
variables and subscriptions, and from time to time it publishes. It knows neither wire nor network.
"""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from roadstead.protocol.messages.subscription import SubscriptionKind
from roadstead.simulator.module_image import ImageFacts

VariableValue = bool | int | float | str
"""Bool, 32-bit int, double or string; the type on the wire follows the Python type."""

FunctionHandler = Callable[[str], int | Coroutine[Any, Any, int | None] | None]
"""Takes the argument and returns the 32-bit result, at once or as a coroutine; None means that the
device never answers."""

VariableReader = Callable[[], VariableValue]
EventHandler = Callable[[str, bytes], None]


@dataclass(frozen=True, slots=True)
class Publication:
    """An event that the application wants to publish.

    Attributes:
        name: 1 to 64 characters.
        payload: the bytes; None for an event without data.
        content_format: CoAP content format, None for text.
        ttl_s: the event's time to live in seconds.
        confirmed: whether the device asks for an acknowledgement.
    """

    name: str
    payload: bytes | None = None
    content_format: int | None = None
    ttl_s: int = 60
    confirmed: bool = True


@dataclass(frozen=True, slots=True)
class Subscription:
    """A filter (prefix of event names) with what to do when an event matches.

    Attributes:
        prefix: 1 to 64 characters.
        handler: called with name and payload.
        kind: ``text``, ``cbor`` (``?c``) or ``binary`` (``?b``); Device OS 6.2 and later.
    """

    prefix: str
    handler: EventHandler
    kind: SubscriptionKind = "text"


@dataclass(frozen=True, slots=True)
class Vital:
    """One diagnostic value: its id and the raw 32-bit value, or the error in its place."""

    vital_id: int
    value: int
    is_error: bool = False


@dataclass
class Firmware:
    """An application; as it stands, one that offers what it is given and publishes nothing.

    Attributes:
        functions: handlers by name.
        variables: readers by name; their order is the order of the describe.
        subscriptions: what the application subscribes to.
        product_id: as its Hello says; None says the platform id, as Device OS 4 to 6 do.
        product_version: as its Hello says; 0xFFFF is none.
        image: the image that the device was updated to; None before the first update.
        dead: it does not start any more: its version has bricked the device.
    """

    functions: dict[str, FunctionHandler] = field(default_factory=dict)
    variables: dict[str, VariableReader] = field(default_factory=dict)
    subscriptions: tuple[Subscription, ...] = ()
    product_id: int | None = None
    product_version: int = 0xFFFF
    image: ImageFacts | None = None
    dead: bool = False

    def refuses(self, image: ImageFacts) -> bool:
        """Whether the device cannot take this image, though nothing is wrong with it."""
        return False

    def install(self, image: ImageFacts, *, names_product: bool) -> None:
        """Becomes what an image says; its functions and variables stay what they are.

        Args:
            image: what the device was given.
            names_product: whether this release names the product of the image.
        """
        self.image = image
        self.product_version = image.product_version
        self.product_id = image.product_id if names_product else None

    def next_run(self) -> float | None:
        """When ``run`` wants to be called next (monotonic seconds), None for never."""
        return None

    def run(self, now: float, online: bool) -> Sequence[Publication]:
        """Lets time pass up to ``now``; gives what the application publishes, if online."""
        return ()

    def vitals(self, now: float) -> Sequence[Vital]:
        """The application's part of the device's diagnostics."""
        return ()

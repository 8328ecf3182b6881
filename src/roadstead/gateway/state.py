"""What the server knows of one device during a session.

The conversation's rules read and change it. It holds no secrets and no sockets, and nothing in it
reads a clock.
"""

from functools import lru_cache
from typing import Any

import msgspec

from roadstead.devices.model import DeviceIdentity
from roadstead.protocol.coap.blockwise import BlockReceiver
from roadstead.protocol.messages.hello import NO_VERSION, Hello
from roadstead.protocol.messages.subscription import DeviceSubscription

FIRST_RELEASE_WITH_FORMATS = 6200
"""Device OS 6.2.0, the first that reads the Content-Format of an event sent to it; in all earlier
ones it hides the data. Source: device protocol notes §3.9."""


SAME_HELLOS = 1024
"""Different Hellos of which one value serves all devices that said the same."""


def without_id(hello: Hello) -> Hello:
    """What a Hello says beside the id, one value of it for all devices with the same firmware."""
    return _same(msgspec.structs.replace(hello, device_id=b""))


@lru_cache(SAME_HELLOS)
def _same(hello: Hello) -> Hello:
    return hello


class DeviceState:
    """The conversation's memory; about half a kilobyte while idle.

    Attributes:
        device_id: 24-hex id; empty for a stranger that has not said it yet.
        identity: what the registry knows; None for a device whose key nobody registered.
        hello: what it said of itself on this session, without its id; None before the Hello.
        subscriptions: its filters, in the order of arrival.
        subscription_ids: message ids of those that came in this process, same order; a list that
            is begun anew keeps the ones sent after its beginning.
        fresh: it said Hello, and nobody has looked yet whether it needs an update.
        online: whether it counts as connected.
        safe_mode: whether it said that it runs without its application.
        updates_enabled: its last word on updates; None while unknown.
        updates_forced: its last word on forced updates; None while unknown.
        functions: names that it registers; None while unknown.
        variables: type names of the variables that it registers; None while unknown.
        description: the modules reported on this connection; None while unknown.
        uploads: describes of which not all blocks have come, by flag.
    """

    __slots__ = (
        "description",
        "device_id",
        "fresh",
        "functions",
        "hello",
        "identity",
        "online",
        "safe_mode",
        "subscription_ids",
        "subscriptions",
        "updates_enabled",
        "updates_forced",
        "uploads",
        "variables",
    )

    def __init__(self, device_id: str, identity: DeviceIdentity | None) -> None:
        self.device_id = device_id
        self.identity = identity
        self.hello: Hello | None = None
        self.subscriptions: tuple[DeviceSubscription, ...] = ()
        self.subscription_ids: tuple[int, ...] = ()
        self.fresh = False
        self.online = False
        self.safe_mode = False
        self.updates_enabled: bool | None = None
        self.updates_forced: bool | None = None
        self.functions: tuple[str, ...] | None = None
        self.variables: dict[str, str] | None = None
        self.description: dict[str, Any] | None = None
        self.uploads: dict[int, BlockReceiver] | None = None

    def inherit(self, older: "DeviceState") -> None:
        """Takes over from the device's earlier session what a new one does not tell."""
        self.online = older.online
        self.functions, self.variables = older.functions, older.variables
        self.updates_enabled, self.updates_forced = older.updates_enabled, older.updates_forced

    @property
    def firmware_version(self) -> int:
        """Product version of the running firmware, 0 for none or unknown."""
        version = 0 if self.hello is None else self.hello.product_version
        return 0 if version == NO_VERSION else version

    @property
    def stranger(self) -> bool:
        """True for a device that nobody registered: it is answered, and nothing of it is kept."""
        return self.identity is None

    @property
    def muted(self) -> bool:
        """True when its events go to nobody: a stranger or a quarantined device."""
        return self.identity is None or self.identity.quarantined

    @property
    def reads_formats(self) -> bool:
        """True when this release reads the Content-Format of an event sent to it."""
        return self.hello is not None and self.hello.system_version >= FIRST_RELEASE_WITH_FORMATS

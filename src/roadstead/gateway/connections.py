"""The sessions that are open, and which of them speaks for a device."""

from collections.abc import Iterator

from roadstead.gateway.connection import Connection
from roadstead.gateway.subscriptions import SubscriptionIndex


class Connections:
    """All open sessions by device, and the subscriptions of the ones that speak.

    A device has one session. For a moment it may have two: an old one, and one that was stored
    before the process died and may or may not have reached the device. The one that is heard last
    speaks for the device and replaces the other.

    Attributes:
        subscriptions: the filters of the speaking connections.
        strangers: open sessions of devices that nobody registered. Whatever id such a device names,
            it never speaks for it.
    """

    def __init__(self) -> None:
        self.subscriptions: SubscriptionIndex[Connection] = SubscriptionIndex()
        self.strangers: dict[Connection, None] = {}
        self._speaking: dict[str, Connection] = {}
        self._others: dict[str, list[Connection]] = {}

    def __len__(self) -> int:
        """Number of devices with a session."""
        return len(self._speaking)

    def __iter__(self) -> Iterator[Connection]:
        """The connections that speak for a device."""
        return iter(self._speaking.values())

    def find(self, device_id: str) -> Connection | None:
        """The connection that speaks for a device."""
        return self._speaking.get(device_id)

    def list_all(self, device_id: str) -> list[Connection]:
        """Every open session of a device, the speaking one first."""
        speaking = self._speaking.get(device_id)
        return [*([speaking] if speaking else ()), *self._others.get(device_id, ())]

    def add(self, connection: Connection) -> None:
        """Adds a session; it speaks if its device has no other."""
        state = connection.state
        if state.stranger:
            self.strangers[connection] = None
        elif state.device_id in self._speaking:
            self._others.setdefault(state.device_id, []).append(connection)
        else:
            self._speaking[state.device_id] = connection
            self.index(connection)

    def make_speak(self, connection: Connection) -> list[Connection]:
        """Lets a session speak for its device; gives those that it replaces.

        It inherits what was known of the device: above all whether it seemed online.
        """
        device_id = connection.state.device_id
        replaced = [one for one in self.list_all(device_id) if one is not connection]
        if replaced:
            connection.state.inherit(replaced[0].state)
        for one in replaced:
            self.subscriptions.remove(one)
        self._others.pop(device_id, None)
        self._speaking[device_id] = connection
        self.index(connection)
        return replaced

    def remove(self, connection: Connection) -> None:
        """Forgets a session; the device's newest other one speaks now, if there is any."""
        device_id = connection.state.device_id
        self.subscriptions.remove(connection)
        self.strangers.pop(connection, None)
        others = self._others.get(device_id)
        if others and connection in others:
            others.remove(connection)
        elif self._speaking.get(device_id) is connection:
            del self._speaking[device_id]
            if others:
                self._speaking[device_id] = heir = others.pop()
                heir.state.inherit(connection.state)
                self.index(heir)
        if others is not None and not others:
            self._others.pop(device_id, None)

    def speaks(self, connection: Connection) -> bool:
        """True if this connection speaks for its device."""
        return self._speaking.get(connection.state.device_id) is connection

    def index(self, connection: Connection) -> None:
        """Brings the subscriptions of a connection up to date (its list or its owner changed)."""
        state = connection.state
        identity = None if state.muted else state.identity
        if identity is None:
            self.subscriptions.remove(connection)
            return
        self.subscriptions.replace(
            connection, identity.owner_id, state.subscriptions, identity.product_id
        )

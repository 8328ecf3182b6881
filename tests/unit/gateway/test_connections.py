"""Which session speaks for a device."""

from tests.builders.talk import DEVICE, OWNER, make_hello, make_identity

from roadstead.gateway.connection import Connection
from roadstead.gateway.connections import Connections
from roadstead.gateway.state import DeviceState
from roadstead.protocol.messages.subscription import DeviceSubscription


def make_connection(**identity: object) -> Connection:
    state = DeviceState(DEVICE, make_identity(**identity))
    return Connection(None, b"\x00" * 8, state, 0.0)


def make_stranger(device_id: str = "") -> Connection:
    return Connection(None, b"\x00" * 8, DeviceState(device_id, None), 0.0)


def test_the_first_session_speaks_and_a_second_waits() -> None:
    connections = Connections()
    old, new = make_connection(), make_connection()
    connections.add(old)
    connections.add(new)
    assert connections.find(DEVICE) is old
    assert connections.list_all(DEVICE) == [old, new]
    assert connections.speaks(old) and not connections.speaks(new)


def test_a_session_that_is_heard_replaces_the_other_and_knows_what_it_knew() -> None:
    connections = Connections()
    old, new = make_connection(), make_connection()
    old.state.online, old.state.functions = True, ("led",)
    old.state.hello = make_hello()
    old.state.subscriptions = [DeviceSubscription("a")]
    connections.add(old)
    connections.add(new)
    assert len(connections.subscriptions) == 1
    assert connections.make_speak(new) == [old]
    assert connections.find(DEVICE) is new
    assert new.state.online and new.state.functions == ("led",)
    assert new.state.hello is None
    assert len(connections.subscriptions) == 0
    connections.remove(old)
    assert connections.list_all(DEVICE) == [new]


def test_the_waiting_session_speaks_when_the_old_one_ends() -> None:
    connections = Connections()
    old, new = make_connection(), make_connection()
    old.state.online = True
    connections.add(old)
    connections.add(new)
    connections.remove(old)
    assert connections.find(DEVICE) is new
    assert new.state.online
    connections.remove(new)
    assert connections.find(DEVICE) is None
    assert len(connections) == 0


def test_a_stranger_never_speaks_for_a_device_whatever_it_says() -> None:
    connections = Connections()
    device, stranger = make_connection(), make_stranger()
    connections.add(stranger)
    stranger.state.device_id = DEVICE
    connections.add(device)
    assert connections.find(DEVICE) is device
    assert list(connections.strangers) == [stranger]
    connections.remove(stranger)
    assert connections.find(DEVICE) is device
    assert not connections.strangers


def test_subscriptions_follow_the_owner_and_end_in_quarantine() -> None:
    connections = Connections()
    connection = make_connection()
    connection.state.subscriptions = [DeviceSubscription("a")]
    connections.add(connection)

    def receives(owner: str) -> bool:
        return bool(list(connections.subscriptions.find(owner, "abc", None)))

    assert receives(OWNER)
    connection.state.identity = make_identity(owner_id="b" * 24)
    connections.index(connection)
    assert receives("b" * 24) and not receives(OWNER)
    connection.state.identity = make_identity(quarantined=True)
    connections.index(connection)
    assert not receives(OWNER)

"""DeviceLink for everybody else: asks a connected device and waits for its answer."""

import asyncio
from collections.abc import Callable
from typing import Any

from roadstead.devices.errors import device_offline, device_timed_out
from roadstead.devices.registry import DeviceRegistry
from roadstead.devices.updates import OnStep, UpdateFile, UpdateResult
from roadstead.gateway import call_rules, describe_rules, event_rules
from roadstead.gateway.connection import Connection
from roadstead.gateway.connections import Connections
from roadstead.gateway.counters import Counters
from roadstead.gateway.effects import Effect
from roadstead.gateway.performing import Performer
from roadstead.gateway.state import DeviceState
from roadstead.gateway.updates import Updates
from roadstead.gateway.wire import Wire
from roadstead.kit.errors import TimedOut
from roadstead.protocol.messages.key_change import key_change_request

Rule = Callable[[DeviceState, object], list[Effect]]
"""What to do for a call: the state of the device and the call."""


class GatewayLink:
    """The gateway's DeviceLink; see there for what each call gives and raises."""

    def __init__(
        self,
        *,
        connections: Connections,
        performer: Performer,
        wire: Wire,
        registry: DeviceRegistry,
        counters: Counters,
        updates: Updates,
    ) -> None:
        self._connections = connections
        self._performer = performer
        self._wire = wire
        self._registry = registry
        self._counters = counters
        self._updates = updates

    def is_online(self, device_id: str) -> bool:
        """True while the device is thought to be connected."""
        connection = self._connections.find(device_id)
        return connection is not None and connection.state.online

    async def call_function(
        self, device_id: str, name: str, argument: str, *, timeout_s: float
    ) -> int:
        """Calls a cloud function; gives its 32-bit signed return value.

        Raises:
            NotFound: ``function_not_found``.
            Invalid: ``argument_too_long``.
            TimedOut: ``device_offline`` or ``timed_out``.
            Unavailable: ``device_busy`` or ``device_error``.
        """
        await self._learn_application(device_id)
        value = await self._call(
            device_id,
            lambda state, call: call_rules.call_function(state, call, name, argument),
            timeout_s,
        )
        assert isinstance(value, int)
        return value

    async def read_variable(
        self, device_id: str, name: str, *, timeout_s: float
    ) -> bool | int | float | str:
        """Reads a cloud variable in the type that the device registered it with.

        Raises:
            NotFound: ``variable_not_found``.
            TimedOut: ``device_offline`` or ``timed_out``.
            Unavailable: ``device_busy`` or ``device_error``.
        """
        await self._learn_application(device_id)
        value = await self._call(
            device_id,
            lambda state, call: call_rules.read_variable(state, call, name),
            timeout_s,
        )
        assert isinstance(value, bool | int | float | str)
        return value

    async def signal(self, device_id: str, on: bool, *, timeout_s: float) -> None:
        """Starts or stops the device's rainbow signal.

        Raises:
            TimedOut: ``device_offline`` or ``timed_out``.
        """
        await self._call(
            device_id, lambda state, call: call_rules.signal(state, call, on), timeout_s
        )

    async def ping(self, device_id: str, *, timeout_s: float) -> bool:
        """True if the device acknowledged a ping now; never raises for an offline device."""
        try:
            return await self._call(device_id, call_rules.ping, timeout_s) is True
        except TimedOut:
            return False

    async def request_vitals(self, device_id: str, *, timeout_s: float) -> None:
        """Asks for the vitals; returns when the device's answer was stored and published.

        Raises:
            TimedOut: ``device_offline`` or ``timed_out``.
            Unavailable: ``device_busy`` or ``device_error``.
        """
        await self._call(device_id, call_rules.request_vitals, timeout_s)

    async def request_handshake(self, device_id: str) -> None:
        """Asks the device to begin a new full handshake (key change); does not wait for it.

        Raises:
            TimedOut: ``device_offline``.
        """
        connection = self._get(device_id)
        self._wire.tell_once(connection, key_change_request())
        self._wire.flush(connection)

    async def update(
        self,
        device_id: str,
        file: UpdateFile,
        *,
        continues: bool = False,
        on_step: OnStep | None = None,
    ) -> UpdateResult:
        """Sends a file; see the port.

        Raises:
            TimedOut: ``device_offline``.
            Conflict: ``update_running``.
        """
        connection = self._get(device_id)
        ended = self._updates.begin(connection, file, continues=continues, on_step=on_step)
        try:
            return await ended
        except asyncio.CancelledError:
            self._updates.abandon(connection, "cancelled")
            raise

    def cancel_update(self, device_id: str) -> bool:
        """Gives a running transfer up, and tells the device; False when there is none."""
        connection = self._connections.find(device_id)
        return connection is not None and self._updates.cancel(connection)

    def tell_consent(self, device_id: str, *, forced: bool, pending: bool | None) -> bool:
        """Tells a device whether updates are forced, and whether one is pending."""
        connection = self._connections.find(device_id)
        if connection is None or not connection.state.online:
            return False
        told = event_rules.tell_consent(connection.state, forced=forced, pending=pending)
        self._performer.go_on(connection, told)
        return bool(told)

    def _get(self, device_id: str) -> Connection:
        connection = self._connections.find(device_id)
        if connection is None or not connection.state.online:
            raise device_offline(device_id)
        return connection

    async def _call(self, device_id: str, rule: Rule, timeout_s: float) -> Any:
        connection = self._get(device_id)
        call: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._counters.calls += 1
        self._performer.perform(connection, rule(connection.state, call))
        self._wire.flush(connection)
        try:
            async with asyncio.timeout(timeout_s):
                return await call
        except TimeoutError:
            self._counters.calls_failed += 1
            raise device_timed_out(device_id, timeout_s) from None
        finally:
            self._wire.withdraw(connection, call)

    async def _learn_application(self, device_id: str) -> None:
        """Functions and variables as they were stored, once after a restart.

        A device of which nothing is stored is asked; until it has answered it has no functions.
        """
        state = self._get(device_id).state
        if state.functions is not None:
            return
        known = await self._registry.find_description(device_id)
        connection = self._get(device_id)
        if connection.state.functions is not None:
            return
        if known is not None and known.functions is not None:
            connection.state.functions = tuple(known.functions)
            connection.state.variables = known.variables or {}
        else:
            self._performer.go_on(connection, describe_rules.ask_again(connection.state))

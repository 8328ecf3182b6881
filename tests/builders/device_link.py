"""Devices on the other side of the ``DeviceLink`` port, without a wire between."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from roadstead.devices import errors

Value = bool | int | float | str


@dataclass
class DeskDevice:
    """A connected device: what it registers and how it answers."""

    functions: dict[str, Callable[[str], int]] = field(default_factory=dict)
    variables: dict[str, Value] = field(default_factory=dict)
    silent: bool = False
    signaling: bool = False
    vitals_asked: int = 0


class Desk:
    """The devices that are connected; implements the port ``DeviceLink``."""

    def __init__(self) -> None:
        self.devices: dict[str, DeskDevice] = {}
        self.handshakes_asked: list[str] = []

    def plug_in(self, device_id: str, **what) -> DeskDevice:
        device = self.devices[device_id] = DeskDevice(**what)
        return device

    def is_online(self, device_id: str) -> bool:
        return device_id in self.devices

    async def call_function(
        self, device_id: str, name: str, argument: str, *, timeout_s: float
    ) -> int:
        device = await self._reach(device_id, timeout_s)
        if name not in device.functions:
            raise errors.function_not_found(name)
        return device.functions[name](argument)

    async def read_variable(self, device_id: str, name: str, *, timeout_s: float) -> Value:
        device = await self._reach(device_id, timeout_s)
        if name not in device.variables:
            raise errors.variable_not_found(name)
        return device.variables[name]

    async def signal(self, device_id: str, on: bool, *, timeout_s: float) -> None:
        (await self._reach(device_id, timeout_s)).signaling = on

    async def ping(self, device_id: str, *, timeout_s: float) -> bool:
        device = self.devices.get(device_id)
        return device is not None and not device.silent

    async def request_vitals(self, device_id: str, *, timeout_s: float) -> None:
        (await self._reach(device_id, timeout_s)).vitals_asked += 1

    async def request_handshake(self, device_id: str) -> None:
        self.handshakes_asked.append(device_id)

    async def _reach(self, device_id: str, timeout_s: float) -> DeskDevice:
        await asyncio.sleep(0)
        device = self.devices.get(device_id)
        if device is None:
            raise errors.device_offline(device_id)
        if device.silent:
            raise errors.device_timed_out(device_id, timeout_s)
        return device

"""Virtual devices beside a real server, driven by the test's own event loop."""

import asyncio
from random import Random

from roadstead.simulator.cloud_account import CloudAccount
from roadstead.simulator.device import VirtualDevice
from roadstead.simulator.generation import GENERATIONS
from roadstead.simulator.identity import VirtualIdentity, make_identity
from roadstead.simulator.port import resolve
from roadstead.simulator.timers import TimerHeap
from roadstead.simulator.workbench import Workbench


class Desk:
    """Devices on the developer's desk: registered, online, claimed.

    Args:
        api_url: the server.
        token: of the account that registers the devices, and owns those that are claimed.
    """

    def __init__(self, api_url: str, token: str) -> None:
        self._api_url, self._token = api_url, token
        self._timers = TimerHeap(asyncio.get_running_loop())
        self._devices: list[VirtualDevice] = []

    async def put(
        self,
        generation: str = "6.2",
        *,
        claimed: bool = True,
        identity: VirtualIdentity | None = None,
    ) -> VirtualDevice:
        """A device with the workbench application that is online.

        Args:
            generation: its release of Device OS.
            claimed: whether it shall belong to the account.
            identity: who it is, registered already; None registers a new one.
        """
        async with CloudAccount(self._api_url, self._token) as account:
            endpoint = await account.find_endpoint()
            if identity is None:
                identity = make_identity(12, Random())
                await account.register(identity)
            device = VirtualDevice(
                identity,
                Workbench(Random(1), self._timers.now(), None),
                await resolve(endpoint.host, endpoint.port, endpoint.public_key),
                self._timers,
                generation=GENERATIONS[generation],
            )
            self._devices.append(device)
            device.start()
            await device.connected(15)
            if claimed:
                await account.claim(identity)
        return device

    def clear(self) -> None:
        """Switches all of them off."""
        for device in self._devices:
            device.stop()
        self._timers.close()

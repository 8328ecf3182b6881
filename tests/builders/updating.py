"""Virtual devices that are updated by a gateway in the same process, over real sockets."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

from roadstead.devices.model import Registration
from roadstead.devices.updates import UpdateFile
from roadstead.firmware.images.extensions import Dependency
from roadstead.firmware.images.image import ModuleFunction
from roadstead.firmware.images.image_builder import build_user_module
from roadstead.identity.model import OPERATOR
from roadstead.simulator.device import VirtualDevice
from roadstead.simulator.generation import GENERATIONS
from roadstead.simulator.identity import make_identity
from roadstead.simulator.network import NetworkConditions, UnreliableNetwork
from roadstead.simulator.port import resolve
from roadstead.simulator.timers import TimerHeap
from roadstead.simulator.workbench import Workbench
from tests.builders.dtls import SERVER_KEY, spki_of
from tests.builders.edge import OWNER, Edge

ARGON = 12
PERFECT = NetworkConditions()
OLD_SYSTEM = Dependency(ModuleFunction.SYSTEM, 1, 1000)


def make_image(version: int, size: int = 20_000, **what: Any) -> bytes:
    """An application for an argon with any Device OS; its content depends on the version."""
    body = Random(version).randbytes(size)
    return build_user_module(
        ARGON, body, product_version=version, **{"dependency": OLD_SYSTEM, **what}
    )


def make_file(version: int, size: int = 20_000, **what: Any) -> UpdateFile:
    content = make_image(version, size, **what)
    return UpdateFile(content, hashlib.sha256(content).digest())


class Shelf:
    """Virtual devices beside a gateway.

    Devices stay when the gateway is exchanged for another on the same port.
    """

    def __init__(self) -> None:
        self.timers = TimerHeap(asyncio.get_running_loop())
        self.devices: list[VirtualDevice] = []

    async def put(
        self,
        edge: Edge,
        generation: str = "6.2",
        *,
        version: int = 1,
        number: int | None = None,
        product_id: int | None = None,
        conditions: NetworkConditions = PERFECT,
        prepare: Callable[[str], Awaitable[None]] | None = None,
        **what: Any,
    ) -> VirtualDevice:
        """A registered device of OWNER that is online and runs this version.

        Its network is what ``conditions`` say once it is connected. ``prepare`` is called with its
        id once it is registered, before it connects.
        """
        seed = len(self.devices) + 1 if number is None else number
        identity = make_identity(ARGON, Random(seed))
        known = await edge.registry.find_identity(identity.text_id)
        if known is None:
            await edge.registry.register(
                Registration(identity.text_id, identity.public_der, ARGON), actor=OPERATOR
            )
            await edge.own(identity.text_id, OWNER, product_id=product_id)
        firmware = Workbench(Random(seed), self.timers.now(), None)
        firmware.product_version = version
        random = Random(seed)
        network = UnreliableNetwork(PERFECT, random)
        device = VirtualDevice(
            identity,
            firmware,
            await resolve(*edge.address, spki_of(SERVER_KEY)),
            self.timers,
            generation=GENERATIONS[generation],
            random=random,
            network=network,
            **what,
        )
        self.devices.append(device)
        if prepare is not None:
            await prepare(identity.text_id)
        device.start()
        await device.connected(30)
        network.conditions = conditions
        return device

    def clear(self) -> None:
        for device in self.devices:
            device.stop()
        self.timers.close()

"""Simulated devices that the server itself runs: the simulator joined with the services.

Neither knows the other: the simulator speaks the wire alone, and the services do not know which
device is made of what.
"""

import hmac
from collections.abc import Callable
from hashlib import sha256

from roadstead.devices.model import Registration
from roadstead.devices.registry import DeviceRegistry
from roadstead.devices.server_keys import ServerKeys
from roadstead.devices.service import DeviceService
from roadstead.identity.model import OPERATOR, Actor
from roadstead.kit.errors import Conflict, Unavailable
from roadstead.simulator.identity import VirtualIdentity
from roadstead.simulator.port import ServerAddress, resolve
from roadstead.simulator.trials import Trial, TrialDevices

NAME = "simulated-fridge"

UNSPECIFIED = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what a socket was bound to
"""Where a socket that is bound to every address is reached from this machine."""


class TrialDesk:
    """Starts, finds and ends the simulated device of a person; fills ``SimulatedDevices``.

    Args:
        trials: runs the devices.
        secret: from which ids and keys of the devices follow; nobody else may know it.
        udp_address: where devices arrive, once that is known.
    """

    def __init__(
        self,
        trials: TrialDevices,
        registry: DeviceRegistry,
        devices: DeviceService,
        keys: ServerKeys,
        secret: bytes,
        udp_address: Callable[[], tuple[str, int] | None],
    ) -> None:
        self._trials = trials
        self._registry = registry
        self._devices = devices
        self._keys = keys
        self._secret = secret
        self._udp_address = udp_address

    @property
    def offered(self) -> bool:
        """Whether there are simulated devices at all."""
        return self._trials.offered and self._udp_address() is not None

    def find(self, actor: Actor) -> Trial | None:
        """The actor's, if one runs."""
        return self._trials.find(actor.user_id)

    async def start(self, actor: Actor) -> Trial:
        """Brings the actor's device online and makes it theirs; the same one each time.

        Raises:
            Unavailable: ``no_device_endpoint``.
            DomainError: as ``TrialDevices.start``, and what registering and claiming raise.
        """

        async def register(identity: VirtualIdentity) -> None:
            known = Registration(identity.text_id, identity.public_der, identity.platform_id)
            await self._registry.register(known, actor=OPERATOR)

        async def claim(identity: VirtualIdentity) -> None:
            device = await self._devices.claim(actor, identity.text_id)
            try:
                await self._devices.rename(actor, device, NAME)
            except Conflict:
                await self._devices.rename(actor, device, f"{NAME}-{device[-4:]}")

        return await self._trials.start(
            actor.user_id,
            self._seed_of(actor),
            await self._find_server(),
            register=register,
            claim=claim,
        )

    def stop(self, actor: Actor) -> bool:
        """Ends the actor's; False when none runs."""
        return self._trials.stop(actor.user_id)

    def close(self) -> None:
        """Ends all."""
        self._trials.close()

    def _seed_of(self, actor: Actor) -> int:
        words = f"simulated device of {actor.user_id}".encode()
        return int.from_bytes(hmac.digest(self._secret, words, sha256))

    async def _find_server(self) -> ServerAddress:
        bound = self._udp_address()
        if bound is None:
            raise Unavailable("no_device_endpoint", "This server takes no devices over UDP.")
        host, port = bound
        return await resolve(UNSPECIFIED.get(host, host), port, self._keys.public_der("ec"))

"""Many virtual devices in one process: they are registered, come online, are claimed, and live."""

import asyncio
import logging
import resource
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from random import Random

import msgspec

from roadstead.simulator.cloud_account import AccountError, CloudAccount, NameTaken
from roadstead.simulator.connection import DeviceState
from roadstead.simulator.counters import DeviceCounters
from roadstead.simulator.device import VirtualDevice
from roadstead.simulator.fleet_life import FleetLife
from roadstead.simulator.generation import GENERATIONS
from roadstead.simulator.identity import VirtualIdentity, make_identity
from roadstead.simulator.module_image import ImageFacts
from roadstead.simulator.network import UnreliableNetwork
from roadstead.simulator.plan import FleetPlan
from roadstead.simulator.port import ServerAddress, resolve
from roadstead.simulator.state_folder import StateFolder, StoredDevice
from roadstead.simulator.timers import TimerHeap

log = logging.getLogger(__name__)

SPARE_DESCRIPTORS = 200
"""File descriptors that a process needs beside one per device."""

ACCOUNT_WORKERS = 8
"""Registrations, and claims, under way at the same time."""

CLAIM_ATTEMPTS = 4
"""Tries of a claim: the server may learn a moment after the device that it is online."""

CLAIM_PAUSE_S = 1.0


SAVE_AFTER_S = 1.0
"""From an update until the devices are written to the folder."""


class FleetError(Exception):
    """The fleet cannot run on this machine; the text is for people."""


class Fleet:
    """A fleet on one server, under one account; made inside a running event loop.

    Attributes:
        devices: the virtual devices, in the order of the plan.
        counters: what all of them did.
        claimed: devices that belong to the account.
        claim_failures: devices whose claim the server refused.

    Args:
        plan: what the fleet is.
        account: who owns it.
        state: where its keys and sessions are kept.
        product: id or slug of the product that its devices join once they are claimed.
    """

    def __init__(
        self,
        plan: FleetPlan,
        account: CloudAccount,
        state: StateFolder | None = None,
        product: str | None = None,
    ) -> None:
        self.plan = plan
        self.devices: list[VirtualDevice] = []
        self.counters = DeviceCounters()
        self.claimed = 0
        self.claim_failures = 0
        self._account = account
        self._state = state
        self._timers = TimerHeap(asyncio.get_running_loop())
        self._product = product
        self._life = FleetLife(self._timers, Random(plan.seed))
        self._stored = list(_stored_or_new(plan, state))
        self._server_digest = b""
        self._to_claim: asyncio.Queue[int] = asyncio.Queue()
        self._save_waits = False

    @property
    def online(self) -> int:
        """Devices that are connected now."""
        return sum(device.state is DeviceState.ONLINE for device in self.devices)

    @property
    def asleep(self) -> int:
        """Devices that sleep now."""
        return sum(device.state is DeviceState.ASLEEP for device in self.devices)

    async def run(self, stop: asyncio.Event) -> None:
        """Runs the fleet until ``stop`` is set; keys and sessions are kept if there is a folder.

        Raises:
            AccountError: the server is away, or refuses to register a device or to take it into
                the product.
            FleetError: too few file descriptors, or the server's name is unknown.
        """
        _allow_descriptors(len(self._stored))
        server = await _find_server(self._account)
        self._make_devices(server)
        work = asyncio.create_task(self._work())
        ending = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((work, ending), return_when=asyncio.FIRST_COMPLETED)
        finally:
            work.cancel()
            ending.cancel()
            outcome = (await asyncio.gather(work, return_exceptions=True))[0]
            self._end()
        if isinstance(outcome, BaseExceptionGroup):
            raise outcome.exceptions[0]

    async def _work(self) -> None:
        numbers = iter(range(len(self.devices)))
        pace = _Pace(self.plan.connect_per_s)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(ACCOUNT_WORKERS):
                tasks.create_task(self._bring_up(numbers, pace))
                tasks.create_task(self._claim_devices())

    def _make_devices(self, server: ServerAddress) -> None:
        self._server_digest = sha256(server.public_key).digest()
        sessions = self._state.take_sessions() if self._state else {}
        now = self._timers.now()
        for number, stored in enumerate(self._stored):
            session = sessions.get(stored.device_id)
            if stored.server and stored.server != self._server_digest:
                self._note(number, server=b"", claimed=False)
                session = None
            self.devices.append(self._make_device(number, stored, server, session, now))
        self.claimed = sum(stored.claimed for stored in self._stored)

    def _make_device(
        self,
        number: int,
        stored: StoredDevice,
        server: ServerAddress,
        session: bytes | None,
        now: float,
    ) -> VirtualDevice:
        random = Random(stored.seed)
        plan = self.plan.of(number)
        conditions = plan.conditions
        generation = GENERATIONS[stored.generation]
        firmware = plan.make_firmware(stored.seed, now)
        if stored.image is not None:
            firmware.install(stored.image, names_product=generation.names_product)
        device = VirtualDevice(
            stored.identity(),
            firmware,
            server,
            self._timers,
            generation=generation,
            random=random,
            network=None if conditions.perfect else UnreliableNetwork(conditions, random),
            counters=self.counters,
            history_limit=0,
            session=session,
            on_online=lambda: self._came_online(number),
            habits=plan.updates,
            on_updated=lambda image: self._note_image(number, image),
        )
        device.updates.enabled = not plan.disables_updates(stored.seed)
        return device

    def _note_image(self, number: int, image: ImageFacts) -> None:
        """Keeps what a device runs now; the file is written a little later, for many at once."""
        self._note(number, image=image)
        if self._state and not self._save_waits:
            self._save_waits = True
            self._timers.call_after(SAVE_AFTER_S, self._save_devices)

    def _save_devices(self) -> None:
        self._save_waits = False
        if self._state:
            self._state.save_devices(self._stored)

    async def _bring_up(self, numbers: Iterator[int], pace: "_Pace") -> None:
        for number in numbers:
            if not self._stored[number].server:
                await self._account.register(self.devices[number].identity)
                self._note(number, server=self._server_digest)
            await pace.wait()
            self.devices[number].start()
            self._life.begin(self.devices[number], self.plan.of(number))

    def _came_online(self, number: int) -> None:
        self._life.came_online(self.devices[number], self.plan.of(number))
        if not self._stored[number].claimed:
            self._to_claim.put_nowait(number)

    async def _claim_devices(self) -> None:
        while True:
            number = await self._to_claim.get()
            if not self._stored[number].claimed:
                await self._claim(number)

    async def _claim(self, number: int) -> None:
        identity = self.devices[number].identity
        for attempt in range(CLAIM_ATTEMPTS):
            await asyncio.sleep(CLAIM_PAUSE_S * attempt)
            try:
                await self._account.claim(identity)
                await self._name(identity, self.plan.device_name(number + 1))
            except AccountError as error:
                trouble = error
                continue
            if self._product is not None:  # what is refused to one is refused to all: the end
                groups = self.plan.of(number).groups()
                await self._account.join(identity, self._product, groups)
            self._note(number, claimed=True)
            self.claimed += 1
            return
        self.claim_failures += 1
        log.warning("device %s was not claimed: %s", identity.text_id, trouble)

    async def _name(self, identity: VirtualIdentity, name: str) -> None:
        """Names a device; beside another fleet of the account, with the end of its id added."""
        try:
            await self._account.rename(identity, name)
        except NameTaken:
            await self._account.rename(identity, f"{name}-{identity.text_id[-4:]}")

    def _note(self, number: int, **facts: bool | bytes | ImageFacts) -> None:
        self._stored[number] = msgspec.structs.replace(self._stored[number], **facts)

    def _end(self) -> None:
        self._timers.close()
        # What the end itself cuts off is no failure of the server's: it is not counted.
        self.counters = replace(self.counters)
        sessions = {}
        for device in self.devices:
            device.stop()
            session = device.export_session()
            if session is not None:
                sessions[device.identity.device_id] = session
        if self._state:
            self._state.save_devices(self._stored)
            self._state.save_sessions(sessions)


class _Pace:
    """Lets at most so many pass per second."""

    def __init__(self, per_second: float) -> None:
        self._gap_s = 1 / per_second
        self._next = asyncio.get_running_loop().time()

    async def wait(self) -> None:
        now = asyncio.get_running_loop().time()
        slot = max(self._next, now)
        self._next = slot + self._gap_s
        await asyncio.sleep(slot - now)


def _stored_or_new(plan: FleetPlan, state: StateFolder | None) -> Iterator[StoredDevice]:
    known = state.load_devices() if state else []
    for number, (seed, generation) in enumerate(plan.device_seeds()):
        if number < len(known):
            yield known[number]
            continue
        platform_id = plan.of(number).platform_id
        identity = make_identity(platform_id, Random(seed))
        yield StoredDevice(identity.device_id, identity.private_der, platform_id, generation, seed)


def _allow_descriptors(devices: int) -> None:
    """Raises the soft limit of open files to what the fleet needs."""
    needed = devices + SPARE_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= needed or soft == resource.RLIM_INFINITY:
        return
    if hard not in (resource.RLIM_INFINITY,) and hard < needed:
        raise FleetError(
            f"{devices} devices need {needed} open files; this system allows {hard} (ulimit -Hn)"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


async def _find_server(account: CloudAccount) -> ServerAddress:
    endpoint = await account.find_endpoint()
    try:
        return await resolve(endpoint.host, endpoint.port, endpoint.public_key)
    except OSError as error:
        raise FleetError(f"the server's host {endpoint.host} is unknown: {error}") from error

"""One virtual device for a person who has no board yet, run by the server itself.

A trial is bounded in every way: one for each person, so many at once, and an end that comes by
itself. The device speaks to the server's real UDP socket like any other; only what a person would
do at a desk (registering its key, claiming it) is done by whoever made this object.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from roadstead.kit.clock import Clock
from roadstead.kit.errors import NotOffered, TooMany, Unavailable
from roadstead.simulator.cold_chain import Fridge
from roadstead.simulator.device import VirtualDevice
from roadstead.simulator.identity import VirtualIdentity, make_identity
from roadstead.simulator.port import ServerAddress
from roadstead.simulator.timers import TimerHeap

TRIAL_LASTS_S = 1800
"""How long a trial runs: long enough to look around, short enough to be forgotten."""

CONNECT_WITHIN_S = 15.0
"""A handshake on the same machine takes milliseconds; a busy one gets this long."""

REPORT_EVERY_S = 5.0
"""Seconds between two reports: often enough that somebody who looks sees something happen."""

PLATFORM_ID = 12
"""It passes for an Argon."""

FAREWELL_S = 1.0
"""From the goodbye to the end of the device: long enough to say it again if it was not heard."""

NEVER_S = 86_400.0
"""A device that is about to end goes to sleep for longer than it lives."""

Step = Callable[[VirtualIdentity], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial that runs.

    Attributes:
        device_id: 24 hex digits.
        online: whether the device is connected now.
        ends_at: when it ends by itself.
    """

    device_id: str
    online: bool
    ends_at: datetime


@dataclass(slots=True)
class _Running:
    device: VirtualDevice
    ends_at: datetime
    ending: asyncio.TimerHandle


class TrialDevices:
    """The trials of all people of one server; belongs to one running event loop.

    Args:
        clock: for the time of an end.
        limit: trials at once; 0 turns them off.
        lasts_s: length of a trial in seconds.
    """

    def __init__(self, clock: Clock, *, limit: int, lasts_s: float = TRIAL_LASTS_S) -> None:
        self._clock = clock
        self._limit = limit
        self._lasts_s = lasts_s
        self._running: dict[str, _Running | None] = {}
        self._timers: TimerHeap | None = None

    @property
    def offered(self) -> bool:
        """Whether there are trials at all."""
        return self._limit > 0

    def find(self, person: str) -> Trial | None:
        """The trial of a person that runs now."""
        running = self._running.get(person)
        if running is None:
            return None
        device = running.device
        return Trial(device.identity.text_id, device.online, running.ends_at)

    async def start(
        self, person: str, seed: int, server: ServerAddress, *, register: Step, claim: Step
    ) -> Trial:
        """Brings the person's device online and makes it theirs; one that runs is given again.

        Args:
            person: whose; any text.
            seed: of id and key; the same gives the same device, so it must be secret.
            server: where the device connects.
            register: makes its key known, before it connects.
            claim: makes it the person's, once it is online.

        Raises:
            NotOffered: ``simulated_devices_off``.
            TooMany: ``too_many_simulated_devices``; ``simulated_device_starting``.
            Unavailable: ``simulated_device_silent``: it did not get online.
            DomainError: what ``register`` and ``claim`` raise.
        """
        if (trial := self.find(person)) is not None:
            return trial
        self._reserve(person)
        device = None
        try:
            identity = make_identity(PLATFORM_ID, Random(seed))
            await register(identity)
            device = self._make(identity, server)
            device.start()
            await self._wait_until_online(device)
            await claim(identity)
        except BaseException:
            if device is not None:
                device.stop()
            self._running.pop(person, None)
            raise
        ending = asyncio.get_running_loop().call_later(self._lasts_s, self.stop, person)
        ends_at = self._clock.now() + timedelta(seconds=self._lasts_s)
        self._running[person] = _Running(device, ends_at, ending)
        return Trial(identity.text_id, device.online, ends_at)

    def stop(self, person: str) -> bool:
        """Ends the trial of a person; False when none runs. The device goes offline."""
        running = self._running.get(person)
        if running is None:
            return False
        del self._running[person]
        running.ending.cancel()
        # With a goodbye the server knows at once; without one it would wait for a sign of life.
        running.device.sleep(NEVER_S)
        asyncio.get_running_loop().call_later(FAREWELL_S, running.device.stop)
        return True

    def close(self) -> None:
        """Ends all trials."""
        for running in self._running.values():
            if running is not None:
                running.ending.cancel()
                running.device.stop()
        self._running.clear()
        if self._timers is not None:
            self._timers.close()
            self._timers = None

    def _reserve(self, person: str) -> None:
        if not self.offered:
            raise NotOffered(
                "simulated_devices_off",
                "This server runs no simulated devices; its operator turned them off "
                "(ROADSTEAD_SIMULATED_DEVICES). `roadstead simulate` runs them elsewhere.",
            )
        if person in self._running:
            raise TooMany("simulated_device_starting", "Your simulated device starts already.")
        if len(self._running) >= self._limit:
            raise TooMany(
                "too_many_simulated_devices",
                f"{self._limit} simulated devices run on this server, the limit. Try again in some "
                "minutes, or run your own with `roadstead simulate`.",
            )
        self._running[person] = None

    def _make(self, identity: VirtualIdentity, server: ServerAddress) -> VirtualDevice:
        if self._timers is None:
            self._timers = TimerHeap(asyncio.get_running_loop())
        random = Random(identity.text_id)
        firmware = Fridge(random, self._timers.now(), REPORT_EVERY_S)
        return VirtualDevice(identity, firmware, server, self._timers, history_limit=0)

    async def _wait_until_online(self, device: VirtualDevice) -> None:
        try:
            await device.connected(CONNECT_WITHIN_S)
        except TimeoutError:
            raise Unavailable(
                "simulated_device_silent",
                f"The simulated device did not get online within {CONNECT_WITHIN_S:g} s.",
            ) from None

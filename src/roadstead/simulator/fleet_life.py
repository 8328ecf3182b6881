"""What happens to the devices of a fleet by and by: sleep, moves, restarts."""

from collections.abc import Callable
from random import Random

from roadstead.simulator.connection import DeviceState
from roadstead.simulator.device import VirtualDevice
from roadstead.simulator.plan import FleetPlan
from roadstead.simulator.timers import TimerHeap

SPREAD = (0.7, 1.3)
"""Times of the plan vary by these factors, so that a fleet does not move in step."""

UNNOTICED_MOVES = 0.5
"""Share of moves of which the device knows nothing, as behind a NAT that forgot its mapping."""


class FleetLife:
    """Lets the plan's events happen to devices, each in its own rhythm.

    Args:
        plan: says what happens how often.
        timers: carry the rhythm; it ends when they are closed.
        random: spreads the times.
    """

    def __init__(self, plan: FleetPlan, timers: TimerHeap, random: Random) -> None:
        self._plan = plan
        self._timers = timers
        self._random = random

    def begin(self, device: VirtualDevice) -> None:
        """Takes a started device into the rhythm."""
        plan = self._plan
        if plan.sleep:
            self._every(plan.sleep.awake_s + plan.sleep.asleep_s, lambda: self._sleep(device))
        if plan.move_every_s:
            self._every(plan.move_every_s, lambda: self._move(device))
        if plan.reboot_every_s:
            self._every(plan.reboot_every_s, lambda: self._reboot(device))

    def _every(self, seconds: float, action: Callable[[], None]) -> None:
        def again() -> None:
            action()
            self._timers.call_after(seconds * self._random.uniform(*SPREAD), again)

        self._timers.call_after(seconds * self._random.random(), again)

    def _sleep(self, device: VirtualDevice) -> None:
        if self._plan.sleep and device.state is DeviceState.ONLINE:
            device.sleep(self._plan.sleep.asleep_s)

    def _move(self, device: VirtualDevice) -> None:
        if device.state is not DeviceState.ONLINE:
            return
        # Without a connection id a device that moved unnoticed cannot be recognised.
        if device.generation.connection_id and self._random.random() < UNNOTICED_MOVES:
            device.rebind()
        else:
            device.move()

    def _reboot(self, device: VirtualDevice) -> None:
        if device.state is DeviceState.ONLINE:
            device.reboot(lose_session=self._random.random() < self._plan.lose_session)

"""What happens to the devices of a fleet by and by: sleep, moves, restarts, faults."""

from collections.abc import Callable
from functools import partial
from random import Random

from roadstead.simulator.behaviour import DescribedFirmware, Happening
from roadstead.simulator.connection import DeviceState
from roadstead.simulator.device import VirtualDevice
from roadstead.simulator.firmware import Publication
from roadstead.simulator.plan import FleetPlan, SleepCycle
from roadstead.simulator.timers import TimerHeap

SPREAD = (0.7, 1.3)
"""Times of the plan vary by these factors, so that a fleet does not move in step."""

UNNOTICED_MOVES = 0.5
"""Share of moves of which the device knows nothing, as behind a NAT that forgot its mapping."""


class FleetLife:
    """Lets the plan's events happen to devices, each in its own rhythm.

    Args:
        timers: carry the rhythm; it ends when they are closed.
        random: spreads the times.
    """

    def __init__(self, timers: TimerHeap, random: Random) -> None:
        self._timers = timers
        self._random = random
        self._going_to_sleep: set[VirtualDevice] = set()

    def begin(self, device: VirtualDevice, plan: FleetPlan) -> None:
        """Takes a started device into the rhythm of its plan."""
        firmware = device.firmware
        if isinstance(firmware, DescribedFirmware):
            self._live(device, firmware)
            if firmware.kind.vitals_per_h and not plan.sleep:
                self._every(firmware.seconds(1 / firmware.kind.vitals_per_h), device.publish_vitals)
        elif plan.sleep:
            sleep = plan.sleep
            self._every(sleep.awake_s + sleep.asleep_s, lambda: self._sleep(device, sleep))
        if plan.move_every_s:
            self._every(plan.move_every_s, lambda: self._move(device))
        if plan.reboot_every_s:
            self._every(plan.reboot_every_s, lambda: self._reboot(device, plan.lose_session))

    def came_online(self, device: VirtualDevice, plan: FleetPlan) -> None:
        """A described device that sleeps says what it has to say, and goes to sleep again."""
        firmware = device.firmware
        if not isinstance(firmware, DescribedFirmware) or plan.sleep is None:
            return
        if device not in self._going_to_sleep:
            self._going_to_sleep.add(device)
            for publication in firmware.report():
                device.publish(publication)
            device.publish_vitals()
            self._timers.call_after(plan.sleep.awake_s, partial(self._doze, device, plan.sleep))

    def _doze(self, device: VirtualDevice, sleep: SleepCycle) -> None:
        if device.updates.running:  # an application that updates stays awake
            self._timers.call_after(sleep.awake_s, partial(self._doze, device, sleep))
            return
        self._going_to_sleep.discard(device)
        self._sleep(device, sleep, self._random.uniform(0.95, 1.05))

    def _every(self, seconds: float, action: Callable[[], None]) -> None:
        def again() -> None:
            action()
            self._timers.call_after(seconds * self._random.uniform(*SPREAD), again)

        self._timers.call_after(seconds * self._random.random(), again)

    def _sleep(self, device: VirtualDevice, sleep: SleepCycle, factor: float = 1.0) -> None:
        if device.state is DeviceState.ONLINE:
            device.sleep(sleep.asleep_s * factor)

    def _move(self, device: VirtualDevice) -> None:
        if device.state is not DeviceState.ONLINE:
            return
        # Without a connection id a device that moved unnoticed cannot be recognised.
        if device.generation.connection_id and self._random.random() < UNNOTICED_MOVES:
            device.rebind()
        else:
            device.move()

    def _reboot(self, device: VirtualDevice, lose_session: float) -> None:
        if device.state is DeviceState.ONLINE:
            device.reboot(lose_session=self._random.random() < lose_session)

    def _live(self, device: VirtualDevice, firmware: DescribedFirmware) -> None:
        """Draws what happens next, lets it happen, and draws again."""
        wait_s, happening = firmware.draw(self._timers.now())

        def go_on() -> None:
            if happening is not None:
                self._happen(device, firmware, happening)
            if not firmware.dead:
                self._live(device, firmware)

        self._timers.call_after(wait_s, go_on)

    def _happen(
        self, device: VirtualDevice, firmware: DescribedFirmware, happening: Happening
    ) -> None:
        if happening == "reset":
            firmware.restarted()
        if device.state is not DeviceState.ONLINE or device.updates.running:
            return
        if happening == "reset":
            device.reboot(reason="watchdog")
        elif happening == "reconnect":
            device.drop_connection()
        elif happening == "error":
            device.publish(Publication("device/error", b"simulated fault"))
        else:
            device.stop()
            self._timers.call_after(firmware.absence_s(happening), device.start)

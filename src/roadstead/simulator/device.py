"""One virtual device: an application on a connection."""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from random import Random

from roadstead.protocol.coap.message import Message
from roadstead.protocol.messages.describe import DescribeFlag
from roadstead.simulator import greeting
from roadstead.simulator.answers import ServerRequests
from roadstead.simulator.connection import Connection, DeviceState
from roadstead.simulator.counters import DeviceCounters
from roadstead.simulator.description import Profile
from roadstead.simulator.firmware import Firmware, Publication
from roadstead.simulator.generation import LATEST, Generation
from roadstead.simulator.identity import VirtualIdentity
from roadstead.simulator.module_image import ImageFacts
from roadstead.simulator.network import UnreliableNetwork
from roadstead.simulator.port import ServerAddress
from roadstead.simulator.publishing import Outcome, PublishedEvent, outcome_of
from roadstead.simulator.timers import TimerHeap
from roadstead.simulator.updating import DeviceUpdates, UpdateHabits

FAREWELL_S = 0.2
"""From the last word about an update to the restart, so that the word leaves."""

HISTORY_LIMIT = 1000
"""Published and received events that a device remembers for whoever asks."""


class VirtualDevice:
    """A device with an application; belongs to one running event loop.

    Attributes:
        identity, firmware, generation: what it is.
        published: its last events, oldest first.
        received: the last events it got, as (name, payload).
        calls: the last functions called, as (name, argument).
        counters: what it did.
        signalling: whether it shows the light signal.
        updates: how it takes firmware over the air.

    Args:
        server: where to connect.
        timers: shared by all devices of the loop.
        random: the device's source of chance (never of keys).
        network: what happens to its datagrams; None is a perfect network.
        counters: may be shared with others.
        history_limit: length of ``published``, ``received`` and ``calls``.
        session: an exported session to go on with.
        keep_alive_s: silence before a ping; None is the platform's own.
        on_online: called each time it has come online.
        habits: what happens to its updates.
        on_updated: called when it runs another image, before it restarts.
    """

    def __init__(
        self,
        identity: VirtualIdentity,
        firmware: Firmware,
        server: ServerAddress,
        timers: TimerHeap,
        *,
        generation: Generation = LATEST,
        random: Random | None = None,
        network: UnreliableNetwork | None = None,
        counters: DeviceCounters | None = None,
        history_limit: int = HISTORY_LIMIT,
        session: bytes | None = None,
        keep_alive_s: float | None = None,
        on_online: Callable[[], None] | None = None,
        habits: UpdateHabits | None = None,
        on_updated: Callable[[ImageFacts], None] | None = None,
    ) -> None:
        self.identity, self.firmware, self.generation = identity, firmware, generation
        self.counters = counters or DeviceCounters()
        self.published: deque[PublishedEvent] = deque(maxlen=history_limit)
        self.received: deque[tuple[str, bytes]] = deque(maxlen=history_limit)
        self.calls: deque[tuple[str, str]] = deque(maxlen=history_limit)
        self.signalling = False
        self._timers = timers
        self._on_online = on_online
        self._on_updated = on_updated
        self._waiters: list[asyncio.Future[None]] = []
        self._wake_at: float | None = None
        self._profile = Profile(identity, firmware, generation)
        random = random or Random(identity.text_id)
        self._connection = Connection(
            self._profile,
            server,
            timers,
            network,
            random,
            self.counters,
            keep_alive_s=identity.keep_alive_s if keep_alive_s is None else keep_alive_s,
            on_request=self._on_request,
            on_online=self._came_online,
            on_change=self._arm,
            on_broken=lambda: self.updates.interrupt(),
            consent=lambda: greeting.Consent(self.updates.enabled, self.updates.forced),
        )
        self.updates = DeviceUpdates(
            self._connection.channel,
            self._profile,
            random,
            timers.now,
            habits or UpdateHabits(),
            on_applied=self._run_anew,
            on_reset=lambda: self._later(lambda: self.reboot(reason="watchdog")),
            on_failed=lambda: self._later(self.drop_connection),
        )
        self._requests = ServerRequests(self, self._profile, self._connection.channel)
        if session is not None:
            self._connection.restore(session)

    @property
    def state(self) -> DeviceState:
        """Where the device is in its life."""
        return self._connection.state

    @property
    def online(self) -> bool:
        """Whether the application would call itself connected."""
        return self._connection.online

    async def connected(self, timeout_s: float = 30.0) -> None:
        """Waits until the device is online.

        Raises:
            TimeoutError: it was not within ``timeout_s``.
        """
        if not self.online:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await asyncio.wait_for(waiter, timeout_s)

    def start(self) -> None:
        """Switches the device on; nothing happens if its version has bricked it."""
        if self.state is DeviceState.OFF and not self.firmware.dead:
            self._connection.connect()
            self._arm()

    def stop(self) -> None:
        """Pulls the plug: no goodbye; the session stays for ``export_session`` or ``start``."""
        self._connection.stop()

    def export_session(self) -> bytes | None:
        """The session for a later device of the same identity; stop this one first."""
        return self._connection.export()

    def sleep(self, seconds: float) -> None:
        """Says goodbye, sleeps, and comes back with the same session."""
        self.counters.sleeps += 1
        self._connection.sleep(seconds)

    def move(self) -> None:
        """Disconnects and takes the session up again from another port, with the resume marker."""
        self.counters.moves += 1
        self._connection.reconnect()

    def rebind(self) -> None:
        """Gets a new source port without noticing, as behind a NAT that forgot its mapping."""
        self.counters.moves += 1
        self._connection.channel.change_port()

    def reboot(self, *, lose_session: bool = False, reason: str = "user") -> None:
        """Restarts; the session is kept in retained memory, or lost."""
        self.counters.reboots += 1
        self.updates.forced = False
        self._connection.restart(lose_session=lose_session, reason=reason)

    def allow_updates(self, allowed: bool) -> None:
        """The application agrees to updates, or does not; the server is told of a change."""
        if allowed != self.updates.enabled:
            self.updates.enabled = allowed
            if self.online:
                self._connection.request(greeting.flag_event(self.generation, "enabled", allowed))

    def publish(
        self, publication: Publication, on_outcome: Callable[[Outcome], None] | None = None
    ) -> PublishedEvent:
        """Publishes an event; while offline it fails at once, as on a device."""
        event = PublishedEvent(publication)
        self.published.append(event)
        settle = partial(self._settle, event, on_outcome)
        if not self.online or self.updates.running:
            settle(Outcome.FAILED)  # during an update a device publishes nothing
            return event
        self.counters.published += 1
        self._connection.request(
            greeting.event(publication, self.generation),
            lambda answer: settle(outcome_of(answer)),
            lambda: settle(Outcome.FAILED),
        )
        if not publication.confirmed:
            settle(Outcome.UNCONFIRMED)
        return event

    async def publish_and_wait(self, publication: Publication, timeout_s: float = 30.0) -> Outcome:
        """Publishes an event and waits for what becomes of it.

        Raises:
            TimeoutError: nothing became of it within ``timeout_s``.
        """
        settled: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def settle(outcome: Outcome) -> None:
            if not settled.done():
                settled.set_result(outcome)

        self.publish(publication, settle)
        return await asyncio.wait_for(settled, timeout_s)

    def publish_vitals(self) -> None:
        """Sends the vitals unasked, as an application may. Spec: device protocol notes §3.5.6."""
        if self.online:
            now = self._timers.now()
            self._connection.request(greeting.describe(self._profile, DescribeFlag.METRICS, now))

    def on_event(self, name: str, payload: bytes) -> None:
        """The server sent an event: system events first, then every matching subscription."""
        self.counters.received += 1
        self.received.append((name, payload))
        self._obey(name, payload)
        for subscription in self.firmware.subscriptions:
            if name.startswith(subscription.prefix):
                subscription.handler(name, payload)

    def on_call(self, name: str, argument: str) -> None:
        """The server called a function."""
        self.counters.calls += 1
        self.calls.append((name, argument))

    def on_signal(self, on: bool) -> None:
        """The server asked for the light signal."""
        self.signalling = on

    def shake_hands_anew(self) -> None:
        """Drops the session for a new one. Spec: device protocol notes §3.17."""
        self._connection.handshake_anew()

    def drop_connection(self) -> None:
        """Fails inside: connects again with the session that it has."""
        self._connection.drop()

    def touch(self) -> None:
        """Puts on the wire what was queued outside of a wake-up."""
        self._connection.touch()

    def now(self) -> float:
        """Monotonic seconds."""
        return self._timers.now()

    def _on_request(self, request: Message) -> None:
        if not self.updates.handle(request):
            self._requests.handle(request)

    def _came_online(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
        if self._on_online:
            self._on_online()

    def _obey(self, name: str, payload: bytes) -> None:
        """Does what a system event asks for. Spec: device protocol notes §3.16."""
        if name == "spark/device/reset" and payload == b"reboot":
            self._timers.call_after(0.0, self.reboot)
        elif name == "particle/device/updates/forced":
            forced = payload.startswith(b"t")
            if forced != self.updates.forced and self.online:
                self._connection.request(greeting.flag_event(self.generation, "forced", forced))
            self.updates.forced = forced

    def _run_anew(self, image: ImageFacts | None) -> None:
        """Restarts with another image, or with the former one if that did not work."""
        self.counters.updates += 1
        if image is not None:
            self.firmware.install(image, names_product=self.generation.names_product)
            if self._on_updated:
                self._on_updated(image)
        self._timers.call_after(FAREWELL_S, self._boot_after_update)

    def _boot_after_update(self) -> None:
        self.updates.forced = False
        if self.firmware.dead:
            self.counters.bricked += 1
            self.stop()
            return
        self._connection.restart(lose_session=False, reason="update", changed=True)

    def _later(self, action: Callable[[], None]) -> None:
        """Does something when the present message is dealt with."""
        self._timers.call_after(0.0, action)

    def _settle(
        self, event: PublishedEvent, on_outcome: Callable[[Outcome], None] | None, outcome: Outcome
    ) -> None:
        if event.outcome is not Outcome.PENDING:
            return
        event.outcome = outcome
        self.counters.count_outcome(outcome)
        if on_outcome:
            on_outcome(outcome)

    def _runs(self) -> bool:
        return self.state not in (DeviceState.OFF, DeviceState.ASLEEP)

    def _arm(self) -> None:
        times = [
            self._connection.next_timeout(),
            self.updates.next_timeout() if self._runs() else None,
            self.firmware.next_run() if self._runs() else None,
        ]
        deadline = min((time for time in times if time is not None), default=None)
        if deadline is not None and (self._wake_at is None or deadline < self._wake_at):
            self._wake_at = deadline
            self._timers.call_at(deadline, partial(self._wake, deadline))

    def _wake(self, armed_for: float) -> None:
        if self._wake_at != armed_for:
            return
        self._wake_at = None
        now = self._timers.now()
        self._connection.handle_timeout(now)
        self.updates.handle_timeout(now)
        due = self.firmware.next_run()
        if due is not None and now >= due and self._runs():
            for publication in self.firmware.run(now, self.online):
                self.publish(publication)
        self._arm()

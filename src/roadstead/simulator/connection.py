"""How a virtual device comes online, stays there, and comes back.

Spec: device protocol notes §1.7 (resume), §1.9 (what ends a session), §1.10 (keep-alive), §5.
"""

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from random import Random

from roadstead.protocol.coap.message import Message
from roadstead.simulator import greeting
from roadstead.simulator.channel import PING, Answer, Channel, Ending, Failure, Outgoing
from roadstead.simulator.counters import DeviceCounters
from roadstead.simulator.description import Profile
from roadstead.simulator.greeting import CONSENTS, Consent
from roadstead.simulator.network import UnreliableNetwork
from roadstead.simulator.port import DatagramPort, ServerAddress
from roadstead.simulator.timers import TimerHeap

RESUME_ATTEMPTS = 3
"""Resumes without a word of the server after which the session is given up.
Spec: device protocol notes §1.7 (MAXIMUM_SESSION_USES)."""

RECONNECT_S = 1.0
"""Pause before the second attempt to connect; doubles up to RECONNECT_LIMIT_S."""

RECONNECT_LIMIT_S = 60.0
"""A fleet that lost its server should not wait much longer than the server needs to come back."""

BOOT_S = 0.5
"""Time that a virtual device takes to start again."""


class DeviceState(StrEnum):
    """Where a device is in its life."""

    OFF = "off"
    WAITING = "waiting"
    CONNECTING = "connecting"
    GREETING = "greeting"
    ONLINE = "online"
    ASLEEP = "asleep"


class Connection:
    """One device's connection, from the first handshake through sleep, moves and losses.

    Attributes:
        state: where the device is.
        channel: its way to the server.

    Args:
        profile: what the device is.
        server: where to connect.
        timers: give the time and delay datagrams.
        network: what happens to datagrams; None is a perfect network.
        random: the device's source of chance.
        counters: what it did.
        keep_alive_s: silence before a ping.
        on_request: called with each request of the server.
        on_online: called each time the device has come online.
        on_change: called after anything that may have changed ``next_timeout``.
        on_broken: called when the way to the server ends, for whatever reason.
        consent: tells whether the device agrees to updates.
    """

    def __init__(
        self,
        profile: Profile,
        server: ServerAddress,
        timers: TimerHeap,
        network: UnreliableNetwork | None,
        random: Random,
        counters: DeviceCounters,
        *,
        keep_alive_s: float,
        on_request: Callable[[Message], None],
        on_online: Callable[[], None],
        on_change: Callable[[], None],
        on_broken: Callable[[], None] = lambda: None,
        consent: Callable[[], Consent] = lambda: CONSENTS,
    ) -> None:
        self.state = DeviceState.OFF
        self.on_request = on_request
        self._profile = profile
        self._now = timers.now
        self._random = random
        self._counters = counters
        self._keep_alive_s = keep_alive_s
        self._on_online = on_online
        self._on_change = on_change
        self._on_broken = on_broken
        self._consent = consent
        port = DatagramPort(server, self._on_datagram, timers, network)
        self.channel = Channel(
            profile.identity,
            profile.generation,
            server.public_key,
            self,
            port,
            timers.now,
            random,
        )
        self._reset_reason: str | None = "power_down"
        self._greeted = False
        self._changed = False
        self._unheard_resumes = 0
        self._unanswered = 0
        self._pause_s = RECONNECT_S
        self._connect_at: float | None = None
        self._heard_at = 0.0
        self._ping_waits = False

    @property
    def online(self) -> bool:
        """Whether the application would call itself connected."""
        return self.state is DeviceState.ONLINE

    def restore(self, session: bytes) -> None:
        """Takes up an exported session.

        Raises:
            ValueError: it is none.
        """
        self.channel.restore(session)
        self._greeted = True

    def export(self) -> bytes | None:
        """The session for a later device of the same identity, None without one."""
        return self.channel.export() if self._greeted else None

    def connect(self) -> None:
        """Goes online: with the session that there is, or by a handshake."""
        self._connect_at = None
        if self.channel.has_session and self._greeted and self._unheard_resumes < RESUME_ATTEMPTS:
            self.state = DeviceState.GREETING
            self._unheard_resumes += 1
            self._open(self.channel.resume)
            return
        self._unheard_resumes = 0
        self.state = DeviceState.CONNECTING
        self._open(self.channel.handshake)

    def stop(self) -> None:
        """Vanishes without goodbye; the session stays."""
        self._break_off()
        self._connect_at = None
        self.state = DeviceState.OFF

    def reconnect(self) -> None:
        """Drops the way and takes the session up again from another port, with the marker."""
        self._break_off()
        self.connect()
        self.touch()

    def restart(self, *, lose_session: bool, reason: str, changed: bool = False) -> None:
        """Boots: the session is kept in retained memory, or lost.

        Args:
            lose_session: whether it is lost.
            reason: why it boots, as it tells the server.
            changed: it runs something else now, and says Hello even on a kept session.
        """
        self._changed = self._changed or changed
        self._reset_reason = reason
        self._break_off()
        if lose_session:
            self.channel.forget()
        self._connect_after(BOOT_S)

    def handshake_anew(self) -> None:
        """Drops the session for a new one."""
        self._break_off()
        self.channel.forget()
        self._connect_after(0.0)

    def sleep(self, seconds: float) -> None:
        """Says goodbye where the generation does, sleeps, and comes back with the same session."""
        done = partial(self._fall_asleep, seconds)
        if self._profile.generation.says_goodbye:
            self.request(greeting.goodbye_sleep(round(seconds)), lambda _: done(), done)
        else:
            done()

    def drop(self) -> None:
        """Fails inside: connects again, after a pause, with the session that it has."""
        self._break_off()
        self.on_ended(Ending.SILENT)

    def request(
        self, message: Outgoing, on_answer: Answer | None = None, on_failure: Failure | None = None
    ) -> None:
        """Sends a message of the device."""
        self.channel.request(message, on_answer, on_failure)
        self.touch()

    def touch(self) -> None:
        """Puts on the wire what was queued."""
        self.channel.flush()
        self._on_change()

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` wants to be called."""
        if self.state is DeviceState.OFF:
            return None
        times = [self._connect_at, self.channel.next_timeout()]
        if self.online and not self._ping_waits:
            times.append(self._heard_at + self._keep_alive_s)
        return min((time for time in times if time is not None), default=None)

    def handle_timeout(self, now: float) -> None:
        """Does what is due: connects, sends again, keeps alive."""
        if self._connect_at is not None and now >= self._connect_at:
            self.connect()
        self.channel.handle_timeout(now)
        if self.online and not self._ping_waits and now >= self._heard_at + self._keep_alive_s:
            self._ping_waits = True
            self.channel.request(PING, self._ping_answered)
            self.channel.flush()

    def on_secured(self) -> None:
        """A new session stands: says hello on it."""
        self._counters.handshakes += 1
        self._greeted = False
        self.state = DeviceState.GREETING
        self.channel.request(greeting.hello(self._profile), self._hello_answered)

    def on_heard(self) -> None:
        """A message of the server arrived."""
        self._heard_at = self._now()
        self._unheard_resumes = 0

    def on_ended(self, ending: Ending) -> None:
        """The way to the server ended: comes back after a pause."""
        self._on_broken()
        self._counters.connection_losses += 1
        self._connect_after(self._pause_s * self._random.uniform(0.8, 1.2))
        self._pause_s = min(self._pause_s * 2, RECONNECT_LIMIT_S)

    def _on_datagram(self, datagram: bytes) -> None:
        self.channel.receive(datagram)
        self._on_change()

    def _open(self, begin: Callable[[], None]) -> None:
        try:
            begin()
        except OSError:
            self.channel.suspend()
            self.on_ended(Ending.NO_NETWORK)
            return
        if self.state is DeviceState.GREETING:
            if self._changed:
                self.channel.request(greeting.hello(self._profile), self._hello_answered)
            else:
                self.channel.request(PING, self._resume_answered)
            self.channel.flush()

    def _hello_answered(self, answer: Message | None) -> None:
        burst = greeting.first_burst(
            self._profile, self._reset_reason, self._now(), self._consent()
        )
        self._greeted, self._changed = True, False
        self._send_burst(burst)

    def _resume_answered(self, answer: Message | None) -> None:
        self._counters.resumes += 1
        generation = self._profile.generation
        self._send_burst(greeting.resume_burst(generation, self._reset_reason, self._consent()))

    def _send_burst(self, burst: list[Outgoing]) -> None:
        """Sends all at once; the device is online when the last is acknowledged."""
        self._reset_reason = None
        self._unanswered = len(burst)
        for message in burst:
            self.channel.request(message, self._one_answered)

    def _one_answered(self, answer: Message | None) -> None:
        self._unanswered -= 1
        if self._unanswered == 0 and self.state is DeviceState.GREETING:
            self.state = DeviceState.ONLINE
            self._pause_s = RECONNECT_S
            self._ping_waits = False
            self._on_online()

    def _break_off(self) -> None:
        self.channel.suspend()
        self._on_broken()

    def _ping_answered(self, answer: Message | None) -> None:
        self._ping_waits = False

    def _connect_after(self, seconds: float) -> None:
        self.state = DeviceState.WAITING
        self._connect_at = self._now() + seconds
        self._on_change()

    def _fall_asleep(self, seconds: float) -> None:
        if self.online:
            self._break_off()
            self._connect_after(seconds)
            self.state = DeviceState.ASLEEP

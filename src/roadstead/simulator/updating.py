"""How a virtual device takes firmware over the air: either transfer, and what becomes of it.

Spec: device protocol notes §4.1, §4.2, §4.5.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from roadstead.protocol.coap.message import Message
from roadstead.protocol.transfer import replies
from roadstead.protocol.transfer.classic_device import ClassicDeviceTransfer
from roadstead.protocol.transfer.current_device import CurrentDeviceTransfer
from roadstead.simulator.channel import Channel, Outgoing
from roadstead.simulator.description import MAX_BINARY_BYTES, Profile
from roadstead.simulator.module_image import (
    ERROR_CHECKSUM,
    ERROR_DEPENDENCY,
    ImageFacts,
    ImageRefused,
    read_image,
)


@dataclass(frozen=True, slots=True)
class UpdateHabits:
    """What happens to a device's updates; each share is 0 to 1.

    Attributes:
        damage: of updates whose file the device finds damaged at the end.
        reset: of updates in the middle of which the device is reset.
        fall_back: of updates after which the device runs what it ran before.
    """

    damage: float = 0.0
    reset: float = 0.0
    fall_back: float = 0.0

    def __post_init__(self) -> None:
        for name in ("damage", "reset", "fall_back"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a share between 0 and 1")


class DeviceUpdates:
    """The update part of one device's conversation.

    Attributes:
        habits: may be exchanged at any time.
        enabled: what the application decided; kept over restarts, as the application decides again.
        forced: what the server decided; lost with a restart.
        begun: updates that the device took the offer of.
        chunks: messages with content that arrived, repetitions included.

    Args:
        on_applied: called with what the device runs after its restart; None when it falls back.
        on_reset: called when the device is reset in the middle.
        on_failed: called when the device drops the connection after a failed update.
    """

    def __init__(
        self,
        channel: Channel,
        profile: Profile,
        random: Random,
        now: Callable[[], float],
        habits: UpdateHabits,
        *,
        on_applied: Callable[[ImageFacts | None], None],
        on_reset: Callable[[], None],
        on_failed: Callable[[], None],
    ) -> None:
        self.habits = habits
        self.enabled = True
        self.forced = False
        self.begun = 0
        self.chunks = 0
        self._channel = channel
        self._profile = profile
        self._random = random
        self._now = now
        self._on_applied = on_applied
        self._on_reset = on_reset
        self._on_failed = on_failed
        self._image: ImageFacts | None = None
        self._was_running = False
        self._reset_after: int | None = None
        self._transfer = self._make_transfer(None)

    @property
    def running(self) -> bool:
        """Whether an update is under way: the device publishes nothing meanwhile."""
        return self._transfer.running

    def handle(self, request: Message) -> bool:
        """Takes a request of the server; False if it has nothing to do with updates."""
        self._transfer.accepts = self.enabled or self.forced
        if not self._transfer.receive(request, self._now()):
            return False
        self._note_beginning()
        if self._transfer.running and request.payload and self._count_chunk():
            self._on_reset()
            return True
        self._settle()
        return True

    def interrupt(self) -> None:
        """The connection or the device begins anew: the current transfer keeps what it has."""
        former = self._transfer
        partial = former.partial() if isinstance(former, CurrentDeviceTransfer) else None
        self._transfer = self._make_transfer(partial)
        self._was_running = False

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` wants to be called."""
        return self._transfer.next_timeout()

    def handle_timeout(self, now: float) -> None:
        """Reports late, or gives up."""
        due = self._transfer.next_timeout()
        if due is not None and now >= due:
            self._transfer.handle_timeout(now)
            self._settle()
            self._channel.flush()

    def _make_transfer(
        self, partial: replies.Partial | None
    ) -> CurrentDeviceTransfer | ClassicDeviceTransfer:
        if self._profile.generation.takes_current_transfer:
            return CurrentDeviceTransfer(
                max_file_bytes=MAX_BINARY_BYTES, validate=self._validate, partial=partial
            )
        return ClassicDeviceTransfer(max_file_bytes=MAX_BINARY_BYTES, validate=self._validate)

    def _note_beginning(self) -> None:
        running = self._transfer.running
        if running and not self._was_running:
            self.begun += 1
            resets = self._random.random() < self.habits.reset
            self._reset_after = self.chunks + self._random.randrange(4, 40) if resets else None
        self._was_running = running

    def _count_chunk(self) -> bool:
        """Whether the device is reset now."""
        self.chunks += 1
        if self._reset_after is None or self.chunks < self._reset_after:
            return False
        self._reset_after = None
        return True

    def _validate(self, file: bytes) -> int:
        if self._random.random() < self.habits.damage:
            return ERROR_CHECKSUM
        try:
            image = read_image(file, self._profile.identity.platform_id)
        except ImageRefused as refused:
            return refused.code
        if self._profile.firmware.refuses(image):
            return ERROR_CHECKSUM
        generation = self._profile.generation
        lacks = image.system_version_needed() > generation.system_version
        if lacks and generation.checks_modules:
            return ERROR_DEPENDENCY
        self._image = image
        return 0

    def _settle(self) -> None:
        for reply in self._transfer.to_send():
            match reply:
                case replies.Acknowledge(message):
                    self._channel.acknowledge(message)
                case replies.Refuse(message):
                    self._channel.refuse(message)
                case replies.Report(draft, confirmable):
                    self._channel.request(Outgoing(draft, confirmable=confirmable))
                case replies.Respond(message, draft, separate, closing):
                    confirmed = self._confirmed if closing else None
                    self._channel.respond(message, draft, separate=separate, on_confirmed=confirmed)
        self._tell_events()

    def _confirmed(self) -> None:
        if isinstance(self._transfer, CurrentDeviceTransfer):
            self._transfer.confirmed()
            self._tell_events()

    def _tell_events(self) -> None:
        while (event := self._transfer.next_event()) is not None:
            self._was_running = False
            if isinstance(event, replies.Applied):
                falls_back = self._random.random() < self.habits.fall_back
                # The last answer leaves before the device restarts.
                self._channel.flush()
                self._on_applied(None if falls_back else self._image)
            elif event.disconnects:
                self._channel.flush()
                self._on_failed()

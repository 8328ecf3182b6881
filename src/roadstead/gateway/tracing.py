"""How far did this device get? The last steps of each device, in memory, for ``roadstead doctor``.

Written where steps happen that are rare: a handshake, a Hello, a describe, coming and going. Never
for events, whose number would push out everything else.
"""

from collections import OrderedDict, deque
from typing import Any

from roadstead.gateway.connection import Connection
from roadstead.gateway.udp_socket import Address, show_host
from roadstead.kit.clock import Clock

TRACED_DEVICES = 2000
"""Devices whose steps are kept, the ones that stepped last; about 1 kB each."""

STEPS_KEPT = 12
"""Steps kept of one device: two full connections."""

STRANGERS_KEPT = 20
"""Refused keys and failed handshakes kept that belong to no known device."""

ADDRESSES_KEPT = 2000
"""Handshakes under way whose device is known by its key but not yet proven."""


class DeviceTraces:
    """The last steps of devices; bounded, forgotten with the process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._steps: OrderedDict[str, deque[tuple[int, str, str]]] = OrderedDict()
        self._strangers: deque[tuple[int, str, str]] = deque(maxlen=STRANGERS_KEPT)
        self._offered: OrderedDict[Address, str] = OrderedDict()

    def note(self, device_id: str, step: str, detail: str = "") -> None:
        """Notes one step of a device.

        Args:
            device_id: empty for a device without a registered key.
            step: one word of ``doctor``'s vocabulary, as ``hello``.
            detail: a short phrase; never a secret.
        """
        line = (self._now_ms(), step, detail)
        if not device_id:
            self._strangers.append(line)
            return
        kept = self._steps.get(device_id)
        if kept is None:
            kept = self._steps[device_id] = deque(maxlen=STEPS_KEPT)
            if len(self._steps) > TRACED_DEVICES:
                self._steps.popitem(last=False)
        else:
            self._steps.move_to_end(device_id)
        kept.append(line)

    def on_key_offered(self, device_id: str, address: Address) -> None:
        """A handshake named the registered key of this device; nothing is proven yet."""
        self._offered[address] = device_id
        if len(self._offered) > ADDRESSES_KEPT:
            self._offered.popitem(last=False)
        self.note(device_id, "key_offered", f"from {show_host(address)}")

    def on_key_refused(self, digest: str, address: Address) -> None:
        """A handshake named a key that is nobody's (SHA-256 in hexadecimal)."""
        self.note("", "key_refused", f"key {digest} from {show_host(address)}")

    def on_handshake_failed(self, address: Address, reason: str) -> None:
        """A handshake from this address ended without a session."""
        device_id = self._offered.pop(address, "")
        if device_id or reason != "key_refused":
            self.note(device_id, "handshake_failed", f"{reason} from {show_host(address)}")

    def on_session(self, device_id: str, address: Address) -> None:
        """The handshake is done and its session kept."""
        self._offered.pop(address, None)
        self.note(device_id, "session", f"from {show_host(address)}")

    def describe(self, device_id: str, connection: Connection | None) -> dict[str, Any]:
        """What is known of a device here, as a JSON document.

        ``steps`` and ``strangers`` are lists of ``[ms since 1970, step, detail]``, oldest first;
        ``session`` is None without one.
        """
        return {
            "steps": [list(line) for line in self._steps.get(device_id, ())],
            "strangers": [list(line) for line in self._strangers],
            "session": None if connection is None else self._describe_session(connection),
        }

    def _describe_session(self, connection: Connection) -> dict[str, Any]:
        state = connection.state
        return {
            "online": state.online,
            "hello": state.hello is not None,
            "described": state.functions is not None,
            "safe_mode": state.safe_mode,
            "quarantined": state.muted,
            "subscriptions": len(state.subscriptions),
            "events_received": connection.events_received,
            "silent_s": round(self._clock.monotonic() - connection.heard_at, 1),
            "taken_over": connection.taken_over,
            "address": show_host(connection.session.address),
        }

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)

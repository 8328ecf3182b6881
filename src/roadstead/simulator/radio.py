"""How devices are connected, and what that costs: loss, delay, and a slower installation."""

from dataclasses import dataclass
from typing import Final, Literal

Radio = Literal["wifi", "cellular", "ethernet"]


@dataclass(frozen=True, slots=True)
class RadioTraits:
    """One way to be connected.

    Attributes:
        loss: share of datagrams that never arrive.
        delay_ms: least time on the way, one direction.
        reorder: share of datagrams that later ones overtake.
        loses_messages: share of messages that stay unacknowledged for it.
        install_times: how much longer an installation takes than over Wi-Fi.
        strength: weakest and strongest usual signal, percent.
    """

    loss: float
    delay_ms: float
    reorder: float
    loses_messages: float
    install_times: float
    strength: tuple[float, float]


RADIOS: Final[dict[Radio, RadioTraits]] = {
    "wifi": RadioTraits(0.005, 10.0, 0.002, 0.0, 1.0, (30.0, 90.0)),
    "cellular": RadioTraits(0.02, 120.0, 0.01, 0.01, 3.0, (15.0, 75.0)),
    "ethernet": RadioTraits(0.0, 2.0, 0.0, 0.0, 0.7, (95.0, 100.0)),
}

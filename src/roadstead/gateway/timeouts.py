"""How long a silent device still counts as online.

A device sends a keep-alive when nothing was received for an interval that depends on the network
behind it: 25 s on Wi-Fi and Ethernet, 23 min on cellular. It is offline after about two of them.
Source: Device OS 6.2, cloud connection settings; device protocol notes §1.10.
"""

CELLULAR_PLATFORMS = frozenset({10, 13, 15, 23, 25, 26, 28, 35, 37, 42})
"""Platform ids that may be connected by a cellular network: Electron, Boron, E SoM X, B SoM,
B5 SoM, Tracker, TrackerM, M SoM, Electron 2, Tachyon. M SoM also has Wi-Fi; the longer time is
kept, as a false "offline" costs more than a late one."""

SHORT_TIMEOUT_S = 60.0
"""Two keep-alives of 25 s and their retransmissions: Wi-Fi, Ethernet and the virtual device."""

CELLULAR_TIMEOUT_S = 46 * 60.0
"""Two keep-alives of 23 min."""


def silence_timeout_s(platform_id: int) -> float:
    """Seconds of silence after which a device of this platform counts as offline."""
    return CELLULAR_TIMEOUT_S if platform_id in CELLULAR_PLATFORMS else SHORT_TIMEOUT_S

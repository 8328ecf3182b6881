"""The hardware, by platform id. Spec: device protocol notes §0, §4.4; client notes §7."""

from dataclasses import dataclass
from typing import Final

CORE: Final = 0
VIRTUAL: Final = 3
PHOTON: Final = 6
P1: Final = 8
ELECTRON: Final = 10
ARGON: Final = 12
BORON: Final = 13
E_SOM_X: Final = 15
A_SOM: Final = 22
B_SOM: Final = 23
B5_SOM: Final = 25
TRACKER: Final = 26
TRACKER_M: Final = 28
P2: Final = 32
M_SOM: Final = 35
XENON: Final = 14


@dataclass(frozen=True, slots=True)
class Platform:
    """One kind of hardware.

    Attributes:
        name: as tools write it.
        user_address: where a user module lies in flash; on platforms with ``grows_down`` where the
            room for it ends.
        user_index: index of the user module.
        system_index: index of the system part that a user module needs.
        system_version: version of that part which a module needs unless told otherwise.
        grows_down: the module lies below ``user_address``, on a page of 4096 bytes, and tells its
            place in extension records.
    """

    name: str
    user_address: int
    user_index: int = 1
    system_index: int = 1
    system_version: int = 5301
    grows_down: bool = False


_GEN3_ADDRESS: Final = 0x000B4000
_RTL_END: Final = 0x08600000

PLATFORMS: Final[dict[int, Platform]] = {
    CORE: Platform("core", 0x08005000, system_version=1),
    VIRTUAL: Platform("gcc", 0x000D0000),
    PHOTON: Platform("photon", 0x080A0000, 1, 2, 1),
    P1: Platform("p1", 0x080A0000, 1, 2, 1),
    ELECTRON: Platform("electron", 0x080C0000, 1, 2, 1),
    ARGON: Platform("argon", _GEN3_ADDRESS, 2),
    BORON: Platform("boron", _GEN3_ADDRESS, 2),
    XENON: Platform("xenon", _GEN3_ADDRESS, 2),
    E_SOM_X: Platform("esomx", _GEN3_ADDRESS, 2),
    A_SOM: Platform("asom", _GEN3_ADDRESS, 2),
    B_SOM: Platform("bsom", _GEN3_ADDRESS, 2),
    B5_SOM: Platform("b5som", _GEN3_ADDRESS, 2),
    TRACKER: Platform("tracker", _GEN3_ADDRESS, 2),
    TRACKER_M: Platform("trackerm", _RTL_END, grows_down=True),
    P2: Platform("p2", _RTL_END, grows_down=True),
    M_SOM: Platform("msom", _RTL_END, grows_down=True),
}


def platform_name(platform_id: int) -> str:
    """The name of a platform, or ``platform 99`` for one that is not known."""
    platform = PLATFORMS.get(platform_id)
    return platform.name if platform else f"platform {platform_id}"

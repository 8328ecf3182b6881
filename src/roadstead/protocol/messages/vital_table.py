"""Names and forms of the diagnostics that devices report.

Spec: device protocol notes §3.5.6; Device OS 6.2 diagnostics.
"""

from enum import Enum, auto
from typing import Final


class VitalForm(Enum):
    """How the 32 bits of a value are read."""

    SIGNED = auto()
    UNSIGNED = auto()
    UNSIGNED_8_8 = auto()
    """Fixed point, 8 bits behind the point: percent."""
    SIGNED_16_16 = auto()
    """Fixed point, 16 bits behind the point: dB or dBm."""


_S, _U = VitalForm.SIGNED, VitalForm.UNSIGNED
_PERCENT, _DECIBEL = VitalForm.UNSIGNED_8_8, VitalForm.SIGNED_16_16

VITALS: Final[dict[int, tuple[str, VitalForm]]] = {
    1: ("sys:reset", _S),
    2: ("mem:free", _U),
    3: ("batt:soc", _PERCENT),
    4: ("sys:loop", _S),
    5: ("app:loop", _S),
    6: ("sys:uptime", _U),
    7: ("batt:state", _S),
    8: ("net:stat", _S),
    9: ("net:err", _S),
    10: ("cloud:stat", _S),
    12: ("net:dconn", _U),
    13: ("cloud:err", _S),
    14: ("cloud:dconn", _U),
    15: ("net:ip:addr", _U),
    16: ("net:ip:gw", _U),
    17: ("net:flags", _U),
    18: ("net:cntry", _S),
    19: ("net:rssi", _S),
    20: ("pub:limit", _U),
    21: ("coap:retransmit", _U),
    22: ("coap:unack", _U),
    23: ("coap:transmit", _U),
    24: ("pwr:src", _S),
    25: ("sys:tram", _U),
    26: ("sys:uram", _U),
    27: ("net:connatt", _U),
    28: ("net:dconnrsn", _S),
    29: ("cloud:connatt", _U),
    30: ("cloud:dconnrsn", _S),
    31: ("coap:roundtrip", _U),
    33: ("net:sigstr", _PERCENT),
    34: ("net:sigqual", _PERCENT),
    35: ("net:sigqualv", _DECIBEL),
    36: ("net:at", _S),
    37: ("net:sigstrv", _DECIBEL),
    40: ("net:cell:cgi:mcc", _S),
    41: ("net:cell:cgi:mnc", _S),
    42: ("net:cell:cgi:lac", _U),
    43: ("net:cell:cgi:ci", _U),
    44: ("cloud:connif", _S),
    45: ("net:alt:sigstrv", _DECIBEL),
    46: ("net:alt:sigstr", _PERCENT),
    47: ("net:alt:sigqual", _PERCENT),
    48: ("net:alt:sigqualv", _DECIBEL),
    49: ("net:alt:at", _S),
    60: ("sys:protected", _S),
}
"""Name and form by id; a negative ``net:cell:cgi:mnc`` means a code of two digits."""

USER_VITALS_FROM: Final = 0x8000
"""First id that an application may define."""

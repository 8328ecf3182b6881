"""The words of the enumerations in vitals. Source: particle cloud notes §3.7.3, §3.7.4."""

from collections.abc import Mapping

BATTERY_STATES: Mapping[int, str] = {
    0: "unknown",
    1: "not_charging",
    2: "charging",
    3: "charged",
    4: "discharging",
    5: "fault",
    6: "disconnected",
}

NETWORK_STATES: Mapping[int, str] = {
    0: "off",
    1: "turning_on",
    2: "disconnected",
    3: "connecting",
    4: "connected",
    5: "disconnecting",
    7: "turning_off",
}

CLOUD_STATES: Mapping[int, str] = {
    0: "disconnected",
    1: "connecting",
    2: "connected",
    3: "disconnecting",
}

POWER_SOURCES: Mapping[int, str] = {
    0: "unknown",
    1: "VIN",
    2: "USB host",
    3: "USB adapter",
    4: "USB OTG",
    5: "battery",
}

NETWORK_DISCONNECT_REASONS: Mapping[int, str] = {
    0: "none",
    1: "error",
    2: "user",
    3: "network_off",
    4: "listening",
    5: "sleep",
    6: "reset",
    7: "unknown",
}

CLOUD_DISCONNECT_REASONS: Mapping[int, str] = {
    0: "none",
    1: "error",
    2: "user",
    3: "network_disconnect",
    4: "listening",
    5: "system_reset",
    6: "sleep",
    7: "unknown",
    8: "server_moved",
}

RESET_REASONS: Mapping[int, str] = {
    0: "none",
    10: "unknown",
    20: "pin_reset",
    30: "power_management",
    40: "power_down",
    50: "power_brownout",
    60: "watchdog",
    70: "update",
    80: "update_error",
    90: "update_timeout",
    100: "factory_reset",
    110: "safe_mode",
    120: "dfu_mode",
    130: "panic",
    140: "user",
    150: "config_update",
}
"""Source: device protocol notes §3.18 and the words of §5.1."""

INTERFACES: Mapping[int, str] = {
    0: "all",
    1: "loopback",
    3: "ethernet",
    4: "cellular",
    5: "wifi_sta",
    6: "wifi_ap",
}

WIFI = 1

ACCESS_TECHNOLOGIES: Mapping[int, str] = {
    0: "none",
    WIFI: "Wi-Fi",
    2: "GSM",
    3: "EDGE",
    4: "UMTS",
    5: "CDMA",
    6: "LTE",
    7: "802.15.4",
    8: "LTE Cat-M1",
    9: "LTE Cat-NB1",
}

RADIO_TECHNOLOGIES: Mapping[int, str] = {
    2: "GSM",
    3: "EDGE",
    4: "UMTS",
    5: "CDMA",
    6: "LTE",
    8: "LTE",
    9: "LTE",
}
"""Technologies of a modem, without the category."""

STRENGTH_TYPES: Mapping[int, str] = {
    WIFI: "RSSI",
    2: "RXLEV",
    3: "RXLEV",
    4: "RSCP",
    5: "RSSI",
    6: "RSRP",
    7: "RSSI",
    8: "RSRP",
    9: "RSRP",
}
"""What the signal strength in dBm measures, by technology."""

QUALITY_TYPES: Mapping[int, str] = {
    WIFI: "SNR",
    2: "RXQUAL",
    3: "RXQUAL",
    4: "ECN0",
    5: "ECN0",
    6: "RSRQ",
    8: "RSRQ",
    9: "RSRQ",
}
"""What the signal quality in dB measures, by technology."""

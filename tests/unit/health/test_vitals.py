import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadstead.health.vitals import document
from roadstead.protocol.messages.vitals import decode_vitals, encode_vitals

SERVICE = {"device": {"status": "ok"}, "cloud": {"uptime": 2, "publish": {"sent": 2}}}


def shown(*entries: tuple[int, int] | tuple[int, int, bool]) -> dict:
    """The device's part of the document for (id, raw value[, is an error])."""
    encoded = encode_vitals((*entry, False)[:3] for entry in entries)
    return document(decode_vitals(encoded), SERVICE)["device"]


def test_a_boron_is_shown_as_the_public_api_shows_it():
    device = shown(
        *((36, 8), (33, round(88.3 * 256)), (37, -77 * 65536)),
        *((34, round(45.8 * 256)), (35, -11 * 65536)),
        *((40, 310), (41, 410), (42, 3339), (43, 205)),
        *((8, 4), (9, 0), (12, 0), (27, 1), (28, 7)),
        *((10, 2), (13, 0), (29, 1), (14, 0), (30, 0)),
        *((23, 10), (21, 4), (22, 1), (31, 872), (20, 0)),
        *((3, round(72.5 * 256)), (7, 2), (24, 2)),
        *((6, 99), (26, 73976), (25, 167688)),
    )
    assert device == {
        "network": {
            "cellular": {
                "radio_access_technology": "LTE",
                "cell_global_identity": {
                    "mobile_country_code": 310,
                    "mobile_network_code": "410",
                    "location_area_code": 3339,
                    "cell_id": 205,
                },
            },
            "signal": {
                "at": "LTE Cat-M1",
                "strength": 88.3,
                "strength_units": "%",
                "strengthv": -77,
                "strengthv_units": "dBm",
                "strengthv_type": "RSRP",
                "quality": 45.8,
                "quality_units": "%",
                "qualityv": -11,
                "qualityv_units": "dB",
                "qualityv_type": "RSRQ",
            },
            "connection": {
                "status": "connected",
                "error": 0,
                "disconnects": 0,
                "attempts": 1,
                "disconnect_reason": "unknown",
            },
        },
        "cloud": {
            "connection": {
                "status": "connected",
                "error": 0,
                "attempts": 1,
                "disconnects": 0,
                "disconnect_reason": "none",
            },
            "coap": {"transmit": 10, "retransmit": 4, "unack": 1, "round_trip": 872},
            "publish": {"rate_limited": 0},
        },
        "power": {"battery": {"charge": 72.5, "state": "charging"}, "source": "USB host"},
        "system": {"uptime": 99, "memory": {"used": 73976, "total": 167688}},
    }


def test_the_servers_own_part_stands_beside_the_devices():
    assert document([], SERVICE) == {"device": {}, "service": SERVICE}


def test_a_value_that_the_device_does_not_have_is_shown_with_its_error():
    device = shown((3, -210, True), (24, -100, True), (33, -1, True), (36, 6))
    assert device["power"] == {"battery": {"charge": {"err": -210}}, "source": {"err": -100}}
    signal = device["network"]["signal"]
    assert signal == {"at": "LTE", "strength": {"err": -1}, "strength_units": "%"}


@pytest.mark.parametrize(
    ("raw", "code"), [(410, "410"), (1, "001"), (-1, "01"), (-26, "26"), (0, "000")]
)
def test_a_network_code_keeps_its_digits(raw, code):
    identity = shown((41, raw))["network"]["cellular"]["cell_global_identity"]
    assert identity == {"mobile_network_code": code}


@pytest.mark.parametrize(
    ("technology", "strength_type", "quality_type", "radio"),
    [
        (1, "RSSI", "SNR", None),
        (2, "RXLEV", "RXQUAL", "GSM"),
        (4, "RSCP", "ECN0", "UMTS"),
        (9, "RSRP", "RSRQ", "LTE"),
        (0, None, None, None),
        (77, None, None, None),
    ],
)
def test_what_a_signal_measures_depends_on_the_technology(
    technology, strength_type, quality_type, radio
):
    network = shown((36, technology), (37, -60 << 16), (35, 20 << 16))["network"]
    assert network["signal"].get("strengthv_type") == strength_type
    assert network["signal"].get("qualityv_type") == quality_type
    assert network.get("cellular", {}).get("radio_access_technology") == radio


@pytest.mark.parametrize(
    ("entries", "word"),
    [
        (((44, 3),), "ethernet"),
        (((44, 4), (36, 8)), "cellular"),
        (((44, 5), (36, 1)), "wifi_sta"),
        (((44, 4), (36, 1)), "wifi_sta"),
        (((44, 99),), 99),
    ],
)
def test_the_interface_is_named_also_on_platforms_with_wifi_alone(entries, word):
    assert shown(*entries)["cloud"]["connection"]["interface"] == word


def test_the_second_interface_has_a_place_of_its_own():
    network = shown((49, 1), (46, 50 << 8), (45, -60 << 16))["network"]
    assert network["alternate"]["signal"]["strengthv_type"] == "RSSI"
    assert "signal" not in network


def test_nothing_that_a_device_reports_is_lost():
    device = shown((1, 130), (2, 1000), (60, 1), (39, 5), (0x9001, 7), (7, 99))
    assert device["other"] == {"mem:free": 1000, "sys:protected": 1, "39": 5, "36865": 7}
    assert device["system"] == {"reset_reason": "panic"}
    assert device["power"]["battery"]["state"] == 99


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)), max_size=40))
def test_whatever_a_device_reports_has_a_json_document(entries):
    encoded = encode_vitals((number, raw, False) for number, raw in entries)
    readings = decode_vitals(encoded)
    text = msgspec.json.encode(document(readings, SERVICE))
    assert msgspec.json.decode(text)["service"] == SERVICE

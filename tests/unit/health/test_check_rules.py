"""Every check of a device by a table: figure in, state out."""

import pytest

from roadstead.health.check_rules import CHECKS, LAYERS, HealthFacts, check
from roadstead.health.thresholds import (
    SHIPPED,
    HealthLimit,
    HealthThresholds,
    check_thresholds,
)
from roadstead.kit.errors import Invalid

DAY_S = 86_400


def signal(**what):
    return HealthFacts({"network": {"signal": what}})


def cloud(part, **what):
    return HealthFacts({"cloud": {part: what}, "system": {"uptime": 2 * DAY_S}})


def memory(used, total=200_000):
    return HealthFacts({"system": {"memory": {"used": used, "total": total}}})


def battery(**what):
    return HealthFacts({"power": {"battery": what}})


TABLE = [
    ("signal_strength_percent", signal(strength=35), "healthy", 35),
    ("signal_strength_percent", signal(strength=34.9), "warning", 34.9),
    ("signal_strength_percent", signal(strength=14.9), "unhealthy", 14.9),
    ("signal_strength_percent", signal(strength={"err": -210}), "unknown", None),
    ("signal_strength_percent", signal(strength=True), "unknown", None),
    ("signal_strength_percent", HealthFacts(), "unknown", None),
    ("signal_quality_percent", signal(quality=20), "warning", 20),
    ("memory_used_percent", memory(159_000), "healthy", 79.5),
    ("memory_used_percent", memory(160_000), "warning", 80),
    ("memory_used_percent", memory(190_000), "unhealthy", 95),
    ("memory_used_percent", memory(190_000, 0), "unknown", None),
    ("battery_percent", battery(charge=12, state="discharging"), "warning", 12),
    ("battery_percent", battery(charge=9), "unhealthy", 9),
    ("battery_percent", battery(charge=0, state="disconnected"), "unknown", None),
    ("battery_percent", HealthFacts({"power": {"battery": 3}}), "unknown", None),
    ("round_trip_ms", cloud("coap", round_trip=1_999), "healthy", 1_999),
    ("round_trip_ms", cloud("coap", round_trip=10_000), "unhealthy", 10_000),
    ("unacknowledged_percent", cloud("coap", transmit=100, unack=4), "healthy", 4),
    ("unacknowledged_percent", cloud("coap", transmit=100, unack=5), "warning", 5),
    ("unacknowledged_percent", cloud("coap", transmit=3, unack=9), "unhealthy", 100),
    ("unacknowledged_percent", cloud("coap", transmit=0, unack=0), "unknown", None),
    ("rate_limited", cloud("publish", rate_limited=0), "healthy", 0),
    ("rate_limited", cloud("publish", rate_limited=1_000), "warning", 1_000),
    ("cloud_disconnects_per_day", cloud("connection", disconnects=5), "healthy", 2.5),
    ("cloud_disconnects_per_day", cloud("connection", disconnects=6), "warning", 3),
    ("cloud_disconnects_per_day", cloud("connection", disconnects=40), "unhealthy", 20),
    ("contact_h", HealthFacts(online=True, silent_s=9e9), "healthy", 0),
    ("contact_h", HealthFacts(silent_s=23 * 3600), "healthy", 23),
    ("contact_h", HealthFacts(silent_s=24 * 3600), "warning", 24),
    ("contact_h", HealthFacts(silent_s=72 * 3600), "unhealthy", 72),
    ("contact_h", HealthFacts(), "unknown", None),
    ("vitals_age_h", HealthFacts({}, vitals_age_s=48 * 3600), "warning", 48),
    ("vitals_age_h", HealthFacts({}, vitals_age_s=999 * 3600), "warning", 999),
    ("restarts_per_day", HealthFacts(restarts=0), "healthy", 0),
    ("restarts_per_day", HealthFacts(restarts=1), "warning", 1),
    ("restarts_per_day", HealthFacts(restarts=3), "unhealthy", 3),
]


@pytest.mark.parametrize(("name", "facts", "state", "figure"), TABLE)
def test_a_figure_has_its_state(name, facts, state, figure):
    (found,) = [one for one in check(facts, SHIPPED).findings if one.name == name]
    assert (found.state, found.figure) == (state, figure)
    assert found.text.endswith(".")
    assert found.layer in LAYERS


def test_each_check_has_thresholds_and_a_row_in_the_table():
    assert set(CHECKS) == set(HealthThresholds.__struct_fields__)
    assert {name for name, *_ in TABLE} | {"network_disconnects_per_day"} == set(CHECKS)


def test_a_layer_and_a_device_are_as_bad_as_their_worst():
    facts = HealthFacts(
        {
            "network": {"signal": {"strength": 20, "quality": 90}},
            "power": {"battery": {"charge": 5}},
        },
        online=True,
    )
    report = check(facts, SHIPPED)
    assert [report.state_of(layer) for layer in LAYERS] == [
        "unknown",
        "unhealthy",
        "warning",
        "healthy",
    ]
    assert report.state == "unhealthy"
    assert report.reasons == ["battery_percent", "signal_strength_percent"]
    assert report.score == 101
    assert check(HealthFacts(), SHIPPED).state == "unknown"


def test_thresholds_of_a_product_count_and_null_switches_off():
    facts = signal(strength=20)
    own = HealthThresholds(signal_strength_percent=HealthLimit(None, 21))
    assert check(facts, own).state == "unhealthy"
    off = HealthThresholds(signal_strength_percent=HealthLimit())
    assert check(facts, off).state == "healthy"


@pytest.mark.parametrize(
    ("own", "word"),
    [
        ({"battery_percent": HealthLimit(10, 25)}, "must not be above"),
        ({"round_trip_ms": HealthLimit(10, 5)}, "must not be below"),
        ({"memory_used_percent": HealthLimit(101, None)}, "between 0 and 100"),
        ({"rate_limited": HealthLimit(-1, None)}, "between 0"),
        ({"contact_h": HealthLimit(float("nan"), None)}, "between 0"),
        ({"restarts_per_day": HealthLimit(0, None)}, "above 0"),
    ],
)
def test_thresholds_that_make_no_sense_are_refused(own, word):
    with pytest.raises(Invalid) as caught:
        check_thresholds(HealthThresholds(**own))
    assert caught.value.code == "bad_threshold"
    assert word in caught.value.message
    assert check_thresholds(SHIPPED) is SHIPPED

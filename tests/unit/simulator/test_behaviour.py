"""How described devices live: what the fleet file says of their kind and version comes true."""

from collections import Counter
from datetime import UTC, datetime

from msgspec.structs import replace

from roadstead.simulator.behaviour import DescribedFirmware
from roadstead.simulator.described import plan_of_file
from roadstead.simulator.firmware import Firmware, Publication
from roadstead.simulator.fleet_file import parse_fleet
from roadstead.simulator.module_image import ImageFacts

IMAGE = ImageFacts(
    platform_id=12, module_version=6, product_id=1, product_version=2, digest=b"", needs=()
)
MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)
MEMORY, TOTAL, CHARGE, LOST, SENT = 26, 25, 3, 22, 23


class Talker(Firmware):
    """Says one thing each time."""

    def run(self, now, online):
        return (Publication("tick"),)


def firmware(truth=None, seed=1, zone="UTC", speed=60.0, **kind) -> DescribedFirmware:
    """A device that runs version 2 of a fleet in which that behaves so."""
    fleet = parse_fleet({"kind": [{"name": "a", **kind}], "version": {"2": truth or {}}})
    made = DescribedFirmware(Talker(), fleet, fleet.kind[0], zone, seed, 0.0, speed, MIDNIGHT)
    made.install(IMAGE, names_product=False)
    return made


def vitals(device: DescribedFirmware, now: float) -> dict[int, int]:
    return {one.vital_id: one.value for one in device.vitals(now)}


def test_a_share_of_devices_is_bricked_and_the_same_ones_each_time():
    dead = [firmware({"bricks": 0.3}, seed).dead for seed in range(400)]
    assert 80 < sum(dead) < 160
    assert dead == [firmware({"bricks": 0.3}, seed).dead for seed in range(400)]
    assert not any(firmware({}, seed).dead for seed in range(50))


def test_a_device_that_takes_back_the_good_version_is_good_again():
    device = firmware({"silences": 1.0})
    assert device.run(1.0, True) == ()
    device.install(replace(IMAGE, product_version=1), names_product=False)
    assert [one.name for one in device.run(2.0, True)] == ["tick"]


def test_installations_fail_as_often_as_the_file_says():
    device = firmware({"fails_install": 0.25})
    refused = sum(device.refuses(IMAGE) for _ in range(1000))
    assert 190 < refused < 310


def test_messages_are_lost_and_counted():
    device = firmware({"loses_messages": 0.2}, lost_messages=0.0)
    said = sum(len(device.run(float(n), True)) for n in range(1000))
    told = vitals(device, 1000.0)
    assert told[SENT] == 1000
    assert told[LOST] == 1000 - said
    assert 140 < told[LOST] < 260


def test_memory_leaks_until_a_restart():
    device = firmware({"leaks_percent_per_h": 5, "leak_resets_after_h": 10})
    before = vitals(device, 0.0)
    assert before[MEMORY] < before[TOTAL]
    assert vitals(device, 9 * 60.0)[MEMORY] > before[MEMORY] + 25_000
    assert device.draw(11 * 60.0) == (0.0, "reset")
    device.restarted()
    assert vitals(device, 11 * 60.0)[MEMORY] < before[MEMORY] + 10_000


def test_a_battery_drains_faster():
    usual, thirsty = (firmware(truth, 3, battery=1.0) for truth in ({}, {"drains_more": 3.0}))
    drained = [vitals(one, 0.0)[CHARGE] - vitals(one, 600.0)[CHARGE] for one in (usual, thirsty)]
    assert drained[0] > 0
    assert 3.5 < drained[1] / drained[0] < 4.5


def happenings(device: DescribedFirmware, hours: float) -> Counter[str]:
    now, seen = 0.0, Counter[str]()
    while now < device.seconds(hours):
        wait_s, what = device.draw(now)
        now += max(wait_s, 1e-6)
        if what:
            seen[what] += 1
    return seen


def test_a_bad_version_drops_sessions_more_often():
    kind = {"resets_per_h": 0, "errors_per_h": 0, "offline": 0, "fails_per_day": 0}
    usual = happenings(firmware({}, 5, reconnects_per_h=5, **kind), 300)
    often = happenings(firmware({"reconnects_times": 4}, 5, reconnects_per_h=5, **kind), 300)
    assert set(usual) == set(often) == {"reconnect"}
    assert 3.2 < often["reconnect"] / usual["reconnect"] < 4.8


def test_a_device_knows_the_time_where_it_is():
    assert firmware(zone="Europe/Berlin").local_hour(0.0) == 1
    assert firmware(zone="America/New_York").local_hour(0.0) == 19
    assert firmware(zone="UTC", speed=60.0).local_hour(120.0) == 2


def test_the_plan_of_a_file_gives_each_device_its_kind_radio_and_zone():
    fleet = parse_fleet(
        {
            "devices": 10,
            "kind": [
                {"name": "On the wall", "share": 0.6, "time_zones": ["UTC", "Asia/Tokyo"]},
                {
                    "name": "outside",
                    "share": 0.4,
                    "platform": "boron",
                    "radio": "cellular",
                    "delay_ms": 7,
                    "contact": "hourly",
                    "generation": "3.1",
                },
            ],
        }
    )
    plan = plan_of_file(fleet, speed=60)
    parts = [plan.of(number) for number in range(10)]
    outside = [one for one in parts if one.platform_id == 13]
    assert len(outside) == 4
    assert {(one.conditions.loss, one.conditions.delay_ms) for one in outside} == {(0.02, 7)}
    assert all(one.sleep is not None and one.sleep.asleep_s == 57 for one in outside)
    groups = Counter(one.groups() for one in parts)
    assert groups == {
        ("on-the-wall", "utc"): 3,
        ("on-the-wall", "asia-tokyo"): 3,
        ("outside", "utc"): 4,
    }
    assert sorted(generation for _, generation in plan.device_seeds()) == ["3.1"] * 4 + ["6.2"] * 6
    assert {plan.device_name(number)[:-3] for number in range(1, 11)} == {"on-the-wall", "outside"}

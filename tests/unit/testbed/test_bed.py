"""The short form of the test bed: a bad release is stopped, a good one goes through."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from roadstead.rollouts.model import Policy, WindowPolicy
from roadstead.simulator.fleet_file import FleetFile, Kind, Truth
from roadstead.storage import migrate
from roadstead.storage.opening import open_database
from roadstead.testbed.bed import Bed, with_zones
from roadstead.testbed.cases import GOOD_CASE, Case
from roadstead.testbed.table import Row, confidence, to_markdown, to_page
from roadstead.testbed.trials import run_trials, summarise


def test_a_version_that_bricks_is_stopped_with_few_devices_hurt():
    fleet = Case("bricks", Truth(bricks=0.5)).fleet(120)
    outcomes = run_trials(fleet, 2, Policy(), 2)
    assert all(one.stopped and one.offered <= 20 and one.hurt >= 1 for one in outcomes)
    summary = summarise(outcomes)
    assert summary.finished == 0
    assert "| bricks | 120 | 2 |" in to_markdown([Row("bricks", 120, False, summary)])


def test_a_good_version_goes_through():
    fleet = GOOD_CASE.fleet(60)
    (outcome,) = run_trials(fleet, 2, Policy(), 1, first=3)
    assert outcome.state == "finished"
    assert outcome.offered == 60


def test_a_leak_is_stopped_at_the_first_looks():
    fleet = Case("leak", Truth(leaks_percent_per_h=5)).fleet(120)
    (outcome,) = run_trials(fleet, 2, Policy(), 1)
    assert outcome.rule == "signal_memory"
    assert outcome.offered <= 20


def test_a_small_fleet_asks_a_person():
    (outcome,) = run_trials(GOOD_CASE.fleet(20), 2, Policy(), 1)
    assert outcome.state == "held"
    assert outcome.rule in ("assisted", "too_few")


def test_a_run_is_the_same_each_time():
    fleet = Case("leak", Truth(leaks_percent_per_h=5)).fleet(60)
    assert run_trials(fleet, 2, Policy(), 1, first=7) == run_trials(fleet, 2, Policy(), 1, first=7)


def test_an_application_that_falls_silent_is_stopped():
    fleet = Case("silent", Truth(silences=0.5)).fleet(200)
    outcomes = run_trials(fleet, 2, Policy(), 2)
    assert all(one.stopped and one.offered <= 60 for one in outcomes)


def test_runs_in_processes_of_their_own_are_the_same():
    fleet = Case("leak", Truth(leaks_percent_per_h=5)).fleet(60)
    told: list[int] = []
    beside = run_trials(
        fleet, 2, Policy(), 2, first=7, jobs=2, told=lambda number, _: told.append(number)
    )
    assert sorted(told) == [7, 8]
    assert beside == run_trials(fleet, 2, Policy(), 2, first=7)


def test_how_sure_a_share_is():
    assert confidence(0, 200) == (0.0, pytest.approx(0.0183, abs=1e-4))
    assert confidence(2, 55) == (pytest.approx(0.0044, abs=1e-4), pytest.approx(0.1253, abs=1e-4))
    assert confidence(5, 5) == (pytest.approx(0.4782, abs=1e-4), 1.0)


def test_the_page_counts_false_stops_by_size_of_fleet():
    outcomes = run_trials(GOOD_CASE.fleet(60), 2, Policy(), 1, first=3)
    page = to_page([Row("good", 60, True, summarise(outcomes))], "make testbed")
    assert "0 of 1 good releases were stopped in fleets of 60 devices" in page


async def test_windows_are_in_the_local_time_of_devices(tmp_path: Path):
    zones = ("Europe/Berlin", "America/New_York")
    fleet = FleetFile(devices=60, kind=(Kind(name="a", time_zones=zones),))
    window = WindowPolicy(start="02:00", end="05:00")
    assert with_zones(Policy(window=window), fleet).window == WindowPolicy(
        start="02:00",
        end="05:00",
        zones_by_group={"europe-berlin": zones[0], "america-new-york": zones[1]},
    )
    url = f"sqlite:///{tmp_path}/bed.db"
    migrate.upgrade(url)
    database = await open_database(url)
    try:
        bed = Bed(database, fleet, 1)
        policy = Policy(stages=("100%",), holdback="0", gate=False, window=window)
        outcome = await bed.run(2, policy)
    finally:
        await database.close()
    assert (outcome.state, outcome.installed) == ("finished", 60)
    hours: dict[str, set[int]] = {zone: set() for zone in zones}
    for one in bed.devices.values():
        if one.installed_s:
            local = datetime.fromtimestamp(one.installed_s, ZoneInfo(one.zone))
            hours[one.zone].add(local.hour)
    # The window is of what is sent: an installation that begins in it may end a little later.
    assert all(hours[zone] and hours[zone] <= {2, 3, 4, 5} for zone in zones)

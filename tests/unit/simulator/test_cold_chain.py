import json
from itertools import pairwise
from random import Random

from roadstead.simulator.cold_chain import HYSTERESIS_C, Cabinet, Fridge


def live(fridge: Fridge, seconds: float, start: float = 0.0) -> list[tuple[float, str, str]]:
    """Runs a fridge as a device would; gives (time, event name, data)."""
    events, now = [], start
    while True:
        wake = fridge.next_run()
        assert wake is not None
        now = max(now, wake)
        if now > start + seconds:
            return events
        for publication in fridge.run(now, online=True):
            events.append((now, publication.name, publication.payload.decode()))


def test_a_fridge_reports_its_temperature_about_every_period():
    fridge = Fridge(Random(1), 0.0, report_every_s=10.0)
    times = [at for at, name, _ in live(fridge, 600) if name == "fridge/temperature"]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert 50 <= len(times) <= 70
    assert min(gaps) >= 9 and max(gaps) <= 16


def test_a_report_is_json_with_temperature_target_and_compressor():
    fridge = Fridge(Random(2), 0.0)
    data = next(d for _, name, d in live(fridge, 60) if name == "fridge/temperature")
    report = json.loads(data)
    assert set(report) == {"celsius", "target", "compressor"}
    assert isinstance(report["celsius"], float)


def test_the_thermostat_keeps_a_closed_fridge_near_its_target():
    for seed in range(20):
        cabinet = Cabinet(Random(seed))
        cabinet._door_changes_in_s = 1e9
        cabinet.advance(600)
        for _ in range(100):
            cabinet.advance(5)
            assert abs(cabinet.temperature - cabinet.target) < HYSTERESIS_C + 1.0


def test_the_compressor_runs_and_rests():
    cabinet = Cabinet(Random(5))
    states = set()
    for _ in range(600):
        cabinet.advance(5)
        states.add(cabinet.compressor_on)
    assert states == {True, False}


def test_an_open_door_warms_the_fridge():
    cabinet = Cabinet(Random(3))
    cabinet.door_open, cabinet._door_changes_in_s = True, 1e9
    before = cabinet.temperature
    cabinet.advance(120)
    assert cabinet.temperature > before + 2


def test_a_door_left_open_raises_one_alarm_that_is_cleared_later():
    fridge = Fridge(Random(3), 0.0)
    fridge.cabinet.door_open, fridge.cabinet._door_changes_in_s = True, 600.0
    names = [(name, data) for _, name, data in live(fridge, 3600)]
    alarms = [data for name, data in names if name == "fridge/alarm"]
    assert alarms[0].startswith("too warm")
    assert alarms[1] == "cleared"


def test_doors_open_and_close_in_turn():
    doors = [data for _, name, data in live(Fridge(Random(8), 0.0), 7200) if name == "fridge/door"]
    assert len(doors) > 10
    assert all(first != second for first, second in pairwise(doors))


def test_set_target_takes_whole_degrees_within_the_range_and_refuses_the_rest():
    fridge = Fridge(Random(1), 0.0)
    set_target = fridge.functions["setTarget"]
    assert set_target("7") == 7
    assert fridge.variables["target"]() == 7
    for refused in ("", "warm", "99", "-40", "3.5"):
        assert set_target(refused) == -1
    assert fridge.variables["target"]() == 7


def test_an_event_sets_the_target_of_the_fridge():
    fridge = Fridge(Random(1), 0.0)
    subscription = fridge.subscriptions[0]
    subscription.handler("coldchain/target", b"-18")
    assert fridge.variables["target"]() == -18


def test_defrosting_frees_the_evaporator_and_rests_the_compressor():
    fridge = Fridge(Random(1), 0.0)
    fridge.cabinet.frost = 0.9
    assert fridge.functions["defrost"]("") == 45
    fridge.cabinet.advance(10)
    assert not fridge.cabinet.compressor_on
    fridge.cabinet.advance(60)
    assert fridge.cabinet.frost < 0.2


def test_variables_have_the_four_types_of_the_wire():
    values = {name: read() for name, read in Fridge(Random(1), 0.0).variables.items()}
    assert {name: type(value) for name, value in values.items()} == {
        "temperature": float,
        "door": bool,
        "target": int,
        "firmware": str,
    }


def test_nothing_is_published_while_offline():
    fridge = Fridge(Random(1), 0.0, report_every_s=1.0)
    assert all(not fridge.run(float(second), online=False) for second in range(100))


def test_the_same_seed_gives_the_same_fridge():
    assert live(Fridge(Random(4), 0.0), 600) == live(Fridge(Random(4), 0.0), 600)

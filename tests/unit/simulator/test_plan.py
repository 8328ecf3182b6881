import pytest

from roadstead.simulator.cold_chain import Fridge
from roadstead.simulator.plan import FleetPlan
from roadstead.simulator.updating import UpdateHabits
from roadstead.simulator.workbench import Workbench


def test_the_same_seed_gives_the_same_devices_and_a_longer_fleet_begins_with_the_shorter():
    short, long = (FleetPlan(devices, seed=9).device_seeds() for devices in (3, 10))
    assert long[:3] == short
    assert FleetPlan(3, seed=8).device_seeds() != short


def test_generations_are_dealt_out_in_turn():
    plan = FleetPlan(5, generations=("6.2", "1.5"))
    assert [generation for _, generation in plan.device_seeds()] == [
        "6.2",
        "1.5",
        "6.2",
        "1.5",
        "6.2",
    ]


@pytest.mark.parametrize(
    ("devices", "number", "name"),
    [(1, 1, "fridge-01"), (25, 7, "fridge-07"), (1000, 7, "fridge-0007")],
)
def test_names_sort_as_their_numbers_do(devices, number, name):
    assert FleetPlan(devices).device_name(number) == name


@pytest.mark.parametrize(("product", "kind"), [("fridge", Fridge), ("workbench", Workbench)])
def test_a_plan_makes_the_application_of_its_product(product, kind):
    assert isinstance(FleetPlan(1, product=product).make_firmware(1, 0.0), kind)


def test_devices_begin_with_a_version_and_some_do_not_agree_to_updates():
    plan = FleetPlan(400, firmware_version=3, updates_disabled=0.25, seed=1)
    seeds = [seed for seed, _ in plan.device_seeds()]
    assert plan.make_firmware(seeds[0], 0.0).product_version == 3
    assert FleetPlan(1).make_firmware(1, 0.0).product_version == 0xFFFF
    disabled = [seed for seed in seeds if plan.disables_updates(seed)]
    assert 60 < len(disabled) < 140
    assert disabled == [seed for seed in seeds if plan.disables_updates(seed)]


def test_a_share_is_between_0_and_1():
    for name in ("damage", "reset", "fall_back"):
        with pytest.raises(ValueError, match=name):
            UpdateHabits(**{name: 1.1})

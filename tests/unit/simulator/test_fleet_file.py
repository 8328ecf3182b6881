"""Fleets as people describe them."""

from collections import Counter
from pathlib import Path

import pytest

from roadstead.kit.errors import Invalid
from roadstead.simulator.fleet_file import parse_fleet, read_fleet

TEXT = """
devices = 10
seed = 7

[[kind]]
name = "powered"
share = 0.7
time_zones = ["Europe/Berlin", "America/New_York"]

[[kind]]
name = "daily"
share = 0.3
contact = "daily"
radio = "cellular"

[version.2]
bricks = 0.02

[nuisance]
server_days = 0.1
"""


def test_a_fleet_is_read(tmp_path: Path):
    file = tmp_path / "fleet.toml"
    file.write_text(TEXT)
    fleet = read_fleet(file)
    assert fleet.truth(2).bricks == 0.02
    assert fleet.truth(3).bricks == 0
    names = [one.name for one in fleet.kinds()]
    assert (names.count("powered"), names.count("daily")) == (7, 3)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"devices": 0}, "devices"),
        ({"colour": "red"}, "colour"),
        ({"devices": "many"}, "devices"),
        ({"version": {"2": {"bricks": 2}}}, "bricks of version 2"),
        ({"version": {"2": {"melts": 1}}}, "melts"),
        ({"version": {"new": {}}}, "'new'"),
        ({"kind": []}, "kind"),
        ({"kind": [{"name": "a"}, {"name": "a"}]}, "two kinds"),
        ({"kind": [{"name": "a", "contact": "weekly"}]}, "weekly"),
        ({"kind": [{"name": "a", "offline": -1}]}, "offline of kind a"),
        ({"version": {"2": {"drains_more": float("nan")}}}, "drains_more"),
        ({"version": {"65535": {}}}, "'65535'"),
        ({"runs": 0}, "runs"),
        ({"kind": [{"name": "a", "loss": 1.5}]}, "loss of kind a is 1.5; it is a share"),
        ({"kind": [{"name": "a", "delay_ms": -1}]}, "delay_ms of kind a"),
        ({"kind": [{"name": "a", "radio": "smoke"}]}, "smoke"),
        ({"kind": [{"name": "a", "time_zones": ["Mars/Base"]}]}, "'Mars/Base' in time_zones"),
        ({"kind": [{"name": "a", "time_zones": []}]}, "time_zones of kind a"),
        ({"kind": [{"name": "a", "platform": "toaster"}]}, "toaster"),
        ({"kind": [{"name": "a", "generation": "9.9"}]}, "9.9"),
        ({"kind": [{"name": "a", "regions": 0}]}, "regions of kind a"),
        ({"kind": [{"name": "a", "publishes_per_h": 1e6}]}, "publishes_per_h of kind a"),
        ({"kind": [{"name": "a"}, {"name": "A!"}]}, "two kinds"),
        ({"nuisance": {"busy_days": 0}}, "busy_days"),
        ({"nuisance": {"server_days": 2}}, "server_days of nuisance"),
    ],
)
def test_what_is_wrong_is_said(document, says):
    with pytest.raises(Invalid) as refusal:
        parse_fleet(document)
    assert refusal.value.code == "bad_fleet"
    assert says in refusal.value.message


def test_the_shipped_example_is_a_fleet():
    fleet = read_fleet(Path(__file__).parents[3] / "examples" / "fleet.toml")
    assert fleet.truth(2).bricks == 0.02
    assert Counter(fleet.zones()) == {"Europe/Berlin": 130, "America/New_York": 70}
    assert fleet.zones_by_group() == {
        "europe-berlin": "Europe/Berlin",
        "america-new-york": "America/New_York",
    }


def test_a_file_that_is_not_there_or_no_toml_is_said(tmp_path: Path):
    for name, content in (("missing.toml", None), ("broken.toml", "devices =")):
        if content is not None:
            (tmp_path / name).write_text(content)
        with pytest.raises(Invalid) as refusal:
            read_fleet(tmp_path / name)
        assert name in refusal.value.message

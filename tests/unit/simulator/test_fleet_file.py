"""Fleets as people describe them."""

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
    ],
)
def test_what_is_wrong_is_said(document, says):
    with pytest.raises(Invalid) as refusal:
        parse_fleet(document)
    assert refusal.value.code == "bad_fleet"
    assert says in refusal.value.message


def test_a_file_that_is_not_there_or_no_toml_is_said(tmp_path: Path):
    for name, content in (("missing.toml", None), ("broken.toml", "devices =")):
        if content is not None:
            (tmp_path / name).write_text(content)
        with pytest.raises(Invalid) as refusal:
            read_fleet(tmp_path / name)
        assert name in refusal.value.message

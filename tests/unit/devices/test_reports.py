import json
from pathlib import Path

import pytest

from roadstead.devices.reports import system_version_of

RECORDED = Path(__file__).parents[2] / "vectors" / "data"


@pytest.mark.parametrize(
    ("description", "version"),
    [
        ({}, 0),
        ({"m": None}, 0),
        ({"m": [{"f": "s", "v": 1512}, {"f": "s", "v": 1512}, {"f": "u", "v": 65535}]}, 1512),
        ({"m": [{"f": "s", "v": "9"}, {"f": "s", "v": 1 << 40}, {"f": "s", "v": -1}, 7]}, 0),
    ],
)
def test_the_release_is_read_from_the_system_modules(description, version):
    assert system_version_of(description) == version


def test_the_release_of_a_recorded_describe_is_found():
    recorded = json.loads((RECORDED / "describe_p2.json").read_text())
    assert system_version_of(recorded) == 6200

from datetime import UTC, datetime

import pytest

from roadstead.events.retention_rules import (
    Floors,
    Retention,
    due_payers,
    floor_by_days,
    floor_by_size,
)
from roadstead.events.segments import VolumeRow

NOW = datetime(2026, 6, 8, tzinfo=UTC)
WEEK_AGO_MS = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(("days", "floor"), [(7, WEEK_AGO_MS << 20), (0, 0)])
def test_days_count_back_from_now(days, floor):
    assert floor_by_days(Retention(days), NOW) == floor


@pytest.mark.parametrize(
    ("size_bytes", "floor"), [(0, 0), (60, 0), (59, 10), (30, 20), (29, 20), (10, 20), (9, 30)]
)
def test_the_first_segment_that_does_not_fit_is_the_floor(size_bytes, floor):
    newest_first = [(30, 10), (20, 20), (10, 30)]
    assert floor_by_size(Retention(0, size_bytes), newest_first) == {30: 10}.get(size_bytes, floor)


@pytest.mark.parametrize(
    ("floors", "due"),
    [
        ({}, []),
        ({"u1": Floors(by_days=200)}, []),
        ({"u1": Floors(by_days=201)}, ["u1"]),
        ({"u1": Floors(by_size=100)}, ["u1"]),
        ({"u1": Floors(by_size=99)}, []),
        ({"u1": Floors(300), "p7": Floors(300)}, ["u1", "p7"]),
    ],
)
def test_a_part_of_a_segment_is_due_when_all_of_it_is(floors, due):
    volumes = [VolumeRow("u1", 1, 1), VolumeRow("p7", 1, 1)]
    assert due_payers(100, 200, volumes, floors) == due

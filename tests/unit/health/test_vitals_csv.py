from datetime import UTC, datetime

import pytest

from roadstead.health.vitals_history import VitalsRecord, to_csv

AT = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)


def test_each_value_has_a_column_and_what_is_missing_is_empty():
    rows = [
        VitalsRecord(AT, {"device": {"power": {"battery": {"charge": 72.5}}}}),
        VitalsRecord(AT, {"device": {"system": {"uptime": 9, "ok": True, "none": None}}}),
    ]
    assert to_csv("a", rows).splitlines() == [
        "updated_at,deviceID,device.power.battery.charge,device.system.none,device.system.ok,"
        "device.system.uptime",
        "2026-01-02T03:04:05.678Z,a,72.5,,,",
        "2026-01-02T03:04:05.678Z,a,,,true,9",
    ]


@pytest.mark.parametrize(
    ("text", "cell"),
    [("a,b", '"a,b"'), ('say "x"', '"say ""x"""'), ("=1+1", "'=1+1"), ("a\nb", '"a\nb"')],
)
def test_text_that_would_break_the_table_is_quoted(text, cell):
    assert to_csv("a", [VitalsRecord(AT, {"x": text})]).split("\r\n")[1].endswith(f"a,{cell}")

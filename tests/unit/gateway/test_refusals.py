"""Refusals are written once a minute each."""

import logging

import pytest

from roadstead.gateway.refusals import REMEMBERED, RefusalLog


def test_a_refusal_is_written_once_a_minute_for_each_device(
    caplog: pytest.LogCaptureFixture,
) -> None:
    refusals = RefusalLog()
    with caplog.at_level(logging.WARNING):
        assert refusals.note("dev1", "unknown key", "10.0.0.1", 100.0)
        assert not refusals.note("dev1", "unknown key", "10.0.0.1", 159.9)
        assert refusals.note("dev2", "unknown key", "10.0.0.1", 120.0)
        assert refusals.note("dev1", "wrong key", "10.0.0.1", 120.0)
        assert refusals.note("dev1", "unknown key", "10.0.0.2", 160.1)
    assert len(caplog.records) == 4
    assert "1 more" in caplog.messages[-1]
    assert "10.0.0.2" in caplog.messages[-1]


def test_a_flood_of_strangers_does_not_grow_the_memory() -> None:
    refusals = RefusalLog()
    for number in range(REMEMBERED + 100):
        refusals.note(f"dev{number}", "unknown key", "10.0.0.1", 100.0)
    assert len(refusals._written) == REMEMBERED

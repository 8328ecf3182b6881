"""What the names of device events mean."""

import pytest

from roadstead.gateway.device_events import Meaning, asked_fact, meaning_of


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("temperature", Meaning.ORDINARY),
        ("spam", Meaning.ORDINARY),
        ("part/number", Meaning.ORDINARY),
        ("spark/device/last_reset", Meaning.ORDINARY),
        ("spark/device/key/error", Meaning.ORDINARY),
        ("spark/device/claim/code", Meaning.CLAIM_CODE),
        ("spark/device/safemode", Meaning.SAFE_MODE),
        ("particle/device/updates/enabled", Meaning.UPDATES_ENABLED),
        ("particle/device/updates/forced", Meaning.UPDATES_FORCED),
        ("spark/hardware/max_binary", Meaning.HARDWARE_FACT),
        ("particle/device/name", Meaning.ASKS_FACT),
        ("spark/device/random", Meaning.ASKS_FACT),
        ("spark/status", Meaning.REFUSED),
        ("SPARK/Status", Meaning.REFUSED),
        ("spark/status/safe-mode", Meaning.REFUSED),
        ("spark/flash/status", Meaning.REFUSED),
        ("spark/device/diagnostics/update", Meaning.REFUSED),
        ("particle/device/updates/pending", Meaning.REFUSED),
    ],
)
def test_a_name_has_one_meaning(name: str, meaning: Meaning) -> None:
    assert meaning_of(name) is meaning


def test_the_fact_asked_for_is_the_last_part_of_the_name() -> None:
    assert asked_fact("spark/device/ip") == "ip"
    assert asked_fact("particle/device/random") == "random"

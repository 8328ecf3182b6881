"""Settings of every test run."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

BROWSER = Path(__file__).parent / "browser"

# A deadline per example measures the machine, not the code; a slow one would fail at random.
settings.register_profile("roadstead", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("roadstead")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests in a browser last.

    Playwright keeps an event loop running in the main thread for as long as its browser is open,
    and no test with a loop of its own can run in that time.
    """
    items.sort(key=lambda item: BROWSER in item.path.parents)

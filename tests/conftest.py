"""Settings of every test run."""

from hypothesis import HealthCheck, settings

# A deadline per example measures the machine, not the code; a slow one would fail at random.
settings.register_profile("roadstead", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("roadstead")

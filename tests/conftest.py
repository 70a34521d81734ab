"""Shared by every test: hypothesis without deadlines (a clock decides nothing here)."""

from hypothesis import HealthCheck, settings

settings.register_profile("firsthand", deadline=None, max_examples=60, derandomize=True,
                          suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.load_profile("firsthand")

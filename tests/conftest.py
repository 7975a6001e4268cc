"""For every test: how hypothesis searches."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# No test goes by the clock of a machine that others use too; how many examples there are is each test's own choice.
settings.register_profile("kozutumi", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kozutumi")

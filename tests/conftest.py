"""For every test: how hypothesis searches."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# No test goes by the clock of a machine that others use too; how many examples there are is each test's own choice.
# They are the same each time, or a change would be held up by what it has nothing to do with. To look for others:
# pytest --hypothesis-profile=others
OTHERS = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("others", OTHERS)
settings.register_profile("kozutumi", OTHERS, derandomize=True)
settings.load_profile("kozutumi")

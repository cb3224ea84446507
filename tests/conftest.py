"""What holds for every test: how long something takes is for the benchmarks to say, never for a test.

Hypothesis tries the same examples in every run of the suite, so that a change is judged by what it
changes. New ones are for `make explore` to find.
"""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "layerline", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile("explore", settings.get_profile("layerline"), derandomize=False)
settings.load_profile("layerline")

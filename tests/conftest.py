"""What holds for every test: how long something takes is for the benchmarks to say, never for a test."""

from hypothesis import HealthCheck, settings

settings.register_profile("layerline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("layerline")

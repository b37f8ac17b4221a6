"""Its presence puts this folder on the import path: helpers for all tests live beside it."""

from hypothesis import HealthCheck, settings

# How fast a machine happens to be is no property of the product.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

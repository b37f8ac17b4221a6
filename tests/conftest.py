"""Its presence puts this folder on the import path: helpers for all tests live beside it."""

import signal

import pytest
from hypothesis import HealthCheck, settings

from understudy.credentials import private_key

# How fast a machine happens to be is no property of the product.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


# A shell starts its background jobs deaf to SIGINT, and what tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _open_tests() -> None:
    """Keep this process's own memory open: programs that it starts read secrets out of it."""
    private_key.hide_memory = lambda: None

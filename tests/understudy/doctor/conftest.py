"""Limits for a doctor whose exchange shares the processor with it, and with whatever else runs."""

from __future__ import annotations

import contextlib
from importlib import import_module

import pytest

LIMITS = {
    "network": "CONNECT_LIMIT_S",
    "examination": "LIMIT_S",
    "account": "OPEN_LIMIT_S",
    "order_test": "STEP_LIMIT_S",
}


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let answers take ten times as long; a test of a silent server sets a limit of its own.

    For data that is not to come, too, several tests wait: those limits stay.
    """
    for name, limit in LIMITS.items():
        with contextlib.suppress(ImportError):  # an extra that is not installed
            module = import_module(f"understudy.doctor.{name}")
            monkeypatch.setattr(module, limit, getattr(module, limit) * 10)

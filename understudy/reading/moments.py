"""Formats for moments of venue time, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def _utc(time_ms: int) -> datetime:
    return datetime.fromtimestamp(time_ms // 1000, UTC).replace(microsecond=time_ms % 1000 * 1000)


def iso_text(time_ms: int) -> str:
    """Write a moment for programs, exactly: ``2026-11-22T17:45:21.612Z``."""
    return _utc(time_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def day_label(time_ms: int) -> str:
    """Write a day: ``2026-11-22``."""
    return f"{_utc(time_ms):%Y-%m-%d}"


def moment_label(time_ms: int) -> str:
    """Write a moment for a table, to the second: ``11-22 17:45:21``."""
    return f"{_utc(time_ms):%m-%d %H:%M:%S}"


def minute_label(time_ms: int) -> str:
    """Write a moment to the minute: ``11-22 17:45``."""
    return f"{_utc(time_ms):%m-%d %H:%M}"


def exact_label(time_ms: int) -> str:
    """Write a time of day to the millisecond: ``17:45:21.612``."""
    return f"{_utc(time_ms):%H:%M:%S}.{time_ms % 1000:03}"

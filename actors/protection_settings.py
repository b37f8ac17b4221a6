"""Settings of the protections, which pause trading after losses or at certain hours."""

from __future__ import annotations

import re

import attrs

from actors.setting_rules import Rule, between, setting

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")

ACCOUNT_PROTECTIONS = (
    "account_losing_streak",
    "account_pause_minutes",
    "max_day_drawdown_dollars",
    "max_week_drawdown_dollars",
    "max_drawdown_dollars",
)
"""Keys of the protections that apply to all series together; the others apply per series."""


def minutes_of(hours: str) -> tuple[int, int]:
    """Return begin and end of a span such as ``22:00-06:30``, in minutes since midnight.

    Raises:
        ValueError: it is not such a span.
    """
    found = _HOURS.fullmatch(hours)
    if found is None:
        raise ValueError(f"{hours!r} is not a span of hours such as 08:00-22:30")
    begin_h, begin_m, end_h, end_m = map(int, found.groups())
    return begin_h * 60 + begin_m, end_h * 60 + end_m


@attrs.frozen(kw_only=True)
class ProtectionSettings:
    """What pauses purchases, in addition to the limits of an order; docs/guard-rails.md."""

    stop_loss_pause_windows: int = setting(
        0, between(0, 1_000), "after a stop loss the series skips this many windows"
    )
    losing_streak: int | None = setting(
        None, between(1, 1_000), "this many lost windows in a row pause the series; unset: never"
    )
    losing_streak_pause_windows: int = setting(
        4, between(1, 1_000), "for this many windows after the last lost one"
    )
    max_series_day_drawdown_dollars: int | None = setting(
        None,
        between(1, 1_000_000_000),
        "a series this far below its highest result of the UTC day pauses until the next day",
    )
    trading_hours: tuple[str, ...] = setting(
        (),
        Rule(
            'a list of spans in UTC such as "08:00-22:30"',
            lambda value: all(_HOURS.fullmatch(each) for each in value),
        ),
        "purchases only within these hours; if empty, at all hours",
    )
    account_losing_streak: int | None = setting(
        None, between(1, 1_000), "this many lost windows in a row, of any series, pause all of them"
    )
    account_pause_minutes: int = setting(
        60, between(1, 10_080), "for this many minutes after the last lost window's end"
    )
    max_day_drawdown_dollars: int | None = setting(
        None,
        between(1, 1_000_000_000),
        "this far below the highest result of the UTC day, all pause until the next day",
    )
    max_week_drawdown_dollars: int | None = setting(
        None,
        between(1, 1_000_000_000),
        "the same for a week, which begins on Monday",
    )
    max_drawdown_dollars: int | None = setting(
        None,
        between(1, 1_000_000_000),
        "this far below the highest result ever, all pause until this is raised",
    )

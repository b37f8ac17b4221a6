"""Protections: purchases pause after losses or at certain hours. One function each.

They use the results reported by the ledger (``TrackRecord``) and the desk's own memory of stop
losses, both of which survive a restart. Sales reduce risk and are never paused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import attrs

from actors.messages.position import ACCOUNT_RECORD, MS_PER_DAY, TrackRecord, week_of
from actors.messages.strategy import TradeSignals
from actors.model import Action, Market
from actors.protection_settings import ProtectionSettings, minutes_of
from actors.units import NANOS_PER_DOLLAR, dollars_text

_MS_PER_MINUTE = 60_000
_NO_RECORD = TrackRecord()


@attrs.frozen(kw_only=True)
class TrackedSeries:
    """Input of the protections: a window, the record of its series and that of the account."""

    now_ms: int
    market: Market
    """The window that is traded."""
    records: Mapping[str, TrackRecord]
    """As in PositionSnapshot."""
    stop_loss_at_ms: int
    """End of this series' newest window that was stopped by a stop loss; 0 if none was."""

    @property
    def series(self) -> TrackRecord:
        """The record of the window's series."""
        return self.records.get(self.market.series, _NO_RECORD)

    @property
    def account(self) -> TrackRecord:
        """The record of all series together."""
        return self.records.get(ACCOUNT_RECORD, _NO_RECORD)

    def after_windows(self, since_ms: int, count: int) -> int:
        """Return the end of the ``count``-th window of this series after another one."""
        return since_ms + count * (self.market.closes_at_ms - self.market.opens_at_ms)


Protection = Callable[[TrackedSeries, ProtectionSettings], str | None]


def pause_reason(
    signals: TradeSignals, at: TrackedSeries, settings: ProtectionSettings
) -> str | None:
    """Return why purchases pause, and until when; None if they do not, or nothing is bought."""
    if all(signal.action is Action.SELL for signal in signals.signals):
        return None
    reasons = (protection(at, settings) for protection in _PROTECTIONS)
    return next((f"paused: {reason}" for reason in reasons if reason is not None), None)


def _stop_loss(at: TrackedSeries, settings: ProtectionSettings) -> str | None:
    count = settings.stop_loss_pause_windows
    until_ms = at.after_windows(at.stop_loss_at_ms, count)
    if not (count and at.stop_loss_at_ms and at.now_ms < until_ms):
        return None
    return f"a stop loss was reached; stop_loss_pause_windows {count} lasts until {_time(until_ms)}"


def _losing_streak(at: TrackedSeries, settings: ProtectionSettings) -> str | None:
    most, lost = settings.losing_streak, at.series.losses_in_row
    until_ms = at.after_windows(at.series.lost_at_ms, settings.losing_streak_pause_windows)
    if most is None or lost < most or at.now_ms >= until_ms:
        return None
    return (
        f"{at.market.series} has lost {lost} windows in a row, losing_streak {most}; until "
        f"{_time(until_ms)}"
    )


def _account_losing_streak(at: TrackedSeries, settings: ProtectionSettings) -> str | None:
    most, lost = settings.account_losing_streak, at.account.losses_in_row
    until_ms = at.account.lost_at_ms + settings.account_pause_minutes * _MS_PER_MINUTE
    if most is None or lost < most or at.now_ms >= until_ms:
        return None
    return f"{lost} windows in a row lost, account_losing_streak {most}; until {_time(until_ms)}"


def _series_day_drawdown(at: TrackedSeries, settings: ProtectionSettings) -> str | None:
    most = settings.max_series_day_drawdown_dollars
    drawdown = _drawdown_text(at.series.day_drawdown_nanos(at.now_ms), most, " of this day (UTC)")
    limit = f"max_series_day_drawdown_dollars {most}"
    until = _time(_next_day_ms(at.now_ms))
    return drawdown and f"{at.market.series} {drawdown}, {limit}; until {until}"


def _day_drawdown(at: TrackedSeries, settings: ProtectionSettings) -> str | None:
    most = settings.max_day_drawdown_dollars
    drawdown = _drawdown_text(at.account.day_drawdown_nanos(at.now_ms), most, " of this day (UTC)")
    limit = f"max_day_drawdown_dollars {most}"
    return drawdown and f"the result {drawdown}, {limit}; until {_time(_next_day_ms(at.now_ms))}"


def _week_drawdown(at: TrackedSeries, settings: ProtectionSettings) -> str | None:
    most = settings.max_week_drawdown_dollars
    drawdown = _drawdown_text(at.account.week_drawdown_nanos(at.now_ms), most, " of this week")
    limit = f"max_week_drawdown_dollars {most}"
    return drawdown and f"the result {drawdown}, {limit}; until {_time(_next_week_ms(at.now_ms))}"


def _drawdown(at: TrackedSeries, settings: ProtectionSettings) -> str | None:
    most = settings.max_drawdown_dollars
    drawdown = _drawdown_text(at.account.drawdown_nanos, most, "")
    return drawdown and f"the result {drawdown}, max_drawdown_dollars {most}; until it is raised"


def _trading_hours(at: TrackedSeries, settings: ProtectionSettings) -> str | None:
    minute = at.now_ms // _MS_PER_MINUTE % (MS_PER_DAY // _MS_PER_MINUTE)
    if not settings.trading_hours or any(
        _is_within(minute, *minutes_of(span)) for span in settings.trading_hours
    ):
        return None
    return f"outside trading_hours {', '.join(settings.trading_hours)} (UTC)"


def _is_within(minute: int, begin: int, end: int) -> bool:
    """Return whether a minute of the day is in a span, which may cross midnight.

    A span whose ends are equal is the whole day.
    """
    if begin < end:
        return begin <= minute < end
    return minute >= begin or minute < end


def _drawdown_text(nanos: int, most_dollars: int | None, period: str) -> str | None:
    """Return how far a result is below its highest; None if that is within the limit."""
    if most_dollars is None or nanos < most_dollars * NANOS_PER_DOLLAR:
        return None
    return f"is ${dollars_text(nanos)} below its highest{period}"


def _next_day_ms(now_ms: int) -> int:
    return (now_ms // MS_PER_DAY + 1) * MS_PER_DAY


def _next_week_ms(now_ms: int) -> int:
    day = now_ms // MS_PER_DAY
    monday = next(each for each in range(day + 1, day + 8) if week_of(each) > week_of(day))
    return monday * MS_PER_DAY


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


_PROTECTIONS: tuple[Protection, ...] = (
    _stop_loss,
    _losing_streak,
    _account_losing_streak,
    _series_day_drawdown,
    _day_drawdown,
    _week_drawdown,
    _drawdown,
    _trading_hours,
)

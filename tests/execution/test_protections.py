from __future__ import annotations

from typing import Any

import attrs
import pytest
from desk_stage import Desk, refusals
from order_builders import MARKET, T0, position, signal, signals, stop_loss

from actors.execution.desk import DeskCore
from actors.execution.protections import TrackedSeries, pause_reason
from actors.messages.directory import MarketOpened
from actors.messages.position import ACCOUNT_RECORD, MS_PER_DAY, TrackRecord
from actors.model import Action, Market, Side
from actors.protection_settings import ProtectionSettings, minutes_of
from actors.settings import Settings
from actors.units import NANOS_PER_DOLLAR

DOLLAR = NANOS_PER_DOLLAR
WINDOW_MS = 900_000
SERIES = "btc-15m"
OPEN = attrs.evolve(MARKET, slug="btc-updown-15m-1700000000")
DAY = T0 // MS_PER_DAY
NOON_MS = DAY * MS_PER_DAY + MS_PER_DAY // 2
NEXT_DAY_MS = (DAY + 1) * MS_PER_DAY


def fallen(dollars: int, day: int = DAY) -> TrackRecord:
    """A record that was at $100 and is so far below that now."""
    return TrackRecord(
        earned_nanos=(100 - dollars) * DOLLAR,
        highest_nanos=100 * DOLLAR,
        day=day,
        day_highest_nanos=100 * DOLLAR,
        week_highest_nanos=100 * DOLLAR,
    )


def lost(windows: int, at_ms: int = T0) -> TrackRecord:
    return TrackRecord(losses_in_row=windows, lost_at_ms=at_ms)


def paused(
    key: str = SERIES,
    record: TrackRecord | None = None,
    *,
    now_ms: int = T0,
    stop_loss_at_ms: int = 0,
    action: Action = Action.BUY,
    **settings: Any,
) -> str | None:
    standing = TrackedSeries(
        now_ms=now_ms,
        market=OPEN,
        records={} if record is None else {key: record},
        stop_loss_at_ms=stop_loss_at_ms,
    )
    wanted = signals(attrs.evolve(signal(Side.YES), action=action))
    return pause_reason(wanted, standing, ProtectionSettings(**settings))


@pytest.mark.parametrize(
    ("key", "record", "setting", "words"),
    [
        (SERIES, lost(3), {"losing_streak": 3}, "has lost 3 windows in a row, losing_streak 3"),
        (ACCOUNT_RECORD, lost(5), {"account_losing_streak": 4}, "5 windows in a row lost"),
        (SERIES, fallen(7), {"max_series_day_drawdown_dollars": 7}, "btc-15m is $7 below"),
        (
            ACCOUNT_RECORD,
            fallen(9),
            {"max_day_drawdown_dollars": 8},
            "$9 below its highest of this day",
        ),
        (
            ACCOUNT_RECORD,
            fallen(9),
            {"max_week_drawdown_dollars": 9},
            "$9 below its highest of this week",
        ),
        (ACCOUNT_RECORD, fallen(9), {"max_drawdown_dollars": 9}, "until it is raised"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_each_protection_pauses_purchases_at_its_limit_and_says_why(
    key: str, record: TrackRecord, setting: dict[str, int], words: str
) -> None:
    reason = paused(key, record, **setting)
    assert reason is not None
    assert reason.startswith("paused: ")
    assert words in reason
    ((name, limit),) = setting.items()
    assert name in reason
    assert paused(key, record, **{name: limit + 3}) is None
    assert paused(key, record) is None, "nothing pauses unless it is asked for"
    assert paused("eth-5m", record, **setting) is None, "another's record is nobody's"
    assert paused(key, record, action=Action.SELL, **setting) is None


@pytest.mark.parametrize(
    ("key", "record", "setting", "over_at_ms"),
    [
        (SERIES, lost(3), {"losing_streak": 3}, T0 + 4 * WINDOW_MS),
        (SERIES, lost(3), {"losing_streak": 3, "losing_streak_pause_windows": 1}, T0 + WINDOW_MS),
        (ACCOUNT_RECORD, lost(4), {"account_losing_streak": 4}, T0 + 3_600_000),
        (SERIES, fallen(9), {"max_series_day_drawdown_dollars": 9}, NEXT_DAY_MS),
        (ACCOUNT_RECORD, fallen(9), {"max_day_drawdown_dollars": 9}, NEXT_DAY_MS),
    ],
)
def test_a_pause_is_over_when_its_time_is(
    key: str, record: TrackRecord, setting: dict[str, int], over_at_ms: int
) -> None:
    assert paused(key, record, now_ms=over_at_ms - 1, **setting) is not None
    assert paused(key, record, now_ms=over_at_ms, **setting) is None


def test_a_weeks_drawdown_pauses_until_monday() -> None:
    reasons = [
        paused(
            ACCOUNT_RECORD,
            fallen(9),
            now_ms=NOON_MS + days * MS_PER_DAY,
            max_week_drawdown_dollars=9,
        )
        for days in range(8)
    ]
    days_left = reasons.index(None)
    assert 1 <= days_left <= 7
    assert all(reasons[:days_left])
    assert len({str(reason).rpartition("until ")[2] for reason in reasons[:days_left]}) == 1


def test_a_stop_loss_pauses_its_series_for_so_many_windows() -> None:
    closed_ms = T0 + 5
    for windows in (1, 3):
        last_ms = closed_ms + windows * WINDOW_MS
        setting = {"stop_loss_pause_windows": windows, "stop_loss_at_ms": closed_ms}
        assert "a stop loss was reached" in str(paused(now_ms=last_ms - 1, **setting))
        assert paused(now_ms=last_ms, **setting) is None


@pytest.mark.parametrize(
    ("span", "inside", "outside"),
    [
        ("08:00-22:30", "08:00 12:00 22:29", "07:59 22:30 00:00"),
        ("22:00-06:00", "22:00 05:59", "06:00 21:59"),
    ],
)
def test_purchases_are_made_within_trading_hours_only(span: str, inside: str, outside: str) -> None:
    def at(clock: str) -> str | None:
        hours, minutes = map(int, clock.split(":"))
        now_ms = DAY * MS_PER_DAY + (hours * 60 + minutes) * 60_000
        return paused(now_ms=now_ms, trading_hours=(span,))

    assert [at(clock) for clock in inside.split()] == [None] * len(inside.split())
    assert all(f"outside trading_hours {span} (UTC)" in str(at(clock)) for clock in outside.split())


@pytest.mark.parametrize("wrong", ["8:00-22:00", "08:00", "24:00-01:00", "08:60-09:00", ""])
def test_what_is_no_span_of_hours_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="trading_hours"):
        ProtectionSettings(trading_hours=(wrong,))
    with pytest.raises(ValueError, match="not a span of hours"):
        minutes_of(wrong)


# In the desk


class ProtectedDesk(Desk):
    def __init__(self, **protections: Any) -> None:
        super().__init__()
        self.settings = Settings(protections=ProtectionSettings(**protections))
        self.restart()

    def open(self, market: Market, now_ms: int, record: TrackRecord | None = None) -> None:
        self.feed(MarketOpened(market=market, strike=None), now_ms)
        records = {} if record is None else {ACCOUNT_RECORD: record, SERIES: record}
        known = attrs.evolve(
            position(1), market_id=market.market_id, ledger_version=1, records=records
        )
        self.feed(known, now_ms)

    def refusals(self, market: Market, now_ms: int) -> list[str]:
        wanted = signals(signal(Side.YES), at_ms=now_ms)
        return refusals(self.feed(attrs.evolve(wanted, market_id=market.market_id), now_ms))


def window(number: int) -> Market:
    shift_ms = number * WINDOW_MS
    return attrs.evolve(
        OPEN,
        market_id=f"0x{number}",
        opens_at_ms=OPEN.opens_at_ms + shift_ms,
        closes_at_ms=OPEN.closes_at_ms + shift_ms,
    )


def test_the_desk_refuses_while_a_protection_pauses_and_takes_orders_afterwards() -> None:
    desk = ProtectedDesk(losing_streak=2, losing_streak_pause_windows=1)
    first, second = window(1), window(2)
    record = lost(2, at_ms=first.opens_at_ms)
    desk.open(first, first.opens_at_ms, record)
    (reason,) = desk.refusals(first, first.opens_at_ms + 5_000)
    assert reason.startswith("paused: btc-15m has lost 2 windows in a row")
    desk.open(second, second.opens_at_ms, record)
    assert desk.refusals(second, second.opens_at_ms) == []


def test_a_pause_after_a_stop_loss_outlives_the_desk() -> None:
    desk = ProtectedDesk(stop_loss_pause_windows=1)
    first, second, third = window(1), window(2), window(3)
    desk.open(first, first.opens_at_ms)
    desk.feed(attrs.evolve(stop_loss("halt"), market_id=first.market_id), first.opens_at_ms)
    desk.restart(first.opens_at_ms + 1)
    assert isinstance(desk.core, DeskCore)
    desk.open(second, second.opens_at_ms)
    (reason,) = desk.refusals(second, second.opens_at_ms + 1_000)
    assert "a stop loss was reached" in reason
    desk.open(third, third.opens_at_ms)
    assert desk.refusals(third, third.opens_at_ms + 1_000) == []

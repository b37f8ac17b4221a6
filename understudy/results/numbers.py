"""Every number of a run, as JSON: money as exact texts in dollars, ratios as numbers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import UTC, datetime
from statistics import fmean
from typing import Any, TypeVar

from actors.messages.execution import OrderState
from actors.model import Side
from actors.units import NANOS_PER_DOLLAR, dollars_text, size_text
from research.backtest.outcome import Prediction
from research.statistics import (
    bootstrap_mean,
    brier,
    calibration,
    drawdown,
    profit_factor,
    sharpe,
    sortino,
)
from understudy.reading.leg_risk import PairRisk, leg_risks
from understudy.reading.performance import FillRatio, LegRisk
from understudy.results.trades import Move, ResultWindow, reason_kind

_Item = TypeVar("_Item")
_Key = TypeVar("_Key", bound=Hashable)

_DIGITS = 6
"""Significant digits of a ratio; what follows differs from one machine to another."""
_LEFT_STEPS_S = (30, 60, 120, 180, 300, 600, 900)
"""Bounds of the time left by which predictions are grouped."""


def numbers_of(windows: Sequence[ResultWindow], seed: int) -> dict[str, Any]:
    """Add up a run.

    Args:
        windows: in the order of their opening.
        seed: for the bootstrap.
    """
    settled = [window for window in windows if window.is_settled]
    orders = [order for window in windows for order in window.orders]
    moves = [move for window in windows for move in window.moves]
    return {
        "windows": len(windows),
        "settled": len(settled),
        **_results(settled, seed),
        "exposure": _exposure(windows),
        **_orders(orders),
        "leg_risk": _legs(windows),
        "by_hour": [{"hour": hour, **_group(group)} for hour, group in _grouped(settled, _hour_of)],
        "by_reason": [
            {"reason": reason, **_move_group(group)}
            for reason, group in _grouped(moves, lambda move: reason_kind(move.order))
        ],
    }


def _results(settled: Sequence[ResultWindow], seed: int) -> dict[str, Any]:
    nanos = [window.pnl_nanos for window in settled]
    traded = [window.pnl_nanos for window in settled if window.moves]
    dollars = [each / NANOS_PER_DOLLAR for each in nanos]
    won = sum(each > 0 for each in traded)
    fallen = drawdown(nanos)
    interval = bootstrap_mean(dollars, seed)
    return {
        "traded": len(traded),
        "won": won,
        "lost": sum(each < 0 for each in traded),
        "pnl": dollars_text(sum(nanos)),
        "fees": dollars_text(sum(window.fees_nanos for window in settled)),
        "win_rate": _ratio(won / len(traded) if traded else None),
        "profit_factor": _ratio(profit_factor(traded)),
        "expectancy": _mean_text(traded),
        "mean_window": _mean_text(nanos),
        "mean_window_interval": None
        if interval is None
        else {
            "low": _ratio(interval.low),
            "high": _ratio(interval.high),
            "confidence": interval.confidence,
        },
        "sharpe_window": _ratio(sharpe(dollars)),
        "sortino_window": _ratio(sortino(dollars)),
        "drawdown": {
            "amount": dollars_text(int(fallen.amount)),
            "windows": fallen.end - fallen.start,
            "from": settled[fallen.start].slug if fallen.amount else None,
            "to": settled[fallen.end - 1].slug if fallen.amount else None,
            "longest_windows": fallen.longest,
        },
    }


def _exposure(windows: Sequence[ResultWindow]) -> dict[str, Any]:
    """Most money that was paid out at once, window by window, and how long anything was held."""
    largest = []
    held_ms = 0
    for window in windows:
        moves = window.moves
        if not moves:
            continue
        cash_nanos = lowest_nanos = 0
        for move in moves:
            cash_nanos += move.cash_nanos
            lowest_nanos = min(lowest_nanos, cash_nanos)
        largest.append(-lowest_nanos)
        held_ms += max(0, window.market.closes_at_ms - moves[0].fill.timestamp_ms)
    whole_ms = sum(each.market.closes_at_ms - each.market.opens_at_ms for each in windows)
    return {
        "largest": dollars_text(max(largest, default=0)),
        "mean": _mean_text(largest),
        "time_share": _ratio(held_ms / whole_ms if whole_ms else None),
    }


def _orders(orders: Sequence[OrderState]) -> dict[str, Any]:
    ratio = FillRatio.of(orders)
    fills = [fill for order in orders for fill in order.fills]
    return {
        "orders": len(orders),
        "orders_by_status": dict(sorted(Counter(each.status.value for each in orders).items())),
        "orders_touched": ratio.touched_count,
        "shares_ordered": size_text(ratio.ordered_units),
        "shares_filled": size_text(ratio.filled_units),
        "fill_ratio": _ratio(None if ratio.ratio is None else float(ratio.ratio)),
        "maker_fills": sum(fill.is_maker for fill in fills),
        "taker_fills": sum(not fill.is_maker for fill in fills),
    }


def _legs(windows: Sequence[ResultWindow]) -> dict[str, Any]:
    pairs: list[PairRisk] = []
    for window in windows:
        pairs += leg_risks(window.orders, window.market.closes_at_ms)
    risk = LegRisk(pairs=tuple(pairs))
    return {
        "pairs": len(risk.pairs),
        "one_legged": len(risk.one_legged),
        "longest_ms": risk.longest_ms,
        "worst": dollars_text(risk.worst_nanos),
        "ends": {end.value: count for end, count in risk.ends.items()},
    }


def _group(windows: Sequence[ResultWindow]) -> dict[str, Any]:
    return {
        "windows": len(windows),
        "traded": sum(bool(window.moves) for window in windows),
        "pnl": dollars_text(sum(window.pnl_nanos for window in windows)),
        "fees": dollars_text(sum(window.fees_nanos for window in windows)),
    }


def _move_group(moves: Sequence[Move]) -> dict[str, Any]:
    return {
        "orders": len({move.order.intent.order_id for move in moves}),
        "shares": size_text(sum(move.fill.size_units for move in moves)),
        "pnl": dollars_text(sum(move.pnl_nanos for move in moves)),
        "fees": dollars_text(sum(move.fill.fee_nanos for move in moves)),
    }


def model_numbers(
    predictions: Iterable[tuple[Side | None, Sequence[Prediction]]],
) -> dict[str, Any]:
    """Hold the strategy's model, and the market's own price, against the results.

    Args:
        predictions: each settled window's winner, and what was thought of Up in it.
    """
    rows = [
        (each, winner is Side.YES)
        for winner, of_window in predictions
        if winner is not None
        for each in of_window
        if each.left_ms > 0
    ]
    groups = _grouped(rows, lambda row: _left_label(row[0].left_ms))
    return {
        **_scores(rows),
        "by_time_left": [{"left": left, **_scores(group)} for left, group in groups],
        "calibration": _bins([(each.model_ticks, was) for each, was in rows]),
        "market_calibration": _bins([(each.market_ticks, was) for each, was in rows]),
    }


def _scores(rows: Sequence[tuple[Prediction, bool]]) -> dict[str, Any]:
    """Brier scores of model and market where both have an opinion, so that they compare."""
    both = [
        (each.model_ticks / 1000, each.market_ticks / 1000, was)
        for each, was in rows
        if each.model_ticks is not None and each.market_ticks is not None
    ]
    happened = [was for _, _, was in both]
    return {
        "predictions": len(both),
        "brier": _ratio(brier([model for model, _, _ in both], happened)),
        "market_brier": _ratio(brier([market for _, market, _ in both], happened)),
    }


def _bins(rows: Sequence[tuple[float | None, bool]]) -> list[dict[str, Any]]:
    known = [(ticks / 1000, was) for ticks, was in rows if ticks is not None]
    found = calibration([chance for chance, _ in known], [was for _, was in known])
    return [
        {
            "low": each.low,
            "high": each.high,
            "predictions": each.count,
            "mean_chance": _ratio(each.mean_chance),
            "share_happened": _ratio(each.share_happened),
        }
        for each in found
    ]


def _left_label(left_ms: int) -> str:
    """Name a range of time left, so that the names sort as the times do."""
    below_s = next((each for each in _LEFT_STEPS_S if left_ms <= each * 1000), None)
    return f"{_LEFT_STEPS_S[-1]:>3} s and more" if below_s is None else f"up to {below_s:>3} s"


def _hour_of(window: ResultWindow) -> int:
    return datetime.fromtimestamp(window.market.opens_at_ms / 1000, UTC).hour


def _grouped(
    items: Iterable[_Item], key: Callable[[_Item], _Key]
) -> list[tuple[_Key, list[_Item]]]:
    groups: defaultdict[_Key, list[_Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return sorted(groups.items(), key=lambda each: str(each[0]).rjust(20))


def _mean_text(nanos: Sequence[int]) -> str | None:
    """Mean of amounts in dollars, to a hundredth of a cent; None without any."""
    return f"{fmean(nanos) / NANOS_PER_DOLLAR:.4f}" if nanos else None


def _ratio(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{_DIGITS}g}")

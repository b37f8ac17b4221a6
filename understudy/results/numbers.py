"""All numbers of a run, as JSON: money as exact texts in dollars, ratios as numbers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import UTC, datetime
from statistics import fmean
from typing import Any, TypeVar

import attrs

from actors.model import Side
from actors.units import NANOS_PER_DOLLAR, TICKS_PER_DOLLAR, dollars_text, size_text
from research.backtest.outcome import Prediction
from research.statistics import (
    Forecasts,
    bootstrap_mean,
    drawdown,
    profit_factor,
    sharpe,
    sortino,
)
from understudy.reading.leg_risk import LegEnd, PairRisk, leg_risks
from understudy.reading.orders import FillRatio
from understudy.reading.performance import LegRisk
from understudy.reading.windows import Move, ResultWindow, WindowFigures, reason_kind

_Item = TypeVar("_Item")
_Key = TypeVar("_Key", bound=Hashable)

_DIGITS = 6
"""Significant digits of a ratio."""
_LEFT_STEPS_S = (30, 60, 120, 180, 300, 600, 900)
"""Bounds of the groups of predictions by time left."""


class RunNumbers:
    """A run's numbers, summed window by window; only each window's figures are kept."""

    def __init__(self) -> None:
        self.windows: list[WindowFigures] = []
        """In the order of addition."""
        self._statuses: Counter[str] = Counter()
        self._maker_fills_count = 0
        self._legs = _LegTotals()
        self._reasons: defaultdict[str, _MoveTotals] = defaultdict(_MoveTotals)

    def add(self, window: ResultWindow) -> None:
        """Add the next window, in the order of opening."""
        self.windows.append(window.figures())
        self._statuses.update(order.status.value for order in window.orders)
        self._legs.add(leg_risks(window.orders, window.market.closes_at_ms))
        moves = window.moves
        self._maker_fills_count += sum(move.fill.is_maker for move in moves)
        for reason, of_reason in _grouped(moves, lambda move: reason_kind(move.order)):
            self._reasons[reason].add(of_reason)

    def numbers(self, seed: int) -> dict[str, Any]:
        """Compute the results; ``seed`` is the bootstrap's."""
        settled = [window for window in self.windows if window.is_settled]
        reasons = sorted(self._reasons.items(), key=_sort_key)
        return {
            "windows": len(self.windows),
            "settled": len(settled),
            **_results(settled, seed),
            "exposure": _exposure(self.windows),
            **self._orders(),
            "leg_risk": self._legs.numbers(),
            "by_hour": [
                {"hour": hour, **_group(group)} for hour, group in _grouped(settled, _hour_of)
            ],
            "by_reason": [{"reason": reason, **moves.numbers()} for reason, moves in reasons],
        }

    def _orders(self) -> dict[str, Any]:
        ratio = sum((window.fill_ratio for window in self.windows), FillRatio())
        fills_count = sum(window.fills_count for window in self.windows)
        return {
            "orders": sum(window.orders_count for window in self.windows),
            "orders_by_status": dict(sorted(self._statuses.items())),
            "orders_touched": ratio.touched_count,
            "shares_ordered": size_text(ratio.ordered_units),
            "shares_filled": size_text(ratio.filled_units),
            "fill_ratio": rounded(None if ratio.ratio is None else float(ratio.ratio)),
            "maker_fills": self._maker_fills_count,
            "taker_fills": fills_count - self._maker_fills_count,
        }


@attrs.define
class _LegTotals:
    """Totals over arbitrage pairs."""

    pairs_count: int = 0
    one_legged_count: int = 0
    longest_ms: int = 0
    worst_nanos: int = 0
    ends: Counter[LegEnd] = attrs.field(factory=Counter)

    def add(self, pairs: tuple[PairRisk, ...]) -> None:
        risk = LegRisk(pairs=pairs)
        self.pairs_count += len(pairs)
        self.one_legged_count += len(risk.one_legged)
        self.longest_ms = max(self.longest_ms, risk.longest_ms)
        self.worst_nanos = max(self.worst_nanos, risk.worst_nanos)
        self.ends.update(risk.ends)

    def numbers(self) -> dict[str, Any]:
        return {
            "pairs": self.pairs_count,
            "one_legged": self.one_legged_count,
            "longest_ms": self.longest_ms,
            "worst": dollars_text(self.worst_nanos),
            "ends": {end.value: self.ends[end] for end in LegEnd if self.ends[end]},
        }


@attrs.define
class _MoveTotals:
    """Totals over fills of orders with one kind of reason."""

    orders_count: int = 0
    units: int = 0
    pnl_nanos: int = 0
    fees_nanos: int = 0

    def add(self, moves: Sequence[Move]) -> None:
        """Add a window's fills."""
        self.orders_count += len({move.order.intent.order_id for move in moves})
        self.units += sum(move.fill.size_units for move in moves)
        self.pnl_nanos += sum(move.pnl_nanos for move in moves)
        self.fees_nanos += sum(move.fill.fee_nanos for move in moves)

    def numbers(self) -> dict[str, Any]:
        return {
            "orders": self.orders_count,
            "shares": size_text(self.units),
            "pnl": dollars_text(self.pnl_nanos),
            "fees": dollars_text(self.fees_nanos),
        }


def _results(settled: Sequence[WindowFigures], seed: int) -> dict[str, Any]:
    nanos = [window.pnl_nanos for window in settled]
    traded = [window.pnl_nanos for window in settled if window.fills_count]
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
        "win_rate": rounded(won / len(traded) if traded else None),
        "profit_factor": rounded(profit_factor(traded)),
        "expectancy": _mean_text(traded),
        "mean_window": _mean_text(nanos),
        "mean_window_interval": None
        if interval is None
        else {
            "low": rounded(interval.low),
            "high": rounded(interval.high),
            "confidence": interval.confidence,
        },
        "sharpe_window": rounded(sharpe(dollars)),
        "sortino_window": rounded(sortino(dollars)),
        "drawdown": {
            "amount": dollars_text(int(fallen.amount)),
            "windows": fallen.end - fallen.start,
            "from": settled[fallen.start].slug if fallen.amount else None,
            "to": settled[fallen.end - 1].slug if fallen.amount else None,
            "longest_windows": fallen.longest,
        },
    }


def _exposure(windows: Sequence[WindowFigures]) -> dict[str, Any]:
    """Most money paid out at once, window by window, and how long anything was held."""
    largest = [window.most_paid_nanos for window in windows if window.fills_count]
    held_ms = sum(window.held_ms for window in windows)
    whole_ms = sum(window.closes_at_ms - window.opens_at_ms for window in windows)
    return {
        "largest": dollars_text(max(largest, default=0)),
        "mean": _mean_text(largest),
        "time_share": rounded(held_ms / whole_ms if whole_ms else None),
    }


def _group(windows: Sequence[WindowFigures]) -> dict[str, Any]:
    return {
        "windows": len(windows),
        "traded": sum(bool(window.fills_count) for window in windows),
        "pnl": dollars_text(sum(window.pnl_nanos for window in windows)),
        "fees": dollars_text(sum(window.fees_nanos for window in windows)),
    }


class ModelNumbers:
    """Scores the strategy's model, and the market's own price, against the results."""

    def __init__(self) -> None:
        self._all = _Scores()
        self._by_left: defaultdict[str, _Scores] = defaultdict(_Scores)
        self._model, self._market = Forecasts(), Forecasts()

    def add(self, winner: Side, predictions: Iterable[Prediction]) -> None:
        """Add the predictions of Up in a settled window."""
        was = winner is Side.YES
        for each in predictions:
            if each.left_ms <= 0:
                continue
            model, market = _chance(each.model_ticks), _chance(each.market_ticks)
            if model is not None:
                self._model.add(model, was=was)
            if market is not None:
                self._market.add(market, was=was)
            for scores in (self._all, self._by_left[_left_label(each.left_ms)]):
                scores.add(model, market, was=was)

    def numbers(self) -> dict[str, Any]:
        """Compute the scores of both."""
        by_left = sorted(self._by_left.items(), key=_sort_key)
        return {
            **self._all.numbers(),
            "by_time_left": [{"left": left, **scores.numbers()} for left, scores in by_left],
            "calibration": _bins(self._model),
            "market_calibration": _bins(self._market),
        }


class _Scores:
    """Brier scores of model and market where both have a value, so that they are comparable."""

    def __init__(self) -> None:
        self._model, self._market = Forecasts(), Forecasts()

    def add(self, model: float | None, market: float | None, *, was: bool) -> None:
        if model is not None and market is not None:
            self._model.add(model, was=was)
            self._market.add(market, was=was)

    def numbers(self) -> dict[str, Any]:
        return {
            "predictions": self._model.count,
            "brier": rounded(self._model.brier),
            "market_brier": rounded(self._market.brier),
        }


def _chance(ticks: float | None) -> float | None:
    return None if ticks is None else ticks / TICKS_PER_DOLLAR


def _bins(forecasts: Forecasts) -> list[dict[str, Any]]:
    return [
        {
            "low": each.low,
            "high": each.high,
            "predictions": each.count,
            "mean_chance": rounded(each.mean_chance),
            "share_happened": rounded(each.share_happened),
        }
        for each in forecasts.calibration()
    ]


def _left_label(left_ms: int) -> str:
    """Name a range of time left, such that the names sort like the times."""
    below_s = next((each for each in _LEFT_STEPS_S if left_ms <= each * 1000), None)
    return f"{_LEFT_STEPS_S[-1]:>3} s and more" if below_s is None else f"up to {below_s:>3} s"


def _hour_of(window: WindowFigures) -> int:
    return datetime.fromtimestamp(window.opens_at_ms / 1000, UTC).hour


def _grouped(
    items: Iterable[_Item], key: Callable[[_Item], _Key]
) -> list[tuple[_Key, list[_Item]]]:
    groups: defaultdict[_Key, list[_Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return sorted(groups.items(), key=_sort_key)


def _sort_key(item: tuple[Hashable, object]) -> str:
    """Sort groups by name, numbers by size."""
    return str(item[0]).rjust(20)


def _mean_text(nanos: Sequence[int]) -> str | None:
    """Mean of amounts in dollars, to a hundredth of a cent; None without any."""
    return f"{fmean(nanos) / NANOS_PER_DOLLAR:.4f}" if nanos else None


def rounded(value: float | None) -> float | None:
    """Round off what differs from one machine to another."""
    return None if value is None else float(f"{value:.{_DIGITS}g}")

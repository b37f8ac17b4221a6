"""Collects a window's outcome from the messages of a paper run to its observer."""

from __future__ import annotations

import re
from collections import Counter

from actors.messages.execution import OrderState, OrderUpdated, SignalsRefused
from actors.messages.strategy import Evaluated, StopLossTriggered, TradeSignals
from actors.model import Action, Market, Side
from actors.position.ledger import WindowLedger
from research.backtest.outcome import EquityPoint, Prediction, WindowOutcome
from research.backtest.tape import Tape
from research.backtest.venue_book import VenueBook

_NUMBER = re.compile(r"order_\w+|\d[\d,.]*")


class OutcomeCollector:
    """Collects the outcome of one window."""

    def __init__(self, market: Market, book: VenueBook) -> None:
        """Begin; ``book`` is read for the market's mid price."""
        self._market = market
        self._book = book
        self._orders: dict[str, OrderState] = {}
        self._known_trades: set[tuple[str, str]] = set()
        self._equity: list[EquityPoint] = []
        self._predictions: list[Prediction] = []
        self._refusals: Counter[str] = Counter()
        self._signals_count = 0
        self._stop_loss_count = 0
        self._cash_nanos = 0
        self._held_units = dict.fromkeys(Side, 0)

    def hear(self, message: object, now_ms: int) -> None:
        """Take a message to the observer."""
        match message:
            case OrderUpdated(order):
                self._take_order(order, now_ms)
            case Evaluated():
                left_ms = self._market.closes_at_ms - message.at_ms
                middle = self._middle_ticks()
                self._predictions.append(Prediction(left_ms, message.model_ticks, middle))
            case SignalsRefused(reason=reason):
                self._refusals[_NUMBER.sub("#", reason)] += 1
            case TradeSignals():
                self._signals_count += 1
            case StopLossTriggered():
                self._stop_loss_count += 1

    def _take_order(self, order: OrderState, now_ms: int) -> None:
        intent = order.intent
        self._orders[intent.order_id] = order
        sign = 1 if intent.action is Action.BUY else -1
        for fill in order.fills:
            if (intent.order_id, fill.trade_id) in self._known_trades:
                continue
            self._known_trades.add((intent.order_id, fill.trade_id))
            self._held_units[intent.side] += sign * fill.size_units
            self._cash_nanos -= sign * fill.price_ticks * fill.size_units + fill.fee_nanos
            yes_units, no_units = self._held_units[Side.YES], self._held_units[Side.NO]
            middle = self._middle_ticks()
            self._equity.append(EquityPoint(now_ms, self._cash_nanos, yes_units, no_units, middle))

    def _middle_ticks(self) -> float | None:
        bid_ticks, ask_ticks = self._book.best()
        return None if bid_ticks is None or ask_ticks is None else (bid_ticks + ask_ticks) / 2

    def outcome(
        self, tape: Tape, ledger: WindowLedger, errors: tuple[str, ...], handled_count: int
    ) -> WindowOutcome:
        """Return the window's outcome."""
        counts, result, totals = tape.counts, ledger.result, ledger.totals()
        settled = ledger.settlement(0)
        lag_ms = counts.lag_ms_total / counts.lagged if counts.lagged else None
        return WindowOutcome(
            market=self._market,
            place=str(tape.recording.place),
            strike_e18=None if result is None else result.strike_e18,
            close_e18=None if result is None else result.close_e18,
            is_settled=result is not None,
            winner=None if result is None else result.winner,
            evidence="" if result is None else result.evidence,
            pnl_nanos=0 if settled is None else settled.pnl_nanos,
            fees_nanos=totals.fees_nanos,
            payout_nanos=0 if settled is None else settled.payout_nanos,
            cost_nanos=totals.cost_nanos,
            orders=tuple(self._orders.values()),
            equity=tuple(self._equity),
            predictions=tuple(self._predictions),
            signals_count=self._signals_count,
            refusals=tuple(sorted(self._refusals.items())),
            stop_loss_count=self._stop_loss_count,
            frames_count=counts.frames,
            events_count=counts.events,
            books_count=counts.books,
            trades_count=counts.trades,
            unreadable_count=counts.unreadable,
            lag_ms=lag_ms,
            handled_count=handled_count,
            gaps_count=len(tape.recording.gaps),
            errors=errors,
            derived=tape.recording.head.derived,
        )

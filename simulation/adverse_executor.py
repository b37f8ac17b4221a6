"""A simulated executor that behaves like a real venue.

It may reverse a trade during an order's life or after its end, and may leave an order's outcome
unknown for a while. So orders, ledger and desk meet reversals and unknown outcomes, which paper
trading alone never produces.
"""

from __future__ import annotations

import attrs

from actors.core import Dice, Effect, Effects, Record, Save, Send, SetTimer, handles
from actors.execution.paper import PaperOrder
from actors.execution.simulated import SimulatedExecutorCore
from actors.messages.execution import (
    FillFailed,
    FillReversed,
    OrderIntent,
    OrderReport,
    OrderStatus,
    OrderSubmitted,
    SubmitOrder,
)
from actors.messages.lifecycle import Started, TimerFired
from actors.messages.position import FillBooked
from actors.model import Action
from actors.roles import POSITION, order_role
from actors.settings import Settings

UNKNOWN_CHANCE = 0.2
FAILURE_CHANCE = 0.15
FAILURE_MOST_MS = 8_000
REFUSAL_CHANCE = 0.05

_LACK_MS = 60_000
"""How long after a purchase failed its side cannot be sold: by then every actor knows of it."""

_FAIL = "fail/"
_TELL, _TELL_AGAIN_MS = "tell", 500


class AdverseExecutorCore(SimulatedExecutorCore):
    """Paper trading with the faults of a venue."""

    RECOVERS = ("paper", "failed", "unbought", "late")  # type: ignore[assignment] # more than the base

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        super().__init__(role, settings, dice)
        self._failed: dict[str, dict[str, FillFailed]] = {}
        """By order, then trade."""
        self._failed_at_ms: dict[str, int] = {}
        """When a trade of an order last failed; after a restart, when it was recovered."""
        self._intents: dict[str, OrderIntent] = {}
        self._pending: set[str] = set()
        """Orders of which a trade is about to fail."""
        self._seen: set[str] = set()
        """Trades for which it was drawn whether they fail."""
        self._late: dict[str, FillReversed] = {}
        """By trade, reversals after an order's end that position has not confirmed."""

    def handle(self, message: object, now_ms: int) -> Effects:
        """Handle a message like the simulated executor, then make the answers worse."""
        if isinstance(message, SubmitOrder):
            self._intents[message.intent.order_id] = message.intent
        return [
            rough for effect in super().handle(message, now_ms) for rough in self._rough(effect)
        ]

    @handles(Started)
    def start(self, message: Started, now_ms: int) -> Effects:
        """Recover the failures too."""
        for value in message.saved:
            if isinstance(value, PaperOrder):
                self._intents[value.order_id] = value.intent
            elif isinstance(value, OrderIntent):
                self._intents[value.order_id] = value
            elif isinstance(value, FillFailed):
                self._note(value, now_ms)
            elif isinstance(value, FillReversed):
                self._late[value.fill.trade_id] = value
        return [*super().start(message, now_ms), *self._tell_late()]

    @handles(TimerFired)
    def wake(self, message: TimerFired, now_ms: int) -> Effects:
        """Make a trade fail, if its shares have not been sold."""
        if message.key == _TELL:
            return self._tell_late()
        if not message.key.startswith(_FAIL):
            return super().wake(message, now_ms)
        order_id, _, trade_id = message.key.removeprefix(_FAIL).partition("/")
        self._pending.discard(order_id)
        intent = self._intents[order_id]
        if intent.action is Action.BUY and self._is_sold(intent):
            return []
        failed = FillFailed(order_id, trade_id, "the trade was not settled")
        self._note(failed, now_ms)
        record = Record(
            failed, (Save("failed", trade_id, failed), Save("unbought", order_id, intent))
        )
        if order_id in self._live:
            return [record, *self._answer(order_id)]
        fills = self._ended[order_id].report.fills
        late = self._late[trade_id] = FillReversed(
            order_id=order_id,
            market=intent.market,
            side=intent.side,
            action=intent.action,
            fill=next(fill for fill in fills if fill.trade_id == trade_id),
            answer_to=self.role,
        )
        return [record, Record(late, (Save("late", trade_id, late),)), *self._tell_late()]

    @handles(FillBooked)
    def take_booking(self, message: FillBooked, _now_ms: int) -> Effects:
        """Note that position has booked the failure of a trade of an ended order."""
        late = self._late.pop(message.trade_id, None)
        return (
            []
            if late is None
            else [Record(message, (Save("late", message.trade_id, late, False),))]
        )

    def _tell_late(self) -> Effects:
        if not self._late:
            return []
        told = [Send(POSITION, late) for late in self._late.values()]
        return [*told, SetTimer(_TELL, _TELL_AGAIN_MS)]

    def _arrive(self, paper: PaperOrder, now_ms: int) -> Effects:
        """Arrive as on paper, but shares of a failed purchase cannot be sold."""
        if paper.intent.action is Action.SELL and self._lacks(paper.intent, now_ms):
            return self._end(paper, OrderStatus.REJECTED, "not enough balance / allowance", now_ms)
        return super()._arrive(paper, now_ms)

    def _is_sold(self, bought: OrderIntent) -> bool:
        """Return whether the sale of shares that an order bought has begun."""
        return any(
            each.action is Action.SELL and _is_of_one_token(each, bought)
            for each in self._intents.values()
        )

    def _lacks(self, sale: OrderIntent, now_ms: int) -> bool:
        """Return whether a trade of the side has failed that the seller may not know of."""
        return any(
            now_ms - at_ms < _LACK_MS and _is_of_one_token(self._intents[order_id], sale)
            for order_id, at_ms in self._failed_at_ms.items()
        )

    def _note(self, failed: FillFailed, now_ms: int) -> None:
        self._failed.setdefault(failed.order_id, {})[failed.trade_id] = failed
        self._failed_at_ms[failed.order_id] = now_ms

    def _venue_objection(self, intent: OrderIntent) -> str:
        if self.dice.random() < REFUSAL_CHANCE:
            return "not enough balance / allowance"
        return super()._venue_objection(intent)

    def _may_fail(self, order_id: str) -> bool:
        """Return whether a trade of the order may fail: one at a time, none that will be sold."""
        is_selling = self.settings.strategy.on_stop_loss == "exit"
        failing = Action.SELL if is_selling else Action.BUY
        intent = self._intents.get(order_id)
        return order_id not in self._pending and intent is not None and intent.action is failing

    def _rough(self, effect: Effect) -> Effects:
        if isinstance(effect, Record) and isinstance(effect.event, OrderSubmitted):
            order_id = effect.event.order_id
            unknown = OrderReport(
                order_id=order_id, status=OrderStatus.UNKNOWN, reason="no answer in time"
            )
            is_unknown = self.dice.random() < UNKNOWN_CHANCE
            return [effect, Send(order_role(order_id), unknown)] if is_unknown else [effect]
        if not isinstance(effect, Send) or not isinstance(effect.message, OrderReport):
            return [effect]
        report = effect.message
        failed = tuple(self._failed.get(report.order_id, ()))
        effects: Effects = [Send(effect.to, attrs.evolve(report, failed_trade_ids=failed))]
        for fill in report.fills:
            is_new = fill.trade_id not in self._seen
            self._seen.add(fill.trade_id)
            if is_new and self.dice.random() < FAILURE_CHANCE and self._may_fail(report.order_id):
                self._pending.add(report.order_id)
                delay_ms = int(self.dice.random() * FAILURE_MOST_MS)
                effects.append(SetTimer(f"{_FAIL}{report.order_id}/{fill.trade_id}", delay_ms))
        return effects


def _is_of_one_token(one: OrderIntent, other: OrderIntent) -> bool:
    return one.market.token(one.side) == other.market.token(other.side)

"""Real executors, and desks, that break one promise each of those that live orders rest on."""

from __future__ import annotations

import attrs
from broken_cores import DeskRecalling

from actors.core import Command, Effect, Effects, Record
from actors.execution.desk import DeskCore
from actors.execution.desk_memory import DeskMemory
from actors.execution.desk_state import DeskState, Halted
from actors.execution.real.core import RealExecutorCore
from actors.execution.real.messages import (
    AccountRead,
    CancelOrders,
    OrderSigned,
    PostOrder,
    PostRefused,
    PostUnclear,
    SignOrder,
)
from actors.execution.real.user_channel import Settlement, UserTrade
from actors.feeds.connection import FramesReceived
from actors.messages.lifecycle import Started
from actors.messages.position import PositionSnapshot
from actors.model import Market


def commands(effect: Effect, command_type: type) -> bool:
    return isinstance(effect, Command) and isinstance(effect.command, command_type)


class Deaf(RealExecutorCore):
    """Hears nothing on the user channel: all that it knows it reads."""

    def handle(self, message: object, now_ms: int) -> Effects:
        return [] if isinstance(message, FramesReceived) else super().handle(message, now_ms)


# Invariant 3


class PostsBeforeItRecords(RealExecutorCore):
    def handle(self, message: object, now_ms: int) -> Effects:
        effects = super().handle(message, now_ms)
        return sorted(effects, key=lambda effect: not commands(effect, PostOrder))


# Invariant 4


class SignsAgain(RealExecutorCore):
    """What every naive retry does: no answer, so another order."""

    def handle(self, message: object, now_ms: int) -> Effects:
        effects = super().handle(message, now_ms)
        if isinstance(message, PostUnclear):
            live = self._orders.get(message.order_id)
            assert live is not None
            intent = live.intent
            again = SignOrder(
                order_id=intent.order_id,
                token=intent.market.token(intent.side),
                action=intent.action,
                price_ticks=intent.price_ticks,
                size_units=intent.size_units,
                time_in_force=intent.time_in_force,
            )
            effects.append(Command(again))
        return effects


class PostsOtherBytes(RealExecutorCore):
    """Records what it posts; but not the same thing twice."""

    def handle(self, message: object, now_ms: int) -> Effects:
        effects = super().handle(message, now_ms)
        if not isinstance(message, OrderSigned):
            return effects
        live = self._orders.get(message.order_id)
        assert live is not None
        changed = attrs.evolve(live, payload=live.payload + " ")
        post = PostOrder(order_id=live.order_id, payload=changed.payload)
        return [*effects, *self._orders.commit(changed, message), Command(post)]


# Invariant 5


class TakesSilenceForRefusal(Deaf):
    def handle(self, message: object, now_ms: int) -> Effects:
        if isinstance(message, PostUnclear):
            message = PostRefused(order_id=message.order_id, status=400, text=message.reason)
        return super().handle(message, now_ms)


class GivesUnknownUp(Deaf):
    def handle(self, message: object, now_ms: int) -> Effects:
        effects = super().handle(message, now_ms)
        if isinstance(message, PostUnclear):
            live = self._orders.get(message.order_id)
            assert live is not None
            after = live.ended("nobody answers", live.traded_units, now_ms)
            effects += self._orders.commit(after, message)
        return effects


class SeesFailuresEverywhere(Deaf):
    def handle(self, message: object, now_ms: int) -> Effects:
        if isinstance(message, AccountRead):
            trades = [attrs.evolve(each, settlement=Settlement.FAILED) for each in message.trades]
            message = attrs.evolve(message, trades=tuple(trades))
        return super().handle(message, now_ms)


class MisreadsTrades(Deaf):
    def handle(self, message: object, now_ms: int) -> Effects:
        if isinstance(message, AccountRead):
            message = attrs.evolve(message, trades=tuple(map(_dearer, message.trades)))
        return super().handle(message, now_ms)


def _dearer(trade: UserTrade) -> UserTrade:
    return attrs.evolve(trade, trade_id=f"{trade.trade_id}-again")


# Invariant 7


class TradesUnread(RealExecutorCore):
    def _may_trade_in(self, market_id: str) -> bool:
        del market_id
        return True


class TradesUnagreed(RealExecutorCore):
    """Asks the ledger nothing."""

    def _may_trade_in(self, market_id: str) -> bool:
        return market_id in self._readings.read_markets

    def handle(self, message: object, now_ms: int) -> Effects:
        return [] if isinstance(message, PositionSnapshot) else super().handle(message, now_ms)


class NoHalts(DeskMemory):
    def halt_reason(self, market: Market) -> str:
        del market
        return ""


class IgnoresHalts(DeskRecalling):
    memory = NoHalts


class NeverRecordsHalts(DeskCore):
    def handle(self, message: object, now_ms: int) -> Effects:
        return [
            effect
            for effect in super().handle(message, now_ms)
            if not (isinstance(effect, Record) and isinstance(effect.event, Halted))
        ]


class ForgetsHaltsWhenItFalls(DeskCore):
    def handle(self, message: object, now_ms: int) -> Effects:
        if isinstance(message, Started):
            message = Started(tuple(map(_unhalted, message.saved)))
        return super().handle(message, now_ms)


def _unhalted(value: object) -> object:
    return attrs.evolve(value, halts=()) if isinstance(value, DeskState) else value


# Invariant 8


class KeepsFailuresToItself(Deaf):
    """Never takes a failed trade back, and trades on."""

    def handle(self, message: object, now_ms: int) -> Effects:
        if isinstance(message, AccountRead):
            trades = tuple(map(_sound, message.trades))
            message = attrs.evolve(message, trades=trades, balances=())
        return super().handle(message, now_ms)


def _sound(trade: UserTrade) -> UserTrade:
    if trade.settlement is not Settlement.FAILED:
        return trade
    return attrs.evolve(trade, settlement=Settlement.CONFIRMED)


class NeverCancels(RealExecutorCore):
    def handle(self, message: object, now_ms: int) -> Effects:
        effects = super().handle(message, now_ms)
        return [effect for effect in effects if not commands(effect, CancelOrders)]

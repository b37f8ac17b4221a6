"""Cores that break one promise each, to see whether the referee notices."""

from __future__ import annotations

import attrs
from msgspec.structs import replace

from actors.core import Core, Dice, Effect, Effects, Record, Save, Send, handles
from actors.directory.core import DirectoryCore
from actors.execution.acceptance import Circumstances
from actors.execution.desk import DeskCore
from actors.execution.desk_memory import DeskMemory, TradedWindow
from actors.execution.order import OrderCore
from actors.execution.simulated import SimulatedExecutorCore
from actors.messages.directory import MarketOpened, MarketResolved
from actors.messages.execution import (
    OpenOrders,
    OrderDone,
    OrderFilled,
    OrderReport,
    OrderStatus,
    SubmitOrder,
)
from actors.messages.lifecycle import TimerFired
from actors.messages.market import MarketSnapshot
from actors.messages.position import FillBooked, Holding, PositionSnapshot, WindowSettled
from actors.messages.strategy import StopLossTriggered, TradeSignals
from actors.model import Market, Side
from actors.position.core import PositionCore
from actors.position.ledger import WindowLedger
from actors.roles import DESK, OBSERVER, POSITION
from actors.settings import Settings
from actors.strategy.core import StrategyCore


def said(effect: Effect, message_type: type) -> bool:
    return isinstance(effect, Send) and isinstance(effect.message, message_type)


def forgetful(core: type[Core]) -> type[Core]:
    """Make a core that records nothing, and says the rest."""

    class Forgetful(core):  # type: ignore[misc, valid-type] # any core will do
        def handle(self, message: object, now_ms: int) -> Effects:
            effects = super().handle(message, now_ms)
            return [effect for effect in effects if not isinstance(effect, Record)]

    return Forgetful


def hasty(core: type[Core]) -> type[Core]:
    """Make a core that says first and records afterwards."""

    class Hasty(core):  # type: ignore[misc, valid-type] # any core will do
        def handle(self, message: object, now_ms: int) -> Effects:
            effects = super().handle(message, now_ms)
            return sorted(effects, key=lambda effect: isinstance(effect, Record))

    return Hasty


# Invariant 1


class WritesForeignRows(PositionCore):
    def handle(self, message: object, now_ms: int) -> Effects:
        effects = super().handle(message, now_ms)
        if isinstance(message, MarketOpened):
            effects.append(Record(message, (Save("desk", "desk", message),)))
        return effects


@attrs.define
class Scribble:
    text: str


class SaysWhatCanBeChanged(StrategyCore):
    def handle(self, message: object, now_ms: int) -> Effects:
        effects = super().handle(message, now_ms)
        return [*effects, Send(OBSERVER, Scribble("not final"))]


class DeskRecalling(DeskCore):
    """A desk with another memory than its own."""

    memory: type[DeskMemory]

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        super().__init__(role, settings, dice)
        self._known = self.memory(self)


# Invariant 2


class NoBusySides(DeskMemory):
    def circumstances(self, traded: TradedWindow, market: Market, now_ms: int) -> Circumstances:
        return attrs.evolve(super().circumstances(traded, market, now_ms), busy={})


class ForgetsBusySides(DeskRecalling):
    memory = NoBusySides

    def handle(self, message: object, now_ms: int) -> Effects:
        return [
            replace(effect, message=attrs.evolve(effect.message, live=()))
            if isinstance(effect, Send) and isinstance(effect.message, OpenOrders)
            else effect
            for effect in super().handle(message, now_ms)
        ]


class HalvesPairs(DeskCore):
    def handle(self, message: object, now_ms: int) -> Effects:
        if isinstance(message, TradeSignals):
            first = tuple(attrs.evolve(each, pair=None) for each in message.signals[:1])
            message = attrs.evolve(message, signals=first)
        return super().handle(message, now_ms)


class NoVersions(DeskMemory):
    def circumstances(self, traded: TradedWindow, market: Market, now_ms: int) -> Circumstances:
        return attrs.evolve(super().circumstances(traded, market, now_ms), required_version=0)


class TakesStaleSignals(DeskRecalling):
    memory = NoVersions


class ClingsToItsFirstPosition(StrategyCore):
    def handle(self, message: object, now_ms: int) -> Effects:
        if isinstance(message, PositionSnapshot):
            self.__dict__.setdefault("first", {}).setdefault(message.market_id, message.version)
        return [
            replace(effect, message=self._outdated(effect.message))
            if isinstance(effect, Send) and isinstance(effect.message, TradeSignals)
            else effect
            for effect in super().handle(message, now_ms)
        ]

    def _outdated(self, signals: TradeSignals) -> TradeSignals:
        return attrs.evolve(signals, position_version=self.__dict__["first"][signals.market_id])


class PretendsToBook(OrderCore):
    def handle(self, message: object, now_ms: int) -> Effects:
        effects: Effects = []
        for effect in super().handle(message, now_ms):
            if isinstance(effect, Send) and isinstance(effect.message, OrderFilled):
                filled = effect.message
                booked = FillBooked(
                    order_id=filled.order_id,
                    trade_id=filled.fill.trade_id,
                    is_reversal=False,
                    version=0,
                )
                effects += super().handle(booked, now_ms)
            else:
                effects.append(effect)
        return effects


# Invariant 4


class ForgetsWhatItTookOn(SimulatedExecutorCore):
    def handle(self, message: object, now_ms: int) -> Effects:
        if isinstance(message, SubmitOrder):
            self._live.pop(message.intent.order_id, None)
        return super().handle(message, now_ms)


# Invariant 5


class GivesUpByItself(OrderCore):
    def handle(self, message: object, now_ms: int) -> Effects:
        if isinstance(message, TimerFired) and message.key == "expire":
            self._saved = attrs.evolve(self._order, status=OrderStatus.CANCELLED)
            return [Record(message, (Save("order", self._order_id, self._order),))]
        return super().handle(message, now_ms)


class RevivesTheDead(OrderCore):
    def handle(self, message: object, now_ms: int) -> Effects:
        if isinstance(message, FillBooked) and self._order.is_terminal:
            self._saved = attrs.evolve(self._order, status=OrderStatus.ACCEPTED)
            return [Record(message, (Save("order", self._order_id, self._order),))]
        return super().handle(message, now_ms)


class MisreadsFills(OrderCore):
    def handle(self, message: object, now_ms: int) -> Effects:
        if isinstance(message, OrderReport):
            wrong = (attrs.evolve(f, price_ticks=f.price_ticks - 1) for f in message.fills)
            message = attrs.evolve(message, fills=tuple(wrong))
        return super().handle(message, now_ms)


# Invariant 6


class BooksTwice(PositionCore):
    def handle(self, message: object, now_ms: int) -> Effects:
        effects = super().handle(message, now_ms)
        if isinstance(message, OrderFilled):
            again = attrs.evolve(message.fill, trade_id=f"{message.fill.trade_id}-again")
            effects += super().handle(attrs.evolve(message, fill=again), now_ms)
        return effects


class KeepsItsVersion(PositionCore):
    def handle(self, message: object, now_ms: int) -> Effects:
        return [
            Record(effect.event, tuple(map(_at_first_version, effect.saves)))
            if isinstance(effect, Record)
            else effect
            for effect in super().handle(message, now_ms)
            if not isinstance(effect, Send)
        ]


def _at_first_version(save: Save) -> Save:
    if not isinstance(save.value, WindowLedger):
        return save
    return replace(save, value=attrs.evolve(save.value, version=1))


class Misadds(PositionCore):
    def handle(self, message: object, now_ms: int) -> Effects:
        effects = super().handle(message, now_ms)
        return [
            replace(effect, message=attrs.evolve(effect.message, fees_nanos=1))
            if isinstance(effect, Send) and isinstance(effect.message, PositionSnapshot)
            else effect
            for effect in effects
        ]


class PaysTooMuch(PositionCore):
    def handle(self, message: object, now_ms: int) -> Effects:
        effects = super().handle(message, now_ms)
        return [
            replace(effect, message=attrs.evolve(effect.message, pnl_nanos=10**9))
            if isinstance(effect, Send) and isinstance(effect.message, WindowSettled)
            else effect
            for effect in effects
        ]


class PicksTheLoser(DirectoryCore):
    def handle(self, message: object, now_ms: int) -> Effects:
        effects = super().handle(message, now_ms)
        return [
            replace(effect, event=_reversed(effect.event))
            if isinstance(effect, Record) and isinstance(effect.event, MarketResolved)
            else effect
            for effect in effects
        ]


def _reversed(resolved: MarketResolved) -> MarketResolved:
    winner = Side.YES if resolved.winner is None else resolved.winner.other
    return attrs.evolve(resolved, winner=winner)


# Invariant 7


class ImaginesItsPosition(StrategyCore):
    def handle(self, message: object, now_ms: int) -> Effects:
        effects = super().handle(message, now_ms)
        if isinstance(message, MarketSnapshot):
            imagined = PositionSnapshot(
                market_id=message.market.market_id,
                version=10**6,
                yes=Holding(),
                no=Holding(),
                fees_nanos=0,
                realized_nanos=0,
            )
            effects += super().handle(imagined, now_ms)
        return effects


class NoStops(DeskMemory):
    def circumstances(self, traded: TradedWindow, market: Market, now_ms: int) -> Circumstances:
        return attrs.evolve(super().circumstances(traded, market, now_ms), stop_reason="")

    def _is_stopped(self, market_id: str, now_ms: int) -> bool:
        del market_id, now_ms
        return False


class IgnoresItsStops(DeskRecalling):
    memory = NoStops


class StopsAtOnce(StrategyCore):
    """Says the stop loss with its first shares; what follows is the desk's to refuse."""

    def handle(self, message: object, now_ms: int) -> Effects:
        effects = super().handle(message, now_ms)
        if isinstance(message, PositionSnapshot) and message.version > 1:
            stop_loss = StopLossTriggered(
                market_id=message.market_id,
                side=Side.YES,
                best_bid_ticks=1,
                held_units=message.yes.quantity_units,
                on_stop_loss="halt",
                position_version=message.version,
                tick_ns=0,
            )
            effects.append(Send(DESK, stop_loss))
        return effects


# Invariant 8


class NeverLeaves(OrderCore):
    @handles(OrderDone)
    def leave(self, message: OrderDone, now_ms: int) -> Effects:
        del message, now_ms
        return []


class Mute(StrategyCore):
    def handle(self, message: object, now_ms: int) -> Effects:
        effects = super().handle(message, now_ms)
        return [effect for effect in effects if not said(effect, TradeSignals)]


class NeverTellsResults(PositionCore):
    def handle(self, message: object, now_ms: int) -> Effects:
        effects = super().handle(message, now_ms)
        return [effect for effect in effects if not said(effect, WindowSettled)]


# What is wrong in any program


class Raises(StrategyCore):
    def handle(self, message: object, now_ms: int) -> Effects:
        if isinstance(message, MarketSnapshot):
            raise ZeroDivisionError("what is left of the window")
        return super().handle(message, now_ms)


@attrs.frozen
class Gibberish:
    text: str = "a message of no protocol"


class SaysNonsense(StrategyCore):
    def handle(self, message: object, now_ms: int) -> Effects:
        effects = super().handle(message, now_ms)
        return [*effects, Send(POSITION, Gibberish())]

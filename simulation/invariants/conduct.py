"""Invariant 7: what must be known before an order may be created."""

from __future__ import annotations

from actors.core import Record
from actors.execution.desk_state import OrdersCreated
from actors.messages.directory import MarketClosing
from actors.messages.execution import OrderIntent
from actors.messages.halts import FlattenHoldings, HaltTrading, ResumeTrading
from actors.messages.lifecycle import JournalFailed, Started
from actors.messages.market import MarketSnapshot
from actors.messages.position import PositionSnapshot
from actors.messages.strategy import TradeSignals
from actors.model import Action, Side
from actors.roles import DESK, STRATEGY, base_role
from simulation.invariants.invariant import Actor, Invariant, heard, recorded, said

_SNAPSHOTS_KEPT = 64


class SoundBooks(Invariant):
    """Signals need two synced, fresh, uncrossed books, and a position that was reported."""

    number = 7

    def forget(self) -> None:
        """Forget everything."""
        self.newest: dict[str, MarketSnapshot] = {}
        """The last snapshot of each strategy, by its role."""
        self._snapshots: dict[tuple[str, int, int], MarketSnapshot] = {}
        self._versions: set[tuple[str, int, str, int]] = set()

    @heard(MarketSnapshot)
    def note_snapshot(self, actor: Actor, message: MarketSnapshot) -> None:
        """Remember the strategy's snapshot."""
        if base_role(actor.role) == STRATEGY:
            self.newest[actor.role] = message
            key = (actor.role, actor.generation, message.sequence)
            self._snapshots.pop(key, None)
            self._snapshots[key] = message
            if len(self._snapshots) > _SNAPSHOTS_KEPT:
                del self._snapshots[next(iter(self._snapshots))]

    @heard(PositionSnapshot)
    def note_position(self, actor: Actor, message: PositionSnapshot) -> None:
        """Remember the positions reported to the strategy."""
        if base_role(actor.role) == STRATEGY:
            key = (actor.role, actor.generation, message.market_id, message.version)
            self._versions.add(key)

    @said(TradeSignals)
    def check(self, actor: Actor, message: TradeSignals) -> None:
        """Check the books behind the signals."""
        snapshot = self._snapshots.get((actor.role, actor.generation, message.snapshot_sequence))
        self.require(
            snapshot is not None and snapshot.market.market_id == message.market_id,
            "{!r} names a snapshot that the strategy was not shown: {!r}",
            message,
            snapshot,
        )
        if snapshot is None or not message.signals:
            return  # a cancel reduces risk, whatever the books are
        for side in Side:
            book = snapshot.book(side)
            age_ms = message.snapshot_at_ms - book.updated_at_ms
            is_sound = (
                book.is_synced
                and not book.is_crossed
                and age_ms <= self.settings.of(snapshot.market.series).strategy.max_book_age_ms
            )
            self.require(
                is_sound, "{!r} on a {} book {} ms old: {!r}", message, side.value, age_ms, book
            )
        key = (actor.role, actor.generation, message.market_id, message.position_version)
        self.require(key in self._versions, "{!r} names a position that was not told", message)


class KnowsEnough(Invariant):
    """The desk creates orders only while it may, and knows what it must."""

    number = 7

    def forget(self) -> None:
        """Forget everything."""
        self._positions: dict[tuple[int, str], PositionSnapshot] = {}
        self._halted: set[int] = set()
        """Desks that are halted until their process ends."""
        self._told_to_halt: set[int] = set()
        self._over: set[tuple[int, str]] = set()
        self._signals: dict[int, TradeSignals] = {}

    @heard(Started)
    def begin(self, actor: Actor, _message: Started) -> None:
        """Forget an earlier desk's state; after a machine crash a generation may recur."""
        if actor.role == DESK:
            self._positions.clear()
            self._halted.clear()
            self._told_to_halt.clear()
            self._over.clear()

    @heard(PositionSnapshot)
    def note_position(self, actor: Actor, message: PositionSnapshot) -> None:
        """Note a position reported to the desk."""
        if actor.role == DESK:
            key = (actor.generation, message.market_id)
            known = self._positions.get(key)
            if known is None or message.version > known.version:
                self._positions[key] = message

    @heard(HaltTrading, FlattenHoldings, JournalFailed)
    def note_halt(self, actor: Actor, message: HaltTrading | FlattenHoldings | object) -> None:
        """Note a halt: for the life of the desk, or until a person resumes."""
        if actor.role == DESK:
            is_lasting = bool(getattr(message, "who", ""))
            (self._told_to_halt if is_lasting else self._halted).add(actor.generation)

    @heard(ResumeTrading)
    def note_resumption(self, actor: Actor, _message: ResumeTrading) -> None:
        """Note that the desk is told to resume."""
        if actor.role == DESK:
            self._told_to_halt.discard(actor.generation)

    @heard(MarketClosing)
    def note_end(self, actor: Actor, message: MarketClosing) -> None:
        """Note that a window has ended."""
        if actor.role == DESK:
            self._over.add((actor.generation, message.market_id))

    @said(TradeSignals)
    def note_signals(self, _actor: Actor, message: TradeSignals) -> None:
        """Note signals of the strategy."""
        self._signals[message.signals_id] = message

    @recorded(OrdersCreated)
    def check(self, actor: Actor, record: Record) -> None:
        """Check each order that is created."""
        event = record.event
        if not isinstance(event, OrdersCreated):
            return
        is_flattening = any(halt.flattens for halt in self.facts.halts)
        if event.signals_id or not is_flattening:
            self._check_halts(actor, event)
        for intent in event.intents:
            self._check_window(actor, intent)
            if event.signals_id:
                self._check_signal(actor, intent, event.signals_id)
            elif is_flattening:
                self._check_flattening(actor, intent)
            else:
                self._check_exit(actor, intent)

    def _check_halts(self, actor: Actor, event: OrdersCreated) -> None:
        """Check that no halt is in force: sent to this desk, recorded, or confirmed to a person."""
        generation = actor.generation
        is_halted = generation in self._halted or generation in self._told_to_halt
        self.require(not is_halted, "the desk is halted and creates {!r}", event)
        halts = self.facts.halts
        self.require(not halts, "{!r} are recorded, and {!r} is created", halts, event)
        self.require(
            not self.truth.is_halted(), "a person was told of a halt, and {!r} is created", event
        )

    def _check_window(self, actor: Actor, intent: OrderIntent) -> None:
        market = intent.market
        self.require(
            market.market_id in self.facts.ledgers
            and (actor.generation, market.market_id) in self._positions,
            "{} is created before its window's position is restored",
            intent.order_id,
        )
        is_over = (actor.generation, market.market_id) in self._over
        self.require(
            not is_over and actor.now_ms < market.closes_at_ms,
            "{} is created in {}, which is over",
            intent.order_id,
            market.slug,
        )
        self.require(
            actor.now_ms < intent.expires_at_ms <= market.closes_at_ms,
            "{} may live beyond its window, or not at all",
            intent.order_id,
        )

    def _check_signal(self, actor: Actor, intent: OrderIntent, signals_id: int) -> None:
        market_id = intent.market.market_id
        self.require(
            market_id not in self.facts.stops,
            "{} is created in {}, which is stopped",
            intent.order_id,
            intent.market.slug,
        )
        message = self._signals.get(signals_id)
        self.require(message is not None, "{} comes of signals never given", intent.order_id)
        if message is None:
            return
        age_ms = actor.now_ms - message.snapshot_at_ms
        most_ms = self.settings.of(intent.market.series).strategy.max_book_age_ms
        self.require(age_ms <= most_ms, "{} comes of a snapshot {} ms old", intent.order_id, age_ms)
        wanted = [
            (each.side, each.action, each.price_ticks, each.size_units) for each in message.signals
        ]
        created = (intent.side, intent.action, intent.price_ticks, intent.size_units)
        self.require(created in wanted, "{!r} is not what was wanted: {!r}", intent, message)

    def _check_flattening(self, actor: Actor, intent: OrderIntent) -> None:
        """Check that a flatten sells only what is held of one side beyond the other."""
        position = self._positions[actor.generation, intent.market.market_id]
        side = intent.side
        held_units = position.holding(side).quantity_units
        excess_units = held_units - position.holding(side.other).quantity_units
        is_sale = intent.action is Action.SELL and intent.size_units <= excess_units
        self.require(is_sale, "{!r} flattens {!r}", intent, position)

    def _check_exit(self, actor: Actor, intent: OrderIntent) -> None:
        """Check that the desk's own order sells a stopped holding, and not more than that."""
        stop = self.facts.stops.get(intent.market.market_id)
        position = self._positions[actor.generation, intent.market.market_id]
        held_units = position.holding(intent.side).quantity_units
        self.require(
            stop is not None
            and stop.exit_wish is not None
            and intent.action is Action.SELL
            and intent.size_units <= held_units,
            "{!r} comes of no signal, and is no exit from {} held after {!r}",
            intent,
            held_units,
            stop,
        )

"""Invariant 2: an order keeps its side busy, and no decision uses an outdated position."""

from __future__ import annotations

from actors.core import Record
from actors.execution.desk_state import OrdersCreated
from actors.messages.execution import OrderDone, OrderIntent, OrderUpdated
from actors.messages.strategy import TradeSignal, TradeSignals
from actors.roles import DESK
from simulation.invariants.facts import OrderFact
from simulation.invariants.invariant import Actor, Invariant, heard, recorded, said


class OneOrderASide(Invariant):
    """No order is created on a busy side, beyond the number that its strategy allows."""

    number = 2

    @recorded(OrdersCreated)
    def check(self, _actor: Actor, record: Record) -> None:
        """Check that every other order of the side has ended, with all of it booked."""
        intents = _created(record).intents
        for number, intent in enumerate(intents):
            owners = [
                other.state.intent.order_id
                for other in self.facts.orders_of(intent.market.market_id)
                if other.state.intent.side is intent.side and other.owns_side
            ]
            owners += [each.order_id for each in intents[:number] if each.side is intent.side]
            self.require(
                len(owners) < intent.orders_per_side,
                "{} takes {} of {}, which is owned by {!r}",
                intent.order_id,
                intent.side.value,
                intent.market.slug,
                owners,
            )


class TogetherOrNotAtAll(Invariant):
    """Orders and their rows are in one record; of a pair both legs, or none."""

    number = 2

    def forget(self) -> None:
        """Forget everything."""
        self._legs: dict[int, dict[str, list[object]]] = {}

    @said(TradeSignals)
    def note(self, _actor: Actor, message: TradeSignals) -> None:
        """Remember the legs of each pair."""
        legs = self._legs[message.signals_id] = {}
        for signal in message.signals:
            if signal.pair is not None:
                legs.setdefault(signal.pair, []).append(_terms(signal))

    @recorded(OrdersCreated)
    def check(self, _actor: Actor, record: Record) -> None:
        """Check that all rows are in this record, and both legs of a pair or none."""
        created = _created(record)
        saved = {save.key for save in record.saves if save.kind == "order"}
        by_id = {intent.order_id: intent for intent in created.intents}
        self.require(
            saved == set(by_id), "{} were created, and {} recorded", list(by_id), sorted(saved)
        )
        for leg in created.intents:
            partner = by_id.get(leg.pair_id or "")
            is_named = partner is not None and partner.pair_id == leg.order_id
            self.require(
                leg.pair_id is None or is_named, "{} is created without its other leg", leg
            )
        for pair, wanted in self._legs.get(created.signals_id, {}).items():
            made = [intent for intent in created.intents if _terms(intent) in wanted]
            named = [intent for intent in made if intent.pair_id is not None]
            self.require(
                len(made) == len(named) and len(made) in (0, 2),
                "the legs of {!r} became {!r}",
                pair,
                made,
            )


class NotStale(Invariant):
    """No order is based on a position that lacks fills of an order that the desk released."""

    number = 2

    def forget(self) -> None:
        """Forget everything."""
        self._told_over: set[str] = set()
        self._least_versions: dict[str, int] = {}

    @heard(OrderUpdated)
    def note_end(self, actor: Actor, message: OrderUpdated) -> None:
        """Note that the desk is told an order's end, with all of it booked."""
        if actor.role == DESK and OrderFact(message.order, is_open=True).is_over:
            self._told_over.add(message.order.intent.order_id)

    @said(OrderDone)
    def note_parting(self, actor: Actor, message: OrderDone) -> None:
        """Check that the desk was told the end of an order it releases, and nothing is missing."""
        order_id = message.order_id
        if not actor.is_current:
            return
        self.require(
            order_id in self._told_over, "the desk releases {}, which has not ended", order_id
        )
        market_id = self.facts.orders[order_id].state.intent.market.market_id
        for trade_id in self.facts.evidence.fills(order_id):
            entry = self.facts.booking(market_id, trade_id, order_id)
            if entry is not None:
                known = self._least_versions.get(market_id, 0)
                self._least_versions[market_id] = max(known, entry.booked_version)
            elif trade_id not in self.facts.evidence.failed(order_id):
                # a failure that arrived before its fill leaves nothing to book
                raise self.breach(f"the desk releases {order_id}, and {trade_id} is not booked")

    @recorded(OrdersCreated)
    def check(self, actor: Actor, record: Record) -> None:
        """Check that the position behind the decision has all those fills."""
        if actor.role != DESK:
            return
        for intent in _created(record).intents:
            least = self._least_versions.get(intent.market.market_id, 0)
            self.require(
                intent.position_version >= least,
                "{} was decided on position version {}; fills of finished orders are in version {}",
                intent.order_id,
                intent.position_version,
                least,
            )


def _terms(wanted: TradeSignal | OrderIntent) -> object:
    return wanted.side, wanted.action, wanted.price_ticks, wanted.size_units


def _created(record: Record) -> OrdersCreated:
    event = record.event
    if not isinstance(event, OrdersCreated):
        raise TypeError(f"{event!r} is not OrdersCreated")
    return event

"""Invariant 2: a side is busy while an order owns it, and nothing is decided on old positions."""

from __future__ import annotations

from actors.core import Record
from actors.execution.desk_state import OrdersCreated
from actors.messages.execution import OrderDone, OrderUpdated
from actors.messages.strategy import TradeSignals
from actors.roles import DESK
from simulation.invariants.facts import OrderFact
from simulation.invariants.invariant import Actor, Invariant, heard, recorded, said


class OneOrderASide(Invariant):
    """No order is created on a side that another one still owns."""

    number = 2

    @recorded(OrdersCreated)
    def check(self, _actor: Actor, record: Record) -> None:
        """Every other order of the side has been over, with all of it booked."""
        for intent in _created(record).intents:
            for other in self.facts.orders_of(intent.market.market_id):
                if other.state.intent.side is intent.side:
                    self.require(
                        not other.owns_side,
                        "{} takes {} of {}, which {} owns: {!r}",
                        intent.order_id,
                        intent.side.value,
                        intent.market.slug,
                        other.state.intent.order_id,
                        other.state,
                    )


class TogetherOrNotAtAll(Invariant):
    """The signals of one message become orders in one record, and a pair's legs name each other."""

    number = 2

    def forget(self) -> None:
        """Have seen nothing."""
        self._signal_counts: dict[int, int] = {}

    @said(TradeSignals)
    def note(self, _actor: Actor, message: TradeSignals) -> None:
        """Remember how many there are."""
        self._signal_counts[message.signals_id] = len(message.signals)

    @recorded(OrdersCreated)
    def check(self, _actor: Actor, record: Record) -> None:
        """As many orders as signals; all rows in this record."""
        created = _created(record)
        intents = created.intents
        expected = self._signal_counts.get(created.signals_id, 1)
        self.require(
            len(intents) == expected,
            "{} signals became {} orders: {!r}",
            expected,
            len(intents),
            intents,
        )
        saved = {save.key for save in record.saves if save.kind == "order"}
        ids = [intent.order_id for intent in intents]
        self.require(saved == set(ids), "{} were created, and {} recorded", ids, sorted(saved))
        if len(intents) == 2:
            one, other = intents
            is_pair = (one.pair_id, other.pair_id) == (other.order_id, one.order_id)
            is_pair = is_pair and one.side is not other.side
            self.require(is_pair, "{} are not the two legs of one pair", ids)


class NotStale(Invariant):
    """No order is decided on a position that lacks fills of an order the desk let go."""

    number = 2

    def forget(self) -> None:
        """Have seen nothing."""
        self._told_over: set[str] = set()
        self._least_versions: dict[str, int] = {}

    @heard(OrderUpdated)
    def note_end(self, actor: Actor, message: OrderUpdated) -> None:
        """The desk is told that an order is over, with all of it booked."""
        if actor.role == DESK and OrderFact(message.order, is_open=True).is_over:
            self._told_over.add(message.order.intent.order_id)

    @said(OrderDone)
    def note_parting(self, actor: Actor, message: OrderDone) -> None:
        """The desk lets an order go: it was told of its end, and nothing of it is missing."""
        order_id = message.order_id
        if not actor.is_current:
            return
        self.require(
            order_id in self._told_over, "the desk lets {} go, which is not over", order_id
        )
        market_id = self.facts.orders[order_id].state.intent.market.market_id
        for trade_id in self.facts.evidence.fills(order_id):
            entry = self.facts.booking(market_id, trade_id, order_id)
            if entry is not None:
                known = self._least_versions.get(market_id, 0)
                self._least_versions[market_id] = max(known, entry.booked_version)
            elif trade_id not in self.facts.evidence.failed(order_id):
                # a failure that overtook its fill leaves nothing to book
                raise self.breach(f"the desk lets {order_id} go, and {trade_id} is not booked")

    @recorded(OrdersCreated)
    def check(self, actor: Actor, record: Record) -> None:
        """The position decided on has all those fills."""
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


def _created(record: Record) -> OrdersCreated:
    event = record.event
    if not isinstance(event, OrdersCreated):
        raise TypeError(f"{event!r} is not OrdersCreated")
    return event

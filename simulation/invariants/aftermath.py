"""Invariant 8: once the faults have stopped, all actors serve again and nothing is left over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from actors.messages.market import SNAPSHOT_DEPTH, MarketSnapshot
from actors.model import Side
from actors.roles import STRATEGY, base_role, order_id_of, series_of_role
from actors.series import series_of
from simulation.exchange.exchange import Exchange
from simulation.exchange.window import SimulatedWindow
from simulation.invariants.facts import Facts
from simulation.simulated_actor import SimulatedActor
from venue.engine.messages import Outcome

LONGEST_FAREWELL_MS = 25_000
"""Latest time after the end of an order's time to live at which it is closed."""
_LOSS_LIMIT = "limit max_day_loss_dollars"
"""The halt of a strategy that has lost too much; tested strategies need not make money."""
_MINUTE_MS = 60_000


@attrs.frozen(kw_only=True)
class Aftermath:
    """A run at its end: what is left over, and what is wrong."""

    now_ms: int
    facts: Facts
    exchange: Exchange
    actors: tuple[SimulatedActor, ...]
    roles: tuple[str, ...]
    """The permanent roles."""
    snapshots: Mapping[str, MarketSnapshot]
    """The last snapshot of each strategy, by its role."""
    orders_per_minute_most: int
    """The account's limit."""

    def complaints(self) -> Iterator[str]:
        """Yield everything that has not recovered."""
        yield from self._actor_table()
        yield from self._orders()
        yield from self._windows()
        yield from self._books()
        yield from self.untraded()

    def _actor_table(self) -> Iterator[str]:
        """Yield problems of roles: each must have one actor, which serves."""
        for role in self.roles:
            filled = [actor for actor in self.actors if actor.role == role]
            if len(filled) != 1:
                yield f"{role} is filled by {len(filled)} actors"
            for actor in filled:
                if actor.core is None or not actor.core.is_serving:
                    yield f"{role} does not serve"
                elif not actor.is_current:
                    yield f"{role} is filled by an actor that was replaced"

    def _orders(self) -> Iterator[str]:
        """Yield problems of orders: each ended one must be closed, and its actor gone."""
        for order_id, fact in self.facts.orders.items():
            is_due = fact.state.intent.expires_at_ms + LONGEST_FAREWELL_MS < self.now_ms
            if fact.is_open and is_due:
                yield f"{order_id} is not closed: {fact.state!r}"
            market_id = fact.state.intent.market.market_id
            for trade_id in self.facts.evidence.failed(order_id) if is_due else ():
                entry = self.facts.booking(market_id, trade_id, order_id)
                if entry is None or entry.reversed_version is None:
                    yield f"trade {trade_id} of {order_id} has failed, and the ledger keeps it"
        live = {order_id for order_id, fact in self.facts.orders.items() if fact.is_open}
        for actor in self.actors:
            own_id = order_id_of(actor.role)
            if own_id is not None and own_id not in live:
                yield f"{actor.role} is closed, and its actor still there"
        for order_id in self.facts.evidence.order_ids():
            known = self.facts.orders.get(order_id)
            if known is None:
                yield f"the venue knows {order_id}, and no record does"
            elif not known.is_open and self.facts.evidence.end(order_id) is None:
                yield f"{order_id} is closed, and still lives at the venue"

    def _windows(self) -> Iterator[str]:
        """Yield problems of windows: each resolved one must be settled and finished."""
        decided = {
            window.window.condition_id
            for window in self.exchange.windows.values()
            if window.is_resolved and window.window.resolves_at_ms + 60_000 < self.now_ms
        }
        for market_id in self.facts.windows:
            ledger = self.facts.ledgers.get(market_id)
            if market_id in decided and (ledger is None or not ledger.is_settled):
                yield f"{self.facts.windows[market_id].market.slug} is resolved but not settled"
            is_unsettled = self.facts.windows[market_id].settled_at_ms is None
            if market_id in decided and market_id in self.facts.open_windows and is_unsettled:
                yield f"the directory has not finished {self.facts.windows[market_id].market.slug}"

    def _books(self) -> Iterator[str]:
        """Yield differences between the books shown to each strategy and the venue's."""
        for role, window in self._traded():
            yield from self._books_of(self.snapshots.get(role), window)

    def _traded(self) -> Iterator[tuple[str, SimulatedWindow]]:
        """Yield the open windows of traded series, each with its strategy's role."""
        strategies = {
            series_of_role(role): role for role in self.roles if base_role(role) == STRATEGY
        }
        for window in self.exchange.open_windows:
            role = strategies.get("") or strategies.get(series_of(window.window.slug))
            if role is not None:
                yield role, window

    def _books_of(self, snapshot: MarketSnapshot | None, window: SimulatedWindow) -> Iterator[str]:
        if snapshot is None or snapshot.market.market_id != window.window.condition_id:
            shown_slug = snapshot.market.slug if snapshot is not None else "nothing"
            yield f"the strategy is shown {shown_slug}, open is {window.window.slug}"
            return
        for side, outcome in ((Side.YES, Outcome.UP), (Side.NO, Outcome.DOWN)):
            book, public = snapshot.book(side), window.publisher.books[outcome]
            shown = (book.bids, book.asks)
            true = (tuple(public.bids()[:SNAPSHOT_DEPTH]), tuple(public.asks()[:SNAPSHOT_DEPTH]))
            if not book.is_synced or shown != true:
                yield f"the {side.value} book is shown as {shown}, it is {true}"

    def untraded(self) -> Iterator[str]:
        """Yield windows with cheap pairs after the faults in which nothing was ordered.

        It is correct to order nothing once the account has reached its loss limit of the day, or
        when other series have made all the orders of this minute.
        """
        halts = self.facts.halts
        if any(halt.who == _LOSS_LIMIT for halt in halts) or self._is_minute_full:
            return
        for _, window in self._traded():
            if not self.facts.orders_of(window.window.condition_id):
                reasons = "".join(f"; {halt.sentence}" for halt in halts)
                yield f"nothing was traded in {window.window.slug}{reasons}"

    @property
    def _is_minute_full(self) -> bool:
        """Whether another pair of orders would exceed the account's limit of orders per minute."""
        orders = self.facts.orders.values()
        made_at_ms = [fact.state.intent.created_at_ms for fact in orders]
        made_count = sum(at_ms // _MINUTE_MS == self.now_ms // _MINUTE_MS for at_ms in made_at_ms)
        return made_count + 2 > self.orders_per_minute_most

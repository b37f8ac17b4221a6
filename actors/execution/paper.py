"""Paper trading of an order against a real book: pure arithmetic, no messages.

An order takes what the book displays at its limit or better, each level at the level's own price,
as a taker who pays the fee. A purchase that never rests is sized in money, price times size, as at
the venue: at better prices it buys more shares. A resting order that is crossed later trades at its
own limit, as a maker who pays no fee. Shares that were taken are remembered until the size
displayed at their level changes, because a recorded or public book does not know of our trades.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence

import attrs

from actors.messages.execution import TERMINAL_STATUSES, OrderIntent, OrderReport, OrderStatus
from actors.messages.market import BookView, MarketSnapshot
from actors.model import Action, FillDetail, Level
from actors.units import taker_fee_nanos

FOK_KILLED = "fill or kill: it could not be filled whole"
POST_ONLY_CROSSES = "invalid post-only order: order crosses book"
"""The venue's wording."""

FIRST_PART_PERCENT = 30
"""Share of the order's size that trades first if the book cannot fill it in full."""
FIRST_PART_AFTER_MS = 200
SECOND_PART_AFTER_MS = 300


class PaperPhase(enum.Enum):
    """The next event that a paper order waits for."""

    ARRIVING = "ARRIVING"
    """Its arrival, after the latency."""
    FIRST_PART = "FIRST_PART"
    """Its first, partial fill."""
    SECOND_PART = "SECOND_PART"
    """Taking as much as possible of the rest."""
    RESTING = "RESTING"
    """The market crossing its limit, or the end of its time to live."""


@attrs.frozen(kw_only=True)
class PaperOrder:
    """An open paper order."""

    intent: OrderIntent
    phase: PaperPhase
    due_at_ms: int
    """When the phase ends by itself; for a resting order, the end of its time to live."""
    fills: tuple[FillDetail, ...] = ()
    cancel_reason: str = ""
    """Why a cancel was requested; it takes effect when it reaches the venue."""
    cancel_at_ms: int = 0
    """When the cancel reaches the venue, if there is one."""

    @property
    def order_id(self) -> str:
        """The order's id."""
        return self.intent.order_id

    @property
    def wakes_at_ms(self) -> int:
        """When its next event is due: its phase, a cancel, or the end of its time to live."""
        due_at_ms = min(self.due_at_ms, self.intent.expires_at_ms)
        return min(due_at_ms, self.cancel_at_ms) if self._is_cancelling else due_at_ms

    def is_cancelled(self, now_ms: int) -> bool:
        """Return whether a cancel has reached the venue."""
        return self._is_cancelling and now_ms >= self.cancel_at_ms

    @property
    def _is_cancelling(self) -> bool:
        """Whether a cancel is on its way; one sent before the order arrives ends it on arrival."""
        return bool(self.cancel_reason) and self.phase is not PaperPhase.ARRIVING

    def due_sooner(self, by_ms: int) -> PaperOrder:
        """Return the order with an earlier due time; its time to live stays."""
        is_resting = self.phase is PaperPhase.RESTING
        return attrs.evolve(
            self,
            due_at_ms=self.due_at_ms if is_resting else self.due_at_ms - by_ms,
            cancel_at_ms=self.cancel_at_ms - by_ms,
        )

    def due_within(self, limit_ms: int, now_ms: int) -> PaperOrder:
        """Return the order with its due time at most this far ahead."""
        latest_ms = now_ms + limit_ms
        is_resting = self.phase is PaperPhase.RESTING
        return attrs.evolve(
            self,
            due_at_ms=self.due_at_ms if is_resting else min(self.due_at_ms, latest_ms),
            cancel_at_ms=min(self.cancel_at_ms, latest_ms),
        )

    @property
    def left(self) -> int:
        """What it may still trade, in the unit of ``quantity_wanted``."""
        costs = (unit_cost(self.intent, fill.price_ticks) * fill.size_units for fill in self.fills)
        return quantity_wanted(self.intent) - sum(costs)

    @property
    def is_whole(self) -> bool:
        """Whether it has traded all that it can."""
        return is_done_with(self.intent, self.left)

    @property
    def first_part(self) -> int:
        """How much of that its first, partial fill takes, if the book has as much."""
        return min(self.left, quantity_wanted(self.intent) * FIRST_PART_PERCENT // 100)

    @property
    def status(self) -> OrderStatus:
        """Its status as the venue would report it."""
        if self.fills:
            return OrderStatus.FILLED if self.is_whole else OrderStatus.PARTIALLY_FILLED
        is_arriving = self.phase is PaperPhase.ARRIVING
        return OrderStatus.PENDING if is_arriving else OrderStatus.ACCEPTED

    def report(self, status: OrderStatus | None = None, reason: str = "") -> OrderReport:
        """Return a complete report, with a final status if one is given."""
        return OrderReport(
            order_id=self.order_id,
            status=status or self.status,
            fills=self.fills,
            reason=reason,
        )

    def with_fills(self, parts: Iterable[Level], now_ms: int, *, is_maker: bool) -> PaperOrder:
        """Return the order with these (price, size) parts traded; trade ids count up from 1."""
        fills = list(self.fills)
        for price_ticks, size_units in parts:
            rate_bps = 0 if is_maker else self.intent.market.fee_rate_bps
            fills.append(
                FillDetail(
                    trade_id=f"paper-{self.order_id}-{len(fills) + 1}",
                    price_ticks=price_ticks,
                    size_units=size_units,
                    fee_nanos=taker_fee_nanos(price_ticks, size_units, rate_bps),
                    is_maker=is_maker,
                    timestamp_ms=now_ms,
                )
            )
        return attrs.evolve(self, fills=tuple(fills))


@attrs.frozen(kw_only=True)
class PaperEnd:
    """The record of a paper order that ended, or was cancelled before it arrived.

    It answers queries until the order itself has recorded the end, and at least until its time to
    live is over: until then a late copy of SubmitOrder could revive it.
    """

    report: OrderReport
    keep_until_ms: int


@attrs.frozen
class TakenLevel:
    """Shares that paper orders took from one displayed level."""

    token: str
    action: Action
    """The taker's action; BUY took asks."""
    price_ticks: int
    displayed_units: int
    """The size that the level displayed then, and still displays."""
    taken_units: int


@attrs.frozen
class PaperLiquidity:
    """What paper orders have already taken from the currently displayed books."""

    taken: tuple[TakenLevel, ...] = ()

    def seen(self, snapshots: Iterable[MarketSnapshot]) -> PaperLiquidity:
        """Return a copy without levels whose displayed size has changed; itself if none has.

        Args:
            snapshots: the newest of each series.
        """
        newest = list(snapshots)
        kept = tuple(
            each for each in self.taken if any(_is_displayed(each, shown) for shown in newest)
        )
        return self if len(kept) == len(self.taken) else PaperLiquidity(kept)

    def offers(self, intent: OrderIntent, book: BookView) -> tuple[Level, ...]:
        """Return the offers available to an order at its limit or better, best price first."""
        left = []
        for price_ticks, displayed_units in levels_for(intent.action, book):
            if is_worse(intent.action, price_ticks, intent.price_ticks):
                break
            units = displayed_units - self._taken_units(intent, price_ticks)
            if units > 0:
                left.append((price_ticks, units))
        return tuple(left)

    def after(self, intent: OrderIntent, parts: Iterable[Level], book: BookView) -> PaperLiquidity:
        """Return a copy after an order took these (price, size) parts of the book."""
        displayed = dict(levels_for(intent.action, book))
        token = intent.market.token(intent.side)
        taken = {(each.token, each.action, each.price_ticks): each for each in self.taken}
        for price_ticks, size_units in parts:
            units = self._taken_units(intent, price_ticks) + size_units
            taken[token, intent.action, price_ticks] = TakenLevel(
                token, intent.action, price_ticks, displayed[price_ticks], units
            )
        return PaperLiquidity(tuple(taken.values()))

    def _taken_units(self, intent: OrderIntent, price_ticks: int) -> int:
        key = (intent.market.token(intent.side), intent.action, price_ticks)
        return sum(
            each.taken_units
            for each in self.taken
            if (each.token, each.action, each.price_ticks) == key
        )


def crossing_objection(intent: OrderIntent, offers: Sequence[Level]) -> str:
    """Return why a post-only order that would take is refused; empty if it would not."""
    return POST_ONLY_CROSSES if intent.is_post_only and offers else ""


def levels_for(action: Action, book: BookView) -> tuple[Level, ...]:
    """Return the side of the book that an order trades with, the best price first."""
    return book.asks if action is Action.BUY else book.bids


def is_worse(action: Action, price_ticks: int, limit_ticks: int) -> bool:
    """Return whether a price is worse than an order's limit."""
    return price_ticks > limit_ticks if action is Action.BUY else price_ticks < limit_ticks


def quantity_wanted(intent: OrderIntent) -> int:
    """Return what an order may trade: nanos if it is sized in money, otherwise units."""
    return intent.size_units * unit_cost(intent, intent.price_ticks)


def unit_cost(intent: OrderIntent, price_ticks: int) -> int:
    """Return by how much one unit at this price reduces that."""
    return price_ticks if intent.is_sized_in_money else 1


def is_done_with(intent: OrderIntent, left: int) -> bool:
    """Return whether too little is left to trade one more unit at the limit."""
    return left < unit_cost(intent, intent.price_ticks)


def take(intent: OrderIntent, offers: Iterable[Level], left: int) -> tuple[Level, ...]:
    """Return the (price, size) parts of these offers that an order takes with what it has left.

    Args:
        intent: the order.
        offers: at its limit or better, best first, in prices of its outcome.
        left: in the unit of ``quantity_wanted``.
    """
    parts = []
    for price_ticks, units in offers:
        if is_done_with(intent, left):
            break
        cost = unit_cost(intent, price_ticks)
        part_units = min(units, left // cost)
        parts.append((price_ticks, part_units))
        left -= part_units * cost
    return tuple(parts)


def total_units(levels: Iterable[Level]) -> int:
    """Return the sum of the sizes."""
    return sum(units for _price_ticks, units in levels)


def is_final(report: OrderReport) -> bool:
    """Return whether a report has a final status."""
    return report.status in TERMINAL_STATUSES


def _is_displayed(taken: TakenLevel, snapshot: MarketSnapshot) -> bool:
    market = snapshot.market
    if taken.token not in (market.yes_token, market.no_token):
        return False
    levels = dict(levels_for(taken.action, snapshot.book(market.side(taken.token))))
    return levels.get(taken.price_ticks) == taken.displayed_units

"""The money side of one market's orders: reservations, settlement and fees."""

from __future__ import annotations

from actors.core import require
from venue.amounts import NANOS_PER_MILLIONTH
from venue.engine.book import WorkingOrder
from venue.engine.ledger import Ledger, Leg
from venue.engine.messages import PriceLevel
from venue.engine.refusals import funds_refusal

_TICKS_PER_DOLLAR = 1_000
_BASIS_POINTS = 10_000
_STEP_NANOS = 10_000
"""Fees have five decimals of a dollar."""


class Clearing:
    """Connects one market's orders to the ledger."""

    def __init__(self, market_id: str, fee_rate_bps: int, ledger: Ledger) -> None:
        self._market_id = market_id
        self._fee_rate_bps = fee_rate_bps
        self._ledger = ledger

    def refusal(self, order: WorkingOrder, plan: list[PriceLevel]) -> str | None:
        """Why the owner's free balance does not cover the order; None if it does."""
        terms = order.terms
        account = self._ledger.account(terms.owner)
        if account.is_unlimited:
            return None
        if terms.is_buy:
            needed_nanos = order.notional_left_nanos + self._fees_at_most(order, plan)
            if needed_nanos <= account.free_nanos:
                return None
            return funds_refusal(
                max(0, account.free_nanos) // NANOS_PER_MILLIONTH,
                -(-needed_nanos // NANOS_PER_MILLIONTH),
            )
        free_units = self._ledger.free_shares_units(terms.owner, self._market_id, terms.outcome)
        if terms.size_units <= free_units:
            return None
        return funds_refusal(max(0, free_units), terms.size_units)

    def hold(self, order: WorkingOrder, plan: list[PriceLevel]) -> None:
        """Reserve what the order may still cost, plus the fees of the planned trades."""
        terms = order.terms
        if terms.is_buy:
            order.reserved = order.notional_left_nanos + self._fees_at_most(order, plan)
            is_held = self._ledger.reserve_cash(terms.owner, order.reserved)
        else:
            order.reserved = order.left
            is_held = self._ledger.reserve_shares(
                terms.owner, self._market_id, terms.outcome, order.reserved
            )
        require(is_held, f"{terms.owner} cannot cover order {terms.order_id}, which was accepted")

    def free(self, order: WorkingOrder) -> None:
        """Release everything reserved for the order."""
        self._release(order, order.reserved)

    def settle(
        self, taker: WorkingOrder, maker: WorkingOrder, book_price_ticks: int, size_units: int
    ) -> None:
        """Settle a match at the maker's price, out of the maker's reservation."""
        given = maker.terms.price_ticks * size_units if maker.terms.is_buy else size_units
        self._release(maker, given)
        self._ledger.settle(
            self._market_id,
            size_units,
            self._leg(taker, book_price_ticks),
            self._leg(maker, book_price_ticks),
        )

    def charge(self, taker: WorkingOrder, price_ticks: int, size_units: int) -> int:
        """Collect the taker's fee for a trade at a price of its outcome, and return it."""
        due_nanos = fee_nanos(price_ticks, size_units, self._fee_rate_bps)
        return self._ledger.charge_fee(taker.terms.owner, due_nanos) if due_nanos else 0

    def _fees_at_most(self, order: WorkingOrder, plan: list[PriceLevel]) -> int:
        """Most the fees of an order that takes can be, in nanodollars.

        For a number of shares, cost plus fee is highest at the limit price. A sum of money buys
        more shares, and pays more fees, at better prices; there the plan decides.
        """
        if not plan:
            return 0
        if order.terms.spend_nanos is None:
            return fee_nanos(order.terms.price_ticks, order.left, self._fee_rate_bps)
        return sum(
            fee_nanos(order.own_price(price), size, self._fee_rate_bps) for price, size in plan
        )

    def _leg(self, order: WorkingOrder, book_price_ticks: int) -> Leg:
        terms = order.terms
        return Leg(terms.owner, terms.outcome, terms.is_buy, order.own_price(book_price_ticks))

    def _release(self, order: WorkingOrder, amount: int) -> None:
        order.reserved -= amount
        terms = order.terms
        if terms.is_buy:
            self._ledger.release_cash(terms.owner, amount)
        else:
            self._ledger.release_shares(terms.owner, self._market_id, terms.outcome, amount)


def fee_nanos(price_ticks: int, size_units: int, fee_rate_bps: int) -> int:
    """Fee of a fill: shares x rate x p x (1 - p), truncated to five decimals of a dollar.

    The exchange has its own formula on purpose: if it shared the client's function, no test could
    find an error in it.

    Args:
        price_ticks: p, in thousandths of a dollar.
        size_units: millionths of a share.
        fee_rate_bps: the market's rate in ten-thousandths; 0.07 is 700.
    """
    per_share = price_ticks * (_TICKS_PER_DOLLAR - price_ticks) * fee_rate_bps
    # A tick times a unit is a nanodollar, so only one of the factors p and 1 - p is divided out.
    steps = per_share * size_units // (_TICKS_PER_DOLLAR * _BASIS_POINTS * _STEP_NANOS)
    return steps * _STEP_NANOS

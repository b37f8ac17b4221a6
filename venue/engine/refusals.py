"""The rules by which an order is refused, each with the venue's error text.

The texts are those of the venue's documented error codes or, where that is silent, those its users
report. Signatures, keys and raw payloads are checked before an order gets here.
"""

from __future__ import annotations

from actors.units import NANOS_PER_DOLLAR, PAYOUT_TICKS, UNITS_PER_SHARE
from venue.amounts import dollars_text, price_text, size_text
from venue.engine.messages import Lifetime, MarketRules, NewOrder, PriceLevel

INVALID_PAYLOAD = "Invalid order payload"
INVALID_EXPIRATION = "invalid expiration"
POST_ONLY_CROSSES = "invalid post-only order: order crosses book"
FAK_UNMATCHED = (
    "no orders found to match with FAK order. "
    "FAK orders are partially filled or killed if no match is found."
)
FOK_UNFILLED = "order couldn't be fully filled. FOK orders are fully filled or killed."
MARKET_NOT_READY = "the market is not yet ready to process new orders"
CANCEL_TOO_LATE = "order can't be found - already canceled or matched"
CANCEL_DELAYED = "cannot cancel: order is delayed"
"""Documented only in meaning; the venue's exact words are unknown."""

_CENT_NANOS = NANOS_PER_DOLLAR // 100
_CENT_OF_A_SHARE_UNITS = UNITS_PER_SHARE // 100
_FOUR_DECIMALS_NANOS = NANOS_PER_DOLLAR // 10_000
_FOUR_DECIMALS_UNITS = UNITS_PER_SHARE // 10_000


def duplicate_refusal(order: NewOrder) -> str:
    """Return the text for an order id that was accepted before."""
    return f"order {order.order_id} is invalid. Duplicated."


def funds_refusal(free: int, needed: int) -> str:
    """Return the text for too small a balance; amounts in millionths of a dollar or share."""
    return (
        "not enough balance / allowance: the balance is not enough -> "
        f"balance: {free}, order amount: {needed}"
    )


def rules_refusal(order: NewOrder, rules: MarketRules, now_ms: int) -> str | None:
    """Why the market's rules refuse the order, regardless of the book; None if they do not."""
    if _is_malformed(order):
        return INVALID_PAYLOAD
    return (
        _expiration_refusal(order, now_ms)
        or _price_refusal(order, rules.tick_size_ticks)
        or _size_refusal(order, rules.minimum_size_units)
        or _accuracy_refusal(order)
    )


def book_refusal(
    order: NewOrder, rules: MarketRules, plan: list[PriceLevel], *, is_filled: bool
) -> str | None:
    """Why the book refuses the order, given the trades it would make and whether they fill it."""
    if order.is_post_only and plan:
        return POST_ONLY_CROSSES
    if order.lifetime is Lifetime.FAK and not plan:
        return FAK_UNMATCHED
    if order.lifetime is Lifetime.FOK and not is_filled:
        return FOK_UNFILLED
    if order.is_buy and plan and notional_nanos(order) < rules.minimum_notional_nanos:
        return (
            f"invalid amount for a marketable BUY order (${dollars_text(notional_nanos(order))}), "
            f"min size: ${dollars_text(rules.minimum_notional_nanos)}"
        )
    return None


def notional_nanos(order: NewOrder) -> int:
    """Most money a buy can spend, in nanodollars, without fees."""
    if order.spend_nanos is not None:
        return order.spend_nanos
    return order.price_ticks * order.size_units


def _is_malformed(order: NewOrder) -> bool:
    takes_at_once = not order.lifetime.may_rest
    if order.spend_nanos is not None and (
        order.spend_nanos <= 0 or not order.is_buy or not takes_at_once
    ):
        return True
    return order.size_units <= 0 or (order.is_post_only and takes_at_once)


def _expiration_refusal(order: NewOrder, now_ms: int) -> str | None:
    if order.lifetime is not Lifetime.GTD:
        return None if order.expires_at_ms is None else INVALID_EXPIRATION
    if order.expires_at_ms is None or order.expires_at_ms <= now_ms:
        return INVALID_EXPIRATION
    return None


def _price_refusal(order: NewOrder, tick_size_ticks: int) -> str | None:
    price = order.price_ticks
    if tick_size_ticks <= price <= PAYOUT_TICKS - tick_size_ticks and price % tick_size_ticks == 0:
        return None
    return (
        f"order {order.order_id} is invalid. Price ({price_text(price)}) "
        f"breaks minimum tick size rule: {price_text(tick_size_ticks)}"
    )


def _size_refusal(order: NewOrder, minimum_size_units: int) -> str | None:
    if not order.lifetime.may_rest or order.size_units >= minimum_size_units:
        return None
    return (
        f"order {order.order_id} is invalid. Size ({size_text(order.size_units)}) "
        f"lower than the minimum: {size_text(minimum_size_units)}"
    )


def _accuracy_refusal(order: NewOrder) -> str | None:
    """Why the amounts of a FAK or FOK are too fine: at most 2 decimals given and 4 received.

    A BUY without ``spend_nanos`` has no signed amounts: only simulated takers send it.
    """
    if order.spend_nanos is not None:
        side = "buy"
        is_exact = not (order.spend_nanos % _CENT_NANOS or order.size_units % _FOUR_DECIMALS_UNITS)
    elif not (order.is_buy or order.lifetime.may_rest):
        side = "sell"
        proceeds_nanos = order.price_ticks * order.size_units
        is_exact = not (
            order.size_units % _CENT_OF_A_SHARE_UNITS or proceeds_nanos % _FOUR_DECIMALS_NANOS
        )
    else:
        return None
    if is_exact:
        return None
    return (
        f"invalid amounts, the market {side} orders maker amount supports a max accuracy "
        "of 2 decimals, taker amount a max of 4 decimals"
    )

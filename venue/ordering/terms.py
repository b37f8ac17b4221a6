"""Converts the two amounts that were signed to an order the engine understands.

A signed order names what is given and what is wanted, never a price. The price follows from the
two. For a market BUY (FAK or FOK) the money decides: the shares are the least it must get for all
of it.
"""

from __future__ import annotations

import attrs

from actors.units import PAYOUT_TICKS
from venue.amounts import NANOS_PER_MILLIONTH, price_text
from venue.engine.messages import Lifetime, NewOrder, Outcome
from venue.engine.refusals import INVALID_EXPIRATION, INVALID_PAYLOAD
from venue.wire.orders import BUY, PostedOrder

EXPIRES_EARLY_MS = 60_000
"""The venue ends an order this long before the expiration it names (documented)."""


class TermsRefused(ValueError):
    """The order cannot be read; the text is the venue's."""


@attrs.frozen(kw_only=True)
class OrderPlace:
    """The outcome that an order's token stands for, and the market's price grid."""

    outcome: Outcome
    tick_size_ticks: int


def new_order(posted: PostedOrder, order_id: str, owner: str, place: OrderPlace) -> NewOrder:
    """Convert a posted order.

    Raises:
        TermsRefused: amounts, price or expiration are invalid.
    """
    money_millionths, size_units = _amounts(posted)
    lifetime = Lifetime(posted.order_type)
    is_buy = posted.order.side == BUY
    if is_buy and not lifetime.may_rest:
        spend_nanos = money_millionths * NANOS_PER_MILLIONTH
        grid_ticks = place.tick_size_ticks
        price_ticks = money_millionths * PAYOUT_TICKS // size_units // grid_ticks * grid_ticks
    else:
        spend_nanos = None
        price_ticks = _exact_price(money_millionths, size_units, order_id, place.tick_size_ticks)
    return NewOrder(
        order_id=order_id,
        owner=owner,
        outcome=place.outcome,
        is_buy=is_buy,
        price_ticks=price_ticks,
        size_units=size_units,
        lifetime=lifetime,
        is_post_only=posted.post_only,
        expires_at_ms=_expires_at_ms(posted, lifetime),
        spend_nanos=spend_nanos,
    )


def _amounts(posted: PostedOrder) -> tuple[int, int]:
    """(money, shares), both in millionths."""
    given, wanted = posted.order.maker_amount, posted.order.taker_amount
    if not (given.isdecimal() and wanted.isdecimal() and int(given) and int(wanted)):
        raise TermsRefused(INVALID_PAYLOAD)
    is_buy = posted.order.side == BUY
    return (int(given), int(wanted)) if is_buy else (int(wanted), int(given))


def _exact_price(money: int, size: int, order_id: str, tick_size_ticks: int) -> int:
    price_ticks, rest = divmod(money * PAYOUT_TICKS, size)
    if rest:
        raise TermsRefused(
            f"order {order_id} is invalid. Price ({money / size:.6g}) "
            f"breaks minimum tick size rule: {price_text(tick_size_ticks)}"
        )
    return price_ticks


def _expires_at_ms(posted: PostedOrder, lifetime: Lifetime) -> int | None:
    expiration = posted.order.expiration
    if not expiration.isdecimal():
        raise TermsRefused(INVALID_EXPIRATION)
    if lifetime is Lifetime.GTD:
        return int(expiration) * 1000 - EXPIRES_EARLY_MS
    if int(expiration):
        raise TermsRefused(INVALID_EXPIRATION)
    return None

"""Signing as the client does, but without a key: an order's id is a hash of all its fields.

As with the real client no two signatures are alike, since each has its own salt. So signing an
order a second time makes a different order.
"""

from __future__ import annotations

import msgspec

from actors.execution.real.messages import OrderSigned, SignOrder
from actors.model import Action
from venue.ordering.ids import address_text, hash_text
from venue.ordering.signatures import EXTERNALLY_OWNED, Proof
from venue.wire.orders import PostedOrder, SignedTerms

WALLET = address_text("the wallet of the simulation")
_TICKS_PER_MILLIONTH = 1_000
_CENT_MILLIONTHS = 10_000
_FOUR_DECIMALS_UNITS = 100
_NOTHING = "0x" + "0" * 64


def sign(command: SignOrder, owner: str, salt: int, now_ms: int) -> OrderSigned:
    """Return an order as it is posted.

    Args:
        command: the order's terms.
        owner: name of the API key that will post it.
        salt: distinguishes it from every other order with the same terms.
        now_ms: the time as the signer's clock shows it.
    """
    is_buy = command.action is Action.BUY
    money_millionths = command.price_ticks * command.size_units // _TICKS_PER_MILLIONTH
    size_units = command.size_units
    if is_buy and not command.time_in_force.may_rest:
        money_millionths -= money_millionths % _CENT_MILLIONTHS
        size_units = money_millionths * _TICKS_PER_MILLIONTH // command.price_ticks
        size_units -= size_units % _FOUR_DECIMALS_UNITS
    money, size = str(money_millionths), str(size_units)
    terms = SignedTerms(
        salt=salt,
        maker=WALLET,
        signer=WALLET,
        token_id=command.token,
        maker_amount=money if is_buy else size,
        taker_amount=size if is_buy else money,
        side=command.action.value,
        expiration=str(command.venue_expiry_s or 0),
        timestamp=str(now_ms),
        metadata=_NOTHING,
        builder=_NOTHING,
        signature=_NOTHING,
        signature_type=EXTERNALLY_OWNED,
    )
    posted = PostedOrder(
        order=terms,
        owner=owner,
        order_type=command.time_in_force.value,
        post_only=command.is_post_only,
    )
    return OrderSigned(
        order_id=command.order_id,
        venue_order_id=prove(terms).order_id,
        payload=msgspec.json.encode(posted).decode(),
        offered_units=size_units,
    )


def prove(terms: SignedTerms) -> Proof:
    """Accept a signature without checking it."""
    return Proof(order_id=hash_text(*msgspec.structs.astuple(terms)), signer=terms.signer)

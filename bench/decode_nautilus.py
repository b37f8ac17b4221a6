"""NautilusTrader's side of the decoding comparison; runs in an environment of its own.

Frames pass through the schemas of its Polymarket adapter into its own order books, like in the
adapter's handlers, but without their other work (ids made per message, quotes, publishing).
"""

from __future__ import annotations

import msgspec
from nautilus_trader.adapters.polymarket.schemas.book import PolymarketQuotes
from nautilus_trader.adapters.polymarket.websocket.types import MARKET_WS_MESSAGE
from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.currencies import USDC
from nautilus_trader.model.enums import AssetClass, BookType
from nautilus_trader.model.identifiers import InstrumentId, Symbol
from nautilus_trader.model.instruments import BinaryOption
from nautilus_trader.model.objects import Price, Quantity

from bench.decode_worker import Best, Follow, serve

TICKS_PER_DOLLAR = 1_000


def instrument_of(token: str) -> BinaryOption:
    """Describe a token as the adapter does: prices to 0.001, sizes to a millionth."""
    return BinaryOption(
        instrument_id=InstrumentId.from_str(f"{token}.POLYMARKET"),
        raw_symbol=Symbol(token),
        outcome="Up",
        description="a token of the recording",
        asset_class=AssetClass.ALTERNATIVE,
        currency=USDC,
        price_precision=3,
        price_increment=Price.from_str("0.001"),
        size_precision=6,
        size_increment=Quantity.from_str("0.000001"),
        activation_ns=0,
        expiration_ns=0,
        max_quantity=None,
        min_quantity=Quantity.from_int(5),
        maker_fee=0,
        taker_fee=0,
        ts_event=0,
        ts_init=0,
    )


def new_follower() -> Follow:
    """Begin with empty books."""
    decode = msgspec.json.Decoder(MARKET_WS_MESSAGE).decode
    known: dict[str, tuple[BinaryOption, OrderBook]] = {}

    def of(token: str) -> tuple[BinaryOption, OrderBook]:
        found = known.get(token)
        if found is None:
            instrument = instrument_of(token)
            found = known[token] = (instrument, OrderBook(instrument.id, BookType.L2_MBP))
        return found

    def follow(raw: bytes) -> Best:
        message = decode(raw)
        book = None
        if isinstance(message, PolymarketQuotes):
            for change in message.price_changes:
                instrument, book = of(change.asset_id)
                alone = PolymarketQuotes(message.market, [change], message.timestamp)
                book.apply_deltas(alone.parse_to_deltas(instrument, 0))
        else:
            instrument, book = of(message.asset_id)
            deltas = message.parse_to_snapshot(instrument, 0)
            if deltas is not None:
                book.apply_deltas(deltas)
        return _best(book)

    return follow


def _best(book: OrderBook | None) -> Best:
    if book is None:
        return None, None
    bid, ask = book.best_bid_price(), book.best_ask_price()
    return (
        None if bid is None else bid.as_double() * TICKS_PER_DOLLAR,
        None if ask is None else ask.as_double() * TICKS_PER_DOLLAR,
    )


if __name__ == "__main__":
    serve(new_follower)

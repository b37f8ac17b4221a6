"""NautilusTrader's backtest of the same events; runs in an environment of its own.

Arguments: a file of market channel frames, one per line after its time of receipt in ns; the number
of orders to make. Frames pass through the schemas of its Polymarket adapter into its engine, whose
strategy keeps both books, looks at the best prices at each event, and sends an order at regular
intervals. Prints processor seconds of decoding and of the engine, and the orders made, as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import msgspec
from nautilus_trader.adapters.polymarket.schemas.book import PolymarketQuotes
from nautilus_trader.adapters.polymarket.websocket.types import MARKET_WS_MESSAGE
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.currencies import USDC
from nautilus_trader.model.data import OrderBookDeltas
from nautilus_trader.model.enums import AccountType, BookType, OmsType, OrderSide, TimeInForce
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.instruments import BinaryOption
from nautilus_trader.model.objects import Money
from nautilus_trader.trading.strategy import Strategy

from bench.decode_nautilus import instrument_of


class Taker(Strategy):
    """Buys ten shares at the best ask, once every so many events."""

    def __init__(self, instruments: list[BinaryOption], every: int) -> None:
        super().__init__()
        self._traded = {each.id: each for each in instruments}
        self._every = every
        self._seen_count = 0

    def on_start(self) -> None:
        """Subscribe to the books."""
        for instrument_id in self._traded:
            self.subscribe_order_book_deltas(instrument_id, BookType.L2_MBP)

    def on_order_book_deltas(self, deltas: OrderBookDeltas) -> None:
        """Look at the best prices; order when it is time."""
        self._seen_count += 1
        book: OrderBook = self.cache.order_book(deltas.instrument_id)
        bid, ask = book.best_bid_price(), book.best_ask_price()
        if bid is None or ask is None or self._seen_count % self._every:
            return
        instrument = self._traded[deltas.instrument_id]
        self.submit_order(
            self.order_factory.limit(
                instrument_id=instrument.id,
                order_side=OrderSide.BUY,
                quantity=instrument.make_qty(10),
                price=ask,
                time_in_force=TimeInForce.IOC,
            )
        )


def decoded(path: Path) -> tuple[list[BinaryOption], list[OrderBookDeltas]]:
    """All frames as the engine's data."""
    decode = msgspec.json.Decoder(MARKET_WS_MESSAGE).decode
    known: dict[str, BinaryOption] = {}

    def of(token: str) -> BinaryOption:
        if token not in known:
            known[token] = instrument_of(token)
        return known[token]

    data: list[OrderBookDeltas] = []
    for line in path.read_bytes().splitlines():
        received, _, raw = line.partition(b"\t")
        message = decode(raw)
        if isinstance(message, PolymarketQuotes):
            for change in message.price_changes:
                alone = PolymarketQuotes(message.market, [change], message.timestamp)
                data.append(alone.parse_to_deltas(of(change.asset_id), int(received)))
        else:
            deltas = message.parse_to_snapshot(of(message.asset_id), int(received))
            if deltas is not None:
                data.append(deltas)
    return list(known.values()), data


def main() -> None:
    """Measure and print."""
    path, orders_count = Path(sys.argv[1]), int(sys.argv[2])
    began = time.process_time()
    instruments, data = decoded(path)
    decoded_s = time.process_time() - began
    logging = LoggingConfig(bypass_logging=True)
    engine = BacktestEngine(config=BacktestEngineConfig(logging=logging))
    engine.add_venue(
        venue=Venue("POLYMARKET"),
        oms_type=OmsType.NETTING,
        account_type=AccountType.CASH,
        base_currency=USDC,
        starting_balances=[Money(1_000_000, USDC)],
        book_type=BookType.L2_MBP,
    )
    for instrument in instruments:
        engine.add_instrument(instrument)
    engine.add_strategy(Taker(instruments, max(1, len(data) // max(1, orders_count))))
    began = time.process_time()
    engine.add_data(data)
    engine.run()
    run_s = time.process_time() - began
    made = len(engine.cache.orders())
    print(json.dumps({"events": len(data), "decode_s": decoded_s, "run_s": run_s, "orders": made}))


if __name__ == "__main__":
    main()

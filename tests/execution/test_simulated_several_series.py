"""Paper orders in several series at once."""

from __future__ import annotations

import attrs
from msgspec.structs import replace
from order_builders import MARKET, T0, book, intent, sent, snapshot
from several_series import several
from simulated_stage import ARRIVES, Bench, fills

from actors.messages.execution import SubmitOrder
from actors.messages.lifecycle import TimerFired
from actors.messages.market import MarketSnapshot, SnapshotTaken

BTC = attrs.evolve(MARKET, slug=f"btc-updown-15m-{T0 // 1000}")
ETH = attrs.evolve(
    BTC,
    market_id="0xeth",
    slug=f"eth-updown-5m-{T0 // 1000}",
    yes_token="eth-yes",
    no_token="eth-no",
)


class TwoSeries(Bench):
    def __init__(self) -> None:
        super().__init__()
        strategy = self.settings.strategy
        self.settings = several("btc-15m", "eth-5m", base=self.settings)
        assert self.settings.plans[1].strategy == strategy
        self.core = self._start(T0)


def shown(market: object, sequence: int, at_ms: int = T0, size: int = 4) -> MarketSnapshot:
    seen = snapshot(book(asks={450: size}, at_ms=at_ms), at_ms=at_ms)
    return replace(seen, market=market, sequence=sequence)


def test_an_order_fills_by_the_books_of_its_own_series() -> None:
    bench = TwoSeries()
    bench.feed(SubmitOrder(intent(order_id="order_1_eth", market=ETH)), T0)
    bench.feed(shown(BTC, 9, size=50), T0)
    bench.feed(shown(ETH, 2, size=10), T0)
    bench.feed(shown(BTC, 10, T0 + 1, size=50), T0 + 1)
    assert fills(bench.feed(TimerFired("order_1_eth"), ARRIVES)) == [(450, 10)]


def test_what_was_taken_of_one_series_books_stays_taken_while_another_moves() -> None:
    bench = TwoSeries()
    for sequence, market in enumerate((BTC, ETH), 1):
        bench.feed(shown(market, sequence, size=10), T0)
    bench.feed(SubmitOrder(intent(order_id="order_1_btc", market=BTC)), T0)
    assert fills(bench.feed(TimerFired("order_1_btc"), ARRIVES)) == [(450, 10)]
    bench.feed(shown(ETH, 7, ARRIVES + 1), ARRIVES + 1)
    late = intent(order_id="order_2_btc", market=BTC, expires_at_ms=ARRIVES + 3_000)
    bench.feed(SubmitOrder(late), ARRIVES + 2)
    assert fills(bench.feed(TimerFired("order_2_btc"), ARRIVES + 152)) == []


def test_snapshots_are_asked_for_only_where_an_order_lives() -> None:
    bench = TwoSeries()
    bench.feed(SubmitOrder(intent(order_id="order_1_eth", market=ETH)), T0)
    assert sent(bench.feed(shown(BTC, 1), T0), SnapshotTaken) == []
    asked = bench.feed(shown(ETH, 1), T0)
    assert sent(asked, SnapshotTaken, "market-state/eth-5m") == [SnapshotTaken(1)]

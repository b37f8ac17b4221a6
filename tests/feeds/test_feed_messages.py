from __future__ import annotations

import pickle

import pytest

from actors.messages.feeds import (
    BestPricesEvent,
    BookEvent,
    LastTradeEvent,
    MarketEvent,
    PriceChangeEvent,
    ResolvedEvent,
    TickSizeEvent,
)

EVENTS = [
    BookEvent("t", 1, ((500, 20),), ((510, 30), (520, 40))),
    PriceChangeEvent("t", 2, ((500, 0),), ()),
    LastTradeEvent("t", 3, 505, 10, taker_buys=True),
    TickSizeEvent("t", 4, 1),
    BestPricesEvent("t", 5, None, 510),
    ResolvedEvent("m", 6, "t"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_arrives_as_it_left(event: MarketEvent) -> None:
    arrived = pickle.loads(pickle.dumps(event, pickle.HIGHEST_PROTOCOL))  # noqa: S301 # our own
    assert arrived == event

"""Understudy's side of the decoding comparison: the feed's decoder and market state's books."""

from __future__ import annotations

from collections import defaultdict

from actors.feeds.market_channel import MarketChannelDecoder
from actors.market.book import TokenBook
from actors.messages.feeds import BookEvent, PriceChangeEvent
from bench.decode_worker import Best, Follow, serve


def new_follower() -> Follow:
    """Begin with empty books."""
    decode = MarketChannelDecoder().decode
    books: defaultdict[str, TokenBook] = defaultdict(TokenBook)

    def follow(raw: bytes) -> Best:
        best: Best = (None, None)
        for event in decode(raw):
            if isinstance(event, PriceChangeEvent):
                book = books[event.token]
                book.apply_change(event)
            elif isinstance(event, BookEvent):
                book = books[event.token]
                book.apply_book(event)
            else:
                continue
            best = (book.best_bid_ticks, book.best_ask_ticks)
        return best

    return follow


if __name__ == "__main__":
    serve(new_follower)

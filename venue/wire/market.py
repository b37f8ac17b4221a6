"""Frames of the market channel (``/ws/market``). All numbers and times are strings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from venue.amounts import size_text
from venue.windows import Window
from venue.wire.book import MINIMUM_ORDER_SIZE, PublishedBook
from venue.wire.text import PRICE_TEXTS, best_or_end, iso_text, json_text


class LevelChange(msgspec.Struct, frozen=True):
    """A level's new total in one token's book."""

    book: PublishedBook
    is_bid: bool
    price_ticks: int
    size_units: int


def book_event(book: PublishedBook, timestamp_ms: int, is_first: bool) -> dict[str, Any]:
    """Write a whole book; the first of a subscription also has grid and last trade."""
    summary = book.summary(timestamp_ms)
    event = {
        key: summary[key] for key in ("market", "asset_id", "timestamp", "hash", "bids", "asks")
    }
    if is_first:
        event["tick_size"] = summary["tick_size"]
        event["last_trade_price"] = summary["last_trade_price"]
    event["event_type"] = "book"
    return event


def price_change_text(changes: Sequence[LevelChange], timestamp_ms: int) -> str:
    """Write new totals of single levels; usually two, the same change seen from both tokens."""
    return json_text(
        {
            "market": changes[0].book.market,
            "price_changes": [_change(change, timestamp_ms) for change in changes],
            "timestamp": str(timestamp_ms),
            "event_type": "price_change",
        }
    )


def _change(change: LevelChange, timestamp_ms: int) -> dict[str, str]:
    book = change.book
    bid_ticks, ask_ticks = best_or_end(book.best_bid_ticks, book.best_ask_ticks)
    return {
        "asset_id": book.token,
        "price": PRICE_TEXTS[change.price_ticks],
        "size": size_text(change.size_units),
        "side": "BUY" if change.is_bid else "SELL",
        "hash": book.hash(timestamp_ms),
        "best_bid": PRICE_TEXTS[bid_ticks],
        "best_ask": PRICE_TEXTS[ask_ticks],
    }


def last_trade_text(
    book: PublishedBook,
    *,
    price_ticks: int,
    size_units: int,
    taker_buys: bool,
    timestamp_ms: int,
    transaction_hash: str,
) -> str:
    """Write a public trade, with the taker's side."""
    return json_text(
        {
            "market": book.market,
            "asset_id": book.token,
            "price": PRICE_TEXTS[price_ticks],
            "size": size_text(size_units),
            "side": "BUY" if taker_buys else "SELL",
            "fee_rate_bps": "0",
            "timestamp": str(timestamp_ms),
            "transaction_hash": transaction_hash,
            "event_type": "last_trade_price",
        }
    )


def tick_size_change_text(book: PublishedBook, old_text: str, timestamp_ms: int) -> str:
    """Write a token's new price grid; its book follows."""
    return json_text(
        {
            "market": book.market,
            "asset_id": book.token,
            "old_tick_size": old_text,
            "new_tick_size": book.tick_size_text,
            "timestamp": str(timestamp_ms),
            "event_type": "tick_size_change",
        }
    )


def best_bid_ask_text(book: PublishedBook, timestamp_ms: int) -> str:
    """Write a token's new best prices (custom feature)."""
    bid_ticks, ask_ticks = best_or_end(book.best_bid_ticks, book.best_ask_ticks)
    return json_text(
        {
            "market": book.market,
            "asset_id": book.token,
            "best_bid": PRICE_TEXTS[bid_ticks],
            "best_ask": PRICE_TEXTS[ask_ticks],
            "spread": PRICE_TEXTS[max(0, ask_ticks - bid_ticks)],
            "timestamp": str(timestamp_ms),
            "event_type": "best_bid_ask",
        }
    )


def new_market_text(window: Window, question: str, timestamp_ms: int) -> str:
    """Announce a listed market to everyone with the custom feature."""
    return json_text(
        {
            "id": window.number,
            "question": question,
            "market": window.condition_id,
            "slug": window.slug,
            "description": "",
            "assets_ids": list(window.tokens),
            "outcomes": ["Up", "Down"],
            "event_message": {"id": window.number, "slug": window.slug, "title": question},
            "timestamp": str(timestamp_ms),
            "event_type": "new_market",
            "tags": ["Crypto", "Up or Down"],
            "condition_id": window.condition_id,
            "active": True,
            "clob_token_ids": list(window.tokens),
            "order_price_min_tick_size": "0.01",
            "order_min_size": MINIMUM_ORDER_SIZE,
            "game_start_time": iso_text(window.opens_at_ms),
        }
    )


def market_resolved_text(window: Window, up_wins: bool, timestamp_ms: int) -> str:
    """Announce the winner (custom feature)."""
    return json_text(
        {
            "id": window.number,
            "market": window.condition_id,
            "assets_ids": list(window.tokens),
            "winning_asset_id": window.up_token if up_wins else window.down_token,
            "winning_outcome": "Up" if up_wins else "Down",
            "timestamp": str(timestamp_ms),
            "event_type": "market_resolved",
            "tags": ["Crypto", "Up or Down"],
        }
    )

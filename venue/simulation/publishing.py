"""Turns the engine's events into the public's view: one market's two books and their frames."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from actors.units import PAYOUT_TICKS
from venue.engine import MatchingEngine
from venue.engine.messages import EngineEvent, LevelChanged, Outcome, TickSizeChanged, Traded
from venue.frames import Channel, Frame, custom_key
from venue.windows import Window
from venue.wire import market as wire
from venue.wire.book import PublishedBook
from venue.wire.text import json_text


class Publisher:
    """Keeps both public books and makes the market channel's frames.

    A placement or a cancel is published as one ``price_change`` with both tokens; a trade as its
    ``last_trade_price`` and a whole ``book`` of each token, as at the venue.

    One token may be made to lag: its public book then stands still until it is released and sent
    whole. Only then can the two public books disagree, since the true book never crosses.
    """

    def __init__(self, window: Window, engine: MatchingEngine) -> None:
        self._window = window
        self._engine = engine
        self.books = {
            Outcome.UP: PublishedBook(window.condition_id, window.up_token),
            Outcome.DOWN: PublishedBook(window.condition_id, window.down_token),
        }
        self.volume_units = 0
        self.lagging: Outcome | None = None
        """The outcome whose public book stands still, if one does."""
        self._lag_ends_at_ms = 0
        self._sent_best: dict[Outcome, tuple[int | None, int | None]] = {}

    def lag(self, outcome: Outcome, until_ms: int) -> None:
        """Freeze one token's public book until then."""
        self.lagging = outcome
        self._lag_ends_at_ms = until_ms

    def release(self, now_ms: int) -> list[Frame]:
        """Send the lagging book whole, once its time is over."""
        if self.lagging is None or now_ms < self._lag_ends_at_ms:
            return []
        outcome, self.lagging = self.lagging, None
        self.books[outcome].replace(*self._engine.levels(outcome))
        return [self._book_frame(outcome, now_ms), *self._best_frames(now_ms)]

    def publish_whole(self, now_ms: int) -> list[Frame]:
        """Send both books as the engine has them, in place of the many changes that led there."""
        self.lagging = None
        for outcome, book in self.books.items():
            book.replace(*self._engine.levels(outcome))
        frames = [self._book_frame(outcome, now_ms) for outcome in Outcome]
        return frames + self._best_frames(now_ms)

    def publish(self, events: Sequence[EngineEvent], now_ms: int) -> list[Frame]:
        """Apply the engine's events and return their frames."""
        trades = [event for event in events if isinstance(event, Traded)]
        changes = [event for event in events if isinstance(event, LevelChanged)]
        frames: list[Frame] = []
        for event in events:
            if isinstance(event, TickSizeChanged):
                frames += self._tick_size_frames(event, now_ms)
        if trades:
            frames += self._trade_frames(trades, changes, now_ms)
        else:
            frames += self._change_frames(changes, now_ms)
        return frames + self._best_frames(now_ms) if frames else frames

    def _apply(self, changes: Sequence[LevelChanged]) -> None:
        for change in changes:
            if change.outcome is not self.lagging:
                self.books[change.outcome].set_level(
                    change.is_bid, change.price_ticks, change.new_size_units
                )

    def _change_frames(self, changes: Sequence[LevelChanged], now_ms: int) -> list[Frame]:
        frames = []
        # The engine reports each change twice in a row, once an outcome; together they are one
        # frame.
        for index in range(0, len(changes), 2):
            pair = changes[index : index + 2]
            self._apply(pair)
            shown = [
                wire.LevelChange(
                    self.books[change.outcome],
                    change.is_bid,
                    change.price_ticks,
                    change.new_size_units,
                )
                for change in pair
                if change.outcome is not self.lagging
            ]
            if shown:
                tokens = tuple(change.book.token for change in shown)
                text = wire.price_change_text(shown, now_ms)
                frames.append(Frame(Channel.MARKET, tokens, text))
        return frames

    def _trade_frames(
        self, trades: Sequence[Traded], changes: Sequence[LevelChanged], now_ms: int
    ) -> list[Frame]:
        frames = []
        for trade in trades:
            self.volume_units += trade.size_units
            self.books[trade.outcome].last_trade_ticks = trade.price_ticks
            self.books[trade.outcome.other].last_trade_ticks = PAYOUT_TICKS - trade.price_ticks
            if trade.outcome is not self.lagging:
                frames.append(self._last_trade_frame(trade, now_ms))
        self._apply(changes)
        shown = (outcome for outcome in Outcome if outcome is not self.lagging)
        return frames + [self._book_frame(outcome, now_ms) for outcome in shown]

    def _last_trade_frame(self, trade: Traded, now_ms: int) -> Frame:
        book = self.books[trade.outcome]
        text = wire.last_trade_text(
            book,
            price_ticks=trade.price_ticks,
            size_units=trade.size_units,
            taker_buys=trade.is_buy,
            timestamp_ms=now_ms,
            transaction_hash="0x" + hashlib.sha256(trade.trade_id.encode()).hexdigest(),
        )
        return Frame(Channel.MARKET, (book.token,), text)

    def _tick_size_frames(self, event: TickSizeChanged, now_ms: int) -> list[Frame]:
        frames = []
        for outcome, book in self.books.items():
            old_text = book.tick_size_text
            book.tick_size_ticks = event.new_ticks
            frames += self._grid_frames(book, old_text, now_ms)
            if outcome is not self.lagging:
                frames.append(self._book_frame(outcome, now_ms))
        return frames

    def change_grid(self, grid_text: str, now_ms: int) -> list[Frame]:
        """Publish a grid finer than ticks in place of the engine's, or the engine's again."""
        frames = []
        for outcome, book in self.books.items():
            old_text, book.grid_text = book.tick_size_text, grid_text
            if grid_frames := self._grid_frames(book, old_text, now_ms):
                frames += [*grid_frames, self._book_frame(outcome, now_ms)]
        return frames

    def _grid_frames(self, book: PublishedBook, old_text: str, now_ms: int) -> list[Frame]:
        """Publish a token's new grid, if it has changed."""
        if book.tick_size_text == old_text:
            return []
        text = wire.tick_size_change_text(book, old_text, now_ms)
        return [Frame(Channel.MARKET, (book.token,), text)]

    def _book_frame(self, outcome: Outcome, now_ms: int) -> Frame:
        book = self.books[outcome]
        text = json_text(wire.book_event(book, now_ms, is_first=False))
        return Frame(Channel.MARKET, (book.token,), text)

    def _best_frames(self, now_ms: int) -> list[Frame]:
        frames = []
        for outcome, book in self.books.items():
            best = (book.best_bid_ticks, book.best_ask_ticks)
            if self._sent_best.get(outcome) != best:
                self._sent_best[outcome] = best
                text = wire.best_bid_ask_text(book, now_ms)
                frames.append(Frame(Channel.MARKET, (custom_key(book.token),), text))
        return frames

"""The market feed: all book events of the traded windows, in batches, one in flight per series.

The transport between actors is slow for bursts and fine for a steady flow. So a batch is sent as
soon as the previous one was acknowledged, and contains everything that arrived in the meantime.
Nothing is dropped in between: if an acknowledgement is missing, or too many events wait, the books
are requested again, and market state rebuilds from those.

All series share one connection. While there is only one series, fresh books are requested by a new
connection, the only reliable way to get them. With several series, that would void the books of all
for the sake of one: first its tokens are resubscribed, and the connection is replaced only if that
brings no books.
"""

from __future__ import annotations

from typing import Any

from actors.core import CancelTimer, Command, Dice, Effects, Log, Send, handles
from actors.feeds.book_stream import ACK_LIMIT_MS, WAITING_EVENTS_MAX, BookStream, tokens_of
from actors.feeds.connection import Rhythm, SendText
from actors.feeds.feed_core import AHEAD_MAX_MS, FeedCore
from actors.feeds.market_channel import (
    Decoded,
    FinerGrid,
    MarketChannelDecoder,
    UnreadableElement,
    add_tokens_text,
    drop_tokens_text,
    subscribe_text,
)
from actors.messages.directory import MarketClosing, MarketOpened
from actors.messages.feeds import (
    BatchTaken,
    FeedDown,
    FeedUp,
    MarketEvent,
    ResolvedEvent,
    ResyncRequested,
)
from actors.roles import DIRECTORY, MARKET_STATE
from actors.settings import Settings, VenueSettings

RESYNC_GRACE_MS = 2_000
"""A request for fresh books within this time of sending them was made before they arrived."""
RENEWAL_LIMIT_MS = 30_000
"""Tokens that need fresh books again within this time of being resubscribed did not get any."""
SILENCE_LIMIT_MS = 15_000
"""A series silent for this long, on a connection with other traffic, gets its books resent."""


class MarketFeedCore(FeedCore):
    """Feeds the market states, following the directories from window to window."""

    rhythm = Rhythm(stale_after_ms=SILENCE_LIMIT_MS, ping_every_ms=10_000)

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        super().__init__(role, settings, dice)
        self._decoder = MarketChannelDecoder()
        self._streams: dict[str, BookStream] = {}
        """By role of the market state that each belongs to."""
        for plan in settings.plans:
            reader = settings.role(MARKET_STATE, plan.series.name)
            series = plan.series.name if settings.traded else ""
            self._streams[reader] = BookStream(reader, series, dice.getrandbits(48))
        self._by_token: dict[str, BookStream] = {}
        """By token, for all tokens whose books are passed on."""

    def clock_set_back(self, by_ms: int) -> None:
        """Shift the times of past events back by as much as the clock was."""
        super().clock_set_back(by_ms)
        for stream in self._streams.values():
            stream.clock_set_back(by_ms)

    def url(self, venue: VenueSettings) -> str:
        """Return the address of the market channel."""
        return venue.market_ws_url

    def begin(self, now_ms: int) -> Effects:
        """Wait for a market: the venue disconnects a client that subscribes to nothing."""
        del now_ms
        return []

    # Which markets

    @handles(MarketOpened)
    def on_market_opened(self, opened: MarketOpened, _now_ms: int) -> Effects:
        """Subscribe to a window's tokens; a repeated or past window has no effect.

        Nor has a window of a series that was dropped, or whose settings have not arrived yet.
        """
        market = opened.market
        if self.settings.traded and market.series not in self.settings.names:
            return []
        stream = self._streams[self.settings.role(MARKET_STATE, market.series)]
        left = stream.open_window(market)
        if left is None:
            return []
        self._index()
        if not self.connection.is_up:
            return self.connection.start()
        texts = [
            add_tokens_text(tokens_of(market)),
            *(drop_tokens_text(tokens_of(m)) for m in left),
        ]
        return [Command(SendText(text)) for text in texts]

    @handles(MarketClosing)
    def on_market_closing(self, closing: MarketClosing, _now_ms: int) -> Effects:
        """Stop passing the window's books on; its winner is still expected."""
        for stream in self._streams.values():
            stream.close_window(closing.market_id)
        self._index()
        return []

    def _index(self) -> None:
        streams = self._streams.values()
        self._by_token = {token: each for each in streams for token in each.traded_tokens}

    def first_texts(self) -> tuple[str, ...]:
        """Subscribe to the traded windows and the previous ones."""
        streams = self._streams.values()
        return (subscribe_text([token for stream in streams for token in stream.tokens]),)

    # From frames to batches

    def decode(self, raw: bytes) -> list[Any]:
        """Decode a frame into the events of our markets; the channel sends others too."""
        return [event for event in self._decoder.decode(raw) if self._concerns_us(event)]

    def take(self, events: list[Any], oldest_ns: int, now_ms: int) -> Effects:
        """Hand each series its events; a problem with one affects no other."""
        effects: Effects = []
        by_stream: dict[str, list[Any]] = {}
        for event in events:
            for stream in self._streams_of(event):
                by_stream.setdefault(stream.reader, []).append(event)
        for reader, each in by_stream.items():
            effects += self._take(self._streams[reader], each, oldest_ns, now_ms)
        return effects

    def _streams_of(self, event: Decoded) -> list[BookStream]:
        """Return the series that an event concerns; an unreadable one may concern several."""
        if isinstance(event, ResolvedEvent):
            return [each for each in self._streams.values() if each.knows(event.market_id)]
        if isinstance(event, UnreadableElement):
            return [each for each in self._streams.values() if each.may_be_hit_by(event)]
        return [self._by_token[event.token]]

    def _take(self, stream: BookStream, events: list[Any], oldest_ns: int, now_ms: int) -> Effects:
        """Send a series' events, or keep them while a batch is in flight."""
        effects: Effects = [
            Send(self.settings.role(DIRECTORY, stream.markets[-1].series), event)
            for event in events
            if isinstance(event, ResolvedEvent)
        ]
        if stream.is_grid_too_fine:
            has_become_so = any(isinstance(event, FinerGrid) for event in events)
            return effects + (stream.report_grid() if has_become_so else [])
        unread = next((event for event in events if isinstance(event, UnreadableElement)), None)
        if unread is not None:  # it may have added or removed a level: only fresh books are right
            reason = f"a change of the books is unreadable: {unread.reason}"
            return effects + self._renew(stream, reason, now_ms)
        latest = max(events, key=_dated)
        if latest.timestamp_ms > now_ms + AHEAD_MAX_MS:  # it would outrank everything that follows
            reason = f"an event is dated {latest.timestamp_ms - now_ms} ms in the future"
            self.counts.note_malformed((reason,), repr(latest).encode())
            return effects + self._renew(stream, reason, now_ms)
        stream.hold(events, oldest_ns, now_ms)
        if stream.in_flight is None:
            return effects + stream.send_batch(now_ms)
        self.merged_count += 1
        if stream.waiting_count > WAITING_EVENTS_MAX:
            effects += self._resync(stream, f"over {WAITING_EVENTS_MAX} events wait", now_ms)
        return effects

    @handles(BatchTaken)
    def on_batch_taken(self, taken: BatchTaken, now_ms: int) -> Effects:
        """Send the events that have gathered in the meantime."""
        for stream in self._streams.values():
            if taken.batch_id == stream.in_flight:
                stream.in_flight = None
                return stream.next_batch(now_ms)
        return []

    @handles(ResyncRequested)
    def on_resync_requested(self, request: ResyncRequested, now_ms: int) -> Effects:
        """Request fresh books, unless they are already on their way."""
        stream = self._streams[self.settings.role(MARKET_STATE, request.series)]
        is_on_its_way = now_ms - stream.fresh_start_at_ms < RESYNC_GRACE_MS
        if stream.is_grid_too_fine:
            return stream.report_grid()
        if is_on_its_way or (stream.is_fresh_start and not self._got_none(stream, now_ms)):
            return []
        reason = f"market state asked for fresh books: {request.reason}"
        return self._resync(stream, reason, now_ms)

    def catch_up(self, role: str, now_ms: int) -> Effects:
        """Send fresh books to a new market state; the batch in flight to the old one is lost."""
        stream = self._streams.get(role)
        if stream is None:
            return []
        if not stream.is_fresh_start:
            stream.renewed_at_ms = (
                None  # the resubscription did bring books, so it was not at fault
            )
        return stream.report_grid() or self._resync(
            stream, "market state was restarted", now_ms, in_place=True
        )

    def take_timer(self, key: str, now_ms: int) -> Effects:
        """Treat a batch as lost if its acknowledgement did not arrive in time."""
        for stream in self._streams.values():
            if key == stream.timer_key and stream.in_flight is not None:
                reason = f"market state acknowledged no batch for {ACK_LIMIT_MS} ms"
                return self._resync(stream, reason, now_ms)
        return []

    def forget_connection(self) -> None:
        """Drop waiting events: the next connection begins with full books."""
        for stream in self._streams.values():
            stream.void()
            stream.renewed_at_ms = None

    def beat(self, now_ms: int) -> Effects:
        """Log unknown kinds of event; request books again for a silent series."""
        new = self._decoder.take_new_unknown_types()
        told = [Log("warning", f"ignoring events of unknown type {', '.join(new)}")] if new else []
        effects: Effects = [*told]
        for stream in self._streams.values():
            if self._has_fallen_silent(stream, now_ms):
                effects += self._renew(stream, "its events have stopped", now_ms)
            effects += stream.report_grid()
        return effects

    # Private

    def _has_fallen_silent(self, stream: BookStream, now_ms: int) -> bool:
        """Return whether a series is silent while others are not; a single one's would be stale."""
        if len(self._streams) == 1 or not stream.traded_tokens or stream.data_at_ms is None:
            return False
        return self.connection.is_up and now_ms - stream.data_at_ms >= SILENCE_LIMIT_MS

    def _resync(
        self, stream: BookStream, reason: str, now_ms: int, *, in_place: bool = False
    ) -> Effects:
        """Request full books, unless they are already requested."""
        stream.in_flight = None
        if stream.is_fresh_start and not self._got_none(stream, now_ms):
            return stream.next_batch(now_ms)
        renewed = self._renew(stream, reason, now_ms, in_place=in_place)
        return [CancelTimer(stream.timer_key), *renewed]

    def _got_none(self, stream: BookStream, now_ms: int) -> bool:
        """Return whether tokens were resubscribed a while ago, and no book has arrived."""
        renewed_at_ms = stream.renewed_at_ms
        is_waiting = stream.is_fresh_start and renewed_at_ms is not None
        return is_waiting and now_ms - (renewed_at_ms or 0) >= RESYNC_GRACE_MS

    def _renew(
        self, stream: BookStream, reason: str, now_ms: int, *, in_place: bool = False
    ) -> Effects:
        """Void a series' books and request them in full; other series keep theirs if they can.

        ``in_place``: nothing is wrong with the connection, even if no other series needs it.
        """
        renewed_at_ms = stream.renewed_at_ms
        is_of_no_use = renewed_at_ms is not None and now_ms - renewed_at_ms < RENEWAL_LIMIT_MS
        is_alone = len(self._streams) == 1 and not in_place
        if is_alone or is_of_no_use or not self.connection.is_up or not stream.traded_tokens:
            return self.lose(reason, now_ms)
        stream.void()
        stream.renewed_at_ms = now_ms
        return [
            *stream.resubscribe(),
            Send(stream.reader, FeedDown(self.role, reason)),
            Send(stream.reader, FeedUp(self.role)),
            Log("warning", f"{stream.markets[-1].slug}: requesting fresh books: {reason}"),
        ]

    def _concerns_us(self, event: Decoded) -> bool:
        match event:
            case UnreadableElement():
                return self._may_have_changed_a_book(event)
            case ResolvedEvent():
                return any(each.knows(event.market_id) for each in self._streams.values())
            case FinerGrid(token) if token in self._by_token:
                self._by_token[token].grid_is_too_fine()
        return event.token in self._by_token

    def _may_have_changed_a_book(self, unreadable: UnreadableElement) -> bool:
        """Count something unreadable; return whether it may concern a traded window's books.

        On a grid that is too fine, unreadable prices are expected.
        """
        named = [each for each in self._streams.values() if each.may_be_hit_by(unreadable)]
        if named and all(each.is_grid_too_fine for each in named):
            return False
        self.counts.note_malformed((unreadable.reason,), unreadable.raw)
        return bool(named) and unreadable.is_of_a_book


def _dated(event: MarketEvent) -> int:
    return event.timestamp_ms

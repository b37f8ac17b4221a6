"""The simulated executor: a venue in one actor, trading on paper against the real books.

It keeps each order's record until the order itself has recorded the end and no late copy of its
SubmitOrder can arrive. So a repetition is always answered and never traded twice, whatever was
restarted in between. All due times are absolute and recorded: after a restart an order has as much
time left as before.
"""

from __future__ import annotations

import attrs
from msgspec.structs import replace

from actors.core import (
    CancelTimer,
    Core,
    Dice,
    Effects,
    Recall,
    Record,
    Save,
    Send,
    SetTimer,
    handles,
)
from actors.execution.order_state import tell_order
from actors.execution.paper import (
    FIRST_PART_AFTER_MS,
    FOK_KILLED,
    SECOND_PART_AFTER_MS,
    PaperEnd,
    PaperLiquidity,
    PaperOrder,
    PaperPhase,
    crossing_objection,
    is_final,
    take,
    total_units,
)
from actors.messages.directory import MarketClosing, MarketOpened
from actors.messages.execution import (
    CLOCK_STEP_MAX_MS,
    CancelOrder,
    OrderIntent,
    OrderReport,
    OrderState,
    OrderStatus,
    OrderSubmitted,
    QueryOrder,
    SubmitOrder,
)
from actors.messages.lifecycle import Recalled, Started, TimerFired
from actors.messages.market import BookView, MarketSnapshot, SnapshotTaken, is_overtaken
from actors.model import Level, TimeInForce
from actors.roles import MARKET_STATE
from actors.settings import Settings
from actors.units import price_text

LONGEST_PHASE_MS = 10_000
"""A phase due later than this after a restart was recorded before the clock was set back."""

_LIQUIDITY_KEY = "liquidity"
_FORGET = "forget/"


class SimulatedExecutorCore(Core):
    """Owns the paper orders, and what they have taken from the displayed books."""

    RECOVERS = ("paper",)

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        super().__init__(role, settings, dice)
        self._live: dict[str, PaperOrder] = {}
        self._ended: dict[str, PaperEnd] = {}
        self._liquidity = PaperLiquidity()
        self._snapshots: dict[str, MarketSnapshot] = {}
        """The newest snapshot of each series."""
        self._unanswered: dict[str, int] = {}
        """By series, the sequence of the snapshot that its market state waits to have
        acknowledged."""

    @handles(Started)
    def start(self, message: Started, now_ms: int) -> Effects:
        """Restore the recorded orders, and report to each Order what it may have missed."""
        effects: Effects = []
        for value in message.saved:
            if isinstance(value, PaperOrder):
                paper = value.due_within(LONGEST_PHASE_MS, now_ms)
                self._live[paper.order_id] = paper
                effects += [*tell_order(paper.report()), _timer(paper, now_ms)]
            elif isinstance(value, PaperEnd):
                self._ended[value.report.order_id] = value
                effects += [*tell_order(value.report), _forget_timer(value, now_ms)]
            elif isinstance(value, PaperLiquidity):
                self._liquidity = value
        return effects

    def clock_set_back(self, by_ms: int) -> None:
        """Shift all due times back by as much as the clock was."""
        for order_id, paper in self._live.items():
            self._live[order_id] = paper.due_sooner(by_ms)
        self._snapshots = {
            series: replace(known, taken_at_ms=known.taken_at_ms - by_ms)
            for series, known in self._snapshots.items()
        }

    @handles(MarketOpened)
    def open_window(self, _message: MarketOpened, _now_ms: int) -> Effects:
        """Do nothing: every order carries its market."""
        return []

    # Messages of Orders

    @handles(SubmitOrder)
    def submit(self, message: SubmitOrder, now_ms: int) -> Effects:
        """Send a new order to the simulated venue; answer with the state of a known one."""
        intent = message.intent
        if intent.order_id in self._live or intent.order_id in self._ended:
            return self._answer(intent.order_id)
        if now_ms >= intent.expires_at_ms:
            # Recorded, because a copy of it would be traded if the clock were set back.
            return self._take_back(
                intent.order_id, "its time to live ended before it was sent", now_ms
            )
        paper = PaperOrder(
            intent=intent,
            phase=PaperPhase.ARRIVING,
            due_at_ms=now_ms + self.settings.execution.latency_ms,
        )
        self._live[intent.order_id] = paper
        return [
            Record(OrderSubmitted(intent.order_id), (_save(paper),)),
            _timer(paper, now_ms),
            *self._want_snapshots(intent.market.series),
        ]

    @handles(QueryOrder)
    def query(self, message: QueryOrder, _now_ms: int) -> Effects:
        """Report what is known of an order."""
        return self._answer(message.order_id)

    @handles(CancelOrder)
    def cancel(self, message: CancelOrder, now_ms: int) -> Effects:
        """Send a cancel after an order; an order that was never submitted ends here."""
        order_id = message.order_id
        paper = self._live.get(order_id)
        if paper is not None:
            if paper.cancel_reason:
                return []
            arrives_at_ms = now_ms + self.settings.execution.latency_ms
            paper = attrs.evolve(paper, cancel_reason=message.reason, cancel_at_ms=arrives_at_ms)
            self._live[order_id] = paper
            return [Record(message, (_save(paper),)), _timer(paper, now_ms)]
        if order_id in self._ended:
            return self._answer(order_id)
        return self._take_back(order_id, message.reason, now_ms)

    def _take_back(self, order_id: str, reason: str, now_ms: int) -> Effects:
        """Record an order that ended before it was submitted, so that no copy of it is traded."""
        taken_back = PaperEnd(
            report=OrderReport(order_id=order_id, status=OrderStatus.CANCELLED, reason=reason),
            keep_until_ms=now_ms + self.settings.execution.order_ttl_ms + CLOCK_STEP_MAX_MS,
        )
        return self._note_end(taken_back, now_ms)

    # The market

    @handles(MarketSnapshot)
    def see(self, message: MarketSnapshot, now_ms: int) -> Effects:
        """Let the newest books fill resting orders."""
        series = message.market.series
        self._unanswered[series] = message.sequence
        effects = self._want_snapshots(series)
        if is_overtaken(message, self._snapshots.get(series)):
            return effects
        self._snapshots[series] = message
        self._liquidity = self._liquidity.seen(self._snapshots.values())
        for paper in self._live_in(series):
            if paper.phase is PaperPhase.RESTING and now_ms < paper.intent.expires_at_ms:
                effects += self._trade_resting(paper, now_ms)
        return effects

    def _live_in(self, series: str) -> list[PaperOrder]:
        return [paper for paper in self._live.values() if paper.intent.market.series == series]

    def _want_snapshots(self, series: str) -> Effects:
        """Ask for the next snapshot while an order is open; otherwise one a second is enough."""
        if series not in self._unanswered or not self._live_in(series):
            return []
        taken = SnapshotTaken(self._unanswered.pop(series))
        return [Send(self.settings.role(MARKET_STATE, series), taken)]

    @handles(MarketClosing)
    def close_window(self, message: MarketClosing, now_ms: int) -> Effects:
        """End the orders of an ended window, as the venue does (F25)."""
        return [
            effect
            for paper in list(self._live.values())
            if paper.intent.market.market_id == message.market_id
            for effect in self._end(paper, OrderStatus.CANCELLED, "the window is over", now_ms)
        ]

    @handles(TimerFired)
    def wake(self, message: TimerFired, now_ms: int) -> Effects:
        """Perform what is due for an order, or try to forget an ended one."""
        if message.key.startswith(_FORGET):
            order_id = message.key.removeprefix(_FORGET)
            return [Recall("order", order_id, about=message)]
        paper = self._live.get(message.key)
        if paper is None:
            return []
        if now_ms >= paper.intent.expires_at_ms:
            return self._end(paper, OrderStatus.CANCELLED, "its time to live is over", now_ms)
        if paper.is_cancelled(now_ms):
            return self._end(paper, OrderStatus.CANCELLED, paper.cancel_reason, now_ms)
        if now_ms < paper.due_at_ms:
            return [_timer(paper, now_ms)]
        if paper.phase is PaperPhase.ARRIVING:
            return self._arrive(paper, now_ms)
        if paper.phase is PaperPhase.FIRST_PART:
            return self._take_first_part(paper, now_ms)
        return self._take_rest(paper, now_ms)

    @handles(Recalled)
    def forget(self, message: Recalled, _now_ms: int) -> Effects:
        """Forget an ended order once the order itself has recorded the end."""
        order_id, order = message.key, message.value
        if isinstance(order, OrderState) and not order.is_terminal:
            return [SetTimer(_FORGET + order_id, CLOCK_STEP_MAX_MS)]
        end = self._ended.pop(order_id, None)
        return [] if end is None else [Record(end.report, (_save_end(end, is_open=False),))]

    # Phases

    def _arrive(self, paper: PaperOrder, now_ms: int) -> Effects:
        """Arrive at the venue: be refused, be filled in full, start in parts, or rest."""
        intent = paper.intent
        if paper.cancel_reason:
            return self._end(paper, OrderStatus.CANCELLED, paper.cancel_reason, now_ms)
        offers = self._offers(intent, now_ms)
        objection = self._venue_objection(intent) or crossing_objection(intent, offers)
        if objection:
            return self._end(paper, OrderStatus.REJECTED, objection, now_ms)
        parts = take(intent, offers, paper.left)
        is_enough = paper.with_fills(parts, now_ms, is_maker=False).is_whole
        if intent.time_in_force is TimeInForce.FOK and not is_enough:
            return self._end(paper, OrderStatus.CANCELLED, FOK_KILLED, now_ms)
        if parts and not is_enough:
            first_at_ms = paper.due_at_ms + FIRST_PART_AFTER_MS
            begun = attrs.evolve(paper, phase=PaperPhase.FIRST_PART, due_at_ms=first_at_ms)
            return self._commit(paper, begun, now_ms)
        return self._take_rest(paper, now_ms)

    def _take_first_part(self, paper: PaperOrder, now_ms: int) -> Effects:
        traded, liquidity = self._take(paper, paper.first_part, now_ms)
        second_at_ms = paper.due_at_ms + SECOND_PART_AFTER_MS
        begun = attrs.evolve(traded, phase=PaperPhase.SECOND_PART, due_at_ms=second_at_ms)
        return self._commit(paper, begun, now_ms, liquidity)

    def _take_rest(self, paper: PaperOrder, now_ms: int) -> Effects:
        """Take what the book has; the remainder rests, or ends if it may not."""
        traded, liquidity = self._take(paper, paper.left, now_ms)
        if not (traded.is_whole or traded.intent.time_in_force.may_rest):
            report = traded.report(OrderStatus.CANCELLED, "fill and kill: nothing more to match")
            return self._commit_end(paper, report, liquidity, now_ms)
        rest = attrs.evolve(traded, phase=PaperPhase.RESTING, due_at_ms=traded.intent.expires_at_ms)
        return self._commit(paper, rest, now_ms, liquidity)

    def _take(self, paper: PaperOrder, left: int, now_ms: int) -> tuple[PaperOrder, PaperLiquidity]:
        """Return the order and the liquidity after it took this much, as far as the book allows."""
        parts = take(paper.intent, self._offers(paper.intent, now_ms), left)
        book = self._book(paper.intent, now_ms)
        liquidity = self._liquidity.after(paper.intent, parts, book)
        return paper.with_fills(parts, now_ms, is_maker=False), liquidity

    def _trade_resting(self, paper: PaperOrder, now_ms: int) -> Effects:
        """Trade a crossed resting order at its limit, as the maker."""
        parts = take(paper.intent, self._offers(paper.intent, now_ms), paper.left)
        if not parts:
            return []
        at_limit = ((paper.intent.price_ticks, total_units(parts)),)
        book = self._book(paper.intent, now_ms)
        liquidity = self._liquidity.after(paper.intent, parts, book)
        return self._commit(
            paper, paper.with_fills(at_limit, now_ms, is_maker=True), now_ms, liquidity
        )

    def _book(self, intent: OrderIntent, now_ms: int) -> BookView:
        """Return the order's book; an empty one if the known one must not be traded on."""
        snapshot = self._snapshots.get(intent.market.series)
        if snapshot is None or snapshot.market.market_id != intent.market.market_id:
            return BookView()
        book = snapshot.book(intent.side)
        age_ms = now_ms - book.updated_at_ms
        strategy = self.settings.of(intent.market.series).strategy
        is_fresh = age_ms <= strategy.max_book_age_ms
        return book if book.is_synced and is_fresh and not book.is_crossed else BookView()

    def _offers(self, intent: OrderIntent, now_ms: int) -> tuple[Level, ...]:
        return self._liquidity.offers(intent, self._book(intent, now_ms))

    def _venue_objection(self, intent: OrderIntent) -> str:
        """Return why the venue refuses an order on arrival: a price off the current grid (F24)."""
        market = intent.market
        snapshot = self._snapshots.get(market.series)
        if snapshot is not None and snapshot.market.market_id == market.market_id:
            market = snapshot.market
        if intent.price_ticks % market.tick_size_ticks == 0:
            return ""
        return (
            f"price {price_text(intent.price_ticks)} breaks the minimum tick size "
            f"{price_text(market.tick_size_ticks)}"
        )

    # Records and answers

    def _end(self, paper: PaperOrder, status: OrderStatus, reason: str, now_ms: int) -> Effects:
        return self._commit_end(paper, paper.report(status, reason), self._liquidity, now_ms)

    def _commit(
        self,
        before: PaperOrder,
        after: PaperOrder,
        now_ms: int,
        liquidity: PaperLiquidity | None = None,
    ) -> Effects:
        """Save an order's next state in one record, and report it if it is new."""
        report = after.report()
        if is_final(report):
            return self._commit_end(before, report, liquidity or self._liquidity, now_ms)
        self._live[after.order_id] = after
        return [
            Record(report, (_save(after), *self._use(liquidity))),
            *tell_order(report, before.report()),
            _timer(after, now_ms),
        ]

    def _commit_end(
        self, paper: PaperOrder, report: OrderReport, liquidity: PaperLiquidity, now_ms: int
    ) -> Effects:
        keep_until_ms = paper.intent.expires_at_ms + CLOCK_STEP_MAX_MS
        end = PaperEnd(report=report, keep_until_ms=keep_until_ms)
        del self._live[report.order_id]
        return [*self._note_end(end, now_ms, self._use(liquidity)), CancelTimer(report.order_id)]

    def _note_end(self, end: PaperEnd, now_ms: int, used: tuple[Save, ...] = ()) -> Effects:
        self._ended[end.report.order_id] = end
        return [
            Record(end.report, (_save_end(end), *used)),
            *tell_order(end.report),
            _forget_timer(end, now_ms),
        ]

    def _use(self, liquidity: PaperLiquidity | None) -> tuple[Save, ...]:
        """Adopt the remaining liquidity; return the row to save if it has changed."""
        if liquidity is None or liquidity == self._liquidity:
            return ()
        self._liquidity = liquidity
        return (Save("paper", _LIQUIDITY_KEY, liquidity),)

    def _answer(self, order_id: str) -> Effects:
        if order_id in self._live:
            return tell_order(self._live[order_id].report())
        if order_id in self._ended:
            return tell_order(self._ended[order_id].report)
        return tell_order(OrderReport(order_id=order_id, status=None))


def _forget_timer(end: PaperEnd, now_ms: int) -> SetTimer:
    return SetTimer(_FORGET + end.report.order_id, max(0, end.keep_until_ms - now_ms))


def _timer(paper: PaperOrder, now_ms: int) -> SetTimer:
    return SetTimer(paper.order_id, max(0, paper.wakes_at_ms - now_ms))


def _save(paper: PaperOrder) -> Save:
    return Save("paper", paper.order_id, paper)


def _save_end(end: PaperEnd, *, is_open: bool = True) -> Save:
    return Save("paper", end.report.order_id, end, is_open)

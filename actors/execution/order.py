"""One order's life: from its record until everyone who must know its end knows it.

An order actor need not remember what it has sent. Whatever its state leaves open (an answer from
the executor, a booking, the desk's knowledge of the end) it repeats on a timer. So a lost message
only costs time, and a restart is just one more repetition. docs/orders.md shows who waits for whom.
"""

from __future__ import annotations

import attrs

from actors.core import (
    CancelTimer,
    Core,
    Dice,
    Effects,
    Log,
    Record,
    Save,
    Send,
    SetTimer,
    Stop,
    handles,
    require,
)
from actors.execution.order_state import IllegalTransition, apply_report, is_booked, tell_trades
from actors.messages.execution import (
    CancelOrder,
    CancelRequested,
    FillReversed,
    OrderClosed,
    OrderDone,
    OrderFilled,
    OrderReport,
    OrderState,
    OrderStatus,
    OrderUpdated,
    QueryOrder,
    SubmitOrder,
)
from actors.messages.lifecycle import PeerRestarted, Started, TimerFired
from actors.messages.position import FillBooked
from actors.roles import DESK, EXECUTOR, OBSERVER, POSITION, order_id_of
from actors.settings import Settings

ANSWER_LIMIT_MS = 1_000
"""After this long without an answer, the message to executor or desk is repeated."""
QUERY_PERIOD_MS = 2_000
"""How often the executor is asked about a resting order."""
BOOKING_LIMIT_MS = 500
"""After this long without FillBooked, the message to position is repeated."""

_TIME_TO_LIVE_OVER = "its time to live is over"

_ASK, _BOOK, _ANNOUNCE, _EXPIRE = "ask", "book", "announce", "expire"


class OrderCore(Core):
    """Owns one order; the messages due to its peers follow from the order's state."""

    RECOVERS = ("order",)

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        super().__init__(role, settings, dice)
        self._order_id = order_id_of(role) or ""
        require(self._order_id != "", f"{role!r} is not the role of an order")
        self._saved: OrderState | None = None

    @property
    def _order(self) -> OrderState:
        if self._saved is None:
            raise AssertionError(f"{self.role} received a message before Started")
        return self._saved

    @property
    def _is_finished(self) -> bool:
        """Ended with every fill booked: only the desk has yet to know."""
        return self._order.is_terminal and is_booked(self._order)

    # Starting and restarting

    @handles(Started)
    def start(self, message: Started, now_ms: int) -> Effects:
        """Continue from the record, which for a new order holds only its terms."""
        match message.saved:
            case ():
                # The desk started an order that has closed its record in the meantime.
                return [Send(DESK, OrderClosed(self._order_id)), Stop("its record is closed")]
            case (OrderState() as order,) if order.intent.order_id == self._order_id:
                self._saved = order = _as_taken_over(order)
            case other:
                raise AssertionError(f"{self.role} got {other!r} as its record")
        effects = [
            *self._ask_first(now_ms),
            *self._tell_desk(),
            *self._tell_position(),
            Send(OBSERVER, OrderUpdated(order)),
        ]
        if not order.is_terminal:
            left_ms = max(0, order.intent.expires_at_ms - now_ms)
            effects.append(SetTimer(_EXPIRE, left_ms))
        return effects

    @handles(PeerRestarted)
    def resume_with(self, message: PeerRestarted, now_ms: int) -> Effects:
        """Repeat what the new actor of a peer's role may never have received."""
        if message.role == EXECUTOR:
            return self._ask(now_ms)
        if message.role == POSITION:
            return self._tell_position()
        if message.role == DESK:
            return self._tell_desk()
        if message.role == OBSERVER:
            return [Send(OBSERVER, OrderUpdated(self._order))]
        return []

    @handles(TimerFired)
    def wake(self, message: TimerFired, now_ms: int) -> Effects:
        """Repeat what is still unanswered; end the order when its time to live has ended."""
        if message.key == _EXPIRE:
            return self.cancel(CancelRequested(self._order_id, _TIME_TO_LIVE_OVER), now_ms)
        if message.key == _ASK:
            return self._ask(now_ms)
        if message.key == _BOOK:
            return self._tell_position()
        return self._tell_desk()

    # Messages of the executor

    @handles(OrderReport)
    def take_report(self, report: OrderReport, now_ms: int) -> Effects:
        """Apply the executor's report; if it does not know the order, submit it."""
        before = self._order
        if report.status is None:
            return self._ask(now_ms) if before.status is OrderStatus.PENDING else []
        try:
            news = apply_report(before, report, now_ms)
        except IllegalTransition as error:
            return [Log("error", f"{error}: ignored")]
        if not news:
            return []
        effects: Effects = []
        for event, after in news:
            self._saved = after
            effects.append(self._record(event))
        effects += [
            Send(OBSERVER, OrderUpdated(self._order)),
            *self._tell_desk(),
            *self._tell_position(told=before),
        ]
        if self._order.is_terminal and not before.is_terminal:
            effects += [CancelTimer(_EXPIRE), CancelTimer(_ASK)]
        return effects

    # Messages of the desk

    @handles(CancelRequested)
    def cancel(self, message: CancelRequested, now_ms: int) -> Effects:
        """End it early; the cancel is repeated to the executor until it has ended."""
        order = self._order
        if order.is_terminal or order.cancel_reason:
            return []
        self._saved = attrs.evolve(order, cancel_reason=message.reason, updated_at_ms=now_ms)
        # A cancel may be sent before its record: it only reduces risk, also when nothing can be
        # recorded.
        return [
            *self._ask(now_ms),
            self._record(message),
            Send(OBSERVER, OrderUpdated(self._order)),
        ]

    @handles(OrderDone)
    def leave(self, _message: OrderDone, _now_ms: int) -> Effects:
        """Close the record now that the desk knows the end, confirm that, and stop."""
        if not self._is_finished:
            return []  # a fill arrived after the confirmed end, which is reported again
        closed = OrderClosed(self._order_id)
        return [
            self._record(closed, is_open=False),
            Send(DESK, closed),
            Stop(f"{self._order_id} ended {self._order.status.value}"),
        ]

    # Messages of position

    @handles(FillBooked)
    def take_booking(self, message: FillBooked, _now_ms: int) -> Effects:
        """Note that one fill, or its reversal, is in the ledger."""
        order = self._order
        booked = {message.trade_id}
        field = "unbooked_reversals" if message.is_reversal else "unbooked"
        if not booked & getattr(order, field):
            return []
        self._saved = attrs.evolve(
            order,
            position_version=max(order.position_version, message.version),
            **{field: getattr(order, field) - booked},
        )
        effects: Effects = [self._record(message), *self._tell_position(told=order)]
        return effects + self._tell_desk() if order.is_terminal else effects

    # What the state requires to be sent to each peer

    def _ask_first(self, now_ms: int) -> Effects:
        """Start asking; a new order first lets the executor answer the submission by the desk."""
        order = self._order
        answer_due_ms = order.intent.created_at_ms + ANSWER_LIMIT_MS
        is_new = order.status is OrderStatus.PENDING and not order.cancel_reason
        if is_new and 0 < answer_due_ms - now_ms <= ANSWER_LIMIT_MS:
            return [SetTimer(_ASK, answer_due_ms - now_ms)]
        return self._ask(now_ms)

    def _ask(self, now_ms: int) -> Effects:
        """Send the executor what is still unanswered, and check again later."""
        order = self._order
        period_ms = ANSWER_LIMIT_MS
        message: object
        if order.is_terminal:
            return []
        if order.cancel_reason or now_ms >= order.intent.expires_at_ms:
            message = CancelOrder(self._order_id, order.cancel_reason or _TIME_TO_LIVE_OVER)
        elif order.status is OrderStatus.PENDING:
            message = SubmitOrder(order.intent)
        else:
            message = QueryOrder(self._order_id)
            is_unknown = order.status is OrderStatus.UNKNOWN
            period_ms = ANSWER_LIMIT_MS if is_unknown else QUERY_PERIOD_MS
        return [Send(EXECUTOR, message), SetTimer(_ASK, period_ms)]

    def _tell_desk(self) -> Effects:
        """Report the order's state to the desk; its end only when all fills are booked."""
        if not self._order.is_terminal:
            return [Send(DESK, OrderUpdated(self._order))]
        if not self._is_finished:
            return []
        return [Send(DESK, OrderUpdated(self._order)), SetTimer(_ANNOUNCE, ANSWER_LIMIT_MS)]

    def _tell_position(self, told: OrderState | None = None) -> Effects:
        """Send position the fills, and the reversals of booked fills, that it has not confirmed.

        Whatever was already pending in ``told`` was sent just before, and is repeated by the timer.
        """
        order = self._order
        fills, reversals = order.unbooked, order.unbooked_reversals - order.unbooked
        if told is not None:
            fills -= told.unbooked
            reversals -= told.unbooked_reversals - told.unbooked
        if not fills and not reversals:
            return []
        return [
            *tell_trades(OrderFilled, order.intent, order.fills, fills),
            *tell_trades(FillReversed, order.intent, order.fills, reversals),
            SetTimer(_BOOK, BOOKING_LIMIT_MS),
        ]

    def _record(self, event: object, *, is_open: bool = True) -> Record:
        return Record(event, (Save("order", self._order_id, self._order, is_open),))


def _as_taken_over(order: OrderState) -> OrderState:
    """Return the recorded order; unknown if an earlier release ended it before its last fill."""
    if (order.final_filled_units or 0) <= order.traded_units:
        return order
    return attrs.evolve(order, status=OrderStatus.UNKNOWN, final_filled_units=None)

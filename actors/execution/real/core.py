"""The real executor's core: the conversation with the venue about real orders.

After every message it performs whatever is due: cancels first, then signing, posting and reading.
So a handler only updates state. The core knows no secret. Signed bytes are recorded before they are
posted, and an order is never posted with other bytes. docs/live-trading.md has the rules.
"""

from __future__ import annotations

from collections.abc import Iterable

from actors.core import Core, Dice, Effects, Send, SetTimer, handles
from actors.execution.real.account_readings import AccountReadings
from actors.execution.real.cancels import (
    AccountCancel,
    EmergencyCancel,
    OrderCancels,
    is_account_wide,
)
from actors.execution.real.gate import AccountGates
from actors.execution.real.lasting_problem import LastingProblem
from actors.execution.real.live_order import LiveOrder
from actors.execution.real.messages import (
    AccountRead,
    AccountUnread,
    CancelEvent,
    ClaimEvent,
    ClientFailed,
    ClientReady,
    HeartbeatEvent,
)
from actors.execution.real.orders import LiveOrders, closed, owed
from actors.execution.real.outbox import TOO_LATE, Outbox, OutboxEvent, PendingActions
from actors.execution.real.reconciler import Reconciler
from actors.execution.real.redemptions import Redemptions
from actors.execution.real.user_channel import UserTrade
from actors.execution.real.venue_session import (
    HEARTBEAT_TIMER,
    SESSION_TIMER,
    DeadMansSwitch,
    UserFeed,
    VenueSession,
)
from actors.feeds.connection import RECONNECT_TIMER, Connected, Disconnected, FramesReceived
from actors.messages.directory import MarketClosing, MarketOpened
from actors.messages.execution import (
    CancelOrder,
    OrderIntent,
    OrderRejected,
    OrderSubmitted,
    QueryOrder,
    SubmitOrder,
)
from actors.messages.halts import CancelEverything
from actors.messages.lifecycle import (
    JournalFailed,
    PeerRestarted,
    Recalled,
    SettingsReplaced,
    Started,
    TimerFired,
)
from actors.messages.market import MarketSnapshot, SnapshotTaken
from actors.messages.position import FillBooked, PositionSnapshot
from actors.roles import DESK, MARKET_STATE, POSITION
from actors.settings import Settings

TELL_AGAIN_MS = 1_000
_TELL_TIMER, _ALARM_TIMER = "tell", "wake"
_ALARM_LEAST_MS = 10


class RealExecutorCore(Core):
    """Owns the state of every real order, and decides what is sent to the venue."""

    RECOVERS = ("live", "claim", "late_failure")

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        super().__init__(role, settings, dice)
        self._orders = LiveOrders(settings.execution.order_ttl_ms)
        self._pending = PendingActions()
        self._session = VenueSession()
        self._outbox = Outbox(self._orders, self._pending, self._session)
        self._cancels = OrderCancels(self._orders, self._pending)
        self._readings = AccountReadings(self._orders, self._pending)
        self._reconciler = Reconciler(self._orders, self._pending, self._readings)
        self._gate = AccountGates(self._orders, settings)
        self._feed = UserFeed(settings.venue.user_ws_url, dice)
        self._switch = DeadMansSwitch()
        self._frame_problem = LastingProblem()
        self._redemptions = Redemptions()
        self._account_cancel = AccountCancel(is_wide=settings.execution.cancel_all_on_halt)
        self._emergency_cancel: EmergencyCancel | None = None
        self._alarm = _Alarm()

    @property
    def is_serving(self) -> bool:
        """Whether orders of an open window would be sent."""
        markets = self._gate.markets.values()
        return any(self._may_trade_in(market.market_id) for market in markets)

    def clock_set_back(self, by_ms: int) -> None:
        """Shift all due times and past events back by as much as the clock was."""
        keepers = (self._orders, self._pending, self._session, self._readings, self._gate)
        for each in (*keepers, self._redemptions, self._account_cancel, self._feed.connection):
            each.clock_set_back(by_ms)
        self._alarm.reset()  # all times have changed, so the next one sets the timer anew

    def take_settings(self, message: SettingsReplaced, now_ms: int) -> Effects:
        """Give the new settings to the gates of windows that open from now on."""
        self._gate.settings = message.settings
        return super().take_settings(message, now_ms)

    def handle(self, message: object, now_ms: int) -> Effects:
        """Handle a message, then perform whatever is due."""
        if self._emergency_cancel is not None:
            return self._emergency_cancel.take(message)
        effects = super().handle(message, now_ms)
        if self._emergency_cancel is not None:
            return effects
        return [
            *effects,
            *self._session.renew_if_refused(message, now_ms),
            *self._perform_due(now_ms),
        ]

    # Starting

    @handles(Started)
    def start(self, message: Started, now_ms: int) -> Effects:
        """Restore the recorded orders, and report to each unfinished Order what is known."""
        for value in message.saved:
            self._orders.load(value)
            self._redemptions.load(value)
        effects: Effects = [
            *self._session.request_credentials(),
            SetTimer(_TELL_TIMER, TELL_AGAIN_MS),
        ]
        self._orders.clamp_times_to(now_ms)
        for live in self._orders:
            effects += self._outbox.resume(live, now_ms)
            if not (live.is_final and live.is_settled):
                effects += self._orders.answer(live.order_id)
            effects += owed(live)
        return effects + self._redemptions.remind()

    @handles(ClientReady)
    def connect(self, event: ClientReady, _now_ms: int) -> Effects:
        """Read the account before anything else, and subscribe to the user channel."""
        self._readings.request_all()
        effects = [
            *self._session.opened(event),
            *self._feed.start(),
            *self._gate.cancel_quarantined(),
        ]
        if self.settings.execution.venue_heartbeat:
            effects += self._switch.beat()
        return effects

    @handles(ClientFailed)
    def retry_client(self, event: ClientFailed, _now_ms: int) -> Effects:
        """Try again later; without credentials nothing is sent."""
        return self._session.failed(event)

    @handles(PeerRestarted)
    def resend_to_restarted(self, message: PeerRestarted, _now_ms: int) -> Effects:
        """Repeat what a restarted desk or ledger may have missed."""
        if message.role == DESK:
            return self._gate.halt()
        if message.role == POSITION:
            return [*self._orders.owed(), *self._gate.ask_ledger()]
        return []

    # Requests of Orders and the desk

    @handles(SubmitOrder)
    def submit(self, message: SubmitOrder, now_ms: int) -> Effects:
        """Accept a new order unless a rule forbids it; answer with the state of a known one."""
        intent = message.intent
        order_id = intent.order_id
        if self._orders.is_known(order_id):
            return self._orders.answer(order_id)
        if now_ms >= intent.expires_at_ms:
            # Recorded, because a copy of it would be traded if the clock were set back.
            return self._orders.record_cancelled(order_id, TOO_LATE, now_ms)
        live = LiveOrder(intent=intent)
        reason = self._gate.objection(intent)
        if reason:
            return self._orders.commit(live.refused(reason), OrderRejected(order_id, reason))
        self._pending.of(order_id).sign_at_ms = now_ms
        return self._orders.commit(live, OrderSubmitted(order_id))

    @handles(QueryOrder)
    def query(self, message: QueryOrder, _now_ms: int) -> Effects:
        """Report what is known of an order."""
        return self._orders.answer(message.order_id)

    @handles(CancelOrder)
    def cancel(self, message: CancelOrder, now_ms: int) -> Effects:
        """Cancel an order; one that may be at the venue ends only when the venue says so."""
        order_id = message.order_id
        live = self._orders.get(order_id)
        if live is not None and not live.is_final:
            return self._outbox.cancel(live, message, now_ms)
        if self._orders.is_known(order_id):
            return self._orders.answer(order_id)
        return self._orders.record_cancelled(order_id, message.reason, now_ms)

    @handles(CancelEverything)
    def cancel_everything(self, message: CancelEverything, now_ms: int) -> Effects:
        """Cancel all that may rest because trading is halted, even if its Order has crashed."""
        is_known = self._account_cancel.has_received(message)
        own = [] if is_known else self._cancel_each(self._orders.working, message.reason, now_ms)
        return [*own, *self._account_cancel.request(message)]

    @handles(JournalFailed)
    def begin_emergency_cancel(self, message: JournalFailed, _now_ms: int) -> Effects:
        """Do nothing but cancel from now on, because some actor cannot record (F27)."""
        has_client = self._session.account is not None
        is_wide = is_account_wide(self.settings.execution, message, self.role)
        resting_ids = self._orders.possibly_resting_ids
        self._emergency_cancel = EmergencyCancel(
            resting_ids, has_client=has_client, is_wide=is_wide
        )
        return self._emergency_cancel.begin(message.reason)

    @handles(FillBooked)
    def take_booking(self, message: FillBooked, _now_ms: int) -> Effects:
        """Note that position has booked a trade that the executor reported itself."""
        return self._orders.take_booking(message)

    # Windows

    @handles(MarketOpened)
    def open_window(self, message: MarketOpened, _now_ms: int) -> Effects:
        """Request a reading of the window's account before it is traded."""
        if self._gate.open_window(message.market):
            self._readings.request()
        return []

    @handles(MarketSnapshot)
    def take_snapshot(self, message: MarketSnapshot, _now_ms: int) -> Effects:
        """Note the window's current price grid."""
        self._gate.update_market(message.market)
        market_state = self.settings.role(MARKET_STATE, message.market.series)
        return [Send(market_state, SnapshotTaken(message.sequence))]

    @handles(MarketClosing)
    def close_window(self, message: MarketClosing, now_ms: int) -> Effects:
        """Cancel the orders that rest in an ended window."""
        market_id = message.market_id
        working = self._orders.working
        ending = [live for live in working if live.intent.market.market_id == market_id]
        return self._cancel_each(ending, "the window is over", now_ms)

    # Events of the port

    @handles(OutboxEvent)
    def take_answer(self, event: OutboxEvent, now_ms: int) -> Effects:
        """Handle the outcome of signing or posting an order."""
        return self._outbox.take(event, self._may_trade, now_ms)

    @handles(CancelEvent)
    def take_cancel(self, event: CancelEvent, now_ms: int) -> Effects:
        """Handle the outcome of a cancel."""
        return [*self._cancels.take(event, now_ms), *self._account_cancel.take(event, now_ms)]

    @handles(AccountRead)
    def take_reading(self, event: AccountRead, now_ms: int) -> Effects:
        """Apply a reading of the venue's account, and compare it with the ledger."""
        reading, recovered = self._readings.complete(event, now_ms)
        if reading is None:
            return []
        effects = recovered + self._reconciler.apply(event, reading, now_ms)
        account = self._session.account
        if account is None:
            return effects
        return [
            *self._session.proven(),
            *effects,
            *self._gate.check(event, reading, account),
            *self._redemptions.open_for(self._orders, now_ms),
            *self._redemptions.check_balances(event, now_ms),
            *self._orders.recall_closable(now_ms),
        ]

    @handles(Recalled)
    def forget(self, message: Recalled, _now_ms: int) -> Effects:
        """Forget an order that can no longer change, if its Order has recorded the end."""
        live = self._orders.forget(message)
        if live is None:
            return self._orders.forget_taken_back(message)
        self._gate.forget(live)
        self._pending.drop(live.order_id)
        return [closed(live)]

    @handles(AccountUnread)
    def take_failed_reading(self, event: AccountUnread, now_ms: int) -> Effects:
        """Schedule another reading."""
        return self._readings.failed(event, now_ms)

    @handles(PositionSnapshot)
    def take_position(self, message: PositionSnapshot, now_ms: int) -> Effects:
        """Compare the ledger's position of a window with the venue's."""
        return self._gate.take_position(message, now_ms)

    @handles(HeartbeatEvent)
    def take_heartbeat(self, event: HeartbeatEvent, _now_ms: int) -> Effects:
        """Handle the answer to a heartbeat."""
        return self._switch.take(event)

    @handles(ClaimEvent)
    def take_claim(self, event: ClaimEvent, now_ms: int) -> Effects:
        """Handle the outcome of a redemption."""
        return self._redemptions.answered(event, now_ms)

    # The user channel

    @handles(Connected)
    def on_connected(self, event: Connected, now_ms: int) -> Effects:
        """Subscribe, and read what happened while the channel was down (F14)."""
        self._readings.request_all()
        return self._feed.connected(event, now_ms)

    @handles(Disconnected)
    def on_disconnected(self, event: Disconnected, now_ms: int) -> Effects:
        """Reconnect soon."""
        return self._feed.disconnected(event, now_ms)

    @handles(FramesReceived)
    def on_frames(self, event: FramesReceived, now_ms: int) -> Effects:
        """Apply the channel's events; whatever cannot be decoded is read by REST instead."""
        events, problems = self._feed.events(event, now_ms)
        effects: Effects = []
        for each in events:
            if isinstance(each, UserTrade):
                self._gate.note_trade(each.market_id, now_ms)
                if each.unread:
                    self._readings.request()
                effects += self._reconciler.take_trade(each, now_ms)
            else:
                effects += self._reconciler.take_order(each, now_ms)
        if problems:
            self._readings.request()
            effects += self._frame_problem.met(f"the user channel: {problems[-1]}")
        elif events:
            self._frame_problem.over()
        return effects

    # Timers

    @handles(TimerFired)
    def wake(self, timer: TimerFired, now_ms: int) -> Effects:
        """Handle a timer; whatever is due is performed after every message anyway."""
        if timer.key == _ALARM_TIMER:
            self._alarm.reset()  # whatever is due is performed after every message
            return []
        if timer.key == SESSION_TIMER:
            return self._session.wake(now_ms)
        if self._session.account is None and timer.key in (HEARTBEAT_TIMER, RECONNECT_TIMER):
            return []  # both begin again with new credentials
        if timer.key == HEARTBEAT_TIMER:
            return self._switch.beat()
        if timer.key == _TELL_TIMER:
            if self._gate.wants_reading:
                self._readings.request()
            again = SetTimer(_TELL_TIMER, TELL_AGAIN_MS)
            return [*self._orders.owed(), *self._gate.ask_ledger(), *self._gate.halt(), again]
        return self._feed.wake(timer.key, now_ms) if timer.key in UserFeed.TIMERS else []

    def _perform_due(self, now_ms: int) -> Effects:
        effects = self._outbox.withdraw_late(now_ms)
        if self._session.account is not None:
            effects += self._cancels.send_due(now_ms)
            effects += self._account_cancel.send_if_due(self._pending, now_ms)
            effects += self._outbox.sign(self._may_trade, now_ms)
            effects += self._outbox.post(self._may_trade, now_ms)
            markets = self._gate.markets.values()
            tokens = [token for market in markets for token in (market.yes_token, market.no_token)]
            market_ids = [market.market_id for market in markets]
            effects += self._readings.begin(
                market_ids, (*tokens, *self._redemptions.tokens), now_ms
            )
        return [*effects, *self._set_alarm(now_ms)]

    def _set_alarm(self, now_ms: int) -> Effects:
        waiting = (live for live in self._orders.working if not live.posted_at_ms)
        times = [live.intent.expires_at_ms for live in waiting]
        if self._session.account is not None:
            times += [self._readings.next_due_ms(now_ms), self._pending.next_due_ms(now_ms) or 0]
            times.append(self._account_cancel.due_at_ms)
        return self._alarm.set(times, now_ms)

    def _may_trade(self, intent: OrderIntent) -> bool:
        return self._may_trade_in(intent.market.market_id)

    def _may_trade_in(self, market_id: str) -> bool:
        # An account-wide cancel would also cancel orders that are posted while it is wanted.
        if (
            self._account_cancel.is_wanted
            or self._emergency_cancel is not None
            or self._session.account is None
        ):
            return False
        return market_id in self._readings.read_markets and self._gate.is_agreed(market_id)

    def _cancel_each(self, lives: Iterable[LiveOrder], reason: str, now_ms: int) -> Effects:
        return [
            effect
            for live in lives
            for effect in self.cancel(CancelOrder(live.order_id, reason), now_ms)
        ]


class _Alarm:
    """One timer for the earliest of many times."""

    def __init__(self) -> None:
        self._at_ms: int | None = None

    def set(self, times: Iterable[int], now_ms: int) -> Effects:
        """Set the timer to the earliest future time, unless it fires before that anyway."""
        at_ms = min((each for each in times if each > now_ms), default=None)
        if at_ms is None or (self._at_ms is not None and self._at_ms <= at_ms):
            return []
        self._at_ms = at_ms
        return [SetTimer(_ALARM_TIMER, max(_ALARM_LEAST_MS, at_ms - now_ms))]

    def reset(self) -> None:
        """Note that the timer has fired or is void, so that any time may be set."""
        self._at_ms = None

"""The real executor: the conversation with the venue about real orders.

Whatever it hears, it afterwards goes on with what is due: cancels first, then signing, posting and
reading. So a handler only takes in what it was told. docs/live-trading.md has the rules. Nothing
here knows a secret. Bytes that were signed are recorded before they are posted, and no others are
ever posted for that order.
"""

from __future__ import annotations

from collections.abc import Iterable

from actors.core import Core, Dice, Effects, Log, Send, SetTimer, handles
from actors.execution.real.cancels import (
    AccountCancel,
    EmergencyCancel,
    OrderCancels,
    is_account_wide,
)
from actors.execution.real.claims import Claims
from actors.execution.real.gate import AccountGates
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
    """Owns what is known of every real order, and says what leaves for the venue."""

    RECOVERS = ("live", "claim", "late_failure")

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        super().__init__(role, settings, dice)
        self._orders = LiveOrders(settings.execution.order_ttl_ms)
        self._pending = PendingActions()
        self._session = VenueSession()
        self._outbox = Outbox(self._orders, self._pending, self._session)
        self._cancels = OrderCancels(self._orders, self._pending)
        self._reconciler = Reconciler(self._orders, self._pending)
        self._gate = AccountGates(self._orders, settings)
        self._feed = UserFeed(settings.venue.user_ws_url, dice)
        self._switch = DeadMansSwitch()
        self._claims = Claims()
        self._account_cancel = AccountCancel(is_wide=settings.execution.cancel_all_on_halt)
        self._emergency_cancel: EmergencyCancel | None = None
        self._alarm = _Alarm()

    @property
    def is_serving(self) -> bool:
        """Whether orders of an open window would leave."""
        markets = self._gate.markets.values()
        return any(self._may_trade_in(market.market_id) for market in markets)

    def clock_set_back(self, by_ms: int) -> None:
        """Everything is due as soon as it would have been, and happened as long ago."""
        keepers = (self._orders, self._pending, self._session, self._reconciler, self._gate)
        for each in (*keepers, self._claims, self._account_cancel, self._feed.connection):
            each.clock_set_back(by_ms)
        self._alarm.rang()  # times are others now: the next that is set rings

    def take_settings(self, message: SettingsReplaced, now_ms: int) -> Effects:
        """Have the gates of windows to come know which series there are."""
        self._gate.settings = message.settings
        return super().take_settings(message, now_ms)

    def handle(self, message: object, now_ms: int) -> Effects:
        """Take a message in, and go on with whatever is due then."""
        if self._emergency_cancel is not None:
            return self._emergency_cancel.take(message)
        effects = super().handle(message, now_ms)
        if self._emergency_cancel is not None:
            return effects
        return [*effects, *self._session.hear(message, now_ms), *self._go_on(now_ms)]

    # Beginning

    @handles(Started)
    def start(self, message: Started, now_ms: int) -> Effects:
        """Take the recorded orders over; each is told to its Order as far as it is known."""
        for value in message.saved:
            self._orders.load(value)
            self._claims.load(value)
        effects: Effects = [*self._session.ask(), SetTimer(_TELL_TIMER, TELL_AGAIN_MS)]
        self._orders.none_after(now_ms)
        for live in self._orders:
            effects += self._outbox.resume(live, now_ms)
            if not (live.is_final and live.is_settled):
                effects += self._orders.answer(live.order_id)
            effects += owed(live)
        return effects + self._claims.remind()

    @handles(ClientReady)
    def connect(self, event: ClientReady, _now_ms: int) -> Effects:
        """Read the account before anything else, and listen to what happens from now on."""
        self._reconciler.listen_anew()
        effects = [*self._session.opened(event), *self._feed.start(), *self._gate.take_back_lost()]
        if self.settings.execution.venue_heartbeat:
            effects += self._switch.beat()
        return effects

    @handles(ClientFailed)
    def retry_client(self, event: ClientFailed, _now_ms: int) -> Effects:
        """Try again: without credentials nothing leaves."""
        return self._session.failed(event)

    @handles(PeerRestarted)
    def greet(self, message: PeerRestarted, _now_ms: int) -> Effects:
        """Say again what a new desk or ledger may never have heard."""
        if message.role == DESK:
            return self._gate.halt()
        if message.role == POSITION:
            return [*self._orders.owed(), *self._gate.ask()]
        return []

    # What Orders and the desk say

    @handles(SubmitOrder)
    def submit(self, message: SubmitOrder, now_ms: int) -> Effects:
        """Take a new order in, if nothing speaks against it; answer for a known one."""
        intent = message.intent
        order_id = intent.order_id
        if self._orders.is_known(order_id):
            return self._orders.answer(order_id)
        if now_ms >= intent.expires_at_ms:
            # Recorded, or a copy of it would be carried out should the clock be set back.
            return self._orders.take_back(order_id, TOO_LATE, now_ms)
        live = LiveOrder(intent=intent)
        reason = self._gate.objection(intent)
        if reason:
            return self._orders.commit(live.refused(reason), OrderRejected(order_id, reason))
        self._pending.of(order_id).sign_at_ms = now_ms
        return self._orders.commit(live, OrderSubmitted(order_id))

    @handles(QueryOrder)
    def query(self, message: QueryOrder, _now_ms: int) -> Effects:
        """Say what is known of an order."""
        return self._orders.answer(message.order_id)

    @handles(CancelOrder)
    def cancel(self, message: CancelOrder, now_ms: int) -> Effects:
        """End an order; whatever may be at the venue ends only by the venue's word."""
        order_id = message.order_id
        live = self._orders.get(order_id)
        if live is not None and not live.is_final:
            return self._outbox.take_back(live, message, now_ms)
        if self._orders.is_known(order_id):
            return self._orders.answer(order_id)
        return self._orders.take_back(order_id, message.reason, now_ms)

    @handles(CancelEverything)
    def cancel_everything(self, message: CancelEverything, now_ms: int) -> Effects:
        """A halt: take back all that may rest, even if its Order has fallen."""
        is_known = self._account_cancel.knows(message)
        own = [] if is_known else self._cancel_each(self._orders.working, message.reason, now_ms)
        return [*own, *self._account_cancel.want(message)]

    @handles(JournalFailed)
    def take_all_back(self, message: JournalFailed, _now_ms: int) -> Effects:
        """Someone cannot record: from now on nothing happens but cancels (F27)."""
        has_client = self._session.account is not None
        is_wide = is_account_wide(self.settings.execution, message, self.role)
        at_large = self._orders.ids_at_large
        self._emergency_cancel = EmergencyCancel(at_large, has_client=has_client, is_wide=is_wide)
        return self._emergency_cancel.begin(message.reason)

    @handles(FillBooked)
    def take_booking(self, message: FillBooked, _now_ms: int) -> Effects:
        """Position knows of a trade what the executor told it itself."""
        return self._orders.take_booking(message)

    # What the window does

    @handles(MarketOpened)
    def open_window(self, message: MarketOpened, _now_ms: int) -> Effects:
        """Read the window's account before it is traded."""
        if self._gate.open_window(message.market):
            self._reconciler.want()
        return []

    @handles(MarketSnapshot)
    def see(self, message: MarketSnapshot, _now_ms: int) -> Effects:
        """Note the price grid that holds now."""
        self._gate.see(message.market)
        market_state = self.settings.role(MARKET_STATE, message.market.series)
        return [Send(market_state, SnapshotTaken(message.sequence))]

    @handles(MarketClosing)
    def close_window(self, message: MarketClosing, now_ms: int) -> Effects:
        """Take back what rests in a window that is over."""
        market_id = message.market_id
        working = self._orders.working
        ending = [live for live in working if live.intent.market.market_id == market_id]
        return self._cancel_each(ending, "the window is over", now_ms)

    # What the port says

    @handles(OutboxEvent)
    def take_answer(self, event: OutboxEvent, now_ms: int) -> Effects:
        """What became of an order that was to leave."""
        return self._outbox.take(event, self._may_trade, now_ms)

    @handles(CancelEvent)
    def take_cancel(self, event: CancelEvent, now_ms: int) -> Effects:
        """What became of cancels."""
        return [*self._cancels.take(event, now_ms), *self._account_cancel.take(event, now_ms)]

    @handles(AccountRead)
    def take_reading(self, event: AccountRead, now_ms: int) -> Effects:
        """Take the venue's account in, and hold ours against it."""
        reading, effects = self._reconciler.take(event, now_ms)
        account = self._session.account
        if account is None or reading is None:
            return effects
        return [
            *self._session.proven(),
            *effects,
            *self._gate.take(event, reading, account),
            *self._claims.open_for(self._orders, now_ms),
            *self._claims.take(event, now_ms),
            *self._orders.look_for_ends(now_ms),
        ]

    @handles(Recalled)
    def let_go(self, message: Recalled, _now_ms: int) -> Effects:
        """Close an order of which nothing can become any more, if its Order has heard of it."""
        live = self._orders.let_go(message)
        if live is None:
            return self._orders.let_go_taken_back(message)
        self._gate.let_go(live)
        self._pending.drop(live.order_id)
        return [closed(live)]

    @handles(AccountUnread)
    def take_no_reading(self, event: AccountUnread, now_ms: int) -> Effects:
        """Read again."""
        return self._reconciler.failed(event, now_ms)

    @handles(PositionSnapshot)
    def take_position(self, message: PositionSnapshot, now_ms: int) -> Effects:
        """The ledger's account of a window."""
        return self._gate.take_position(message, now_ms)

    @handles(HeartbeatEvent)
    def take_heartbeat(self, event: HeartbeatEvent, _now_ms: int) -> Effects:
        """Whether the venue knows that we live."""
        return self._switch.take(event)

    @handles(ClaimEvent)
    def take_claim(self, event: ClaimEvent, now_ms: int) -> Effects:
        """What became of shares that were to be turned into money."""
        return self._claims.answered(event, now_ms)

    # The user channel

    @handles(Connected)
    def on_connected(self, event: Connected, now_ms: int) -> Effects:
        """Listen, and read what happened while nobody listened (F14)."""
        self._reconciler.listen_anew()
        return self._feed.connected(event, now_ms)

    @handles(Disconnected)
    def on_disconnected(self, event: Disconnected, now_ms: int) -> Effects:
        """Listen again soon."""
        return self._feed.disconnected(event, now_ms)

    @handles(FramesReceived)
    def on_frames(self, event: FramesReceived, now_ms: int) -> Effects:
        """Take what happened; what cannot be read is read by REST instead."""
        events, problems = self._feed.events(event, now_ms)
        effects: Effects = []
        for each in events:
            if isinstance(each, UserTrade):
                self._gate.disturb(each.market_id)
                if each.unread:
                    self._reconciler.want()
                effects += self._reconciler.take_trade(each, now_ms)
            else:
                effects += self._reconciler.take_order(each, now_ms)
        if problems:
            self._reconciler.want()
            effects.append(Log("warning", f"the user channel said: {problems[-1]}"))
        return effects

    # Time

    @handles(TimerFired)
    def wake(self, timer: TimerFired, now_ms: int) -> Effects:
        """Go on with what is due, which follows every message."""
        if timer.key == _ALARM_TIMER:
            self._alarm.rang()  # what is due is looked for after every message
            return []
        if timer.key == SESSION_TIMER:
            return self._session.wake(now_ms)
        if self._session.account is None and timer.key in (HEARTBEAT_TIMER, RECONNECT_TIMER):
            return []  # both begin anew with new credentials
        if timer.key == HEARTBEAT_TIMER:
            return self._switch.beat()
        if timer.key == _TELL_TIMER:
            if self._gate.wants_reading:
                self._reconciler.want()
            again = SetTimer(_TELL_TIMER, TELL_AGAIN_MS)
            return [*self._orders.owed(), *self._gate.ask(), *self._gate.halt(), again]
        return self._feed.wake(timer.key, now_ms) if timer.key in UserFeed.TIMERS else []

    def _go_on(self, now_ms: int) -> Effects:
        effects = self._outbox.withdraw_late(now_ms)
        if self._session.account is not None:
            effects += self._cancels.go_on(now_ms)
            effects += self._account_cancel.go_on(self._pending, now_ms)
            effects += self._outbox.sign(self._may_trade, now_ms)
            effects += self._outbox.post(self._may_trade, now_ms)
            markets = self._gate.markets.values()
            tokens = [token for market in markets for token in (market.yes_token, market.no_token)]
            market_ids = [market.market_id for market in markets]
            effects += self._reconciler.read(market_ids, (*tokens, *self._claims.tokens), now_ms)
        return [*effects, *self._set_alarm(now_ms)]

    def _set_alarm(self, now_ms: int) -> Effects:
        waiting = (live for live in self._orders.working if not live.posted_at_ms)
        times = [live.intent.expires_at_ms for live in waiting]
        if self._session.account is not None:
            times += [self._reconciler.next_due_ms(now_ms), self._pending.next_due_ms(now_ms) or 0]
            times.append(self._account_cancel.due_at_ms)
        return self._alarm.set(times, now_ms)

    def _may_trade(self, intent: OrderIntent) -> bool:
        return self._may_trade_in(intent.market.market_id)

    def _may_trade_in(self, market_id: str) -> bool:
        # What leaves while the account is to be cancelled, the venue would take back as well.
        if (
            self._account_cancel.is_wanted
            or self._emergency_cancel is not None
            or self._session.account is None
        ):
            return False
        return market_id in self._reconciler.read_markets and self._gate.is_agreed(market_id)

    def _cancel_each(self, lives: Iterable[LiveOrder], reason: str, now_ms: int) -> Effects:
        return [
            effect
            for live in lives
            for effect in self.cancel(CancelOrder(live.order_id, reason), now_ms)
        ]


class _Alarm:
    """Rings for the earliest of many times."""

    def __init__(self) -> None:
        self._at_ms: int | None = None

    def set(self, times: Iterable[int], now_ms: int) -> Effects:
        """Ring at the first time that is still to come, if that is sooner than the next ring."""
        at_ms = min((each for each in times if each > now_ms), default=None)
        if at_ms is None or (self._at_ms is not None and self._at_ms <= at_ms):
            return []
        self._at_ms = at_ms
        return [SetTimer(_ALARM_TIMER, max(_ALARM_LEAST_MS, at_ms - now_ms))]

    def rang(self) -> None:
        """It has rung, and may be set for any time."""
        self._at_ms = None

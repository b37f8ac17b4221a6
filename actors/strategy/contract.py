"""The contract between the system and a strategy, version 1: its input and its output.

A strategy is a class with typed parameters and one pure method::

    from understudy.strategy import Action, Context, Decision, Order, Side, Strategy, parameter

    class Cheap(Strategy):
        limit_ticks: int = parameter(300, "bought below this price", least=1, most=999)

        def evaluate(self, context: Context) -> Decision:
            ask_ticks = context.book(Side.YES).best_ask_ticks
            if ask_ticks is None or ask_ticks >= self.limit_ticks:
                return Decision(reasons=("YES is not cheap",))
            ...

*Units* are those of ``actors.units``, and every name states its own: ``_ticks`` of $0.001,
``_units`` of a millionth of a share, ``_nanos`` of $0.000000001, ``_e18`` of $10**-18, ``_ms`` of
venue time. All are integers: a price times a size is money in nanodollars, exactly.

*Calls*: ``evaluate`` is called after every change of the market, of the position or of the
strategy's own orders, once all three are known for the traded window. It is called from one thread,
never while another call is in progress.

*Purity*: the decision depends on the context and the parameters alone. A strategy reads no clock,
file or network, draws no random number and stores nothing on itself (instances are frozen); what it
wants to remember goes into ``Decision.memory``. So the same code decides the same in a backtest, on
paper and with real money.

*Exceptions*: if ``evaluate`` raises, nothing of this evaluation happens. The actor is replaced by a
fresh one without memory; orders are not affected. A strategy that raises, or does not return within
``supervision.heartbeat_limit_ms``, more often than ``supervision.max_restarts`` allows is given up:
its working orders are cancelled, and its series is not traded until the system is started again and
trading is resumed.

*Versions*: ``CONTRACT_VERSION`` grows when an existing strategy may stop working. Fields with
defaults may be added within a version.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any, ClassVar, dataclass_transform

import attrs

from actors.messages.execution import OwnOrder
from actors.messages.market import BookView, MarketSnapshot, PublicTrade
from actors.model import Action, Market, Side, TimeInForce
from actors.strategy.parameters import parameter
from actors.strategy.position_view import PositionView

CONTRACT_VERSION = 1
"""The version of this module."""

DEFAULT_PRIORITY = 2
"""Priority of an order that gives none; shown to people, with the meanings of docs/strategy.md."""


ORDERS_MAX = 200
"""Most orders, and most cancels, of one decision; far more than may ever be open."""

_Validator = Callable[[Any, "attrs.Attribute[Any]", Any], None]


def _exactly(*types: type) -> _Validator:
    """Validate that a value has one of these types itself, so that no bool or float is an int.

    What another actor cannot work with must fail in the strategy, and not there.
    """
    names = " or ".join("None" if each is type(None) else each.__name__ for each in types)

    def validate(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        name = f"{type(instance).__name__}.{attribute.name}"
        if type(value) not in types:
            raise TypeError(f"{name} is {value!r:.80}, and must be {names}")
        if type(value) is int and abs(value) > _LARGEST:
            raise ValueError(f"{name} has more than 64 bits")

    return validate


_LARGEST = (1 << 63) - 1
_INT, _BOOL, _TEXT = _exactly(int), _exactly(bool), _exactly(str)
_SIDE = _exactly(Side)
_NONE = type(None)


@attrs.frozen(kw_only=True)
class TradeLimits:
    """Limits by which a strategy should size its orders; the desk refuses orders that break them.

    There are further limits (docs/guard-rails.md); these determine a size.
    """

    max_trade_units: int
    """Largest order."""
    max_shares_units: int
    """Maximum shares of one outcome: held and on open purchases."""
    max_book_age_ms: int
    """Maximum age of a book; an older one must not be traded on."""


@attrs.frozen(kw_only=True)
class Context:
    """The input of one evaluation: immutable, and of a single instant."""

    snapshot: MarketSnapshot
    """Both books, reference price and strike. Do not use its ``sequence`` and ``tick_ns``: they are
    the system's own counters, and differ in a backtest."""
    position: PositionView
    """The shares held of both outcomes, and their cost."""
    limits: TradeLimits
    orders: tuple[OwnOrder, ...] = ()
    """The strategy's own open orders, oldest first."""
    trades: tuple[PublicTrade, ...] = ()
    """Public trades since the last evaluation, oldest first; some may be missing after a lost
    connection."""
    sigma_dollars: float | None = None
    """Volatility of the reference price in dollars per square-root minute, exponentially weighted
    by ``volatility_half_life_minutes``; None until the price was watched for a minute."""
    memory: object = None
    """``Decision.memory`` of the previous evaluation; None in a window's first evaluation, and
    after the actor was replaced."""

    @property
    def now_ms(self) -> int:
        """Venue time of the evaluation, ms since 1970."""
        return self.snapshot.taken_at_ms

    @property
    def market(self) -> Market:
        """The window: its times, price grid, minimum sizes and fee rate."""
        return self.snapshot.market

    @property
    def left_ms(self) -> int:
        """Time to the window's end; 0 or less when it is over."""
        return self.market.closes_at_ms - self.now_ms

    def book(self, side: Side) -> BookView:
        """The order book of an outcome, ten levels deep; see ``unready_reason`` first."""
        return self.snapshot.book(side)

    def unready_reason(self) -> str:
        """Why nothing should be ordered now; empty if there is no objection.

        The window must be open and not stopped, and both books synced, fresh and not crossed. The
        desk refuses purchases on a stale snapshot by itself, but nothing else checks this.
        """
        if self.position.is_stopped:
            return "the desk has stopped this window"
        if self.left_ms <= 0:
            return "the window's time is over"
        for side in Side:
            objection = self._objection(side)
            if objection:
                return f"the {side.value} book {objection}"
        return ""

    def _objection(self, side: Side) -> str:
        book = self.book(side)
        if not book.is_synced:
            return "is not synced"
        age_ms, limit_ms = self.now_ms - book.updated_at_ms, self.limits.max_book_age_ms
        if age_ms > limit_ms:
            return f"is {age_ms} ms old, over max_book_age_ms {limit_ms}"
        return "is crossed" if book.is_crossed else ""

    def orders_on(self, side: Side) -> tuple[OwnOrder, ...]:
        """The strategy's own orders on an outcome."""
        return tuple(order for order in self.orders if order.side is side)

    def sellable_units(self, side: Side) -> int:
        """Shares of an outcome that are held and not already on sale."""
        on_sale = sum(
            order.open_units for order in self.orders_on(side) if order.action is Action.SELL
        )
        return max(0, self.position.quantity_units(side) - on_sale)


@attrs.frozen(kw_only=True)
class Order:
    """An order to place. What the venue or a limit does not allow is refused with a reason.

    Only one order per side works at a time, unless the strategy sets ``orders_per_side``. A sale is
    limited to what is held and not already on sale.

    Raises:
        TypeError: a field has another type, such as a float for ticks.
        ValueError: a number has more than 64 bits.
    """

    side: Side = attrs.field(validator=_SIDE)
    """Which outcome: YES is Up, NO is Down."""
    price_ticks: int = attrs.field(validator=_INT)
    """Limit: a purchase pays no more, a sale gets no less. Must be on the market's price grid."""
    size_units: int = attrs.field(validator=_INT)
    """Whole hundredths of a share (10,000 units), and no less than the market's minimum."""
    reason: str = attrs.field(validator=_TEXT)
    """A sentence with the numbers that decided it; ``understudy explain`` shows it."""
    action: Action = attrs.field(default=Action.BUY, validator=_exactly(Action))
    time_in_force: TimeInForce = attrs.field(
        default=TimeInForce.GTC, validator=_exactly(TimeInForce)
    )
    is_post_only: bool = attrs.field(default=False, validator=_BOOL)
    """It may only rest: the venue refuses it if it would trade at once. For GTC and GTD."""
    time_to_live_ms: int | None = attrs.field(default=None, validator=_exactly(int, _NONE))
    """A resting order is cancelled after this time; None: ``execution.order_ttl_ms``. Never beyond
    the window's end. At least two minutes for GTD, since the venue accepts no shorter one."""
    pair: str | None = attrs.field(default=None, validator=_exactly(str, _NONE))
    """A name of your choice: two orders of a decision with the same one are placed together or not
    at all."""
    priority: int = attrs.field(default=DEFAULT_PRIORITY, validator=_INT)


@attrs.frozen(kw_only=True)
class Cancel:
    """An order to cancel. An order that has ended meanwhile is left alone.

    To replace an order, cancel it, and place the new one in the evaluation that follows its end:
    until then it may still trade, and its side is busy.
    """

    order_id: str = attrs.field(validator=_TEXT)
    reason: str = attrs.field(validator=_TEXT)


@attrs.frozen(kw_only=True)
class StopWindow:
    """Stop trading this window. Its shares are kept to the end, or sold at the best bid."""

    side: Side = attrs.field(validator=_SIDE)
    """The outcome whose shares are the reason."""
    sells: bool = attrs.field(validator=_BOOL)
    """Whether they are sold; the desk does so by itself, repeatedly until they are gone."""
    reason: str = attrs.field(default="", validator=_TEXT)
    """Shown to people as the reason; if empty, the bid and the size held are shown."""


@attrs.frozen(kw_only=True)
class Decision:
    """The output of one evaluation; texts are cut to a length that people read."""

    orders: tuple[Order, ...] = ()
    """Orders without a common ``pair`` are judged one by one."""
    cancels: tuple[Cancel, ...] = ()
    stop: StopWindow | None = None
    """If given, orders and cancels are ignored."""
    reasons: tuple[str, ...] = ()
    """Why nothing was done, or what was considered and rejected; for people."""
    is_final: bool = False
    """Only the last of ``reasons`` matters; a view shows it alone."""
    memory: object = None
    """Returned with the next context of the same window. An immutable value that can be pickled:
    numbers, strings, tuples. It is lost when the actor is replaced."""


@attrs.frozen
class FairValue:
    """The strategy's own value of YES, for people and for a backtest's calibration."""

    yes_ticks: float | None
    """0 to 1000; None if it has none, and so is what is no finite number."""
    basis: str = attrs.field(validator=_TEXT)
    """The numbers behind it, or why there is none."""


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(parameter,))
class Strategy(abc.ABC):
    """Base of all strategies. The annotated fields of a subclass are its parameters.

    Each becomes a keyword argument of the constructor and a key of ``[strategy.parameters]``: a
    bool, int, float or str with a default, best declared with ``parameter``. Instances cannot be
    changed.
    """

    contract: ClassVar[int] = CONTRACT_VERSION
    """The version of the contract that the strategy was written for."""
    name: ClassVar[str] = ""
    """Shown to people; empty: the class's name."""
    orders_per_side: ClassVar[int] = 1
    """How many of its orders may work on one side at a time; ``execution.max_open_orders`` limits
    them all together."""

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        attrs.frozen(kw_only=True, slots=False)(cls)  # slots would require a new class

    @abc.abstractmethod
    def evaluate(self, context: Context) -> Decision:
        """Decide. Must be pure, as the module's documentation says.

        Raises:
            Exception: any; nothing of this evaluation happens then.
        """

    def fair_value(self, context: Context) -> FairValue:
        """Value YES. Pure like ``evaluate``; called about once a second."""
        del context
        return FairValue(None, "the strategy has no model")

    def volatility_half_life_minutes(self) -> float:
        """Half-life of ``Context.sigma_dollars``; read once, when the actor starts."""
        return 5.0

    @property
    def title(self) -> str:
        """The strategy's name."""
        return self.name or type(self).__name__

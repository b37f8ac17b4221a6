"""Contexts to try a strategy on: a simple one, and a seeded walk that meets every oddity."""

from __future__ import annotations

import random
from collections.abc import Iterator

import attrs
from msgspec.structs import replace

from actors.messages.execution import OrderStatus, OwnOrder
from actors.messages.market import BookView, MarketSnapshot, PublicTrade
from actors.messages.position import Holding
from actors.model import Action, Level, Market, Side, Strike, TimeInForce
from actors.settings import StrategySettings
from actors.strategy.contract import Context, TradeLimits
from actors.strategy.position_view import PositionView
from actors.units import E18, PAYOUT_TICKS, shares

_OPENS_AT_MS = 1_780_000_200_000
_STRIKE_DOLLARS = 100_000
_DEPTH = 10
_STEP_MS = 700

Quote = tuple[int, float]
"""Price in ticks and shares."""


def example_context(
    *,
    yes_bid: Quote | None = (480, 100),
    yes_ask: Quote | None = (490, 100),
    yes_held: Quote = (0, 0),
    no_held: Quote = (0, 0),
    left_s: float = 200,
    ahead_dollars: float = 0,
    sigma_dollars: float | None = 30,
    orders: tuple[OwnOrder, ...] = (),
    window_minutes: int = 5,
) -> Context:
    """Make a context in which everything is in order, for your own tests.

    Args:
        yes_bid: best bid of YES: price in ticks, shares. NO's book is its mirror.
        yes_ask: best ask of YES.
        yes_held: average cost in ticks and shares held of YES.
        no_held: the same for NO.
        left_s: time to the window's end.
        ahead_dollars: reference price minus strike.
        sigma_dollars: volatility of the reference price, in dollars per square-root minute.
        orders: your own working orders.
        window_minutes: length of the window.
    """
    market = _market(window_minutes)
    now_ms = market.closes_at_ms - round(left_s * 1_000)
    yes = BookView(
        bids=_levels(yes_bid), asks=_levels(yes_ask), is_synced=True, updated_at_ms=now_ms
    )
    return Context(
        snapshot=MarketSnapshot(
            sequence=1,
            market=market,
            taken_at_ms=now_ms,
            yes=yes,
            no=_mirrored(yes),
            reference_e18=round((_STRIKE_DOLLARS + ahead_dollars) * 100) * E18 // 100,
            reference_at_ms=now_ms,
            strike=_strike(market),
            tick_ns=0,
        ),
        position=_position(_holding(yes_held), _holding(no_held), orders),
        limits=limits_of(StrategySettings()),
        orders=orders,
        sigma_dollars=sigma_dollars,
    )


def limits_of(settings: StrategySettings) -> TradeLimits:
    """The limits that a strategy sees."""
    return TradeLimits(
        max_trade_units=shares(settings.max_trade_shares),
        max_shares_units=shares(settings.max_shares),
        max_book_age_ms=settings.max_book_age_ms,
    )


def walk(settings: StrategySettings, seed: int, windows: int = 3) -> Iterator[Context]:
    """Walk through a few windows: prices, holdings and orders move, and anything may be missing.

    The same seed gives the same contexts. ``memory`` is always None: the caller fills it in.
    """
    dice = random.Random(seed)
    for number in range(windows):
        market = attrs.evolve(
            _market(5), market_id=f"0xwalk{number}", tick_size_ticks=(10, 10, 1)[number % 3]
        )
        yield from _window(market, limits_of(settings), dice)


def _window(market: Market, limits: TradeLimits, dice: random.Random) -> Iterator[Context]:
    ahead_dollars, mid_ticks = 0.0, 500.0
    held = {side: Holding() for side in Side}
    orders: tuple[OwnOrder, ...] = ()
    start_ms, end_ms = market.opens_at_ms - 2_000, market.closes_at_ms + 2_000
    for sequence, now_ms in enumerate(range(start_ms, end_ms, _STEP_MS), 1):
        ahead_dollars += dice.gauss(0, 6)
        mid_ticks = min(985.0, max(15.0, mid_ticks + dice.gauss(0, 14)))
        orders = _moved(orders, market, now_ms, mid_ticks, dice)
        if dice.random() < 0.05:
            held = {side: _drawn_holding(dice) for side in Side}
        snapshot = _snapshot(market, sequence, now_ms, mid_ticks, ahead_dollars, dice)
        yield Context(
            snapshot=snapshot,
            position=replace(
                _position(held[Side.YES], held[Side.NO], orders),
                position_version=sequence,
                is_stopped=dice.random() < 0.02,
            ),
            limits=limits,
            orders=orders,
            trades=_trades(mid_ticks, now_ms, dice),
            sigma_dollars=None if dice.random() < 0.1 else abs(dice.gauss(25, 10)),
        )


def _snapshot(
    market: Market,
    sequence: int,
    now_ms: int,
    mid_ticks: float,
    ahead_dollars: float,
    dice: random.Random,
) -> MarketSnapshot:
    yes = _book(market, mid_ticks, now_ms, dice)
    reference_e18 = round((_STRIKE_DOLLARS + ahead_dollars) * 100) * E18 // 100
    has_strike, has_reference = dice.random() < 0.9, dice.random() < 0.95
    return MarketSnapshot(
        sequence=sequence,
        market=market,
        taken_at_ms=now_ms,
        yes=yes,
        no=_mirrored(yes) if dice.random() < 0.97 else BookView(),
        reference_e18=reference_e18 if has_reference else None,
        reference_at_ms=now_ms - dice.choice((0, 200, 900, 12_000)) if has_reference else 0,
        strike=_strike(market) if has_strike else None,
        tick_ns=sequence,
    )


def _moved(
    orders: tuple[OwnOrder, ...], market: Market, now_ms: int, mid_ticks: float, dice: random.Random
) -> tuple[OwnOrder, ...]:
    """Move orders on: they end, are being cancelled, or appear; at most one per side."""
    kept = []
    for side in Side:
        known = next((order for order in orders if order.side is side), None)
        if known is not None and dice.random() < 0.8:
            kept.append(attrs.evolve(known, is_cancelling=dice.random() < 0.2))
        elif known is None and dice.random() < 0.1:
            grid = market.tick_size_ticks
            price_ticks = round(mid_ticks if side is Side.YES else PAYOUT_TICKS - mid_ticks)
            kept.append(
                OwnOrder(
                    order_id=f"order_{now_ms}_{side.value}",
                    side=side,
                    action=Action.BUY,
                    price_ticks=min(990, max(grid, price_ticks // grid * grid)),
                    size_units=shares(10),
                    filled_units=shares(dice.choice((0, 0, 3))),
                    time_in_force=TimeInForce.GTC,
                    is_post_only=True,
                    status=OrderStatus.ACCEPTED,
                    created_at_ms=now_ms,
                    expires_at_ms=now_ms + 10_000,
                    is_cancelling=False,
                )
            )
    return tuple(kept)


def _book(market: Market, mid_ticks: float, now_ms: int, dice: random.Random) -> BookView:
    grid = market.tick_size_ticks
    bid_ticks = max(grid, int(mid_ticks) // grid * grid)
    ask_ticks = bid_ticks + grid * dice.choice((1, 1, 1, 2, 3))
    if dice.random() < 0.01:
        ask_ticks = bid_ticks  # crossed
    bids = list(range(bid_ticks, 0, -grid))[:_DEPTH]
    asks = list(range(ask_ticks, PAYOUT_TICKS, grid))[:_DEPTH]
    return BookView(
        bids=() if dice.random() < 0.02 else _sized(bids, dice),
        asks=() if dice.random() < 0.02 else _sized(asks, dice),
        is_synced=dice.random() < 0.98,
        updated_at_ms=now_ms - dice.choice((0, 50, 400, 1_900, 9_000)),
    )


def _sized(prices: list[int], dice: random.Random) -> tuple[Level, ...]:
    return tuple((price, round(dice.expovariate(1 / 120) * 1_000_000) + 10_000) for price in prices)


def _trades(mid_ticks: float, now_ms: int, dice: random.Random) -> tuple[PublicTrade, ...]:
    return tuple(
        PublicTrade(
            side=dice.choice(tuple(Side)),
            price_ticks=round(mid_ticks),
            size_units=shares(dice.randint(1, 50)),
            taker_buys=dice.random() < 0.5,
            timestamp_ms=now_ms - 10,
        )
        for _ in range(dice.choice((0, 0, 1, 3)))
    )


def _drawn_holding(dice: random.Random) -> Holding:
    units = shares(dice.choice((0, 0, 5, 20, 60, 100)))
    return Holding(quantity_units=units, cost_nanos=units * dice.randint(100, 800))


def _holding(held: Quote) -> Holding:
    average_ticks, count = held
    units = round(count * 1_000_000)
    return Holding(quantity_units=units, cost_nanos=units * average_ticks)


def _position(yes: Holding, no: Holding, orders: tuple[OwnOrder, ...]) -> PositionView:
    sides = frozenset(order.side for order in orders)
    return PositionView(yes=yes, no=no, live_sides=sides, position_version=1)


def _strike(market: Market) -> Strike:
    return Strike(
        price_e18=_STRIKE_DOLLARS * E18, source="an example", timestamp_ms=market.opens_at_ms
    )


def _levels(quote: Quote | None) -> tuple[Level, ...]:
    return () if quote is None else ((quote[0], round(quote[1] * 1_000_000)),)


def _mirrored(book: BookView) -> BookView:
    """The other outcome's book: a bid at p there is an ask at 1 - p here."""
    return replace(
        book,
        bids=tuple((PAYOUT_TICKS - price, size) for price, size in book.asks),
        asks=tuple((PAYOUT_TICKS - price, size) for price, size in book.bids),
    )


def _market(window_minutes: int) -> Market:
    return Market(
        market_id="0xexample",
        slug=f"btc-updown-{window_minutes}m-{_OPENS_AT_MS // 1000}",
        yes_token="up",  # noqa: S106  # an outcome's token, no secret
        no_token="down",  # noqa: S106  # as above
        opens_at_ms=_OPENS_AT_MS,
        closes_at_ms=_OPENS_AT_MS + window_minutes * 60_000,
        tick_size_ticks=10,
        minimum_size_units=shares(5),
        minimum_notional_nanos=1_000_000_000,
        fee_rate_bps=700,
        twap_window_s=60,
    )

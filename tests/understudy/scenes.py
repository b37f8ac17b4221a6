"""Pieces of a run that several tests show: a market, books, a position, orders, a report."""

from __future__ import annotations

from pathlib import Path

from nouns import a_fill, a_market, a_position, an_intent

from actors.messages.directory import MarketOpened
from actors.messages.execution import OrderState, OrderStatus
from actors.messages.feeds import FeedHealth
from actors.messages.market import BookView, MarketSnapshot
from actors.messages.observer import FeedSeen, ObserverCounts, SeriesView, SignalSeen, View
from actors.messages.position import Holding, WindowSettled
from actors.messages.strategy import TradeSignal
from actors.model import FillDetail, Side, Strike
from actors.settings import Settings
from actors.supervision.messages import ChildrenReport, ChildReport, ChildState
from actors.units import E18, NANOS_PER_DOLLAR, shares
from understudy.settings.options import RunOptions

OPENS_AT_MS = 1_750_000_500_000
CLOSES_AT_MS = OPENS_AT_MS + 900_000
NOW_MS = OPENS_AT_MS + 300_000

MARKET = a_market(OPENS_AT_MS, slug="btc-updown-15m-1750000500", closes_at_ms=CLOSES_AT_MS)


def feed_health(feed: str, **changes: object) -> FeedHealth:
    """A feed that is up, has had one frame and no trouble."""
    fields: dict[str, object] = {
        "feed": feed,
        "is_up": True,
        "frames_count": 1,
        "malformed_count": 0,
        "merged_count": 0,
        "reconnect_count": 0,
        "sequence_gap_count": 0,
        "last_malformed": "",
        **changes,
    }
    return FeedHealth(**fields)  # type: ignore[arg-type]


def book(bid_ticks: int, ask_ticks: int, levels: int = 5, **changes: object) -> BookView:
    """Build a synced book a cent a level deep."""
    fields: dict[str, object] = {
        "bids": tuple((bid_ticks - 10 * n, shares(20 + n)) for n in range(levels)),
        "asks": tuple((ask_ticks + 10 * n, shares(30 + n)) for n in range(levels)),
        "is_synced": True,
        "updated_at_ms": NOW_MS - 200,
        **changes,
    }
    return BookView(**fields)  # type: ignore[arg-type]


def snapshot(**changes: object) -> MarketSnapshot:
    fields: dict[str, object] = {
        "sequence": 7,
        "market": MARKET,
        "taken_at_ms": NOW_MS,
        "yes": book(520, 530),
        "no": book(465, 480),
        "reference_e18": 64_123_450 * E18 // 1000,
        "reference_at_ms": NOW_MS - 400,
        "strike": Strike(price_e18=64_100 * E18, source="twap", timestamp_ms=OPENS_AT_MS),
        "tick_ns": 0,
        **changes,
    }
    return MarketSnapshot(**fields)  # type: ignore[arg-type]


POSITION = a_position(
    "0xm",
    version=3,
    yes=Holding(quantity_units=shares(20), cost_nanos=7 * NANOS_PER_DOLLAR),
    no=Holding(quantity_units=shares(10), cost_nanos=5 * NANOS_PER_DOLLAR),
    fees_nanos=120_000_000,
)


def order(number: int = 1, **changes: object) -> OrderState:
    intent = an_intent(
        MARKET,
        order_id=f"order_{number}_0badcafe",
        price_ticks=530,
        size_units=shares(20),
        created_at_ms=NOW_MS - 1_200,
        expires_at_ms=NOW_MS + 1_800,
        reason="bootstrap: ask 350 < 400",
        position_version=3,
    )
    fields: dict[str, object] = {
        "status": OrderStatus.PARTIALLY_FILLED,
        "fills": (fill(f"t{number}", shares(5)),),
        **changes,
    }
    return OrderState(intent=intent, **fields)  # type: ignore[arg-type]


def fill(trade_id: str, size_units: int) -> FillDetail:
    return a_fill(trade_id, 530, size_units=size_units, timestamp_ms=NOW_MS - 900)


def settled(number: int, pnl_cents: int, winner: Side | None = Side.YES) -> WindowSettled:
    return WindowSettled(
        market_id=f"0x{number}",
        slug=f"btc-updown-15m-{1_750_000_500 - 900 * number}",
        winner=winner,
        strike_e18=64_000 * E18,
        close_e18=64_050 * E18,
        position=POSITION,
        payout_nanos=20 * NANOS_PER_DOLLAR,
        pnl_nanos=pnl_cents * NANOS_PER_DOLLAR // 100,
        total_pnl_nanos=pnl_cents * NANOS_PER_DOLLAR // 100,
    )


ROLES = (
    "observer",
    "position",
    "executor",
    "desk",
    "strategy",
    "market-state",
    "market-feed",
    "reference-feed",
    "twap-feed",
    "directory",
)


def child(role: str, **changes: object) -> ChildReport:
    fields: dict[str, object] = {
        "pid": 4242,
        "state": ChildState.SERVING,
        "generation": 1,
        "restarts": 0,
        "uptime_ms": 65_000,
        "last_message_age_ms": 120,
        "handled_count": 1234,
        **changes,
    }
    return ChildReport(role=role, **fields)  # type: ignore[arg-type]


def report(**changes: object) -> ChildrenReport:
    fields: dict[str, object] = {
        "request_id": 1,
        "pid": 4000,
        "children": (
            *(child(role) for role in ROLES[:-1]),
            child("directory", state=ChildState.WAITING, restarts=2, generation=3),
            child("order/order_1_0badcafe", uptime_ms=1_300),
            child("order/order_2", state=ChildState.STARTING, pid=0, handled_count=0),
        ),
        "restarts": {"directory": 2},
        "latencies_us": {"tick_to_signal": (1_000, 2_000, 9_000), "tick_to_order": (3_000,)},
        "handled_count": 14_808,
        "escalation": "",
        "is_cleared": False,
        **changes,
    }
    return ChildrenReport(**fields)  # type: ignore[arg-type]


def signal_seen(number: int, refusal: str = "") -> SignalSeen:
    signal = TradeSignal(
        side=Side.NO,
        price_ticks=480 + number,
        size_units=shares(20),
        priority=2,
        reason=f"hedge number {number}: ask 480 < 580 = 980 - 400",
    )
    return SignalSeen(at_ms=NOW_MS - 1_000, market_id="0xm", signal=signal, refusal=refusal)


def view(**changes: object) -> View:
    fields: dict[str, object] = {
        "request_id": 1,
        "at_ms": NOW_MS,
        "opened": MarketOpened(market=MARKET, strike=None),
        "is_closed": False,
        "snapshot": snapshot(),
        "position": POSITION,
        "open_orders": None,
        "live_orders": (order(1), order(2)),
        "decisions": (signal_seen(1), signal_seen(2, "the side is busy"), signal_seen(3)),
        "stop_loss": None,
        "settled": (settled(2, 788), settled(1, -212, Side.NO)),
        "feeds": (
            FeedSeen(feed="market-feed", is_up=True, since_ms=0),
            FeedSeen(feed="reference-feed", is_up=True, since_ms=0),
            FeedSeen(feed="twap-feed", is_up=True, since_ms=0),
        ),
        "skew_ms": 0,
        "counts": ObserverCounts(settled_count=2, total_pnl_nanos=5_760_000_000),
        **changes,
    }
    return View(**fields)  # type: ignore[arg-type]


def series_view(name: str) -> SeriesView:
    """One series of several, whose window is as that of ``view``."""
    return SeriesView(
        series=name,
        opened=MarketOpened(market=MARKET, strike=None),
        is_closed=False,
        snapshot=snapshot(),
        position=POSITION,
        open_orders=None,
        stop_loss=None,
        evaluated=None,
    )


EMPTY_VIEW = View(request_id=1, at_ms=NOW_MS)


def run_options(data_dir: Path) -> RunOptions:
    """A run of one window that nobody watches."""
    return RunOptions(
        is_demo=False,
        settings=Settings(),
        windows=1,
        speed=1.0,
        seed=1,
        data_dir=data_dir,
        is_json=True,
        is_terminal=False,
    )

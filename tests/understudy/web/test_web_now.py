"""What the page shows of a run of several series, over HTTP."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import attrs
import pytest
from aiohttp.test_utils import TestClient
from page_visitor import visit
from scenes import MARKET, NOW_MS, POSITION, order, series_view, signal_seen, snapshot, view
from several_series import several
from test_web_pages import words
from watched import running, status

from actors.messages.directory import MarketOpened, WindowNotTraded
from actors.messages.halts import OPERATOR, Halt
from actors.messages.observer import SeriesResult, SeriesView, View
from actors.model import Market
from actors.runtime.journal_file import prepare
from actors.units import NANOS_PER_DOLLAR
from understudy.display.status import Status
from understudy.web import live

NAMES = ("btc-15m", "eth-5m", "sol-4h")


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    prepare(tmp_path)
    return tmp_path


def market_of(series: str) -> Market:
    asset, length = series.split("-")
    slug = f"{asset}-updown-{length}-{MARKET.opens_at_ms // 1000}"
    return attrs.evolve(MARKET, market_id=f"0x{asset}", slug=slug)


def seen_series(number: int, name: str) -> SeriesView:
    market = market_of(name)
    return attrs.evolve(
        series_view(name),
        opened=MarketOpened(market=market, strike=None),
        snapshot=snapshot(market=attrs.evolve(market, fee_rate_bps=1)),  # as it was told before
        position=attrs.evolve(
            POSITION,
            market_id=market.market_id,
            ledger_version=number,
            day_pnl_nanos=number * NANOS_PER_DOLLAR,
        ),
        result=SeriesResult(settled_count=number + 1, pnl_nanos=-number * NANOS_PER_DOLLAR),
    )


def view_of(*names: str, **changes: Any) -> View:
    series = tuple(seen_series(number, name) for number, name in enumerate(names))
    return view(series=series, live_orders=(), **changes).in_series(series[0])


def status_of(*names: str, halts: tuple[Halt, ...] = (), **changes: Any) -> Status:
    return status(view=view_of(*names, **changes), settings=several(*names), halts=halts)


def now(data_dir: Path, shown: Status) -> str:
    async def look(client: TestClient[Any, Any]) -> str:
        with running(data_dir, shown):
            return await (await client.get("/")).text()

    text: str = visit(data_dir, look)
    return text


def part(text: str, key: str) -> str:
    """The words of one section."""
    found = re.search(f'<section[^>]* id="{key}".*?</section>', text, re.DOTALL)
    assert found is not None, f"there is no section {key}"
    return words(found[0])


def test_every_series_has_its_window_holding_and_books(data_dir: Path) -> None:
    text = now(data_dir, status_of(*NAMES))
    assert "Series (3)" in part(text, "market")
    for name in NAMES:
        card = part(text, f"market-{name}")
        assert market_of(name).slug in card
        assert "time left 10m 00s" in card
        assert "reference 64,123.45 0.4s old" in card
        assert "strike 64,100.00" in card
        assert "held, YES / NO 20 / 10" in card
        assert "Books: YES 0.52 / 0.53, NO 0.465 / 0.48" in card
        assert f"{name} YES (Up), best first" in card


def test_the_account_is_shown_once_and_results_by_series(data_dir: Path) -> None:
    shown = part(now(data_dir, status_of(*NAMES)), "position")
    assert "this day +2.00" in shown, "the newest word on the account's day counts"
    assert "if sold at the bids +8.79" in shown
    assert "btc-15m 1 0.00 eth-5m 2 -1.00 sol-4h 3 -2.00" in shown


def test_orders_decisions_and_halts_name_their_series(data_dir: Path) -> None:
    eth = market_of("eth-5m")
    placed = order(1)
    placed = attrs.evolve(placed, intent=attrs.evolve(placed.intent, market=eth))
    decided = attrs.evolve(signal_seen(1), market_id="0xsol")
    halt = Halt(who=OPERATOR, reason="thin", since_ms=0, cancels=False, series="sol-4h")
    shown = status_of(*NAMES, halts=(halt,))
    assert shown.view is not None
    seen = attrs.evolve(shown.view, live_orders=(placed,), decisions=(decided,))
    text = now(data_dir, attrs.evolve(shown, view=seen))
    assert "order_1_0badcafe eth-5m BUY YES" in part(text, "orders")
    assert "sol-4h BUY NO 20 @ 0.481" in part(text, "decisions")
    assert "sol-4h only, since" in part(text, "halts")
    assert "halted : thin" in part(text, "market-sol-4h")
    assert "halted" not in part(text, "market-btc-15m")


def test_what_falls_in_one_series_is_shown_there_and_nowhere_else(data_dir: Path) -> None:
    missed = WindowNotTraded(
        slug=market_of("eth-5m").slug,
        opens_at_ms=MARKET.opens_at_ms,
        closes_at_ms=NOW_MS + 1,
        reason="no strike",
    )
    text = now(data_dir, status_of(*NAMES, not_traded=(missed,)))
    assert "no strike" in part(text, "market-eth-5m")
    assert "no strike" not in part(text, "market-btc-15m") + part(text, "market-sol-4h")


def test_a_series_without_a_window_says_so(data_dir: Path) -> None:
    shown = status_of(*NAMES)
    assert shown.view is not None
    bare = attrs.evolve(shown.view.series[1], opened=None, snapshot=None, position=None)
    series = (shown.view.series[0], bare, shown.view.series[2])
    text = now(data_dir, attrs.evolve(shown, view=attrs.evolve(shown.view, series=series)))
    assert "no window is known yet" in part(text, "market-eth-5m")
    assert "time left" in part(text, "market-sol-4h")


@pytest.mark.parametrize(("before", "after"), [(NAMES[:1], NAMES[:2]), (NAMES[:2], NAMES[:1])])
def test_an_open_page_holds_a_place_for_all_that_a_changed_run_shows(
    data_dir: Path, before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    """Script replaces what is there by its key; a part without a place would be lost, or stale."""

    async def look(client: TestClient[Any, Any]) -> list[set[str]]:
        texts = []
        for names in (before, after):
            with running(data_dir, status_of(*names)):
                texts.append(await (await client.get("/")).text())
            await asyncio.sleep(live.LOOK_EVERY_S * 1.2)
        return [set(re.findall(r'<section[^>]* id="([^"]+)"', text)) for text in texts]

    first, second = visit(data_dir, look)
    parts = {"state", "market", "position", "yes-book", "no-book", "orders"}
    assert parts <= first & second

"""What the journal's pages say, and how their charts are drawn."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from chronicle import Chronicle, intent, pair, trade, window
from hypothesis import given
from hypothesis import strategies as st

from actors.model import Side
from understudy.web.archive_pages import Filter, history, order_story, orders
from understudy.web.charts import bar_chart, drawdown_chart, price_chart, total_chart

TAGS = re.compile("<[^>]+>")


def words(html: str) -> str:
    return " ".join(TAGS.sub(" ", html).split())


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Path]:
    """A gain of 10.60, a loss of 9.35, and an hour later a window of another series."""
    chronicle = Chronicle(tmp_path)
    first = intent(1, reason="<i>why</i> & wherefore")
    chronicle.done(first, trade(first, better_ticks=10, is_maker=True))
    chronicle.settle(window(0))
    yes, no = pair(3, window(1))
    chronicle.create(yes, no)
    chronicle.end(yes, trade(yes))
    chronicle.end(no)
    chronicle.settle(window(1), winner=Side.NO, moved=-50)
    chronicle.settle(attrs.evolve(window(100), market_id="0xeth", slug="eth-updown-15m-1"))
    yield tmp_path
    chronicle.close()


def test_history_adds_up_and_tells_how_far_it_fell(journal: Path) -> None:
    shown = words(history(journal, Filter()))
    assert "P&amp;L +1.2535 3 windows" in shown
    assert "gained 1 of 2 windows that were traded" in shown
    assert "deepest drawdown -9.3465" in shown


def test_history_of_a_series_or_a_day_is_of_that_alone(journal: Path) -> None:
    everything = history(journal, Filter())
    first, second = re.findall(r'<option value="(\d{4}-[\d-]+)"', everything)[::-1]
    assert "3 windows" in words(everything)
    assert "2 windows" in words(history(journal, Filter(series="btc-15m")))
    assert "2 windows" in words(history(journal, Filter(day=first)))
    assert "1 window " in words(history(journal, Filter(day=second)))
    assert "no such window" in words(history(journal, Filter(series="eth-15m", day=first)))


def test_history_of_several_series_says_what_each_came_to(journal: Path) -> None:
    shown = words(history(journal, Filter()))
    assert "By series results by series series windows gained fees P&amp;L btc-15m 2 1 " in shown
    assert "eth-15m 1 0 0.00 0.00 P&amp;L in dollars" in shown
    day = words(history(journal, Filter(series="btc-15m")))
    assert "By series" not in day, "it would say the same twice"


def test_an_orders_page_tells_what_explain_tells_and_runs_nothing_of_it(journal: Path) -> None:
    title, page = order_story(journal, "1")
    shown = words(page)
    assert title == "order_1_0badcafe: BUY YES 20 at 0.48"
    assert "<i>" not in page
    assert "&lt;i&gt;why&lt;/i&gt; &amp; wherefore" in page
    assert "YES bid 520 x 31, ask 530 x 376, held 0" in shown
    assert "arbitrage: YES ask 530" in shown
    assert "executor on its way to the venue" in shown


def test_orders_of_several_series_name_theirs_and_lead_to_those_of_one(journal: Path) -> None:
    assert "series" not in words(orders(journal, ""))
    chronicle = Chronicle(journal)
    market = attrs.evolve(window(2), market_id="0xe5", slug="eth-updown-5m-1750002300")
    chronicle.create(intent(7, market=market))
    chronicle.close()
    shown = orders(journal, "")
    assert '<a href="/orders?market=eth-5m">eth-5m</a>' in shown
    assert "order_3_0badcafe btc-15m BUY YES" in words(shown)
    assert "order_3_0badcafe" not in orders(journal, "eth-5m")
    assert "order_7_0badcafe" in orders(journal, "eth-5m")


def test_orders_are_of_the_window_that_is_asked_for(journal: Path) -> None:
    assert "order_3_0badcafe" not in orders(journal, window(0).slug)
    assert "order_3_0badcafe" in orders(journal, "")
    assert "no such order" in orders(journal, "'; DROP TABLE state")


numbers = st.lists(st.floats(-1e9, 1e9, allow_subnormal=False), min_size=1, max_size=900)


@given(numbers)
def test_every_chart_stays_within_its_picture(values: list[float]) -> None:
    charts = [
        price_chart(values, values[0], "a price"),
        price_chart(values, None, "a price"),
        total_chart(values, "a total"),
        bar_chart(values, "bars"),
        drawdown_chart([-abs(value) for value in values], "a drawdown"),
    ]
    for chart in charts:
        for points in re.findall('points="([^"]+)"', chart):
            for point in points.split():
                x, y = map(float, point.split(","))
                assert 0 <= x <= 1_000
                assert 0 <= y <= 100
        for top, height in re.findall(' y="([^"]+)" height="([^"]+)"', chart):
            assert 0 <= float(top) <= float(top) + float(height) <= 101

"""What people are shown of a run that trades several series, and how they name one of them."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest
from called import understudy
from chronicle import Chronicle, intent, trade, window
from drawing import drawn
from msgspec.structs import replace
from reading import told
from scenes import MARKET, NOW_MS, report, snapshot, view
from several_series import several
from test_halt_commands import run_in

from actors.messages.directory import MarketOpened
from actors.messages.halts import Halt
from actors.messages.observer import SeriesResult, SeriesView
from actors.runtime.journal_file import prepare
from actors.units import NANOS_PER_DOLLAR
from understudy.display.console import render
from understudy.display.standing import standing_of
from understudy.display.status import Status, status_of, status_reply

BTC = attrs.evolve(MARKET, slug=f"btc-updown-15m-{MARKET.opens_at_ms // 1000}")
ETH = attrs.evolve(
    MARKET, market_id="0xe", slug=BTC.slug.replace("btc-updown-15m", "eth-updown-5m")
)


def seen(market: object, name: str, pnl_dollars: int) -> SeriesView:
    return SeriesView(
        series=name,
        opened=MarketOpened(market=market, strike=None),  # type: ignore[arg-type]  # a Market
        is_closed=False,
        snapshot=replace(snapshot(), market=market),
        position=None,
        open_orders=None,
        stop_loss=None,
        evaluated=None,
        result=SeriesResult(settled_count=3, pnl_nanos=pnl_dollars * NANOS_PER_DOLLAR),
    )


def status(*halts: Halt) -> Status:
    both = (seen(BTC, "btc-15m", 4), seen(ETH, "eth-5m", -7))
    return Status(
        view=view(series=both),
        report=report(),
        now_ms=NOW_MS,
        speed=1.0,
        settings=several("btc-15m", "eth-5m"),
        halts=halts,
    )


def test_the_view_has_a_row_a_series_with_its_result() -> None:
    lines = drawn(render(status()), width=120, height=34).splitlines()
    assert any("series · 2" in line for line in lines)
    assert any("btc-15m" in line and "+4.00 of 3" in line for line in lines)
    assert any("eth-5m" in line and "-7.00 of 3" in line for line in lines)


def test_a_halt_of_one_series_is_shown_in_that_one_only() -> None:
    halt = Halt(who="operator", reason="odd", since_ms=1, cancels=False, series="eth-5m")
    each = status(halt).by_series
    assert standing_of(each["eth-5m"]).verb == "halted"
    assert standing_of(each["btc-15m"]).verb != "halted"


def test_a_status_with_several_series_survives_its_way_to_another_process() -> None:
    told_status = json.loads(json.dumps(status_reply(status())))
    assert list(status_of(told_status).by_series) == ["btc-15m", "eth-5m"]


def test_a_run_with_one_series_is_one_status() -> None:
    alone = attrs.evolve(status(), view=view(), settings=several("btc-15m"))
    assert alone.by_series == {"": alone}


def command(data_dir: Path, *arguments: str) -> str:
    return understudy(*arguments, "--data-dir", data_dir).output


def test_halt_and_resume_of_one_series_leave_the_others_as_they_are(tmp_path: Path) -> None:
    with run_in(tmp_path, MARKET.series, "eth-5m"):
        assert "(operator, eth-5m only)" in command(tmp_path, "halt", "--series", "eth-5m")
        command(tmp_path, "halt", "--reason", "all of it")
        left = command(tmp_path, "resume", "--series", "eth-5m")
        assert "all of it (operator)" in left
        assert "eth-5m" not in left


def test_a_series_that_is_not_traded_is_refused_by_name(tmp_path: Path) -> None:
    with run_in(tmp_path, MARKET.series, "eth-5m"):
        assert "sol-5m is not traded here" in command(tmp_path, "halt", "--series", "sol-5m")


def test_nothing_that_runs_not_is_halted_by_series(tmp_path: Path) -> None:
    prepare(tmp_path)
    assert "leave out --series" in command(tmp_path, "halt", "--series", "eth-5m")
    assert not (tmp_path / "HALT").exists()


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A window of BTC that gained, and one of ETH that lost."""
    written = Chronicle(tmp_path)
    first = intent(1)
    written.done(first, trade(first, better_ticks=10, is_maker=True))
    written.settle(window(0))
    eth = attrs.evolve(
        window(1), slug=window(1).slug.replace("btc-updown-15m", "eth-updown-5m"), market_id="0xe"
    )
    second = intent(3, market=eth)
    written.done(second, trade(second))
    written.settle(eth)
    written.close()
    return tmp_path


def test_the_report_splits_the_total_by_series(journal: Path) -> None:
    report_told = told(journal, "report")
    assert list(report_told["pnl_by_series"]) == ["btc-15m", "eth-5m"]
    assert "by series" in command(journal, "report")
    positions = command(journal, "positions")
    assert "2 settled" in positions
    assert "by series: btc-15m +" in positions


def test_a_series_name_chooses_windows_and_orders(journal: Path) -> None:
    for kind in ("positions", "orders"):
        rows = json.loads(command(journal, kind, "--market", "eth-5m", "--json"))[kind]
        assert {row["slug"].partition("-")[0] for row in rows} == {"eth"}, kind

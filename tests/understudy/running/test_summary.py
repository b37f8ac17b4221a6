from __future__ import annotations

import json
from pathlib import Path

import attrs
import drawing
import pytest
from nouns import a_fill
from scenes import MARKET, fill, order, settled

from actors.core import Record, Save
from actors.directory.windows import WindowState
from actors.execution.desk_state import OrdersCreated
from actors.messages.directory import MarketResolved, WindowNotTraded
from actors.messages.execution import OrderState, OrderStatus
from actors.messages.halts import Halt
from actors.model import Action, Side, Strike
from actors.position.core import ResultCorrected
from actors.position.ledger import LedgerEntry, WindowLedger
from actors.runtime.journal import Journal, JournalReader
from actors.runtime.journal_file import prepare
from actors.units import E18, shares
from understudy.display.latency import Histogram
from understudy.running.summary import (
    Summary,
    print_summary,
    read_summary,
    summary_json,
    summary_view,
)
from understudy.running.tally import Tally


def summary(**changes: object) -> Summary:
    fields: dict[str, object] = {
        "windows": (settled(2, 788), settled(1, -212, Side.NO), settled(0, 0, None)),
        "orders": (
            order(1, status=OrderStatus.FILLED),
            order(2, status=OrderStatus.CANCELLED, reversed_trade_ids=frozenset({"t2"})),
            order(3, status=OrderStatus.FILLED, fills=(fill("a", 1), fill("b", 1))),
        ),
        "restarts": {"strategy": 1},
        "halts": [],
        "handled_count": 1234,
        "latencies": {"tick_to_signal": Histogram([1_000, 2_000, 9_000])},
        **changes,
    }
    return Summary(**fields)  # type: ignore[arg-type]


def drawn(result: Summary, width: int = 120) -> str:
    return drawing.drawn(summary_view(result), width=width)


def test_a_window_is_told_in_exact_decimals() -> None:
    assert summary_json(summary())["windows"][0] == {
        "market": "0x2",
        "slug": "btc-updown-15m-1749998700",
        "strike": "64000",
        "strike_source": None,
        "close": "64050",
        "winner": "YES",
        "yes_shares": "20",
        "no_shares": "10",
        "yes_cost": "7",
        "no_cost": "5",
        "Qy": "20",
        "Qn": "10",
        "Cy": "7",
        "Cn": "5",
        "realized": "0",
        "fees": "0.12",
        "payout": "20",
        "pnl": "7.88",
    }


def test_the_rest_is_told_in_counts() -> None:
    told = summary_json(summary())
    del told["windows"]

    assert told == {
        "unsettled": [],
        "watched": 0,
        "pnl": "5.76",
        "pnl_by_series": {"btc-15m": "5.76"},
        "signals": {"2": 3},
        "orders": {"CANCELLED": 1, "FILLED": 2},
        "fills": 3,
        "restarts": {"strategy": 1},
        "halts": [],
        "not_traded": [],
        "corrections": [],
        "messages_handled": 1234,
        "latency_us": {"tick_to_signal": {"p50": 2_000, "p99": 8_960, "samples": 3}},
    }


def test_the_finest_amount_is_not_rounded() -> None:
    window = attrs.evolve(settled(1, 0), pnl_nanos=-1, strike_e18=64_000 * E18 + 1)

    told = summary_json(summary(windows=(window,)))["windows"][0]

    assert told["pnl"] == "-0.000000001"
    assert told["strike"] == "64000.000000000000000001"


def test_a_void_window_without_prices_is_told_as_such() -> None:
    window = attrs.evolve(settled(1, 0), winner=None, strike_e18=None, close_e18=None)

    told = summary_json(summary(windows=(window,)))["windows"][0]

    assert (told["winner"], told["strike"], told["close"]) == (None, None, None)
    assert "void" in drawn(summary(windows=(window,)))


def test_json_survives_a_round_trip() -> None:
    told = summary_json(summary())

    assert json.loads(json.dumps(told)) == told


@pytest.mark.parametrize("width", [80, 120])
def test_people_read_windows_totals_and_falls(width: int) -> None:
    text = drawn(summary(), width)

    for words in ("+7.88", "-2.12", "+5.76", "Up", "Down", "void", "strategy 1x", "3 fills"):
        assert words in text
    assert "3 of priority 2" in text
    assert max(map(len, text.splitlines())) <= width


def test_the_amounts_that_are_shown_add_up_as_shown() -> None:
    exact = (284_000_000, -5_846_000_000)
    windows = tuple(
        attrs.evolve(settled(number, 0), pnl_nanos=nanos, payout_nanos=3_004_000_000)
        for number, nanos in enumerate(exact)
    )

    text = drawn(summary(windows=windows))

    for words in ("cost+fees", "-2.72", "-8.85", "+3.004", "+0.284", "-5.846", "-5.562"):
        assert words in text
    assert summary_json(summary(windows=windows))["pnl"] == "-5.562"


def test_people_read_where_the_strikes_were_read() -> None:
    sources = ("the tick", "the tick", "")
    windows = tuple(
        attrs.evolve(settled(number, 0), strike_source=source)
        for number, source in enumerate(sources)
    )

    assert "2 the tick; 1 without a source" in drawn(summary(windows=windows))


def test_a_halt_that_lasts_is_told_for_the_next_run() -> None:
    halt = Halt(who="operator", reason="lunch", since_ms=1, cancels=False)
    halted = attrs.evolve(summary(), halts=(halt,))

    assert "lunch (operator)" in drawn(halted)
    assert [each["who"] for each in summary_json(halted)["halts"]] == ["operator"]


def test_a_run_without_anything_says_so() -> None:
    empty = Summary(windows=(), orders=(), restarts={}, handled_count=0, latencies={})

    assert "this run settled no window" in drawn(empty)
    late = attrs.evolve(empty, watched_count=1)
    assert "no window; 1 window ended that it came too late to trade" in drawn(late)
    assert summary_json(empty) == {
        "windows": [],
        "unsettled": [],
        "watched": 0,
        "pnl": "0",
        "pnl_by_series": {},
        "signals": {},
        "orders": {},
        "fills": 0,
        "restarts": {},
        "halts": [],
        "not_traded": [],
        "corrections": [],
        "messages_handled": 0,
        "latency_us": {},
    }


CORRECTED = ResultCorrected(
    market_id="0xm",
    slug="btc-updown-15m-7",
    before=Side.YES,
    after=None,
    pnl_before_nanos=6_000_000_000,
    pnl_after_nanos=1_000_000_000,
    evidence="test",
)


def not_traded(reason: str, market_id: str | None = None) -> WindowNotTraded:
    return WindowNotTraded(
        slug="btc-updown-15m-8", opens_at_ms=8, closes_at_ms=9, reason=reason, market_id=market_id
    )


def test_windows_under_way_at_the_start_are_counted_once_others_were_traded() -> None:
    late = summary(
        windows=(settled(1, 0),),
        watched_count=1,
        began_ms=MARKET.opens_at_ms + 1,
        not_traded=(not_traded("not read in time"), not_traded("no strike", MARKET.market_id)),
    )

    assert "2 windows ended that this run came too late to trade" in drawn(late)
    assert "not traded" not in drawn(late)
    assert len(summary_json(late)["not_traded"]) == 2
    assert "not read in time" in drawn(attrs.evolve(late, windows=()))


def test_f44_a_window_that_was_not_traded_is_told_with_its_reason() -> None:
    told = summary(not_traded=(not_traded("no strike: nowhere"),))

    assert "btc-updown-15m-8: no strike: nowhere" in drawn(told)
    assert summary_json(told)["not_traded"] == [
        {"slug": "btc-updown-15m-8", "reason": "no strike: nowhere"}
    ]


def test_f33_a_corrected_result_is_told_with_what_it_was_before() -> None:
    told = summary(corrections=(CORRECTED,))

    assert "from YES to void, +6.00 to +1.00" in drawn(told)
    assert summary_json(told)["corrections"] == [
        {
            "slug": "btc-updown-15m-7",
            "before": "YES",
            "after": "void",
            "pnl_before": "6",
            "pnl_after": "1",
            "evidence": "test",
        }
    ]


# Read from a journal


RESOLVED = MarketResolved(
    market=MARKET, winner=Side.YES, strike_e18=64_000 * E18, close_e18=64_050 * E18, evidence="test"
)
BOUGHT = LedgerEntry(
    order_id="order_2_0badcafe",
    side=Side.YES,
    action=Action.BUY,
    fill=a_fill("t2", size_units=shares(20), fee_nanos=30_000_000),
    booked_version=1,
)


def _record_orders(data_dir: Path, *orders: OrderState) -> None:
    desk = Journal(data_dir, "desk")
    desk.claim()
    for each in orders:
        created = OrdersCreated(market_id="0xm", signals_id=1, intents=(each.intent,))
        saves = (Save("order", each.intent.order_id, each, False),)
        desk.record(Record(created, saves), at_ms=1)
    desk.close()


def _record_settlement(data_dir: Path) -> None:
    position = Journal(data_dir, "position")
    position.claim()
    ledger = WindowLedger(market=MARKET, version=1, entries=(BOUGHT,)).settled(RESOLVED, 2)
    position.record(Record(RESOLVED, (Save("position", "0xm", ledger, False),)), at_ms=2)
    position.close()


@pytest.fixture
def journal_of_two_runs(tmp_path: Path):
    """One order of an earlier run; then one order and a settled window of this one."""
    prepare(tmp_path)
    _record_orders(tmp_path, order(1))
    reader = JournalReader(tmp_path)
    start_seq, _ = reader.last_event()
    _record_orders(tmp_path, order(2, status=OrderStatus.FILLED))
    _record_settlement(tmp_path)
    yield reader, start_seq
    reader.close()


def test_a_summary_holds_its_own_runs_orders_and_windows_alone(journal_of_two_runs) -> None:
    reader, start_seq = journal_of_two_runs

    result = read_summary(reader, Tally(), start_seq)

    assert [each.intent.order_id for each in result.orders] == ["order_2_0badcafe"]
    assert [window.slug for window in result.windows] == [MARKET.slug]
    # 20 shares pay 20 and cost 20 x 0.40 and a fee of 0.03
    assert summary_json(result)["pnl"] == "11.97"


@pytest.mark.parametrize("is_found_later", [False, True])
def test_f44_a_strike_that_was_found_after_all_is_not_told_as_missing(
    tmp_path: Path, is_found_later: bool
) -> None:
    prepare(tmp_path)
    strike = Strike(price_e18=E18, source="test", timestamp_ms=MARKET.opens_at_ms)
    window = WindowState(market=MARKET, strike=strike if is_found_later else None)
    directory = Journal(tmp_path, "directory")
    directory.claim()
    missed = attrs.evolve(not_traded("no strike", MARKET.market_id), slug=MARKET.slug)
    directory.record(Record(missed, (Save("window", MARKET.market_id, window),)), at_ms=1)
    directory.record(Record(not_traded("takes no orders")), at_ms=2)
    directory.record(Record(CORRECTED), at_ms=3)
    directory.close()
    reader = JournalReader(tmp_path)

    result = read_summary(reader, Tally(), 0)
    reader.close()

    slugs = [each.slug for each in result.not_traded]
    assert slugs == ([] if is_found_later else [MARKET.slug]) + ["btc-updown-15m-8"]
    assert result.corrections == (CORRECTED,)


def test_a_window_that_the_run_leaves_unsettled_is_told_with_what_it_holds(tmp_path: Path) -> None:
    prepare(tmp_path)
    position = Journal(tmp_path, "position")
    position.claim()
    for key, entries in (("0xm", (BOUGHT,)), ("0xnothing", ())):
        ledger = WindowLedger(market=MARKET, version=1, entries=entries)
        position.record(Record(None, (Save("position", key, ledger),)), at_ms=1)
    position.close()
    reader = JournalReader(tmp_path)

    result = read_summary(reader, Tally(), 0)
    reader.close()

    (told,) = summary_json(result)["unsettled"]
    assert (told["slug"], told["yes_shares"], told["yes_cost"]) == (MARKET.slug, "20", "8")
    assert f"{MARKET.slug}: 20 YES, 0 NO, -8.03 so far; the next run" in drawn(result, width=160)
    demo = attrs.evolve(result, is_demo=True)
    assert "it stays so, for the demo's exchange has ended" in drawn(demo, width=160)


def test_a_summary_of_everything_starts_at_nothing(journal_of_two_runs) -> None:
    reader, _ = journal_of_two_runs

    assert len(read_summary(reader, Tally(), 0).orders) == 2


def test_printed_json_is_one_object_and_nothing_else(journal_of_two_runs, capsys) -> None:
    reader, start_seq = journal_of_two_runs

    print_summary(reader, Tally(), start_seq, is_json=True)

    assert json.loads(capsys.readouterr().out)["orders"] == {"FILLED": 1}


def test_printed_for_people_it_is_no_json(journal_of_two_runs, capsys) -> None:
    reader, start_seq = journal_of_two_runs

    print_summary(reader, Tally(), start_seq, is_json=False)

    assert "+11.97" in capsys.readouterr().out

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from chronicle import Chronicle, intent, trade, window
from reading import printed, told

from actors.model import Action, Side
from actors.units import shares
from understudy.display.wording import slug_labels


@pytest.fixture
def journal(chronicle: Chronicle) -> Path:
    """One settled window with a filled and a cancelled order, one open with two live orders."""
    first, second = intent(1), intent(2, side=Side.NO)
    chronicle.done(first, trade(first, better_ticks=10))
    chronicle.done(second, trade(second, 6, is_maker=True))
    chronicle.settle(window(0))
    third, fourth = intent(3, market=window(1)), intent(4, market=window(1), side=Side.NO)
    chronicle.live(third, trade(third, 5))
    chronicle.live(fourth, trade(fourth, 20), unbooked=True)
    return chronicle.data_dir


def ids(data_dir: Path, *arguments: str) -> list[str]:
    return [each["order"] for each in told(data_dir, "orders", *arguments)["orders"]]


# Orders


def test_an_order_is_told_in_exact_texts(journal: Path) -> None:
    first = told(journal, "orders")["orders"][0]

    assert first == {
        "order": "order_1_0badcafe",
        "market": "0x000",
        "slug": "btc-updown-15m-1750000500",
        "action": "BUY",
        "side": "YES",
        "limit": "0.48",
        "size": "20",
        "filled": "20",
        "notional": "9.4",
        "fees": "0.34874",
        "status": "FILLED",
        "is_open": False,
        "time_in_force": "GTC",
        "post_only": False,
        "priority": 2,
        "reason": "bootstrap: YES ask 480 < bootstrap_high 500",
        "pair": None,
        "venue_order": None,
        "created": "2025-06-15T15:15:10.000Z",
        "expires": "2025-06-15T15:15:13.000Z",
        "updated": "2025-06-15T15:15:10.100Z",
        "cancel_reason": "",
        "end_reason": "",
    }


def test_orders_are_listed_with_the_newest_last(journal: Path) -> None:
    assert [order_id[:7] for order_id in ids(journal)] == [f"order_{n}" for n in (1, 2, 3, 4)]


def test_open_orders_are_those_that_live_or_wait_for_the_ledger(journal: Path) -> None:
    # order 3 is half filled, order 4 is filled and not booked
    assert [order_id[:7] for order_id in ids(journal, "--open")] == ["order_3", "order_4"]


def test_orders_of_one_market(journal: Path) -> None:
    assert [order_id[:7] for order_id in ids(journal, "--market", "0x000")] == [
        "order_1",
        "order_2",
    ]
    assert ids(journal, "--market", "0x000", "--open") == []


@pytest.mark.parametrize(("last", "count"), [("1", 1), ("3", 3), ("0", 4)])
def test_only_the_last_ones_are_listed_if_wanted(journal: Path, last: str, count: int) -> None:
    assert len(ids(journal, "--last", last)) == count


def test_a_table_says_that_it_leaves_rows_out(journal: Path) -> None:
    assert "the newest 3 of more" in printed(journal, "orders", "--last", "3")
    assert "of more" not in printed(journal, "orders", "--last", "4")


@pytest.mark.parametrize("columns", [80, 140])
def test_a_table_of_orders_cuts_nothing_that_tells_orders_apart(
    journal: Path, columns: int
) -> None:
    text = printed(journal, "orders", columns=columns)

    for words in ("order_4_0badcafe", "06-15 15:15:10", "BUY NO", "6 of 20", "0.47", "partial"):
        assert words in text
    assert ("btc-updown-15m-1750001400" in text) == (columns == 140)


# Positions


def test_a_settled_position_is_told_in_exact_texts(journal: Path) -> None:
    settled = told(journal, "positions")["positions"][0]

    assert settled == {
        "market": "0x000",
        "slug": "btc-updown-15m-1750000500",
        "version": 3,
        "yes_shares": "20",
        "no_shares": "6",
        "yes_cost": "9.4",
        "no_cost": "2.88",
        "Qy": "20",
        "Qn": "6",
        "Cy": "9.4",
        "Cn": "2.88",
        "realized": "0",
        "fees": "0.34874",
        "is_settled": True,
        "winner": "YES",
        "pnl": "7.37126",
        "pnl_if_up": "7.37126",
        "pnl_if_down": "-6.62874",
    }


def test_an_open_position_tells_what_it_may_bring(journal: Path) -> None:
    (position,) = told(journal, "positions", "--open")["positions"]

    assert (position["is_settled"], position["winner"], position["pnl"]) == (False, None, None)
    # 5 YES cost 2.40 and a fee of 0.08736; the fill of NO is not booked
    assert (position["pnl_if_up"], position["pnl_if_down"]) == ("2.51264", "-2.48736")


def test_a_void_window_pays_one_half(chronicle: Chronicle) -> None:
    of = intent()
    chronicle.done(of, trade(of, is_maker=True))
    chronicle.settle(window(), winner=None)

    (position,) = told(chronicle.data_dir, "positions")["positions"]

    assert (position["winner"], position["pnl"]) == (None, "0.4")
    assert "void" in printed(chronicle.data_dir, "positions")


def test_a_sale_is_realized(chronicle: Chronicle) -> None:
    bought = intent(1)
    sold = intent(2, action=Action.SELL, price_ticks=300, size_units=shares(20))
    chronicle.done(bought, trade(bought, is_maker=True))
    chronicle.done(sold, trade(sold, 20, is_maker=True))

    (position,) = told(chronicle.data_dir, "positions")["positions"]

    assert (position["yes_shares"], position["realized"], position["pnl_if_up"]) == (
        "0",
        "-3.6",
        "-3.6",
    )


@pytest.mark.parametrize("columns", [80, 140])
def test_people_read_both_results_of_an_open_window(journal: Path, columns: int) -> None:
    text = printed(journal, "positions", columns=columns)

    for words in ("+7.37", "+2.51 / -2.49", "20 @ 0.47", "open", "1750001400"):
        assert words in text


# Fills


def test_a_fill_is_told_in_exact_texts(journal: Path) -> None:
    assert told(journal, "fills")["fills"][0] == {
        "at": "2025-06-15T15:15:10.500Z",
        "trade": "paper-order_1_0badcafe-1",
        "order": "order_1_0badcafe",
        "market": "0x000",
        "slug": "btc-updown-15m-1750000500",
        "action": "BUY",
        "side": "YES",
        "size": "20",
        "price": "0.47",
        "fee": "0.34874",
        "is_maker": False,
        "ledger": "booked",
        "settlement": None,
    }


def test_fills_are_listed_in_the_order_of_trading_with_what_the_ledger_lacks(journal: Path) -> None:
    listed = [(each["order"][:7], each["ledger"]) for each in told(journal, "fills")["fills"]]

    assert listed == [
        ("order_1", "booked"),
        ("order_2", "booked"),
        ("order_3", "booked"),
        ("order_4", "not yet"),
    ]


def test_a_reversed_fill_is_listed_as_such(chronicle: Chronicle) -> None:
    of = intent()
    chronicle.done(of, trade(of))
    chronicle.book(of, trade(of), is_reversed=True)

    (fill,) = told(chronicle.data_dir, "fills")["fills"]

    assert fill["ledger"] == "reversed"


def test_the_last_fills_of_several_windows(journal: Path) -> None:
    listed = told(journal, "fills", "--last", "2")["fills"]

    assert [each["order"][:7] for each in listed] == ["order_3", "order_4"]


@pytest.mark.parametrize("columns", [80, 140])
def test_people_read_size_price_and_fee_of_a_fill(journal: Path, columns: int) -> None:
    text = printed(journal, "fills", columns=columns)

    for words in ("order_4_0badcafe", "-0.35", "maker", "taker", "not yet", "0.47"):
        assert words in text


# For spreadsheets


@pytest.mark.parametrize("name", ["orders", "positions", "fills"])
def test_a_list_as_csv_holds_what_its_json_holds(journal: Path, name: str) -> None:
    rows = list(csv.DictReader(io.StringIO(printed(journal, name, "--csv", columns=2000))))

    def cell(value: object) -> str:
        return "" if value is None else str(value).lower() if value in (True, False) else str(value)

    assert rows == [
        {key: cell(value) for key, value in row.items()} for row in told(journal, name)[name]
    ]


def test_an_empty_list_as_csv_is_empty(journal: Path) -> None:
    assert printed(journal, "orders", "--csv", "--market", "nowhere") == ""


def test_windows_of_several_series_are_told_apart_where_there_is_little_room() -> None:
    alone = ("btc-updown-15m-1750000500", "btc-updown-15m-1750001400")
    assert slug_labels(alone) == {alone[0]: "…1750000500", alone[1]: "…1750001400"}
    both = ("btc-updown-15m-1750000500", "eth-updown-5m-1750000500")
    assert slug_labels(both) == {both[0]: "btc-15m …000500", both[1]: "eth-5m …000500"}

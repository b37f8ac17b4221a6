from __future__ import annotations

import attrs
import drawing
import pytest
from scenes import (
    CLOSES_AT_MS,
    EMPTY_VIEW,
    NOW_MS,
    POSITION,
    book,
    child,
    feed_health,
    order,
    report,
    settled,
    signal_seen,
    snapshot,
    view,
)

from actors.messages.directory import WindowNotTraded
from actors.messages.execution import OrderStatus
from actors.messages.halts import Halt
from actors.messages.market import BookView
from actors.messages.observer import FeedSeen, ObserverCounts, View
from actors.messages.strategy import Evaluated, StopLossTriggered
from actors.model import Side
from actors.supervision.messages import ChildrenReport, ChildState
from actors.units import shares
from understudy.display.actor_table import actor_table
from understudy.display.console import render
from understudy.display.events import Event
from understudy.display.latency import Histogram
from understudy.display.panels import book_panel, not_traded_label, skew_label, standing_line
from understudy.display.standing import Standing
from understudy.display.status import Status, children_of, ps_reply

EVENTS = (
    Event(
        at_ms=NOW_MS - 1_000,
        text="market-state crashed, serving again after 0.05 s (pid 4242)",
        is_trouble=True,
    ),
    Event(at_ms=NOW_MS - 9_000, text="order 1 BUY YES cancelled, 12 of 20 filled: it is over"),
)
SIZES = {"small": (80, 24), "narrow": (90, 50), "wide": (120, 30), "large": (140, 45)}


def drawn(status: Status, width: int = 120, height: int = 40) -> str:
    return drawing.drawn(render(status), width=width, height=height)


def status(
    seen: View | None = None, told: ChildrenReport | None = None, *, speed: float = 20.0
) -> Status:
    return Status(
        view=seen,
        report=told,
        now_ms=NOW_MS,
        speed=speed,
        latencies={"tick_to_signal": Histogram([1_000, 2_000, 9_000])},
        events=EVENTS,
    )


CASES = {
    "nothing known": status(),
    "nothing seen": status(EMPTY_VIEW, report(children=())),
    "typical": status(view(), report()),
    "one-sided books": status(
        view(
            snapshot=snapshot(
                yes=book(520, 530, asks=()), no=BookView(is_synced=True), reference_e18=None
            )
        ),
        report(),
    ),
    "no strike": status(view(snapshot=snapshot(strike=None)), report()),
    "far too much of everything": status(
        view(
            live_orders=tuple(order(n) for n in range(50)),
            decisions=tuple(signal_seen(n, "busy " * 50) for n in range(50)),
            settled=tuple(settled(n, n) for n in range(50)),
            snapshot=snapshot(yes=book(520, 530, bids=((520, shares(12_345_678)),))),
        ),
        report(children=tuple(child(f"order/order_{n}_0badcafe") for n in range(60))),
    ),
}


@pytest.mark.parametrize(("width", "height"), SIZES.values(), ids=SIZES.keys())
@pytest.mark.parametrize("shown", CASES.values(), ids=CASES.keys())
def test_a_screen_is_filled_exactly(shown: Status, width: int, height: int) -> None:
    lines = drawn(shown, width, height).removesuffix("\n").split("\n")

    assert len(lines) == height
    assert {len(line) for line in lines} == {width}


@pytest.mark.parametrize(("width", "height"), SIZES.values(), ids=SIZES.keys())
def test_every_size_shows_what_matters(width: int, height: int) -> None:
    text = drawn(status(view(), report()), width, height)

    for words in (
        "btc-updown-15m-1750000500",
        "10m 00s left",
        "reference 64,123.45",
        "strike 64,100.00",
        "+23.45 Up",
        "20 times real time",
        "0.52 0.53",
        "0.465 0.48",
        "20 @ 0.35",
        "open P&L",
        "+3.05",
        "realized",
        "+5.64",
        "total P&L",
        "+8.69",
        "2 settled",
        "Down won",
        "BUY YES",
        "5 of 20",
        "partial",
        "UTC",
        "market-state crashed, serving again after 0.05 s",
        "order 1 BUY YES cancelled, 12 of 20 filled",
        "waits: nothing has been evaluated",
        "● market-feed",
        "14,808 messages · 2 restarts",
        "strategy",
        "directory",
    ):
        assert words in text, words


def test_a_wide_screen_shows_the_tree_with_process_ids() -> None:
    lines = drawn(status(view(), report())).splitlines()

    (supervisor,) = [line for line in lines if "supervisor" in line]
    (directory,) = [line for line in lines if "├ directory" in line]
    assert "4000" in supervisor
    assert directory.split("directory")[1].split()[:5] == ["waiting", "1m", "05s", "2", "4242"]


def test_a_small_screen_shows_falls_beside_the_name() -> None:
    assert "○ directory 2x" in drawn(status(view(), report()), 80, 24)


def test_before_anything_is_known_each_part_says_so() -> None:
    text = drawn(status())

    for words in ("no window yet", "no book yet", "no position yet", "no live order", "starting"):
        assert words in text


def test_a_window_without_books_is_named() -> None:
    assert "btc-updown-15m-1750000500" in drawn(status(view(snapshot=None)))


def test_a_window_whose_time_is_over_waits_for_its_result() -> None:
    over = Status(view=view(), report=None, now_ms=CLOSES_AT_MS + 1, speed=1.0)

    text = drawn(over)

    assert "waits for its result" in text
    assert "times real time" not in text


def test_live_orders_are_marked_as_what_they_are() -> None:
    assert "REAL MONEY" in drawn(attrs.evolve(status(view()), stakes="REAL MONEY"))
    assert "MONEY" not in drawn(status(view()))


BOOKS = {
    "not synced": (book(520, 530, is_synced=False), "YES (Up) · not synced"),
    "crossed": (book(540, 530), "YES (Up) · crossed"),
    "well": (book(520, 530), "YES (Up) · 0.2s"),
}


@pytest.mark.parametrize(("yes", "title"), BOOKS.values(), ids=BOOKS.keys())
def test_a_book_says_whether_it_may_be_trusted(yes: BookView, title: str) -> None:
    assert title in drawn(status(view(snapshot=snapshot(yes=yes))))


def test_what_is_wrong_is_said_at_the_top() -> None:
    seen = view(
        stop_loss=StopLossTriggered(
            market_id="0xm",
            side=Side.NO,
            best_bid_ticks=240,
            held_units=shares(20),
            on_stop_loss="halt",
            position_version=3,
            tick_ns=0,
        ),
        feeds=(
            FeedSeen(feed="market-feed", is_up=True, since_ms=0),
            FeedSeen(feed="twap-feed", is_up=False, since_ms=0, trouble="connection refused"),
        ),
    )

    standing, line = drawn(
        status(seen, report(escalation="desk crashed 6 times")), 140
    ).splitlines()[2:4]

    assert standing.startswith("is ending: desk crashed 6 times")
    assert line.startswith(
        "stop loss: NO bid 0.24  ✗ twap-feed down connection refused ● market-feed "
    )


def test_the_price_service_in_use_is_shown() -> None:
    health = feed_health("twap-feed", source="polybolt")
    seen = view(feeds=(FeedSeen(feed="twap-feed", is_up=True, since_ms=0, health=health),))
    assert "● twap-feed (polybolt)" in drawn(status(seen, report()), 140)


def test_a_halt_is_shown_with_whose_it_is() -> None:
    halt = Halt(who="kill-switch file", reason="fire", since_ms=NOW_MS, cancels=True)
    shown = attrs.evolve(status(view(), report()), halts=(halt,))
    assert "halted: fire (kill-switch file)" in drawn(shown, 80, 24)


def test_an_order_that_is_not_partial_is_shown_by_its_status() -> None:
    seen = view(live_orders=(order(1, status=OrderStatus.UNKNOWN, fills=()),))

    assert "0 of 20 unknown" in drawn(status(seen))


# The table of actors, which travels as JSON


def test_children_survive_the_way_to_ps() -> None:
    assert children_of(ps_reply(report())) == report().children


def test_a_table_without_children_shows_the_supervisor() -> None:
    table = drawing.drawn(actor_table((), 4000), width=80)
    assert table.split()[-2:] == ["supervisor", "4000"]


def test_actors_that_share_a_process_are_shown_below_it() -> None:
    children = (
        child("observer", pid=7, process="observer"),
        child("desk", pid=8, process="trading"),
        child("order/order_1", pid=8, process="trading"),
        child("orders", pid=9, process="orders"),
        child("order/order_2", pid=9, process="orders"),
    )
    wanted = ("├ observer", "├ trading", "│ ├ desk", "│ └ order_1", "└ orders", "  └ order_2")
    lines = drawing.drawn(actor_table(children, 4000), width=80).splitlines()[2:]
    assert [line[: len(each)] for line, each in zip(lines, wanted, strict=True)] == list(wanted)


# The clock


@pytest.mark.parametrize(
    ("offset_ms", "words"),
    [(-301_000, "this computer's clock is 301 s ahead"), (90_000, "clock is 90 s behind")],
)
def test_a_wrong_clock_of_this_computer_is_told_with_its_direction(
    offset_ms: int, words: str
) -> None:
    assert words in drawn(status(view(), report(venue_offset_ms=offset_ms)))


def test_a_small_skew_and_a_local_exchange_s_own_time_are_nobody_s_fault() -> None:
    assert skew_label(1_000, "https://clob.polymarket.com") == ""
    assert skew_label(-301_000, "http://127.0.0.1:8080") == ""


def test_counts_of_the_observer_make_the_settled_total() -> None:
    seen = view(counts=ObserverCounts(settled_count=7, total_pnl_nanos=-3_000_000_000))

    text = drawn(status(seen))

    assert "7 settled" in text
    assert "-3.12" in text  # with the fees of the open window


def test_f44_a_window_that_is_not_traded_is_shown_with_its_reason_and_past_ones_are_counted() -> (
    None
):
    now_ms = 20
    missed = [
        WindowNotTraded(slug=f"w{at}", opens_at_ms=at, closes_at_ms=at + 10, reason="no strike")
        for at in (0, 5, 15)
    ]
    assert not_traded_label(missed, now_ms) == "w15: no strike; 2 earlier windows not traded"
    assert not_traded_label([], now_ms) == ""


# Whether it trades, and why not


def evaluated(*passed_over: str, **changes: object) -> Evaluated:
    fields: dict[str, object] = {
        "market_id": "0xm",
        "at_ms": NOW_MS,
        "passed_over": passed_over,
        "is_final": False,
        "signals_count": 0,
        "model_ticks": 620.0,
        "model_basis": "linear",
        **changes,
    }
    return Evaluated(**fields)  # type: ignore[arg-type] # test data by name


def idle(**changes: object) -> View:
    return view(live_orders=(), **changes)


DEAR = "bootstrap: YES ask 0.62 is not below the limit of 0.40 (bootstrap_high) with 9.00 minutes"
HELD = "bootstrap: something is held already"
NO_NAME = "the name gamma-api.polymarket.com cannot be looked up"


def test_without_a_network_the_view_names_the_host_and_the_command_at_80_columns() -> None:
    feeds = (FeedSeen(feed="twap-feed", is_up=False, since_ms=0, trouble="also away"),)
    blind = idle(opened=None, snapshot=None, feeds=feeds, unreachable=f"{NO_NAME}: unknown")
    screen = drawn(status(blind), 80, 24)
    assert f"waits: {NO_NAME}" in screen
    assert "understudy doctor" in screen


STANDINGS = {
    "nothing is known": (status(), "starts: the observer has not answered yet"),
    "no window": (status(idle(opened=None)), "waits: no window is known yet"),
    "no window and no network": (
        status(
            idle(
                opened=None,
                feeds=(FeedSeen(feed="market-feed", is_up=False, since_ms=0, trouble="refused"),),
            )
        ),
        "waits: market-feed: refused; no window is known yet",
    ),
    "too dear": (
        status(idle(evaluated=evaluated("stop loss: 0 sides are held", DEAR))),
        "waits (books 0.2s old): YES ask 0.62 is not below the limit of 0.40",
    ),
    "held": (
        status(idle(evaluated=evaluated("hedging: too dear", HELD, "averaging down: not below"))),
        "waits (books 0.2s old): too dear; not below",
    ),
    "the oracle objects": (
        status(idle(evaluated=evaluated("hedging: no", "oracle: model 0.38 < oracle_block_yes"))),
        "waits (books 0.2s old): model 0.38 < oracle_block_yes",
    ),
    "a safety stage": (
        status(idle(evaluated=evaluated("readiness: the YES book is not synced", is_final=True))),
        "waits (books 0.2s old): the YES book is not synced",
    ),
    "old books": (
        status(
            idle(
                evaluated=evaluated("readiness: the YES book is old", is_final=True),
                snapshot=snapshot(yes=book(520, 530, updated_at_ms=NOW_MS - 2_100)),
            )
        ),
        "waits (books 2.1s old: over 2.0s): the YES book is old",
    ),
    "an order was wanted": (
        status(idle(evaluated=evaluated(signals_count=1))),
        "trades (books 0.2s old): it has just asked for an order",
    ),
    "no strike": (
        status(
            idle(
                not_traded=(
                    WindowNotTraded(
                        slug="btc-updown-15m-1750000500",
                        opens_at_ms=0,
                        closes_at_ms=CLOSES_AT_MS,
                        reason="no strike",
                    ),
                )
            )
        ),
        "waits: this window is not traded: no strike",
    ),
    "the strategy is gone": (
        status(
            idle(evaluated=evaluated(DEAR)),
            report(children=(child("strategy", state=ChildState.BACKING_OFF),)),
        ),
        "waits: the strategy is backing off",
    ),
    "the strategy waits": (
        status(idle(), report(children=(child("strategy", state=ChildState.WAITING),))),
        "waits: the strategy has not received books, position and open orders yet",
    ),
    "over": (
        attrs.evolve(status(idle(evaluated=evaluated(DEAR))), now_ms=CLOSES_AT_MS),
        "waits: for the window's result",
    ),
}


@pytest.mark.parametrize(("shown", "line"), STANDINGS.values(), ids=STANDINGS.keys())
def test_one_line_always_says_whether_it_trades_and_why_not(shown: Status, line: str) -> None:
    assert drawn(shown, 120, 40).splitlines()[2].startswith(line)


def test_the_model_stands_beside_the_strike() -> None:
    assert "model 0.62" in drawn(status(view(evaluated=evaluated(DEAR))))


def test_what_is_too_old_is_said_in_words_as_well_as_in_red() -> None:
    old = snapshot(yes=book(520, 530, updated_at_ms=NOW_MS - 2_100), reference_at_ms=NOW_MS - 5_100)
    text = drawn(status(view(snapshot=old)))
    assert "YES (Up) · 2.1s, too old" in text
    assert "5.1s old: over 5.0s" in text


def test_the_total_is_the_sum_of_what_is_shown() -> None:
    position = attrs.evolve(POSITION, fees_nanos=4_000_000, realized_nanos=8_000_000)
    shown = snapshot(yes=BookView(), no=BookView())
    seen = view(
        position=position,
        snapshot=shown,
        counts=ObserverCounts(settled_count=1, total_pnl_nanos=1_000_000),
    )
    # realized 0.005 is shown as 0.00 (to even), open -12.00
    text = drawn(status(seen))
    (total,) = [line for line in text.splitlines() if "total P&L" in line]
    assert "-12.00" in total


def test_one_of_a_kind_is_not_called_by_the_plural() -> None:
    text = drawn(status(view(), report(restarts={"desk": 1}, handled_count=1)))
    assert "1 message · 1 restart" in text
    assert "1 restarts" not in text


def test_decisions_have_a_line_for_their_reason_where_there_is_room() -> None:
    lines = drawn(status(view()), 120, 40).splitlines()
    (number,) = [place for place, line in enumerate(lines) if "BUY NO 20 @ 0.483" in line]
    assert "hedge number 3" not in lines[number]
    assert "hedge number 3" in lines[number + 1]
    assert "hedge number 3" in drawn(status(view()), 120, 30)


def test_books_that_are_not_synced_have_no_age_since_1970() -> None:
    why = "the YES book is not synced"
    standing = Standing(verb="waits", why=why, evaluated=evaluated(why, is_final=True))

    unsynced = standing_line(standing, snapshot(yes=BookView()), status(view()))

    assert unsynced.plain == "waits: the YES book is not synced"
    assert "0.2s old" in standing_line(standing, snapshot(), status(view())).plain


def test_a_price_of_a_tenth_of_a_cent_is_shown_whole_in_a_narrow_book() -> None:
    fine = BookView(
        bids=((983, shares(47)),), asks=((991, shares(217)),), is_synced=True, updated_at_ms=NOW_MS
    )
    panel = book_panel(Side.YES, fine, 1, NOW_MS, 5_000)
    assert "0.983 0.991" in drawing.drawn(panel, width=26)

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest
from called import understudy
from imported_windows import imported

from understudy.results.compare import ComparedOrder, ComparedRun, RunComparison, compare

SLUG = "btc-updown-5m-1776329400"


def order(number: int, at_ms: int, **changed: str) -> ComparedOrder:
    made = ComparedOrder(
        order_id=f"order_{number}",
        slug=SLUG,
        created_ms=at_ms,
        action="BUY",
        side="YES",
        limit="0.48",
        size="20",
    )
    return attrs.evolve(made, **changed)


def found(ours: list[ComparedOrder], theirs: list[ComparedOrder]) -> RunComparison:
    runs = [
        ComparedRun(name=name, numbers={}, orders=tuple(orders), pnl={SLUG: "0"})
        for name, orders in (("one", ours), ("other", theirs))
    ]
    return compare(*runs)


def test_orders_within_a_quarter_of_a_second_are_the_same() -> None:
    comparison = found([order(1, 0), order(2, 900)], [order(1, 250), order(2, 1_000)])

    assert comparison.same_count == 2
    assert comparison.same_share == 1
    assert comparison.differences == ()
    assert [comparison.later_quantile_ms(share) for share in (0.5, 0.95)] == [100, 250]


def test_each_order_has_one_partner() -> None:
    comparison = found([order(1, 0), order(2, 10)], [order(1, 5)])

    assert comparison.same_count == 1
    assert comparison.same_share == pytest.approx(2 / 3)


REASONS: dict[str, tuple[ComparedOrder, ComparedOrder, str]] = {
    "time": (order(1, 0), order(1, 400), "the other decided it 400 ms later"),
    "limit": (order(1, 0), order(1, 0, limit="0.47"), "the other has BUY YES 20 at 0.47 instead"),
    "far": (order(1, 0), order(1, 60_000), "decided by this run alone"),
}


@pytest.mark.parametrize(("ours", "theirs", "words"), REASONS.values(), ids=REASONS.keys())
def test_an_order_without_a_partner_has_a_reason(
    ours: ComparedOrder, theirs: ComparedOrder, words: str
) -> None:
    first, *_ = found([ours], [theirs]).differences

    assert first.reason == words


def caused(
    ours: list[ComparedOrder], theirs: list[ComparedOrder], most_per_minute: int | None = None
) -> str:
    """The reason of the last order without a partner."""
    runs = [
        ComparedRun(
            name="a run",
            numbers={},
            orders=tuple(orders),
            pnl={SLUG: "0"},
            most_per_minute=most_per_minute,
        )
        for orders in (ours, theirs)
    ]
    return compare(*runs).differences[-1].reason


def test_another_holding_is_the_cause_of_what_follows_a_fill() -> None:
    both = order(1, 0, ended_ms=200)
    reason = caused([attrs.evolve(both, filled="20"), order(2, 900, limit="0.5")], [both])

    assert reason == (
        "YES 20 held, and nothing in the other, since order_1 got 20 here in place of 0"
    )


def test_a_cancel_that_came_late_in_one_of_them_is_told_as_the_cause() -> None:
    ours, theirs = order(1, 0, ended_ms=200), order(1, 24, ended_ms=269, filled="20")
    follows = order(2, 300, limit="0.5")

    assert caused([ours, follows], [theirs]) == (
        "nothing held, and YES 20 in the other, "
        "since order_1, which rested 69 ms longer, got 20 there in place of 0"
    )


def test_an_order_that_took_longer_to_end_is_the_cause() -> None:
    ours = [order(1, 0, ended_ms=600), order(2, 600, limit="0.5", ended_ms=900)]
    theirs = [order(1, 0, ended_ms=1_000), order(2, 1_000, limit="0.5", ended_ms=1_300)]
    first = found(ours, theirs).differences[0]

    assert first.reason == (
        "the other decided it 400 ms later: order_1 was working in the other for 400 ms more"
    )


def test_the_limit_of_orders_a_minute_is_a_cause() -> None:
    both = [order(number, 2_000 * number, ended_ms=2_000 * number + 500) for number in range(3)]
    reason = caused([*both, order(4, 30_000, side="NO")], both, most_per_minute=3)

    assert reason == "the other made 3 orders in that minute, which is the limit"


def test_the_prices_that_each_decided_on_are_a_cause() -> None:
    ours, theirs = order(1, 0, basis="fair 0.52"), order(1, 9, limit="0.47", basis="fair 0.51")

    assert caused([ours], [theirs]) == (
        "the other has BUY YES 20 at 0.48 instead: "
        "decided on “fair 0.51”, in the other on “fair 0.52”"
    )


def test_what_follows_the_first_difference_is_told_so() -> None:
    _, later = found([order(1, 0), order(2, 60_000, side="NO")], []).differences

    assert later.reason == "follows another position: order_1 differs before it"


def test_windows_that_only_one_has_are_left_out() -> None:
    elsewhere = order(1, 0, slug="btc-updown-5m-1776329700")

    assert found([elsewhere], [order(1, 0)]).differences[0].order.slug == SLUG


def test_two_backtests_side_by_side(tmp_path: Path) -> None:
    recordings = imported(tmp_path, 1)
    names = []
    for shares in (20, 9):
        ran = understudy(
            *("backtest", recordings, "--results", tmp_path / "r", "--json"),
            *("--set", f"strategy.max_trade_shares={shares}"),
        )
        names.append(json.loads(ran.stdout)["name"])
    told = understudy("results", "--results", tmp_path / "r", "compare", *names, "--json")
    itself = understudy("results", "--results", tmp_path / "r", "compare", names[0], names[0])

    comparison = json.loads(told.stdout)
    assert comparison["orders_same_share"] < 1
    assert all(each["reason"] for each in comparison["differences"])
    assert "100.0% of the orders" in " ".join(itself.output.split())


def test_what_is_neither_is_one_sentence(tmp_path: Path) -> None:
    told = understudy("results", "compare", tmp_path, tmp_path)

    assert told.exit_code == 2
    assert "is neither a backtest nor a data directory" in told.output


def test_a_search_is_not_compared_as_a_backtest(tmp_path: Path) -> None:
    folder = tmp_path / "search-one"
    folder.mkdir()
    (folder / "summary.json").write_text("{}")
    (folder / "run.json").write_text(json.dumps({"format": 1, "kind": "search"}))

    result = understudy("results", "compare", folder, folder)

    assert result.exit_code == 2
    assert "is a search: only backtests" in result.output

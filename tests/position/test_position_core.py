from __future__ import annotations

import random

import pytest
from core_stage import CoreStage
from hypothesis import given
from hypothesis import strategies as st
from ledger_builders import detail, filled, market, opened, resolved, reversal

from actors.core import Record, Send
from actors.messages.execution import FillReversed, OrderFilled
from actors.messages.lifecycle import PeerRestarted
from actors.messages.position import FillBooked, Holding, PositionSnapshot, WindowSettled
from actors.model import Action, Side
from actors.position.core import PositionCore
from actors.position.ledger import LedgerEntry, fold
from actors.roles import DESK, DIRECTORY, EXECUTOR, OBSERVER, POSITION, STRATEGY, order_role
from actors.units import shares

ORDER = order_role("order_1_aa")


@pytest.fixture
def stage() -> CoreStage:
    stage = CoreStage(PositionCore, POSITION)
    stage.start()
    return stage


def last_position(stage: CoreStage, role: str = STRATEGY) -> PositionSnapshot:
    return stage.told(role, PositionSnapshot)[-1]


def test_a_new_window_is_announced_at_zero_to_all_who_act_on_it(stage: CoreStage) -> None:
    stage.give(opened())
    for role in (STRATEGY, DESK, OBSERVER):
        snapshot = last_position(stage, role)
        assert (snapshot.market_id, snapshot.version) == (market().market_id, 1)
        assert snapshot.yes == snapshot.no == Holding()


def test_a_window_opened_again_is_answered_and_recorded_once(stage: CoreStage) -> None:
    stage.give(opened())
    stage.give(filled())
    stage.forget()
    stage.give(opened())
    assert last_position(stage).yes.quantity_units == shares(10)
    assert stage.events == []


def test_a_fill_is_recorded_before_anyone_hears_of_it(stage: CoreStage) -> None:
    stage.give(opened())
    effects = stage.give(filled())
    assert isinstance(effects[0], Record)
    assert all(isinstance(effect, Send) for effect in effects[1:])
    assert stage.told(ORDER, FillBooked) == [
        FillBooked(order_id="order_1_aa", trade_id="t1", is_reversal=False, version=2)
    ]
    assert last_position(stage, DESK).version == 2


def test_a_fill_of_a_window_never_heard_of_is_booked(stage: CoreStage) -> None:
    stage.give(filled())
    assert last_position(stage).yes == Holding(quantity_units=shares(10), cost_nanos=4_000_000_000)


def test_invariant_6_a_fill_told_twice_counts_once_even_across_a_restart(
    stage: CoreStage,
) -> None:
    stage.give(filled())
    stage.give(filled())
    stage.start()
    stage.forget()
    effects = stage.give(filled())
    booked = FillBooked(order_id="order_1_aa", trade_id="t1", is_reversal=False, version=1)
    assert effects == [Send(ORDER, booked)]


def test_f8_one_trade_that_fills_two_orders_counts_for_each(stage: CoreStage) -> None:
    stage.give(filled(order_id="order_1_aa"))
    stage.give(filled(order_id="order_2_bb"))
    assert last_position(stage).yes.quantity_units == shares(20)


def test_a_repeated_fill_is_answered_with_the_version_of_its_own_booking(
    stage: CoreStage,
) -> None:
    stage.give(filled())
    stage.give(opened(1))
    stage.give(filled(window=1, order_id="order_2_bb"))
    stage.forget()
    stage.give(filled())
    assert [answer.version for answer in stage.told(ORDER, FillBooked)] == [1]


def test_f6_a_reversal_takes_back_exactly_its_fill_with_cost_and_fee(
    stage: CoreStage,
) -> None:
    stage.give(opened())
    stage.give(filled(detail("t0", 300, shares(3), fee_nanos=7)))
    before = last_position(stage)
    ghost = filled(detail("ghost", 470, shares(11), fee_nanos=130_000))
    stage.give(ghost)
    stage.start()
    stage.give(reversal(ghost))
    after = last_position(stage)
    assert (after.yes, after.fees_nanos) == (before.yes, before.fees_nanos)
    assert stage.told(ORDER, FillBooked)[-1] == FillBooked(
        order_id="order_1_aa", trade_id="ghost", is_reversal=True, version=after.version
    )


def test_a_reversal_told_twice_is_answered_and_changes_nothing(stage: CoreStage) -> None:
    stage.give(filled())
    stage.give(reversal(filled()))
    stage.forget()
    effects = stage.give(reversal(filled()))
    booked = FillBooked(order_id="order_1_aa", trade_id="t1", is_reversal=True, version=2)
    assert effects == [Send(ORDER, booked)]


def test_a_reversal_before_its_fill_leaves_the_fill_counting_nothing(
    stage: CoreStage,
) -> None:
    stage.give(opened())
    stage.give(reversal(filled()))
    stage.start()
    stage.give(filled())
    assert last_position(stage).yes == Holding()
    answers = stage.told(ORDER, FillBooked)
    assert [(a.is_reversal, a.version) for a in answers] == [(True, 2), (False, 2)]


def test_reversing_a_buy_after_part_of_it_was_sold_is_exact(stage: CoreStage) -> None:
    first = filled(detail("a", 400, shares(10), timestamp_ms=1))
    second = filled(detail("b", 600, shares(10), timestamp_ms=2))
    sale = filled(detail("c", 700, shares(10), timestamp_ms=3), action=Action.SELL)
    for told in (first, second, sale, reversal(first)):
        stage.give(told)
    left = last_position(stage)
    assert left.yes == Holding()
    assert left.realized_nanos == shares(10) * (700 - 600)


def test_a_sale_beyond_what_is_held_is_booked_and_reported_until_the_missing_fill_comes(
    stage: CoreStage,
) -> None:
    stage.give(filled(detail("c", 700, shares(10), timestamp_ms=3), action=Action.SELL))
    assert [log.level for log in stage.logs] == ["error"]
    assert last_position(stage).yes == Holding()
    stage.forget()
    stage.give(filled(detail("a", 400, shares(10), timestamp_ms=1)))
    assert stage.logs == []
    assert last_position(stage).realized_nanos == shares(10) * 300


def test_a_fill_told_differently_the_second_time_is_reported_and_the_first_stands(
    stage: CoreStage,
) -> None:
    stage.give(filled(detail(size_units=shares(10))))
    stage.forget()
    stage.give(filled(detail(size_units=shares(12))))
    assert [log.level for log in stage.logs] == ["error"]
    assert stage.events == []
    assert len(stage.told(ORDER, FillBooked)) == 1


def test_a_window_is_settled_once_and_its_result_repeated_when_asked(
    stage: CoreStage,
) -> None:
    stage.give(opened())
    stage.give(filled(detail(price_ticks=400, size_units=shares(10), fee_nanos=1000)))
    stage.give(resolved(winner=Side.YES))
    settled = stage.told(DIRECTORY, WindowSettled)[-1]
    assert settled.payout_nanos == 10_000_000_000
    assert settled.pnl_nanos == settled.total_pnl_nanos == 6_000_000_000 - 1000
    assert stage.told(OBSERVER, WindowSettled) == [settled]
    stage.start()
    stage.forget()
    stage.give(resolved(winner=Side.YES))
    assert stage.told(DIRECTORY, WindowSettled) == [settled]
    assert stage.events == []


def test_a_second_result_with_another_winner_is_reported_and_the_first_stands(
    stage: CoreStage,
) -> None:
    stage.give(filled())
    stage.give(resolved(winner=Side.YES))
    stage.give(resolved(winner=Side.NO))
    answers = stage.told(DIRECTORY, WindowSettled)
    assert [answer.winner for answer in answers] == [Side.YES, Side.YES]
    assert [log.level for log in stage.logs] == ["error"]


def test_a_window_without_a_single_fill_settles_at_zero(stage: CoreStage) -> None:
    stage.give(resolved())
    assert stage.told(DIRECTORY, WindowSettled)[-1].pnl_nanos == 0


def test_a_late_fill_settles_the_window_again_and_corrects_the_total(
    stage: CoreStage,
) -> None:
    stage.give(filled(window=0))
    stage.give(resolved(0, winner=Side.YES))
    stage.give(resolved(1, winner=Side.NO))
    stage.start()
    late = filled(detail("late", 500, shares(2)), side=Side.NO, order_id="order_9_ff")
    stage.give(late)
    settled = stage.told(DIRECTORY, WindowSettled)[-1]
    assert settled.market_id == market(0).market_id
    assert settled.pnl_nanos == settled.total_pnl_nanos == 5_000_000_000
    stage.give(reversal(late))
    assert stage.told(DIRECTORY, WindowSettled)[-1].total_pnl_nanos == 6_000_000_000


def test_the_total_grows_over_windows_and_restarts(stage: CoreStage) -> None:
    for number, winner in enumerate([Side.YES, Side.NO, None]):
        stage.give(filled(window=number, order_id=f"order_{number}_aa"))
        stage.give(resolved(number, winner=winner))
        stage.start()
    assert [s.total_pnl_nanos for s in stage.told(DIRECTORY, WindowSettled)] == [
        6_000_000_000,
        2_000_000_000,
        3_000_000_000,
    ]


def test_versions_never_repeat_over_windows_and_restarts(stage: CoreStage) -> None:
    for number in range(4):
        stage.give(opened(number))
        stage.give(filled(window=number))
        stage.start()
    versions = [
        (message.market_id, message.version) for message in stage.told(STRATEGY, PositionSnapshot)
    ]
    changes = dict.fromkeys(versions)
    assert [version for _, version in changes] == list(range(1, 9))


def test_a_peer_that_restarts_is_told_every_open_window(stage: CoreStage) -> None:
    stage.give(opened(0))
    stage.give(resolved(0))
    stage.give(opened(1))
    for role in (STRATEGY, DESK, OBSERVER):
        stage.forget()
        stage.give(PeerRestarted(role))
        assert [s.market_id for s in stage.told(role, PositionSnapshot)] == [market(1).market_id]
        assert len(stage.told(role, WindowSettled)) == (role == OBSERVER)


@pytest.mark.parametrize("role", [EXECUTOR, DIRECTORY, ORDER])
def test_a_peer_that_asks_for_itself_is_not_told(stage: CoreStage, role: str) -> None:
    stage.give(opened())
    assert stage.give(PeerRestarted(role)) == []


def test_a_restart_says_the_open_positions_again(stage: CoreStage) -> None:
    stage.give(filled())
    position = last_position(stage)
    stage.forget()
    stage.start()
    assert last_position(stage, DESK) == position


Told = OrderFilled | FillReversed


@st.composite
def conversations(draw: st.DrawFn) -> tuple[list[OrderFilled], set[int], list[Told | None]]:
    """Fills, which are reversed, and what arrives: repeated, in any order, with restarts."""
    count = draw(st.integers(1, 6))
    fills = [
        filled(
            detail(
                f"t{draw(st.integers(0, 3))}",
                draw(st.integers(1, 999)),
                draw(st.integers(1, 50_000_000)),
                draw(st.integers(0, 1_000_000)),
                draw(st.integers(0, 9)),
            ),
            order_id=f"order_{number}_aa",
            side=draw(st.sampled_from(Side)),
            action=draw(st.sampled_from([Action.BUY, Action.BUY, Action.SELL])),
            window=draw(st.integers(0, 1)),
        )
        for number in range(count)
    ]
    reversed_numbers = draw(st.sets(st.integers(0, count - 1)))
    told: list[Told | None] = [*fills, *(reversal(fills[n]) for n in reversed_numbers)]
    repeated = draw(st.lists(st.sampled_from(told), max_size=6))
    restarts: list[Told | None] = [None] * draw(st.integers(0, 3))
    return fills, reversed_numbers, draw(st.permutations([*told, *repeated, *restarts]))


def told_as(arrivals: list[Told | None]) -> dict[str, PositionSnapshot]:
    """Every window's position after these arrivals, with a restart at each None."""
    stage = CoreStage(PositionCore, POSITION)
    stage.start()
    for message in arrivals:
        if message is None:
            stage.start()
        else:
            stage.give(message)
    return {each.market_id: each for each in stage.told(DESK, PositionSnapshot)}


@given(conversations(), st.randoms(use_true_random=False))
def test_any_order_and_repetition_of_the_same_fills_and_reversals_gives_the_same_position(
    conversation: tuple[list[OrderFilled], set[int], list[Told | None]], dice: random.Random
) -> None:
    arrivals = conversation[2]
    again = [*arrivals, *dice.choices(arrivals, k=3)]
    dice.shuffle(again)
    one, other = told_as(arrivals), told_as(again)
    assert one.keys() == other.keys()
    for market_id, position in one.items():
        same = other[market_id]
        assert (same.yes, same.no) == (position.yes, position.no)
        assert same.realized_nanos == position.realized_nanos


@given(conversations())
def test_invariant_6_the_position_is_the_sum_of_standing_fills_whatever_order_they_arrive_in(
    conversation: tuple[list[OrderFilled], set[int], list[Told | None]],
) -> None:
    fills, reversed_numbers, arrivals = conversation
    stage = CoreStage(PositionCore, POSITION)
    stage.start()
    versions = [0]
    for message in arrivals:
        if message is None:
            stage.start()
            continue
        effects = stage.give(message)
        answers = [e for e in effects if isinstance(e, Send) and isinstance(e.message, FillBooked)]
        assert len(answers) == 1
        if isinstance(effects[0], Record):
            versions.append(last_position(stage).version)
    assert versions == list(range(len(versions)))
    for window in {each.market.market_id for each in fills}:
        expected = fold(
            LedgerEntry(
                order_id=each.order_id,
                side=each.side,
                action=each.action,
                fill=each.fill,
                booked_version=0,
            )
            for number, each in enumerate(fills)
            if number not in reversed_numbers and each.market.market_id == window
        )
        position = [s for s in stage.told(DESK, PositionSnapshot) if s.market_id == window][-1]
        assert (position.yes, position.no) == (expected.yes, expected.no)
        assert position.fees_nanos == expected.fees_nanos
        assert position.realized_nanos == expected.realized_nanos

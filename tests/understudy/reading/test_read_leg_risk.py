from __future__ import annotations

import random

import attrs
import pytest
from chronicle import intent, pair, trade, window
from hypothesis import given
from hypothesis import strategies as st

from actors.messages.execution import OrderIntent, OrderState, OrderStatus
from actors.model import Action, FillDetail, Side
from actors.units import shares
from understudy.reading.leg_risk import LegEnd, PairRisk, leg_risks

MARKET = window()
YES, NO = pair(1, MARKET)
BEGIN_MS = YES.created_at_ms
END_MS = MARKET.closes_at_ms
YES_SHARE_NANOS = 450_000_000
NO_SHARE_NANOS = 480_000_000


def state(of: OrderIntent, *fills: FillDetail, **changes: object) -> OrderState:
    return OrderState(intent=of, status=OrderStatus.CANCELLED, fills=fills, **changes)


def maker(of: OrderIntent, size: int, after_ms: int, part: int = 1) -> FillDetail:
    return trade(of, size, after_ms=after_ms, part=part, is_maker=True)


def only_risk(*orders: OrderState, now_ms: int = END_MS) -> PairRisk:
    (risk,) = leg_risks(orders, now_ms)
    return risk


def measured(risk: PairRisk) -> tuple[int, int, int, LegEnd]:
    return risk.one_legged_ms, risk.worst_units, risk.worst_nanos, risk.end


def test_legs_filled_in_one_instant_were_never_apart() -> None:
    risk = only_risk(state(YES, maker(YES, 20, 200)), state(NO, maker(NO, 20, 200)))

    assert risk.one_legged_ms == 0
    assert risk.end is LegEnd.BOTH_LEGS


def test_the_time_between_two_legs_and_what_the_first_one_cost_count() -> None:
    risk = only_risk(state(YES, maker(YES, 20, 200)), state(NO, maker(NO, 20, 950)))

    assert measured(risk) == (750, shares(20), 20 * YES_SHARE_NANOS, LegEnd.BOTH_LEGS)


def test_the_fee_of_what_is_uncovered_is_at_risk_too() -> None:
    fill = trade(YES, 20)
    risk = only_risk(state(YES, fill), state(NO))

    assert risk.worst_nanos == 20 * YES_SHARE_NANOS + fill.fee_nanos


def test_a_leg_alone_is_at_risk_until_the_windows_end() -> None:
    risk = only_risk(state(YES), state(NO, maker(NO, 20, 200)), now_ms=END_MS + 5_000)

    duration_ms = END_MS - BEGIN_MS - 200
    assert measured(risk) == (
        duration_ms,
        shares(20),
        20 * NO_SHARE_NANOS,
        LegEnd.WINDOW_END,
    )


def test_a_leg_alone_in_an_open_window_is_one_legged_now() -> None:
    risk = only_risk(state(YES, maker(YES, 20, 0)), state(NO), now_ms=BEGIN_MS + 4_000)

    assert (risk.one_legged_ms, risk.end) == (4_000, LegEnd.ONE_LEGGED)


def test_a_pair_without_fills_bears_no_risk() -> None:
    assert measured(only_risk(state(YES), state(NO))) == (0, 0, 0, LegEnd.NOT_FILLED)


def test_parts_count_for_as_much_as_they_leave_uncovered() -> None:
    risk = only_risk(
        state(YES, maker(YES, 20, 0)),
        state(NO, maker(NO, 6, 1_000), maker(NO, 14, 3_000, part=2)),
    )

    assert measured(risk) == (3_000, shares(20), 20 * YES_SHARE_NANOS, LegEnd.BOTH_LEGS)


@pytest.mark.parametrize(
    ("side", "action", "end"),
    [
        (Side.NO, Action.BUY, LegEnd.COVERED),
        (Side.YES, Action.SELL, LegEnd.COVERED),
        (Side.YES, Action.BUY, LegEnd.WINDOW_END),
        (Side.NO, Action.SELL, LegEnd.WINDOW_END),
    ],
)
def test_a_later_fill_covers_if_it_evens_the_sides(side: Side, action: Action, end: LegEnd) -> None:
    other = intent(5, side=side, action=action)
    covered_after_ms = other.created_at_ms - BEGIN_MS + 500
    risk = only_risk(state(YES, maker(YES, 20, 0)), state(NO), state(other, maker(other, 20, 500)))

    assert risk.end is end
    assert (risk.one_legged_ms == covered_after_ms) == (end is LegEnd.COVERED)


def test_what_is_covered_and_then_filled_after_all_is_covered_no_more() -> None:
    hedge = attrs.evolve(intent(5, side=Side.NO), created_at_ms=BEGIN_MS)
    yes, covering = state(YES, maker(YES, 6, 0)), state(hedge, maker(hedge, 6, 1_000))

    alike = only_risk(yes, covering, state(NO, maker(NO, 6, 2_000)))
    turned = only_risk(yes, covering, state(NO, maker(NO, 20, 2_000)), now_ms=BEGIN_MS + 5_000)

    assert measured(alike) == (1_000, shares(6), 6 * YES_SHARE_NANOS, LegEnd.BOTH_LEGS)
    # 14 NO more than YES, and what was bought to cover YES is no help
    assert measured(turned) == (4_000, shares(14), 14 * NO_SHARE_NANOS, LegEnd.ONE_LEGGED)


def test_what_was_held_before_covers_nothing() -> None:
    hedge = attrs.evolve(intent(5, side=Side.NO), created_at_ms=BEGIN_MS - 5_000)
    risk = only_risk(state(hedge, maker(hedge, 20, 0)), state(YES, maker(YES, 20, 0)), state(NO))

    assert risk.end is LegEnd.WINDOW_END


def test_a_fill_covers_each_share_once_and_the_oldest_gap_first() -> None:
    second_yes, second_no = pair(3, MARKET)
    hedge = intent(9, side=Side.NO)
    risks = leg_risks(
        (
            state(YES, maker(YES, 15, 0)),
            state(NO),
            state(second_yes, maker(second_yes, 15, 0)),
            state(second_no),
            state(hedge, maker(hedge, 20, 0)),
        ),
        END_MS,
    )

    assert [risk.end for risk in risks] == [LegEnd.COVERED, LegEnd.WINDOW_END]


def test_a_fill_in_another_window_covers_nothing() -> None:
    elsewhere = intent(5, side=Side.NO, market=window(1))
    risk = only_risk(
        state(YES, maker(YES, 20, 0)), state(NO), state(elsewhere, maker(elsewhere, 20, 0))
    )

    assert risk.end is LegEnd.WINDOW_END


def test_a_fill_that_was_taken_back_never_counted() -> None:
    fill = maker(YES, 20, 0)
    taken_back = state(YES, fill, reversed_trade_ids=frozenset({fill.trade_id}))

    assert only_risk(taken_back, state(NO)).end is LegEnd.NOT_FILLED


def test_a_leg_without_its_partners_record_is_no_pair() -> None:
    assert leg_risks((state(YES, maker(YES, 20, 0)),), END_MS) == ()


# Against a slow model that looks at every millisecond

SPAN_MS = 60
PARTS = st.lists(
    st.tuples(st.sampled_from(Side), st.integers(0, SPAN_MS - 1), st.integers(1, 5)), max_size=8
)


def filled(parts: list[tuple[Side, int, int]], side: Side, until_ms: int) -> int:
    return sum(size for each, at_ms, size in parts if each is side and at_ms <= until_ms)


@given(PARTS, st.randoms(use_true_random=False))
def test_a_pair_by_itself_is_measured_like_a_model_that_looks_all_the_time(
    parts: list[tuple[Side, int, int]], chance: random.Random
) -> None:
    orders = [
        state(
            of,
            *(
                maker(of, size, at_ms, number)
                for number, (each, at_ms, size) in enumerate(parts)
                if each is of.side
            ),
        )
        for of in (YES, NO)
    ]
    chance.shuffle(orders)

    risk = only_risk(*orders, now_ms=BEGIN_MS + SPAN_MS)

    gaps = [filled(parts, Side.YES, ms) - filled(parts, Side.NO, ms) for ms in range(SPAN_MS)]
    assert risk.one_legged_ms == sum(gap != 0 for gap in gaps)
    assert risk.worst_units >= shares(max(map(abs, gaps)))
    assert (risk.end is LegEnd.ONE_LEGGED) == (gaps[-1] != 0)
    dearest = max(YES_SHARE_NANOS, NO_SHARE_NANOS)
    assert 0 <= risk.worst_nanos * 1_000_000 <= risk.worst_units * dearest

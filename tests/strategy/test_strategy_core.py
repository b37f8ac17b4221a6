from __future__ import annotations

import random
from typing import Any

import attrs
import pytest
from msgspec.structs import replace
from nouns import a_position
from strategy_builders import make_market, snapshot

from actors.core import Effects, Send, SetTimer
from actors.messages.execution import OpenOrders, OrderStatus, OwnOrder
from actors.messages.lifecycle import PeerRestarted, SettingsReplaced, Started, TimerFired
from actors.messages.market import MarketSnapshot, PublicTrade, SnapshotTaken
from actors.messages.position import Holding, PositionSnapshot
from actors.messages.strategy import CancelSignal, Evaluated, StopLossTriggered, TradeSignals
from actors.model import Action, Side, TimeInForce
from actors.roles import DESK, MARKET_STATE, OBSERVER, POSITION
from actors.settings import Settings, StrategySettings
from actors.strategy.contract import Cancel, Context, Decision, Strategy
from actors.strategy.core import ANSWER_WAIT_MS, MARKETS_KEPT, TOLD_EVERY_MS, StrategyCore
from actors.units import shares

MARKET_ID = make_market().market_id
CHEAP = snapshot(yes_ask=(350, 20), no_ask=(700, 20))
"""A market in which a flat position is begun with YES."""
NOW_MS = CHEAP.taken_at_ms


@pytest.fixture
def core() -> StrategyCore:
    """A strategy that knows nothing yet."""
    return new_core(seed=1)


def new_core(seed: int) -> StrategyCore:
    core = StrategyCore("strategy", Settings(), random.Random(seed))
    assert core.handle(Started(), NOW_MS) == []
    return core


def at(sequence: int, later_ms: int = 0, like: MarketSnapshot = CHEAP) -> MarketSnapshot:
    """The same market a little later, with everything in it as young as before."""
    now_ms = like.taken_at_ms + later_ms
    return replace(
        like,
        sequence=sequence,
        taken_at_ms=now_ms,
        yes=replace(like.yes, updated_at_ms=now_ms),
        no=replace(like.no, updated_at_ms=now_ms),
        reference_at_ms=now_ms,
    )


def with_yes_ask(price_ticks: int) -> MarketSnapshot:
    return replace(CHEAP, yes=replace(CHEAP.yes, asks=((price_ticks, shares(20)),)))


def held(version: int = 1, market_id: str = MARKET_ID, yes: int = 0) -> PositionSnapshot:
    """So many YES shares at an average of 400."""
    return a_position(
        market_id,
        version=version,
        yes=Holding(quantity_units=shares(yes), cost_nanos=400 * shares(yes)),
    )


def orders(
    *live: Side, answers: int = 0, is_stopped: bool = False, market_id: str = MARKET_ID
) -> OpenOrders:
    return OpenOrders(
        market_id=market_id,
        live=tuple((side, f"order_1_{side.value}") for side in live),
        is_stopped=is_stopped,
        answers_signals_id=answers,
    )


def said(effects: Effects, kind: type, to: str = DESK) -> list[Any]:
    return [
        effect.message
        for effect in effects
        if isinstance(effect, Send) and effect.to == to and isinstance(effect.message, kind)
    ]


def told(core: StrategyCore, position: PositionSnapshot, open_orders: OpenOrders) -> StrategyCore:
    assert said(core.handle(position, NOW_MS), TradeSignals) == []
    assert said(core.handle(open_orders, NOW_MS), TradeSignals) == []
    return core


def test_signals_go_to_the_desk_and_the_observer_and_the_snapshot_is_answered_last(
    core: StrategyCore,
) -> None:
    told(core, held(version=7), orders())
    effects = core.handle(replace(CHEAP, sequence=41), NOW_MS)
    (signals,) = said(effects, TradeSignals)
    assert said(effects, TradeSignals, OBSERVER) == [signals]
    assert effects[-1] == Send(MARKET_STATE, SnapshotTaken(41))
    assert (signals.market_id, signals.position_version) == (MARKET_ID, 7)
    assert (signals.snapshot_sequence, signals.snapshot_at_ms) == (41, NOW_MS)
    assert signals.tick_ns == CHEAP.tick_ns
    assert [signal.side for signal in signals.signals] == [Side.YES]
    assert signals.basis.startswith("YES bid none, ask 0.35 x 20")
    assert any(reason.startswith("hedging: ") for reason in signals.passed_over)


@pytest.mark.parametrize("missing", ["position", "orders", "snapshot"])
def test_nothing_is_said_before_all_three_inputs_are_there(
    core: StrategyCore, missing: str
) -> None:
    inputs = {"position": held(), "orders": orders(), "snapshot": CHEAP}
    last = inputs.pop(missing)
    for message in inputs.values():
        assert said(core.handle(message, NOW_MS), TradeSignals) == []
    assert not core.is_serving
    assert len(said(core.handle(last, NOW_MS), TradeSignals)) == 1
    assert core.is_serving


def test_position_and_orders_of_another_market_do_not_count(core: StrategyCore) -> None:
    core.handle(held(market_id="0xother"), NOW_MS)
    core.handle(orders(market_id="0xother"), NOW_MS)
    effects = core.handle(CHEAP, NOW_MS)
    assert effects == [Send(MARKET_STATE, SnapshotTaken(CHEAP.sequence))]
    assert not core.is_serving


def test_an_overtaken_snapshot_is_answered_and_changes_nothing(core: StrategyCore) -> None:
    told(core, held(), orders(Side.YES, Side.NO))
    core.handle(at(9, later_ms=50), NOW_MS + 50)
    late = at(8, later_ms=10, like=with_yes_ask(340))
    assert core.handle(late, NOW_MS + 70) == [Send(MARKET_STATE, SnapshotTaken(8))]
    (signals,) = said(core.handle(orders(), NOW_MS + 80), TradeSignals)
    assert signals.signals[0].price_ticks == 350


def test_a_new_market_state_counts_from_one_again_and_is_heard(core: StrategyCore) -> None:
    told(core, held(), orders(Side.YES, Side.NO))
    core.handle(at(500), NOW_MS)
    core.handle(at(1, later_ms=100, like=with_yes_ask(340)), NOW_MS + 100)
    (signals,) = said(core.handle(orders(), NOW_MS + 110), TradeSignals)
    assert (signals.snapshot_sequence, signals.signals[0].price_ticks) == (1, 340)


def test_an_older_position_does_not_replace_a_newer_one(core: StrategyCore) -> None:
    told(core, held(version=5), orders(Side.YES))
    core.handle(held(version=4, yes=50), NOW_MS)
    core.handle(CHEAP, NOW_MS)
    (signals,) = said(core.handle(orders(), NOW_MS), TradeSignals)
    assert signals.position_version == 5


# Pacing


def test_nothing_more_is_said_until_the_desk_has_answered(core: StrategyCore) -> None:
    told(core, held(), orders())
    effects = core.handle(at(1), NOW_MS)
    (first,) = said(effects, TradeSignals)
    assert SetTimer("answer", ANSWER_WAIT_MS) in effects
    better = at(2, later_ms=20, like=with_yes_ask(340))
    assert said(core.handle(better, NOW_MS + 20), TradeSignals) == []
    older_answer = orders(answers=first.signals_id - 1)
    assert said(core.handle(older_answer, NOW_MS + 30), TradeSignals) == []
    (second,) = said(core.handle(orders(answers=first.signals_id), NOW_MS + 40), TradeSignals)
    assert second.signals_id == first.signals_id + 1
    assert second.signals[0].price_ticks == 340


def test_a_lost_answer_silences_the_strategy_only_for_a_while(core: StrategyCore) -> None:
    told(core, held(), orders())
    (first,) = said(core.handle(CHEAP, NOW_MS), TradeSignals)
    # a timer may come a little early
    effects = core.handle(TimerFired("answer"), NOW_MS + ANSWER_WAIT_MS - 1)
    (again,) = said(effects, TradeSignals)
    assert again.signals_id == first.signals_id + 1
    assert again.signals[0].price_ticks == first.signals[0].price_ticks


def test_what_the_desk_took_is_not_said_again(core: StrategyCore) -> None:
    told(core, held(), orders())
    (first,) = said(core.handle(CHEAP, NOW_MS), TradeSignals)
    assert said(core.handle(orders(Side.YES, answers=first.signals_id), NOW_MS), object) == []
    assert said(core.handle(at(2, later_ms=900), NOW_MS + 900), TradeSignals) == []


def test_what_the_desk_refused_is_said_again_only_after_a_while(core: StrategyCore) -> None:
    told(core, held(), orders())
    (first,) = said(core.handle(CHEAP, NOW_MS), TradeSignals)
    refused = orders(answers=first.signals_id)
    assert said(core.handle(refused, NOW_MS + 5), TradeSignals) == []
    assert said(core.handle(at(2, later_ms=499), NOW_MS + 499), TradeSignals) == []
    assert len(said(core.handle(at(3, later_ms=500), NOW_MS + 500), TradeSignals)) == 1


def test_what_was_refused_as_stale_is_said_at_once_on_the_newer_position(
    core: StrategyCore,
) -> None:
    told(core, held(version=1), orders())
    (first,) = said(core.handle(CHEAP, NOW_MS), TradeSignals)
    core.handle(orders(answers=first.signals_id), NOW_MS + 5)
    (second,) = said(core.handle(held(version=2), NOW_MS + 6), TradeSignals)
    assert second.position_version == 2


def test_a_side_that_becomes_free_is_traded_without_waiting_for_a_snapshot(
    core: StrategyCore,
) -> None:
    told(core, held(), orders(Side.YES))
    core.handle(CHEAP, NOW_MS)
    (signals,) = said(core.handle(orders(), NOW_MS + 100), TradeSignals)
    assert signals.tick_ns == 0, "it was no tick that caused it"
    assert signals.snapshot_at_ms == NOW_MS + 100


def test_a_late_evaluation_sees_the_books_as_old_as_they_are(core: StrategyCore) -> None:
    told(core, held(), orders(Side.YES))
    core.handle(CHEAP, NOW_MS)
    assert said(core.handle(orders(), NOW_MS + 2_001), TradeSignals) == []


def test_a_new_desk_is_told_again(core: StrategyCore) -> None:
    told(core, held(), orders())
    core.handle(CHEAP, NOW_MS)
    assert len(said(core.handle(PeerRestarted(DESK), NOW_MS + 50), TradeSignals)) == 1
    assert core.handle(PeerRestarted(POSITION), NOW_MS + 60) == []


def test_ids_of_signals_differ_between_lives() -> None:
    ids = set()
    for seed in range(20):
        core = told(new_core(seed), held(), orders())
        (signals,) = said(core.handle(CHEAP, NOW_MS), TradeSignals)
        ids.add(signals.signals_id)
    assert len(ids) == 20


# Stop loss

FALLEN = snapshot(yes_bid=(200, 30), yes_ask=(210, 30), no_ask=(790, 20))


def test_a_stop_loss_is_told_to_desk_and_observer_and_nothing_else_is_said(
    core: StrategyCore,
) -> None:
    told(core, held(yes=50), orders())
    effects = core.handle(FALLEN, NOW_MS)
    (stop,) = said(effects, StopLossTriggered)
    assert said(effects, StopLossTriggered, OBSERVER) == [stop]
    assert (stop.side, stop.best_bid_ticks, stop.held_units) == (Side.YES, 200, shares(50))
    assert said(effects, TradeSignals) == []
    assert effects[-1] == Send(MARKET_STATE, SnapshotTaken(FALLEN.sequence))


def test_a_stop_loss_is_repeated_until_the_desk_shows_the_market_stopped(
    core: StrategyCore,
) -> None:
    told(core, held(yes=50), orders())
    (stop,) = said(core.handle(FALLEN, NOW_MS), StopLossTriggered)
    for repeat in range(1, 4):
        now_ms = NOW_MS + repeat * ANSWER_WAIT_MS
        recovered = at(1 + repeat, later_ms=repeat * ANSWER_WAIT_MS - 1)
        assert said(core.handle(recovered, now_ms - 1), object) == []
        effects = core.handle(TimerFired("stop-loss"), now_ms)
        assert effects == [Send(DESK, stop), SetTimer("stop-loss", ANSWER_WAIT_MS)]
    assert said(core.handle(orders(is_stopped=True), NOW_MS + 1_600), TradeSignals) == []
    assert core.handle(TimerFired("stop-loss"), NOW_MS + 2_000) == []
    assert said(core.handle(at(9, 2_100, like=FALLEN), NOW_MS + 2_100), object) == []


def test_a_stop_loss_is_judged_anew_on_a_newer_position(core: StrategyCore) -> None:
    told(core, held(version=1, yes=50), orders())
    (first,) = said(core.handle(FALLEN, NOW_MS), StopLossTriggered)
    (second,) = said(core.handle(held(version=2, yes=70), NOW_MS + 10), StopLossTriggered)
    assert (first.position_version, second.position_version) == (1, 2)
    assert second.held_units == shares(70)


def test_the_stop_loss_of_a_window_that_has_passed_is_forgotten(core: StrategyCore) -> None:
    told(core, held(yes=50), orders())
    core.handle(FALLEN, NOW_MS)
    following = attrs.evolve(CHEAP.market, market_id="0xnext")
    core.handle(at(2, 100, like=replace(CHEAP, market=following)), NOW_MS + 100)
    assert core.handle(TimerFired("stop-loss"), NOW_MS + 500) == []
    core.handle(held(market_id="0xnext", version=2), NOW_MS + 510)
    assert len(said(core.handle(orders(market_id="0xnext"), NOW_MS + 520), TradeSignals)) == 1


# What is kept


def test_only_the_last_few_markets_are_remembered(core: StrategyCore) -> None:
    told(core, held(), orders())
    core.handle(CHEAP, NOW_MS)
    for number in range(MARKETS_KEPT - 1):
        core.handle(held(version=2 + number, market_id=f"0x{number}"), NOW_MS)
    assert core.is_serving
    core.handle(held(version=99, market_id="0xlast"), NOW_MS)
    assert not core.is_serving


def test_the_diffusion_oracle_begins_to_work_a_minute_after_the_start() -> None:
    settings = Settings()
    settings = attrs.evolve(settings, strategy=attrs.evolve(settings.strategy, oracle="diffusion"))
    core = StrategyCore("strategy", settings, random.Random(1))
    told(core, held(), orders())
    first_said_s = None
    for second in range(90):
        jump = 10**18 * (second % 2)
        made = at(second + 1, later_ms=second * 1_000)
        made = replace(made, reference_e18=CHEAP.reference_e18 + jump)
        if said(core.handle(made, made.taken_at_ms), TradeSignals) and first_said_s is None:
            first_said_s = second
    assert first_said_s == 61  # the sixtieth second is over, and counts, when the next begins


# What people are told


def test_an_evaluation_is_told_to_people_with_its_reasons_and_the_model_once_a_second(
    core: StrategyCore,
) -> None:
    dear = snapshot(yes_ask=(620, 20), no_ask=(700, 20))
    told(core, held(), orders())
    (evaluated,) = said(core.handle(dear, NOW_MS), Evaluated, OBSERVER)
    assert evaluated.at_ms == NOW_MS
    assert (evaluated.is_final, evaluated.signals_count) == (False, 0)
    assert "bootstrap: YES ask 0.62 is not below the limit of 0.40" in str(evaluated.passed_over)
    assert evaluated.model_ticks == pytest.approx(500)
    soon = core.handle(at(8, TOLD_EVERY_MS - 1, dear), NOW_MS + TOLD_EVERY_MS - 1)
    assert said(soon, Evaluated, OBSERVER) == []
    later = core.handle(at(9, TOLD_EVERY_MS, dear), NOW_MS + TOLD_EVERY_MS)
    assert len(said(later, Evaluated, OBSERVER)) == 1


def test_an_evaluation_that_a_safety_stage_ends_says_so_and_names_the_stage_last(
    core: StrategyCore,
) -> None:
    told(core, held(), orders(is_stopped=True))
    (evaluated,) = said(core.handle(CHEAP, NOW_MS), Evaluated, OBSERVER)
    assert evaluated.is_final
    assert evaluated.passed_over[-1] == "readiness: the desk has stopped this window"


def test_people_are_told_again_after_the_clock_was_set_back(core: StrategyCore) -> None:
    told(core, held(), orders(Side.YES, Side.NO))
    assert said(core.handle(CHEAP, NOW_MS), Evaluated, OBSERVER)
    core.clock_set_back(60_000)
    assert said(
        core.handle(at(9, TOLD_EVERY_MS - 60_000), NOW_MS + TOLD_EVERY_MS - 60_000),
        Evaluated,
        OBSERVER,
    )


def test_what_people_are_told_comes_after_what_the_desk_is_told(core: StrategyCore) -> None:
    told(core, held(), orders())
    effects = core.handle(CHEAP, NOW_MS)
    kinds = [type(effect.message) for effect in effects if isinstance(effect, Send)]
    assert kinds.index(TradeSignals) < kinds.index(Evaluated)


class Remembering(Strategy):
    """Counts its evaluations, and wants an order taken back."""

    def evaluate(self, context: Context) -> Decision:
        count = context.memory + 1 if isinstance(context.memory, int) else 1
        trades = sum(trade.size_units for trade in context.trades)
        return Decision(
            cancels=tuple(Cancel(order_id=each.order_id, reason="r") for each in context.orders),
            reasons=(f"{count}, {trades}, {len(context.orders)}",),
            memory=count,
        )


def given(strategy: object) -> StrategyCore:
    """A core with another strategy, as if the settings had named it."""
    core = new_core(seed=1)
    vars(core)["_strategy"] = strategy
    return core


def traded(sequence: int, later_ms: int, units: int) -> MarketSnapshot:
    trade = PublicTrade(
        side=Side.YES, price_ticks=400, size_units=units, taker_buys=True, timestamp_ms=NOW_MS
    )
    return replace(at(sequence, later_ms), trades=(trade,))


def own_order(order_id: str, *, is_cancelling: bool = False) -> OwnOrder:
    return OwnOrder(
        order_id=order_id,
        side=Side.YES,
        action=Action.BUY,
        price_ticks=400,
        size_units=shares(5),
        filled_units=0,
        time_in_force=TimeInForce.GTC,
        is_post_only=True,
        status=OrderStatus.ACCEPTED,
        created_at_ms=NOW_MS,
        expires_at_ms=NOW_MS + 1,
        is_cancelling=is_cancelling,
    )


def test_a_strategy_is_shown_every_trade_once_and_what_it_wanted_to_remember() -> None:
    core = given(Remembering())
    core.handle(traded(1, 0, units=7), NOW_MS)
    core.handle(held(), NOW_MS)
    (first,) = said(core.handle(orders(), NOW_MS), Evaluated, OBSERVER)
    assert first.passed_over == ("1, 7, 0",)
    core.handle(traded(2, 10, units=3), NOW_MS + 10)
    later_ms = NOW_MS + TOLD_EVERY_MS
    (second,) = said(core.handle(traded(3, TOLD_EVERY_MS, units=2), later_ms), Evaluated, OBSERVER)
    assert second.passed_over == ("3, 2, 0",)


def test_memory_is_of_one_window() -> None:
    core = given(Remembering())
    told(core, held(), orders())
    core.handle(at(1), NOW_MS)
    other = attrs.evolve(CHEAP.market, market_id="0xother")
    core.handle(held(market_id="0xother"), NOW_MS)
    core.handle(orders(market_id="0xother"), NOW_MS)
    next_window = replace(at(2, TOLD_EVERY_MS), market=other)
    (seen,) = said(core.handle(next_window, NOW_MS + TOLD_EVERY_MS), Evaluated, OBSERVER)
    assert seen.passed_over == ("1, 0, 0",)


def test_cancels_are_said_and_wait_for_their_answer() -> None:
    core = given(Remembering())
    told(core, held(), orders())
    core.handle(at(1), NOW_MS)
    resting = attrs.evolve(orders(Side.YES), working=(own_order("order_1_YES"),))
    (wanted,) = said(core.handle(resting, NOW_MS), TradeSignals)
    assert (wanted.signals, wanted.cancels) == ((), (CancelSignal("order_1_YES", "r"),))
    assert said(core.handle(at(2, 10), NOW_MS + 10), TradeSignals) == []


def test_how_far_an_order_has_come_is_no_reason_to_decide_again() -> None:
    core = given(Remembering())
    told(core, held(), orders(Side.YES))
    core.handle(at(1), NOW_MS)
    moved = attrs.evolve(orders(Side.YES), working=(own_order("order_1_YES"),))
    assert core.handle(moved, NOW_MS) == []


class Wrong(Strategy):
    """Answers what is no decision."""

    def evaluate(self, context: Context) -> Decision:
        del context
        return None  # type: ignore[return-value]  # what such a strategy does


def test_what_is_no_decision_brings_the_actor_down() -> None:
    core = given(Wrong())
    core.handle(held(), NOW_MS)
    core.handle(orders(), NOW_MS)
    with pytest.raises(TypeError, match=r"Wrong\.evaluate returned NoneType, and no Decision"):
        core.handle(at(1), NOW_MS)


class Leaving(Strategy):
    """Wants its process to end."""

    def evaluate(self, context: Context) -> Decision:
        del context
        raise SystemExit(0)


def test_a_strategy_that_wants_its_process_to_end_only_brings_its_actor_down() -> None:
    core = given(Leaving())
    core.handle(held(), NOW_MS)
    core.handle(orders(), NOW_MS)
    with pytest.raises(RuntimeError, match=r"Leaving\.evaluate raised SystemExit"):
        core.handle(at(1), NOW_MS)


def test_settings_that_are_replaced_decide_at_once_and_what_is_known_of_the_market_stays(
    core: StrategyCore,
) -> None:
    told(core, held(), orders())
    (before,) = said(core.handle(CHEAP, NOW_MS), TradeSignals)
    core.handle(orders(answers=before.signals_id), NOW_MS)
    smaller = Settings(number=2, strategy=StrategySettings(max_trade_shares=7))
    (after,) = said(core.handle(SettingsReplaced(smaller), NOW_MS), TradeSignals)
    assert [before.signals[0].size_units, after.signals[0].size_units] == [shares(20), shares(7)]
    assert [before.settings_number, after.settings_number] == [0, 2]
    assert core.is_serving

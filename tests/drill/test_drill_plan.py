from __future__ import annotations

import importlib
import pkgutil

import attrs
import pytest

import actors
from actors.messages.execution import OrderStatus
from actors.runtime.pause_points import HANDLING
from understudy.commands.drill import DEFAULT_KILLS
from understudy.composition import ACTORS
from understudy.drill.plan import DECK, LIVE_DECK, ORDER, TARGETS, Means, plan

ROLES = set(ACTORS)


@pytest.mark.parametrize("seed", range(20))
def test_the_whole_deck_strikes_everything_there_is(seed: int) -> None:
    blows = [step.blow for step in plan(DEFAULT_KILLS, seed)]
    assert sorted(map(repr, blows)) == sorted(map(repr, DECK))
    assert {blow.target for blow in blows} >= ROLES
    assert {blow.means for blow in blows} == set(Means)
    for means in (Means.RAISE, Means.LOOP):
        assert {blow.target for blow in blows if blow.means is means} == {*ROLES, ORDER}


def test_the_same_seed_gives_the_same_drill_and_another_a_different_one() -> None:
    assert list(plan(40, 7)) == list(plan(40, 7))
    assert list(plan(40, 7)) != list(plan(40, 8))


def test_a_longer_drill_begins_like_a_shorter_one() -> None:
    assert list(plan(40, 7))[:12] == list(plan(12, 7))


def test_only_the_chosen_are_struck_and_as_often_as_asked() -> None:
    blows = [step.blow for step in plan(25, 3, ("desk", "order"))]
    assert len(blows) == 25
    assert {blow.target for blow in blows} == {"desk", "order"}


def test_no_card_comes_again_before_the_deck_is_through() -> None:
    first = [step.blow for step in plan(len(DECK) + 8, 5)][: len(DECK)]
    assert len(set(first)) == len(DECK)


def recorded_and_sent() -> set[str]:
    """Names of every attrs class of the actors: what a core records or sends is one of them."""
    names = set()
    for found in pkgutil.walk_packages(actors.__path__, "actors."):
        module = importlib.import_module(found.name)
        names |= {name for name, value in vars(module).items() if attrs.has(value)}
    return names


POINTS = dict.fromkeys(
    blow.point
    for blow in (*DECK, *LIVE_DECK)
    if blow.point and not blow.point.endswith(f"/{HANDLING}")
)


@pytest.mark.parametrize("point", POINTS)
def test_every_pause_point_of_the_deck_names_an_actor_and_what_it_records_or_sends(
    point: str,
) -> None:
    who, moment, class_name, *status = point.split("/")
    assert who in {ORDER, *ROLES}
    assert moment in {"recorded", "sending"}
    assert class_name in recorded_and_sent()
    assert {OrderStatus(each) for each in status} <= set(OrderStatus)


def test_live_orders_are_struck_at_the_moments_of_the_executor_that_sends_them() -> None:
    dealt = {step.blow for step in plan(len(LIVE_DECK), 7, deck=LIVE_DECK)}
    points = {blow.point for blow in dealt if blow.point.startswith("executor/recorded/")}
    names = {"OrderSubmitted", "OrderSigned", "PostAnswered", "TradeSeen"}
    assert points == {f"executor/recorded/{name}" for name in names}
    assert {blow.target for blow in dealt} == set(TARGETS)


def test_every_target_is_named_once() -> None:
    assert len(set(TARGETS)) == len(TARGETS) == 16

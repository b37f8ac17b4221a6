from __future__ import annotations

import importlib
import pkgutil

import attrs
import msgspec
import pytest

import actors
from actors.messages.execution import OrderStatus
from actors.runtime.pause_points import HANDLING
from understudy.commands.drill import DEFAULT_KILLS
from understudy.composition import ACTORS
from understudy.drill.plan import INJECTIONS, ORDER, REAL_INJECTIONS, TARGETS, Means, plan

ROLES = set(ACTORS)


@pytest.mark.parametrize("seed", range(20))
def test_the_whole_deck_strikes_everything_there_is(seed: int) -> None:
    injections = [step.injection for step in plan(DEFAULT_KILLS, seed)]
    assert sorted(map(repr, injections)) == sorted(map(repr, INJECTIONS))
    assert {injection.target for injection in injections} >= ROLES
    assert {injection.means for injection in injections} == set(Means)
    for means in (Means.RAISE, Means.LOOP):
        assert {injection.target for injection in injections if injection.means is means} == {
            *ROLES,
            ORDER,
        }


def test_the_same_seed_gives_the_same_drill_and_another_a_different_one() -> None:
    assert list(plan(40, 7)) == list(plan(40, 7))
    assert list(plan(40, 7)) != list(plan(40, 8))


def test_a_longer_drill_begins_like_a_shorter_one() -> None:
    assert list(plan(40, 7))[:12] == list(plan(12, 7))


def test_only_the_chosen_are_struck_and_as_often_as_asked() -> None:
    injections = [step.injection for step in plan(25, 3, ("desk", "order"))]
    assert len(injections) == 25
    assert {injection.target for injection in injections} == {"desk", "order"}


def test_no_card_comes_again_before_the_deck_is_through() -> None:
    first = [step.injection for step in plan(len(INJECTIONS) + 8, 5)][: len(INJECTIONS)]
    assert len(set(first)) == len(INJECTIONS)


def is_value_class(value: object) -> bool:
    return isinstance(value, type) and (attrs.has(value) or issubclass(value, msgspec.Struct))


def recorded_and_sent() -> set[str]:
    """Names of every value's class of the actors: what a core records or sends is one of them."""
    names = set()
    for found in pkgutil.walk_packages(actors.__path__, "actors."):
        module = importlib.import_module(found.name)
        names |= {name for name, value in vars(module).items() if is_value_class(value)}
    return names


POINTS = dict.fromkeys(
    injection.point
    for injection in (*INJECTIONS, *REAL_INJECTIONS)
    if injection.point and not injection.point.endswith(f"/{HANDLING}")
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
    dealt = {step.injection for step in plan(len(REAL_INJECTIONS), 7, injections=REAL_INJECTIONS)}
    points = {
        injection.point for injection in dealt if injection.point.startswith("executor/recorded/")
    }
    names = {"OrderSubmitted", "OrderSigned", "PostAnswered", "TradeSeen"}
    assert points == {f"executor/recorded/{name}" for name in names}
    assert {injection.target for injection in dealt} == set(TARGETS)


def test_every_target_is_named_once() -> None:
    assert len(set(TARGETS)) == len(TARGETS) == 16

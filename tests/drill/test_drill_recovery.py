from __future__ import annotations

import attrs
import pytest
from drill_builders import row, seen

from actors.runtime.pause_points import Held
from actors.supervision.messages import ChildReport, ChildState
from understudy.drill.plan import Injection, Step
from understudy.drill.recovery import Aim, aim, aim_at_actor, served_since_ms, unserved
from understudy.drill.system import PERMANENT, DrilledSystem, Seen

NOW_MS = 9_000


class FakeSystem:
    """A system of fixed process ids: 1 is the foreground, 2 the admin, 3 the supervisor."""

    foreground_pid = 1

    def pids(self) -> frozenset[int]:
        return frozenset({1, 2, 3, 4})

    def logger_pid(self, _seen: Seen) -> int | None:
        return 4


def aim_at(
    target: str, view: Seen, *, held: Held | None = None, orders: frozenset[str] = frozenset()
) -> Aim | None:
    system: DrilledSystem = FakeSystem()  # type: ignore[assignment] # it is asked for pids only
    return aim(Step(Injection(target), 0.0, pick=5), held, system, view, orders)


@pytest.mark.parametrize(
    ("target", "hit"),
    [
        ("foreground", {1}),
        ("admin", {2}),
        ("supervisor", {3}),
        ("logger", {4}),
        ("everything", {1, 2, 3, 4}),
        ("observer", {100}),
        ("position", {101}),
    ],
)
def test_a_blow_hits_the_processes_of_its_target(target: str, hit: set[int]) -> None:
    aimed = aim_at(target, seen())
    assert aimed is not None
    assert aimed.hit == hit


@pytest.mark.parametrize("target", ["foreground", "admin", "supervisor", "everything"])
def test_who_takes_all_actors_along_must_be_followed_by_successors_of_all(target: str) -> None:
    aimed = aim_at(target, seen())
    assert aimed is not None
    assert aimed.roles == set(PERMANENT)
    assert aimed.gone >= {child.pid for child in seen().children}


def test_an_order_is_picked_from_those_that_have_not_ended() -> None:
    view = seen(row("order/a", 7), row("order/b", 8))
    aimed = aim_at("order", view, orders=frozenset({"b"}))
    assert aimed == Aim(hit=frozenset({8}), gone=frozenset({8}), roles=frozenset({"order/b"}))
    assert aim_at("order", view) is None


def test_whoever_is_held_at_the_point_is_hit_even_if_it_is_not_seen_yet() -> None:
    aimed = aim_at("order", seen(), held=Held(77, "order/new"))
    assert aimed == Aim(hit=frozenset({77}), gone=frozenset({77}), roles=frozenset({"order/new"}))


def test_another_actor_held_at_the_point_only_says_when() -> None:
    aimed = aim_at("observer", seen(), held=Held(77, "directory"))
    assert aimed is not None
    assert aimed.hit == {100}


def test_one_of_the_series_is_struck_where_several_have_such_an_actor() -> None:
    series = seen(row("strategy/eth-5m", 200), row("strategy/sol-5m", 201), without="strategy")
    aimed = aim_at("strategy", series)
    assert aimed is not None
    assert aimed.hit == {201}
    assert aimed.roles == {"strategy/sol-5m"}


@pytest.mark.parametrize("gap", [seen(without="desk"), seen(row("desk", 0), without="desk")])
def test_nobody_is_hit_where_nobody_is(gap: Seen) -> None:
    assert aim_at("desk", gap) is None


def test_all_who_live_in_the_struck_process_must_come_back() -> None:
    together = [row(role, 9) for role in ("desk", "strategy")]
    view = attrs.evolve(seen(without="desk"), children=(*together, row("order/a", 9)))
    aimed = aim_at("desk", view)
    assert aimed is not None
    assert (aimed.hit, aimed.roles) == ({9}, {"desk", "strategy", "order/a"})


def test_an_actor_that_was_made_to_raise_is_back_in_its_process_with_a_newer_generation() -> None:
    aimed = aim_at_actor("desk", seen())
    assert served_since_ms(aimed, seen(), [], NOW_MS) is None
    newer = seen(row("desk", 105, generation=2, serving_since_ms=8_000), without="desk")
    assert served_since_ms(aimed, newer, [], NOW_MS) == 8_000


def fallen(*roles: str) -> Aim:
    return Aim(hit=frozenset({5}), gone=frozenset({5}), roles=frozenset(roles))


@pytest.mark.parametrize(
    ("desk", "since_ms"),
    [
        pytest.param(row("desk", 200, serving_since_ms=8_000), 8_000, id="a successor serves"),
        pytest.param(row("desk", 5), None, id="the struck is still shown"),
        pytest.param(
            row("desk", 200, state=ChildState.WAITING), None, id="the successor lacks something"
        ),
    ],
)
def test_a_role_is_served_again_since_its_successor_serves(
    desk: ChildReport, since_ms: int | None
) -> None:
    view = seen(desk, without="desk")
    assert served_since_ms(fallen("desk"), view, [], NOW_MS) == since_ms


def test_all_roles_are_served_since_the_last_of_them_is() -> None:
    view = seen(row("desk", 200, serving_since_ms=8_000), without="desk")
    assert served_since_ms(fallen(*PERMANENT), view, [], NOW_MS) == 8_000


def test_an_order_that_has_closed_its_record_needs_no_successor() -> None:
    assert served_since_ms(fallen("order/a"), seen(), ["a"], NOW_MS) is None
    assert served_since_ms(fallen("order/a"), seen(), [], NOW_MS) == NOW_MS


def test_a_system_is_whole_when_every_role_serves_and_every_open_order_is_lived() -> None:
    assert not unserved(seen(), [])
    assert unserved(seen(without="strategy"), []) == {"strategy"}
    assert unserved(seen(), ["a"]) == {"order/a"}
    assert not unserved(seen(row("order/a", 7)), ["a"])

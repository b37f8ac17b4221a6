"""Falls as people are told of them: when, of whom, and when the successor served."""

from __future__ import annotations

from troupe_stage import Troupe

from actors.messages.lifecycle import ActorFell, ServingChanged
from actors.supervision.falls import FALLS_KEPT
from actors.supervision.layouts import Layout
from actors.supervision.messages import Fall

SHARED = Layout(
    processes=(("market", ("market-state", "strategy")), ("orders", ())), orders_in="orders"
)


def falls(troupe: Troupe) -> tuple[Fall, ...]:
    return troupe.core.report(0, troupe.now_ms).falls


def serve(troupe: Troupe, role: str, at_ms: int) -> None:
    troupe.now_ms = at_ms
    troupe.say(role, ServingChanged(role, True))


def test_a_fall_is_told_with_its_time_and_when_the_role_served_again() -> None:
    troupe = Troupe("desk", "strategy")
    pid = 1000 + troupe.handles["strategy"]
    troupe.now_ms = 5_000
    troupe.fall("strategy")
    (fall,) = falls(troupe)
    assert (fall.name, fall.pid, fall.at_ms, fall.served_again_at_ms) == ("strategy", pid, 5_000, 0)
    serve(troupe, "strategy", 5_050)
    troupe.now_ms = 9_000
    troupe.say("strategy", ServingChanged("strategy", False))
    serve(troupe, "strategy", 9_100)
    assert falls(troupe)[0].served_again_at_ms == 5_050


def test_a_process_serves_again_when_all_of_its_actors_do() -> None:
    troupe = Troupe(layout=SHARED)
    troupe.now_ms = 1_000
    troupe.fall("market")
    assert falls(troupe)[0].roles == ("market-state", "strategy")
    serve(troupe, "market-state", 1_050)
    assert falls(troupe)[0].served_again_at_ms == 0
    serve(troupe, "strategy", 1_080)
    assert falls(troupe)[0].served_again_at_ms == 1_080


def test_an_actor_that_falls_alone_is_told_with_its_reason() -> None:
    troupe = Troupe(layout=SHARED)
    serve(troupe, "market-state", 10)
    serve(troupe, "strategy", 10)
    troupe.now_ms = 1_000
    troupe.say("strategy", ActorFell("strategy", 1, "ValueError: odd"))
    (fall,) = falls(troupe)
    assert (fall.name, fall.reason, fall.served_again_at_ms) == ("strategy", "ValueError: odd", 0)
    serve(troupe, "strategy", 1_020)
    assert falls(troupe)[0].served_again_at_ms == 1_020


def test_a_process_without_permanent_actors_serves_with_its_first_word() -> None:
    troupe = Troupe(layout=SHARED)
    troupe.now_ms = 2_000
    troupe.fall("orders")
    assert falls(troupe)[0].served_again_at_ms == 2_000


def test_only_the_newest_falls_are_told_and_all_are_counted() -> None:
    troupe = Troupe("desk", "strategy")
    for number in range(FALLS_KEPT + 3):
        troupe.now_ms = number * 100_000
        troupe.fall("strategy")
    assert len(falls(troupe)) == FALLS_KEPT
    assert troupe.core.report(0, troupe.now_ms).restarts == {"strategy": FALLS_KEPT + 3}

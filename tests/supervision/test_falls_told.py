"""Falls as people are told of them: when, of whom, and when the successor served."""

from __future__ import annotations

from supervised_stage import SupervisedActors

from actors.messages.lifecycle import ActorFell, ServingChanged
from actors.supervision.crash_history import FALLS_KEPT
from actors.supervision.layouts import Layout
from actors.supervision.messages import Fall

SHARED = Layout(
    processes=(("market", ("market-state", "strategy")), ("orders", ())), orders_in="orders"
)


def falls(supervised: SupervisedActors) -> tuple[Fall, ...]:
    return supervised.core.report(0, supervised.now_ms).falls


def serve(supervised: SupervisedActors, role: str, at_ms: int) -> None:
    supervised.now_ms = at_ms
    supervised.say(role, ServingChanged(role, True))


def test_a_fall_is_told_with_its_time_and_when_the_role_served_again() -> None:
    supervised = SupervisedActors("desk", "strategy")
    pid = 1000 + supervised.handles["strategy"]
    supervised.now_ms = 5_000
    supervised.fall("strategy")
    (fall,) = falls(supervised)
    assert (fall.name, fall.pid, fall.at_ms, fall.served_again_at_ms) == ("strategy", pid, 5_000, 0)
    serve(supervised, "strategy", 5_050)
    supervised.now_ms = 9_000
    supervised.say("strategy", ServingChanged("strategy", False))
    serve(supervised, "strategy", 9_100)
    assert falls(supervised)[0].served_again_at_ms == 5_050


def test_a_process_serves_again_when_all_of_its_actors_do() -> None:
    supervised = SupervisedActors(layout=SHARED)
    supervised.now_ms = 1_000
    supervised.fall("market")
    assert falls(supervised)[0].roles == ("market-state", "strategy")
    serve(supervised, "market-state", 1_050)
    assert falls(supervised)[0].served_again_at_ms == 0
    serve(supervised, "strategy", 1_080)
    assert falls(supervised)[0].served_again_at_ms == 1_080


def test_an_actor_that_falls_alone_is_told_with_its_reason() -> None:
    supervised = SupervisedActors(layout=SHARED)
    serve(supervised, "market-state", 10)
    serve(supervised, "strategy", 10)
    supervised.now_ms = 1_000
    supervised.say("strategy", ActorFell("strategy", 1, "ValueError: odd"))
    (fall,) = falls(supervised)
    assert (fall.name, fall.reason, fall.served_again_at_ms) == ("strategy", "ValueError: odd", 0)
    serve(supervised, "strategy", 1_020)
    assert falls(supervised)[0].served_again_at_ms == 1_020


def test_an_actor_that_served_before_its_fall_was_heard_of_did_not_serve_before_it() -> None:
    supervised = SupervisedActors(layout=SHARED)
    serve(supervised, "market-state", 10)
    serve(supervised, "strategy", 10)
    supervised.now_ms = 1_000
    supervised.say("strategy", ActorFell("strategy", 1, "ValueError: odd"))
    serve(supervised, "strategy", 990)
    assert falls(supervised)[0].served_again_at_ms == 1_000


def test_a_process_without_permanent_actors_serves_with_its_first_word() -> None:
    supervised = SupervisedActors(layout=SHARED)
    supervised.now_ms = 2_000
    supervised.fall("orders")
    assert falls(supervised)[0].served_again_at_ms == 2_000


def test_only_the_newest_falls_are_told_and_all_are_counted() -> None:
    supervised = SupervisedActors("desk", "strategy")
    for number in range(FALLS_KEPT + 3):
        supervised.now_ms = number * 100_000
        supervised.fall("strategy")
    assert len(falls(supervised)) == FALLS_KEPT
    assert supervised.core.report(0, supervised.now_ms).restarts == {"strategy": FALLS_KEPT + 3}

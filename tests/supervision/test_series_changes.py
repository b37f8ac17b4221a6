"""Series that are added and dropped while everything else goes on."""

from __future__ import annotations

from supervised_stage import SupervisedActors, alone, kills, pong, pulse, spawned, told

from actors.messages.lifecycle import Ping
from actors.runtime.messages import EndActor, StartActor
from actors.supervision.layouts import Layout
from actors.supervision.messages import SupervisorEffect

BTC, ETH = "strategy/btc-15m", "strategy/eth-5m"


def shared(*roles: str) -> Layout:
    return Layout(processes=(("trading", roles),), orders_in="trading")


def change(supervised: SupervisedActors, layout: Layout) -> list[SupervisorEffect]:
    supervised.layout = layout
    return supervised.follow(supervised.core.settings_changed(layout, supervised.now_ms))


def roles(supervised: SupervisedActors) -> set[str]:
    return {row.role for row in supervised.core.report(0, supervised.now_ms).children}


def test_an_added_series_has_its_processes_made_and_no_other_is_touched() -> None:
    supervised = SupervisedActors("desk", BTC)
    effects = change(supervised, alone("desk", BTC, ETH))
    assert spawned(effects) == [ETH]
    assert kills(effects) == []
    assert roles(supervised) >= {"desk", BTC, ETH}


def test_a_dropped_series_has_its_processes_ended_and_that_is_no_fall() -> None:
    supervised = SupervisedActors("desk", BTC, ETH)
    handle = supervised.handles[ETH]
    effects = change(supervised, alone("desk", BTC))
    assert kills(effects) == [1000 + handle]
    assert spawned(supervised.core.child_exited(handle, 1)) == []
    assert supervised.core.report(0, 1).restarts == {}
    assert ETH not in roles(supervised)


def test_a_dropped_process_that_was_never_heard_of_is_ended_when_it_is_known() -> None:
    supervised = SupervisedActors("desk", BTC, ETH, mute=(ETH,))
    supervised.core._children[ETH].pid = 0
    assert kills(change(supervised, alone("desk", BTC))) == []
    supervised.core.child_forked(supervised.handles[ETH], 77)
    assert kills(supervised.tick(500)) == [77]


def test_in_a_shared_process_actors_are_started_and_ended_until_it_shows_that() -> None:
    supervised = SupervisedActors(layout=shared("desk", BTC))
    effects = change(supervised, shared("desk", ETH))
    assert [each.message for each in told(effects, StartActor)] == [StartActor(ETH)]
    assert [each.message for each in told(effects, EndActor)] == [EndActor(BTC)]
    (ping, *_) = told(supervised.tick(500), Ping)
    number = ping.message.number  # type: ignore[attr-defined] # of a Ping
    late = pong("trading", pulse("desk"), pulse(BTC), number=number, book_version=99)
    again = supervised.say("trading", late)
    assert [each.message for each in told(again, EndActor)] == [EndActor(BTC)]
    assert roles(supervised) == {"desk", ETH}

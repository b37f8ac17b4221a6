"""A strategy that falls too often ends its series, and nothing else."""

from __future__ import annotations

from supervised_stage import SupervisedActors, pong, spawned, told

from actors.messages.halts import STRATEGY_FALLS, HaltTrading
from actors.messages.lifecycle import ActorFell
from actors.roles import DESK, STRATEGY
from actors.runtime.messages import StartActor
from actors.supervision.layouts import GROUPED, layout_of
from actors.supervision.messages import ChildState, Kill, Say, SupervisorEffect

ROLES = (DESK, "strategy/btc-5m", "strategy/eth-5m", "market-state/btc-5m", "market-state/eth-5m")
BTC = "strategy/btc-5m"


def raises(supervised: SupervisedActors, role: str, count: int) -> list[SupervisorEffect]:
    """A core raises once more; returns what follows, with its next start."""
    fell = ActorFell(role, count, "ZeroDivisionError: division by zero")
    effects = supervised.say(role, fell)
    return effects + supervised.tick(400)


def halts(effects: list[SupervisorEffect]) -> list[HaltTrading]:
    return [each.message for each in told(effects, HaltTrading)]  # type: ignore[misc] # of one


def sentences(effects: list[SupervisorEffect]) -> list[str]:
    return [each.text for each in effects if isinstance(each, Say) and each.level == "error"]


def test_a_strategy_that_goes_on_raising_is_given_up_and_its_series_halted() -> None:
    supervised = SupervisedActors(*ROLES)
    for count in range(1, 6):
        assert halts(raises(supervised, BTC, count)) == []
    effects = supervised.say(BTC, ActorFell(BTC, 6, "ZeroDivisionError: division by zero"))
    (sentence,) = sentences(effects)
    assert sentence == (
        "the strategy is given up: strategy/btc-5m crashed 6 times in 60 s, at last because "
        "ZeroDivisionError: division by zero; its series is halted until the strategy is "
        "fixed and trading is resumed"
    )
    (halt,) = halts(effects)
    assert (halt.series, halt.who, halt.cancel) == ("btc-5m", STRATEGY_FALLS, True)
    row = supervised.row(BTC)
    assert row is not None
    assert row.state is ChildState.GIVEN_UP
    assert supervised.escalation == ""


def test_it_is_not_made_again_the_desk_hears_each_beat_and_others_trade_on() -> None:
    supervised = SupervisedActors(*ROLES)
    for count in range(1, 7):
        raises(supervised, BTC, count)
    effects = supervised.tick(10_000)
    starts = [each.message.role for each in told(effects, StartActor)]  # type: ignore[attr-defined]
    assert BTC not in starts
    assert [halt.series for halt in halts(effects)] == ["btc-5m"]
    for role in ROLES:
        supervised.say(role, pong(role))
    again = raises(supervised, "strategy/eth-5m", 1)
    started = [each.message.role for each in told(again, StartActor)]  # type: ignore[attr-defined]
    assert "strategy/eth-5m" in started


def hangs(supervised: SupervisedActors, silent: str) -> list[SupervisorEffect]:
    """All but one answer each beat, until that one is killed; returns what its exit leads to."""
    for _ in range(40):
        for name in (*ROLES, "orders"):
            if name != silent:
                supervised.say(name, pong(name))
        if any(isinstance(each, Kill) for each in supervised.tick(500)):
            return supervised.fall(silent)
    raise AssertionError(f"{silent} was never killed")


def test_a_strategy_that_hangs_again_and_again_is_given_up_with_its_process() -> None:
    supervised = SupervisedActors(*ROLES)
    for _ in range(5):
        assert sentences(hangs(supervised, BTC)) == []
    effects = hangs(supervised, BTC)
    assert "at last because it hung and was killed" in sentences(effects)[0]
    row = supervised.row(BTC)
    assert row is not None
    assert row.state is ChildState.GIVEN_UP
    assert supervised.core.next_tick_ms(supervised.now_ms) is None
    assert BTC not in spawned(supervised.tick(10_000))
    assert supervised.escalation == ""


def test_a_strategy_that_shares_its_process_cannot_be_given_up_with_it() -> None:
    layout = layout_of(GROUPED, (DESK, STRATEGY, "market-state"), is_live=False)
    supervised = SupervisedActors(layout=layout)
    for _ in range(6):
        supervised.fall("trading")
        supervised.tick(5_000)
        supervised.say("trading", pong("trading"))
    assert supervised.escalation == "trading crashed 6 times in 60 s"


def test_grouped_a_strategy_may_live_alone() -> None:
    roles = (DESK, STRATEGY, "market-state", "market-feed")
    layout = layout_of(GROUPED, roles, is_live=False, is_strategy_alone=True)
    assert dict(layout.processes)["trading"] == (DESK, "market-state", "market-feed")
    assert dict(layout.processes)[STRATEGY] == (STRATEGY,)

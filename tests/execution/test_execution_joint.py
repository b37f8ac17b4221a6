"""Desk, Orders, simulated executor and a position together, while anything may fail."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from storm import LEGS, PRICES, Storm

from actors.model import Side

index = st.integers(0, 10_000)
levels = st.dictionaries(st.sampled_from(PRICES), st.integers(1, 25), max_size=3)


class JointMachine(RuleBasedStateMachine):
    """Searches for the shortest story that loses or doubles an order."""

    def __init__(self) -> None:
        super().__init__()
        self.storm = Storm()

    @rule(sides=st.sampled_from(LEGS), is_late=st.booleans())
    def signal(self, sides: tuple[Side, ...], is_late: bool) -> None:
        self.storm.signal(sides, is_late=is_late)

    @rule(yes=levels, no=levels)
    def show(self, yes: dict[int, int], no: dict[int, int]) -> None:
        self.storm.show(yes, no)

    @rule(rounds=st.integers(1, 12))
    def go_on(self, rounds: int) -> None:
        self.storm.go_on(rounds)

    @rule()
    def close_window(self) -> None:
        self.storm.close_window()

    @rule(at=index)
    def deliver(self, at: int) -> None:
        self.storm.deliver(at)

    @rule(at=index)
    def lose(self, at: int) -> None:
        self.storm.lose(at)

    @rule(at=index)
    def double(self, at: int) -> None:
        self.storm.double(at)

    @rule(at=index)
    def copy_late(self, at: int) -> None:
        self.storm.copy_late(at)

    @rule(at=index)
    def kill(self, at: int) -> None:
        self.storm.kill(at)

    @rule(at=index, effects=st.integers(0, 6))
    def die_half_way(self, at: int, effects: int) -> None:
        self.storm.deliver(at, dies_after=effects)

    @rule(error_ms=st.integers(-30_000, 30_000))
    def set_clock(self, error_ms: int) -> None:
        self.storm.set_clock(error_ms)

    @rule()
    def revive(self) -> None:
        self.storm.stage.revive()

    @invariant()
    def all_is_well(self) -> None:
        self.storm.check()

    def teardown(self) -> None:
        self.storm.calm()


JointMachine.TestCase.settings = settings(
    max_examples=50,
    stateful_step_count=50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestNoShortStoryLosesOrDoublesAnOrder = JointMachine.TestCase

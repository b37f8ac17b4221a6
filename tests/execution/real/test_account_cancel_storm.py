"""The end of a run with ``cancel_all_on_halt``, while mail, venue, desk and executor all fail."""

from __future__ import annotations

import random

import pytest
from core_stage import CoreStage
from order_builders import T0, settings
from real_bench import READY

from actors.core import Core
from actors.execution.desk import DeskCore
from actors.execution.real.core import RealExecutorCore
from actors.execution.real.messages import (
    CancelAll,
    CancelAnswered,
    CancelFailed,
    ClientFailed,
    OpenClient,
)
from actors.messages.halts import CancelEverything, EverythingCancelled, HaltReport, HaltTrading
from actors.messages.lifecycle import PeerRestarted
from actors.roles import DESK, EXECUTOR

THE_END = HaltTrading("Ctrl-C", cancel=True)
STEP_MS = 250
STORM_STEPS = 60
CALM_MS = 20_000
SETTINGS = settings(mode="live", cancel_all_on_halt=True)
FOREIGN = "0x" + "ff" * 32


class Ending:
    """Desk and executor, their mail, and a venue where someone else's order rests."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.is_calm = False
        self.is_resting = True
        self.cancel_count = 0
        self.reports: list[int] = []
        self.stages = {role: self._stage(role) for role in (DESK, EXECUTOR)}
        self.start(DESK)
        self.start(EXECUTOR)

    def _stage(self, role: str) -> CoreStage:
        core_class: type[Core] = DeskCore if role == DESK else RealExecutorCore
        return CoreStage(core_class, role, SETTINGS, now_ms=T0)

    def happens(self, chance: float) -> bool:
        return not self.is_calm and self.dice.random() < chance

    def start(self, role: str) -> None:
        """Give a role a new actor; a new desk is told of the end by the supervisor."""
        self.stages[role].forget()
        self.stages[role].start()
        if role == DESK:
            self.stages[DESK].give(THE_END)
        elif not self.happens(0.3):
            self.stages[DESK].give(PeerRestarted(EXECUTOR))

    def step(self) -> None:
        """Carry mail and commands, and let a quarter of a second pass."""
        for role in (DESK, EXECUTOR):
            if self.happens(0.05):
                self.start(role)
        for stage in self.stages.values():
            stage.advance(stage.now_ms + STEP_MS)
        self._carry()

    def _carry(self) -> None:
        desk, executor = self.stages[DESK], self.stages[EXECUTOR]
        said = [*desk.sent, *executor.sent]
        commands = list(executor.commands)
        desk.forget()
        executor.forget()
        for to, message in said:
            self._hear(message)
            is_ours = isinstance(message, CancelEverything | EverythingCancelled)
            copies = 0 if self.happens(0.4) else 1 + self.happens(0.2)
            for _ in range(copies if is_ours else 0):
                self.stages[to].give(message)
        for command in commands:
            if isinstance(command, OpenClient):
                executor.give(ClientFailed("no route") if self.happens(0.5) else READY)
            elif isinstance(command, CancelAll):
                executor.give(self._cancel_all())

    def _hear(self, message: object) -> None:
        if isinstance(message, HaltReport):
            self.reports.append(message.live_count)
            assert message.live_count or not self.is_resting, "it ends while an order rests"

    def _cancel_all(self) -> object:
        """What the venue makes of it; an answer may be lost after all was done."""
        self.cancel_count += 1
        if self.happens(0.2):
            left = ((FOREIGN, "the order is delayed"),)
            return CancelAnswered(venue_order_ids=(), canceled=(), not_canceled=left)
        is_lost = self.happens(0.6)
        if not is_lost or self.happens(0.5):
            self.is_resting = False
        if is_lost:
            pause_ms = 3_000 if self.happens(0.3) else None
            is_denied = self.happens(0.2)
            return CancelFailed(
                venue_order_ids=(),
                reason="no answer",
                retry_after_ms=pause_ms,
                is_unauthorized=is_denied,
            )
        return CancelAnswered(venue_order_ids=(), canceled=(FOREIGN,), not_canceled=())


@pytest.mark.parametrize("seed", range(40))
def test_the_end_waits_for_the_venue_s_word_on_the_account_and_comes(seed: int) -> None:
    ending = Ending(random.Random(seed))
    for _ in range(STORM_STEPS):
        ending.step()
    ending.is_calm = True
    # New credentials that were refused are asked for again only after a minute.
    for _ in range((60_000 + CALM_MS) // STEP_MS):
        ending.step()
    assert not ending.is_resting
    assert ending.reports[-1] == 0
    count = ending.cancel_count
    for _ in range(CALM_MS // STEP_MS):
        ending.step()
    assert ending.cancel_count == count, "the account is cancelled again and again"

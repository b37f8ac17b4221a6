"""A supervisor core whose children say hello as soon as they are made, or never do."""

from __future__ import annotations

import random
from typing import Any

from actors.messages.lifecycle import ActorPulse, Hello, Pong, ProcessStarted
from actors.roles import ORDERS, order_id_of
from actors.runtime.messages import StartActor
from actors.settings import SupervisionSettings
from actors.supervision.core import SupervisorCore
from actors.supervision.layouts import ISOLATED, Layout, layout_of
from actors.supervision.messages import ChildReport, Kill, Spawn, SupervisorEffect, Tell

LIMITS = SupervisionSettings(max_restarts=5, restart_period_s=60, heartbeat_limit_ms=3_000)


def alone(*roles: str) -> Layout:
    """Each in a process of its own."""
    return layout_of(ISOLATED, roles, is_live=False)


class SupervisedActors:
    """Supervisor and children; processes in ``mute`` are made, and their first words are lost."""

    def __init__(
        self,
        *roles: str,
        limits: SupervisionSettings = LIMITS,
        mute: tuple[str, ...] = (),
        layout: Layout | None = None,
    ) -> None:
        self.mute = set(mute)
        self.layout = layout or alone(*roles)
        self.core = SupervisorCore(self.layout, limits, random.Random(1), pid=1)
        self.handles: dict[str, int] = {}
        self.generations: dict[str, int] = {}
        self.now_ms = 0
        self.follow(self.core.begin(0))

    def process_of(self, role: str) -> str:
        if order_id_of(role) is not None:
            return self.layout.orders_in
        return next((name for name, roles in self.layout.processes if role in roles), role)

    def follow(self, effects: list[SupervisorEffect]) -> list[SupervisorEffect]:
        """Let children do what they would; returns what they made the supervisor do, too."""
        for effect in list(effects):
            if isinstance(effect, Spawn):
                name, pid = effect.process, 1000 + effect.handle
                self.handles[name] = effect.handle
                self.core.child_forked(effect.handle, pid)
                if name in self.mute:
                    continue
                effects += self.say(name, ProcessStarted(name, pid))
                for role in dict(self.layout.processes)[name]:
                    effects += self.say(role, self.hello(role))
        for start in told(effects, StartActor):
            role = start.message.role  # type: ignore[attr-defined] # of a StartActor
            if self.process_of(role) not in self.mute:
                effects += self.say(role, self.hello(role))
        return effects

    def hello(self, role: str) -> Hello:
        generation = self.generations[role] = self.generations.get(role, 0) + 1
        pid = 1000 + self.handles[self.process_of(role)]
        return Hello(role=role, pid=pid, generation=generation, is_serving=False)

    def say(self, role: str, message: object) -> list[SupervisorEffect]:
        """An actor, or a process, says something."""
        handle = self.handles[self.process_of(role)]
        return self.follow(self.core.child_said(handle, message, self.now_ms))

    def fall(self, name: str) -> list[SupervisorEffect]:
        """A process ends."""
        return self.follow(self.core.child_exited(self.handles[name], self.now_ms))

    def tick(self, later_ms: int = 0) -> list[SupervisorEffect]:
        self.now_ms += later_ms
        return self.follow(self.core.tick(self.now_ms))

    def row(self, role: str) -> ChildReport | None:
        report = self.core.report(0, self.now_ms)
        return next((child for child in report.children if child.role == role), None)

    @property
    def escalation(self) -> str:
        return self.core.report(0, self.now_ms).escalation


def spawned(effects: list[SupervisorEffect]) -> list[str]:
    return [effect.process for effect in effects if isinstance(effect, Spawn)]


def told(effects: list[SupervisorEffect], kind: type) -> list[Tell]:
    return [e for e in effects if isinstance(e, Tell) and isinstance(e.message, kind)]


def pulse(role: str, **changes: Any) -> ActorPulse:
    fields = {"role": role, "generation": 1, "is_serving": True, "handled_count": 10}
    return ActorPulse(**(fields | changes))


def pong(process: str, *pulses: ActorPulse, **changes: Any) -> Pong:
    """A process's sign of life; without pulses, of one with an actor of its own name."""
    fields = {
        "process": process,
        "number": 1,
        "pid": 0,
        "book_version": 1,
        "actors": pulses or (() if process == ORDERS else (pulse(process),)),
        "latencies_us": {},
    }
    return Pong(**(fields | changes))


def kills(effects: list[SupervisorEffect]) -> list[int]:
    return [effect.pid for effect in effects if isinstance(effect, Kill)]

"""A supervisor core whose children say hello as soon as they are made, or never do."""

from __future__ import annotations

import random

from actors.messages import Assign, Hello, Pong
from actors.roles import is_spare
from actors.settings import SupervisionSettings
from actors.supervision.core import SPARE_COUNT, SupervisorCore
from actors.supervision.messages import ChildReport, Kill, Spawn, SupervisorEffect, Tell

SPARES = tuple(f"spare/{number}" for number in range(1, SPARE_COUNT + 1))
LIMITS = SupervisionSettings(max_restarts=5, restart_period_s=60, heartbeat_limit_ms=3_000)


class Troupe:
    """Supervisor and children; roles in ``mute`` are made, and their Hello is lost."""

    def __init__(
        self, *roles: str, limits: SupervisionSettings = LIMITS, mute: tuple[str, ...] = ()
    ) -> None:
        self.mute = set(mute)
        self.core = SupervisorCore(roles, limits, random.Random(1), pid=1)
        self.handles: dict[str, int] = {}
        self.now_ms = 0
        self.follow(self.core.begin(0))

    def follow(self, effects: list[SupervisorEffect]) -> list[SupervisorEffect]:
        for effect in list(effects):
            if isinstance(effect, Spawn):
                self.handles[effect.role] = effect.handle
                self.core.child_forked(effect.handle, 1000 + effect.handle)
                if effect.role not in self.mute:
                    hello = Hello(
                        role=effect.role,
                        pid=1000 + effect.handle,
                        generation=1,
                        is_serving=is_spare(effect.role),
                    )
                    effects += self.core.child_said(effect.handle, hello, self.now_ms)
            elif isinstance(effect, Tell) and isinstance(effect.message, Assign):
                self.handles[effect.message.role] = effect.handle
        return effects

    def say(self, role: str, message: object) -> list[SupervisorEffect]:
        return self.follow(self.core.child_said(self.handles[role], message, self.now_ms))

    def fall(self, role: str) -> list[SupervisorEffect]:
        return self.follow(self.core.child_exited(self.handles[role], self.now_ms))

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
    return [effect.role for effect in effects if isinstance(effect, Spawn)]


def told(effects: list[SupervisorEffect], kind: type) -> list[Tell]:
    return [e for e in effects if isinstance(e, Tell) and isinstance(e.message, kind)]


def pong(role: str, **changes: object) -> Pong:
    fields = {
        "role": role,
        "number": 1,
        "is_serving": True,
        "book_version": 1,
        "handled_count": 10,
        "last_message_age_ms": 3,
        "latencies_us": {},
    }
    return Pong(**{**fields, **changes})  # type: ignore[arg-type] # test data by name


def kills(effects: list[SupervisorEffect]) -> list[int]:
    return [effect.pid for effect in effects if isinstance(effect, Kill)]

"""Run as a program: a supervisor whose only child hangs before its first word; prints the outcome.

The child's process "stands still", as if stopped by a debugger or a dead file system, or it
"computes" without end, and is an urgent one that nobody may interrupt: either way it answers
nothing, and no request to exit reaches it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

from thespian.actors import ActorAddress, ThespianWatch

from actors.clock import ClockSpec
from actors.core import Core, Effects, handles
from actors.journal import prepare
from actors.messages import Boot, Started
from actors.settings import Settings, SupervisionSettings
from actors.shell import Shell
from actors.supervision.messages import ChildReport, ChildSpec, ChildState, SupervisorBoot
from understudy.tree import ActorTree, prepare_to_fork

ROLE = "strategy"
HUNG_NAME = "hung.pid"
LIMIT_S = 60.0


class StillCore(Core):
    @handles(Started)
    def start(self, _message: Started, _now_ms: int) -> Effects:
        return []


class HangsAtFirst(Shell):
    core_class = StillCore

    def receiveMessage(self, msg: object, sender: ActorAddress) -> ThespianWatch | None:  # noqa: N802 # Thespian's
        if isinstance(msg, Boot) and msg.role == ROLE:
            note = Path(msg.data_dir) / HUNG_NAME
            if not note.exists():
                note.write_text(str(os.getpid()))
                if msg.is_urgent:
                    self._run_first()
                    while True:
                        continue
                os.kill(os.getpid(), signal.SIGSTOP)
        return super().receiveMessage(msg, sender)


def supervise(data_dir: Path, how: str) -> ChildReport | None:
    """Wait until the role is served, or for long enough."""
    tree = ActorTree(
        SupervisorBoot(
            settings=Settings(supervision=SupervisionSettings(heartbeat_limit_ms=1_000)),
            clock=ClockSpec.starting_now(),
            data_dir=str(data_dir),
            log_to_stderr=False,
            seed=1,
            children=(ChildSpec(ROLE, HangsAtFirst, is_urgent=how == "computes"),),
            order_shell=HangsAtFirst,
        )
    )
    deadline = time.monotonic() + LIMIT_S
    row = None
    try:
        while time.monotonic() < deadline:
            report = tree.ask_children(patience_s=1.0)
            children = report.children if report is not None else ()
            row = next((child for child in children if child.role == ROLE), None)
            if row is not None and row.state is ChildState.SERVING:
                break
            time.sleep(0.05)
    finally:
        tree.end("the test is over")
    return row


def main() -> None:
    data_dir, how = Path(sys.argv[1]), sys.argv[2]
    prepare(data_dir)
    prepare_to_fork()
    row = supervise(data_dir, how)
    hung_pid = int((data_dir / HUNG_NAME).read_text())
    outcome = {
        "state": row.state.value if row is not None else "",
        "restarts": row.restarts if row is not None else 0,
        "is_another": row is not None and row.pid != hung_pid,
        "is_hung_left": Path(f"/proc/{hung_pid}").exists(),
    }
    sys.stdout.write(json.dumps(outcome))


if __name__ == "__main__":
    main()

"""Run as a program: an urgent child, which is killed once, and another; prints how each is run."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

from actors.clock import ClockSpec
from actors.core import Core, Effects, handles
from actors.journal import prepare
from actors.messages import Started
from actors.settings import Settings
from actors.shell import Shell
from actors.supervision.messages import ChildSpec, ChildState, SupervisorBoot
from understudy.tree import ActorTree, prepare_to_fork

URGENT, OTHER = "strategy", "observer"
LIMIT_S = 60.0


class StillCore(Core):
    @handles(Started)
    def start(self, _message: Started, _now_ms: int) -> Effects:
        return []


class StillShell(Shell):
    core_class = StillCore


def serving_pids(tree: ActorTree, but: int = 0) -> dict[str, int]:
    """Process ids once both serve, and none of them is one that has fallen."""
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        report = tree.ask_children(patience_s=1.0)
        children = report.children if report is not None else ()
        pids = {each.role: each.pid for each in children if each.state is ChildState.SERVING}
        if {URGENT, OTHER} <= pids.keys() and pids[URGENT] != but:
            return pids
        time.sleep(0.02)
    raise TimeoutError("not everyone serves")


def policies(pids: dict[str, int]) -> dict[str, int]:
    """Scheduling policy of each kind of process; a waiting order's stands for all of them."""
    return {role.partition("/")[0]: os.sched_getscheduler(pid) for role, pid in pids.items()}


def main() -> None:
    data_dir = Path(sys.argv[1])
    prepare(data_dir)
    prepare_to_fork()
    tree = ActorTree(
        SupervisorBoot(
            settings=Settings(),
            clock=ClockSpec.starting_now(),
            data_dir=str(data_dir),
            log_to_stderr=False,
            seed=1,
            children=(ChildSpec(URGENT, StillShell, is_urgent=True), ChildSpec(OTHER, StillShell)),
            order_shell=StillShell,
        )
    )
    try:
        pids = serving_pids(tree)
        first = policies(pids)
        os.kill(pids[URGENT], signal.SIGKILL)
        then = policies(serving_pids(tree, but=pids[URGENT]))
    finally:
        tree.end("the test is over")
    sys.stdout.write(json.dumps([first, then]))


if __name__ == "__main__":
    main()

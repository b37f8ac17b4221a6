"""Run as a program: an urgent child, which is killed once, and another; prints how each is run."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from still_actors import LIMIT_S, tree_of, wait_until

from actors.supervision.messages import ChildReport, ChildState, ProcessSpec
from understudy.drill.processes import wait_for
from understudy.processes.tree import ActorTree, _is_alive

URGENT, OTHER = "strategy", "observer"


def serving_pids(tree: ActorTree, but: int = 0) -> dict[str, int]:
    """Process ids once both serve, and none of them is one that has fallen."""

    def look(children: dict[str, ChildReport]) -> dict[str, int] | None:
        serving = [each for each in children.values() if each.state is ChildState.SERVING]
        pids = {each.role: each.pid for each in serving}
        return pids if {URGENT, OTHER} <= pids.keys() and pids[URGENT] != but else None

    pids = wait_until(tree, look)
    if pids is None:
        raise TimeoutError("not everyone serves")
    return pids


def policies(pids: dict[str, int]) -> dict[str, int]:
    """Scheduling policy of each kind of process; a waiting order's stands for all of them."""
    return {role.partition("/")[0]: os.sched_getscheduler(pid) for role, pid in pids.items()}


def killed_unheard(data_dir: Path, process: ProcessSpec) -> list[int]:
    """Processes of a tree that was killed before it had answered anything: before, and after."""
    tree = tree_of(data_dir, process)
    lists = [each for pid in tree._pids for each in Path(f"/proc/{pid}/task").glob("*/children")]
    pids = [*tree._pids, *(int(pid) for each in lists for pid in each.read_text().split())]
    tree.kill()
    left = wait_for(lambda: not any(map(_is_alive, pids)), LIMIT_S)
    return [len(pids), 0 if left else len(pids)]


def main() -> None:
    urgent = ProcessSpec(name=URGENT, roles=(URGENT,), is_urgent=True)
    unheard = killed_unheard(Path(sys.argv[2]), urgent)
    tree = tree_of(Path(sys.argv[1]), urgent, ProcessSpec(name=OTHER, roles=(OTHER,)))
    try:
        pids = serving_pids(tree)
        first = policies(pids)
        os.kill(pids[URGENT], signal.SIGKILL)
        then = policies(serving_pids(tree, but=pids[URGENT]))
    finally:
        tree.end("the test is over")
    sys.stdout.write(json.dumps([first, then, unheard]))


if __name__ == "__main__":
    main()

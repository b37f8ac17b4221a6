"""Run as a program: measures one load in a process of its own, with whatever code PYTHONPATH names.

Takes a JSON object as its only argument (``load``, ``slices_count``, ``is_urgent``), prints the
slices. An older checkout's ``bench.latency`` is driven as well as this one's.
"""

from __future__ import annotations

import json
import os
import sys

import attrs

from bench.latency import Load, measured


def _refuse(*_: object) -> None:
    raise PermissionError(1, "it is measured without")


def main() -> None:
    """Measure, as actors that may not run first if they are not to."""
    wanted = json.loads(sys.argv[1])
    if not wanted["is_urgent"]:
        os.sched_setscheduler = _refuse  # every actor is a fork of this
    slices = measured(Load(**wanted["load"]), wanted["slices_count"])
    print(json.dumps([attrs.asdict(each) for each in slices]))


if __name__ == "__main__":
    main()

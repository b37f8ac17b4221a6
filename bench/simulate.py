"""``understudy simulate``: windows per second on one core, in turns with another checkout's code.

Run as ``python -m bench.simulate --against DIR``. Both play the same seeds, though not the same
runs: what a seed draws depends on the program. Seconds are processor time, imports included, so
that other load does not count.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
from pathlib import Path

from bench.common import Figure, Machine, Row, Table, Target, options, show
from bench.system import ROOT
from understudy.processes.isolation import FLAGS

LEAST_RATIO = 2.5
_SEEDS_A_ROUND = 5
_OF_A_CHECKOUT = """\
import sys
sys.path.insert(0, sys.argv.pop(1))
from understudy.cli import main
main(["simulate", *sys.argv[1:]])
"""


def windows_per_second(root: Path, first_seed: int, seeds: int) -> float:
    """Simulate some seeds with the code of a checkout.

    Raises:
        RuntimeError: a seed failed; its own words are on stderr.
    """
    before_s = _children_s()
    seeds_options = ("--seeds", str(seeds), "--from", str(first_seed))
    ran = subprocess.run(
        [sys.executable, *FLAGS, "-c", _OF_A_CHECKOUT, str(root), *seeds_options, "--json"],
        stdout=subprocess.PIPE,
        check=False,
    )
    if ran.returncode:
        raise RuntimeError(f"the simulation of {root} ended with {ran.returncode}")
    windows: float = json.loads(ran.stdout)["windows"]
    return windows / (_children_s() - before_s)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def row(first: int, rounds: int, seeds: int, against: Path | None) -> Row:
    """Play in turns; the ratio is the median over the rounds."""
    own, others = [], []
    for number in range(rounds):
        first_seed = first + number * seeds
        own.append(windows_per_second(ROOT, first_seed, seeds))
        if against is not None:
            others.append(windows_per_second(against, first_seed, seeds))
    figures: dict[str, Figure] = {
        "windows/s": round(statistics.median(own), 2),
        "rounds": rounds,
    }
    target = None
    if others:
        ratios = [mine / other for mine, other in zip(own, others, strict=True)]
        figures["theirs"] = round(statistics.median(others), 2)
        figures["ratio"] = round(statistics.median(ratios), 2)
        figures["lowest"] = round(min(ratios), 2)
        target = Target(column="ratio", limit=LEAST_RATIO, is_least=True)
    return Row(name=f"one core, {seeds} seeds a round", figures=figures, target=target)


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--against", type=Path, help="another checkout")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--from", dest="first_seed", type=int, default=1)
    arguments = parser.parse_args()
    machine = Machine.now()
    rounds = arguments.rounds or (1 if arguments.quick else 10)
    seeds = 1 if arguments.quick else _SEEDS_A_ROUND
    against = arguments.against.resolve() if arguments.against is not None else None
    measured = row(arguments.first_seed, rounds, seeds, against)
    show(machine, [Table(title="understudy simulate", rows=[measured])], is_json=arguments.json)


if __name__ == "__main__":
    main()

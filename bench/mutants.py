"""Order, ledger, desk and books with one small change each: which does no test notice?

Run as ``python -m bench.mutants``, or ``make mutants``. mutmut writes the mutants and runs the core
tests that reach each; ``[tool.mutmut]`` in pyproject.toml says which files and tests. There are
thousands of mutants, so each concept is judged by a sample, which depends on the seed only.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

MUTANTS = Path("mutants") / "actors"
_ORDER = {"acceptance", "intents", "open_order_table", "order", "order_state", "paper", "simulated"}
_LEFT = {None: "not run", 0: "survived", 5: "no test", 33: "no test"}
"""mutmut's results where a mutant was not killed: the exit status of its tests, or its own."""
_OUT_OF_TIME = (24, 36, 152, 255, -24)
"""Results that count as killed, if the machine had time for the tests."""


def concept_of(path: Path) -> str:
    """The concept to which a file under ``actors/`` belongs."""
    folder, name = path.parent.name, path.name.removesuffix(".py.meta")
    if folder == "execution":
        return "order" if name in _ORDER else "desk"
    return {"position": "ledger", "market": "books"}[folder]


def results() -> Iterator[tuple[str, str, int | None]]:
    """Concept, name and exit status of every mutant; None for one that was not tested."""
    for path in sorted(MUTANTS.rglob("*.meta")):
        for name, status in json.loads(path.read_text())["exit_code_by_key"].items():
            yield concept_of(path), name, status


def sample(most: int, seed: int) -> list[str]:
    """Draw this many mutants of each concept."""
    names: dict[str, list[str]] = {}
    for concept, name, _ in results():
        names.setdefault(concept, []).append(name)
    drawn = []
    for concept, all_names in sorted(names.items()):
        all_names.sort()
        random.Random(f"{seed}/{concept}").shuffle(all_names)
        drawn += all_names[:most]
    return drawn


def mutmut(*arguments: str) -> None:
    """Run mutmut, which fails with a message if there is nothing to test."""
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", "2", *arguments]
    subprocess.run(command, check=False)


def main() -> None:
    """Draw, test, and print the share of killed mutants by concept, and the others."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m bench.mutants")
    parser.add_argument("--most", type=int, default=60, help="mutants of each concept (60)")
    parser.add_argument("--seed", type=int, default=12)
    options = parser.parse_args()

    mutmut("only to write them")
    drawn = sample(options.most, options.seed)
    mutmut(*drawn)
    killed, late, tested, left = Counter[str](), Counter[str](), Counter[str](), []
    for concept, name, status in results():
        if name in drawn:
            tested[concept] += 1
            killed[concept] += status not in _LEFT
            late[concept] += status in _OUT_OF_TIME
            if status in _LEFT:
                left.append(f"{_LEFT[status]}: {name}")
    for concept, count in sorted(tested.items()):
        share = 100 * killed[concept] / count
        in_time = f"{late[concept]} of them ran out of time"
        print(f"{concept:8} {killed[concept]:4} of {count:4} killed: {share:.0f} %; {in_time}")
    print("", *left, "", "mutmut show NAME: what was changed", sep="\n")


if __name__ == "__main__":
    main()

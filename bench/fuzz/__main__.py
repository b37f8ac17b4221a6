"""Run a campaign: seeded cases, spread over every reader of input from outside.

    python -m bench.fuzz                             20,000 cases
    python -m bench.fuzz --cases 1000000 --seed 7    a night's, reproducible
    python -m bench.fuzz --only "user frames" --case 12345 --seed 7   one case again

Each case has a real shape with one to three wrong fields, or wrong bytes. A reader may refuse it
with the error it declares. It must raise no other exception, lose no valid neighbour, and count
everything unreadable. A violation is printed with the case that shows it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from bench.fuzz.campaign import TARGETS, Campaign, play


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign; return 1 if anything was found, 2 for bad input."""
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--cases", type=int, default=20_000, help="how many in all")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same cases")
    parser.add_argument("--only", choices=[each.name for each in TARGETS], help="one reader")
    parser.add_argument("--case", type=int, help="with --only: this case alone, with its traceback")
    chosen = parser.parse_args(arguments)
    targets = [each for each in TARGETS if chosen.only in (None, each.name)]
    if chosen.case is not None:
        if chosen.only is None:
            parser.error("--case needs --only")
        print(play(targets[0], chosen.seed, chosen.case))
        return 0
    began = time.monotonic()
    campaign = Campaign(targets, chosen.seed)
    campaign.run(chosen.cases)
    for name, words in campaign.words.items():
        said = ", ".join(f"{word} {count:,}" for word, count in words.most_common())
        print(f"{name:16} {sum(words.values()):>9,}  {said}")
    total = sum(sum(words.values()) for words in campaign.words.values())
    print(f"{total:,} cases by seed {chosen.seed} in {time.monotonic() - began:.1f} s")
    print(f"{len(campaign.found)} kinds of finding")
    for finding in campaign.found.values():
        again = f"--seed {chosen.seed} --only {finding.target!r} --case {finding.case}"
        print(f"\n{finding.count:,} times: {finding.text}\n  python -m bench.fuzz {again}")
    return 1 if campaign.found else 0


if __name__ == "__main__":
    sys.exit(main())

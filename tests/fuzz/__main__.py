"""`make fuzz`: changed inputs for every parser of foreign bytes, for a while. Each gives a value in its ranges, or its
own error, in bounded time and memory.
"""

import argparse
import logging
import random
import sys

from fuzz.hunt import Hunt, hunt, keep
from fuzz.targets.every import TARGETS


def main() -> int:
    arguments = _arguments()
    seed = random.SystemRandom().randrange(10**6) if arguments.seed is None else arguments.seed
    wanted = [
        target for target in TARGETS if not arguments.target or any(part in target.name for part in arguments.target)
    ]
    if not wanted:
        sys.stderr.write(f"no such target; there are {', '.join(target.name for target in TARGETS)}\n")
        return 2
    logging.disable()  # what is refused is logged, a thousand times a second here
    sys.stdout.write(f"fuzz: {len(wanted)} targets, {arguments.minutes:g} minutes, seed {seed}\n")
    sys.stdout.flush()
    hunts = hunt(wanted, arguments.minutes * 60, seed)
    broken = [each for each in hunts if each.found is not None]
    for each in hunts:
        sys.stdout.write(f"{each.target.name:24} {each.tried:8} inputs {len(each.signs):5} ways\n")
    for each in broken:
        _report(each)
    sys.stdout.write(f"fuzz: {sum(each.tried for each in hunts)} inputs, {len(broken)} targets broken\n")
    return 1 if broken else 0


def _report(each: Hunt) -> None:
    assert each.found is not None
    data, broken = each.found
    sys.stdout.write(f"\n{each.target.name}: {broken}\n  input: {data[:300]!r}\n  kept as {keep(each.target, data)}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz ARGS=", description=__doc__)
    parser.add_argument("target", nargs="*", help="names, or parts of them; all by default")
    parser.add_argument("--minutes", type=float, default=5, help="for all of them together")
    parser.add_argument("--seed", type=int, help="draws every change; another one each time by default")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())

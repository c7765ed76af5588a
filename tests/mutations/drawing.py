"""Which of some ten thousand breaks are judged: a sample by seed, the same share of each package."""

import random
import tomllib
from collections import defaultdict
from itertools import chain, islice, zip_longest
from pathlib import Path

from mutations.breaks import Break

EQUIVALENT = Path(__file__).with_name("equivalent.toml")


def draw(breaks: dict[str, list[Break]], size: int, seed: int) -> list[Break]:
    """A smaller sample of a seed is the beginning of a larger one."""
    turns = zip_longest(*(_shuffled(of_package, seed) for of_package in breaks.values()))
    return list(islice((drawn for drawn in chain.from_iterable(turns) if drawn is not None), size))


def _shuffled(breaks: list[Break], seed: int) -> list[Break]:
    """Kinds take turns: half of all breaks are one argument less, and most of those end in a TypeError."""
    chance = random.Random(seed)
    kinds: dict[str, list[Break]] = defaultdict(list)
    for one in breaks:
        kinds[one.kind].append(one)
    for of_kind in kinds.values():
        chance.shuffle(of_kind)
    turns = zip_longest(*(of_kind for _, of_kind in sorted(kinds.items())))
    return [one for one in chain.from_iterable(turns) if one is not None]


def equivalent() -> dict[str, str]:
    """The reason by the break's name, for those that change nothing that anybody could notice."""
    entries = tomllib.loads(EQUIVALENT.read_text())["break"]
    return {f"{entry['file']}\n{entry['changed'].strip(chr(10))}": entry["reason"] for entry in entries}

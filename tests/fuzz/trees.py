"""JSON as a tree whose numbers keep their spelling, so that what is changed in it may be what no JSON writer writes."""

import json
import random
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from fuzz.values import KEYS, VALUES, Raw

Place = tuple[Any, Any]
"""A table or list, and the name or number of a part of it."""


@lru_cache(maxsize=4_096)
def parsed(data: bytes) -> Any:
    """Raises ValueError for what is no JSON of a table or a list. Never to be changed: see `changed`."""
    tree = json.loads(data, parse_float=Raw, parse_int=Raw, parse_constant=Raw)
    if not isinstance(tree, dict | list):
        raise ValueError("neither a table nor a list")  # noqa: TRY004 - one error for all that is no tree
    return tree


def written(tree: Any) -> bytes:
    return "".join(_written(tree)).encode("utf-8", "surrogatepass")


def _written(tree: Any) -> Iterator[str]:
    if isinstance(tree, Raw):
        yield str(tree)
    elif isinstance(tree, dict):
        parts = (f"{json.dumps(name, ensure_ascii=False)}:{''.join(_written(part))}" for name, part in tree.items())
        yield "{" + ",".join(parts) + "}"
    elif isinstance(tree, list):
        yield "[" + ",".join("".join(_written(part)) for part in tree) + "]"
    else:
        yield json.dumps(tree, ensure_ascii=False)


def changed(data: bytes, other: bytes, draw: random.Random) -> bytes:
    """With one to three parts removed, doubled, replaced, or taken from another input. Raises ValueError."""
    tree = _copy(parsed(data))
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        places = list(_places(tree))
        if not places:
            break
        _change(*draw.choice(places), other, draw)
    return written(tree)


def without_one(data: bytes) -> Iterator[bytes]:
    """The same with one part left out each time. Raises ValueError."""
    for number in range(len(list(_places(parsed(data))))):
        tree = _copy(parsed(data))
        into, name = list(_places(tree))[number]
        del into[name]
        yield written(tree)


def _change(into: Any, name: Any, other: bytes, draw: random.Random) -> None:
    match draw.randrange(10):
        case 0:
            del into[name]
        case 1 if isinstance(into, list):
            into.insert(name, _copy(into[name]))
        case 1:
            into[draw.choice(KEYS)] = into.pop(name)
        case 2:
            into[name] = draw.choice(([into[name]], {"x": into[name]}, []))
        case 3:
            strangers = list(_places(parsed(other)))
            place, key = draw.choice(strangers) if strangers else (into, name)
            into[name] = _copy(place[key])
        case 4 if isinstance(into[name], str | Raw):
            # As text what was a number, and the other way round.
            into[name] = str(into[name]) if isinstance(into[name], Raw) else Raw(into[name])
        case _:
            into[name] = draw.choice(VALUES)


def _places(tree: Any) -> Iterator[Place]:
    names = list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for name in names:
        yield tree, name
        yield from _places(tree[name])


def _copy(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {name: _copy(part) for name, part in tree.items()}
    return [_copy(part) for part in tree] if isinstance(tree, list) else tree

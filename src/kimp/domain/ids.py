"""Names that make every step findable and repeatable: pure functions of what they name."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from kimp.domain.errors import BadInput
from kimp.domain.money import Asset

MAX_CLIENT_ORDER_ID = 36
"""Binance's limit (`[a-zA-Z0-9-_]{1,36}`); Upbit takes more."""


PARTS = 4
"""Of a name, before the installation's: coin, cycle's number, place, attempt."""


NAME = re.compile(r"[^-]+-[^-]+-(?P<leg>[1HR])(?P<step>[BWS])(?P<part>\d{0,9})-(?P<attempt>\d{1,9})(-.*)?", re.ASCII)


class Leg(StrEnum):
    ONE = "1"
    HOME = "H"
    BACK = "R"
    """What compensation trades and moves."""


class Step(StrEnum):
    BUY = "B"
    SEND = "W"
    SELL = "S"


@dataclass(frozen=True, slots=True)
class UsedNumber:
    """The highest part, or attempt of a withdrawal, that a cycle's names have used."""

    leg: Leg
    step: Step
    number: int


def cycle_id(coin: Asset, number: int) -> str:
    """The `number`th cycle of `coin`."""
    return f"{coin}-{number}"


def workflow_id(cycle: str) -> str:
    return f"cycle-{cycle}"


def cycle_of_workflow(name: str) -> str | None:
    """The cycle that a workflow of this id runs; None for other workflows."""
    cycle = name.removeprefix("cycle-")
    return cycle if cycle != name else None


def client_order_id(cycle: str, leg: Leg, step: Step, part: int, attempt: int, installation: str) -> str:
    """Known to the venue before the order is; the same on every retry.

    `part` counts orders that share a step because the book did not fill one whole; `attempt` rises only after a
    definite rejection.
    """
    name = _of_installation(f"{cycle}-{leg}{step}{part}-{attempt}", installation)
    if len(name) > MAX_CLIENT_ORDER_ID:
        raise ValueError(f"client order id {name!r} is longer than {MAX_CLIENT_ORDER_ID} characters")
    return name


def transfer_id(cycle: str, leg: Leg, attempt: int, installation: str) -> str:
    """Binance's withdrawOrderId; on Upbit, which has none, only kimp's own name of the withdrawal."""
    return _of_installation(f"{cycle}-{leg}{Step.SEND}-{attempt}", installation)


def _of_installation(name: str, installation: str) -> str:
    """At its end, so that people still find a cycle's orders by how their names begin."""
    return f"{name}-{installation}" if installation else name


def installation_of(names: Iterable[str]) -> str:
    """Of a cycle's names: which installation made them; empty for one that began before there were any."""
    for name in names:
        if len(parts := name.split("-")) > PARTS:
            return parts[PARTS]
    return ""


def step_of(name: str) -> str:
    """Leg and step of a client order id or transfer id, and of what is booked under one, e.g. `1B` of
    `XRP-17-1B1-1/trade`; empty for a name of anything else.
    """
    reported = NAME.fullmatch(name.partition("/")[0])
    return "" if reported is None else f"{reported['leg']}{reported['step']}"


def used_numbers(names: Iterable[str]) -> tuple[UsedNumber, ...]:
    """Of client order ids and transfer ids of one cycle, so that no name is given twice.

    Raises BadInput for a name that kimp never gives: somebody else has written it where it was found.
    """
    highest: dict[tuple[Leg, Step], int] = {}
    for name in names:
        reported = NAME.fullmatch(name)
        if reported is None:
            raise BadInput(f"{name[:MAX_CLIENT_ORDER_ID]!r} is no name of an order or a withdrawal of kimp's")
        leg, step = Leg(reported["leg"]), Step(reported["step"])
        # A withdrawal has no part: its attempts are what is counted.
        number = int(reported["part"] or reported["attempt"])
        highest[leg, step] = max(number, highest.get((leg, step), 0))
    return tuple(UsedNumber(leg, step, number) for (leg, step), number in sorted(highest.items()))

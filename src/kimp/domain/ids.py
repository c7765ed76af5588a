"""Names that make every step findable and repeatable: pure functions of what they name."""

from enum import StrEnum

from kimp.domain.money import Asset

MAX_CLIENT_ORDER_ID = 36
"""Binance's limit (`[a-zA-Z0-9-_]{1,36}`); Upbit takes more."""


class Leg(StrEnum):
    ONE = "1"
    HOME = "H"
    BACK = "R"
    """What compensation trades and moves."""


class Step(StrEnum):
    BUY = "B"
    SEND = "W"
    SELL = "S"


def cycle_id(coin: Asset, number: int) -> str:
    """The `number`th cycle of `coin`."""
    return f"{coin}-{number}"


def workflow_id(cycle: str) -> str:
    return f"cycle-{cycle}"


def client_order_id(cycle: str, leg: Leg, step: Step, part: int, attempt: int) -> str:
    """Known to the venue before the order is; the same on every retry.

    `part` counts orders that share a step because the book did not fill one whole; `attempt` rises only after a
    definite rejection.
    """
    name = f"{cycle}-{leg}{step}{part}-{attempt}"
    if len(name) > MAX_CLIENT_ORDER_ID:
        raise ValueError(f"client order id {name!r} is longer than {MAX_CLIENT_ORDER_ID} characters")
    return name


def transfer_id(cycle: str, leg: Leg, attempt: int) -> str:
    """Binance's withdrawOrderId; on Upbit, which has none, only kimp's own name of the withdrawal."""
    return f"{cycle}-{leg}{Step.SEND}-{attempt}"


def step_of(name: str) -> str:
    """Leg and step of a client order id or transfer id, e.g. `1B` of `XRP-17-1B1-1`."""
    return name.split("-")[2][:2]

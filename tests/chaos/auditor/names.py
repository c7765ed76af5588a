"""kimp's ids, taken apart again: the words are those of docs/architecture.md, not of the code."""

import re
from dataclasses import dataclass

ORDER = re.compile(r"(?P<cycle>[A-Z0-9]+-\d+)-(?P<leg>[1HR])(?P<step>[BS])(?P<part>\d+)-(?P<attempt>\d+)(-[a-z0-9]+)?")
TRANSFER = re.compile(r"(?P<cycle>[A-Z0-9]+-\d+)-(?P<leg>[1HR])W-(?P<attempt>\d+)(-[a-z0-9]+)?")
COMPENSATING = "R"
CASH = {"upbit": "KRW", "binance": "USDT"}


@dataclass(frozen=True, slots=True)
class OrderName:
    cycle: str
    leg: str
    step: str
    part: int

    @classmethod
    def of(cls, client_id: str) -> "OrderName | None":
        found = ORDER.fullmatch(client_id)
        return None if found is None else cls(found["cycle"], found["leg"], found["step"], int(found["part"]))


@dataclass(frozen=True, slots=True)
class TransferName:
    cycle: str
    leg: str

    @classmethod
    def of(cls, transfer_id: str) -> "TransferName | None":
        found = TRANSFER.fullmatch(transfer_id)
        return None if found is None else cls(found["cycle"], found["leg"])


def cycle_of(workflow_id: str) -> str:
    return workflow_id.removeprefix("cycle-")

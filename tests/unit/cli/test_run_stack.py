"""What `kimp up` says when it has ended: whoever pressed Ctrl-C learns what became of the money."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

from unit.cli.test_dashboard import OPEN

from kimp.cli.run_stack import what_stays
from kimp.domain.ledger import Entry, fill_entry
from kimp.domain.market import Fill, Side
from kimp.domain.money import USDT, Asset
from kimp.domain.venues import Venue
from kimp.ports.read_model import CycleRow


class Books:
    """The parts of a database that are asked here."""

    def __init__(self, rows: list[CycleRow], entries: list[Entry]) -> None:
        self.ledger = self.read_model = self
        self._rows, self._entries = rows, entries

    async def cycles(self, **_asked: object) -> list[CycleRow]:
        return self._rows

    async def entries(self, cycle_id: str) -> list[Entry]:
        return [entry for entry in self._entries if entry.cycle_id == cycle_id]


async def reported(rows: list[CycleRow], entries: list[Entry]) -> str:
    return await what_stays(cast("Any", Books(rows, entries)))


async def test_open_cycles_are_named_with_what_they_hold_and_who_goes_on_with_them() -> None:
    fill = Fill("t1", Decimal("0.25"), Decimal(40), Decimal("0.04"), Asset("TRX"))
    bought = fill_entry("TRX-1-1B1-1", "TRX-1", Venue.BINANCE, Asset("TRX"), Side.BUY, fill)
    assert await reported([OPEN], [bought]) == (
        "1 cycle (TRX-1) stands still and holds 39.96 TRX on binance; `kimp up` goes on with it"
    )
    other = replace(OPEN, cycle_id="TRX-2", home_asset=USDT)
    assert (await reported([OPEN, other], [bought])).startswith(
        "2 cycles (TRX-1, TRX-2) stand still and hold 39.96 TRX"
    )


async def test_without_an_open_cycle_nothing_is_left() -> None:
    assert await reported([], []) == "no cycle is under way"

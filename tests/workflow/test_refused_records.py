"""A record that the database can't hold parks the cycle where it stands; once a person has mended it, it goes on."""

from dataclasses import dataclass

import pytest
from fakes.journal import RecordKeeper
from fakes.lab import Lab

from kimp.contracts.cycle import CycleRecord
from kimp.contracts.operators import OperatorRequest
from kimp.contracts.status import CycleStatus
from kimp.domain.errors import Unstorable
from workflows.arbitrage_cycle import ArbitrageCycle

ANN = OperatorRequest(by="ann", note="the table is mended")


@dataclass
class NarrowBooks(RecordKeeper):
    """Hold no entry of the ledger, until they are mended."""

    narrow: bool = True

    async def record(self, record: CycleRecord) -> None:
        if self.narrow and record.entries:
            raise Unstorable("a column is too narrow")
        await super().record(record)


@pytest.fixture
def narrow() -> NarrowBooks:
    return NarrowBooks()


async def test_what_was_refused_is_recorded_once_the_database_is_mended(lab: Lab, narrow: NarrowBooks) -> None:
    lab.records = narrow
    async with lab.workers():
        handle = await lab.start(await lab.plan())
        parked = await narrow.until(lambda record: record.status is CycleStatus.DEAD_LETTER)
        assert parked.reason is not None
        assert "a column is too narrow; not booked: XRP-1-1B1-1/" in parked.reason
        narrow.narrow = False
        await handle.execute_update(ArbitrageCycle.retry, ANN)
        result = await handle.result()

    assert result.status is CycleStatus.COMPLETED
    following = narrow.records[narrow.records.index(parked) + 1]
    assert (following.status, following.reason) == (CycleStatus.STARTED, None), "it stands where it stood"
    assert next(entry.entry_id.partition("/")[0] for entry in narrow.entries) == "XRP-1-1B1-1"
    numbers = [record.sequence for record in narrow.records]
    assert sorted(numbers) == list(range(1, len(numbers) + 1)), "each record has a number of its own"

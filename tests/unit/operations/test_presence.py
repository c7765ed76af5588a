"""Whether anybody works on the cycles, by what the processes last said."""

import asyncio
from collections.abc import Sequence

import pytest

from kimp.domain.errors import StoreUnavailable
from kimp.operations import presence
from kimp.operations.presence import ALL_WORK, GONE_AFTER_MS, present, running
from kimp.ports.presence import Seen

NOW_MS = 1_700_000_000_000


def seen(work: str, age_ms: int = 0, *, ended: bool = False, identity: str = "1@a") -> Seen:
    return Seen(identity, work, NOW_MS - age_ms, age_ms, ended)


def test_a_database_that_nobody_ever_worked_on() -> None:
    nobody = running([])
    assert nobody.missing == ALL_WORK
    assert nobody.last_seen_ms is None
    assert not nobody.anything


def test_all_work_is_done_by_whichever_processes() -> None:
    here = [seen("initiator"), seen("cycles"), seen("transfers", identity="2@b"), seen("ops", 30_000, identity="3@c")]
    assert running(here).missing == ()


def test_who_was_not_heard_of_for_long_or_ended_does_nothing() -> None:
    there = [seen("initiator", GONE_AFTER_MS + 1), seen("cycles", ended=True), seen("transfers"), seen("ops")]
    found = running(there)
    assert found.missing == ("initiator", "cycles")
    assert found.last_seen_ms == NOW_MS, "of the latest that did what is missing"
    assert found.anything


def test_one_of_two_that_ended_is_not_missed() -> None:
    both = [seen(work) for work in ALL_WORK] + [seen(work, ended=True, identity="2@a") for work in ALL_WORK]
    assert running(both).missing == ()


class Reported:
    """Counts what it is told; may be away."""

    def __init__(self) -> None:
        self.lines: list[object] = []
        self.received = asyncio.Queue[None]()
        self.away = False

    async def report(self, identity: str, work: Sequence[str]) -> None:
        if self.away:
            raise StoreUnavailable("away")
        self.lines.append((identity, *work))
        self.received.put_nowait(None)

    async def report_end(self, identity: str) -> None:
        if self.away:
            raise StoreUnavailable("away")
        self.lines.append(f"{identity} ends")

    async def seen(self) -> Sequence[Seen]:
        return []


async def test_a_process_says_so_at_once_again_and_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "EVERY_S", 0.001)
    reported = Reported()
    async with present(reported, "1@a", ["ops"]):
        for _ in range(3):
            await reported.received.get()
    assert reported.lines[:3] == [("1@a", "ops")] * 3
    assert reported.lines[-1] == "1@a ends"


async def test_a_database_that_is_away_ends_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "EVERY_S", 0.001)
    reported = Reported()
    reported.away = True
    async with present(reported, "1@a", ["ops"]):
        await asyncio.sleep(0.01)
        reported.away = False
        await reported.received.get()
        reported.away = True

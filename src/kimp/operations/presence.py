"""Whether anybody works on the cycles: each process says so in the database, which all of them share."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from kimp.contracts.queues import TaskQueue
from kimp.domain.errors import StoreUnavailable
from kimp.ports.presence import Presence, Seen

EVERY_S = 10.0
GONE_AFTER_MS = 35_000
"""Three times in a row not heard of: a busy machine and a lock of the database make one late."""
STARTS_CYCLES = "initiator"
ALL_WORK = (STARTS_CYCLES, *(queue.name.lower() for queue in TaskQueue))

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Running:
    """What of kimp runs."""

    missing: Sequence[str]
    """Work that no process does: `initiator`, or a worker's queue. Empty: all of kimp runs."""
    last_seen_ms: int | None
    """When any process that did what is missing was last heard of; None if none ever was."""

    @property
    def anything(self) -> bool:
        return len(self.missing) < len(ALL_WORK)


def running(seen: Sequence[Seen]) -> Running:
    """By what the processes said."""
    done = {one.work for one in seen if not one.ended and one.age_ms <= GONE_AFTER_MS}
    missing = tuple(work for work in ALL_WORK if work not in done)
    return Running(missing, max((one.seen_ms for one in seen if one.work in missing), default=None))


@asynccontextmanager
async def present(presence: Presence, identity: str, work: Sequence[str]) -> AsyncIterator[None]:
    """Says so for as long as the block runs, and at its end that it ends. A database that is away hears of it later."""
    await _report(presence, identity, work)
    reporting = asyncio.create_task(_keep_reporting(presence, identity, work))
    try:
        yield
    finally:
        reporting.cancel()
        await asyncio.gather(reporting, return_exceptions=True)
        with suppress(StoreUnavailable):
            await presence.report_end(identity)


async def _keep_reporting(presence: Presence, identity: str, work: Sequence[str]) -> None:
    while True:
        await asyncio.sleep(EVERY_S)
        await _report(presence, identity, work)


async def _report(presence: Presence, identity: str, work: Sequence[str]) -> None:
    try:
        await presence.report(identity, work)
    except StoreUnavailable as error:
        log.debug("the database does not hear that this process runs: %s", error)

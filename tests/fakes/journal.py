"""Journal and record keeper in memory, for workflow tests."""

import asyncio
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from kimp.adapters.clock import SystemClock
from kimp.contracts.cycle import CycleRecord
from kimp.contracts.orders import OrderIntent, OrderPair, OrderReport
from kimp.contracts.status import CycleStatus
from kimp.contracts.transfers import DepositQuery, WithdrawalIntent
from kimp.domain.admission import HaltLevel
from kimp.domain.gates import Blocked
from kimp.domain.ledger import Entry
from kimp.domain.money import Asset
from kimp.domain.venues import Venue
from kimp.ports.clock import Clock
from kimp.ports.journal import DepositClaim, SendPermit, WithdrawalClaim
from kimp.ports.read_model import ReadModel


@dataclass
class MemoryJournal:
    """Gives the first permit of an id once; the kill switch too."""

    clock: Clock = field(default_factory=SystemClock)
    """The database's."""
    halt: HaltLevel = HaltLevel.RUN
    asked: dict[str, tuple[int, str]] = field(default_factory=dict)
    closed: dict[str, OrderReport] = field(default_factory=dict)
    claims: dict[str, str] = field(default_factory=dict)
    likely: set[str] = field(default_factory=set)
    """Transfers whose claim is no more than that."""
    unanswered: dict[tuple[Venue, Asset], str] = field(default_factory=dict)
    """Source and coin -> the withdrawal that has no answer yet."""
    refused: dict[str, str] = field(default_factory=dict)
    travelling: dict[str, WithdrawalIntent] = field(default_factory=dict)
    """Asked for, and nobody has told their txid yet."""
    expected: dict[str, DepositQuery] = field(default_factory=dict)
    credited: dict[str, str] = field(default_factory=dict)
    """The venue's id of the deposit that each transfer has."""
    over: set[str] = field(default_factory=set)
    """Cycles that have ended."""
    reasons: list[str] = field(default_factory=list)
    """Why kimp halted itself."""
    short_of: Blocked | None = None
    """Why no pair is journalled."""

    def _ask(self, key: str, run_id: str) -> SendPermit:
        first, now_ms = key not in self.asked, self.clock.now_ms()
        at, run = self.asked.setdefault(key, (now_ms, run_id))
        return SendPermit(first=first, first_asked_ms=at, now_ms=now_ms, run_id=run, halt=self.halt)

    async def knows(self, intent: OrderIntent | WithdrawalIntent) -> bool:
        name = intent.client_order_id if isinstance(intent, OrderIntent) else intent.transfer_id
        return name in self.asked

    async def ask_order(self, intent: OrderIntent) -> SendPermit:
        return self._ask(intent.client_order_id, intent.run_id)

    async def ask_pair(self, pair: OrderPair) -> tuple[SendPermit, SendPermit]:
        if self.short_of is not None and pair.buy.client_order_id not in self.asked:
            no = SendPermit(False, 0, 0, pair.buy.run_id, self.halt, self.short_of)  # noqa: FBT003 - `first`
            return no, no
        return await self.ask_order(pair.buy), await self.ask_order(pair.sell)

    async def close_order(self, intent: OrderIntent, report: OrderReport) -> None:
        self.closed[intent.client_order_id] = report

    async def ask_withdrawal(self, intent: WithdrawalIntent) -> SendPermit | None:
        slot = (intent.direction.source, intent.coin)
        if (
            intent.transfer_id not in self.asked
            and self.unanswered.setdefault(slot, intent.transfer_id) != intent.transfer_id
        ):
            return None
        if intent.transfer_id not in self.asked:
            self.travelling[intent.transfer_id] = intent
        permit = self._ask(intent.transfer_id, intent.run_id)
        return replace(permit, closed=self.refused.get(intent.transfer_id))

    async def refuse_withdrawal(self, transfer_id: str, reason: str) -> None:
        if transfer_id in self.likely:
            self.likely.discard(transfer_id)
            del self.claims[transfer_id]
        if transfer_id not in self.claims:
            self.refused[transfer_id] = reason
            self.travelling.pop(transfer_id, None)
            self._answer(transfer_id)

    async def fail_withdrawal(self, transfer_id: str, reason: str) -> None:
        if transfer_id in self.claims and transfer_id not in self.likely:
            self.refused[transfer_id] = reason

    async def halt_level(self) -> HaltLevel:
        return self.halt

    async def halt_at_least(self, level: HaltLevel, reason: str) -> None:
        self.halt = max(self.halt, level)
        self.reasons.append(reason)

    def _answer(self, transfer_id: str) -> None:
        self.unanswered = {slot: name for slot, name in self.unanswered.items() if name != transfer_id}

    async def claim_withdrawal(self, transfer_id: str, venue: str, venue_id: str, *, likely: bool) -> bool:
        has = self.claims.get(transfer_id)
        if venue_id in await self.claimed_by_others(transfer_id, venue, [venue_id]):
            return False
        if has is not None and (has != venue_id or likely) and transfer_id not in self.likely:
            return False
        if has not in {None, venue_id} and likely:
            return False
        self.claims[transfer_id] = venue_id
        (self.likely.add if likely else self.likely.discard)(transfer_id)
        self._answer(transfer_id)
        return True

    async def claimed_withdrawal(self, transfer_id: str) -> WithdrawalClaim | None:
        venue_id = self.claims.get(transfer_id)
        return None if venue_id is None else WithdrawalClaim(venue_id, likely=transfer_id in self.likely)

    async def claimed_by_others(self, transfer_id: str, venue: str, venue_ids: Sequence[str]) -> AbstractSet[str]:
        return {id_ for name, id_ in self.claims.items() if name != transfer_id} & set(venue_ids)

    async def expect_deposit(self, query: DepositQuery) -> None:
        self.expected.setdefault(query.transfer_id, query)
        self.travelling.pop(query.transfer_id, None)

    async def deposit_claims(self, query: DepositQuery) -> list[DepositClaim]:
        return [
            DepositClaim(name, one.arrives, self.credited.get(name), over=one.cycle_id in self.over)
            for name, one in self.expected.items()
            if (one.txid, one.direction) == (query.txid, query.direction)
        ]

    async def others_on_their_way(self, query: DepositQuery) -> bool:
        others = (one for one in self.travelling.values() if one.cycle_id not in {query.cycle_id, *self.over})
        return any((one.coin, one.direction) == (query.coin, query.direction) for one in others)

    async def claim_deposit(self, transfer_id: str, deposit_id: str) -> bool:
        if deposit_id in self.credited.values():
            return self.credited.get(transfer_id) == deposit_id
        return self.credited.setdefault(transfer_id, deposit_id) == deposit_id


@dataclass
class RecordKeeper:
    """What the workflow recorded, in order."""

    records: list[CycleRecord] = field(default_factory=list)
    model: ReadModel | None = None
    """Told as well."""
    held_up: dict[CycleStatus, asyncio.Event] = field(default_factory=dict)
    """A record of this status is written, and answered only once the event is set."""

    async def record(self, record: CycleRecord) -> None:
        if self.model is not None:
            await self.model.record(record)
        self.records.append(record)
        if record.status in self.held_up:
            await self.held_up[record.status].wait()

    async def until(self, seen: Callable[[CycleRecord], bool]) -> CycleRecord:
        """The first record that `seen` accepts; the test's own timeout bounds the wait."""
        while True:
            for record in self.records:
                if seen(record):
                    return record
            await asyncio.sleep(0.02)

    @property
    def entries(self) -> list[Entry]:
        return [entry for record in self.records for entry in record.entries]

    @property
    def statuses(self) -> list[str]:
        """Each status once, in the order they came."""
        return list(dict.fromkeys(record.status.value for record in self.records))

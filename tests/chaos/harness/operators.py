"""People at kimp's commands: they abort and cancel, pull the kill switch, and decide over what is parked."""

import asyncio
import random
import time
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

from chaos.auditor.books import plain_id
from chaos.auditor.collecting import read_tables
from chaos.auditor.evidence import Row, Unread, number
from chaos.harness.commands import Refused, kimp, kimp_json
from chaos.harness.ground import Ground
from temporalio.client import (
    Client,
    ScheduleOverlapPolicy,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.service import RPCError

from kimp.adapters.sql.controls import KIMP
from kimp.adapters.temporal.schedule import SCHEDULE_ID
from kimp.contracts.status import CycleStatus
from kimp.domain.admission import HaltLevel
from kimp.domain.ids import workflow_id
from kimp.ports.read_model import CycleRow

MANY = 1_000
UNKNOWN_OUTCOME = "lists none like it"
ANOTHER_LIKE_IT = "lists what may or may not be it"
NOT_LOOKED_UP = "looking it up was refused"
LOST_COINS = ("refused", "has not heard of", "nobody knows where")
"""Who finds at the venues that they are gone for good writes them off."""
ANOTHER_AMOUNT = "goes on with what arrived"
GIVEN_BACK = {"cancelled", "failed", "rejected"}
PATIENCE_S = 20.0
"""Before a person decides over the same cycle once more."""
WITHIN_S = 25.0
NUDGE_S = 5
HEAL_TRIES = 20
EARNING = frozenset(CycleStatus) - {
    CycleStatus.COMPLETED,
    CycleStatus.REJECTED,
    CycleStatus.COMPENSATED,
    CycleStatus.COMPENSATING,
    CycleStatus.DEAD_LETTER,
}
HOLDING_CASH = frozenset({CycleStatus.AWAITING_REBALANCE, CycleStatus.REBALANCING_IN_PROGRESS})
"""Undone from here, a cycle has cash abroad to bring home."""


class Operators:
    def __init__(self, ground: Ground, temporal: Client, draw: random.Random) -> None:
        self._ground = ground
        self._temporal = temporal
        self._draw = draw
        self.did: Counter[str] = Counter()
        self.refused: list[str] = []
        """Commands that came to nothing: the cycle had moved on, or a server was away."""
        self.decided: Counter[str] = Counter()
        """By cycle."""
        self.terminated: Counter[str] = Counter()
        """By cycle."""
        self._last_s: dict[str, float] = {}
        self._halted = False
        """By a person, for a while."""

    async def stop_one(self, *, with_cash_abroad: bool) -> None:
        """Abort or cancel a cycle that is still earning."""
        rows = [row for row in await self._rows() if row.status in (HOLDING_CASH if with_cash_abroad else EARNING)]
        if not rows:
            return
        row = self._draw.choice(rows)
        if self._draw.random() < 0.3:
            await self._cancel(row.cycle_id)
        else:
            await self._command("abort", row.cycle_id, "--note", "chaos")

    async def decide(self) -> None:
        """Look at every parked cycle, and do what its reason demands."""
        parked = await self._ground.books.read_model.cycles(limit=MANY, status=CycleStatus.DEAD_LETTER)
        now = time.monotonic()
        due = [row for row in parked if now - self._last_s.get(row.cycle_id, -PATIENCE_S) >= PATIENCE_S]
        self._last_s |= {row.cycle_id: now for row in due}
        await asyncio.gather(*(self._decide(row.cycle_id, row.reason or "") for row in due))

    async def hurry(self) -> None:
        """Ask every waiting cycle to look again: hours of patience are not what is tested here."""
        rows = [row for row in await self._rows() if row.waiting_reason is not None]
        await asyncio.gather(*(self._wake(row.cycle_id) for row in rows))

    async def terminate_one(self) -> None:
        """As the Web UI does, in the middle of whatever it is doing: nothing of the workflow runs any more."""
        rows = [row for row in await self._rows() if not row.status.terminal]
        if not rows:
            return
        cycle = self._draw.choice(rows).cycle_id
        try:
            await self._temporal.get_workflow_handle(workflow_id(cycle)).terminate(reason="chaos")
        except RPCError as error:
            self.refused.append(f"terminate {cycle}: {error.message}")
        else:
            self.terminated[cycle] += 1
            self.did["terminate"] += 1

    async def sweep(self) -> None:
        """The schedule's next sweep now: a minute is long here."""
        with suppress(RPCError):
            await self._temporal.get_schedule_handle(SCHEDULE_ID).trigger(overlap=ScheduleOverlapPolicy.SKIP)

    async def halt_for_a_while(self, seconds: float) -> None:
        level = self._draw.choice((1, 2, 2, 3))
        self._halted = True
        await self._command_line("halt", str(level), "--note", "chaos")
        await asyncio.sleep(seconds)
        await self._command_line("resume", "--note", "chaos")
        self._halted = False

    async def resume(self) -> None:
        """kimp has halted itself: look at the reason, and let it trade again."""
        if self._halted or await self._ground.books.controls.halt_level() is HaltLevel.RUN:
            return
        tables = await read_tables(self._ground.settings.sql_url)
        if isinstance(tables, Unread):
            return
        last = max(tables["halts"], key=lambda row: int(row["id"]))
        if await self._command_line("resume", "--note", f"looked: {last['reason'][:120]}"):
            self.did[f"resume after a halt by {'kimp itself' if last['set_by'] == KIMP else 'a person'}"] += 1

    async def no_new_cycles(self) -> None:
        for _ in range(HEAL_TRIES):
            reported = ("1", "--note", "the faults are over")
            if await self._command_line("halt", *reported) or await self._command_line("resume", *reported):
                return
            await asyncio.sleep(1)
        raise AssertionError(f"the kill switch could not be pulled: {self.refused[-1]}")

    async def _rows(self) -> list[CycleRow]:
        return await self._ground.books.read_model.cycles(limit=MANY)

    async def _cancel(self, cycle: str) -> None:
        try:
            await self._temporal.get_workflow_handle(workflow_id(cycle)).cancel()
        except RPCError as error:
            self.refused.append(f"cancel {cycle}: {error.message}")
        else:
            self.did["cancel"] += 1

    async def _wake(self, cycle: str) -> None:
        handle = self._temporal.get_workflow_handle(workflow_id(cycle))
        try:
            await handle.execute_update(
                "retry", {"by": "chaos"}, result_type=str, rpc_timeout=timedelta(seconds=NUDGE_S)
            )
        except (RPCError, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError):
            return  # it waits no longer, or a server is away
        self.did["hurry"] += 1

    async def _decide(self, cycle: str, reason: str) -> None:
        self.decided[cycle] += 1
        if UNKNOWN_OUTCOME in reason or ANOTHER_LIKE_IT in reason:
            # Only who has looked at the venue may take an unknown outcome for "it never happened".
            await self._command("retry" if await self._at_the_venue(cycle) else "compensate", cycle, "--note", "looked")
        elif NOT_LOOKED_UP in reason:
            await self._command("retry", cycle, "--note", "the key works again")
        elif ANOTHER_AMOUNT in reason:
            await self._command("retry", cycle, "--note", "that is what arrived")
        elif any(words in reason for words in LOST_COINS) and (lost := await self._lost(cycle)):
            for asset, amount in lost.items():
                where = ("--account", "in_transit")
                await self._command("write-off", cycle, f"{amount:f}", asset, *where, "--note", "gone for good")
        else:
            await self._command(self._draw.choice(("retry", "compensate")), cycle, "--note", "again")

    async def _lost(self, cycle: str) -> dict[str, Decimal]:
        """What is in transit by the books, of coins that the venues sent and never credit."""
        on_the_way = await self._in_transit(cycle)
        tables = await read_tables(self._ground.settings.sql_url)
        if isinstance(tables, Unread) or not on_the_way:
            return {}
        sent = {plain_id(row["venue_id"]) for row in tables["withdrawal_intents"]
                if row["cycle_id"] == cycle and row["venue_id"] is not None}  # fmt: skip
        return {asset: amount for asset, amount in on_the_way.items() if asset in await self._ground.paper.lost(sent)}

    async def _in_transit(self, cycle: str) -> dict[str, Decimal]:
        """What the books say is on its way for this cycle."""
        amounts: dict[str, Decimal] = {}
        try:
            entries = (await kimp_json(self._ground, "cycles", "show", cycle))["entries"]
        except (Refused, ValueError) as refusal:
            self.refused.append(str(refusal))
            return amounts
        for posting in (posting for entry in entries for posting in entry["postings"]):
            if posting["account"] == "in_transit":
                asset = posting["asset"]
                amounts[asset] = amounts.get(asset, Decimal(0)) + number(posting["amount"])
        return {asset: amount for asset, amount in amounts.items() if amount > 0}

    async def _at_the_venue(self, cycle: str) -> bool:
        """Whether the venue has one like a withdrawal that this cycle heard nothing of, and has not given it back."""
        tables = await read_tables(self._ground.settings.sql_url)
        if isinstance(tables, Unread):
            return True  # who can't look decides nothing: kimp may look again
        intents = tables["withdrawal_intents"]
        bound = {plain_id(row["venue_id"]) for row in intents if row["venue_id"] is not None}
        there = [
            w
            for w in await self._ground.paper.withdrawals()
            if plain_id(w["uuid"]) not in bound and w["step"] not in GIVEN_BACK
        ]
        return any(_alike(row, w) for row in intents if row["cycle_id"] == cycle and not row["venue_id"] for w in there)

    async def _command(self, *arguments: str) -> None:
        await self._command_line("cycles", *arguments)

    async def _command_line(self, *arguments: str) -> bool:
        """Whether kimp did it."""
        try:
            await kimp(self._ground, *arguments, within_s=WITHIN_S)
        except Refused as refusal:
            self.refused.append(str(refusal))
            return False
        self.did[arguments[1] if arguments[0] == "cycles" else arguments[0]] += 1
        return True


def _alike(intent: Row, withdrawal: Row) -> bool:
    arrives, fee = number(withdrawal["arrives"]), number(withdrawal["fee"])
    return (
        (intent["venue"], intent["coin"]) == (withdrawal["venue"], withdrawal["coin"])
        and intent["first_asked_ms"] <= withdrawal["created_ms"]
        and number(intent["amount"]) in {arrives, arrives + fee}
    )

"""What becomes of open cycles when a role of Temporal dies, or its database; each is killed once; then an audit."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from chaos.auditor.report import verdict_table
from chaos.auditor.verdict import Holds, judge
from chaos.harness.audit import gather
from chaos.harness.ground import Ground, open_ground
from chaos.harness.market import Market, busy_coins
from chaos.harness.mayhem import Mayhem
from chaos.harness.settling import heal, settle
from chaos.harness.sizes import SMALL
from chaos.harness.supervision import supervised
from cluster.programs import WriteLine
from rich.console import Console
from rich.table import Table

from kimp.bootstrap.temporal import connect_temporal
from kimp.ports.read_model import CycleRow

SIZE = replace(SMALL, name="roles", cells=0, coins=10, settle_s=240)
"""No crash points, no venue faults: only Temporal and its database fail."""
ORDER = ("frontend", "history", "matching", "worker", "postgres")
AWAY_S = 5.0
OPEN_AT_LEAST = 3
WAIT_S = 120
LOOK_EVERY_S = 0.05
NUDGE_EVERY_S = 0.7
UPWARDS = 0.5


@dataclass(frozen=True, slots=True)
class Death:
    """Of one role, or of the database below them."""

    role: str
    open_cycles: int
    """When it died."""
    steps_meanwhile: int
    """Changes of status that the open cycles made while it was away."""
    first_step_s: float | None
    """From its return to the next change of status of one of them; None: there was none."""
    all_ended_s: float | None
    """From its return until all of them had ended; None: not within the time."""
    fates: str


async def kill_each_role(folder: Path, write_line: WriteLine) -> int:
    """Exit code: 0 when every cycle that was open ended by itself and every invariant holds."""
    seed = random.randrange(10**6)
    async with open_ground(folder, SIZE, seed, "mariadb", "cluster") as ground:
        temporal = await connect_temporal(ground.settings)
        mayhem = Mayhem(ground, temporal, SIZE, seed, write_line)
        async with supervised(ground.supervisor):
            await mayhem.warm_up()
            trading = asyncio.create_task(_trade(ground, seed))
            deaths = [await _kill(ground, role, write_line) for role in ORDER]
            trading.cancel()
            await heal(ground, mayhem)
            settled_s = await settle(ground, temporal, mayhem, SIZE.settle_s, write_line)
            evidence = await gather(ground, temporal, settled_s, SIZE.settle_s, mayhem.operators)
        ended = ground.supervisor.ended
    verdicts = judge(evidence)
    Console(width=140).print(_table(deaths), verdict_table(verdicts))
    write_line(f"{sum(len(verdict.violations) for verdict in verdicts)} violations; settled after {settled_s} s")
    for line in ended:
        write_line(f"ended by itself: {line}")
    held = all(verdict.holds is Holds.YES for verdict in verdicts)
    return 0 if held and not ended and all(death.all_ended_s is not None for death in deaths) else 1


async def _trade(ground: Ground, seed: int) -> None:
    """Prices that keep cycles starting."""
    market = Market(ground, random.Random(seed))
    while True:
        await market.set_premium(await busy_coins(ground), upwards=UPWARDS)
        await asyncio.sleep(NUDGE_EVERY_S)


async def _kill(ground: Ground, role: str, write_line: WriteLine) -> Death:
    assert ground.cluster is not None
    before = await _enough_open(ground)
    names = [row.cycle_id for row in before]
    write_line(f"killing {role}: {len(names)} cycles are open ({', '.join(names)})")
    victim = ground.cluster.servers[role]
    killing = asyncio.create_task(ground.supervisor.kill_server(victim, f"temporal {role}", AWAY_S))
    seen, meanwhile = _statuses(before), 0
    while not killing.done():
        now = _statuses(await _rows(ground, names))
        meanwhile += sum(now[name] != seen[name] for name in names)
        seen = now
        await asyncio.sleep(LOOK_EVERY_S)
    await killing
    back = time.monotonic()
    first_s = ended_s = None
    rows: Sequence[CycleRow] = []
    while ended_s is None and time.monotonic() - back < WAIT_S:
        rows = await _rows(ground, names)
        if first_s is None and _statuses(rows) != seen:
            first_s = time.monotonic() - back
        if all(row.status.terminal for row in rows):
            ended_s = time.monotonic() - back
        await asyncio.sleep(LOOK_EVERY_S)
    fates = sorted(str(row.status) for row in rows)
    return Death(
        role, len(names), meanwhile, first_s, ended_s, ", ".join(f"{fates.count(f)} {f}" for f in dict.fromkeys(fates))
    )


async def _enough_open(ground: Ground) -> Sequence[CycleRow]:
    """What is open once there is enough of it. Raises TimeoutError."""
    async with asyncio.timeout(WAIT_S):
        while True:
            rows = [row for row in await ground.books.read_model.cycles(limit=100) if not row.status.terminal]
            if len(rows) >= OPEN_AT_LEAST:
                return rows
            await asyncio.sleep(LOOK_EVERY_S)


async def _rows(ground: Ground, names: Sequence[str]) -> Sequence[CycleRow]:
    return [row for row in await ground.books.read_model.cycles(limit=1_000) if row.cycle_id in names]


def _statuses(rows: Sequence[CycleRow]) -> dict[str, str]:
    return {row.cycle_id: f"{row.status} {row.waiting_reason}" for row in rows}


def _table(deaths: Sequence[Death]) -> Table:
    table = Table(title=f"each role killed, away for {AWAY_S:.0f} s and its start", title_justify="left")
    for name in ("role", "open", "steps meanwhile", "next step after", "all ended after", "as"):
        table.add_column(name)
    for death in deaths:
        table.add_row(
            death.role,
            str(death.open_cycles),
            str(death.steps_meanwhile),
            _seconds(death.first_step_s),
            _seconds(death.all_ended_s),
            death.fates,
        )
    return table


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"

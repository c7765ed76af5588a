"""One run: build the world, lay it waste, heal it, let it settle, audit it."""

import time
from collections import Counter
from pathlib import Path

from chaos.auditor.evidence import Evidence, Unread
from chaos.auditor.keeping import save
from chaos.auditor.verdict import count_beyond_fence, judge
from chaos.harness.audit import gather
from chaos.harness.commands import kimp
from chaos.harness.ground import Ground, open_ground
from chaos.harness.mayhem import Mayhem, WriteLine
from chaos.harness.report import Report
from chaos.harness.settling import heal, settle
from chaos.harness.sizes import Size
from chaos.harness.supervision import supervised

from kimp.bootstrap.temporal import connect_temporal

USUAL_S = 2.0
"""In which a command of kimp's starts and ends beside a running system, on two cores that have nothing else to do."""
SLOWEST = 2.0
TRIES = 3


async def campaign(
    folder: Path, size: Size, seed: int, database: str | None, temporal_of: str | None, write_line: WriteLine
) -> Report:
    """The evidence is in `folder` afterwards."""
    begun = time.monotonic()
    report = Report(seed, size.name, "SQLite" if database is None else database.partition(":")[0])
    async with open_ground(folder, size, seed, database, temporal_of) as ground:
        write_line(f"the world stands after {time.monotonic() - begun:.0f} s, in {folder}")
        temporal = await connect_temporal(ground.settings)
        mayhem = Mayhem(ground, temporal, size, seed, write_line)
        async with supervised(ground.supervisor):
            await mayhem.warm_up()
            write_line(f"the first cycle runs after {time.monotonic() - begun:.0f} s")
            slowness = min(max(await _command_s(ground) / USUAL_S, 1.0), SLOWEST)
            mayhem.size = size = size.paced(slowness)
            write_line(f"blows come {slowness:.1f} times as slowly as on an idle machine")
            await mayhem.run()
            await heal(ground, mayhem)
            report.settled_s = await settle(ground, temporal, mayhem, size.settle_s, write_line)
            write_line("auditing")
            evidence = await gather(ground, temporal, report.settled_s, size.settle_s, mayhem.operators)
        save(evidence, folder / "evidence")
        _fill(report, ground, mayhem, evidence)
    report.seconds = round(time.monotonic() - begun, 1)
    return report


async def _command_s(ground: Ground) -> float:
    """How long a process takes to start here, at best: what is killed faster than that never gets to work."""
    took: list[float] = []
    for _ in range(TRIES):
        begun = time.monotonic()
        await kimp(ground, "cycles", "list")
        took.append(time.monotonic() - begun)
    return min(took)


def _fill(report: Report, ground: Ground, mayhem: Mayhem, evidence: Evidence) -> None:
    report.verdicts = judge(evidence)
    report.beyond_fence = count_beyond_fence(evidence)
    report.venue_faults = mayhem.struck
    report.blows = {**mayhem.blows.struck, "zombies": ground.supervisor.zombies}
    report.forged = dict(mayhem.forger.forged)
    report.kills = dict(ground.supervisor.kills)
    report.crashes = dict(ground.supervisor.crashes)
    report.ended = ground.supervisor.ended
    report.broke = ground.supervisor.broke
    report.cells = {str(cell): mayhem.charges.hits[cell] for cell in mayhem.charges.wanted}
    report.missing = mayhem.missing()
    report.operators = {**mayhem.operators.did, "came too late": len(mayhem.operators.refused)}
    if not isinstance(evidence.tables, Unread):
        report.cycles = dict(Counter(str(row["status"]) for row in evidence.tables["cycles"]))
    if not isinstance(evidence.journal, Unread):
        kinds = Counter(str(line["kind"]) for line in evidence.journal)
        report.orders = kinds["order"]
        report.withdrawals = sum(
            line["kind"] == "withdrawal" and line["step"] == "accepted" for line in evidence.journal
        )

"""`kimp migrate` and `kimp catch-up`."""

from dataclasses import asdict

from kimp.bootstrap.migrating import migrated
from kimp.bootstrap.parts import open_database
from kimp.bootstrap.use_cases import connect_past_runs
from kimp.cli.terminal import print_outcome, report_outcome
from kimp.config import load
from kimp.observability.clean import write_line
from kimp.operations import catch_up as operation


async def migrate(copy_from: str | None, *, as_json: bool) -> None:
    """Each step is told once it is done."""
    steps: list[str] = []
    async for line in migrated(load(), copy_from):
        steps.append(line)
        if not as_json:
            write_line(line)
    if as_json:
        print_outcome("; ".join(steps), {"steps": steps})


async def catch_up(*, as_json: bool) -> None:
    """Raises BadConfig while workers poll."""
    settings = load()
    async with open_database(settings) as database:
        done = await operation.catch_up(database, await connect_past_runs(settings))
    text = f"read {done.cycles} cycles; {done.orders} orders were missing. Trading is halted until `kimp resume`"
    report_outcome(text, asdict(done), as_json=as_json)

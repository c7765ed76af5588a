"""`kimp deploy`: versions of the workers, and which of them gets new cycles."""

from dataclasses import asdict

from rich.markup import escape
from rich.table import Table

from kimp.bootstrap.use_cases import connect_deployments
from kimp.cli import terminal
from kimp.config import load

console = terminal.console()


async def show_versions(*, as_json: bool) -> None:
    """Every version with its open cycles."""
    settings = load()
    found = await (await connect_deployments(settings)).status()
    ours = settings.deploy.build if settings.deploy.versioned else None
    if as_json:
        terminal.print_json({"this_build": ours, **asdict(found)})
        return
    table = Table("version", "status", "open cycles", "first seen (UTC)", box=None)
    for version in found.versions:
        ramp = f" {version.ramp_percentage:g} %" if version.ramp_percentage else ""
        table.add_row(escape(version.build_id), version.status + ramp, str(version.open_cycles), version.seen_first)
    table.add_row("without a version", "", str(found.unversioned_open_cycles), "")
    console.print(table)
    console.print(
        "this kimp has no version: deploy.versioned is off" if ours is None else f"this kimp is {ours}",
        highlight=False,
    )


async def promote(build: str, *, as_json: bool) -> None:
    """For new cycles."""
    await (await connect_deployments(load())).promote(build)
    text = f"new cycles start on {build}; `kimp deploy status` tells when the version before it is drained"
    terminal.report_outcome(text, {"build": build}, as_json=as_json)

"""`kimp deploy`: versions of the workers, and which of them gets new cycles."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from kimp.cli import terminal
from kimp.cli.app import Json, app, run
from kimp.config import Settings, load

deploy = typer.Typer(help="Versions of the workers, where open cycles stay with theirs.", no_args_is_help=True)
app.add_typer(deploy, name="deploy")
console = terminal.console()


@deploy.command("status")
def status(as_json: Json = False) -> None:  # noqa: FBT002 - a command-line flag
    """Every version with its open cycles: what is drained may be stopped."""
    run(_status(load(), as_json=as_json))


@deploy.command("promote")
def promote(build: Annotated[str, typer.Argument(metavar="BUILD", help="A build id of `kimp deploy status`.")]) -> None:
    """New cycles start on this version from now on; open ones stay with theirs. An older version goes back."""
    run(_promote(load(), build))


async def _status(settings: Settings, *, as_json: bool) -> None:
    from kimp.bootstrap.use_cases import connect_deployments  # noqa: PLC0415 - heavy

    found = await (await connect_deployments(settings)).status()
    ours = settings.deploy.build if settings.deploy.versioned else None
    if as_json:
        terminal.print_json({"this_build": ours, **asdict(found)})
        return
    table = Table("version", "status", "open cycles", "first seen (UTC)", box=None)
    for version in found.versions:
        ramp = f" {version.ramp_percentage:g} %" if version.ramp_percentage else ""
        table.add_row(escape(version.build_id), version.status + ramp, str(version.open_cycles), version.seen_first)
    table.add_row("unversioned", "", str(found.unversioned_open_cycles), "")
    console.print(table)
    console.print("this kimp is unversioned" if ours is None else f"this kimp is {ours}", highlight=False)


async def _promote(settings: Settings, build: str) -> None:
    from kimp.bootstrap.use_cases import connect_deployments  # noqa: PLC0415 - heavy

    await (await connect_deployments(settings)).promote(build)
    console.print(f"new cycles start on {build}; `kimp deploy status` tells when the version before it is drained")

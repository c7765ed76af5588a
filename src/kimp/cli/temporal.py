"""`kimp temporal`: what a Temporal server needs before kimp can use it."""

from datetime import timedelta
from typing import Annotated

import typer

from kimp.cli import terminal
from kimp.cli.app import Json, app, run
from kimp.config import Settings, load
from kimp.observability.clean import say

DAYS = 30
temporal = typer.Typer(help="Prepare a Temporal server.", no_args_is_help=True)
app.add_typer(temporal, name="temporal")


@temporal.command("bootstrap")
def bootstrap(
    retention_days: Annotated[
        int, typer.Option(help="Keep histories of closed cycles at least so long; longer is left as it is.", min=1)
    ] = DAYS,
    as_json: Json = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Make or mend namespace, search attributes and the sweep's schedule; may be run again at any time."""
    run(_bootstrap(load(), timedelta(days=retention_days), as_json=as_json))


async def _bootstrap(settings: Settings, retention: timedelta, *, as_json: bool) -> None:
    from kimp.bootstrap.temporal import connect_temporal, prepare_temporal  # noqa: PLC0415 - heavy

    client = await connect_temporal(settings)
    changed = await prepare_temporal(client, retention)
    where = client.service_client.config.target_host
    if as_json:
        terminal.print_json({"address": where, "namespace": client.namespace, "changed": changed})
        return
    for line in changed:
        say(line)
    say(f"namespace {client.namespace} at {where} is ready")

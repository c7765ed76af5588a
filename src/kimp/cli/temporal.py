"""`kimp temporal bootstrap`: what a Temporal server needs before kimp can use it."""

from datetime import timedelta

from kimp.bootstrap.parts import open_database
from kimp.bootstrap.temporal import claim_namespace, connect_temporal, prepare_temporal
from kimp.cli.terminal import print_outcome
from kimp.config import load
from kimp.observability.clean import write_line


async def bootstrap(retention_days: int, *, take_over: bool, as_json: bool) -> None:
    """Tells what it changed. `take_over`: the namespace's cycles become those of the configured database."""
    settings = load()
    client = await connect_temporal(settings)
    changed = await prepare_temporal(client, timedelta(days=retention_days))
    if take_over:
        async with open_database(settings) as books:
            await claim_namespace(client, books, take_over=True)
        changed.append(f"the namespace belongs to the database at {books.place}")
    where = client.service_client.config.target_host
    ready = f"namespace {client.namespace} at {where} is ready"
    if as_json:
        print_outcome(ready, {"address": where, "namespace": client.namespace, "changed": changed})
        return
    for line in (*changed, ready):
        write_line(line)

"""`kimp temporal bootstrap`: what a Temporal server needs before kimp can use it."""

from datetime import timedelta

from kimp.bootstrap.temporal import connect_temporal, prepare_temporal
from kimp.cli.terminal import print_outcome
from kimp.config import load
from kimp.observability.clean import say


async def bootstrap(retention_days: int, *, as_json: bool) -> None:
    """Tells what it changed."""
    client = await connect_temporal(load())
    changed = await prepare_temporal(client, timedelta(days=retention_days))
    where = client.service_client.config.target_host
    ready = f"namespace {client.namespace} at {where} is ready"
    if as_json:
        print_outcome(ready, {"address": where, "namespace": client.namespace, "changed": changed})
        return
    for line in (*changed, ready):
        say(line)

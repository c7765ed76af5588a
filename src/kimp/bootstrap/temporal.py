"""Temporal's client with its data converter, and what workflows run in."""

import asyncio
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.contrib.opentelemetry import OpenTelemetryPlugin
from temporalio.converter import DataConverter
from temporalio.runtime import Runtime
from temporalio.service import RPCError
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from kimp.adapters.clock import SystemClock
from kimp.adapters.sql.database import SqlDatabase
from kimp.adapters.temporal.bootstrap_namespace import NAMESPACE, RETENTION, prepare_namespace, require_namespace
from kimp.adapters.temporal.client_config import load_client_config
from kimp.adapters.temporal.codec import EncryptionKeys, HistoryCodec, is_sealed
from kimp.adapters.temporal.converter import data_converter
from kimp.adapters.temporal.core import core_runtime
from kimp.adapters.temporal.decoding import ReadHistory, decode_history
from kimp.adapters.temporal.deployment import OPEN
from kimp.adapters.temporal.ownership import claim
from kimp.adapters.temporal.replaying import Replaying
from kimp.adapters.temporal.schedule import prepare_schedule
from kimp.config import Settings
from kimp.domain.errors import BadConfig, KimpError, TemporalUnavailable
from kimp.domain.ids import cycle_of_workflow
from workflows.arbitrage_cycle import ArbitrageCycle
from workflows.stranded_cycle import StrandedCycle
from workflows.sweep import Sweep

WORKFLOWS = (ArbitrageCycle, StrandedCycle, Sweep)
WORKFLOW_PARTS = (
    "buying",
    "compensation",
    "continuing",
    "control",
    "deposit",
    "execution",
    "late_order",
    "life",
    "numbers",
    "pair",
    "policies",
    "rebalancing",
    "recording",
    "steps",
    "timeline",
    "tracker",
    "transfer",
    "valuing",
    "withdrawal",
)
PASSED_THROUGH = (
    "kimp.domain",
    "kimp.contracts",
    "kimp.ports",
    "kimp.observability",
    "opentelemetry",
    "activities",
    "msgspec",
    *(f"workflows.{part}" for part in WORKFLOW_PARTS),
)
"""Modules that the workflow sandbox need not load anew for every cycle: pure, or import-light, and without state.

Loading the workflow's own parts anew would cost 6 ms between a decision and its first order; what the sandbox would
catch in them, a clock or randomness, tests/architecture forbids by reading them.
"""

CONNECT_S = 8.0
REASONS = {
    "ConnectionRefused": "connection refused",
    "dns error": "no such host",
    "certificate": "its certificate is not trusted",
    "InvalidMessage": "it does not speak TLS",
    "Unimplemented": "what answers there is no Temporal",
    "protocol error": "what answers there is no Temporal, or wants TLS",
}
"""What the SDK's dump of its own errors has in it -> what that means."""


async def connect_temporal(settings: Settings, runtime: Runtime | None = None) -> Client:
    """A client of the server that `TEMPORAL_ADDRESS` or a profile names, else of the local dev server.

    Its workers pass traces on. `runtime`: who is told the SDK's own figures.

    Raises TemporalUnavailable when nothing answers there, BadConfig when what names it is of no use or it refuses us.
    """
    config = _named(settings)
    if config.get("api_key") and not config["tls"] and not _on_this_machine(config["target_host"]):
        raise BadConfig("TEMPORAL_API_KEY would cross the network in clear; unset TEMPORAL_TLS or make it true")
    try:
        async with asyncio.timeout(CONNECT_S):
            return await Client.connect(
                **config,
                data_converter=history_converter(settings),
                plugins=[tracing_plugin()],
                runtime=runtime or core_runtime(),
            )
    except (RuntimeError, RPCError, TimeoutError) as error:
        raise _away(config["target_host"], str(error), with_key=bool(config.get("api_key"))) from None
    except ValueError as error:
        if "target URL" not in str(error):
            raise
        raise BadConfig(f"{config['target_host']!r} is no address; write host:port in TEMPORAL_ADDRESS") from None


def _on_this_machine(address: str) -> bool:
    return address.removeprefix("http://").rpartition(":")[0] in ("127.0.0.1", "localhost", "[::1]")


def _away(where: str, dump: str, *, with_key: bool = False) -> KimpError:
    if "Unauthenticated" in dump or "PermissionDenied" in dump:
        return BadConfig(
            f"Temporal at {where} refuses us; check TEMPORAL_API_KEY or the TLS certificate, and its rights"
        )
    why = next((words for mark, words in REASONS.items() if mark in dump), "no answer")
    if with_key:
        why += "; TEMPORAL_API_KEY is set, which is sent over TLS only"
    return TemporalUnavailable(
        f"no Temporal server answers at {where} ({why}); name yours in TEMPORAL_ADDRESS,"
        " or let `kimp up` start one for trying things out"
    )


async def connect_prepared(settings: Settings, runtime: Runtime | None = None) -> Client:
    """A client of a namespace that has what kimp needs. Raises BadConfig where it has not, and what `connect_temporal`
    raises.
    """
    client = await connect_temporal(settings, runtime)
    try:
        async with asyncio.timeout(CONNECT_S):
            await require_namespace(client)
    except (RPCError, TimeoutError) as error:
        raise _away(client.service_client.config.target_host, str(error)) from None
    return client


async def claim_namespace(client: Client, books: SqlDatabase, *, take_over: bool = False) -> None:
    """Make sure that the namespace's cycles are those of these books; see `ownership.claim`. Raises BadConfig."""
    try:
        async with asyncio.timeout(CONNECT_S):
            await claim(client, await books.installation.id(), books.place, take_over=take_over)
    except (RPCError, TimeoutError) as error:
        raise _away(client.service_client.config.target_host, str(error)) from None


def tracing_plugin() -> OpenTelemetryPlugin:
    """Spans of workflows and activities with their real durations; workflow code may open some of its own."""
    return OpenTelemetryPlugin(add_temporal_spans=True)


async def prepare_temporal(client: Client, retention: timedelta = RETENTION) -> list[str]:
    """All that kimp needs of a server: namespace, search attributes, the sweep's schedule. Tells what it changed.

    Raises BadConfig where the server refuses, or has an attribute of another type.
    """
    try:
        return await prepare_namespace(client, retention) + await prepare_schedule(client)
    except RPCError as error:
        where = client.service_client.config.target_host
        raise BadConfig(
            f"Temporal at {where} refuses to prepare namespace {client.namespace}: {error.status.name.lower()},"
            f" {error.message}; use credentials that may administer it"
        ) from None
    except TimeoutError:
        raise BadConfig(
            f"Temporal at {client.service_client.config.target_host} made namespace {client.namespace} and does not"
            " answer for it; look at its frontend's log, then run this once more"
        ) from None


def history_converter(settings: Settings) -> DataConverter:
    """What every client, and so every worker, converts with."""
    return data_converter(history_codec(settings), encode_failures=settings.history.encrypted)


def history_codec(settings: Settings) -> HistoryCodec:
    """The key ring of the settings, for their namespace."""
    history = settings.history
    until = history.accept_plaintext_until
    return HistoryCodec(
        namespace=_named(settings)["namespace"],
        ring=EncryptionKeys(history.key_bytes(), history.active) if history.encrypted else None,
        clock=SystemClock(),
        plaintext_until_ms=0 if until is None else int(until.timestamp() * 1000),
    )


def history_reader(settings: Settings, *, plaintext_too: bool) -> ReadHistory:
    """Reads recorded histories; `plaintext_too`: also what a worker would refuse because it is not encrypted.

    Payloads are taken at their word for the workflow that they belong to: a child's summary is its parent's.
    """
    codec = history_codec(settings)
    return lambda history: decode_history(
        history, lambda payload: payload if plaintext_too and not is_sealed(payload) else codec.open(payload)
    )


def _named(settings: Settings) -> dict[str, Any]:
    """What Temporal's own environment and profile say, and kimp's defaults for the rest."""
    config: dict[str, Any] = dict(load_client_config())
    config.setdefault("target_host", f"127.0.0.1:{settings.local.temporal_port}")
    config.setdefault("namespace", NAMESPACE)
    return config


def sandbox() -> SandboxedWorkflowRunner:
    """What cycles run in; a replay in anything else would prove less."""
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH))


def cycle_replay() -> Replaying:
    """Replays recorded cycles on this version's code."""
    return Replaying(WORKFLOWS, sandbox())


async def running_cycles(client: Client) -> set[str]:
    """Ids of the cycles that run, those among them that have not been recorded yet."""
    return {cycle async for found in client.list_workflows(OPEN) if (cycle := cycle_of_workflow(found.id))}

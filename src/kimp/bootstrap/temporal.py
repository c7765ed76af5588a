"""Temporal's client, and what workflows run in."""

from typing import Any

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from kimp.adapters.temporal.replaying import Replaying
from kimp.config import Settings
from kimp.domain.errors import BadConfig
from workflows.arbitrage_cycle import ArbitrageCycle
from workflows.stranded_cycle import StrandedCycle
from workflows.sweep import Sweep

NAMESPACE = "kimp"
WORKFLOWS = (ArbitrageCycle, StrandedCycle, Sweep)
WORKFLOW_PARTS = (
    "compensation",
    "control",
    "execution",
    "life",
    "policies",
    "rebalancing",
    "steps",
    "story",
    "transfer",
)
PASSED_THROUGH = (
    "kimp.domain",
    "kimp.contracts",
    "kimp.ports",
    "activities",
    "msgspec",
    *(f"workflows.{part}" for part in WORKFLOW_PARTS),
)
"""Modules that the workflow sandbox need not load anew for every cycle: pure, or import-light, and without state.

Loading the workflow's own parts anew would cost 6 ms between a decision and its first order; what the sandbox would
catch in them, a clock or randomness, tests/architecture forbids by reading them.
"""


async def connect_temporal(settings: Settings) -> Client:
    """A client of the server that `TEMPORAL_ADDRESS` or a profile names, else of the local dev server.

    Raises BadConfig when nothing answers there.
    """
    config: dict[str, Any] = dict(ClientConfig.load_client_connect_config())
    config.setdefault("target_host", f"127.0.0.1:{settings.local.temporal_port}")
    config.setdefault("namespace", NAMESPACE)
    try:
        return await Client.connect(**config, data_converter=pydantic_data_converter)
    except (RuntimeError, RPCError) as error:
        raise BadConfig(
            f"no Temporal server answers at {config['target_host']}; start one with `kimp up`,"
            f" or name yours in TEMPORAL_ADDRESS ({str(error).splitlines()[0][:120]})"
        ) from None


def sandbox() -> SandboxedWorkflowRunner:
    """What cycles run in; a replay in anything else would prove less."""
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH))


def cycle_replay() -> Replaying:
    """Replays recorded cycles on this version's code."""
    return Replaying(WORKFLOWS, sandbox())

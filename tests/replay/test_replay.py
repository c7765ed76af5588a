"""Every recorded history replays on today's code, in the sandbox: open cycles survive this deploy."""

from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from kimp.bootstrap import PASSED_THROUGH
from kimp.contracts.cycle import ARBITRAGE_CYCLE, CycleInput, CycleResult
from workflows.arbitrage_cycle import ArbitrageCycle

HISTORIES = sorted(Path(__file__).with_name("histories").glob("*.json"))


def _history(file: Path) -> WorkflowHistory:
    _, workflow_id = file.stem.split("__")
    return WorkflowHistory.from_json(workflow_id, file.read_text())


def _replayer(definition: type) -> Replayer:
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
    return Replayer(
        workflows=[definition],
        data_converter=pydantic_data_converter,
        workflow_runner=SandboxedWorkflowRunner(restrictions=restrictions),
    )


def test_there_are_histories() -> None:
    assert len(HISTORIES) >= 5


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
async def test_history_replays(file: Path) -> None:
    await _replayer(ArbitrageCycle).replay_workflow(_history(file))


@workflow.defn(name=ARBITRAGE_CYCLE)
class HurriedCycle:
    """A changed workflow that sleeps before it trades."""

    @workflow.run
    async def run(self, cycle: CycleInput) -> CycleResult:
        await workflow.sleep(1)
        raise NotImplementedError


async def test_a_changed_workflow_is_caught() -> None:
    with pytest.raises(workflow.NondeterminismError):
        await _replayer(HurriedCycle).replay_workflow(_history(HISTORIES[0]))

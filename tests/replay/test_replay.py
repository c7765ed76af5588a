"""Every recorded history replays on today's code, with the same inputs and results: open cycles survive this deploy."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from replay.branches import BRANCHES
from replay.hurried import HurriedCycle
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowRunner

from kimp.adapters.temporal.histories import read_file
from kimp.adapters.temporal.replaying import Replaying
from kimp.bootstrap.temporal import WORKFLOWS, cycle_replay, sandbox

HISTORIES = sorted(Path(__file__).with_name("histories").glob("*.json"))
each_history = pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)


@pytest.fixture(params=[sandbox, UnsandboxedWorkflowRunner], ids=["sandboxed", "unsandboxed"])
def runner(request: pytest.FixtureRequest) -> WorkflowRunner:
    made: WorkflowRunner = request.param()
    return made


def test_every_branch_has_a_history() -> None:
    assert {file.stem.partition("__")[0] for file in HISTORIES} == {branch.__name__ for branch in BRANCHES}


@each_history
async def test_history_replays(file: Path, runner: WorkflowRunner) -> None:
    history = read_file(file)
    replayed = await Replaying(WORKFLOWS, runner).replay(history)
    assert [str(difference) for difference in replayed.differences] == []
    assert replayed.closed
    assert replayed.activities == scheduled(history)


@each_history
async def test_each_beginning_replays_as_an_open_cycle(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unsandboxed, which is twice as fast: the whole history above has shown that the sandbox makes no difference."""
    monkeypatch.setenv("TEMPORAL_DEBUG", "1")  # of thousands of tasks one meets a pause of a busy machine
    replaying = Replaying(WORKFLOWS, UnsandboxedWorkflowRunner())
    for beginning in beginnings(read_file(file)):
        replayed = await replaying.replay(beginning)
        assert [str(difference) for difference in replayed.differences] == []
        assert not replayed.closed
        assert replayed.activities == scheduled(beginning)


async def test_a_cycle_that_no_worker_has_taken_up_is_clean() -> None:
    """The SDK's replayer would wait for ever."""
    history = read_file(HISTORIES[0])
    replayed = await cycle_replay().replay(WorkflowHistory(history.workflow_id, history.events[:1]))
    assert replayed.clean
    assert replayed.activities == 0


async def test_a_changed_workflow_is_caught(runner: WorkflowRunner) -> None:
    replayed = await Replaying([HurriedCycle], runner).replay(read_file(HISTORIES[0]))
    (difference,) = replayed.differences
    assert "Nondeterminism" in str(difference)
    assert "\n" not in str(difference)


def beginnings(history: WorkflowHistory) -> Iterator[WorkflowHistory]:
    """What the history held each time that the workflow had just decided, without and with what it decided."""
    for number, event in enumerate(history.events, 1):
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            yield WorkflowHistory(history.workflow_id, history.events[:number])
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED:
            yield WorkflowHistory(history.workflow_id, history.events[: number - 1])


def scheduled(history: WorkflowHistory) -> int:
    return sum(event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED for event in history.events)

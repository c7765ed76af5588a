"""Changes of the workflow that must turn the replay red, and those of them that the SDK's own replayer lets pass."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, WorkflowRunner

from kimp.adapters.temporal.histories import read_file
from kimp.adapters.temporal.replaying import Replaying
from kimp.bootstrap.temporal import WORKFLOWS, sandbox
from kimp.contracts.cycle import CycleRecord, CycleResult
from kimp.contracts.orders import OrderIntent
from kimp.contracts.queues import TaskQueue
from kimp.contracts.status import CycleStatus
from workflows.policies import SOON, CallPolicy
from workflows.tracker import CycleTracker

COMPLETED = Path(__file__).with_name("histories") / "completed_to_upbit__cycle-XRP-1.json"
PARKED = COMPLETED.with_name("parked_then_retried__cycle-XRP-1.json")
Call = Callable[..., Awaitable[Any]]
CALL: Call = CallPolicy.call


@pytest.fixture(params=[sandbox, UnsandboxedWorkflowRunner], ids=["sandboxed", "unsandboxed"])
def runner(request: pytest.FixtureRequest) -> WorkflowRunner:
    made: WorkflowRunner = request.param()
    return made


async def _found(runner: WorkflowRunner, file: Path = COMPLETED) -> list[str]:
    return [str(d) for d in (await Replaying(WORKFLOWS, runner).replay(read_file(file))).differences]


async def _the_sdk_alone_passes_it(runner: WorkflowRunner, file: Path = COMPLETED) -> None:
    replayer = Replayer(workflows=WORKFLOWS, data_converter=pydantic_data_converter, workflow_runner=runner)
    await replayer.replay_workflow(read_file(file))


def _ask_orders(monkeypatch: pytest.MonkeyPatch, change: Callable[[OrderIntent], OrderIntent]) -> None:
    async def call(self: CallPolicy, activity: Any, question: Any, *more: Any, **named: Any) -> Any:
        question = change(question) if isinstance(question, OrderIntent) else question
        return await CALL(self, activity, question, *more, **named)

    monkeypatch.setattr(CallPolicy, "call", call)


def _call_orders(monkeypatch: pytest.MonkeyPatch, **policy: Any) -> None:
    async def call(self: CallPolicy, activity: Any, question: Any, *more: Any, **named: Any) -> Any:
        changed = replace(self, **policy) if isinstance(question, OrderIntent) else self
        return await CALL(changed, activity, question, *more, **named)

    monkeypatch.setattr(CallPolicy, "call", call)


async def test_two_steps_reordered(monkeypatch: pytest.MonkeyPatch, runner: WorkflowRunner) -> None:
    """The first booking comes after the step that follows it."""
    held: list[tuple[Any, ...]] = []

    async def call(self: CallPolicy, activity: Any, question: Any, *more: Any, **named: Any) -> Any:
        if isinstance(question, CycleRecord) and question.sequence == 1:
            held.append((self, activity, question, *more, named))
            return None
        answer = await CALL(self, activity, question, *more, **named)
        while held:
            *late, names = held.pop()
            await CALL(*late, **names)
        return answer

    monkeypatch.setattr(CallPolicy, "call", call)
    found = await _found(runner)
    assert "event 11, record type: recorded" in found[0]
    assert "Nondeterminism" in found[-1]


async def test_another_quantity(monkeypatch: pytest.MonkeyPatch, runner: WorkflowRunner) -> None:
    _ask_orders(monkeypatch, lambda intent: intent.model_copy(update={"quantity": intent.quantity + 1}))
    await _the_sdk_alone_passes_it(runner)
    found = await _found(runner)
    assert found[0] == (
        'cycle-XRP-1 event 5, execute_order args[0].quantity: recorded "311.78", now "312.78"'
    )  # fmt: skip
    assert all("args[0].quantity" in line for line in found)


async def test_another_client_order_id(monkeypatch: pytest.MonkeyPatch, runner: WorkflowRunner) -> None:
    _ask_orders(
        monkeypatch, lambda intent: intent.model_copy(update={"client_order_id": intent.client_order_id[:-1] + "2"})
    )
    await _the_sdk_alone_passes_it(runner)
    assert (await _found(runner))[0] == (
        'cycle-XRP-1 event 5, execute_order args[0].client_order_id: recorded "XRP-1-1B1-1", now "XRP-1-1B1-2"'
    )


@pytest.mark.parametrize(
    ("policy", "line"),
    [
        ({"deadline_s": 76}, "start_to_close_timeout: recorded 75.0, now 76.0"),
        ({"heartbeat_s": None}, "heartbeat_timeout: recorded 10.0, now 0.0"),
        ({"queue": TaskQueue.OPS}, 'task_queue: recorded "kimp-cycles", now "kimp-ops"'),
        (
            {"retry": replace(SOON, maximum_interval=None)},
            "retry_policy.maximum_interval: recorded 8.0, now 100.0",
        ),
        ({"retry": replace(SOON, maximum_attempts=3)}, "retry_policy.maximum_attempts: recorded 5, now 3"),
    ],
    ids=["deadline", "heartbeat", "queue", "longest pause", "attempts"],
)
async def test_another_way_of_calling(
    monkeypatch: pytest.MonkeyPatch, runner: WorkflowRunner, policy: dict[str, Any], line: str
) -> None:
    _call_orders(monkeypatch, **policy)
    await _the_sdk_alone_passes_it(runner)
    assert (await _found(runner))[0] == f"cycle-XRP-1 event 5, execute_order {line}"


async def test_another_result(monkeypatch: pytest.MonkeyPatch, runner: WorkflowRunner) -> None:
    end: Call = CycleTracker.end

    async def generous(self: CycleTracker, *arguments: Any) -> CycleResult:
        result: CycleResult = await end(self, *arguments)
        return result.model_copy(update={"profit_krw": Decimal(1)})

    monkeypatch.setattr(CycleTracker, "end", generous)
    await _the_sdk_alone_passes_it(runner)
    (line,) = await _found(runner)
    assert line.startswith(f"cycle-XRP-1 event {len(read_file(COMPLETED).events)}, result [0].profit_krw: recorded ")
    assert line.endswith(', now "1"')


async def test_another_answer_to_an_operator(monkeypatch: pytest.MonkeyPatch, runner: WorkflowRunner) -> None:
    resume: Call = CycleTracker.resume

    async def elsewhere(self: CycleTracker, status: CycleStatus, reason: str | None) -> None:
        await resume(self, CycleStatus.COMPENSATING, reason)

    monkeypatch.setattr(CycleTracker, "resume", elsewhere)
    found = await _found(runner, PARKED)
    assert any(", update " in line and 'now "COMPENSATING"' in line for line in found)

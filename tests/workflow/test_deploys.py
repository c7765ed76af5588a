"""Rehearsal of a deploy: a new version comes while cycles are open, with worker versioning and without."""

import asyncio
import json
import os
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from fakes.command import KIMP
from fakes.lab import Handle, Lab, hurrying
from fakes.next_version import LOOK, ChangedCycle, PatchedCycle
from fakes.venue import FakeVenue
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHistory
from temporalio.common import VersioningBehavior
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

from kimp.adapters.embedded.process import free_port
from kimp.adapters.temporal.deployment import TemporalDeployments
from kimp.adapters.temporal.devserver import DevServer
from kimp.adapters.temporal.replaying import Replaying
from kimp.adapters.temporal.starter import TemporalCycleStarter
from kimp.bootstrap.temporal import cycle_replay, sandbox
from kimp.bootstrap.workers import GRACE_S, deployment
from kimp.config import DeploySettings
from kimp.contracts.cycle import CycleInput
from kimp.contracts.operators import OperatorRequest
from kimp.contracts.orders import OrderIntent
from kimp.contracts.queues import TaskQueue
from kimp.contracts.status import CycleStatus
from kimp.domain.errors import BadInput, OutcomeUnknown
from kimp.domain.ids import workflow_id
from kimp.ports.deployments import DeployedVersion
from kimp.ports.exchange import VenueOrder
from workflows.arbitrage_cycle import ArbitrageCycle
from workflows.policies import ORDER
from workflows.stranded_cycle import StrandedCycle
from workflows.sweep import Sweep

WITHIN_S = 60
NOW, NEXT = "1.0", "1.1-a1b2c3"


@pytest.fixture
async def server(temporal_binary: Path, tmp_path: Path) -> AsyncIterator[DevServer]:
    """One of its own: a version that is promoted here gets the new cycles of all who share the namespace."""
    quick = [
        # A version without open cycles is noticed every three minutes otherwise.
        'matching.wv.VersionDrainageStatusRefreshInterval="1s"',
        'matching.wv.VersionDrainageStatusVisibilityGracePeriod="1s"',
    ]
    async with DevServer(
        temporal_binary, tmp_path, port=free_port(), ui_port=free_port(), dynamic_config=quick
    ) as server:
        yield server


async def connected(server: DevServer) -> Client:
    return await Client.connect(server.address, namespace=server.namespace, data_converter=pydantic_data_converter)


def versioned(lab: Lab, client: Client, build_id: str, *workflows: type) -> Lab:
    """The same world, served by workers of this version."""
    settings = DeploySettings(versioned=True, build_id=build_id)
    return replace(lab, client=client, deployment=deployment(settings), workflows=workflows)


async def two_versions(server: DevServer) -> tuple[Lab, Lab, CycleInput]:
    """Workers of this version and of the next, in one world where coins can be bought and not yet sent; and a plan."""
    lab = Lab(await connected(server))
    plan = await lab.plan()
    lab.binance.wallets_open = False
    now = versioned(lab, lab.client, NOW, ArbitrageCycle, StrandedCycle, Sweep)
    return now, versioned(lab, await connected(server), NEXT, ChangedCycle, StrandedCycle, Sweep), plan


async def eventually(question: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not await question():  # noqa: ASYNC110 - another process decides
            await asyncio.sleep(0.2)


async def promoted(client: Client, build_id: str) -> None:
    """As soon as the server has heard of all its queues."""

    async def done() -> bool:
        try:
            await TemporalDeployments(client).promote(build_id)
        except BadInput:
            return False
        return True

    await eventually(done)


async def versions(client: Client) -> dict[str, DeployedVersion]:
    return {version.build_id: version for version in (await TemporalDeployments(client).status()).versions}


def builds(history: WorkflowHistory) -> set[str]:
    """The versions whose workers decided for this cycle."""
    done = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    tasks = [e.workflow_task_completed_event_attributes for e in history.events if e.event_type == done]
    return {task.deployment_version.build_id for task in tasks}


def looked(history: WorkflowHistory) -> bool:
    """Whether the cycle took the step that only later versions have."""
    return any(LOOK.encode() in event.user_metadata.summary.data for event in history.events)


def numbered(cycle: CycleInput, number: int) -> CycleInput:
    return cycle.model_copy(update={"cycle_id": f"XRP-{number}"})


async def waiting(lab: Lab, cycle: CycleInput) -> Handle:
    """Open, its coins bought, with no way to send them."""
    handle = await lab.start(cycle)
    await lab.seen(handle, lambda state: state.waiting_reason is not None)
    return handle


async def kimp(server: DevServer, *arguments: str) -> tuple[int | None, str]:
    """Exit code and all that it says."""
    child = await asyncio.create_subprocess_exec(
        KIMP,
        *arguments,
        env={**os.environ, "TEMPORAL_ADDRESS": server.address, "TEMPORAL_NAMESPACE": server.namespace},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await child.communicate()
    return child.returncode, output.decode()


async def test_open_cycles_end_on_their_version_and_new_ones_begin_on_the_next(server: DevServer) -> None:
    now, following, plan = await two_versions(server)
    async with now.workers():
        await promoted(now.client, NOW)
        first = await waiting(now, plan)
        async with following.workers():
            await eventually(lambda: _knows(now.client, NEXT))
            second = await waiting(following, numbered(plan, 2))  # nobody has promoted the next version yet
            await promoted(now.client, NEXT)
            third = await waiting(now, numbered(plan, 3))
            fourth = await started_eagerly(now, numbered(plan, 4))
            reported = await versions(now.client)
            assert (reported[NOW].status, reported[NEXT].status) == ("draining", "current")
            await eventually(lambda: _open(now.client, {NOW: 3, NEXT: 1}))

            now.binance.wallets_open = True
            for handle in (first, second, third, fourth):
                async with hurrying(handle):
                    assert (await handle.result()).status is CycleStatus.COMPLETED
            await eventually(lambda: _is(now.client, NOW, "drained"))
            await _commands_report_the_same(server)
    histories = [await handle.fetch_history() for handle in (first, second, third, fourth)]
    # The last one is why old initiators are stopped: what they start eagerly stays with their own worker.
    assert [builds(history) for history in histories] == [{NOW}, {NOW}, {NEXT}, {NOW}]
    assert [looked(history) for history in histories] == [False, False, True, False]
    buys = [intent.client_order_id for intent in now.binance.sent if intent.client_order_id.endswith("1B1-1")]
    assert sorted(buys) == [f"XRP-{number}-1B1-1" for number in (1, 2, 3, 4)]


async def test_cycles_of_no_version_move_to_the_first_that_is_promoted(server: DevServer) -> None:
    lab = Lab(await connected(server))
    plan = await lab.plan()
    lab.binance.wallets_open = False
    async with lab.workers():
        open_before = await waiting(lab, plan)
    first = versioned(lab, await connected(server), NOW, ArbitrageCycle, StrandedCycle, Sweep)
    async with first.workers():
        await promoted(first.client, NOW)
        lab.binance.wallets_open = True
        async with hurrying(open_before):
            assert (await open_before.result()).status is CycleStatus.COMPLETED
    assert builds(await open_before.fetch_history()) == {"", NOW}
    buys = [intent.client_order_id for intent in lab.binance.sent if intent.client_order_id.endswith("1B1-1")]
    assert buys == [f"{plan.cycle_id}-1B1-1"]


async def test_a_version_that_does_not_serve_every_queue_is_not_promoted(server: DevServer) -> None:
    """Temporal asks it only for queues that the version before has been busy on."""
    lab = Lab(await connected(server))
    settings = DeploySettings(versioned=True, build_id=NEXT)
    half = Worker(
        lab.client, task_queue=TaskQueue.CYCLES, workflows=[ArbitrageCycle], deployment_config=deployment(settings)
    )
    async with half:
        await eventually(lambda: _knows(lab.client, NEXT))
        with pytest.raises(BadInput, match="no worker for kimp-ops, kimp-transfers"):
            await TemporalDeployments(lab.client).promote(NEXT)


async def test_the_way_back_leaves_cycles_of_the_new_version_with_it(server: DevServer) -> None:
    now, following, plan = await two_versions(server)
    async with now.workers(), following.workers():
        await promoted(now.client, NOW)
        await promoted(now.client, NEXT)
        of_next = await waiting(now, plan)
        await promoted(now.client, NOW)
        after = await waiting(now, numbered(plan, 2))
        now.binance.wallets_open = True
        for handle in (of_next, after):
            async with hurrying(handle):
                assert (await handle.result()).status is CycleStatus.COMPLETED
    histories = [await handle.fetch_history() for handle in (of_next, after)]
    assert [(builds(history), looked(history)) for history in histories] == [({NEXT}, True), ({NOW}, False)]


async def started_eagerly(lab: Lab, cycle: CycleInput) -> Handle:
    """As an initiator starts it, whose worker is in its own process."""
    await TemporalCycleStarter(lab.client).start(cycle)
    handle = lab.client.get_workflow_handle_for(ArbitrageCycle.run, workflow_id(cycle.cycle_id))
    await lab.seen(handle, lambda state: state.waiting_reason is not None)
    return handle


async def _commands_report_the_same(server: DevServer) -> None:
    code, out = await kimp(server, "deploy", "status", "--json")
    assert code == 0, out
    reported = [(v["build_id"], v["status"], v["open_cycles"]) for v in json.loads(out)["versions"]]
    assert reported == [(NEXT, "current", 0), (NOW, "drained", 0)]
    code, out = await kimp(server, "deploy", "promote", "1.2")
    assert (code, "version 1.2 can't be promoted" in out, out.count("\n")) == (2, True, 1), out
    code, out = await kimp(server, "deploy", "promote", "")
    assert (code, "no version is named" in out) == (2, True), "for Temporal it would be the version of those without"


async def _knows(client: Client, build_id: str) -> bool:
    return build_id in await versions(client)


async def _is(client: Client, build_id: str, status: str) -> bool:
    return (await versions(client))[build_id].status == status


async def _open(client: Client, numbers: dict[str, int]) -> bool:
    return {build: version.open_cycles for build, version in (await versions(client)).items()} == numbers


async def test_without_versions_a_parked_cycle_goes_over_a_patched_change(lab: Lab) -> None:
    lab.binance.faults["withdraw"] = deque([OutcomeUnknown("timeout", venue="binance")])
    lab.give_up_at_once = True
    plan = await lab.plan()
    async with lab.workers():
        handle = await lab.start(plan)
        await lab.records.until(lambda record: record.status is CycleStatus.DEAD_LETTER)
    history = await handle.fetch_history()
    assert (await cycle_replay().replay(history)).clean
    assert (await Replaying((PatchedCycle, StrandedCycle, Sweep), sandbox()).replay(history)).clean
    gate = await Replaying((ChangedCycle, StrandedCycle, Sweep), sandbox()).replay(history)
    assert not gate.clean, "`kimp replay` must stop the change that is not patched"

    later = replace(lab, workflows=(PatchedCycle, StrandedCycle, Sweep), give_up_at_once=False)
    async with later.workers():
        await handle.execute_update(ArbitrageCycle.compensate, OperatorRequest(by="ann"))
        assert (await handle.result()).status is CycleStatus.COMPENSATED
        new = await later.start(numbered(plan, 2))
        async with hurrying(new):
            assert (await new.result()).status is CycleStatus.COMPLETED
    assert [looked(await each.fetch_history()) for each in (handle, new)] == [False, True]


@dataclass
class SlowVenue(FakeVenue):
    """Takes a second to answer an order that it has executed."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def place_order(self, intent: OrderIntent, *, send_by_ms: int) -> VenueOrder:
        order = await super().place_order(intent, send_by_ms=send_by_ms)
        self.reached.set()
        await asyncio.sleep(1)
        return order


async def test_a_worker_that_is_told_to_stop_tells_what_became_of_its_order(lab: Lab) -> None:
    slow = SlowVenue(lab.binance.venue, lab.binance.prices)
    lab.binance, lab.grace_s = slow, GRACE_S
    async with lab.workers():
        await lab.start(await lab.plan())
        await slow.reached.wait()
    assert list(lab.journal.closed) == ["XRP-1-1B1-1"]
    assert [intent.client_order_id for intent in slow.sent] == ["XRP-1-1B1-1"]


def test_a_worker_is_given_longer_than_any_attempt_of_an_order() -> None:
    assert ORDER.deadline_s < GRACE_S


def test_workers_have_no_version_unless_it_is_switched_on() -> None:
    assert deployment(DeploySettings()) is None
    config = deployment(DeploySettings(versioned=True))
    assert config is not None
    assert config.use_worker_versioning
    assert config.default_versioning_behavior is VersioningBehavior.PINNED
    assert (config.version.deployment_name, config.version.build_id) == ("kimp", DeploySettings().build)

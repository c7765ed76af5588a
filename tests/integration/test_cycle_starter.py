"""Two initiators and one Temporal server: each cycle is started once, whoever asks, however often, at any time."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from fakes.lab import Lab
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError

from kimp.adapters.embedded.process import free_port
from kimp.adapters.temporal.devserver import DevServer
from kimp.adapters.temporal.starter import TemporalCycleStarter
from kimp.bootstrap.temporal import running_cycles
from kimp.contracts.cycle import ARBITRAGE_CYCLE, CycleInput
from kimp.contracts.queues import TaskQueue
from kimp.contracts.search_attributes import KIMP_COIN, KIMP_DIRECTION, KIMP_NOTIONAL_KRW, KIMP_STATUS
from kimp.domain.errors import StartFailed
from kimp.domain.ids import workflow_id
from kimp.domain.venues import Direction
from kimp.ports.starter import StartOutcome

RACES = 50


async def connect(server: DevServer) -> Client:
    """A connection of its own, as another process has one."""
    return await Client.connect(
        server.address, namespace=server.namespace, data_converter=pydantic_data_converter
    )  # fmt: skip


@pytest.fixture
async def client(temporal_server: DevServer) -> Client:
    return await connect(temporal_server)


@pytest.fixture
async def starters(client: Client, temporal_server: DevServer) -> list[TemporalCycleStarter]:
    """Of two initiators."""
    return [TemporalCycleStarter(client), TemporalCycleStarter(await connect(temporal_server))]


@pytest.fixture
async def cycle(client: Client) -> AsyncIterator[CycleInput]:
    """An opportunity under a new id. No worker serves its queue here, so a started cycle stays open."""
    cycle = named(await Lab(client).plan(), 0)
    yield cycle
    # A cycle that stayed open would be taken up by the workers of the next test.
    await asyncio.gather(*(end(client, named(cycle, number)) for number in range(RACES)))


async def end(client: Client, cycle: CycleInput) -> None:
    with suppress(RPCError):  # was never started, or is closed
        await client.get_workflow_handle(workflow_id(cycle.cycle_id)).terminate()


def named(cycle: CycleInput, number: int) -> CycleInput:
    """The cycle under an id of this run of the test; one that has such an id keeps it but for the number."""
    kin = cycle.cycle_id if "-X" in cycle.cycle_id else f"XRP-X{uuid4().hex[:8]}-0"
    return cycle.model_copy(update={"cycle_id": f"{kin.rsplit('-', 1)[0]}-{number}"})


async def test_of_two_that_race_one_starts_and_the_other_learns(
    client: Client, starters: list[TemporalCycleStarter], cycle: CycleInput
) -> None:
    cycles = [named(cycle, number) for number in range(RACES)]
    outcomes = await asyncio.gather(*(starter.start(c) for c in cycles for starter in starters))
    pairs = [sorted(outcomes[2 * n : 2 * n + 2]) for n in range(RACES)]
    assert pairs == [[StartOutcome.ALREADY_OPEN, StartOutcome.STARTED]] * RACES
    for started in cycles:
        described = await client.get_workflow_handle(workflow_id(started.cycle_id)).describe()
        assert described.workflow_type == ARBITRAGE_CYCLE
        assert described.task_queue == TaskQueue.CYCLES


async def test_a_cycle_that_has_recorded_nothing_yet_is_among_those_that_run(
    client: Client, starters: list[TemporalCycleStarter], cycle: CycleInput
) -> None:
    assert await starters[0].start(cycle) is StartOutcome.STARTED
    async with asyncio.timeout(30):  # visibility lags behind by a moment
        while cycle.cycle_id not in await running_cycles(client):  # noqa: ASYNC110 - another process decides
            await asyncio.sleep(0.05)
    await end(client, cycle)
    async with asyncio.timeout(30):
        while cycle.cycle_id in await running_cycles(client):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.05)


async def test_of_twenty_askers_one_is_told_that_it_started(
    starters: list[TemporalCycleStarter], cycle: CycleInput
) -> None:
    reported = Counter(await asyncio.gather(*(starter.start(cycle) for starter in starters * 10)))
    assert reported == {StartOutcome.STARTED: 1, StartOutcome.ALREADY_OPEN: 19}


async def test_a_closed_cycles_id_is_used_up(
    client: Client, starters: list[TemporalCycleStarter], cycle: CycleInput
) -> None:
    """Even if it was ended by force: what it had done by then is not known here."""
    assert await starters[0].start(cycle) is StartOutcome.STARTED
    handle = client.get_workflow_handle(workflow_id(cycle.cycle_id))
    run_id = (await handle.describe()).run_id
    await handle.terminate()
    outcomes = await asyncio.gather(*(starter.start(cycle) for starter in starters * 5))
    assert set(outcomes) == {StartOutcome.ALREADY_CLOSED}
    assert (await handle.describe()).run_id == run_id


async def test_a_completed_cycles_id_is_used_up(client: Client, starters: list[TemporalCycleStarter]) -> None:
    lab = Lab(client)
    cycle = named(await lab.plan(), 0)
    async with lab.workers():
        assert await starters[0].start(cycle) is StartOutcome.STARTED
        await client.get_workflow_handle(workflow_id(cycle.cycle_id)).result()
        sent = len(lab.binance.sent)
        outcomes = await asyncio.gather(*(starter.start(cycle) for starter in starters * 5))
        await asyncio.sleep(0.5)
    assert set(outcomes) == {StartOutcome.ALREADY_CLOSED}
    assert len(lab.binance.sent) == sent == 1


async def test_a_started_cycle_is_found_by_what_it_is(
    client: Client, starters: list[TemporalCycleStarter], cycle: CycleInput
) -> None:
    await starters[0].start(cycle)
    described = await client.get_workflow_handle(workflow_id(cycle.cycle_id)).describe()
    found = described.typed_search_attributes
    assert (found[KIMP_STATUS], found[KIMP_COIN]) == ("STARTED", "XRP")
    assert found[KIMP_DIRECTION] == Direction.TO_UPBIT
    assert found[KIMP_NOTIONAL_KRW] == int(cycle.expected.spent.amount * cycle.krw_per_usdt)
    assert found[KIMP_NOTIONAL_KRW] < Decimal(1_000_001)
    summary = await described.static_summary()
    assert summary is not None
    assert summary.startswith("XRP to Upbit, premium +")


async def test_a_server_that_is_away_has_started_nothing(own_server: DevServer, client: Client) -> None:
    """One clear line, soon; and the same id may be asked for when it is back."""
    own = await connect(own_server)
    cycle = named(await Lab(client).plan(), 0)
    await own_server.stop()
    began = asyncio.get_running_loop().time()
    with pytest.raises(StartFailed, match=f"Temporal did not start {cycle.cycle_id}: ") as failure:
        await TemporalCycleStarter(own).start(cycle)
    assert "\n" not in str(failure.value)
    assert asyncio.get_running_loop().time() - began < 15


@pytest.fixture
async def own_server(temporal_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DevServer]:
    """A server of the test's own, which it may stop."""
    server = DevServer(temporal_binary, tmp_path_factory.mktemp("own"), port=free_port(), ui_port=free_port())
    await server.start()
    yield server
    await server.stop()

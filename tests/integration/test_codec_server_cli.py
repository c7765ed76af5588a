"""The real `temporal` CLI reads an encrypted cycle through the codec server, and without its token reads nothing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes.decoding import serving
from fakes.lab import Lab
from fakes.sealing import client_of, discreet_cycle, new_key, ring

from kimp.adapters.temporal.devserver import DevServer
from kimp.adapters.temporal.histories import read_file
from kimp.adapters.temporal.starter import TemporalCycleStarter
from kimp.bootstrap.temporal import cycle_replay
from kimp.contracts.cycle import CycleInput
from kimp.domain.ids import workflow_id

KEYS = ring(k1=new_key())
TOKEN = "a-token-that-is-long-enough"


@pytest.fixture
async def cycle(temporal_server: DevServer) -> CycleInput:
    """Completed."""
    lab = Lab(await client_of(temporal_server, KEYS))
    cycle = await discreet_cycle(lab)
    async with lab.workers():
        await TemporalCycleStarter(lab.client).start(cycle)
        await lab.client.get_workflow_handle(workflow_id(cycle.cycle_id)).result()
    return cycle


@pytest.fixture
async def codec_server() -> AsyncIterator[str]:
    async with serving(KEYS, {"token": TOKEN}) as url:
        yield url


async def temporal(binary: Path, server: DevServer, *arguments: str) -> tuple[int, str]:
    """Exit code and what was said."""
    where = ("--address", server.address, "--namespace", server.namespace)
    process = await asyncio.create_subprocess_exec(
        binary, *arguments, *where, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    message, _ = await process.communicate()
    return process.returncode or 0, message.decode()


def through(codec_server: str, token: str = TOKEN) -> tuple[str, ...]:
    return "--codec-endpoint", codec_server, "--codec-auth", f"Bearer {token}"


async def test_show_writes_a_history_that_replays(
    temporal_binary: Path, temporal_server: DevServer, codec_server: str, cycle: CycleInput, tmp_path: Path
) -> None:
    show = ("workflow", "show", "--workflow-id", workflow_id(cycle.cycle_id), "--output", "json")
    code, message = await temporal(temporal_binary, temporal_server, *show, *through(codec_server))
    assert code == 0, message
    file = tmp_path / f"case__{workflow_id(cycle.cycle_id)}.json"
    file.write_text(message)
    replayed = await cycle_replay().replay(read_file(file))
    assert replayed.clean, replayed.differences
    assert replayed.closed
    assert replayed.activities > 10


async def test_describe_tells_summary_and_result(
    temporal_binary: Path, temporal_server: DevServer, codec_server: str, cycle: CycleInput
) -> None:
    describe = ("workflow", "describe", "--workflow-id", workflow_id(cycle.cycle_id))
    code, message = await temporal(temporal_binary, temporal_server, *describe, *through(codec_server))
    assert code == 0, message
    assert "XRP to Upbit, premium +1.04 %" in message
    assert '"status":"COMPLETED"' in message
    _, without = await temporal(temporal_binary, temporal_server, *describe)
    assert "XRP to Upbit" not in without
    assert '"status":"COMPLETED"' not in without


async def test_without_the_token_nothing_is_told(
    temporal_binary: Path, temporal_server: DevServer, codec_server: str, cycle: CycleInput
) -> None:
    """The CLI asks again and again until its time is up, so that is made short."""
    show = ("workflow", "show", "--workflow-id", workflow_id(cycle.cycle_id), "--command-timeout", "3s")
    code, message = await temporal(
        temporal_binary, temporal_server, *show, *through(codec_server, "another-token-of-that-length")
    )
    assert code != 0
    assert "COMPLETED" not in message

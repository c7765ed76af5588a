"""`kimp replay --from-server`: the histories of a real server, closed and open, replayed and stored."""

import asyncio
import re
from pathlib import Path

import pytest
from fakes.lab import Lab
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from kimp.adapters.temporal.devserver import DevServer
from kimp.cli.app import EXIT_BAD_INPUT
from kimp.cli.commands import code_of_command

LISTED_WITHIN_S = 20


@pytest.fixture
async def client(temporal_server: DevServer, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_server.address)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", temporal_server.namespace)
    return await Client.connect(
        temporal_server.address, namespace=temporal_server.namespace, data_converter=pydantic_data_converter
    )


async def _kimp(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """In a thread, because a command runs a loop of its own."""
    monkeypatch.setattr("sys.argv", ["kimp", *arguments])
    return await asyncio.to_thread(code_of_command)


async def _listed(client: Client, query: str, number: int) -> None:
    """The server lists a workflow a moment after it started."""
    async with asyncio.timeout(LISTED_WITHIN_S):
        while (await client.count_workflows(query)).count < number:  # noqa: ASYNC110 - another process decides
            await asyncio.sleep(0.2)


async def test_histories_are_fetched_replayed_and_stored(
    client: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lab = Lab(client)
    closed_plan = await lab.plan()
    open_plan = closed_plan.model_copy(update={"cycle_id": "XRP-2"})
    async with lab.workers():
        closed = await lab.start(closed_plan)
        await closed.result()
    still_open = await lab.start(open_plan)  # nobody works on it
    query = f"RunId IN ('{closed.first_execution_run_id}', '{still_open.first_execution_run_id}')"
    await _listed(client, query, 2)
    try:
        saved = tmp_path / "saved"
        assert await _kimp(monkeypatch, "replay", "--from-server", query, "--save", str(saved)) == 0
        shown = capsys.readouterr().out
    finally:
        await still_open.terminate()
    assert re.search(r"2 histories replayed, \d\d activities compared, 0 histories differ", shown)
    assert {file.name for file in saved.iterdir()} == {
        f"{closed.first_execution_run_id}__cycle-XRP-1.json",
        f"{still_open.first_execution_run_id}__cycle-XRP-2.json",
    }
    assert await _kimp(monkeypatch, "replay", str(saved)) == 0


@pytest.mark.parametrize(
    ("query", "words"),
    [("WorkflowId = 'nobody'", "no workflow on the server matches"), ("what?", "does not understand the query")],
)
async def test_a_query_that_finds_nothing_is_one_clear_line(
    client: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], query: str, words: str
) -> None:
    assert await _kimp(monkeypatch, "replay", "--from-server", query) == EXIT_BAD_INPUT
    shown = capsys.readouterr().err
    assert words in shown
    assert len(shown.splitlines()) == 1

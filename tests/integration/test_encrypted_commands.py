"""kimp's commands on a server with encrypted histories: with the keys, without any, with too few."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from fakes.lab import Handle, Lab
from fakes.sealing import client_of, discreet_cycle, handle_of, new_key, parked, payloads_in, ring, stuck, written
from pydantic import SecretStr
from temporalio.service import RPCError

from kimp.adapters.sql.migrating import migrate_schema
from kimp.adapters.temporal.devserver import DevServer
from kimp.adapters.temporal.histories import read_folder
from kimp.adapters.temporal.starter import TemporalCycleStarter
from kimp.bootstrap.parts import open_database
from kimp.cli.app import EXIT_BAD_INPUT, EXIT_FAILED
from kimp.cli.commands import code_of_command
from kimp.config import Settings
from kimp.contracts.cycle import CycleInput
from kimp.contracts.status import CycleStatus
from kimp.domain.ids import workflow_id

KEY, NEXT_KEY = new_key(), new_key()
KEYS = {"KIMP_HISTORY__KEYS__K1": written(KEY)}
OTHER_KEYS = {"KIMP_HISTORY__KEYS__K2": written(NEXT_KEY)}
NO_KEYS: dict[str, str] = {}
LISTED_WITHIN_S = 20


class Kimp:
    """Runs commands in this process, each with the keys it is given."""

    def __init__(self, server: DevServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setenv("TEMPORAL_ADDRESS", server.address)
        monkeypatch.setenv("TEMPORAL_NAMESPACE", server.namespace)
        self._patch, self._capsys = monkeypatch, capsys

    async def __call__(self, keys: Mapping[str, str], *arguments: str) -> tuple[int, str]:
        """Exit code, and all that was said."""
        for name in (*KEYS, *OTHER_KEYS):
            self._patch.delenv(name, raising=False)
        for name, value in keys.items():
            self._patch.setenv(name, value)
        self._patch.setattr("sys.argv", ["kimp", *arguments])
        code = await asyncio.to_thread(code_of_command)  # a command runs a loop of its own
        shown = self._capsys.readouterr()
        return code, shown.out + shown.err


@pytest.fixture
def kimp(temporal_server: DevServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Kimp:
    return Kimp(temporal_server, monkeypatch, capsys)


@pytest.fixture
async def lab(temporal_server: DevServer) -> Lab:
    return Lab(await client_of(temporal_server, ring(k1=KEY)))


@pytest.fixture
async def cycle(lab: Lab) -> AsyncIterator[CycleInput]:
    cycle = await discreet_cycle(lab)
    yield cycle
    with suppress(RPCError):  # it is closed
        await lab.client.get_workflow_handle(workflow_id(cycle.cycle_id)).terminate("the test is over")


@pytest.fixture
async def database(new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> str:
    """A database that the commands find too."""
    url = new_database()
    await migrate_schema(url)
    monkeypatch.setenv("KIMP_DATABASE_URL", url)
    return url


@pytest.fixture
async def completed(lab: Lab, cycle: CycleInput) -> str:
    """The query that finds a whole cycle on the server."""
    async with lab.workers():
        await TemporalCycleStarter(lab.client).start(cycle)
        await lab.client.get_workflow_handle(workflow_id(cycle.cycle_id)).result()
    query = f"WorkflowId = '{workflow_id(cycle.cycle_id)}' AND ExecutionStatus = 'Completed'"
    async with asyncio.timeout(LISTED_WITHIN_S):
        while (await lab.client.count_workflows(query)).count != 1:  # noqa: ASYNC110 - another process decides
            await asyncio.sleep(0.2)
    return query


@pytest.fixture
async def waiting(lab: Lab, cycle: CycleInput) -> AsyncIterator[Handle]:
    """A cycle that waits for a person, with workers that serve it."""
    async with stuck(lab).workers():
        yield await parked(lab, cycle)


async def booked(lab: Lab, database: str) -> None:
    """What the cycle told of itself is in the books that the commands read."""
    async with open_database(Settings(database_url=SecretStr(database))) as books:
        for record in lab.records.records:
            await books.read_model.record(record)


async def test_histories_are_fetched_decrypted_replayed_and_stored_for_anyone(
    kimp: Kimp, completed: str, tmp_path: Path
) -> None:
    saved = tmp_path / "saved"
    code, message = await kimp(KEYS, "replay", "--from-server", completed, "--save", str(saved))
    assert (
        code,
        re.search(r"1 histories replayed, \d\d activities compared, 0 histories differ", message) is not None,
    ) == (0, True), message
    (recorded,) = read_folder(saved)
    assert recorded.history.events
    encodings = {payload.metadata["encoding"] for event in recorded.history.events for payload in payloads_in(event)}
    assert encodings <= {b"json/plain", b"binary/null"}
    for keys in (NO_KEYS, KEYS, OTHER_KEYS):
        code, message = await kimp(keys, "replay", str(saved))
        assert (code, "0 histories differ" in message) == (0, True), message


async def test_a_history_whose_key_is_gone_is_told_in_a_line_and_fails(kimp: Kimp, completed: str) -> None:
    code, message = await kimp(OTHER_KEYS, "replay", "--from-server", completed)
    assert code == EXIT_FAILED
    assert 'replay: a payload of the history is encrypted with key "k1", and history.keys has only k2' in message
    assert "1 histories differ" in message
    assert "Traceback" not in message


async def test_without_keys_replay_says_which_setting_is_missing(kimp: Kimp, completed: str, tmp_path: Path) -> None:
    code, message = await kimp(
        NO_KEYS, "replay", "--from-server", completed, "--json", "--save", str(tmp_path / "saved")
    )
    (row,) = json.loads(message)["histories"]
    assert (code, row["clean"]) == (EXIT_FAILED, False)
    assert row["differences"][0]["event_id"] == 1
    assert "no key is configured here: set history.keys" in row["differences"][0]["new"]
    assert not (tmp_path / "saved").exists()


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (NO_KEYS, 'is encrypted with key "k1", and no key is configured here: set history.keys'),
        (OTHER_KEYS, 'is encrypted with key "k1", and history.keys has only k2'),
        (KEYS | {"KIMP_HISTORY__KEYS__K1": written(NEXT_KEY)}, "or another key has this id"),
    ],
    ids=["no keys", "another key", "another key of that id"],
)
async def test_a_request_with_the_wrong_keys_is_refused_in_a_line_and_harms_nothing(
    kimp: Kimp, cycle: CycleInput, waiting: Handle, keys: dict[str, str], words: str
) -> None:
    request = ("cycles", "compensate", cycle.cycle_id, "--note", "it never left")
    code, message = await kimp(keys, *request)
    assert code == EXIT_BAD_INPUT
    assert words in message
    assert len(message.splitlines()) == 1
    code, message = await kimp(KEYS, *request)
    assert code == 0, message
    assert f"{cycle.cycle_id} will be undone: it is no longer parked, and " in message
    assert (await waiting.result()).status is CycleStatus.COMPENSATED


async def test_what_was_asked_of_a_waiting_cycle_is_told(
    kimp: Kimp, lab: Lab, cycle: CycleInput, database: str
) -> None:
    lab.binance.wallets_open = False
    async with lab.workers():
        await TemporalCycleStarter(lab.client).start(cycle)
        handle = handle_of(lab.client, cycle)
        await lab.seen(handle, lambda state: state.waiting_reason is not None)
        code, message = await kimp(KEYS, "cycles", "retry", cycle.cycle_id)
        assert (code, message) == (0, f"{cycle.cycle_id} tries again: it is STARTED\n")
        code, message = await kimp(KEYS, "cycles", "abort", cycle.cycle_id)
        text = f"{cycle.cycle_id} will be undone: it is STARTED and stops at its next safe point\n"
        assert (code, message) == (0, text)
        assert (await handle.result()).status is CycleStatus.COMPENSATED
    await booked(lab, database)
    code, message = await kimp(KEYS, "cycles", "abort", cycle.cycle_id)
    assert (code, f"cycle {cycle.cycle_id} takes no requests" in message) == (EXIT_BAD_INPUT, True), message


async def test_what_is_written_off_is_told(kimp: Kimp, cycle: CycleInput, waiting: Handle) -> None:
    loss = ("1", "xrp", "--account", "binance", "--note", "gone")
    code, message = await kimp(KEYS, "cycles", "write-off", cycle.cycle_id, *loss)
    assert code == 0, message
    assert message.startswith(f"1 XRP on binance: written off; the rest of {cycle.cycle_id} will be undone: it is ")
    await waiting.terminate()


async def test_nothing_can_be_asked_of_a_cycle_that_does_not_exist(kimp: Kimp, database: str) -> None:
    assert database
    for command in ("show", "logs", "abort", "retry", "compensate"):
        code, message = await kimp(NO_KEYS, "cycles", command, "NOPE-1")
        assert (code, message) == (
            EXIT_BAD_INPUT,
            "kimp: there is no cycle NOPE-1; `kimp cycles list` shows which there are\n",
        )


async def test_what_is_parked_is_listed(
    kimp: Kimp, lab: Lab, cycle: CycleInput, waiting: Handle, database: str
) -> None:
    await booked(lab, database)
    code, message = await kimp(KEYS, "cycles", "dead")
    assert (code, cycle.cycle_id in message, "XRP on binance" in message) == (0, True, True), message
    await waiting.terminate()

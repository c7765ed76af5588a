"""Recorded histories: files of a folder, and a server's.

A history does not contain its workflow's id, and client order ids are made from it, so the file's name carries it:
`<case>__<workflow-id>.json`, the id percent-encoded where it has characters that no file name should.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from google.protobuf.json_format import ParseError
from temporalio.client import Client, WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode

from kimp.domain.errors import BadInput, KimpError

NAME = "<case>__<workflow-id>.json"


class NoHistories(KimpError):
    """Temporal does not serve them now."""


@dataclass(frozen=True, slots=True)
class RecordedHistory:
    """One history and where it is from."""

    source: str
    history: WorkflowHistory


def read_folder(folder: Path) -> Iterator[RecordedHistory]:
    """Every history of the folder, by name. Raises BadInput when there is none, or a file is not one."""
    if folder.is_file():
        raise BadInput(f"{folder} is a file; name the folder that it lies in")
    if not folder.is_dir():
        raise BadInput(f"{folder}: there is no such folder; `kimp replay --save {folder} --from-server` makes one")
    files = sorted(folder.glob("*.json"))
    if not files:
        raise BadInput(f"{folder}: no history in it; histories are files named {NAME}")
    for file in files:
        yield RecordedHistory(file.name, read_file(file))


def read_file(file: Path) -> WorkflowHistory:
    """Both the SDK's JSON and that of `temporal workflow show --output json`."""
    _, separator, workflow_id = file.stem.partition("__")
    if not separator or not workflow_id:
        raise BadInput(f"{file}: no workflow id in the name; name it {NAME}")
    try:
        history = WorkflowHistory.from_json(unquote(workflow_id), file.read_text(encoding="utf-8"))
        _ = history.run_id  # raises for what does not begin with the workflow's start
    # The SDK reads the JSON piece by piece and fails in as many ways.
    except (ValueError, TypeError, AttributeError, KeyError, RuntimeError, ParseError) as error:
        raise BadInput(
            f"{file}: not a history; `temporal workflow show --output json` writes one ({_first_line(error)})"
        ) from None
    except OSError as error:
        raise BadInput(f"{file}: cannot be read: {error.strerror}") from None
    return history


def write_file(folder: Path, history: WorkflowHistory) -> Path:
    """A run that was saved before is overwritten: it may have gone on since."""
    file = folder / f"{history.run_id}__{quote(history.workflow_id, safe='')}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(history.to_json(), encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{file}: cannot be written: {error.strerror}") from None
    return file


async def fetch(client: Client, query: str) -> AsyncIterator[RecordedHistory]:
    """Histories of the workflows that match, as they began. Raises BadInput for a query that is not understood."""
    try:
        listed = [found async for found in client.list_workflows(query)]
        for found in sorted(listed, key=lambda one: one.start_time):
            try:
                history = await client.get_workflow_handle(found.id, run_id=found.run_id).fetch_history()
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:  # its retention ended since it was listed
                    continue
                raise
            yield RecordedHistory(f"run {found.run_id}", history)
    except RPCError as error:
        if error.status is RPCStatusCode.INVALID_ARGUMENT:
            raise BadInput(f"the server does not understand the query {query!r}: {_first_line(error)}") from None
        raise NoHistories(f"Temporal did not give its histories: {_first_line(error)}") from None


async def chain(client: Client, name: str) -> AsyncIterator[WorkflowHistory]:
    """Of the workflow's last run and those before that continued as it, as far as they are retained; the last first."""
    run_id: str | None = None
    while True:
        try:
            history = await client.get_workflow_handle(name, run_id=run_id).fetch_history()
        except RPCError as error:
            if run_id is None or error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return
        yield history
        run_id = history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id
        if not run_id:
            return


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:120] if lines else type(error).__name__

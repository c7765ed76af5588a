"""Recorded cycles, replayed on this version's code one after the other."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

from temporalio.client import WorkflowHistory

from kimp.adapters.temporal.decoding import ReadHistory, UnreadableHistory
from kimp.adapters.temporal.histories import fetch, read_folder, write_file
from kimp.adapters.temporal.replaying import Replaying
from kimp.bootstrap.temporal import connect_temporal, cycle_replay, history_reader
from kimp.config import Settings
from kimp.ports.replaying import Replayed


async def replayed_folder(settings: Settings, folder: Path) -> AsyncIterator[tuple[str, Replayed]]:
    """Each with the name of its file. Files are stored without encryption, and read also if they are encrypted.

    Raises BadInput when there is no such folder, no history in it, or a file is not one.
    """
    replaying, read = _prepared(settings, plaintext_too=True)
    for recorded in read_folder(folder):
        yield recorded.source, await _replay(recorded.history, read, replaying, None)


async def replayed_server(settings: Settings, query: str, save: Path | None) -> AsyncIterator[tuple[str, Replayed]]:
    """Each with its run, read as the workers would read it. `save`: where they are stored, decrypted.

    Raises BadInput for a query that is not understood, and what `connect_temporal` raises.
    """
    replaying, read = _prepared(settings, plaintext_too=False)
    async for recorded in fetch(await connect_temporal(settings), query):
        yield recorded.source, await _replay(recorded.history, read, replaying, save)


def _prepared(settings: Settings, *, plaintext_too: bool) -> tuple[Replaying, ReadHistory]:
    logging.getLogger("temporalio").setLevel(logging.CRITICAL)  # what it logs with a traceback is told in a line
    return cycle_replay(), history_reader(settings, plaintext_too=plaintext_too)


async def _replay(history: WorkflowHistory, read: ReadHistory, replaying: Replaying, save: Path | None) -> Replayed:
    try:
        readable = read(history)
    except UnreadableHistory as why:
        return replaying.unreadable(history, why.event_id, str(why))
    if save is not None:
        write_file(save, readable)
    return await replaying.replay(readable)

"""The story of one cycle from whatever is at hand: history, journal, ledger, log files. What is missing is said."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from temporalio.service import RPCError, RPCStatusCode

from kimp.adapters.temporal.histories import chain
from kimp.adapters.temporal.story import story_of, trace_id_of
from kimp.bootstrap.parts import open_database
from kimp.bootstrap.temporal import connect_temporal, history_reader
from kimp.cli.app import no_cycle
from kimp.config import Settings
from kimp.domain.errors import KimpError
from kimp.domain.ids import workflow_id
from kimp.ports.story import StoryLine


@dataclass
class Story:
    """Everything that was found."""

    lines: list[StoryLine] = field(default_factory=list)
    trace_id: str | None = None
    missing: list[str] = field(default_factory=list)
    """Sources that could not be asked, and why."""


async def tell(settings: Settings, cycle_id: str) -> Story:
    """Raises BadInput if whoever could be asked knows no such cycle, KimpError if neither Temporal nor the database
    could be: log files come and go, so that they can't deny one.
    """
    story = Story()
    answered = [await _from_temporal(settings, cycle_id, story), await _from_database(settings, cycle_id, story)]
    unasked = "; ".join(story.missing)
    _from_logs(settings, cycle_id, story)
    if not story.lines:
        raise no_cycle(cycle_id) if any(answered) else KimpError(f"nobody could be asked for {cycle_id}: {unasked}")
    story.lines.sort(key=lambda line: line.at_ms)
    return story


async def _from_temporal(settings: Settings, cycle_id: str, story: Story) -> bool:
    """Whether it could be asked."""
    try:
        client = await connect_temporal(settings)
        read = history_reader(settings, plaintext_too=True)
        runs = [read(run).events async for run in chain(client, workflow_id(cycle_id))]
    except RPCError as error:
        story.missing.append(f"history: {error.message}")
        return error.status is RPCStatusCode.NOT_FOUND
    except KimpError as error:
        story.missing.append(f"history: {error}")
        return False
    story.trace_id = trace_id_of(runs[-1])
    for events in runs:
        story.lines += story_of(events)
    return True


async def _from_database(settings: Settings, cycle_id: str, story: Story) -> bool:
    """Whether it could be asked."""
    try:
        async with open_database(settings) as books:
            story.lines += await books.stories.story(cycle_id)
    except KimpError as error:
        story.missing.append(f"journal and ledger: {error}")
        return False
    return True


def _from_logs(settings: Settings, cycle_id: str, story: Story) -> None:
    folder = settings.observability.log_dir or settings.local.data_dir
    files = sorted(folder.glob("*.log")) if folder.is_dir() else []
    if not files:
        story.missing.append(f"logs: no *.log in {folder}; observability.log_dir names another folder")
    for file in files:
        try:
            story.lines += _lines_in(file, cycle_id, story)
        except OSError as error:
            story.missing.append(f"logs: {file}: {error.strerror}")


def _lines_in(file: Path, cycle_id: str, story: Story) -> Iterator[StoryLine]:
    mark = f'"{cycle_id}"'
    with file.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if mark in line and (told := _parsed(line)).get("cycle_id") == cycle_id:
                story.trace_id = story.trace_id or told.get("trace_id")
                at_ms = int(datetime.fromisoformat(told["time"]).timestamp() * 1000)
                yield StoryLine(at_ms, told["process"], _shown(told))


def _parsed(line: str) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _shown(told: dict[str, Any]) -> str:
    where = " ".join(str(told[name]) for name in ("step", "venue") if told.get(name, "-") != "-")
    level = "" if told["level"] == "info" else f"{told['level']}: "
    return f"{level}{told['message']}" + (f"  [{where}]" if where else "")

"""The story of one cycle from whatever is at hand: history, journal, ledger, log files. What is missing is said."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from kimp.domain.errors import KimpError
from kimp.operations.cycles import no_cycle
from kimp.ports.story import NoSuchHistory, StoryLine, StorySource


@dataclass
class Story:
    """Everything that was found."""

    lines: list[StoryLine] = field(default_factory=list)
    trace_id: str | None = None
    missing: list[str] = field(default_factory=list)
    """Sources that could not be asked, and why."""


async def story_of(cycle_id: str, sources: Mapping[str, StorySource], logs: Path) -> Story:
    """`sources` by name; `logs`: the folder with the processes' log files.

    Raises BadInput if whoever could be asked knows no such cycle, KimpError if nobody could be: log files come and go,
    so that they can't deny one.
    """
    story = Story()
    answered = [await _add(cycle_id, name, source, story) for name, source in sources.items()]
    unasked = "; ".join(story.missing)
    _from_logs(logs, cycle_id, story)
    if not story.lines:
        raise no_cycle(cycle_id) if any(answered) else KimpError(f"nobody could be asked for {cycle_id}: {unasked}")
    story.lines.sort(key=lambda line: line.at_ms)
    return story


async def _add(cycle_id: str, name: str, source: StorySource, story: Story) -> bool:
    """Whether it could be asked."""
    try:
        part = await source(cycle_id)
    except KimpError as error:
        story.missing.append(f"{name}: {error}")
        return isinstance(error, NoSuchHistory)
    story.lines += part.lines
    story.trace_id = story.trace_id or part.trace_id
    return True


def _from_logs(folder: Path, cycle_id: str, story: Story) -> None:
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
            if mark in line and (reported := _parsed(line)).get("cycle_id") == cycle_id:
                story.trace_id = story.trace_id or reported.get("trace_id")
                at_ms = int(datetime.fromisoformat(reported["time"]).timestamp() * 1000)
                yield StoryLine(at_ms, reported["process"], _shown(reported))


def _parsed(line: str) -> dict[str, Any]:
    try:
        output = json.loads(line)
    except ValueError:
        return {}
    return output if isinstance(output, dict) else {}


def _shown(reported: dict[str, Any]) -> str:
    where = " ".join(str(reported[name]) for name in ("step", "venue") if reported.get(name, "-") != "-")
    level = "" if reported["level"] == "info" else f"{reported['level']}: "
    return f"{level}{reported['message']}" + (f"  [{where}]" if where else "")

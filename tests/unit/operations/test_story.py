"""A story is told from whatever is at hand, and a cycle is denied only by somebody who would know it."""

import json
from pathlib import Path

import pytest

from kimp.domain.errors import BadInput, KimpError, StoreUnavailable
from kimp.operations.story import story_of
from kimp.ports.story import NoSuchHistory, StoryLine, StoryPart, StorySource

LATER = StoryLine(2_000, "ledger", "booked")
EARLIER = StoryLine(1_000, "history", "the workflow begins")


def source(reported: StoryPart | KimpError) -> StorySource:
    async def ask(cycle_id: str) -> StoryPart:
        assert cycle_id == "XRP-1"
        if isinstance(reported, KimpError):
            raise reported
        return reported

    return ask


async def test_lines_of_all_sources_in_their_order(tmp_path: Path) -> None:
    line = {"time": "1970-01-01T00:00:01.500+00:00", "process": "worker", "level": "info", "message": "sent"}
    logged = [{**line, "cycle_id": "XRP-1", "step": "1B"}, {**line, "cycle_id": "XRP-2"}]
    (tmp_path / "worker.log").write_text("".join(f"{json.dumps(one)}\n" for one in logged))
    reported = await story_of(
        "XRP-1", {"journal": source(StoryPart([LATER])), "history": source(StoryPart([EARLIER], "trace"))}, tmp_path
    )
    assert reported.lines == [EARLIER, StoryLine(1_500, "worker", "sent  [1B]"), LATER]
    assert (reported.trace_id, reported.missing) == ("trace", [])


async def test_a_source_that_is_away_is_named_and_the_others_are_told(tmp_path: Path) -> None:
    away = source(StoreUnavailable("the database does not answer"))
    reported = await story_of("XRP-1", {"journal": away, "history": source(StoryPart([EARLIER]))}, tmp_path)
    assert reported.lines == [EARLIER]
    assert reported.missing[0] == "journal: the database does not answer"
    assert reported.missing[1].startswith("logs: no *.log in ")


async def test_only_who_was_asked_may_deny_a_cycle(tmp_path: Path) -> None:
    away = source(StoreUnavailable("the database does not answer"))
    with pytest.raises(BadInput, match="there is no cycle XRP-1"):
        await story_of("XRP-1", {"journal": away, "history": source(NoSuchHistory("no such workflow"))}, tmp_path)
    with pytest.raises(BadInput, match="there is no cycle XRP-1"):
        await story_of("XRP-1", {"journal": source(StoryPart([])), "history": away}, tmp_path)
    with pytest.raises(KimpError, match="nobody could be asked for XRP-1: journal: the database") as raised:
        await story_of("XRP-1", {"journal": away}, tmp_path)
    assert not isinstance(raised.value, BadInput)

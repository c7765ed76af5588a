"""A recorded history read as a story."""

import json

from architecture.project import ROOT
from temporalio.api.common.v1 import Header, Payload
from temporalio.api.history.v1 import HistoryEvent, WorkflowExecutionStartedEventAttributes

from kimp.adapters.temporal.histories import read_file
from kimp.adapters.temporal.story import story_lines, trace_id_of
from kimp.ports.story import StoryLine

HISTORIES = ROOT / "tests" / "replay" / "histories"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def story(case: str) -> list[StoryLine]:
    return list(story_lines(read_file(HISTORIES / f"{case}__cycle-XRP-1.json").events))


def test_a_cycle_from_its_first_order_to_its_end() -> None:
    texts = [line.text for line in story("completed_to_upbit")]
    assert texts[0] == "the workflow begins"
    assert texts[1].startswith("execute_order, buy ")
    assert " on binance, at most " in texts[1]
    assert texts[-1] == "the workflow has ended"
    assert any(text.startswith("follow_deposit") and ": done after " in text for text in texts)


def test_what_failed_on_the_way_and_what_a_person_did() -> None:
    texts = [line.text for line in story("parked_then_retried")]
    assert "a person asks: retry" in texts
    assert any(": failed after " in text and "no answer" in text for text in texts)


def test_a_cycle_that_pauses_says_for_what() -> None:
    assert any(line.text.startswith("pauses: ") and "wallet" in line.text for line in story("waited_for_a_wallet"))


def test_every_recorded_history_can_be_told() -> None:
    for file in HISTORIES.glob("*.json"):
        lines = list(story_lines(read_file(file).events))
        assert lines[0].text == "the workflow begins"
        assert not [line for line in lines if "under way" in line.text]


def test_the_trace_is_named_by_the_header_that_started_the_workflow() -> None:
    data = json.dumps({"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}).encode()
    started = WorkflowExecutionStartedEventAttributes(header=Header(fields={"_tracer-data": Payload(data=data)}))
    assert trace_id_of([HistoryEvent(workflow_execution_started_event_attributes=started)]) == TRACE
    assert trace_id_of(read_file(HISTORIES / "completed_to_upbit__cycle-XRP-1.json").events) is None

"""What a line looks like, and whose it is."""

import json
import logging
import sys

import pytest

from kimp.observability.context import bound, fields
from kimp.observability.logs import CycleContextFilter, JsonLines, PrettyLines, configure_logging


def record(message: str, *values: object, **extra: object) -> logging.LogRecord:
    made = logging.getLogger("kimp.test").makeRecord(
        "kimp.test", logging.WARNING, __file__, 1, message, values, None, extra=extra
    )
    assert CycleContextFilter("worker").filter(made)
    return made


def test_a_line_of_a_cycle_says_whose_it_is() -> None:
    with bound(cycle_id="XRP-1", step="1B", attempt="2", venue="binance"):
        output = json.loads(JsonLines().format(record("order %s", "XRP-1-1B1-1")))
    assert output["message"] == "order XRP-1-1B1-1"
    assert (output["level"], output["logger"], output["process"]) == ("warning", "kimp.test", "worker")
    assert (output["cycle_id"], output["step"], output["attempt"], output["venue"]) == ("XRP-1", "1B", "2", "binance")
    assert output["time"].endswith("+00:00")


def test_a_line_outside_of_any_cycle_claims_none() -> None:
    assert "cycle_id" not in json.loads(JsonLines().format(record("idle")))


def test_what_is_bound_ends_with_its_block() -> None:
    with bound(cycle_id="XRP-1"), bound(step="1B"):
        assert fields() == {"cycle_id": "XRP-1", "step": "1B"}
    assert fields() == {}


def test_the_sdks_own_lines_belong_to_the_cycle_that_they_name() -> None:
    reported = {"workflow_id": "cycle-XRP-1", "activity_type": "withdraw", "attempt": 3}
    line = json.loads(JsonLines().format(record("Completing activity as failed", temporal_activity=reported)))
    assert (line["cycle_id"], line["step"], line["attempt"]) == ("XRP-1", "withdraw", "3")
    other = json.loads(JsonLines().format(record("task failed", temporal_workflow={"workflow_id": "sweep-1"})))
    assert "cycle_id" not in other


def test_many_lines_of_a_traceback_are_one_line() -> None:
    try:
        int("first\nsecond")
    except ValueError:
        made = record("failed")
        made.exc_info = sys.exc_info()
    text = JsonLines().format(made)
    assert "\n" not in text
    assert "ValueError: invalid literal" in json.loads(text)["error"]


def test_people_read_it_in_brackets() -> None:
    with bound(cycle_id="XRP-1", step="1B", attempt="1", venue="binance"):
        assert PrettyLines().format(record("sent")).endswith("worker kimp.test: sent  [XRP-1 1B 1 binance]")


@pytest.mark.parametrize(("form", "is_json"), [("auto", True), ("json", True), ("pretty", False)])
def test_stdout_gets_json_unless_a_person_reads_it(
    capsys: pytest.CaptureFixture[str], form: str, *, is_json: bool
) -> None:
    configure_logging("feeder", form)
    logging.getLogger("kimp.test").info("hello")
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.startswith("{") is is_json
    assert "hello" in line

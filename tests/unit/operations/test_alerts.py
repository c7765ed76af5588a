"""Warnings in the processes' logs reach whoever watches, each once."""

import json
from pathlib import Path

from kimp.operations.alerts import MOST_BYTES, Alert, Alerts


def line(level: str, message: str, process: str = "worker") -> str:
    return json.dumps({"time": "2026-01-02T03:04:05.678+00:00", "level": level, "message": message, "process": process})


def texts(alerts: Alerts) -> list[tuple[str, int]]:
    return [(alert.text, alert.times) for alert in alerts.latest]


def test_warnings_and_errors_are_told_and_the_rest_is_not(tmp_path: Path) -> None:
    log = tmp_path / "worker-1.log"
    log.write_text("\n".join([line("info", "fine"), line("warning", "slow"), "no json", line("error", "broken"), ""]))
    alerts = Alerts(tmp_path)
    alerts.look()
    assert alerts.latest[1] == Alert(1_767_323_045_678, "worker", "slow")
    assert texts(alerts) == [("broken", 1), ("slow", 1)]


def test_only_what_is_new_is_read_and_a_line_that_is_being_written_waits(tmp_path: Path) -> None:
    log = tmp_path / "worker-1.log"
    whole = line("warning", "one")
    log.write_text(f"{whole}\n{whole[:20]}")
    alerts = Alerts(tmp_path)
    alerts.look()
    alerts.look()
    assert texts(alerts) == [("one", 1)]
    with log.open("a") as more:
        more.write(f"{whole[20:]}\n")
    alerts.look()
    assert texts(alerts) == [("one", 2)]


def test_the_log_of_a_process_that_began_anew_is_read_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "worker-1.log"
    log.write_text(f"{line('info', 'x' * 500)}\n")
    alerts = Alerts(tmp_path)
    alerts.look()
    log.replace(tmp_path / "worker-1.old.log")
    log.write_text(f"{line('warning', 'after')}\n")
    alerts.look()
    assert texts(alerts) == [("after", 1)]


def test_a_log_that_grew_beyond_all_measure_is_read_from_near_its_end(tmp_path: Path) -> None:
    log = tmp_path / "worker-1.log"
    log.write_text(f"{line('warning', 'long ago')}\n{'x' * MOST_BYTES}\n{line('warning', 'now')}\n")
    alerts = Alerts(tmp_path)
    alerts.look()
    assert texts(alerts) == [("now", 1)]


def test_no_folder_and_no_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "odd.log").mkdir()
    for folder in (tmp_path, tmp_path / "none"):
        alerts = Alerts(folder)
        alerts.look()
        assert not alerts.latest

"""`kimp replay DIR`: what it says and how it ends."""

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kimp.cli.app import EXIT_BAD_INPUT, EXIT_FAILED
from kimp.cli.commands import code_of_command

HISTORIES = Path(__file__).with_name("histories")
SHORTEST = HISTORIES / "rejected_by_the_venue__cycle-XRP-1.json"
Kimp = Callable[..., int]


@pytest.fixture
def kimp(monkeypatch: pytest.MonkeyPatch) -> Kimp:
    """Runs the command in this process and returns its exit code."""

    def invoke(*arguments: str) -> int:
        monkeypatch.setattr("sys.argv", ["kimp", *arguments])
        return code_of_command()

    return invoke


def _with_another_quantity(folder: Path) -> None:
    history = json.loads(SHORTEST.read_text())
    (payload,) = history["events"][4]["activityTaskScheduledEventAttributes"]["input"]["payloads"]
    intent = json.loads(base64.b64decode(payload["data"])) | {"quantity": "0.5"}
    payload["data"] = base64.b64encode(json.dumps(intent).encode()).decode()
    (folder / SHORTEST.name).write_text(json.dumps(history))


def test_clean_histories_end_with_zero(kimp: Kimp, capsys: pytest.CaptureFixture[str]) -> None:
    assert kimp("replay", str(HISTORIES)) == 0
    assert "0 histories differ" in capsys.readouterr().out


def test_a_difference_is_one_line_and_fails(kimp: Kimp, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    _with_another_quantity(tmp_path)
    assert kimp("replay", str(tmp_path)) == EXIT_FAILED
    shown = capsys.readouterr()
    assert 'event 5, execute_order args[0].quantity: recorded "0.5", now "311.78"' in shown.out
    assert shown.err == ""


def test_what_is_no_folder_of_histories_is_told(kimp: Kimp, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    for what, words in (
        (SHORTEST, f"{SHORTEST} is a file; name the folder that it lies in"),
        (absent, f"{absent}: there is no such folder"),
        (tmp_path, f"{tmp_path}: no history in it"),
    ):
        assert kimp("replay", str(what)) == EXIT_BAD_INPUT
        assert words in capsys.readouterr().err.replace("\n", "")


def test_json(kimp: Kimp, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    _with_another_quantity(tmp_path)
    shutil.copy(SHORTEST, tmp_path / "good__cycle-XRP-1.json")
    assert kimp("replay", str(tmp_path), "--json") == EXIT_FAILED
    report: Any = json.loads(capsys.readouterr().out)
    assert report["clean"] is False
    good, bad = report["histories"]
    assert (good["clean"], good["activities"], good["differences"]) == (True, 2, [])
    (difference,) = bad["differences"]
    assert (difference["event_id"], difference["path"]) == (5, "args[0].quantity")
    assert (difference["recorded"], difference["new"]) == ("0.5", "311.78")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (None, "", "there is no such folder"),
        ("notes.txt", "", "no history in it"),
        ("cycle-XRP-1.json", "{}", "no workflow id in the name"),
        ("case__.json", "{}", "no workflow id in the name"),
        ("case__cycle-XRP-1.json", "not json", "not a history"),
        ("case__cycle-XRP-1.json", "[]", "not a history"),
        ("case__cycle-XRP-1.json", "{}", "not a history"),
        ("case__cycle-XRP-1.json", '{"events": []}', "not a history"),
        ("case__cycle-XRP-1.json", '{"events": [{"eventId": "1"}]}', "not a history"),
        ("case__cycle-XRP-1.json", '{"events": [{"eventType": "EVENT_TYPE_NOBODY"}]}', "not a history"),
        ("case__cycle-XRP-1.json", b"\xff\xfe", "not a history"),
    ],
)
def test_bad_input_is_one_clear_line(
    kimp: Kimp, capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str | None, content: str | bytes, words: str
) -> None:
    folder = tmp_path / "given"
    if name is not None:
        folder.mkdir()
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert kimp("replay", str(folder)) == EXIT_BAD_INPUT
    shown = capsys.readouterr()
    assert words in shown.err
    assert len(shown.err.splitlines()) == 1


@pytest.mark.parametrize("arguments", [[], ["somewhere", "--save", "elsewhere"]])
def test_arguments_that_make_no_sense(kimp: Kimp, arguments: list[str]) -> None:
    assert kimp("replay", *arguments) == EXIT_BAD_INPUT


def test_a_workflow_of_another_kind_is_named(kimp: Kimp, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    strange = SHORTEST.read_text().replace('"ArbitrageCycle"', '"Stranger"')
    (tmp_path / SHORTEST.name).write_text(strange)
    assert kimp("replay", str(tmp_path)) == EXIT_FAILED
    assert "Workflow class Stranger is not registered" in capsys.readouterr().out

"""`kimp codec`: what it prints, and how it ends on what it can't use."""

from collections.abc import Callable

import pytest

from kimp.cli.app import EXIT_BAD_INPUT
from kimp.cli.commands import code_of_command
from kimp.config import load

Kimp = Callable[..., int]


@pytest.fixture
def kimp(monkeypatch: pytest.MonkeyPatch) -> Kimp:
    """Runs the command in this process and returns its exit code."""

    def invoke(*arguments: str) -> int:
        monkeypatch.setattr("sys.argv", ["kimp", *arguments])
        return code_of_command()

    return invoke


def test_a_new_key_is_all_that_is_printed_and_can_be_used_as_it_is(
    kimp: Kimp, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = set()
    for _ in range(3):
        assert kimp("codec", "new-key") == 0
        shown = capsys.readouterr()
        assert shown.err == ""
        (line,) = shown.out.splitlines()
        printed.add(line)
    assert len(printed) == 3
    monkeypatch.setenv("KIMP_HISTORY__KEYS__K1", line)
    assert load().history.encrypted


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "there is nothing to decrypt with: set history.keys"),
        ({"KIMP_HISTORY__KEYS__K1": "A" * 43 + "="}, "the codec server lets nobody in"),
        ({"KIMP_HISTORY__KEYS__K1": "AAAA"}, "key k1 is not 32 bytes in base64; `kimp codec new-key` prints one"),
    ],
)
def test_serving_what_cannot_be_served_is_one_clear_line(
    kimp: Kimp,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    words: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert kimp("codec", "serve") == EXIT_BAD_INPUT
    shown = capsys.readouterr()
    assert words in shown.err
    assert "Traceback" not in shown.err

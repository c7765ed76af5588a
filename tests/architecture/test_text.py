"""The project speaks of itself only, and keeps no notes of work to come."""

import re
from pathlib import Path

from architecture.project import ROOT, tracked_files

# Written apart, so that this file does not find itself.
RECORDED_DATA = "../" + "shared"
"""Recorded prices outside the project: may be named once, by the helper that skips tests where they are missing."""
NOTES = re.compile("TO" + r"DO\b|FIX" + r"ME\b|X" + r"XX\b")
HOME_OF_SOMEBODY = re.compile(r"(?<![\w.:])/(?:root|work|home/\w+|Users/\w+)/")
GENERATED = {"uv.lock", "go.sum", "go.mod"}


def texts() -> list[tuple[str, str]]:
    found = []
    for path in tracked_files():
        try:
            found.append((str(path), (ROOT / path).read_text()))
        except UnicodeDecodeError:
            continue
    return [(name, text) for name, text in found if Path(name).name not in GENERATED]


def test_only_one_helper_of_the_tests_knows_where_recorded_data_is() -> None:
    users = [name for name, text in texts() if RECORDED_DATA in text]
    assert len(users) <= 1
    assert all(name.startswith("tests/") for name in users)


def test_no_path_of_one_machine() -> None:
    assert not [f"{name}: {found.group()}" for name, text in texts() if (found := HOME_OF_SOMEBODY.search(text))]


def test_no_notes_of_work_to_come() -> None:
    assert not [name for name, text in texts() if name.endswith(".py") and NOTES.search(text)]

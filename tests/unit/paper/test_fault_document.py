"""The document of the paper exchange names every fault, and no other."""

import re
from pathlib import Path

from kimp.paper.faults.kinds import FaultKind

DOCUMENT = (Path(__file__).parents[3] / "docs" / "paper-exchange.md").read_text()
ROW = re.compile(r"^\| (`[a-z0-9_`, ]+`) \| (.+) \|$", re.MULTILINE)
"""Of the tables of faults: kinds, and what they do."""


def described() -> dict[str, str]:
    return {
        name: meaning for names, meaning in ROW.findall(DOCUMENT) for name in re.findall(r"`([a-z0-9_]+)`", names)
    }  # fmt: skip


def test_every_kind_is_described_once() -> None:
    assert set(described()) == {kind.value for kind in FaultKind}
    for kind in FaultKind:
        assert len(re.findall(rf"^\|.*`{kind}`.*\|", DOCUMENT, re.MULTILINE)) == 1, kind


def test_it_stays_short() -> None:
    """Who needs more reads the kinds themselves."""
    assert len(DOCUMENT.splitlines()) <= 150

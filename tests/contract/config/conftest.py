"""All sources of settings, in a folder and an environment of each test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.config_sources import Sources, all_sources


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sources]:
    with all_sources(tmp_path, monkeypatch) as sources:
        yield sources

"""What is written about the settings is what they are."""

import tomllib
from pathlib import Path
from typing import Any

from kimp.config import Settings
from kimp.config.reference import MARKER, document, entries
from kimp.config.switches import Switches

ROOT = Path(__file__).parents[3]


def test_the_document_is_current() -> None:
    written = (ROOT / "docs/configuration.md").read_text().partition(MARKER)[2].strip()
    assert written == document().strip(), "run: kimp config docs --into docs/configuration.md"


def test_every_setting_has_a_meaning() -> None:
    reported = [*entries(Settings, Settings()), *entries(Switches, None)]
    assert not [entry.name for entry in reported if not entry.meaning]


def test_no_secret_has_a_default_but_the_paper_exchanges() -> None:
    secrets = [entry for entry in entries(Settings, Settings()) if "secret" in entry.kind and entry.default]
    assert all(entry.default.startswith("paper-") for entry in secrets)


def test_the_example_is_the_defaults() -> None:
    reported = tomllib.loads((ROOT / "src/kimp/config/kimp.example.toml").read_text())
    reported.pop("paper")
    assert Settings(**reported) == Settings()


def test_the_example_names_every_setting() -> None:
    text = (ROOT / "src/kimp/config/kimp.example.toml").read_text()
    reported: dict[str, Any] = tomllib.loads(text)

    def given(path: tuple[str, ...]) -> bool:
        here: Any = reported
        for name in path:
            if not isinstance(here, dict) or name not in here:
                return False
            here = here[name]
        return True

    lacking = [entry.path for entry in entries(Settings, Settings()) if not given(entry.path)]
    # What has no default stands there as a comment; Binance's are those of Upbit.
    assert not [".".join(path) for path in lacking if path[0] != "binance" and f"# {path[-1]} = " not in text]

"""What people write and record: configuration in all its sources, settings at run time, URLs, recorded prices."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from fuzz.target import Target

from kimp.adapters.sql.engine import parse_url, place_of
from kimp.adapters.sql.settings import _version
from kimp.backtest.catalogue import Catalogue, DayFile
from kimp.backtest.importing import Choices, import_files
from kimp.backtest.kinds import BadData
from kimp.bootstrap.paper import PaperSettings
from kimp.cli.pairs import pairs_of
from kimp.cli.settings import values_of
from kimp.config import Settings, load, load_with_origins
from kimp.config.run_time import checked, in_force
from kimp.config.urls import redis_fault
from kimp.domain.errors import BadConfig, BadInput
from kimp.domain.venues import Venue
from kimp.paper.market.recorded import Recording, read_recording
from kimp.paper.market.source import BadMarketData


@cache
def _desk() -> Path:
    return Path(tempfile.mkdtemp(prefix="kimp-fuzz-"))


@contextmanager
def _place(**environment: str) -> Iterator[Path]:
    """An empty folder to work in, and nothing of kimp's in the environment but this."""
    folder = _desk()
    others = {name: text for name, text in os.environ.items() if not name.startswith("KIMP_")}
    with patch.dict(os.environ, others | environment, clear=True), chdir(folder):
        try:
            yield folder
        finally:
            for path in folder.iterdir():
                path.unlink()


def _from_toml(data: bytes) -> Any:
    with _place() as folder:
        (folder / "kimp.toml").write_bytes(data)
        return load()


def _paper_from_toml(data: bytes) -> Any:
    with _place() as folder:
        (folder / "kimp.toml").write_bytes(data)
        return load_with_origins(PaperSettings).settings.paper.coins


def _from_env_file(data: bytes) -> Any:
    with _place() as folder:
        (folder / ".env").write_bytes(data)
        return load()


def _from_environment(data: bytes) -> Any:
    """One NAME=VALUE on each line, as the system hands it over."""
    given = {}
    for line in data.replace(b"\x00", b"").splitlines():
        name, _, value = line.decode(errors="surrogateescape").partition("=")
        if name and name.startswith("KIMP_") and name not in {"KIMP_VAULT_ADDR", "KIMP_PARAMETER_STORE"}:
            given[name] = value
    with _place(**given):
        return load()


def _from_secret_file(data: bytes) -> Any:
    """Its name on the first line."""
    name, _, content = data.partition(b"\n")
    file = _desk() / "secrets" / name.decode(errors="replace").replace("/", "_").replace("\0", "")[:100]
    file.parent.mkdir(exist_ok=True)
    if file.name in {"secrets", "", ".", ".."}:
        raise BadConfig("no name of a file")
    file.write_bytes(content)
    try:
        with patch.dict(os.environ, {"KIMP_SECRETS_DIR": str(file.parent)}):
            return load()
    finally:
        file.unlink()
        file.parent.rmdir()


def _stored(data: bytes) -> Any:
    """A row of changed settings, as the database holds it."""
    row: Any = SimpleNamespace(
        version=1, changes=data.decode(errors="replace"), set_by="", set_ms=0, reason="", read_ms=0
    )
    changes, configured = _version(row).changes, Settings()
    return in_force(configured, changes, 1).settings.trading, checked(configured, changes)


def _typed(data: bytes) -> Any:
    """Arguments of `kimp settings set`, one on each line."""
    pairs = pairs_of(data.decode(errors="replace").splitlines())
    changes = {name: value for name, value in values_of(pairs).items() if value}
    return in_force(Settings(), changes, 1).settings.caps


def _urls(data: bytes) -> Any:
    text = data.decode(errors="replace").rstrip("\n")
    fault = redis_fault(text)
    return fault is None, parse_url(text).drivername, place_of(text)


def _recorded(data: bytes) -> Recording:
    path = _desk() / "prices.csv"
    path.write_bytes(data)
    try:
        recording = read_recording(path, {"XRP", "USDT"})
        recording.notes()
        return recording
    finally:
        path.unlink()


def _prices(recording: Recording) -> str | None:
    return next((str(row) for row in recording.rows if not row.price > 0 or not row.price.is_finite()), None)


def _imported(data: bytes) -> list[DayFile]:
    """For the backtest; rows that can't be right are left out."""
    path, catalogue = _desk() / "prices.csv", Catalogue(_desk() / "market")
    path.write_bytes(data)
    try:
        import_files(catalogue, [path], Choices(venue=Venue.UPBIT))
        return list(catalogue.files())
    finally:
        path.unlink()
        shutil.rmtree(catalogue.root, ignore_errors=True)


def _sound(_value: Any) -> None:
    """Its ranges are the settings' own: a value that was made is one."""


ALL_PROBLEMS = 20_000
"""Characters: a line for each setting that is wrong."""
LOADS: dict[str, Callable[[bytes], Any]] = {
    "config-toml": _from_toml,
    "config-environment": _from_environment,
    "config-env-file": _from_env_file,
    "config-secret-file": _from_secret_file,
    "paper-config": _paper_from_toml,
}
TARGETS = [
    *(Target(name, load_it, (BadConfig,), _sound, longest_text=ALL_PROBLEMS) for name, load_it in LOADS.items()),
    Target("settings-row", _stored, (BadInput,), _sound),
    Target("settings-arguments", _typed, (BadInput,), _sound),
    Target("urls", _urls, (BadConfig,), _sound),
    Target("recorded-prices", _recorded, (BadMarketData,), _prices),
    Target("market-data", _imported, (BadData,), _sound, shared_corpus="recorded-prices"),
]

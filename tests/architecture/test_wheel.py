"""What is shipped. An editable install runs from the checkout and hides what the wheel lacks."""

import subprocess
import sys
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest
from architecture.project import PACKAGES, ROOT, tracked_files
from hatchling.builders.wheel import WheelBuilder


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.Path:
    """Built in this process, so that no network is needed."""
    (built,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("wheel")))
    return zipfile.Path(built)


def test_holds_the_five_packages_and_nothing_else(wheel: zipfile.Path) -> None:
    folders = {entry.name for entry in wheel.iterdir() if not entry.name.endswith(".dist-info")}
    assert folders == set(PACKAGES)


def test_holds_every_file_of_the_packages(wheel: zipfile.Path) -> None:
    """Python files, and what is read as data at run time."""
    shipped = set(wheel.root.namelist())
    wanted = {path.relative_to("src") if path.parts[0] == "src" else path for path in tracked_files()}
    missing = {str(path) for path in wanted if path.parts[0] in PACKAGES} - shipped
    assert not missing


def test_holds_the_example_configuration(wheel: zipfile.Path) -> None:
    """`kimp config example` prints it where there is no checkout."""
    assert "[trading]" in wheel.root.read("kimp/config/kimp.example.toml").decode()


def test_offers_one_command(wheel: zipfile.Path) -> None:
    (info,) = [entry for entry in wheel.iterdir() if entry.name.endswith(".dist-info")]
    scripts = ConfigParser()
    scripts.read_string((info / "entry_points.txt").read_text())
    assert {name: dict(scripts[name]) for name in scripts.sections()} == {"console_scripts": {"kimp": "kimp.cli:main"}}


def test_runs_without_the_checkout(wheel: zipfile.Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(str(wheel.root.filename)) as archive:  # the Path's own knows folders that the file lacks
        archive.extractall(tmp_path)
    code = f"import importlib\nfor name in {PACKAGES}: print(importlib.import_module(name).__file__)"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        check=False,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert all(Path(line).is_relative_to(tmp_path) for line in ran.stdout.splitlines())


def test_lacks_what_only_a_checkout_can_use(wheel: zipfile.Path) -> None:
    """The Temporal server is built from Go modules that lie in the checkout; what builds it lies beside them."""
    shipped = {name: wheel.root.read(name).decode() for name in wheel.root.namelist() if name.endswith(".py")}
    assert not [name for name, text in shipped.items() if "GOMODCACHE" in text]

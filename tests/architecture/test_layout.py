"""Where files may be. What may import what is import-linter's business, run by `make check` alone: once is enough."""

import ast
from importlib.metadata import packages_distributions

import pytest
from architecture.project import PACKAGES, ROOT, modules, tracked_files

from kimp import DISTRIBUTION
from kimp.bootstrap.temporal import WORKFLOW_PARTS, WORKFLOWS

SCRIPT_FOLDERS = {"tests", "bench", "deploy"}
"""Hold Python, are run from the checkout, and are not shipped."""


def test_each_top_level_package_ships_with_the_wheel() -> None:
    folders = {path.parts[0] for path in tracked_files() if path.suffix == ".py"}
    assert folders - SCRIPT_FOLDERS - {"src"} == {name for name in PACKAGES if name != "kimp"}
    assert {path.name for path in (ROOT / "src").iterdir() if path.is_dir()} == {"kimp"}


def test_every_package_of_ours_has_an_init_file() -> None:
    """Without one the folder would be a namespace package, which a stranger's of the same name may extend."""
    lacking = {path.parent for path in modules() if not (path.parent / "__init__.py").exists()}
    assert not lacking


def test_no_test_folder_is_a_package() -> None:
    """A package tests/workflows would be imported in the place of ours."""
    assert not [path for path in tracked_files() if path.parts[0] in SCRIPT_FOLDERS and path.name == "__init__.py"]


@pytest.mark.parametrize("name", PACKAGES)
def test_our_top_level_names_belong_to_nobody_else(name: str) -> None:
    """Two installed distributions with one name overwrite each other's files without a word."""
    assert set(packages_distributions().get(name, [])) <= {DISTRIBUTION}


def test_the_root_package_imports_nothing() -> None:
    """A re-export there makes an import cycle: workflows import kimp.contracts, kimp.bootstrap imports workflows."""
    nodes = ast.walk(ast.parse((ROOT / "src/kimp/__init__.py").read_text()))
    assert not [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom | ast.Call)]


def test_every_part_of_the_workflows_is_loaded_once() -> None:
    """The sandbox loads anew, for each cycle, what it is not told to pass through."""
    defining = {workflow.__module__.removeprefix("workflows.") for workflow in WORKFLOWS}
    parts = {path.stem for path in (ROOT / "workflows").glob("*.py")} - defining - {"__init__"}
    assert sorted(parts) == list(WORKFLOW_PARTS)

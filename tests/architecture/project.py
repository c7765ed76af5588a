"""What the architecture tests look at."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("kimp", "workflows", "activities", "feeder", "initiator")


def tracked_files() -> list[Path]:
    """All files of the project, relative to its root: git's view, with new files and without ignored ones."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    return [Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def modules(*folders: str) -> list[Path]:
    """The Python files below these folders, else below all shipped packages."""
    below = folders or ("src/kimp", *PACKAGES[1:])
    return sorted(path for folder in below for path in (ROOT / folder).rglob("*.py"))


def trees(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    for path in modules(*folders):
        yield str(path.relative_to(ROOT)), tree_of(path)


@cache
def tree_of(path: Path) -> ast.Module:
    """Read once for all tests that look at it."""
    return ast.parse(path.read_text())

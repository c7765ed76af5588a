"""Copies of the checkout that may be broken, and pytest in them."""

import os
import shutil
import signal
import subprocess
import sys
from compileall import compile_dir
from contextlib import suppress
from pathlib import Path
from py_compile import PycInvalidationMode

from architecture.project import PACKAGES, ROOT, tracked_files

from kimp.adapters.embedded.process import _DIE_WITH_PARENT
from kimp.adapters.temporal.devserver_binary import find_binary

QUIET = ("-p", "no:cacheprovider")
HUNG = 124
"""In the place of an exit code: the run was ended from outside."""


def copy_checkout(to: Path) -> None:
    for file in tracked_files():
        (to / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, to / file)


def compiled(tree: Path) -> None:
    """Known by the sources' content, as a break may leave a file's size and second as they were."""
    for folder in ("src", *PACKAGES[1:]):
        compile_dir(tree / folder, quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH)


def surroundings(tree: Path) -> dict[str, str]:
    """The broken sources come before the installed packages, which are the checkout's; its Temporal server will do."""
    temporal = find_binary()
    server = {} if temporal is None else {"KIMP_TEMPORAL_CLI": str(temporal.path)}
    return {"PYTHONPATH": f"{tree / 'src'}:{tree}"} | server


def bound_to_this_process(words: list[str]) -> list[str]:
    """Whoever kills this program ends the tests with it, and they their servers."""
    return [sys.executable, "-c", _DIE_WITH_PARENT, str(os.getpid()), *words]


def pytest(tree: Path, *words: str, within_s: float) -> tuple[int, str]:
    """Exit code and output."""
    started = subprocess.Popen(
        bound_to_this_process([sys.executable, "-m", "pytest", *QUIET, *words]),
        cwd=tree,
        env={**os.environ, **surroundings(tree)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = started.communicate(timeout=within_s)
    except subprocess.TimeoutExpired:
        # With its session, which is of this run alone; the servers of a test end with the process that started them.
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        output, _ = started.communicate()
        return HUNG, output
    return started.returncode, output

"""One kimp per data directory, and who that is."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from kimp.adapters.embedded.process import is_locked, open_data_dir
from kimp.domain.errors import BadConfig

NAME = "kimp.lock"


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold the folder until the end of the block, or of this process. Raises BadConfig that says who holds it."""
    open_data_dir(folder)
    file = folder / NAME
    lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadConfig(_refusal_text(file)) from None
        os.ftruncate(lock, 0)
        os.write(lock, json.dumps({"pid": os.getpid(), "since": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"}).encode())
        yield
    finally:
        os.close(lock)


def who_runs(folder: Path) -> str | None:
    """Which kimp runs on the folder; None: none does."""
    file = folder / NAME
    return f"kimp runs on {folder} ({_holder(file)})" if file.exists() and is_locked(file) else None


def _refusal_text(file: Path) -> str:
    return (
        f"kimp runs on {file.parent} already ({_holder(file)}); look at it with `kimp status`, end it with Ctrl-C"
        " there, or give this one a folder and ports of its own:"
        " `kimp --set local.data_dir=FOLDER --set local.port_offset=100 up`"
    )


def _holder(file: Path) -> str:
    try:
        holder = json.loads(file.read_text())
        return f"pid {holder['pid']}, since {holder['since']} UTC"
    except (OSError, ValueError, KeyError, TypeError):  # it is about to write who it is
        return "just started"

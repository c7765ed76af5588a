"""The programs that a cluster is made of: Debian's, and Temporal's built from Go modules; fetched where missing."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy.temporal.build import build
from kimp.adapters.temporal.devserver_binary import BuildFailed, only_one
from kimp.domain.errors import BadConfig

ROOT = Path(__file__).parents[2]
MODULE = ROOT / "deploy/temporal/server"
TOOLS = ROOT / ".tools/server"
SERVER, SQL_TOOL = TOOLS / "temporal-server", TOOLS / "temporal-sql-tool"
PROGRAMS = {"go.temporal.io/server/cmd/server": SERVER, "go.temporal.io/server/cmd/tools/sql": SQL_TOOL}
POSTGRES_AT_LEAST = 15
DEBIAN = {"postgresql": "postgres", "mariadb-server": "mariadbd"}
"""Package -> what it brings."""

WriteLine = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Programs:
    postgres: Path
    """The folder of PostgreSQL's programs."""
    server: Path
    sql_tool: Path


async def ensure_programs(write_line: WriteLine) -> Programs:
    """Find all, or install and build what is missing. Raises BadConfig that says what to install."""
    missing = [package for package, program in DEBIAN.items() if _found(program) is None]
    if missing:
        await asyncio.to_thread(_install, missing, write_line)
    postgres = _found("postgres")
    if postgres is None:
        raise BadConfig(f"no PostgreSQL {POSTGRES_AT_LEAST} or newer here; install Debian's package postgresql")
    TOOLS.mkdir(parents=True, exist_ok=True)
    async with only_one(TOOLS / "lock"):
        if not all(file.exists() for file in PROGRAMS.values()):
            try:
                await build(MODULE, PROGRAMS, write_line)
            except BuildFailed as failure:
                raise BadConfig(f"the Temporal server can't be built: {failure}") from None
    return Programs(postgres.parent, SERVER, SQL_TOOL)


def _found(program: str) -> Path | None:
    """Debian keeps PostgreSQL's servers off PATH, a folder per version."""
    if program == "postgres":
        folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda file: int(file.parts[-3]))
        return folders[-1] if folders and int(folders[-1].parts[-3]) >= POSTGRES_AT_LEAST else None
    path = shutil.which(program)
    return Path(path) if path else None


def _install(packages: list[str], write_line: WriteLine) -> None:
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    if os.getuid() != 0 or shutil.which("apt-get") is None:
        raise BadConfig(f"{', '.join(packages)} missing; install with: sudo {' '.join(command)}")
    write_line(f"installing Debian packages: {', '.join(packages)}")
    for step in (["apt-get", "update", "-qq"], command):
        ran = subprocess.run(
            step,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode != 0:
            raise BadConfig(f"`{' '.join(step)}` failed: {(ran.stderr.strip() or ran.stdout.strip())[-300:]}")

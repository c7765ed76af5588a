"""The `kimp` command, run as its user runs it."""

import asyncio
import os
import sys
from pathlib import Path

KIMP = str(Path(sys.executable).with_name("kimp"))


async def kimp(folder: Path, *arguments: str, **variables: str) -> tuple[int | None, str, str]:
    """Exit code, stdout and stderr, in that folder and with no other settings than these."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("KIMP_", "TEMPORAL_", "VAULT_"))}
    child = await asyncio.create_subprocess_exec(
        KIMP,
        *arguments,
        cwd=folder,
        env=clean | variables,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await child.communicate()
    assert b"Traceback" not in err
    return child.returncode, out.decode(), err.decode()

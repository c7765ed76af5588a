"""`make cluster`: the real Temporal server, role by role, MariaDB and Redis, and kimp on them; docs/cluster.md.

Without a word it runs until Ctrl-C. `run` gives its servers to another command, `roles` kills Temporal's roles while
cycles run, `measure` tells how fast it all is.
"""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path

from cluster.report import set_environment, show
from cluster.roles import kill_each_role
from cluster.servers import open_servers
from rich.console import Console

from bench.figures import as_table
from bench.scaling import measure
from kimp.cli.services import until_signalled
from kimp.domain.errors import KimpError

errors = Console(stderr=True, soft_wrap=True, highlight=False)


def main() -> int:
    arguments = _arguments()
    folder = Path(arguments.keep or tempfile.mkdtemp(prefix="kimp-cluster-")).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    codes: list[int] = []
    try:
        asyncio.run(until_signalled(_work(arguments, folder, codes)))
    except KimpError as error:
        errors.print(f"[red]cluster:[/] {error}")
        codes.append(1)
    code = codes[0] if codes else 0  # Ctrl-C is how it ends
    if code == 0 and arguments.keep is None:
        shutil.rmtree(folder, ignore_errors=True)
    elif code != 0:
        errors.print(f"logs and data: {folder}")
    return code


async def _work(arguments: argparse.Namespace, folder: Path, codes: list[int]) -> None:
    if arguments.what == "run":
        codes.append(await _run(folder, arguments.command))
    elif arguments.what == "roles":
        codes.append(await kill_each_role(folder, errors.print))
    elif arguments.what == "measure":
        codes.append(await _measure(folder))
    else:
        codes.append(await show(folder, arguments.cycles, errors.print, once=arguments.once))


async def _run(folder: Path, command: list[str]) -> int:
    async with open_servers(folder, errors.print) as servers:
        child = await asyncio.create_subprocess_exec(*command, env=os.environ | servers.for_tests)
        try:
            return await child.wait()
        finally:
            if child.returncode is None:
                child.terminate()
                await child.wait()


async def _measure(folder: Path) -> int:
    async with open_servers(folder, errors.print) as servers:
        set_environment(folder, servers.for_kimp)
        rows = []
        async for row in measure(folder):
            errors.print(f"{row.what}: {row.kimp} against {row.baseline}")
            rows.append(row)
        Console(width=140).print(as_table(rows))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make cluster ARGS=", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("up", "run", "roles", "measure"), default="up")
    parser.add_argument("command", nargs="*", help="after `run --`: gets the servers in KIMP_TEST_... variables")
    parser.add_argument("--cycles", type=int, default=3, help="completed cycles to wait for")
    parser.add_argument("--once", action="store_true", help="stop then, and check the books")
    parser.add_argument("--keep", help="a folder for logs and data, kept afterwards")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

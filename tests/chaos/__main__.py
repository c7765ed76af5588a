"""`make chaos`: a whole kimp of real processes, laid waste by seed, healed, and audited from outside. docs/chaos.md."""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from chaos.harness.campaign import campaign
from chaos.harness.ground import new_seed
from chaos.harness.report import Report
from chaos.harness.sizes import DEFAULT, SIZES, Size
from rich.console import Console

WIDTH = 140
errors = Console(stderr=True, soft_wrap=True, highlight=False)


def main() -> int:
    arguments = _arguments()
    seed = new_seed() if arguments.seed is None else arguments.seed
    size = replace(SIZES[arguments.size], prefunded=arguments.prefunded)
    folder = Path(arguments.keep or tempfile.mkdtemp(prefix=f"kimp-chaos-{seed}-")).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    errors.print(f"chaos: seed {seed}, size {size.name}")
    held = False
    try:
        report = asyncio.run(campaign(folder, size, seed, arguments.database, arguments.temporal, errors.print))
        _report(report, as_json=arguments.json)
        held = report.held
    finally:
        if not held:
            once_more = _command(seed, size, arguments.database, arguments.temporal)
            errors.print(f"[red]it did not hold.[/] Evidence: {folder}\nOnce more: {once_more}")
    if held and arguments.keep is None:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if held else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos ARGS=", description=__doc__)
    parser.add_argument("--seed", type=int, help="draws every fault, kill and price; another one each time by default")
    parser.add_argument("--size", choices=SIZES, default=DEFAULT.name)
    parser.add_argument("--database", help="`mariadb` for a server of its own, or a URL; SQLite by default")
    parser.add_argument(
        "--temporal", help="`cluster` for a real server of its own, or an address; a dev server by default"
    )
    parser.add_argument("--prefunded", action="store_true", help="trade every other coin on both sides at once")
    parser.add_argument("--keep", help="a folder for logs and evidence, kept even if all held")
    parser.add_argument("--json", action="store_true", help="one JSON document in place of the tables")
    return parser.parse_args()


def _report(report: Report, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(report.as_json(), default=str, indent=2) + "\n")
    else:
        report.show(Console(width=WIDTH))


def _command(seed: int, size: Size, database: str | None, temporal: str | None) -> str:
    more = " --prefunded" if size.prefunded else ""
    more += (f" --database {database}" if database else "") + (f" --temporal {temporal}" if temporal else "")
    return f'make chaos ARGS="--seed {seed} --size {size.name}{more}"'


if __name__ == "__main__":
    raise SystemExit(main())

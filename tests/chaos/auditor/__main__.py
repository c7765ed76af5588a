"""`python -m chaos.auditor FOLDER`: judge kept evidence once more."""

import argparse
from pathlib import Path

from chaos.auditor.keeping import load
from chaos.auditor.report import verdict_table
from chaos.auditor.verdict import Holds, judge
from rich.console import Console

WIDTH = 140


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m chaos.auditor", description=__doc__)
    parser.add_argument("folder", type=Path, help="the `evidence` folder that a failed run has kept")
    verdicts = judge(load(parser.parse_args().folder))
    Console(width=WIDTH).print(verdict_table(verdicts))
    return 0 if all(verdict.holds is Holds.YES for verdict in verdicts) else 1


if __name__ == "__main__":
    raise SystemExit(main())

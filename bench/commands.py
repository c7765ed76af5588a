"""What the commands that look take of one processor: `python -m bench.commands`, in the folder of a running `kimp up`.

Prints the figures of docs/commands.md: the least of some runs, as other work on the machine only adds to it.
"""

import resource
import subprocess
import sys
from pathlib import Path

COMMANDS = (
    "--help", "status", "why XRP", "doctor", "cycles list", "cycles show XRP-1", "cycles logs XRP-1", "cycles dead",
    "deploy status", "settings list", "settings history", "data list", "config show", "config check",
    "config example", "codec new-key",
)  # fmt: skip
RUNS = 3


def seconds(command: str) -> float:
    """User and system time of the command and of what it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    kimp = Path(sys.executable).with_name("kimp")
    subprocess.run([kimp, *command.split()], capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    for command in COMMANDS:
        print(f"| `kimp {command}` | {min(seconds(command) for _ in range(RUNS)):.1f} |", flush=True)


if __name__ == "__main__":
    main()

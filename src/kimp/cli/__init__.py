"""The `kimp` command. Modules are imported when their command runs: `kimp --help` must not wait for ccxt."""

import sys


def main() -> None:
    """Entry point of the console script. Ctrl-C ends it without a traceback even while Python still reads modules."""
    try:
        from kimp.cli.app import main as command  # noqa: PLC0415 - inside the try: it takes most of a second

        command()
    except KeyboardInterrupt:
        sys.exit(130)

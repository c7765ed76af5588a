"""The `kimp` command. Modules are imported when their command runs: `kimp --help` must not wait for ccxt."""

import atexit
import os
import sys
from contextlib import suppress
from typing import NoReturn

EXIT_INTERRUPTED = 130


def main() -> NoReturn:
    """Entry point of the console script. Ctrl-C ends it without a traceback even while Python still reads modules."""
    try:
        from kimp.cli.commands import code_of_command  # noqa: PLC0415 - inside the try: it takes most of a second

        code = code_of_command()
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    # Temporal's threads may still be putting away their last answer. One that asks an interpreter that is being taken
    # down aborts the process: seen on busy machines. So what is to be done at exit is done, and then nothing more.
    atexit._run_exitfuncs()  # noqa: SLF001 - there is no public way
    with suppress(OSError):  # whoever read it may be gone
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)

"""The `kimp` command. Modules are imported when their command runs: `kimp --help` must not wait for ccxt."""

from kimp.cli.app import main

__all__ = ["main"]

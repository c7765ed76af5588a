"""Logging, set up once per process: one line per event on stderr."""

import logging


def configure_logging(process: str, *, verbose: bool = False) -> None:
    """`process` names the kimp command that speaks; libraries are quiet unless `verbose`."""
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format=f"%(asctime)s %(levelname)-7s {process} %(name)s: %(message)s",
        force=True,
    )
    if not verbose:
        for noisy in ("aiohttp.access", "alembic", "asyncio", "websockets", "ccxt"):
            logging.getLogger(noisy).setLevel(logging.WARNING)

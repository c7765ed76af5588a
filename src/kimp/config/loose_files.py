"""Files with secrets that anybody on the machine may change: whoever does chooses keys, URLs and caps."""

import stat
from collections.abc import Iterator
from pathlib import Path

from kimp.config.switches import ENV_FILE, Switches


def loose_files(switches: Switches) -> list[str]:
    """One line for each."""
    return [
        f"{file} can be changed by every user of this machine: chmod 600 {file}"
        for file in _with_secrets(switches)
        if file.is_file() and file.stat().st_mode & stat.S_IWOTH
    ]


def _with_secrets(switches: Switches) -> Iterator[Path]:
    yield Path(ENV_FILE)
    if switches.vault_secret_id_file is not None:
        yield switches.vault_secret_id_file
    if switches.secrets_dir is not None and switches.secrets_dir.is_dir():
        yield from sorted(switches.secrets_dir.iterdir())

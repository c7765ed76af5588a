"""`kimp codec new-key`."""

import base64
import os

from kimp.config.history import KEY_BYTES
from kimp.observability.clean import write_line


def print_key() -> None:
    """A new one each time."""
    write_line(base64.b64encode(os.urandom(KEY_BYTES)).decode())

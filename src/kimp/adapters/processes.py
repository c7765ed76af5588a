"""Processes by name, wherever they run: `pid@host`, as Temporal's workers call themselves too."""

import os
import socket


def identity() -> str:
    """Of this process."""
    return f"{os.getpid()}@{socket.gethostname()}"


def ended_here(identity: str) -> bool:
    """Whether it was a process of this machine and is no more."""
    pid, _, host = identity.partition("@")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # another user's, which runs
        pass
    return False

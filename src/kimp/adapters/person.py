"""The person at the terminal."""

import getpass
import os
import socket


def who() -> str:
    """For what is kept with a name: who pulled the kill switch, changed a setting, wrote something off."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"

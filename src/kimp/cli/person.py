"""The person at the terminal."""

import getpass
import os
import pwd
import socket

LONGEST = 64
"""Signs, as a cycle is told by whom it was asked."""


def who() -> str:
    """For what is kept with a name: who pulled the kill switch, changed a setting, wrote something off.

    By the system's account. What LOGNAME and the like say in its place is a claim, and stands beside it.
    """
    account, claimed = _account(), _claimed()
    claim = "" if claimed in {None, account} else f" as {claimed}"
    return f"{account}@{socket.gethostname()}{claim}"[:LONGEST]


def _account() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container whose user has no name
        return str(os.getuid())


def _claimed() -> str | None:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None

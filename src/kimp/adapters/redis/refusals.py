"""What a Redis says when it answers and does not serve: the first word of its error, which holds no secret."""

import re
from urllib.parse import urlsplit

WORD = re.compile(r"[A-Z]{2,20}")
MEANINGS = {
    "OOM": "its memory is full and it may not evict; raise maxmemory, or set maxmemory-policy volatile-ttl",
    "MISCONF": "its snapshots fail, so it refuses writes; look at its disk and its log",
    "NOAUTH": "it wants a password; put user and password into the URL (that of `kimp up` is in its local.data_dir)",
    "WRONGPASS": "it knows no such user with this password; mend them in the URL",
    "NOPERM": "this user may not do what this process does; see deploy/redis/users.acl",
    "READONLY": "it is a replica, as after a failover; the connection is made anew",
    "LOADING": "it reads its data from disk; it serves when it is done",
    "MASTERDOWN": "it is a replica and its master is away",
    "NOREPLICAS": "it has lost its replicas and refuses writes",
    "CLUSTERDOWN": "it is a node of a cluster that is not whole; kimp wants one plain server",
    "MOVED": "it is a node of a cluster; kimp wants one plain server",
    "ERR": "it does not know what was asked, or not this way; kimp wants Redis 6.2 or later",
}
REFUSES_USER = frozenset({"NOAUTH", "WRONGPASS", "NOPERM"})
"""No waiting mends these: somebody must name another user, or give this one its rights."""
MOVED_AWAY = frozenset({"READONLY", "MASTERDOWN", "CLUSTERDOWN", "MOVED"})
"""As long as a connection stands it says so again, while the name may lead to another server by now."""


def word_of(error: BaseException) -> str | None:
    """The server's own word. None: it said nothing that is one."""
    reported = getattr(error, "status_code", None) or str(error).partition(" ")[0]
    return reported if isinstance(reported, str) and WORD.fullmatch(reported) else None


def describe_error(error: BaseException) -> str:
    """For people: the server's word and what it means, or the kind of the error; its text may tell a URL."""
    word = word_of(error)
    if word is None:
        return type(error).__name__
    return f"{word}: {MEANINGS[word]}" if word in MEANINGS else word


def without_password(url: str) -> str:
    """Where a server is, for messages."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "the URL"
    if parts.hostname is None and parts.scheme != "unix":
        return "the URL"  # with a slash missing, user and password pass for a path
    return f"{parts.scheme}://{parts.hostname or parts.path}{port}"

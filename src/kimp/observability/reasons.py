"""Kinds of reasons for waiting and parking: their texts name amounts and ids, which would make endless labels. Pure."""

import re

VENUE_CODE = re.compile(r"\[([A-Za-z0-9_ -]{1,40})\]\s*$")
"""`kimp.domain.errors.VenueError` ends with the venue's own code."""
WORDS = (
    ("a way home", "no_route"),
    ("kill switch", "kill_switch"),
    ("halted at level", "kill_switch"),
    ("wallet of", "wallet_closed"),
    ("has no answer", "withdrawal_unknown"),
    ("no answer, and", "withdrawal_unknown"),
    (" deposit on ", "deposit"),
    (" sends ", "withdrawal"),
    ("credited", "deposit"),
    ("stays here", "address"),
    ("allow-list", "address"),
    ("limiter", "limiter"),
    ("too late", "limiter"),
    ("expired before", "expired"),
    ("no price in", "no_price"),
    ("database", "database"),
    ("Redis", "redis"),
    ("timeout", "timeout"),
    ("timed out", "timeout"),
)
"""First match wins."""


def kind_of(reason: str | None) -> str:
    """The venue's code where there is one, else kimp's own word for it, else `other`."""
    if reason is None:
        return "other"
    code = VENUE_CODE.search(reason)
    if code is not None:
        return code.group(1)
    return next((kind for words, kind in WORDS if words in reason), "other")

"""How long whoever connects or publishes in a loop waits after a failure."""

import random

DOUBLINGS = 10


def pause_after(failures: int, *, first_s: float, longest_s: float) -> float:
    """Seconds: twice as long after each failure in a row, and spread, so that not all come back at the same instant.

    `failures`: before the one that is waited for now.
    """
    ceiling = min(longest_s, first_s * 2.0 ** min(failures, DOUBLINGS))
    return random.uniform(ceiling / 2, ceiling)  # noqa: S311 - no secret

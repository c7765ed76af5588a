"""Until when something may still leave, by the steady clock of the process that sends it.

An expiry is a time of the clock that set it, so only that one can tell how much of it is left: the database's for the
order that opens a cycle, Temporal's for whatever a workflow decides. A worker's own wall clock is asked for nothing.
"""

from temporalio import activity


def left_by_server_ms(expires_at_ms: int) -> int:
    """Milliseconds left of a workflow's expiry when this attempt was handed out, by Temporal's clock."""
    return expires_at_ms - int(activity.info().started_time.timestamp() * 1000)

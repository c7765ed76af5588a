"""Task queues: one per right that an activity needs."""

from enum import StrEnum


class TaskQueue(StrEnum):
    CYCLES = "kimp-cycles"
    """The workflow and its orders: trade keys, latency."""
    TRANSFERS = "kimp-transfers"
    """The only queue whose workers hold withdrawal keys."""
    OPS = "kimp-ops"
    """Database and reports."""

"""What the sweep asks and finds."""

from kimp.contracts.base import Message
from kimp.contracts.cycle import StrandedInput

SWEEP = "Sweep"
"""The workflow's type name, and the id of its schedule."""


class SweepQuery(Message):
    """Everything there is."""


class StrandedQuery(Message):
    """How is it with this cycle, which had no workflow a moment ago?"""

    cycle_id: str


class Unattended(Message):
    """What nobody looked after."""

    adopted: tuple[str, ...] = ()
    """Client ids of orders that surfaced after their fence."""
    cycle_ids: tuple[str, ...] = ()
    """Cycles without a workflow."""
    stranded: tuple[StrandedInput, ...] = ()
    """What their new ones begin with. One at a time: a message may hold 2 MiB."""


class Reconciled(Message):
    """What the venues hold and the ledger did not know; it is booked as external."""

    differences: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    """What could not be compared, as the venue's row of it can't be read."""


class SweepReport(Message):
    """What one sweep did."""

    adopted: tuple[str, ...]
    taken_over: tuple[str, ...]
    """Ids of cycles that have a workflow again."""
    left: tuple[str, ...] = ()
    """Ids of cycles that have none still; the next sweep tries again."""
    unexplained: tuple[str, ...] = ()
    """Differences between venues and ledger."""
    unknown: tuple[str, ...] = ()
    """Coins that could not be compared."""

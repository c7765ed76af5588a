"""Named points where a test may kill this process, as a power cut would, before or after a side effect.

Off unless `KIMP_CRASH_POINTS` names a folder. A file `<point>@<step>` in it is a charge: the process that reaches the
point and removes the file first kills itself with SIGKILL, so one charge is one kill, however many workers there are.
"""

import os
import signal
from pathlib import Path

ORDER_POINTS = ("order-asked", "order-journalled", "order-sent", "order-followed", "order-closed")
"""Before the journal, which also sets the cycle's cash aside; between journal and send; after the venue's answer; after
the last fill; after the outcome.
"""
PAIR_POINTS = ("pair-asked", "pair-journalled")
"""Before the journal, which also sets cash and coins aside; before either leaves. What follows is each order's own."""
WITHDRAWAL_POINTS = ("withdraw-asked", "withdraw-journalled", "withdraw-sent", "withdraw-claimed")
"""Before the journal; between journal and send; after the venue's answer; after its id is bound to the transfer."""
FOLLOW_POINTS = ("withdrawal-followed", "deposit-followed")
RECORD_POINTS = ("record-asked", "record-written")
"""Before and after row and entries; a last record also frees the cycle's cash."""
TAKEOVER_POINTS = ("takeover-asked", "takeover-written", "journal-read")
"""Before and after the row of a stranded cycle changes hands; after the run that has it now has read its journal."""
GIVE_UP_POINTS = ("give-up-asked", "given-up")
BREACH_POINTS = ("breach-found", "breach-halted")
SWEEP_POINTS = ("late-found", "late-adopted", "stranded-found")
RECONCILE_POINTS = ("difference-found", "difference-booked")
START_POINTS = ("start-asked", "start-answered")


def crash_point(point: str, step: str) -> None:
    """Die here if a charge lies ready. `step` tells steps of a cycle apart: `1B`, `HW`, a status."""
    folder = os.environ.get("KIMP_CRASH_POINTS")
    if folder is None:
        return
    try:
        (Path(folder) / f"{point}@{step}").unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)

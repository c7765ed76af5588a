"""How each kind of activity is called: queue, deadlines, retries. One table, so that a reader sees them side by side.

Attempts are few, so that a cycle that meets a closed door says so and waits (see workflows.steps); only the records,
which tell of it, are tried without end.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from kimp.contracts.base import Message
    from kimp.contracts.queues import TaskQueue

Argument = TypeVar("Argument", bound=Message)
Returned = TypeVar("Returned")

SOON = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=8), maximum_attempts=5)
ENDLESS = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=15))


LONGEST_SUMMARY = 200


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """Everything about a call but what it asks."""

    queue: TaskQueue
    deadline_s: int
    """Of one attempt; always longer than the HTTP deadlines inside it."""
    retry: RetryPolicy
    heartbeat_s: int | None = None
    within_s: int | None = None
    """Of all attempts, with what a venue asks for between them."""

    async def call(
        self, activity: Callable[[Any, Argument], Awaitable[Returned]], question: Argument, summary: str
    ) -> Returned:
        """Run the activity; `summary` is its line in the Web UI's timeline, where no more than a line is read."""
        return await workflow.execute_activity_method(
            activity,
            question,
            task_queue=self.queue,
            start_to_close_timeout=timedelta(seconds=self.deadline_s),
            heartbeat_timeout=None if self.heartbeat_s is None else timedelta(seconds=self.heartbeat_s),
            schedule_to_close_timeout=None if self.within_s is None else timedelta(seconds=self.within_s),
            retry_policy=self.retry,
            summary=summary[:LONGEST_SUMMARY],
        )


# An attempt is not cut off while it looks up a lost answer: 20 s of fence and 30 s of following fit in.
ORDER = CallPolicy(TaskQueue.CYCLES, deadline_s=75, heartbeat_s=10, retry=SOON)
MARKET = CallPolicy(TaskQueue.CYCLES, deadline_s=20, retry=SOON)
# While a leg is open: a book that does not come soon is done without, and the other venue's taken.
BOOK_NOW = CallPolicy(TaskQueue.CYCLES, deadline_s=5, within_s=5, retry=SOON)
# What a cycle that ends asks, and can do without: a ban of days does not hold its cash.
LAST_PRICE = CallPolicy(TaskQueue.CYCLES, deadline_s=20, within_s=120, retry=SOON)
# The activity looks for as long as it is told, half an hour at most.
ROUTES = CallPolicy(TaskQueue.CYCLES, deadline_s=1_900, heartbeat_s=20, retry=SOON)
PREPARE = CallPolicy(TaskQueue.TRANSFERS, deadline_s=30, retry=SOON)
# Longer than the look-up of a withdrawal whose answer was lost.
WITHDRAW = CallPolicy(TaskQueue.TRANSFERS, deadline_s=400, heartbeat_s=20, retry=SOON)
# A call asks once a second for a minute, and each question may take its full HTTP deadline.
FOLLOW = CallPolicy(TaskQueue.TRANSFERS, deadline_s=500, heartbeat_s=20, retry=SOON)
# A sweep that fails is no loss: the next one comes soon.
LOOK_AROUND = CallPolicy(TaskQueue.CYCLES, deadline_s=60, retry=SOON)
READ_JOURNAL = CallPolicy(TaskQueue.OPS, deadline_s=30, retry=ENDLESS)
RECORD = CallPolicy(TaskQueue.OPS, deadline_s=15, retry=ENDLESS)

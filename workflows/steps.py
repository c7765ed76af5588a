"""How a step ends other than well, and how it outlasts what passes."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError
from temporalio.exceptions import TimeoutError as AttemptTimeout

with workflow.unsafe.imports_passed_through():
    from kimp.contracts.base import Message
    from kimp.domain.errors import BadAmount, KeyRefused, NotFound, OutcomeUnknown, Postponed, Rejected, Unstorable
    from kimp.domain.reasons import Reason, ReasonKind

from workflows.policies import CallPolicy
from workflows.tracker import CycleTracker

Argument = TypeVar("Argument", bound=Message)
Returned = TypeVar("Returned")

LOOK_AGAIN = timedelta(seconds=30)
LOOK_AGAIN_AT_MOST = timedelta(minutes=30)
"""A look takes about 20 events: with one each half an hour the history continues as new after four days."""
FOR_A_PERSON = {OutcomeUnknown.__name__, BadAmount.__name__, Unstorable.__name__}
"""What no repetition and no other attempt can mend."""


class StepEnded(Exception):
    """A step came to no good end; why, in words and as a value."""

    def __init__(self, text: str, kind: str = ReasonKind.OTHER) -> None:
        super().__init__(text)
        self.reason = Reason(text, kind)


class StepFailed(StepEnded):
    """The step can't be done, for certain, and left nothing unknown: the cycle is undone."""


class TemporarilyRefused(StepFailed):
    """Refused for certain, for a cause that passes: a locked key, the kill switch."""


class NeedsPerson(StepEnded):
    """Only a person can tell what happened, or mend it: the cycle is parked."""


def fails(error: str, why: Reason) -> None:
    """A refusal ends the step: for questions and orders that may be repeated as they are."""
    if error in {Rejected.__name__, NotFound.__name__}:
        raise StepFailed(why.text, why.kind)


def spends_its_id(error: str, why: Reason) -> None:
    """Any refusal ends the attempt: for withdrawals, which are never asked for again under the same id."""
    fails(error, why)
    if error in {KeyRefused.__name__, Postponed.__name__}:
        raise TemporarilyRefused(why.text, why.kind)


def proves_nothing(error: str, why: Reason) -> None:
    """Even a "no such thing" is only a lack of news: for looking after what was sent."""


async def until_answered(
    tracker: CycleTracker,
    policy: CallPolicy,
    activity: Callable[[Any, Argument], Awaitable[Returned]],
    question: Argument,
    summary: str,
    refusal: Callable[[str, Reason], None] = fails,
) -> Returned:
    """Call until there is an answer.

    A venue or a database that stays away, a ban, a locked or expired key: the cycle waits, visibly, and asks again.
    `refusal` is told the type of each failure and why, and raises what ends the waiting. Raises NeedsPerson if the
    outcome can't be found out.
    """
    tracker.walked_through = False
    pause = LOOK_AGAIN
    waited = False
    while True:
        try:
            answer = await policy.call(activity, question, summary)
        except ActivityError as failure:
            if isinstance(failure.cause, CancelledError):
                raise asyncio.CancelledError from failure
            _judge(failure, refusal)
            pause = await look_again(tracker, _why(failure), pause)
            waited = True
        else:
            # What the caller waits for is for the caller to end: an answer may say that it is not there yet.
            if waited:
                await tracker.wait(None)
            return answer


async def look_again(tracker: CycleTracker, reason: Reason, pause: timedelta) -> timedelta:
    """Show the reason, sleep; the next pause is longer, so that hours of waiting stay a short history."""
    if reason.text == tracker.waiting_reason:
        pause = max(pause, tracker.least_pause)
    await tracker.wait(reason, pause)
    await tracker.control.sleep(pause, reason.text)
    return min(pause * 2, LOOK_AGAIN_AT_MOST)


def _judge(failure: ActivityError, refusal: Callable[[str, Reason], None]) -> None:
    cause = failure.cause
    if not isinstance(cause, ApplicationError) or cause.type is None:
        return
    why = _why(failure)
    if cause.type in FOR_A_PERSON and cause.non_retryable:
        raise NeedsPerson(why.text, why.kind) from failure
    refusal(cause.type, why)


def _why(failure: ActivityError) -> Reason:
    """The cause, not Temporal's wrapping of it."""
    cause = failure.cause
    kind = ReasonKind.TIMEOUT if isinstance(cause, AttemptTimeout) else ReasonKind.OTHER
    if isinstance(cause, ApplicationError) and cause.details:
        return Reason(str(cause), str(cause.details[0]))
    return Reason(str(cause or failure), kind)

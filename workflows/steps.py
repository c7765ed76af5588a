"""How a step ends other than well, and how it outlasts what passes."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError

with workflow.unsafe.imports_passed_through():
    from kimp.contracts.base import Message
    from kimp.domain.errors import BadAmount, KeyRefused, NotFound, OutcomeUnknown, Postponed, Rejected, Unstorable

from workflows.policies import CallPolicy
from workflows.story import CycleStory

Question = TypeVar("Question", bound=Message)
Answer = TypeVar("Answer")

LOOK_AGAIN = timedelta(seconds=30)
LOOK_AGAIN_AT_MOST = timedelta(minutes=30)
"""A look takes about 20 events: with one each half an hour the history continues as new after four days."""
FOR_A_PERSON = {OutcomeUnknown.__name__, BadAmount.__name__, Unstorable.__name__}
"""What no repetition and no other attempt can mend."""


class StepFailed(Exception):
    """The step can't be done, for certain, and left nothing unknown: the cycle is undone."""


class Barred(StepFailed):
    """Refused for certain, for a cause that passes: a locked key, the kill switch."""


class NeedsPerson(Exception):
    """Only a person can tell what happened, or mend it: the cycle is parked."""


def fails(kind: str, why: str) -> None:
    """A refusal ends the step: for questions and orders that may be repeated as they are."""
    if kind in {Rejected.__name__, NotFound.__name__}:
        raise StepFailed(why)


def spends_its_id(kind: str, why: str) -> None:
    """Any refusal ends the attempt: for withdrawals, which are never asked for again under the same id."""
    fails(kind, why)
    if kind in {KeyRefused.__name__, Postponed.__name__}:
        raise Barred(why)


def proves_nothing(kind: str, why: str) -> None:
    """Even a "no such thing" is only a lack of news: for looking after what was sent."""


async def answered(
    story: CycleStory,
    policy: CallPolicy,
    activity: Callable[[Any, Question], Awaitable[Answer]],
    question: Question,
    summary: str,
    refusal: Callable[[str, str], None] = fails,
) -> Answer:
    """Call until there is an answer.

    A venue or a database that stays away, a ban, a locked or expired key: the cycle waits, visibly, and asks again.
    `refusal` is told kind and text of each failure, and raises what ends the waiting. Raises NeedsPerson if the outcome
    can't be found out.
    """
    story.walked_through = False
    pause = LOOK_AGAIN
    waited = False
    while True:
        try:
            answer = await policy.call(activity, question, summary)
        except ActivityError as failure:
            if isinstance(failure.cause, CancelledError):
                raise asyncio.CancelledError from failure
            _judge(failure, refusal)
            pause = await look_again(story, _why(failure), pause)
            waited = True
        else:
            # What the caller waits for is for the caller to end: an answer may say that it is not there yet.
            if waited:
                await story.wait(None)
            return answer


async def look_again(story: CycleStory, reason: str, pause: timedelta) -> timedelta:
    """Show the reason, sleep; the next pause is longer, so that hours of waiting stay a short history."""
    if reason == story.waiting_reason:
        pause = max(pause, story.least_pause)
    await story.wait(reason, pause)
    await story.control.sleep(pause, reason)
    return min(pause * 2, LOOK_AGAIN_AT_MOST)


def _judge(failure: ActivityError, refusal: Callable[[str, str], None]) -> None:
    cause = failure.cause
    if not isinstance(cause, ApplicationError) or cause.type is None:
        return
    if cause.type in FOR_A_PERSON and cause.non_retryable:
        raise NeedsPerson(_why(failure)) from failure
    refusal(cause.type, _why(failure))


def _why(failure: ActivityError) -> str:
    """The cause, not Temporal's wrapping of it."""
    return str(failure.cause or failure)

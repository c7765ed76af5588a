"""Waiting inside an activity without holding up a deploy."""

import asyncio

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

BEAT_S = 5.0
"""Longest time without a heartbeat; every heartbeat time-out is longer."""


async def pause(seconds: float) -> None:
    """Sleep; if the worker is told to stop meanwhile, end this attempt, and the next one goes on elsewhere.

    Only between questions: an attempt that has just sent something is never ended here.
    """
    while seconds > BEAT_S:
        await _pause(BEAT_S)
        activity.heartbeat("waiting")
        seconds -= BEAT_S
    await _pause(seconds)


async def _pause(seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):  # wait_for may swallow a cancellation on Python 3.11
            await activity.wait_for_worker_shutdown()
    except TimeoutError:
        return
    raise ApplicationError("this worker stops; another goes on", category=ApplicationErrorCategory.BENIGN)

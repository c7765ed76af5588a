"""The one place where a venue's error becomes a Temporal failure."""

from datetime import timedelta
from typing import Any

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from kimp.domain.errors import BadAmount, KimpError, Rejected, Superseded, Unavailable, Unstorable, VenueError

FINAL = (Rejected, BadAmount, Unstorable, Superseded)
"""The same call would end the same way."""


class VenueFailures(Interceptor):
    """What is definite is final; everything else is retried, after the pause that the venue asked for."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK's name
        return _Translate(next)


class _Translate(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's name
        try:
            return await self.next.execute_activity(input)
        except KimpError as error:
            raise as_failure(error) from None


def as_failure(error: KimpError) -> ApplicationError:
    """`from None` at the caller: a chained library error may carry a signed URL into the history."""
    pause = error.retry_after if isinstance(error, Unavailable) else None
    return ApplicationError(
        str(error),
        error.kind,
        type=type(error).__name__,
        non_retryable=isinstance(error, FINAL),
        next_retry_delay=None if pause is None else timedelta(seconds=pause),
        category=ApplicationErrorCategory.BENIGN
        if isinstance(error, VenueError)
        else ApplicationErrorCategory.UNSPECIFIED,
    )

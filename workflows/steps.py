"""How a step fails for good."""

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from kimp.domain.errors import KeyRefused, NotFound, Rejected

_REFUSALS = {cls.__name__ for cls in (Rejected, KeyRefused, NotFound)}


class StepFailed(Exception):
    """A step can't go on by itself; the text tells the operator why. Caught by the cycle, which parks."""


def refused(failure: ActivityError) -> bool:
    """The venue, or kimp itself, said no before anything happened."""
    return isinstance(failure.cause, ApplicationError) and failure.cause.type in _REFUSALS


def why(failure: BaseException) -> str:
    """One line for the operator: the cause, not Temporal's wrapping of it."""
    return str(failure.cause or failure) if isinstance(failure, ActivityError) else str(failure)

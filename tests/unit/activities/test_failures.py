"""Which errors Temporal tries again, after which pause, and that no library error comes along."""

from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationErrorCategory

from activities.failures import VenueFailures, as_failure
from kimp.domain.errors import (
    LONGEST_PAUSE_S,
    BadAmount,
    BusUnavailable,
    KeyRefused,
    KimpError,
    NotFound,
    NotSent,
    OutcomeUnknown,
    Rejected,
    StoreUnavailable,
    Superseded,
    Unavailable,
    Unstorable,
)
from kimp.domain.reasons import ReasonKind


@pytest.mark.parametrize("kind", [Rejected, NotFound, KeyRefused, NotSent])
def test_a_definite_refusal_is_final(kind: type[Rejected]) -> None:
    failure = as_failure(kind("no", venue="upbit", code="E1"))
    assert failure.non_retryable
    assert failure.type == kind.__name__
    assert failure.message == "upbit: no [E1]"
    assert failure.category is ApplicationErrorCategory.BENIGN


@pytest.mark.parametrize("error", [BadAmount("'x' is no number"), Unstorable("19 decimals"), Superseded("a later run")])
def test_what_can_never_go_well_is_final(error: KimpError) -> None:
    failure = as_failure(error)
    assert failure.non_retryable
    assert failure.type == type(error).__name__


@pytest.mark.parametrize(
    "error", [Unavailable("busy", venue="upbit"), OutcomeUnknown("no answer", venue="upbit"), StoreUnavailable("away")]
)
def test_everything_else_is_tried_again(error: KimpError) -> None:
    failure = as_failure(error)
    assert not failure.non_retryable
    assert failure.type == type(error).__name__
    assert failure.next_retry_delay is None


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Unavailable("locked", venue="upbit", code="open_api_withdraw_locked"), "open_api_withdraw_locked"),
        (KeyRefused("XRP stays here", venue="upbit", code="address", kind=ReasonKind.ADDRESS), "address"),
        (NotSent("too late", venue="binance"), "limiter"),
        (Unavailable("busy", venue="upbit"), "other"),
        (StoreUnavailable("away"), "database"),
        (BusUnavailable("away"), "redis"),
    ],
)
def test_what_a_cycle_that_waits_for_it_is_counted_by_comes_along(error: KimpError, kind: str) -> None:
    assert as_failure(error).details == (kind,)


@pytest.mark.parametrize("seconds", [0, 7])
def test_the_pause_that_the_venue_asks_for_is_kept(seconds: int) -> None:
    failure = as_failure(Unavailable("banned", venue="binance", retry_after=seconds))
    assert failure.next_retry_delay == timedelta(seconds=seconds)


@pytest.mark.parametrize(("asked", "kept"), [(10**17, LONGEST_PAUSE_S), (LONGEST_PAUSE_S, LONGEST_PAUSE_S), (-5, 0)])
def test_a_pause_that_no_venue_means_is_none_that_no_clock_can_count(asked: int, kept: int) -> None:
    failure = as_failure(Unavailable("banned", venue="binance", retry_after=asked))
    assert failure.next_retry_delay == timedelta(seconds=kept)


def test_our_own_troubles_are_not_benign() -> None:
    """A venue says no every day; a database that is away must be seen."""
    assert as_failure(StoreUnavailable("away")).category is ApplicationErrorCategory.UNSPECIFIED


class Inner:
    """An activity that ends in an error, with a library's error behind it."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def init(self, outbound: object) -> None: ...

    async def execute_activity(self, input: object) -> object:  # noqa: A002 - the SDK's name
        raise self.error from ValueError("https://venue.example/?signature=secret")


async def test_no_chained_error_reaches_the_history() -> None:
    """A library's text may carry a signed URL."""
    chain = VenueFailures().intercept_activity(Inner(Unavailable("busy", venue="upbit")))  # type: ignore[arg-type]
    with pytest.raises(Exception, match="upbit: busy") as ended:
        await chain.execute_activity(object())  # type: ignore[arg-type]
    assert ended.value.__cause__ is None
    assert ended.value.__suppress_context__


async def test_errors_that_are_not_ours_pass_unchanged() -> None:
    chain = VenueFailures().intercept_activity(Inner(LookupError("bug")))  # type: ignore[arg-type]
    with pytest.raises(LookupError):
        await chain.execute_activity(object())  # type: ignore[arg-type]

"""How a step waits, and which failures end it: without a server, as none of it needs one."""

from datetime import timedelta
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from fakes.tracker import TrackerDouble
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    FailureError,
    RetryState,
    ServerError,
    TimeoutType,
)
from temporalio.exceptions import TimeoutError as AttemptTimeout

from kimp.domain.reasons import Reason, ReasonKind
from workflows.policies import MARKET
from workflows.steps import (
    LOOK_AGAIN,
    NeedsPerson,
    StepFailed,
    TemporarilyRefused,
    fails,
    look_again,
    proves_nothing,
    spends_its_id,
    until_answered,
)


async def test_pauses_double_up_to_half_an_hour(tracker: TrackerDouble) -> None:
    pause = LOOK_AGAIN
    for _ in range(9):
        pause = await look_again(tracker.tracker, Reason("closed", ReasonKind.WALLET_CLOSED), pause)
    assert [seconds for seconds, _ in tracker.slept] == [30, 60, 120, 240, 480, 960, 1_800, 1_800, 1_800]
    assert tracker.slept[0][1] == "closed"
    assert tracker.waits[0] == ("closed", ReasonKind.WALLET_CLOSED, 30)


async def test_who_waits_on_for_the_same_in_the_next_run_does_not_begin_with_short_pauses(
    tracker: TrackerDouble,
) -> None:
    tracker.waiting_reason, tracker.least_pause = "closed", timedelta(minutes=16)
    await look_again(tracker.tracker, Reason("closed", ReasonKind.WALLET_CLOSED), LOOK_AGAIN)
    await look_again(tracker.tracker, Reason("another", ReasonKind.WALLET_CLOSED), LOOK_AGAIN)
    assert [seconds for seconds, _ in tracker.slept] == [16 * 60, 30]


def failed(cause: BaseException | None) -> ActivityError:
    failure = ActivityError(
        "Activity task failed", scheduled_event_id=1, started_event_id=2, identity="w", activity_type="a",
        activity_id="1", retry_state=RetryState.NON_RETRYABLE_FAILURE,
    )  # fmt: skip
    failure.__cause__ = cause
    return failure


def reported(name: str | None, *details: str, final: bool = True) -> ApplicationError:
    return ApplicationError("why", *details, type=name, non_retryable=final)


async def after(tracker: TrackerDouble, monkeypatch: pytest.MonkeyPatch, refusal: Any, *failures: ActivityError) -> Any:
    """The answer that comes behind these failures."""
    call = AsyncMock(side_effect=[*failures, "answer"])
    monkeypatch.setattr(type(MARKET), "call", call)
    return await until_answered(tracker.tracker, MARKET, Mock(), Mock(), "a question", refusal)


WAITS = [
    (AttemptTimeout("too long", type=TimeoutType.START_TO_CLOSE, last_heartbeat_details=[]), ReasonKind.TIMEOUT),
    (ServerError("gone"), ReasonKind.OTHER),
    (FailureError("odd"), ReasonKind.OTHER),
    (None, ReasonKind.OTHER),
    (reported(None), ReasonKind.OTHER),
    (reported("Unavailable"), ReasonKind.OTHER),
    (reported("Unavailable", "venue"), "venue"),
    (reported("StoreUnavailable"), ReasonKind.OTHER),
    (reported("StillUnknown", "withdrawal_unknown"), "withdrawal_unknown"),
    (reported("OutcomeUnknown", final=False), ReasonKind.OTHER),
]


@pytest.mark.parametrize("refusal", [fails, spends_its_id, proves_nothing])
@pytest.mark.parametrize(("cause", "kind"), WAITS, ids=[f"{type(cause).__name__} {kind}" for cause, kind in WAITS])
async def test_what_passes_is_waited_for_visibly(
    tracker: TrackerDouble, monkeypatch: pytest.MonkeyPatch, refusal: Any, cause: BaseException | None, kind: str
) -> None:
    failure = failed(cause)
    assert await after(tracker, monkeypatch, refusal, failure, failure) == "answer"
    shown = str(cause if cause is not None else failure)
    assert tracker.waits == [(shown, kind, 30), (shown, kind, 60), (None, None, None)]
    assert not tracker.walked_through


async def test_who_was_answered_at_once_changes_nothing_of_what_is_waited_for(
    tracker: TrackerDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await after(tracker, monkeypatch, fails) == "answer"
    assert tracker.waits == []


ENDS = [
    ("Rejected", fails, StepFailed),
    ("NotFound", fails, StepFailed),
    ("Rejected", spends_its_id, StepFailed),
    ("NotFound", spends_its_id, StepFailed),
    ("KeyRefused", spends_its_id, TemporarilyRefused),
    ("Postponed", spends_its_id, TemporarilyRefused),
    ("KeyRefused", fails, None),
    ("Postponed", fails, None),
    *((name, proves_nothing, None) for name in ("Rejected", "NotFound", "KeyRefused", "Postponed")),
    *(
        (name, refusal, NeedsPerson)
        for name in ("OutcomeUnknown", "BadAmount", "Unstorable")
        for refusal in (fails, spends_its_id, proves_nothing)
    ),
]


@pytest.mark.parametrize(("name", "refusal", "end"), ENDS)
async def test_a_failure_ends_the_step_as_its_name_says_or_is_waited_for(
    tracker: TrackerDouble, monkeypatch: pytest.MonkeyPatch, name: str, refusal: Any, end: type[StepFailed] | None
) -> None:
    failure = failed(reported(name, "rejected"))
    if end is None:
        assert await after(tracker, monkeypatch, refusal, failure) == "answer"
        return
    with pytest.raises(end) as ended:
        await after(tracker, monkeypatch, refusal, failure)
    assert type(ended.value) is end
    assert ended.value.reason == Reason(f"{name}: why", "rejected")
    assert str(ended.value) == f"{name}: why"
    assert tracker.slept == []

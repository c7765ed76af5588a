"""How activities are called: to which workers, and for how long in relation to what they do inside."""

from datetime import timedelta
from unittest.mock import AsyncMock

import pytest

from activities.orders import FENCE_MS, FOLLOW_LIMIT_MS
from activities.pauses import BEAT_S
from activities.transfers import GIVE_UP_MS, POLL_S, POLLS_PER_CALL, TURNS
from kimp.adapters.venue.client import HTTP_TIMEOUT_MS
from workflows import policies
from workflows.policies import CallPolicy
from workflows.steps import LOOK_AGAIN_AT_MOST

ALL = {name: policy for name, policy in vars(policies).items() if isinstance(policy, CallPolicy)}
TABLE = {
    "ORDER": ("kimp-cycles", 75, 10, None, 5),
    "MARKET": ("kimp-cycles", 20, None, None, 5),
    "BOOK_NOW": ("kimp-cycles", 5, None, 5, 5),
    "LAST_PRICE": ("kimp-cycles", 20, None, 120, 5),
    "ROUTES": ("kimp-cycles", 1_900, 20, None, 5),
    "PREPARE": ("kimp-transfers", 30, None, None, 5),
    "WITHDRAW": ("kimp-transfers", 400, 20, None, 5),
    "FOLLOW": ("kimp-transfers", 500, 20, None, 5),
    "LOOK_AROUND": ("kimp-cycles", 60, None, None, 5),
    "READ_JOURNAL": ("kimp-ops", 30, None, None, 0),
    "RECORD": ("kimp-ops", 15, None, None, 0),
}
"""Queue, seconds of an attempt, between heartbeats, of all attempts; attempts, 0 for no end: runbooks rest on them."""


@pytest.mark.parametrize("name", TABLE)
async def test_each_kind_of_call_is_made_as_the_table_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    called = AsyncMock(return_value="answer")
    monkeypatch.setattr("temporalio.workflow.execute_activity_method", called)
    assert await ALL[name].call("activity", "question", "s" * 300) == "answer"  # type: ignore[arg-type,type-var]
    queue, deadline_s, heartbeat_s, within_s, attempts = TABLE[name]
    assert called.await_args is not None
    reported = called.await_args.kwargs
    assert called.await_args.args == ("activity", "question")
    assert reported["task_queue"] == queue
    assert reported["start_to_close_timeout"] == timedelta(seconds=deadline_s)
    assert reported["heartbeat_timeout"] == (heartbeat_s and timedelta(seconds=heartbeat_s))
    assert reported["schedule_to_close_timeout"] == (within_s and timedelta(seconds=within_s))
    assert reported["retry_policy"].maximum_attempts == attempts
    assert reported["retry_policy"].initial_interval == timedelta(seconds=1)
    assert reported["retry_policy"].maximum_interval == timedelta(seconds=8 if attempts else 15)
    assert reported["summary"] == "s" * 200


def test_no_kind_of_call_is_missing_in_the_table() -> None:
    assert ALL.keys() == TABLE.keys()


def test_an_attempt_is_not_cut_off_while_it_does_what_it_is_for() -> None:
    http_s = HTTP_TIMEOUT_MS / 1000
    assert policies.ORDER.deadline_s > (FENCE_MS + FOLLOW_LIMIT_MS) / 1000 + 3 * http_s
    assert policies.WITHDRAW.deadline_s > GIVE_UP_MS / 1000 + TURNS * POLL_S + 3 * http_s
    assert policies.FOLLOW.deadline_s > POLLS_PER_CALL * (POLL_S + http_s)
    assert policies.ROUTES.deadline_s > LOOK_AGAIN_AT_MOST.total_seconds() + 3 * http_s
    others = [policy for policy in ALL.values() if policy is not policies.BOOK_NOW]  # which is done without
    assert all(policy.deadline_s > 2 * http_s for policy in others)


def test_every_heartbeat_time_out_is_longer_than_what_lies_between_two() -> None:
    http_s = HTTP_TIMEOUT_MS / 1000
    between = max(BEAT_S, POLL_S + http_s)
    assert all(policy.heartbeat_s > between for policy in ALL.values() if policy.heartbeat_s is not None)

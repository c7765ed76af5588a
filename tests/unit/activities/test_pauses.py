"""Waiting inside an activity is seen by the server, however long it is."""

import pytest
from fakes.desk import Desk
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities import pauses
from activities.pauses import BEAT_S, pause


@pytest.mark.parametrize(
    ("seconds", "parts"),
    [(0.5, [0.5]), (BEAT_S, [5.0]), (BEAT_S + 0.5, [5.0, 0.5]), (17.0, [5.0, 5.0, 5.0, 2.0]), (10.0, [5.0, 5.0])],
)
async def test_a_long_pause_beats_more_often_than_any_heartbeat_time_out(
    seconds: float, parts: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def wait(part: float) -> None:
        waited.append(part)

    monkeypatch.setattr(pauses, "_pause", wait)
    desk = Desk()
    await desk.run(pause, seconds)
    assert waited == parts
    assert desk.beats == ["waiting"] * (len(parts) - 1)


async def test_a_pause_ends_where_the_worker_stops() -> None:
    environment = ActivityEnvironment()
    environment.worker_shutdown()
    with pytest.raises(ApplicationError, match="another goes on"):
        await environment.run(pause, 5.0)

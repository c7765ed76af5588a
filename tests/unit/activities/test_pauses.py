"""Waiting inside an activity is seen by the server, however long it is."""

from fakes.desk import Desk

from activities.pauses import BEAT_S, pause


async def test_a_long_pause_beats_more_often_than_any_heartbeat_time_out() -> None:
    desk = Desk()

    async def wait(seconds: float) -> None:
        await pause(seconds)

    await desk.run(wait, BEAT_S + 0.05)
    assert desk.beats == ["waiting"]
    await desk.run(wait, 0.05)
    assert desk.beats == ["waiting"]

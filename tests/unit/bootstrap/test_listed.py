"""What the venues list is followed as it changes, and a venue that does not tell changes nothing."""

import asyncio
import logging
from collections.abc import Sequence
from typing import cast

import pytest

from feeder.service import Feeder
from kimp.bootstrap import listed
from kimp.bootstrap.listed import ListedFeeder
from kimp.domain.discovery import Discovered
from kimp.domain.errors import Unavailable
from kimp.domain.money import USDT, Asset

XRP, SOL, NEW = Asset("XRP"), Asset("SOL"), Asset("NEW")
BOTH, THREE, ONE = (
    Discovered((SOL, XRP), {}),
    Discovered((NEW, SOL, XRP), {}),
    Discovered((XRP,), {SOL: "upbit: warning"}),
)


class Fed:
    """Stands in for a feeder, and notes with which coins one was made."""

    def __init__(self, *finds: Discovered | Unavailable, fails: bool = False) -> None:
        self.made: list[Sequence[Asset]] = []
        self.running = 0
        self._finds = list(finds)
        self._fails = fails
        self._exhausted = asyncio.Event()

    def make(self, coins: Sequence[Asset]) -> Feeder:
        self.made.append(coins)
        return cast("Feeder", self)

    async def run(self) -> None:
        if self._fails:
            raise RuntimeError("broken")
        self.running += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.running -= 1

    async def look(self) -> Discovered:
        if not self._finds:
            self._exhausted.set()
            await asyncio.Event().wait()
        find = self._finds.pop(0)
        if isinstance(find, Unavailable):
            raise find
        return find

    async def until_reported(self) -> ListedFeeder:
        feeder = ListedFeeder(self.look, BOTH, self.make)
        running = asyncio.create_task(feeder.run())
        try:
            await asyncio.wait_for(self._exhausted.wait(), 5)
            assert self.running == 1
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        assert self.running == 0
        return feeder


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed, "RELIST_S", 0.0)


async def test_a_new_coin_is_followed(caplog: pytest.LogCaptureFixture) -> None:
    fed = Fed(BOTH, THREE, THREE)
    with caplog.at_level(logging.WARNING):
        feeder = await fed.until_reported()
    assert fed.made == [(SOL, XRP, USDT), (NEW, SOL, XRP, USDT)]
    assert feeder.discovered == THREE
    assert caplog.messages == ["new on both venues: NEW"]


async def test_a_coin_that_is_flagged_is_left_with_the_reason(caplog: pytest.LogCaptureFixture) -> None:
    fed = Fed(ONE)
    with caplog.at_level(logging.WARNING):
        await fed.until_reported()
    assert fed.made[-1] == (XRP, USDT)
    assert caplog.messages == ["no longer followed: SOL (upbit: warning)"]


async def test_a_venue_that_does_not_tell_changes_nothing() -> None:
    fed = Fed(Unavailable("away", venue="upbit"), BOTH)
    feeder = await fed.until_reported()
    assert fed.made == [(SOL, XRP, USDT)]
    assert feeder.discovered == BOTH


async def test_a_feeder_that_ends_by_an_error_is_no_silent_feeder() -> None:
    fed = Fed(fails=True)
    with pytest.raises(RuntimeError, match="broken"):
        await asyncio.wait_for(ListedFeeder(fed.look, BOTH, fed.make).run(), 5)

"""The feeder with ports of its own: what fails is restarted, and never takes anything else down."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from decimal import Decimal

import pytest
from fakes.market import kimchi_quotes

from feeder import service
from feeder.service import Feeder
from kimp.contracts.cycle import MarketNow
from kimp.domain.market import Quote, VenueRules
from kimp.domain.money import USDT, Asset
from kimp.domain.usual_premiums import EVERY_MS, LEAST
from kimp.domain.venues import Venue
from kimp.ports.exchange import Balances, StreamUpdate

XRP = Asset("XRP")
NOW = 1_790_000_000_000


def quote(number: int, venue: Venue = Venue.UPBIT) -> Quote:
    return Quote(venue, XRP, Decimal(100 + number), Decimal(1), Decimal(101 + number), Decimal(1), NOW)


class StillClock:
    def now_ms(self) -> int:
        return NOW


class ScriptedStream:
    """Plays one script per connection; an exception in a script is raised there."""

    def __init__(self, venue: Venue, *scripts: Sequence[list[Quote] | Exception]) -> None:
        self.venue = venue
        self._scripts = list(scripts)

    async def updates(self, coins: Sequence[Asset]) -> AsyncIterator[StreamUpdate]:
        script = self._scripts.pop(0) if self._scripts else []
        for part in script:
            await asyncio.sleep(0)
            if isinstance(part, Exception):
                raise part
            yield StreamUpdate(part, 1)
        await asyncio.Event().wait()


class RecordingBus:
    def __init__(self) -> None:
        self.published: list[Quote] = []
        self.rules: list[VenueRules] = []
        self.last: list[Quote] = []
        self.usual: list[Mapping[Asset, Decimal]] = []
        self.down = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.calls = 0

    async def publish(self, quotes: Sequence[Quote]) -> None:
        self.calls += 1
        await self.gate.wait()
        if self.down:
            raise ConnectionError("no Redis")
        self.published.extend(quotes)

    async def publish_rules(self, rules: VenueRules) -> None:
        self.rules.append(rules)

    async def latest(self, coins: Sequence[Asset]) -> list[Quote]:
        return self.last

    async def publish_usual_premiums(self, premiums: Mapping[Asset, Decimal]) -> None:
        self.usual.append(premiums)

    async def usual_premiums(self) -> Mapping[Asset, Decimal]:
        return {}

    async def latest_rules(self) -> list[VenueRules]:
        return self.rules

    async def batches(self) -> AsyncIterator[bytes]:
        yield b""

    async def close(self) -> None: ...


class Rules:
    def __init__(self, venue: Venue, failures: int = 0) -> None:
        self.venue = venue
        self.failures = failures

    async def rules(self, coins: Sequence[Asset]) -> VenueRules:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("venue is away")
        return VenueRules(self.venue, NOW, (), ())

    async def market(self, coin: Asset) -> MarketNow:
        raise NotImplementedError

    async def tops(self, coins: Sequence[Asset]) -> dict[Asset, Quote]:
        raise NotImplementedError

    async def balances(self) -> Balances:
        raise NotImplementedError

    async def close(self) -> None: ...


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - any condition, so there is no event to wait for
            await asyncio.sleep(0.005)


class Running:
    """A feeder that runs for the length of a `with` block."""

    def __init__(self, feeder: Feeder) -> None:
        self.feeder = feeder

    async def __aenter__(self) -> Feeder:
        self._task = asyncio.create_task(self.feeder.run())
        return self.feeder

    async def __aexit__(self, *_: object) -> None:
        assert not self._task.done(), "the feeder must not end by itself"
        self._task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self._task
        assert len(asyncio.all_tasks()) == 1, "a cancelled feeder leaves no task behind"


def feeder(streams: Sequence[ScriptedStream], bus: RecordingBus, *rules: Rules) -> Feeder:
    return Feeder(streams, bus, {r.venue: r for r in rules}, (XRP, USDT), StillClock())


async def test_quotes_and_rules_reach_the_bus() -> None:
    bus = RecordingBus()
    streams = [ScriptedStream(Venue.UPBIT, [[quote(1)]]), ScriptedStream(Venue.BINANCE, [[quote(2, Venue.BINANCE)]])]
    async with Running(feeder(streams, bus, Rules(Venue.UPBIT), Rules(Venue.BINANCE))):
        await until(lambda: len(bus.published) == 2 and len(bus.rules) == 2)
    assert set(bus.published) == {quote(1), quote(2, Venue.BINANCE)}


async def test_a_crashed_stream_is_restarted_and_the_other_goes_on() -> None:
    bus = RecordingBus()
    broken = ScriptedStream(Venue.UPBIT, [[quote(1)], RuntimeError("boom")], [[quote(2)]])
    healthy = ScriptedStream(Venue.BINANCE, [[quote(3, Venue.BINANCE)]])
    async with Running(feeder([broken, healthy], bus)) as running:
        await until(lambda: {quote(2), quote(3, Venue.BINANCE)} <= set(bus.published))
        assert running.totals["failures"] == 1


async def test_bad_quotes_are_counted_and_not_published() -> None:
    bus = RecordingBus()
    crossed = quote(1)._replace(ask=Decimal(101))
    async with Running(feeder([ScriptedStream(Venue.UPBIT, [[crossed, quote(2)]])], bus)) as running:
        await until(lambda: bool(bus.published))
        assert running.totals["rejected"] == 1
    assert bus.published == [quote(2)]


async def test_while_the_bus_is_slow_only_the_newest_quote_waits() -> None:
    bus = RecordingBus()
    bus.gate.clear()
    script = [[quote(n % 20)] for n in range(50)]
    async with Running(feeder([ScriptedStream(Venue.UPBIT, script)], bus)) as running:
        await until(lambda: running.totals[Venue.UPBIT] == 50)
        bus.gate.set()
        await until(lambda: bool(bus.published) and bus.published[-1] == quote(9))
    assert len(bus.published) <= 2
    assert bus.calls <= 2


async def test_quotes_survive_a_bus_that_is_down() -> None:
    bus = RecordingBus()
    bus.down = True
    async with Running(feeder([ScriptedStream(Venue.UPBIT, [[quote(1)]])], bus)) as running:
        await until(lambda: running.totals["failures"] >= 2)
        bus.down = False
        await until(lambda: bus.published == [quote(1)])


async def test_rules_are_read_again_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "RULES_RETRY_S", 0.01)
    bus = RecordingBus()
    async with Running(feeder([], bus, Rules(Venue.UPBIT, failures=2))) as running:
        await until(lambda: bool(bus.rules))
        assert running.totals["failures"] == 2


async def test_usual_premiums_are_told_once_they_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "PREMIUMS_EVERY_S", 0.0)
    bus = RecordingBus()
    bus.last = kimchi_quotes()
    passing = PassingClock()
    made = Feeder([], bus, {}, (XRP, USDT), passing)
    async with Running(made):
        await until(lambda: bool(bus.usual))
    assert passing.ms - NOW >= (LEAST - 1) * EVERY_MS
    assert round(bus.usual[0][XRP], 4) == Decimal("0.0106")


class PassingClock:
    """A minute passes between two looks at it."""

    ms = NOW

    def now_ms(self) -> int:
        self.ms += 60_000
        return self.ms

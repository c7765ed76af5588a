"""The feeder: both venues' streams in, screened and newest-first, the tick bus out; and the venues' rules beside them.

Every part runs in a task of its own that is restarted when it fails, and never takes another down.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence

from feeder.pending import Pending
from feeder.screening import QuoteFilter
from feeder.standing import Standing
from feeder.watch import SilenceWatch
from kimp.backoff import pause_after
from kimp.domain.errors import BusUnavailable
from kimp.domain.market import Quote
from kimp.domain.money import Asset
from kimp.domain.usual_premiums import UsualPremiums
from kimp.domain.venues import PAIR, Venue
from kimp.observability import metrics
from kimp.ports.clock import Clock
from kimp.ports.exchange import TickStream
from kimp.ports.public import RuleSource
from kimp.ports.ticks import TickBus

RULES_EVERY_S = 30.0
RULES_RETRY_S = 5.0
PREMIUMS_EVERY_S = 60.0
"""Pause before it is asked whether it is time for a look."""
WATCH_EVERY_S = 1.0
SILENT_AFTER_MS = 30_000
STALE_MS = 10_000
"""A stream that gives no sign of life for longer makes the feeder unready."""
REPORT_EVERY_S = 10.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 10.0
HEALTHY_S = 30.0
"""A part that ran for so long starts anew with the shortest pause."""

log = logging.getLogger(__name__)


def _pause(failures: int) -> float:
    return pause_after(failures, first_s=FIRST_PAUSE_S, longest_s=LONGEST_PAUSE_S)


class Feeder:
    """Feeds until cancelled; failures are logged, counted and retried.

    Keeps what its tasks share: quotes that wait, what is believed, who was heard, figures since the last report.
    """

    def __init__(
        self,
        streams: Sequence[TickStream],
        bus: TickBus,
        sources: Mapping[Venue, RuleSource],
        coins: Sequence[Asset],
        clock: Clock,
    ) -> None:
        self._streams = streams
        self._bus = bus
        self._sources = sources
        self._coins = tuple(coins)
        self._clock = clock
        self._pending = Pending()
        self._screen = QuoteFilter()
        books = [(s.venue, coin) for s in streams for coin in self._coins if coin != s.venue.cash]
        self._watch = SilenceWatch(books, clock.now_ms(), SILENT_AFTER_MS)
        self._usual_premiums = UsualPremiums(PAIR)
        self.totals = Counter[str]()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for stream in self._streams:
                tasks.create_task(self._supervise(f"stream {stream.venue}", self._reading(stream)))
            for source in self._sources.values():
                tasks.create_task(self._supervise(f"rules {source.venue}", self._refreshing(source)))
            tasks.create_task(self._supervise("publisher", self._publish))
            tasks.create_task(self._supervise("premiums", self._remember_premiums))
            tasks.create_task(self._supervise("watch", self._watch_silence))
            tasks.create_task(self._supervise("report", self._report))

    async def stale(self) -> str | None:
        """Which venue is not heard of, for whoever asks whether this feeder feeds."""
        late = self._watch.dead_venues(self._clock.now_ms(), STALE_MS)
        return f"no sign of {' and '.join(late)} for {STALE_MS // 1000} s" if late else None

    async def _supervise(self, part: str, work: Callable[[], Awaitable[None]]) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            started = loop.time()
            try:
                await work()
                log.warning("feeder: %s ended, starting it again", part)
            except Exception:
                log.exception("feeder: %s failed, starting it again", part)
            failures = 0 if loop.time() - started > HEALTHY_S else failures + 1
            self._failed(part)
            await asyncio.sleep(_pause(failures))

    def _reading(self, stream: TickStream) -> Callable[[], Awaitable[None]]:
        venue = stream.venue
        label = {"venue": venue}

        async def read() -> None:
            standing = Standing()
            async for quotes, unbroken in stream.updates(self._coins):
                now_ms = self._clock.now_ms()
                metrics.ticks.add(len(quotes), label)
                self.totals[venue] += len(quotes)
                self._watch.live(venue, now_ms)
                self._watch.mark(quotes)
                standing.follow(unbroken)
                self._pending.put(self._believed(quotes, standing))
                self._pending.put(standing.renewed(now_ms))

        return read

    def _believed(self, quotes: Sequence[Quote], standing: Standing) -> list[Quote]:
        believed: list[Quote] = []
        for quote in quotes:
            reason = self._screen.reject(quote)
            if reason is None:
                believed.append(quote)
                standing.put(quote)
            else:
                standing.drop(quote.coin)
                self.totals["rejected"] += 1
                metrics.rejected.add(1, {"venue": quote.venue, "reason": reason.value})
        return believed

    async def _publish(self) -> None:
        failures = 0
        while True:
            quotes = await self._pending.take()
            try:
                await self._bus.publish(quotes)
            except Exception as problem:  # noqa: BLE001 - a bus that is down is waited for; newer quotes win meanwhile
                self._pending.put_back(quotes)
                self._failed("publisher")
                failures += 1
                log.warning("feeder: publication failed: %s: %s", type(problem).__name__, problem)
                await asyncio.sleep(_pause(failures))
                continue
            failures = 0
            self.totals["published"] += len(quotes)
            metrics.published.add(len(quotes))

    def _refreshing(self, source: RuleSource) -> Callable[[], Awaitable[None]]:
        async def refresh() -> None:
            pause = 0.0
            while True:
                await asyncio.sleep(pause)
                pause = await self._refresh(source)

        return refresh

    async def _refresh(self, source: RuleSource) -> float:
        """Read and publish one venue's rules; seconds until the next time."""
        try:
            await self._bus.publish_rules(await source.rules(self._coins))
        except Exception as problem:  # noqa: BLE001 - the venue or Redis: either may be back at the next try
            log.warning("feeder: rules of %s not refreshed: %s", source.venue, problem)
            self._failed(f"rules {source.venue}")
            return RULES_RETRY_S
        return RULES_EVERY_S

    async def _remember_premiums(self) -> None:
        """Of the last values, which are fresh or gone."""
        while True:
            await asyncio.sleep(PREMIUMS_EVERY_S)
            if not self._usual_premiums.due(now_ms := self._clock.now_ms()):
                continue
            try:
                self._usual_premiums.look(await self._bus.latest(self._coins), now_ms)
                if known := self._usual_premiums.known(now_ms):
                    await self._bus.publish_usual_premiums(known)
            except BusUnavailable as problem:
                log.warning("feeder: usual premiums are not told: %s", problem)
                self._failed("premiums")

    async def _watch_silence(self) -> None:
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            for venue, coin in self._watch.newly_silent(self._clock.now_ms()):
                log.warning("feeder: %s on %s is silent while %s talks", coin, venue, venue)
                metrics.silences.add(1, {"venue": venue})
                self.totals["silent"] += 1

    async def _report(self) -> None:
        seen = Counter[str]()
        while True:
            await asyncio.sleep(REPORT_EVERY_S)
            now = Counter(self.totals)
            since, seen = now - seen, now
            venues = [stream.venue for stream in self._streams]
            rates = ", ".join(f"{venue} {since[venue] / REPORT_EVERY_S:.0f}/s" for venue in venues)
            log.info(
                "feeder: %s, published %.0f/s, rejected %d, silent %d, failures %d",
                rates, since["published"] / REPORT_EVERY_S, since["rejected"], since["silent"], since["failures"],
            )  # fmt: skip

    def _failed(self, part: str) -> None:
        self.totals["failures"] += 1
        metrics.feeder_failures.add(1, {"part": part})

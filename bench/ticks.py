"""From a published tick to a decision, beside a bare Redis hop; and how many ticks a second one initiator takes."""

import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache

from fakes.caps import RICH, WIDE
from redis.asyncio import Redis

from bench.figures import Row, compare
from initiator.service import Initiator, InitiatorSettings
from kimp.adapters.clock import SystemClock
from kimp.adapters.redis.bus import RedisTickBus
from kimp.config import TradingSettings, VenueSettings
from kimp.contracts.cycle import CycleInput
from kimp.contracts.ticks import CHANNEL, encode_batch
from kimp.domain.admission import CoinState, HaltLevel
from kimp.domain.decision import Rules
from kimp.domain.market import Instrument, Network, Quote, TickBand, Turnover, VenueRules
from kimp.domain.money import USDT, Asset
from kimp.domain.venues import PAIR, Venue
from kimp.ports.controls import Stakes
from kimp.ports.starter import StartOutcome

COINS = [Asset(f"C{number}") for number in range(300)]
DEPTH = Decimal(1_000_000)
TICK = Decimal("0.0001")
STEPS = (5_000, 10_000, 20_000, 30_000, 40_000, 60_000)
STEP_S = 3.0
LAG_LIMIT_S = 0.25


class Stopwatch:
    """Starter, read model and controls at once: it only notes when a decision fell."""

    def __init__(self) -> None:
        self.decided: asyncio.Queue[float] = asyncio.Queue()

    async def start(self, cycle: CycleInput) -> StartOutcome:
        self.decided.put_nowait(time.perf_counter())
        return StartOutcome.STARTED

    async def coin_states(self) -> Mapping[Asset, CoinState]:
        return {}

    async def stakes(self) -> Stakes:
        return RICH

    async def halt_level(self) -> HaltLevel:
        return HaltLevel.RUN


def quote(venue: Venue, coin: Asset, price: str) -> Quote:
    """Of as many levels as kimp asks the venues for."""
    bid = Decimal(price)
    ask = bid + TICK
    return Quote(venue, coin, bid, DEPTH, ask, DEPTH, SystemClock().now_ms(), behind(bid, -TICK), behind(ask, TICK))


@cache
def behind(best: Decimal, step: Decimal) -> str:
    return " ".join(f"{best + step * n}:{DEPTH}" for n in range(1, VenueSettings.model_fields["levels"].default))


def rules(venue: Venue, traded: Sequence[Asset] = COINS) -> VenueRules:
    coins = [*traded, USDT]
    bands = (TickBand(Decimal(0), Decimal("0.0001")),)
    zero, one = Decimal(0), Decimal(1)
    instruments = [
        Instrument(venue, coin, bands, Decimal("0.01"), Decimal("0.01"), one, DEPTH * 1000, Decimal("0.0005"))
        for coin in coins
        if coin != venue.cash
    ]
    networks = [
        Network(
            venue, coin, coin, zero, one, Decimal("0.01"), withdraw_open=True, deposit_open=True, tag_required=False
        )
        for coin in coins
    ]
    turnovers = tuple(Turnover(venue, coin, DEPTH * 1_000_000) for coin in coins)
    return VenueRules(venue, SystemClock().now_ms(), tuple(instruments), tuple(networks), turnovers)


def quiet_market() -> list[Quote]:
    return [
        quote(Venue.UPBIT, USDT, "1400"),
        *(q for coin in COINS for q in (quote(Venue.UPBIT, coin, "1400"), quote(Venue.BINANCE, coin, "1"))),
    ]


class CountingInitiator(Initiator):
    """Counts what it has taken."""

    taken = 0

    def take(self, quotes: list[Quote]) -> None:
        super().take(quotes)
        self.taken += len(quotes)


def new_initiator(bus: RedisTickBus, watch: Stopwatch) -> CountingInitiator:
    trading = TradingSettings()
    settings = InitiatorSettings(
        pair=PAIR,
        coins=(*COINS, USDT),
        rules=Rules(trading.limits(), WIDE, cooldown_ms=0),
        policy=trading.policy(WIDE),
        start_within_ms=2_000,
        installation="k7m2p",
    )

    async def unchanged() -> InitiatorSettings:
        return settings

    return CountingInitiator(bus, watch, watch, watch, watch, SystemClock(), settings, unchanged)  # type: ignore[arg-type]  # a stopwatch


async def measure(redis_url: str) -> list[Row]:
    bus = RedisTickBus(redis_url)
    for venue in PAIR:
        await bus.publish_rules(rules(venue))
    await bus.publish(quiet_market())
    watch = Stopwatch()
    initiator = new_initiator(bus, watch)
    running = asyncio.create_task(initiator.run())
    try:
        await asyncio.sleep(1)
        rows = [await _latency(bus, watch, redis_url), await _sustained(initiator, redis_url)]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await bus.close()
    return rows


async def _latency(bus: RedisTickBus, watch: Stopwatch, redis_url: str) -> Row:
    """One coin after the other jumps by 3 %; after each, the same bytes cross Redis with nobody to decide."""
    ours: list[float] = []
    theirs: list[float] = []
    async with Redis.from_url(redis_url) as redis, redis.pubsub() as listener:
        await listener.subscribe("bench")
        await listener.get_message(timeout=1)
        for coin in COINS:
            await bus.publish([quote(Venue.UPBIT, USDT, "1400"), quote(Venue.BINANCE, coin, "1")])
            await asyncio.sleep(0.005)
            jump = [quote(Venue.UPBIT, coin, "1442")]
            begun = time.perf_counter()
            await redis.publish(CHANNEL, encode_batch(jump))
            ours.append(await asyncio.wait_for(watch.decided.get(), 5) - begun)
            begun = time.perf_counter()
            await redis.publish("bench", encode_batch(jump))
            while await listener.get_message(ignore_subscribe_messages=True, timeout=1) is None:
                pass
            theirs.append(time.perf_counter() - begun)
            await redis.publish(CHANNEL, encode_batch([quote(Venue.UPBIT, coin, "1400")]))
    return compare("tick published -> decision, against a bare Redis hop", ours, theirs, "<= 1.5")


async def _sustained(initiator: CountingInitiator, redis_url: str) -> Row:
    """The highest rate at which every tick of a step is taken before a quarter of a second is over."""
    best = 0
    for rate in STEPS:
        before = initiator.taken
        sender = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.sender", redis_url, str(rate), stdout=asyncio.subprocess.PIPE
        )
        message, _ = await sender.communicate()
        sent = int(message)
        await asyncio.sleep(LAG_LIMIT_S)
        if sent < rate * STEP_S * 0.95 or initiator.taken - before < sent:
            break
        best = rate
    return Row("ticks/s sustained by one initiator", f"{best:,}", "-", "-", ">= 20,000")

"""Somebody who may write to Redis what the feeder writes: prices that never were, and rules that can't be."""

import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

from chaos.harness.ground import Ground
from redis.asyncio import Redis
from redis.exceptions import RedisError

from kimp.adapters.redis.bus import last_key, rules_key
from kimp.bootstrap.parts import bus_url
from kimp.contracts.ticks import CHANNEL, decode_last_value, encode_batch
from kimp.domain.market import Quote
from kimp.domain.money import USDT, Asset
from kimp.domain.venues import PAIR, Venue

SCALES = ("0.4", "0.7", "1.5", "2", "100")
"""Of the real prices: each is far beyond the band that a first order is checked by."""
PREMIUM = Decimal("0.03")
AHEAD_MS = 1_500
"""Newer than what the feeder says meanwhile, and no further ahead than a clock may be."""
HOUR_MS = 3_600_000
LAST_MS, RULES_MS = 10_000, 120_000
DEEP = Decimal(10**9)
STEP = Decimal("0.0001")
NO_TIME = b"-1" + b"0" * 400
BAD_RULES: Sequence[tuple[str, str, str]] = (
    ("instruments", "lot", "0"),
    ("instruments", "lot", "NaN"),
    ("instruments", "min_notional", "-1E+400"),
    ("networks", "withdraw_step", "0"),
    ("networks", "withdraw_fee", "1E+999999"),
)
"""Table, field, value."""


class Forger:
    def __init__(self, ground: Ground, draw: random.Random) -> None:
        self._ground = ground
        self._draw = draw
        self.forged: Counter[str] = Counter()
        self._kinds: Mapping[str, Callable[[Redis], Awaitable[None]]] = {
            "prices": self._prices,
            "quotes of a time to come": self._future,
            "quotes of no time": self._no_time,
            "rules": self._rules,
        }

    @property
    def missing(self) -> list[str]:
        return [kind for kind in self._kinds if not self.forged[kind]]

    async def forge(self) -> None:
        """One of the kinds, those first that were not there yet. Nothing happens while Redis is away or empty."""
        kind = self._draw.choice(self.missing or list(self._kinds))
        with suppress(RedisError, ValueError):
            async with Redis.from_url(bus_url(self._ground.settings)) as redis:
                await self._kinds[kind](redis)
            self.forged[kind] += 1

    async def _prices(self, redis: Redis) -> None:
        """KRW-USDT and a coin scaled together: the premium stays in its band, and only the venues know better."""
        coin, scale = Asset(self._draw.choice(self._ground.coins)), Decimal(self._draw.choice(SCALES))
        abroad, rate = await _last(redis, Venue.BINANCE, coin), (await _last(redis, Venue.UPBIT, USDT)).ask / scale
        ask = (abroad.ask * scale).quantize(STEP)
        sign = self._draw.choice((1, -1))
        dear = (ask * rate * (1 + sign * PREMIUM)).quantize(STEP)
        now_ms = time.time_ns() // 1_000_000 + AHEAD_MS
        await _report(
            redis,
            [
                Quote(Venue.UPBIT, USDT, rate, DEEP, rate + STEP, DEEP, now_ms),
                Quote(Venue.BINANCE, coin, ask - STEP, DEEP, ask, DEEP, now_ms),
                Quote(Venue.UPBIT, coin, dear, DEEP, dear + STEP, DEEP, now_ms),
            ],
        )

    async def _future(self, redis: Redis) -> None:
        """Real prices, an hour ahead: believed, they would hide all that comes until then."""
        coin, venue = Asset(self._draw.choice(self._ground.coins)), self._draw.choice(tuple(PAIR))
        real = await _last(redis, venue, coin)
        await _report(redis, [real._replace(received_ms=real.received_ms + HOUR_MS)])

    async def _no_time(self, redis: Redis) -> None:
        """A number that no machine word holds, on the channel and as a last value."""
        coin, venue = Asset(self._draw.choice(self._ground.coins)), self._draw.choice(tuple(PAIR))
        real = await _last(redis, venue, coin)
        time_of_it = str(real.received_ms).encode()
        await redis.publish(CHANNEL, encode_batch([real]).replace(time_of_it, NO_TIME))
        await redis.set(last_key(venue, coin), encode_batch([real]).replace(time_of_it, NO_TIME), px=LAST_MS)

    async def _rules(self, redis: Redis) -> None:
        """Of one market or wallet; the feeder's next reading takes their place."""
        venue = self._draw.choice(tuple(PAIR))
        reported: dict[str, Any] = json.loads(await _value(redis, rules_key(venue)))
        table, field, value = self._draw.choice(BAD_RULES)
        self._draw.choice(reported["rules"][table])[field] = value
        await redis.set(rules_key(venue), json.dumps(reported), px=RULES_MS)


async def _value(redis: Redis, key: str) -> bytes:
    (found,) = [value for value in await redis.mget([key]) if isinstance(value, bytes)]
    return found


async def _last(redis: Redis, venue: Venue, coin: Asset) -> Quote:
    return decode_last_value(await _value(redis, last_key(venue, coin)))


async def _report(redis: Redis, quotes: Sequence[Quote]) -> None:
    """As the feeder does."""
    await redis.publish(CHANNEL, encode_batch(quotes))
    for quote in quotes:
        await redis.set(last_key(quote.venue, quote.coin), encode_batch([quote]), px=LAST_MS)

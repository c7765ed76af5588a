"""The tick bus over Redis: pub/sub for the quotes as they come, keys with a lifetime for whoever joins late."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from decimal import Decimal

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from kimp.adapters.cancellation import cancellation_kept
from kimp.adapters.redis.premiums import decode_premiums, encode_premiums
from kimp.adapters.redis.refusals import MOVED_AWAY, describe_error, without_password, word_of
from kimp.adapters.redis.rules import decode_rules, encode_rules
from kimp.backoff import pause_after
from kimp.contracts.ticks import CHANNEL, decode_last_value, encode_batch, encode_quote, message_of
from kimp.domain.errors import BadConfig, BadMessage, BusUnavailable
from kimp.domain.market import Quote, VenueRules
from kimp.domain.money import Asset
from kimp.domain.venues import PAIR, Venue
from kimp.observability import metrics

LAST_VALUE_MS = 10_000
"""Life of a symbol's last value: a silent symbol vanishes for late joiners. Decisions look at its age anyway."""
RULES_MS = 120_000
"""Four readings of the feeder: rules that nobody renews are not traded on."""
PREMIUMS_KEY = "kimp:last:usual_premiums"
PREMIUMS_MS = 3_600_000
"""For as long as a feeder that was started anew takes to know them by itself."""
PAUSES_KEY = "kimp:pauses"
CHECK_KEY = "kimp:last:check"
CHECK_MS = 1_000
TIMEOUT_S = 2.0
SILENCE_S = 3.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 5.0
LOST = (RedisError, OSError, TimeoutError)

log = logging.getLogger(__name__)


def last_key(venue: Venue, coin: Asset) -> str:
    return f"kimp:last:{venue}:{coin}"


def rules_key(venue: Venue) -> str:
    return f"kimp:rules:{venue}"


class RedisTickBus:
    """Implements the port `TickBus`. Connects on first use; publishing and reading raise BusUnavailable."""

    def __init__(self, url: str) -> None:
        self._place = without_password(url)
        try:
            # No time-outs of the library's own: on Python 3.11 the one on sending may swallow a cancellation.
            self._redis = Redis.from_url(url, socket_timeout=None, socket_connect_timeout=None)
            self._listening = Redis.from_url(url, socket_timeout=None, socket_connect_timeout=None)
        except (TypeError, ValueError):
            raise BadConfig(f"redis_url: {self._place} is no Redis URL; use redis://host:6379/0") from None
        self.counts = Counter[str]()
        self._refused: set[str] = set()
        self._not_kept: str | None = None
        """Why last values were refused at the last try."""

    async def publish(self, quotes: Sequence[Quote]) -> None:
        """Quotes that went out are published, also where their last values for late joiners were refused: that is
        counted, and told when it begins.
        """
        if not quotes:
            return
        rows = [(last_key(quote.venue, quote.coin), encode_quote(quote)) for quote in quotes]
        async with self._served():
            await self._publish([row for _, row in rows], dict(rows))

    async def _publish(self, rows: Sequence[bytes], newest: Mapping[str, bytes]) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.publish(CHANNEL, message_of(rows))
            for key, row in newest.items():
                pipe.set(key, message_of((row,)), px=LAST_VALUE_MS)
            published, *kept = await pipe.execute(raise_on_error=False)
        if isinstance(published, Exception):
            raise published
        self._note_kept(next((answer for answer in kept if isinstance(answer, Exception)), None))

    def _note_kept(self, refusal: Exception | None) -> None:
        if refusal is None:
            self._not_kept = None
            return
        if self._is_elsewhere(refusal):
            raise refusal
        reason = describe_error(refusal)
        self._count("not_kept", f"{self._place} keeps no last values: {reason}", aloud=reason != self._not_kept)
        self._not_kept = reason

    async def publish_rules(self, rules: VenueRules) -> None:
        async with self._served():
            await self._redis.set(rules_key(rules.venue), encode_rules(rules), px=RULES_MS)

    async def latest(self, coins: Sequence[Asset]) -> list[Quote]:
        keys = [last_key(venue, coin) for venue in PAIR for coin in coins]
        quotes: list[Quote] = []
        for data in await self._read(keys):
            try:
                quotes.append(decode_last_value(data))
            except BadMessage as problem:
                self._refuse("bad_last_value", str(problem))
        return quotes

    async def latest_rules(self) -> list[VenueRules]:
        readings: list[VenueRules] = []
        for data in await self._read([rules_key(venue) for venue in PAIR]):
            try:
                rules, refused = decode_rules(data)
            except BadMessage as problem:
                self._refuse("bad_rules", str(problem))
                continue
            readings.append(rules)
            for problem_of_one in refused:
                self._refuse("bad_rule", f"rules in Redis: {problem_of_one}; the coin is left out")
        return readings

    async def publish_usual_premiums(self, premiums: Mapping[Asset, Decimal]) -> None:
        async with self._served():
            await self._redis.set(PREMIUMS_KEY, encode_premiums(premiums), px=PREMIUMS_MS)

    async def usual_premiums(self) -> Mapping[Asset, Decimal]:
        for data in await self._read([PREMIUMS_KEY]):
            try:
                return decode_premiums(data)
            except BadMessage as problem:
                self._refuse("bad_premiums", str(problem))
        return {}

    async def _read(self, keys: Sequence[str]) -> list[bytes]:
        async with self._served():
            found = await self._redis.mget(keys) if keys else []
        return [data for data in found if isinstance(data, bytes)]

    async def publish_pause(self, place: str, seconds: float) -> None:
        """An end that others told, and that is later, stays."""
        async with self._served():
            await self._redis.zadd(PAUSES_KEY, {place: await self._now() + seconds}, gt=True)

    async def pause_left_s(self, place: str) -> float:
        async with self._served():
            end = await self._redis.zscore(PAUSES_KEY, place)
            return max(0.0, end - await self._now()) if end else 0.0

    async def _now(self) -> float:
        seconds, micros = await self._redis.time()
        return seconds + micros / 1e6

    async def batches(self) -> AsyncIterator[bytes]:
        failures = 0
        while True:
            try:
                async with self._listening.pubsub() as channel:
                    async with _within(TIMEOUT_S):
                        await channel.subscribe(CHANNEL)
                    async with aclosing(_messages(channel)) as messages:
                        async for data in messages:
                            failures = 0
                            yield data
            except LOST as gone:
                failures += 1
                self._count("reconnect", f"{self._place}: {describe_error(gone)}")
                await asyncio.sleep(pause_after(failures, first_s=FIRST_PAUSE_S, longest_s=LONGEST_PAUSE_S))

    async def check_publishing(self) -> None:
        """What a feeder does: an empty batch on the channel, and a value that lives for a moment. Raises
        BusUnavailable, as the two other checks do, without the password.
        """
        async with self._answering(), self._redis.pipeline(transaction=False) as pipe:
            pipe.publish(CHANNEL, encode_batch([]))
            pipe.set(CHECK_KEY, b"", px=CHECK_MS)
            for answer in await pipe.execute(raise_on_error=False):
                if isinstance(answer, Exception):
                    raise answer

    async def check_listening(self) -> None:
        """What an initiator does."""
        await self.check_reading()
        async with self._answering(), self._listening.pubsub() as channel:
            await channel.subscribe(CHANNEL)
            await channel.get_message(timeout=TIMEOUT_S)

    async def check_reading(self) -> None:
        """What a worker does."""
        async with self._answering():
            await self._redis.mget([rules_key(venue) for venue in PAIR])

    async def close(self) -> None:
        await self._redis.aclose()
        await self._listening.aclose()

    @asynccontextmanager
    async def _served(self) -> AsyncGenerator[None]:
        try:
            async with _within(TIMEOUT_S):
                yield
        except LOST as error:
            await self._reconnect_after(error)
            # The library's own text may tell the whole URL.
            raise BusUnavailable(
                f"no Redis serves at {self._place} ({describe_error(error)})", word_of(error)
            ) from None

    @asynccontextmanager
    async def _answering(self) -> AsyncGenerator[None]:
        """For checks: who reads it is to mend something."""
        try:
            async with _within(TIMEOUT_S):
                yield
        except LOST as error:
            await self._reconnect_after(error)
            word, reason = word_of(error), describe_error(error)
            reported = (
                f"Redis at {self._place} refuses: {reason}"
                if word
                else f"no Redis answers at {self._place} ({reason}); start one or mend the URL"
            )
            raise BusUnavailable(f"redis_url: {reported}", word) from None

    async def _reconnect_after(self, error: BaseException) -> None:
        """A server that is not the right one any more says so as long as its connections are used."""
        if self._is_elsewhere(error):
            await self._redis.connection_pool.disconnect()
            await self._listening.connection_pool.disconnect()

    def _is_elsewhere(self, error: BaseException) -> bool:
        return word_of(error) in MOVED_AWAY

    def _refuse(self, kind: str, detail: str) -> None:
        """Counted each time, told the first time: who can write one such message can write a thousand a second."""
        self._count(kind, detail, aloud=kind not in self._refused)
        self._refused.add(kind)

    def _count(self, kind: str, detail: str, *, aloud: bool = True) -> None:
        self.counts[kind] += 1
        metrics.bus_events.add(1, {"kind": kind})
        if aloud:
            log.warning("redis: %s: %s", kind, detail)


@asynccontextmanager
async def _within(seconds: float) -> AsyncGenerator[None]:
    """TimeoutError after so long; the library must not lose a cancellation that comes meanwhile."""
    with cancellation_kept():
        async with asyncio.timeout(seconds):
            yield


async def _messages(channel: PubSub) -> AsyncGenerator[bytes]:
    """Raises TimeoutError if the server answers no ping: a peer that is gone without a word looks like silence."""
    asked = False
    while True:
        # The outer limit is for a reconnection that the library may make by itself.
        async with _within(SILENCE_S + TIMEOUT_S):
            message = await channel.get_message(timeout=SILENCE_S)
        if message is None:
            if asked:
                raise TimeoutError("no answer to a ping")
            async with _within(TIMEOUT_S):
                await channel.ping()
            asked = True
            continue
        asked = False
        if message["type"] == "message":
            yield message["data"]

"""Prices out of a seeded generator. Draws are floats; they are put on the venues' ticks before anybody sees them."""

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal

from kimp.domain.market import Side
from kimp.domain.venues import Venue
from kimp.paper.coins import CoinConfig
from kimp.paper.config import SyntheticMarket
from kimp.paper.instruments import USDT, PaperInstrument
from kimp.paper.keeping import KeptPrices
from kimp.paper.market.premiums import RAMP_S, Episode, Premium
from kimp.paper.market.quantise import print_at, update_around
from kimp.paper.market.source import MarketUpdate

BATCH_S = 0.01
DAY_S = 86_400.0
FX_VOLATILITY_SHARE = 0.1
"""KRW-USDT moves so much less than a coin."""
HALF_SPREAD = {Venue.UPBIT: Decimal("0.00002"), Venue.BINANCE: Decimal("0.00002")}
TRADE_USDT = 300.0
"""Mean value of a stranger's trade."""
PRICE_DIGITS = 12


class _Coin:
    def __init__(self, config: CoinConfig, premium: Premium) -> None:
        self.name = config.name
        self.log_price = math.log(float(config.price_usdt))
        self.premium = premium
        self.last_premium = 0.0
        self.updated_s = 0.0


class SyntheticSource:
    """All coins share part of their moves; Upbit's price is Binance's, times KRW-USDT, times 1 + premium.

    `now_s` is the generator's own time: it passes evenly with the updates, so a seed gives the same prices
    whatever the load of the machine.
    """

    def __init__(
        self, config: SyntheticMarket, coins: Sequence[CoinConfig], instruments: Sequence[PaperInstrument]
    ) -> None:
        self._config = config
        self._draw = random.Random(config.seed)  # noqa: S311 # prices, not secrets
        self._instruments = {(i.venue, i.base): i for i in instruments}
        self._coins = {c.name: _Coin(c, Premium(config.premium_std, config.premium_reversion_s)) for c in coins}
        self._fx = math.log(float(config.krw_per_usdt))
        self._turns = [(venue, coin) for venue, coin in self._instruments]
        self._turn = 0
        self._now_s = 0.0
        self._common = 0.0
        self._next_episode_s = 0.0

    def opening(self) -> list[MarketUpdate]:
        return [self._update(venue, self._coins[coin]) for venue, coin in self._turns]

    def kept(self) -> KeptPrices:
        return KeptPrices(self._common, self._fx, {name: coin.log_price for name, coin in self._coins.items()})

    def restore(self, kept: KeptPrices) -> None:
        """Go on from the prices of before a restart; premiums begin anew."""
        self._common, self._fx = kept.common, kept.fx
        for name, log_price in kept.coins.items():
            if name in self._coins:
                self._coins[name].log_price = log_price

    def set_premium(self, coin: str, premium: Decimal, seconds: float) -> list[MarketUpdate]:
        """Force the coin's premium from now on, for so many seconds; the updates that show it."""
        chosen = self._coins[coin]
        chosen.premium.episode = Episode(float(premium), self._now_s, self._now_s + seconds, ramp_s=0.0)
        self._settle_premium(chosen)
        return [self._update(venue, chosen) for venue, name in self._turns if name == coin]

    async def updates(self) -> AsyncIterator[Sequence[MarketUpdate]]:
        started, made = time.monotonic(), 0
        # After a stall no more than one second's updates are made up for.
        while True:
            await asyncio.sleep(BATCH_S)
            passed = time.monotonic() - started
            if self._config.ticks_per_second == 0:
                yield self._end_episodes(passed)
                continue
            due = int(passed * self._config.ticks_per_second) - made
            made += due
            if due:
                yield self.advance(min(due, self._config.ticks_per_second))

    def advance(self, ticks: int) -> list[MarketUpdate]:
        """The next updates, one market after another."""
        return [self._tick() for _ in range(ticks)]

    def _tick(self) -> MarketUpdate:
        step_s = 1 / self._config.ticks_per_second
        self._now_s += step_s
        if self._turn == 0:
            self._draw.shuffle(self._turns)
            self._open_episode()
        venue, name = self._turns[self._turn]
        self._turn = (self._turn + 1) % len(self._turns)
        self._walk(step_s)
        coin = self._coins[name]
        self._move(coin)
        return self._with_print(self._update(venue, coin))

    def _end_episodes(self, now_s: float) -> list[MarketUpdate]:
        """In a market that moves only when a premium is set, time still closes them."""
        self._now_s = now_s
        ended = [c for c in self._coins.values() if c.premium.episode and now_s >= c.premium.episode.end_s]
        for coin in ended:
            self._settle_premium(coin)
        return [self._update(venue, coin) for coin in ended for venue, name in self._turns if name == coin.name]

    def _settle_premium(self, coin: _Coin) -> None:
        coin.last_premium = coin.premium.advance(self._draw, self._now_s, 0.0)

    def _walk(self, step_s: float) -> None:
        sigma = self._config.daily_volatility * math.sqrt(step_s / DAY_S)
        self._common += sigma * math.sqrt(self._config.correlation) * self._draw.gauss(0, 1)
        self._fx += sigma * FX_VOLATILITY_SHARE * self._draw.gauss(0, 1)

    def _move(self, coin: _Coin) -> None:
        elapsed_s = self._now_s - coin.updated_s
        coin.updated_s = self._now_s
        if coin.name != USDT:
            sigma = self._config.daily_volatility * math.sqrt(elapsed_s / DAY_S)
            coin.log_price += sigma * math.sqrt(1 - self._config.correlation) * self._draw.gauss(0, 1)
            coin.last_premium = coin.premium.advance(self._draw, self._now_s, elapsed_s)

    def _open_episode(self) -> None:
        every = self._config.episode_every_s
        if every <= 0 or self._now_s < self._next_episode_s:
            return
        self._next_episode_s = self._now_s + self._draw.expovariate(1 / every)
        calm = [c for c in self._coins.values() if c.premium.episode is None and c.name != USDT]
        if calm:
            size = self._draw.uniform(*self._config.episode_premium) * self._draw.choice((-1, 1))
            hold_s = self._draw.uniform(*self._config.episode_hold_s)
            self._draw.choice(calm).premium.episode = Episode(size, self._now_s, self._now_s + hold_s, RAMP_S)

    def _update(self, venue: Venue, coin: _Coin) -> MarketUpdate:
        price = 1.0 if coin.name == USDT else math.exp(coin.log_price + self._common)
        if venue is Venue.UPBIT:
            price *= math.exp(self._fx) * (1 + coin.last_premium)
        instrument = self._instruments[venue, coin.name]
        return update_around(instrument, Decimal(f"{price:.{PRICE_DIGITS}g}"), HALF_SPREAD[venue])

    def _with_print(self, update: MarketUpdate) -> MarketUpdate:
        instrument = self._instruments[update.venue, update.coin]
        coins = self._draw.expovariate(1.0) * TRADE_USDT / math.exp(self._coins[update.coin].log_price)
        quantity = Decimal(int(coins / float(instrument.book_lot)) + 1) * instrument.book_lot
        return print_at(update, self._draw.choice((Side.BUY, Side.SELL)), quantity)

"""Which cycles could pay at all, a day at a time in columns, so that exact decisions are made of few instants.

In floats, and so a bound that is never below what the exact decision finds: prices are those of the best levels or
better by a millionth of a tick, sizes, lots, network fees and all levels behind are left out, and what the bound must
reach is a billionth less than asked. What it rules out, no exact decision starts.
"""

from collections.abc import Iterable, Mapping

import polars as pl

from kimp.backtest.options import Options
from kimp.backtest.venue_rules import RuleBook
from kimp.domain.gates import Gate
from kimp.domain.market import TickBand
from kimp.domain.money import USDT, Asset
from kimp.domain.opportunity import ROUTES_PRICED, Mode
from kimp.domain.ticks import KRW_TICKS
from kimp.domain.venues import Pair

SLACK = 1e-9
"""Of a ratio; a float is right to some 1e-16 of itself, and a handful are multiplied."""
TICK_SLACK = 1e-6
"""Of a tick: prices have at most some 1e8 ticks."""
BAND_SLACK = 1e-6
COARSE = 0.02
"""Where a tick is more of a price, its middle price is too far off to tell anything certain."""
NEAR = 0.01
"""How far the middle of a made book may be from its price then."""


class CandidateFilter:
    """Adds to the rows of a tape what one leg can bring at best: `out`, won for a dollar; `home`, won of a dollar."""

    def __init__(self, options: Options, rules: RuleBook) -> None:
        pair, fees = options.pair, options.model.fees
        self._won_fee, self._dollar_fee = float(fees[pair.won]), float(fees[pair.dollars])
        self._half = float(options.model.shape.half_spread)
        limits = options.rules.limits
        self._alone = limits.mode is Mode.TRANSFER
        """Leg one must pay with USDT home, so no other way home makes a candidate."""
        self._most_tick = None if limits.most_tick is None else float(limits.most_tick)
        self._least = 1 + float(limits.threshold) - SLACK
        self._band = float(limits.premium_band) + BAND_SLACK
        self._pair = pair
        ticks = {
            coin: float(i.tick_bands[0].tick) for (venue, coin), i in rules.instruments.items() if venue is pair.dollars
        }
        self._ticks = pl.DataFrame(
            {"coin": list(ticks), "dollars_tick": list(ticks.values())},
            schema={"coin": pl.String, "dollars_tick": pl.Float64},
        )

    def bounds(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Columns `premium`, `out`, `home`, of each instant the best of either for a way back (`best_out`,
        `best_home`), and the gate that surely leaves the coin out (`left_out`).
        """
        frame = rows.join(self._ticks, on="coin", how="left", maintain_order="left").with_columns(
            won=pl.col("won_price").cast(pl.Float64), dollars=pl.col("dollars_price").cast(pl.Float64)
        )
        frame = frame.with_columns(rate=pl.col("won").filter(pl.col("coin") == USDT).first().over("at_ms"))
        frame = frame.with_columns(premium=pl.col("won") / (pl.col("dollars") * pl.col("rate")) - 1)
        frame = frame.with_columns(*self._tops(frame))
        cash = pl.col("coin") == USDT
        sale, buy = 1 - self._won_fee, 1 + self._won_fee
        bid, ask = pl.col("dollars_bid_f") * (1 - self._dollar_fee), pl.col("dollars_ask_f") / (1 - self._dollar_fee)
        out = pl.col("won_bid_f") * sale / pl.when(cash).then(1.0).otherwise(ask)
        home = pl.col("won_ask_f") * buy / pl.when(cash).then(1.0).otherwise(bid)
        frame = frame.with_columns(out=out, home=home, left_out=self._left_out())
        best = (pl.col("coin") == USDT) if self._alone else pl.col("left_out").is_null()
        return frame.with_columns(
            best_out=pl.col("out").filter(best).max().over("at_ms"),
            best_home=pl.col("home").filter(best).min().over("at_ms"),
        )

    def candidates(self, bounds: pl.DataFrame) -> pl.DataFrame:
        """`at_ms`, `coin`, `direction` and `bound` of each cycle that could pay."""
        found = edges(bounds.filter(pl.col("left_out").is_null()), self._pair)
        return found.filter(pl.col("bound") >= self._least - 1).sort("at_ms", "coin", "direction")

    def _tops(self, frame: pl.DataFrame) -> list[pl.Expr]:
        """Bids no lower and asks no higher than those of the books that are made of the same rows."""
        won_tick = _band_tick
        tops = []
        for side, tick_at in (("won", won_tick), ("dollars", lambda _: pl.col("dollars_tick"))):
            below, above = pl.col(side) * (1 - self._half), pl.col(side) * (1 + self._half)
            low, high = tick_at(below), tick_at(above)
            bid = pl.max_horizontal((below / low + TICK_SLACK).floor() * low, low)
            ask = (above / high - TICK_SLACK).ceil() * high
            if f"{side}_bid" in frame.columns:
                bid = pl.coalesce(pl.col(f"{side}_bid").cast(pl.Float64), bid)
                ask = pl.coalesce(pl.col(f"{side}_ask").cast(pl.Float64), ask)
            tops += [bid.alias(f"{side}_bid_f"), ask.alias(f"{side}_ask_f")]
        return tops

    def _left_out(self) -> pl.Expr:
        """Surely: the middle of a made book is at most a tick from its price, and a premium moves by as much."""
        rate, premium = pl.col("rate"), pl.col("premium")
        won_tick = _band_tick(pl.col("won")) / pl.col("won")
        dollars_tick = pl.col("dollars_tick") / pl.col("dollars")
        ticks = won_tick + dollars_tick + _band_tick(rate) / rate
        beyond = premium.abs() > self._band + 3 * ticks * (1 + premium.abs())
        certain = (ticks < COARSE) & (pl.col("coin") != USDT)
        left_out = pl.when(certain & beyond).then(pl.lit(str(Gate.PREMIUM_BAND)))
        if self._most_tick is None:
            return left_out
        finest = pl.min_horizontal(*(_band_tick(pl.col("won") * (1 + off)) for off in (-NEAR, NEAR)))
        steps = pl.max_horizontal(finest / pl.col("won"), dollars_tick) / (1 + NEAR)
        return left_out.when(certain & (steps > self._most_tick)).then(pl.lit(str(Gate.COARSE_TICK)))


def edges(bounds: pl.DataFrame, pair: Pair) -> pl.DataFrame:
    """`at_ms`, `coin`, `direction` and `bound`, what a cycle would bring at best, of each coin either way."""
    into_won, into_dollars = pair.directions
    ways = {into_won: pl.col("out") / pl.col("best_home"), into_dollars: pl.col("best_out") / pl.col("home")}
    coins = bounds.filter(pl.col("coin") != USDT)
    return pl.concat(
        [coins.select("at_ms", "coin", direction=pl.lit(str(way)), bound=bound - 1) for way, bound in ways.items()]
    )


def _band_tick(price: pl.Expr) -> pl.Expr:
    """The tick of a price in won."""
    bands: tuple[TickBand, ...] = KRW_TICKS
    return pl.coalesce(
        *(pl.when(price >= float(band.from_price)).then(pl.lit(float(band.tick))) for band in bands),
        pl.lit(float(bands[-1].tick)),
    )


def likeliest(rates: Mapping[str, tuple[float, float]], into_won: bool, coins: Iterable[Asset]) -> list[Asset]:  # noqa: FBT001 - one of two ways
    """The ways that bring most before network fees and depth, best first, USDT among them: those that an initiator
    prices too. `rates`: out and home of each coin.
    """
    ranked = sorted(
        ((-rates[coin][0] if into_won else rates[coin][1]), coin) for coin in coins if coin in rates and coin != USDT
    )
    return [*(coin for _, coin in ranked[:ROUTES_PRICED]), USDT]

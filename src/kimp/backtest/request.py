"""What somebody asks of a backtest, on the settings in force."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from kimp.backtest.kinds import BadData
from kimp.backtest.options import Closure, Home, Model, Options, with_room
from kimp.backtest.sweep import SWEPT
from kimp.config import Settings
from kimp.domain.caps import ORDER_CEILING_KRW
from kimp.domain.errors import BadAmount, BadInput
from kimp.domain.money import ZERO, Asset, decimal
from kimp.domain.opportunity import Mode
from kimp.domain.venues import Venue

MAX_AGE_MS = 5_000
"""Recorded prices of the two venues are seconds apart where streams are milliseconds apart."""
CASH_OF_CYCLES = 5
"""On each venue, if nothing is said: as much as so many cycles start with."""
EVERY = "all"
RATIO = "; 0.01 is one percent"
MOST_KRW = Decimal("1E+15")
RANGES: Mapping[str, tuple[Decimal, Decimal]] = {
    "threshold": (ZERO, Decimal("0.2")),
    "notional": (Decimal(5_000), ORDER_CEILING_KRW),
    "cash": (Decimal(5_000), MOST_KRW),
    "half-spread": (ZERO, Decimal("0.05")),
    "band": (Decimal("0.005"), Decimal("0.5")),
    "tick_share": (Decimal("0.01"), Decimal(100)),
    "turnover": (ZERO, MOST_KRW),
}
"""As the settings of these names have them: beyond, there are only slips."""


@dataclass(frozen=True, slots=True)
class BacktestRequest:
    """As it stands on the command line; None: as the settings say, or all there is."""

    mode: Mode = Mode.TRANSFER
    coins: str | None = None
    first: date | None = None
    last: date | None = None
    threshold: Decimal | None = None
    notional_krw: Decimal | None = None
    cash_krw: Decimal | None = None
    half_spread: Decimal | None = None
    latency_ms: int | None = None
    max_age_ms: int = MAX_AGE_MS
    seed: int = 1
    stand_in: bool = False
    closures: Path | None = None


def options_of(settings: Settings, asked: BacktestRequest) -> Options:
    """Raises BadInput."""
    if asked.first is not None and asked.last is not None and asked.last < asked.first:
        raise BadInput(f"--to {asked.last} is before --from {asked.first}")
    trading, rules = settings.trading, settings.rules()
    notional = asked.notional_krw or trading.notional_krw
    limits = replace(
        rules.limits,
        mode=asked.mode,
        threshold=trading.threshold if asked.threshold is None else asked.threshold,
        notional_krw=notional,
        max_quote_age_ms=asked.max_age_ms,
    )
    model = Model(stand_in=asked.stand_in)
    if asked.half_spread is not None:
        model = replace(model, shape=replace(model.shape, half_spread=asked.half_spread))
    if asked.latency_ms is not None:
        model = replace(model, latency_ms=asked.latency_ms)
    return Options(
        rules=replace(rules, limits=limits, caps=with_room(rules.caps, notional)),
        home=Home(
            trading.rebalance_floor,
            trading.rebalance_loss_limit,
            trading.rebalance_deadline_s * 1000,
            trading.rebalance_poll_s * 1000,
        ),
        cash_krw=asked.cash_krw or CASH_OF_CYCLES * notional,
        coins=_coins(asked.coins, trading.coins),
        first=asked.first,
        last=asked.last,
        seed=asked.seed,
        model=model,
        closures=() if asked.closures is None else closures_of(asked.closures),
    )


def _coins(chosen: str | None, configured: Sequence[str]) -> tuple[Asset, ...] | None:
    if chosen is None:
        return tuple(Asset(coin) for coin in configured)
    if chosen.lower() == EVERY:
        return None
    coins = tuple(Asset(coin.strip().upper()) for coin in chosen.split(",") if coin.strip())
    if not coins:
        raise BadInput(f"--coins names no coin; write XRP,SOL or {EVERY}")
    return coins


def option_value(name: str, text: str) -> Decimal:
    """An option's. Raises BadInput with its name for what is none, and for what can only be a slip."""
    least, most = RANGES[name]
    try:
        value = decimal(text)
    except BadAmount as error:
        raise BadInput(f"{name}: {error}") from None
    if not least <= value <= most:
        raise BadInput(f"{name} {text}: it is between {least:f} and {most:f}" + (RATIO if most < 1 else ""))
    return value


def swept(pairs: Sequence[str]) -> Mapping[str, Sequence[Decimal]]:
    """`threshold=0.002,0.004` and the like. Raises BadInput."""
    values: dict[str, list[Decimal]] = {}
    for pair in pairs:
        name, _, texts = pair.partition("=")
        if name not in SWEPT or not texts:
            raise BadInput(f"--sweep {pair}: write NAME=VALUE,VALUE,...; a name is one of {', '.join(SWEPT)}")
        values[name] = [option_value(name, text.strip()) for text in texts.split(",")]
    return values


def closures_of(path: Path) -> list[Closure]:
    """Columns venue, coin, from_utc, until_utc. Raises BadData."""
    try:
        table = pl.read_csv(path, infer_schema=False).select(
            "venue",
            "coin",
            pl.col("from_utc").str.to_datetime(time_unit="ms", time_zone="UTC").cast(pl.Int64),
            pl.col("until_utc").str.to_datetime(time_unit="ms", time_zone="UTC").cast(pl.Int64),
        )
        return [Closure(Venue(venue), Asset(coin), *times) for venue, coin, *times in table.iter_rows()]
    except (OSError, PolarsError, ValueError) as error:
        line = (str(error).splitlines() or [""])[0][:200]
        raise BadData(
            f"{path}: is no table of closed wallets ({line}); its columns are venue, coin, from_utc, until_utc, with"
            " times as 2025-09-01T00:00:00"
        ) from None

"""Books made around last prices, where no books were recorded: modelled, and told as modelled."""

from decimal import Decimal

from kimp.backtest.options import Model
from kimp.domain.depth import Level, written
from kimp.domain.market import Instrument, Quote
from kimp.domain.money import ONE, ZERO, exact, round_down, round_up

SIZE = Decimal("1e-8")


@exact
def around(instrument: Instrument, price: Decimal, level_cash: Decimal, at_ms: int, model: Model) -> Quote:
    """Bid and ask on the venue's ticks with the last price between them, and as many levels behind as `model` says.

    `level_cash`: what each level is worth, in the venue's cash.
    """
    bid, ask = best(instrument, price, model.half_spread)
    step = model.level_step * price
    bids = [_level(bid if not n else _down(instrument, bid - n * step), level_cash) for n in range(model.levels)]
    asks = [_level(ask if not n else _up(instrument, ask + n * step), level_cash) for n in range(model.levels)]
    bids = [level for level in bids if level.price > ZERO]
    return Quote(
        instrument.venue,
        instrument.coin,
        bid,
        bids[0].size,
        ask,
        asks[0].size,
        at_ms,
        written(_distinct(bids)[1:]),
        written(_distinct(asks)[1:]),
    )


@exact
def best(instrument: Instrument, price: Decimal, half_spread: Decimal) -> tuple[Decimal, Decimal]:
    """On ticks, at least one apart, `half_spread` or more from the price."""
    bid = _down(instrument, price * (ONE - half_spread))
    ask = _up(instrument, price * (ONE + half_spread))
    if ask <= bid:
        ask = bid + instrument.tick(bid)
    if bid <= ZERO:
        bid = instrument.tick(price)
        ask = bid + instrument.tick(bid)
    return bid, ask


def _down(instrument: Instrument, price: Decimal) -> Decimal:
    return round_down(price, instrument.tick(price))


def _up(instrument: Instrument, price: Decimal) -> Decimal:
    return round_up(price, instrument.tick(price))


def _level(price: Decimal, cash: Decimal) -> Level:
    size = round_down(cash / price, SIZE) if price > ZERO else ZERO
    return Level(price, size)


def _distinct(levels: list[Level]) -> list[Level]:
    """One level a price: where a tick is more than a step, several fall together, and carry as much as all of them."""
    merged: dict[Decimal, Decimal] = {}
    for level in levels:
        merged[level.price] = merged.get(level.price, ZERO) + level.size
    return [Level(price, size) for price, size in merged.items()]

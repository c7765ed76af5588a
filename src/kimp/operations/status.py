"""What kimp has earned, what it is doing, and where the money lies: one look at the whole."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from kimp.contracts.status import CycleStatus
from kimp.domain.compensation import Position, positions
from kimp.domain.ledger import Held, Holder, holdings, is_held
from kimp.domain.money import CONTEXT, ONE, USDT, ZERO, Asset, exact
from kimp.domain.premium import mid
from kimp.domain.venues import PAIR, Direction
from kimp.domain.wording import money
from kimp.operations.market import last_quotes
from kimp.operations.presence import Running, running
from kimp.ports.clock import Clock
from kimp.ports.controls import Halt
from kimp.ports.database import Database
from kimp.ports.read_model import CycleRow, EndedCycle
from kimp.ports.ticks import TickBus

SEOUL = ZoneInfo("Asia/Seoul")
"""A day begins at midnight where the won is earned."""
MANY = 1_000


@dataclass(frozen=True, slots=True)
class Earned:
    """By the cycles that ended within a time, completed or undone."""

    cycles: int
    losing: int
    profit_krw: Decimal


@dataclass(frozen=True, slots=True)
class Holding:
    account: str
    """A venue, or what is in transit."""
    asset: Asset
    amount: Decimal
    worth_krw: Decimal | None
    """By Upbit's bids; None while a price is missing."""


@dataclass(frozen=True, slots=True)
class Status:
    running: Running
    """Who works on the cycles."""
    under_way: Sequence[str]
    """What unfinished cycles hold that is not cash at home, e.g. `9.865 SOL in transit`."""
    halt: Halt | None
    """None: nobody has ever set the kill switch, so kimp trades."""
    today: Earned
    week: Earned
    total: Earned
    by_coin: Mapping[Asset, Earned]
    """Of all time."""
    open: Sequence[CycleRow]
    waiting: Sequence[CycleRow]
    parked: Sequence[CycleRow]
    holdings: Sequence[Holding]
    worth_krw: Decimal | None
    """Of all holdings; None while a price is missing."""


async def status(database: Database, bus: TickBus, coins: Sequence[Asset], clock: Clock) -> Status:
    results = await database.read_model.results()
    unfinished = await database.read_model.cycles(limit=MANY, unfinished=True)
    parked = [row for row in unfinished if row.status is CycleStatus.DEAD_LETTER]
    waiting = [row for row in unfinished if row.waiting_reason is not None and row not in parked]
    holdings = _holdings(await database.ledger.balances(), await _prices(bus, coins))
    worths = [holding.worth_krw for holding in holdings]
    midnight = datetime.fromtimestamp(clock.now_ms() / 1000, SEOUL).replace(hour=0, minute=0, second=0, microsecond=0)
    return Status(
        running=running(await database.presence.seen()),
        under_way=await held_under_way(database, unfinished),
        halt=await database.controls.halt_in_force(),
        today=_earned(results, midnight),
        week=_earned(results, midnight - timedelta(days=6)),
        total=_earned(results),
        by_coin={coin: _earned(r for r in results if r.coin == coin) for coin in sorted({r.coin for r in results})},
        open=[row for row in unfinished if row not in waiting and row not in parked],
        waiting=waiting,
        parked=parked,
        holdings=holdings,
        worth_krw=None if None in worths else sum((w for w in worths if w is not None), ZERO),
    )


async def held_under_way(database: Database, rows: Iterable[CycleRow]) -> list[str]:
    """What these cycles hold that is not cash at home, in all."""
    sums: dict[tuple[Holder, Asset], Decimal] = {}
    for row in rows:
        held = holdings(await database.ledger.entries(row.cycle_id))
        for position in positions(held, Direction(row.direction).source):
            place = position.account, position.asset
            sums[place] = CONTEXT.add(sums.get(place, ZERO), position.amount)
    held_there = [Position(account, asset, amount) for (account, asset), amount in sums.items()]
    return [f"{money(held.amount, held.asset)} {held.place}" for held in held_there]


def _earned(results: Iterable[EndedCycle], since: datetime | None = None) -> Earned:
    since_ms = 0 if since is None else int(since.timestamp() * 1000)
    profits = [result.profit_krw for result in results if result.closed_ms >= since_ms]
    return Earned(len(profits), sum(profit < 0 for profit in profits), sum(profits, ZERO))


@exact
def _holdings(balances: Held, prices: Mapping[Asset, Decimal]) -> list[Holding]:
    return [
        Holding(account, asset, amount, amount * prices[asset] if asset in prices else None)
        for (account, asset), amount in sorted(balances.items())
        if is_held(account)
    ]


async def _prices(bus: TickBus, coins: Sequence[Asset]) -> Mapping[Asset, Decimal]:
    """In won."""
    quotes = await last_quotes(bus, coins)
    here = {coin: quote for (venue, coin), quote in quotes.items() if venue is PAIR.won}
    prices = {coin: mid(quote) if coin == USDT else quote.bid for coin, quote in here.items()}
    return {PAIR.won.cash: ONE, **prices}

"""What a cycle earned is what returned less what was spent, and what it left elsewhere: nothing is left unsaid."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from kimp.domain.ledger import Account, Entry, Posting
from kimp.domain.money import KRW, USDT, Asset
from kimp.domain.venues import Direction, Venue
from kimp.operations.cycles import kept_elsewhere

XRP = Asset("XRP")


def entry(name: str, *postings: tuple[Any, Asset, int]) -> Entry:
    return Entry(name, "XRP-1", tuple(Posting(where, asset, Decimal(amount)) for where, asset, amount in postings))


ENTRIES = [
    entry(
        "buy", (Venue.UPBIT, XRP, 10), (Account.MARKET, XRP, -10), (Venue.UPBIT, KRW, -900), (Account.MARKET, KRW, 900)
    ),
    entry("send", (Venue.UPBIT, XRP, -9), (Venue.BINANCE, XRP, 9)),
    entry(
        "sell", (Venue.BINANCE, XRP, -9), (Account.MARKET, XRP, 9), (Venue.BINANCE, USDT, 7), (Account.MARKET, USDT, -7)
    ),
    entry(
        "home",
        (Venue.BINANCE, USDT, -5),
        (Account.MARKET, USDT, 5),
        (Venue.UPBIT, KRW, 950),
        (Account.MARKET, KRW, -950),
    ),
]


@pytest.mark.parametrize(
    ("direction", "home", "left"),
    [
        (Direction.TO_BINANCE, KRW, {(Venue.UPBIT, XRP): 1, (Venue.BINANCE, USDT): 2}),
        (Direction.TO_UPBIT, USDT, {(Venue.UPBIT, XRP): 1, (Venue.UPBIT, KRW): 50}),
    ],
)
async def test_all_but_the_cash_at_home(direction: Direction, home: Asset, left: dict[Any, int]) -> None:
    async def entries(_cycle_id: str) -> list[Entry]:
        return ENTRIES

    database = SimpleNamespace(ledger=SimpleNamespace(entries=entries))
    row = SimpleNamespace(cycle_id="XRP-1", direction=direction, home_asset=home, profit_krw=Decimal(1))
    under_way = SimpleNamespace(cycle_id="XRP-2", direction=direction, home_asset=home, profit_krw=None)
    rows: Any = [row, under_way]
    assert await kept_elsewhere(cast("Any", database), rows) == {"XRP-1": left}

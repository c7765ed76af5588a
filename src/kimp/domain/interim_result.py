"""What a cycle that is under way has come to by now, for people to look at: nothing is decided by it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from kimp.domain.ledger import Account, Entry, Held, value_krw
from kimp.domain.money import Asset, Money, exact
from kimp.domain.won import CASH, in_won
from kimp.domain.wording import won


@dataclass(frozen=True, slots=True)
class InterimResult:
    """Profit or loss in won, its coins valued at the prices that they were last traded at."""

    krw: Decimal
    unpriced: tuple[Asset, ...]
    """Left out: nobody has seen a price of them."""

    def __str__(self) -> str:
        left_out = f", {' and '.join(self.unpriced)} left out" if self.unpriced else ""
        return f"{won(self.krw)}{left_out}"


@exact
def traded_prices_krw(entries: Iterable[Entry], krw_per_usdt: Decimal) -> dict[Asset, Decimal]:
    """The price in won of each coin that was traded for cash, at its last trade."""
    prices: dict[Asset, Decimal] = {}
    for entry in entries:
        market = {posting.asset: abs(posting.amount) for posting in entry.postings if posting.account is Account.MARKET}
        coins, cash = [asset for asset in market if asset not in CASH], market.keys() & CASH
        if len(coins) == 1 and len(cash) == 1 and market[coins[0]]:
            (paid,) = cash
            prices[coins[0]] = in_won(Money(market[paid], paid), krw_per_usdt) / market[coins[0]]
    return prices


@exact
def interim_result(held: Held, krw_per_usdt: Decimal, prices_krw: Mapping[Asset, Decimal]) -> InterimResult:
    """`held`: gained and lost since the cycle began."""
    priced = {key: amount for key, amount in held.items() if key[1] in CASH or key[1] in prices_krw}
    unpriced = sorted({asset for (_, asset), amount in held.items() if amount} - {asset for _, asset in priced})
    return InterimResult(value_krw(priced, krw_per_usdt, prices_krw), tuple(unpriced))

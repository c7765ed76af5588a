"""Balances of one venue, with locks, and the other side of every movement.

Nothing enters or leaves a balance without an equal posting to a counterparty, so at any moment, exactly:
balances == what the counterparties gave. The journal holds every posting.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from kimp.domain.venues import Venue
from kimp.paper.amounts import ZERO, exact
from kimp.paper.journal import PaperJournal


class Counterparty(StrEnum):
    """Who is on the other side of a movement."""

    OPENING = "opening"
    MARKET = "market"
    TRADING_FEES = "trading_fees"
    NETWORK_FEES = "network_fees"
    CHAIN = "chain"
    """Coins between two venues, sent to a stranger, or lost: whatever left one venue and reached no account yet."""
    MISTAKE = "mistake"
    """Coins that a venue credited though nobody sent them."""


class InsufficientFunds(Exception):
    """The free balance does not cover the amount."""

    def __init__(self, asset: str, wanted: Decimal, free: Decimal) -> None:
        super().__init__(f"{asset}: {wanted} wanted, {free} free")
        self.asset = asset


@dataclass(slots=True)
class PaperBalance:
    free: Decimal = ZERO
    locked: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return self.free + self.locked


class Accounts:
    """The single customer of one venue."""

    def __init__(self, venue: Venue, journal: PaperJournal, opening: dict[str, Decimal]) -> None:
        self._venue = venue
        self._journal = journal
        self._balances: defaultdict[str, PaperBalance] = defaultdict(PaperBalance)
        self._given: defaultdict[tuple[Counterparty, str], Decimal] = defaultdict(Decimal)
        for asset, amount in opening.items():
            self.receive(asset, amount, Counterparty.OPENING, "opening")

    def __getitem__(self, asset: str) -> PaperBalance:
        """A copy; an asset never held is zero."""
        held = self._balances.get(asset)
        return PaperBalance(held.free, held.locked) if held else PaperBalance()

    def all(self) -> dict[str, PaperBalance]:
        return {asset: self[asset] for asset in self._balances}

    def given(self) -> dict[str, dict[str, Decimal]]:
        """Per asset and counterparty: what it gave us so far; negative: what it took."""
        table: defaultdict[str, dict[str, Decimal]] = defaultdict(dict)
        for (counterparty, asset), amount in self._given.items():
            table[asset][counterparty.value] = amount
        return dict(table)

    def restore(
        self, balances: Mapping[str, tuple[Decimal, Decimal]], given: Mapping[str, Mapping[str, Decimal]]
    ) -> None:
        """As it was before a restart, in the place of what the account was opened with."""
        self._balances.clear()
        self._balances.update({asset: PaperBalance(free, locked) for asset, (free, locked) in balances.items()})
        self._given.clear()
        for asset, parts in given.items():
            self._given.update({(Counterparty(name), asset): amount for name, amount in parts.items()})

    @exact
    def lock(self, asset: str, amount: Decimal, reason: str) -> None:
        """Set free funds aside. Raises InsufficientFunds and changes nothing."""
        self._need(asset, amount)
        self._move(asset, -amount, amount, reason)

    @exact
    def unlock(self, asset: str, amount: Decimal, reason: str) -> None:
        self._move(asset, amount, -amount, reason)

    @exact
    def receive(self, asset: str, amount: Decimal, source: Counterparty, reason: str) -> None:
        self._given[source, asset] += amount
        self._move(asset, amount, ZERO, reason, source)

    @exact
    def pay(self, asset: str, amount: Decimal, to: Counterparty, reason: str) -> None:
        """Pay from free funds. Raises InsufficientFunds and changes nothing."""
        self._need(asset, amount)
        self._given[to, asset] -= amount
        self._move(asset, -amount, ZERO, reason, to)

    @exact
    def pay_locked(self, asset: str, amount: Decimal, to: Counterparty, reason: str) -> None:
        self._given[to, asset] -= amount
        self._move(asset, ZERO, -amount, reason, to)

    @exact
    def reassign(self, asset: str, amount: Decimal, source: Counterparty, to: Counterparty) -> None:
        """What was paid to one counterparty was meant for another; no balance changes."""
        self._given[source, asset] += amount
        self._given[to, asset] -= amount

    def _need(self, asset: str, amount: Decimal) -> None:
        free = self[asset].free
        if free < amount:
            raise InsufficientFunds(asset, amount, free)

    def _move(
        self, asset: str, free: Decimal, locked: Decimal, reason: str, counterparty: Counterparty | None = None
    ) -> None:
        if free == ZERO == locked:
            return
        balance = self._balances[asset]
        balance.free += free
        balance.locked += locked
        if balance.free < ZERO or balance.locked < ZERO:
            raise AssertionError(f"{self._venue} {asset} would become {balance}: a bug of the paper exchange")
        facts = {"venue": self._venue, "asset": asset, "free": free, "locked": locked, "reason": reason}
        self._journal.write("balance", **facts, counterparty=counterparty, balance=balance.total)

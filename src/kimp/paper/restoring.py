"""Between the world and the file that keeps it: what each line of the journal changes, and how all of it comes back."""

import asyncio
import logging
from dataclasses import replace
from functools import partial
from typing import Any

from kimp.domain.venues import PAIR, Venue
from kimp.paper.config import PaperConfig
from kimp.paper.keeping import KeptAccounts, KeptOrder, KeptPrices, StateFile
from kimp.paper.market.live import LiveBooks
from kimp.paper.transfer import Deposit, Withdrawal
from kimp.paper.world import World
from kimp.ports.clock import Clock

PRICES = "now"
KEEP_EVERY_S = 1.0
log = logging.getLogger(__name__)


class KeptWorld:
    """A world, and the file that keeps it if its configuration names one. Raises BadConfig for a bad file."""

    def __init__(self, config: PaperConfig, clock: Clock, live: LiveBooks | None = None) -> None:
        self.keeping = None if config.state_path is None else StateFile(config.state_path)
        self.world = World(config, clock, None if self.keeping is None else _last_prices(self.keeping), live)
        if self.keeping is not None:
            _restore(self.world, self.keeping)
            _keep(self.world, self.keeping)

    async def keep_up(self) -> None:
        """Write what happens while nobody asks, until cancelled; without a file there is nothing to do."""
        while self.keeping is not None:
            await asyncio.sleep(KEEP_EVERY_S)
            self.write()

    def write(self) -> None:
        if self.keeping is None:
            return
        if self.world.synthetic is not None:  # a replayed market begins where its files do
            self.keeping.changed("prices", PRICES, self.world.synthetic.kept)
        self.keeping.write()

    def close(self) -> None:
        self.write()
        if self.keeping is not None:
            self.keeping.close()
        self.world.journal.close()


def _restore(world: World, keeping: StateFile) -> None:
    """Everything of the customer as it was. Raises BadConfig for rows of another form."""
    for venue, kept in keeping.read("accounts", KeptAccounts):
        world.accounts[Venue(venue)].restore(kept.balances, kept.given)
        world.transfers.till.restore(Venue(venue), kept.unripe)
    for _, order in keeping.read("order", KeptOrder):
        instrument = world.of(order.venue, order.request.symbol)
        if instrument is None:
            log.warning("%s on %s is not configured any more; its order %s is left out",
                        order.request.symbol, order.venue, order.uuid)  # fmt: skip
            continue
        world.desks[order.venue].restore(order.order(instrument))
    withdrawals = [withdrawal for _, withdrawal in keeping.read("withdrawal", Withdrawal)]
    deposits = [deposit for _, deposit in keeping.read("deposit", Deposit)]
    world.transfers.restore(withdrawals, deposits)


def _keep(world: World, keeping: StateFile) -> None:
    """From now on whatever the journal is told of is written at the next answer."""

    def note(kind: str, facts: dict[str, Any]) -> None:
        if kind in {"balance", "withdrawal", "deposit"}:  # the last two may move money without a balance
            for venue in PAIR:
                keeping.changed("accounts", venue, partial(_accounts, world, venue))
        if kind in {"withdrawal", "foreign_withdrawal"}:
            withdrawal = world.transfers.withdrawals[facts["withdrawal"]]
            # Its deposit is a row of its own, and names it.
            keeping.changed("withdrawal", withdrawal.uuid, lambda: replace(withdrawal, deposit=None))
        elif kind == "deposit":
            deposit = world.transfers.deposits[facts["deposit"]]
            keeping.changed("deposit", deposit.uuid, lambda: deposit)
        elif kind in {"order", "fill", "order_closed", "foreign_order"}:
            order = world.desks[facts["venue"]].by_uuid[facts["order"]]
            keeping.changed("order", order.uuid, lambda: KeptOrder.of(order))

    world.journal.on_write.append(note)
    for venue in PAIR:
        keeping.changed("accounts", venue, partial(_accounts, world, venue))


def _last_prices(keeping: StateFile) -> KeptPrices | None:
    return next((prices for _, prices in keeping.read("prices", KeptPrices)), None)


def _accounts(world: World, venue: Venue) -> KeptAccounts:
    accounts = world.accounts[venue]
    balances = {asset: (held.free, held.locked) for asset, held in accounts.all().items()}
    return KeptAccounts(balances, accounts.given(), world.transfers.till.unripe(venue))

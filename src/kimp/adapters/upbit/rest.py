"""Upbit over REST: the port `Exchange`. Import it lazily: ccxt takes seconds."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from kimp.adapters.upbit import parse, rulebook
from kimp.adapters.upbit.client import make_client
from kimp.adapters.upbit.errors import classify
from kimp.adapters.upbit.keys import key_facts
from kimp.adapters.venue.cache import Kept
from kimp.adapters.venue.client import Caller
from kimp.adapters.venue.deadline import sent_by
from kimp.adapters.venue.guard import check_withdrawal, network_name
from kimp.adapters.venue.shape import plain
from kimp.config import KeyPair, VenueSettings
from kimp.contracts.cycle import MarketNow
from kimp.contracts.orders import OrderIntent
from kimp.contracts.transfers import Address, WithdrawalIntent, WithdrawalReport
from kimp.domain.errors import NotFound, Postponed, Unavailable
from kimp.domain.keys import KeyFacts
from kimp.domain.market import Network, Quote, Side, Turnover, VenueRules
from kimp.domain.money import Asset
from kimp.domain.tags import TAGGED_COINS
from kimp.domain.venues import Venue
from kimp.ports.clock import SteadyClock
from kimp.ports.exchange import Balances, ListedWithdrawal, VenueDeposit, VenueOrder

KEEP_S = 300
"""Fees, minimums and our own addresses; wallet states and ticks are read every time."""
PAGE = 100
MAX_PAGES = 20
SIDES = {Side.BUY: "bid", Side.SELL: "ask"}


class UpbitExchange:
    """One per process: its limiter counts the requests of one process only."""

    venue = Venue.UPBIT

    def __init__(self, settings: VenueSettings, clock: SteadyClock, keys: Callable[[], KeyPair]) -> None:
        """`keys` gives the key to sign with, anew for each request."""
        self._keys = keys
        self._networks = settings.networks
        self._clock = clock
        self._levels = settings.levels
        self._api: Any = make_client(
            settings, self._keys
        )  # ccxt makes its calls at run time; no checker knows their types
        self._call = Caller(self.venue, classify)
        self._order_chances = Kept[rulebook.OrderChance](KEEP_S)
        self._withdraw_chances = Kept[rulebook.WithdrawChance](KEEP_S)
        self._addresses = Kept[Address](KEEP_S)
        self._listings = Kept[frozenset[str]](KEEP_S)

    async def close(self) -> None:
        await self._api.close()

    async def key_facts(self) -> KeyFacts:
        return await key_facts(self._api, self._call, self._keys().access_key.get_secret_value())

    # Market data

    async def rules(self, coins: Sequence[Asset]) -> VenueRules:
        """Markets of those of the `coins` that are listed, wallets of those that have a configured network.

        A coin whose own rules can't be read, or are refused as of one that is gone, is left out.
        """
        read_ms = self._clock.now_ms()
        listed = await self._listings.get("all", self._read_listing)
        names = {name: coin for coin in coins if (name := parse.market(coin)) in listed}
        ticks, tops, turnovers = await asyncio.gather(self._ticks(names), self._tops(names), self._turnovers(names))
        wallets = await self._wallets()
        carried = [coin for coin in coins if coin in self._networks]
        chances = await asyncio.gather(
            *(self._call.unless_unreadable("order chance", coin, self._order_chance(coin)) for coin in names.values())
        )
        networks = await asyncio.gather(
            *(self._call.unless_unreadable("withdraw chance", coin, self._network(coin, wallets)) for coin in carried)
        )
        instruments = [
            self._call.readable_rules(
                "market", coin, partial(rulebook.instrument, coin, chance, ticks.get(name), tops.get(coin))
            )
            for (name, coin), chance in zip(names.items(), chances, strict=True)
            if chance is not None
        ]
        return VenueRules(
            venue=self.venue,
            read_ms=read_ms,
            instruments=tuple(instrument for instrument in instruments if instrument is not None),
            networks=tuple(network for network in networks if network is not None),
            turnovers=turnovers,
        )

    async def market(self, coin: Asset) -> MarketNow:
        name = parse.market(coin)
        if name not in await self._listings.get("all", self._read_listing):
            raise Postponed(f"there is no open market for {coin}", venue=self.venue)
        names = {name: coin}
        chance, ticks, tops = await asyncio.gather(self._order_chance(coin), self._ticks(names), self._tops(names))
        if coin not in tops:
            raise Unavailable(f"the {coin} book is empty", venue=self.venue)
        quote = tops[coin]
        instrument = self._call.understand("rules", lambda: rulebook.instrument(coin, chance, ticks.get(name), quote))
        return MarketNow(quote=quote, instrument=instrument)

    async def tops(self, coins: Sequence[Asset]) -> Mapping[Asset, Quote]:
        return await self._tops({parse.market(coin): coin for coin in coins})

    async def balances(self) -> Balances:
        return await self._call.read("balances", self._api.private_get_accounts(), parse.balances)

    async def _ticks(self, names: Iterable[str]) -> dict[str, Decimal]:
        call = self._api.public_get_orderbook_instruments({"markets": ",".join(names)})
        return await self._call.read("ticks", call, rulebook.tick_sizes)

    async def _turnovers(self, names: Mapping[str, Asset]) -> tuple[Turnover, ...]:
        call = self._api.public_get_ticker({"markets": ",".join(names)})
        return await self._call.read("turnover", call, lambda reported: rulebook.turnovers(reported, names))

    async def _tops(self, names: Mapping[str, Asset]) -> dict[Asset, Quote]:
        call = self._api.public_get_orderbook({"markets": ",".join(names), "count": self._levels})
        return await self._call.read("book", call, lambda reported: parse.tops(reported, names, self._clock.now_ms()))

    async def _read_listing(self) -> frozenset[str]:
        return await self._call.read("markets", self._api.public_get_market_all(), rulebook.listing)

    async def _order_chance(self, coin: Asset) -> rulebook.OrderChance:
        async def read() -> rulebook.OrderChance:
            call = self._api.private_get_orders_chance({"market": parse.market(coin)})
            return await self._call.read("order chance", call, rulebook.order_chance)

        return await self._order_chances.get(coin, read)

    # Trading

    async def find_order(self, coin: Asset, client_order_id: str) -> VenueOrder | None:
        del coin  # an identifier is unique over all markets
        try:
            return await self._call.read(
                "find order", self._api.private_get_order({"identifier": client_order_id}), parse.looked_up
            )
        except NotFound:
            return None

    async def place_order(self, intent: OrderIntent, *, send_by_ms: int) -> VenueOrder:
        """Upbit answers before it has matched: follow with `find_order` until it is closed."""
        request = {
            "market": parse.market(intent.coin),
            "side": SIDES[intent.side],
            "ord_type": "limit",
            "volume": plain(intent.quantity),
            "price": plain(intent.limit_price),
            "time_in_force": "ioc",
            "identifier": intent.client_order_id,
        }
        with sent_by(self.venue, self._clock, send_by_ms):
            return await self._call.send("place order", self._api.private_post_orders(request), parse.order)

    # Transfers

    async def network(self, coin: Asset) -> Network:
        return await self._network(coin, await self._wallets())

    async def deposit_address(self, coin: Asset) -> Address:
        name = network_name(self._networks, coin, self.venue)
        call = self._api.private_get_deposits_coin_address({"currency": coin, "net_type": name})
        return await self._call.read("deposit address", call, parse.deposit_address)

    async def registered_addresses(self, coin: Asset) -> Sequence[Address]:
        name = network_name(self._networks, coin, self.venue)
        call = self._api.private_get_withdraws_coin_addresses()
        return await self._call.read(
            "registered addresses", call, lambda reported: parse.registered_addresses(reported, coin, name)
        )

    async def withdraw(self, intent: WithdrawalIntent, *, send_by_ms: int) -> WithdrawalReport:
        name = network_name(self._networks, intent.coin, self.venue)
        # Nothing is asked of the venue here: what fails before the send would look like a lost answer.
        check_withdrawal(intent, self.venue, name, tag_required=True if intent.coin in TAGGED_COINS else None)
        request = {
            "currency": intent.coin,
            "net_type": intent.network,
            "amount": plain(intent.amount),
            "address": intent.address.address,
            "transaction_type": "default",
        }
        if intent.address.tag is not None:
            request["secondary_address"] = intent.address.tag
        with sent_by(self.venue, self._clock, send_by_ms):
            return await self._call.send("withdraw", self._api.private_post_withdraws_coin(request), parse.withdrawal)

    async def withdrawals_since(self, coin: Asset, since_ms: int, transfer_id: str) -> Sequence[ListedWithdrawal]:
        """Upbit has no client id of a withdrawal: all of the coin's, newest first, from the second of `since_ms` on."""
        del transfer_id
        since_second = since_ms - since_ms % 1000
        found: dict[str, ListedWithdrawal] = {}
        for page in range(1, MAX_PAGES + 1):
            query = {"currency": coin, "limit": PAGE, "page": page, "order_by": "desc"}
            rows, reported = await self._call.read(
                "withdrawals",
                self._api.private_get_withdraws(query),
                lambda content: (parse.withdrawals(content), len(content)),
            )
            # By id: while new ones come in, the same row may show on two pages.
            found |= {row.report.venue_id: row for row in rows if (row.asked_ms or 0) >= since_second}
            if reported < PAGE or (rows and (rows[-1].asked_ms or 0) < since_second):
                break
        return tuple(found.values())

    async def withdrawal(self, coin: Asset, venue_id: str) -> WithdrawalReport:
        query = {"uuid": venue_id, "currency": coin}
        return await self._call.read("withdrawal", self._api.private_get_withdraw(query), parse.withdrawal)

    async def deposits(self, coin: Asset, txid: str) -> Sequence[VenueDeposit]:
        # A list of one as text: ccxt would write a Python list as its repr.
        call = self._api.private_get_deposits({"currency": coin, "txids[]": txid, "limit": PAGE})
        return await self._call.read("deposits", call, lambda reported: parse.deposits(reported, txid))

    async def _wallets(self) -> Mapping[tuple[str, str], rulebook.Wallet]:
        return await self._call.read("wallets", self._api.private_get_status_wallet(), rulebook.wallets)

    async def _network(self, coin: Asset, wallets: Mapping[tuple[str, str], rulebook.Wallet]) -> Network:
        name = network_name(self._networks, coin, self.venue)

        async def read() -> rulebook.WithdrawChance:
            call = self._api.private_get_withdraws_chance({"currency": coin, "net_type": name})
            return await self._call.read("withdraw chance", call, rulebook.withdraw_chance)

        chance = await self._withdraw_chances.get(coin, read)
        tagged = await self._tagged(coin)
        return self._call.understand("wallets", lambda: rulebook.network(coin, name, wallets, chance, tagged=tagged))

    async def _tagged(self, coin: Asset) -> bool:
        """Whether Upbit's own deposit address of the coin has a second part; not asked for well-known tag coins."""
        if coin in TAGGED_COINS:
            return True
        try:
            address = await self._addresses.get(coin, lambda: self.deposit_address(coin))
        except Unavailable:  # none was created yet, so nothing can arrive there either
            return False
        return address.tag is not None

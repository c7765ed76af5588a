"""Binance spot over REST: the port `Exchange`. Import it lazily: ccxt takes seconds."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from kimp.adapters.binance import parse, rulebook
from kimp.adapters.binance.client import make_client
from kimp.adapters.binance.errors import ARCHIVED, NO_SUCH_SYMBOL, classify
from kimp.adapters.binance.keys import key_facts
from kimp.adapters.venue.batch import Batched
from kimp.adapters.venue.cache import Kept
from kimp.adapters.venue.client import GARBAGE, Caller
from kimp.adapters.venue.deadline import sent_by
from kimp.adapters.venue.guard import check_withdrawal, network_name
from kimp.adapters.venue.shape import plain
from kimp.config import KeyPair, VenueSettings
from kimp.contracts.cycle import MarketNow
from kimp.contracts.orders import OrderIntent
from kimp.contracts.transfers import Address, TransferState, WithdrawalIntent, WithdrawalReport
from kimp.domain.errors import NotFound, Postponed, Rejected, Unavailable
from kimp.domain.keys import KeyFacts
from kimp.domain.market import Fill, Network, Quote, Turnover, VenueRules
from kimp.domain.money import CONTEXT, ZERO, Asset
from kimp.domain.venues import Venue
from kimp.ports.clock import SteadyClock
from kimp.ports.exchange import Balances, ListedWithdrawal, VenueDeposit, VenueOrder

SPOT = "0"
"""The wallet that kimp trades from; left out, Binance takes the one that the account has selected."""
KEEP_S = 300
"""Fees; filters and wallet states are read every time."""
TRADES_PER_READ = 1_000
"""Most that myTrades takes."""
MOST_TRADES = 100_000
"""Of one order: five times what the largest that kimp sends has, were each of the least value that Binance trades."""
IDS_PER_READ = 45
"""Most ids that withdraw/history takes; it may be called ten times a second only."""


class BinanceExchange:
    """One per process: its limiter counts the requests of one process only."""

    venue = Venue.BINANCE

    def __init__(self, settings: VenueSettings, clock: SteadyClock, keys: Callable[[], KeyPair]) -> None:
        """`keys` gives the key to sign with, anew for each request."""
        self._keys = keys
        self._names = settings.networks
        self._clock = clock
        self._levels = settings.levels
        self._api: Any = make_client(
            settings, self._keys
        )  # ccxt makes its calls at run time; no checker knows their types
        self._call = Caller(self.venue, classify)
        self._fees = Kept[Mapping[str, Decimal]](KEEP_S)
        self._wallets = Kept[Network](KEEP_S)
        self._questionnaire = Kept[bool](KEEP_S)
        self._followed = Batched(self._read_followed, IDS_PER_READ)

    async def close(self) -> None:
        await self._api.close()

    async def key_facts(self) -> KeyFacts:
        return await self._call.read("key rights", self._api.sapi_get_account_apirestrictions(), key_facts)

    # Market data

    async def rules(self, coins: Sequence[Asset]) -> VenueRules:
        """Markets of those of the `coins` that are trading, wallets of those that have a configured network."""
        read_ms = self._clock.now_ms()
        markets = {parse.symbol(coin): coin for coin in coins if coin != self.venue.cash}
        listed = await self._symbols(markets)
        fees = await self._fees.get("all", self._read_fees)
        rows = await self._call.read("networks", self._api.sapi_get_capital_config_getall(), rulebook.networks)
        asks = await self._questionnaire.get("all", self._read_questionnaire)
        carried = [coin for coin in coins if coin in self._names]
        traded = {coin: listed[name] for name, coin in markets.items() if name in listed}
        instruments = [
            self._call.readable_rules("market", coin, partial(rulebook.instrument, coin, symbol, fees))
            for coin, symbol in traded.items()
        ]
        networks = [
            self._call.readable_rules(
                "wallet", coin, partial(rulebook.network, coin, self._names[coin], rows, asks=asks)
            )
            for coin in carried
        ]
        return VenueRules(
            venue=self.venue,
            read_ms=read_ms,
            instruments=tuple(instrument for instrument in instruments if instrument is not None),
            networks=tuple(network for network in networks if network is not None),
            turnovers=await self._turnovers({name: markets[name] for name in listed if name in markets}),
        )

    async def market(self, coin: Asset) -> MarketNow:
        name = parse.symbol(coin)
        try:
            listed, fees, quote = await asyncio.gather(
                self._symbols({name: coin}),
                self._fees.get("all", self._read_fees),
                self._book(coin),
            )
        except Rejected as refusal:
            if refusal.code != NO_SUCH_SYMBOL:
                raise
            listed = {}
        if name not in listed:
            raise Postponed(f"there is no open market for {coin}", venue=self.venue)
        instrument = self._call.understand("rules", lambda: rulebook.instrument(coin, listed[name], fees))
        return MarketNow(quote=quote, instrument=instrument)

    async def tops(self, coins: Sequence[Asset]) -> Mapping[Asset, Quote]:
        return dict(zip(coins, await asyncio.gather(*map(self._book, coins)), strict=True))

    async def _book(self, coin: Asset) -> Quote:
        book = self._api.public_get_depth({"symbol": parse.symbol(coin), "limit": self._levels})
        return await self._call.read("book", book, lambda reported: parse.book(reported, coin, self._clock.now_ms()))

    async def balances(self) -> Balances:
        return await self._call.read("balances", self._api.private_get_account(), parse.balances)

    async def _turnovers(self, names: Mapping[str, Asset]) -> tuple[Turnover, ...]:
        if not names:
            return ()
        query = {"symbols": json.dumps(list(names), separators=(",", ":")), "type": "MINI"}
        call = self._api.public_get_ticker_24hr(query)
        return await self._call.read("turnover", call, lambda reported: rulebook.turnovers(reported, names))

    async def _symbols(self, markets: Mapping[str, Asset]) -> dict[str, rulebook.Symbol]:
        query = {"symbols": json.dumps(list(markets), separators=(",", ":"))}
        try:
            return await self._call.read("symbols", self._api.public_get_exchangeinfo(query), rulebook.symbols)
        except Rejected as refusal:
            if refusal.code != NO_SUCH_SYMBOL:
                raise
        # One unlisted coin makes Binance refuse the whole question: ask for all markets, and leave that one out.
        return await self._call.read("symbols", self._api.public_get_exchangeinfo(), rulebook.symbols)

    async def _read_fees(self) -> Mapping[str, Decimal]:
        return await self._call.read("fees", self._api.sapi_get_asset_tradefee(), rulebook.taker_fees)

    async def _read_questionnaire(self) -> bool:
        """An endpoint that ccxt does not list."""
        call = self._api.request("localentity/questionnaire-requirements", ["sapi"], "GET", {})
        return await self._call.read("travel rule", call, rulebook.asks_who_receives)

    # Trading

    async def find_order(self, coin: Asset, client_order_id: str) -> VenueOrder | None:
        query = {"symbol": parse.symbol(coin), "origClientOrderId": client_order_id}
        try:
            reported = await self._call.read("find order", self._api.private_get_order(query), lambda content: content)
        except NotFound:
            return None
        except Rejected as refusal:
            if refusal.code != ARCHIVED:
                raise
            return VenueOrder("archived", closed=True, fills=())
        number, executed = self._call.understand("order", lambda: parse.executed(reported))
        if executed == ZERO:
            return self._call.understand("order", lambda: parse.with_trades(reported, ()))
        trades = await self._trades(parse.symbol(coin), number)
        return self._call.understand("order", lambda: parse.with_trades(reported, trades))

    async def _trades(self, symbol: str, order: str) -> tuple[Fill, ...]:
        """All of an order, oldest first, however many: without `limit` and `fromId` Binance tells the latest 500."""
        found: list[Fill] = []
        first = 0
        while len(found) < MOST_TRADES:
            query = {"symbol": symbol, "orderId": order, "fromId": first, "limit": TRADES_PER_READ}
            call = self._api.private_get_mytrades(query)
            page = await self._call.read("trades", call, partial(parse.trades, first=first))
            found += page
            if len(page) < TRADES_PER_READ:
                return tuple(found)
            first = max(int(fill.trade_id) for fill in page) + 1
        raise Unavailable(f"order {order} has more than {MOST_TRADES} trades", venue=self.venue, code=GARBAGE)

    async def place_order(self, intent: OrderIntent, *, send_by_ms: int) -> VenueOrder:
        """Binance answers after it has matched, with every fill."""
        request = {
            "symbol": parse.symbol(intent.coin),
            "side": intent.side.upper(),
            "type": "LIMIT",
            "timeInForce": "IOC",
            "quantity": plain(intent.quantity),
            "price": plain(intent.limit_price),
            "newClientOrderId": intent.client_order_id,
            "newOrderRespType": "FULL",
        }
        with sent_by(self.venue, self._clock, send_by_ms):
            return await self._call.send("place order", self._api.private_post_order(request), parse.order)

    # Transfers

    async def network(self, coin: Asset) -> Network:
        name = network_name(self._names, coin, self.venue)
        asks = await self._questionnaire.get("all", self._read_questionnaire)
        call = self._api.sapi_get_capital_config_getall()
        found = await self._call.read(
            "networks", call, lambda content: rulebook.network(coin, name, rulebook.networks(content), asks=asks)
        )
        self._wallets.keep(coin, found)
        return found

    async def deposit_address(self, coin: Asset) -> Address:
        name = network_name(self._names, coin, self.venue)
        call = self._api.sapi_get_capital_deposit_address({"coin": coin, "network": name})
        return await self._call.read("deposit address", call, lambda content: parse.deposit_address(content, name))

    async def registered_addresses(self, coin: Asset) -> Sequence[Address]:
        name = network_name(self._names, coin, self.venue)
        call = self._api.sapi_get_capital_withdraw_address_list()
        return await self._call.read(
            "registered addresses", call, lambda reported: parse.registered_addresses(reported, coin, name)
        )

    async def withdraw(self, intent: WithdrawalIntent, *, send_by_ms: int) -> WithdrawalReport:
        """Binance answers with an id only; fee and arrival are those of the wallet as it was read last."""
        name = network_name(self._names, intent.coin, self.venue)
        wallet = await self._wallets.get(intent.coin, lambda: self.network(intent.coin))
        check_withdrawal(intent, self.venue, name, tag_required=wallet.tag_required)
        request = {
            "coin": intent.coin,
            "network": intent.network,
            "address": intent.address.address,
            "amount": plain(intent.amount),
            "withdrawOrderId": intent.transfer_id,
            "walletType": SPOT,
        }
        if intent.address.tag is not None:
            request["addressTag"] = intent.address.tag
        with sent_by(self.venue, self._clock, send_by_ms):
            apply = self._api.sapi_post_capital_withdraw_apply(request)
            venue_id = await self._call.send("withdraw", apply, parse.applied)
        return WithdrawalReport(
            venue_id=venue_id,
            state=TransferState.PENDING,
            txid=None,
            arrives=CONTEXT.subtract(intent.amount, wallet.withdraw_fee),
            fee=wallet.withdraw_fee,
            detail="applied",
        )

    async def withdrawals_since(self, coin: Asset, since_ms: int, transfer_id: str) -> Sequence[ListedWithdrawal]:
        """Those that carry exactly `transfer_id`. Without times: then Binance looks through the last seven days."""
        del since_ms
        listed = await self._history({"coin": coin, "withdrawOrderId": transfer_id})
        return tuple(found for own_id, found in listed.values() if own_id == transfer_id)

    async def withdrawal(self, coin: Asset, venue_id: str) -> WithdrawalReport:
        """Those who follow at the same time share a request, whatever their coins."""
        del coin
        report = await self._followed.get(venue_id)
        if report is None:
            raise NotFound(f"withdrawal {venue_id} is not listed", venue=self.venue, code="not listed")
        return report

    async def _read_followed(self, venue_ids: Sequence[str]) -> Mapping[str, WithdrawalReport]:
        listed = await self._history({"idList": ",".join(venue_ids)})
        return {venue_id: found.report for venue_id, (_, found) in listed.items()}

    async def deposits(self, coin: Asset, txid: str) -> Sequence[VenueDeposit]:
        call = self._api.sapi_get_capital_deposit_hisrec({"coin": coin, "txId": txid})
        listed = await self._call.read("deposits", call, lambda content: parse.deposits(content, txid))
        if not any(deposit.detail == parse.IN_FUNDING for deposit in listed):
            return listed
        spot = (await self.balances()).get(coin)
        return parse.moved(listed, ZERO if spot is None else spot.free)

    async def _history(self, query: Mapping[str, str]) -> dict[str, tuple[str | None, ListedWithdrawal]]:
        call = self._api.sapi_get_capital_withdraw_history(dict(query))
        return await self._call.read("withdrawals", call, parse.withdrawals)

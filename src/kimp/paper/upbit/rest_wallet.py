"""Upbit's wallet: addresses, withdrawals, deposits, wallet status, the API key's expiry."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, TypeVar

from kimp.domain.venues import Venue
from kimp.paper.accounts import InsufficientFunds
from kimp.paper.addresses import PaperAddress
from kimp.paper.amounts import CONTEXT, ZERO, BadNumber, is_multiple, number, plain
from kimp.paper.coins import CoinConfig, PaperNetwork
from kimp.paper.transfer import Deposit, Withdrawal
from kimp.paper.upbit import render
from kimp.paper.upbit.errors import UpbitError, invalid
from kimp.paper.upbit.gateway import ApiGateway, Params
from kimp.paper.world import World

MAX_LISTED = 100
DAILY_LIMIT_KRW = Decimal(5_000_000_000)

T = TypeVar("T", Withdrawal, Deposit)


class WalletCalls:
    def __init__(self, world: World) -> None:
        self._world = world

    def bind(self, gate: ApiGateway) -> None:
        gate.private("GET", "status/wallet", self.status)
        gate.private("GET", "deposits/coin_address", self.deposit_address)
        gate.private("GET", "deposits/coin_addresses", self.deposit_addresses)
        gate.private("POST", "deposits/generate_coin_address", self.deposit_address)
        gate.private("GET", "withdraws/coin_addresses", self.allowed_addresses)
        gate.private("GET", "withdraws/chance", self.chance)
        gate.private("POST", "withdraws/coin", self.withdraw)
        gate.private("DELETE", "withdraws/coin", self.cancel)
        gate.private("GET", "withdraw", self.one_withdrawal)
        gate.private("GET", "withdraws", self.withdrawals)
        gate.private("GET", "deposit", self.one_deposit)
        gate.private("GET", "deposits", self.deposits)
        gate.private("GET", "api_keys", self.keys)

    def status(self, _params: Params) -> list[dict[str, Any]]:
        now_ms = self._world.clock.now_ms()
        return [
            {
                "currency": coin.name,
                "wallet_state": self._world.wallets.of(Venue.UPBIT, coin.name).value,
                "block_state": "normal",
                "block_height": now_ms // 4_000,
                "block_updated_at": render.seoul(now_ms),
                "block_elapsed_minutes": 0,
                "net_type": network.name,
                "network_name": network.name,
            }
            for coin in self._world.coins.values()
            for network in coin.networks
        ]

    def deposit_address(self, params: Params) -> dict[str, Any]:
        coin, network = self._network(params)
        address = self._world.addresses.of(Venue.UPBIT, coin.name, network.name)
        if address is None:
            raise UpbitError("coin_address_not_found")
        return render.deposit_address(address)

    def deposit_addresses(self, _params: Params) -> list[dict[str, Any]]:
        return [render.deposit_address(address) for address in self._world.addresses.all(Venue.UPBIT)]

    def allowed_addresses(self, _params: Params) -> list[dict[str, Any]]:
        """Registered on the web page only."""
        return [render.allowed_address(address) for address in self._world.registrations.of(Venue.UPBIT)]

    def chance(self, params: Params) -> dict[str, Any]:
        coin, network = self._network(params)
        state = self._world.wallets.of(Venue.UPBIT, coin.name)
        balance = self._world.accounts[Venue.UPBIT][coin.name]
        return {
            "member_level": {
                "security_level": 4,
                "fee_level": 0,
                "email_verified": True,
                "identity_auth_verified": True,
                "bank_account_verified": True,
                "two_factor_auth_verified": True,
                "locked": False,
                "wallet_locked": not self._world.may_withdraw,
            },
            "currency": {
                "code": coin.name,
                "withdraw_fee": plain(network.upbit_fee),
                "is_coin": True,
                "wallet_state": state.value,
                "wallet_support": ["deposit"] * state.takes + ["withdraw"] * state.sends,
            },
            "account": {
                "currency": coin.name,
                "balance": plain(balance.free),
                "locked": plain(balance.locked),
                "avg_buy_price": "0",
                "avg_buy_price_modified": False,
                "unit_currency": "KRW",
            },
            "withdraw_limit": {
                "currency": coin.name,
                "onetime": plain(DAILY_LIMIT_KRW),
                "daily": None,
                "remaining_daily": "0",
                "remaining_daily_fiat": plain(DAILY_LIMIT_KRW),
                "fiat_currency": "KRW",
                "minimum": plain(network.upbit_min),
                "fixed": network.decimals,
                "withdraw_delayed_fiat": "0",
                "can_withdraw": state.sends and self._world.may_withdraw,
                "remaining_daily_krw": plain(DAILY_LIMIT_KRW),
            },
        }

    def withdraw(self, params: Params) -> dict[str, Any]:
        """No client id exists: the same body twice is two withdrawals. The fee comes on top of the amount."""
        coin, network = self._network(params)
        if not self._world.may_withdraw:
            raise UpbitError("open_api_withdraw_locked")
        target = PaperAddress(coin.name, network.name, params.get("address", ""), params.get("secondary_address"))
        if target not in self._world.registrations.of(Venue.UPBIT):
            raise UpbitError("withdraw_address_not_registered")
        amount = self._amount(params, network)
        if not self._world.wallets.of(Venue.UPBIT, coin.name).sends:
            raise UpbitError("wallet_not_working")
        try:
            made = self._world.transfers.withdraw(Venue.UPBIT, network, target, amount, network.upbit_fee, None)
        except InsufficientFunds:
            raise UpbitError("withdraw_insufficient_balance") from None
        return render.withdrawal(made)

    def cancel(self, params: Params) -> dict[str, Any]:
        """A locked key may call nothing that has to do with withdrawing."""
        if self._world.withdrawals_locked:
            raise UpbitError("open_api_withdraw_locked")
        withdrawal = _single(self._own_withdrawals(), params)
        if withdrawal is None or not self._world.transfers.cancel(withdrawal):
            raise UpbitError("withdraw_not_found")
        return render.withdrawal(withdrawal)

    def one_withdrawal(self, params: Params) -> dict[str, Any]:
        withdrawal = _single(self._own_withdrawals(), params)
        if withdrawal is None:
            raise UpbitError("withdraw_not_found")
        return render.withdrawal(withdrawal)

    def withdrawals(self, params: Params) -> list[dict[str, Any]]:
        return _page([render.withdrawal(w) for w in _filtered(self._own_withdrawals(), params)], params)

    def one_deposit(self, params: Params) -> dict[str, Any]:
        deposit = _single(self._own_deposits(), params)
        if deposit is None:
            raise UpbitError("deposit_not_found")
        return render.deposit(deposit)

    def deposits(self, params: Params) -> list[dict[str, Any]]:
        return _page([render.deposit(d) for d in _filtered(self._own_deposits(), params)], params)

    def keys(self, _params: Params) -> list[dict[str, Any]]:
        ring = self._world.keys[Venue.UPBIT]
        return [
            {"access_key": access, "expire_at": render.seoul(ring.expires_ms(key))}
            for access, key in ring.all().items()
        ]

    def _network(self, params: Params) -> tuple[CoinConfig, PaperNetwork]:
        coin = self._world.coins.get(params.get("currency", ""))
        if coin is None:
            raise invalid("currency")
        network = coin.network(params.get("net_type", ""))
        if network is None:
            raise invalid("net_type")
        return coin, network

    @staticmethod
    def _amount(params: Params, network: PaperNetwork) -> Decimal:
        try:
            amount = number(params.get("amount", ""))
        except BadNumber:
            raise invalid("amount") from None
        if amount <= ZERO or not is_multiple(amount, CONTEXT.power(Decimal(10), -network.decimals)):
            raise invalid("amount")
        if amount < network.upbit_min:
            raise UpbitError("withdraw_minimum_not_met")
        return amount

    def _own_withdrawals(self) -> list[Withdrawal]:
        return [w for w in self._world.transfers.withdrawals.values() if w.venue is Venue.UPBIT]

    def _own_deposits(self) -> list[Deposit]:
        return self._world.transfers.listed(Venue.UPBIT)


def _coin(transfer: Withdrawal | Deposit) -> str:
    return transfer.address.coin


def _filtered(transfers: Iterable[T], params: Params) -> list[T]:
    """By currency, uuids and txids."""
    uuids, txids = params.lists.get("uuids"), params.lists.get("txids")
    return [
        t
        for t in transfers
        if params.get("currency") in (None, _coin(t))
        and (uuids is None or t.uuid in uuids)
        and (txids is None or t.txid in txids)
    ]


def _single(transfers: Iterable[T], params: Params) -> T | None:
    """By uuid, else by txid, else the latest of the currency."""
    found = [
        t
        for t in _filtered(transfers, params)
        if params.get("uuid") in (None, t.uuid) and params.get("txid") in (None, t.txid)
    ]
    return found[-1] if found else None


def _page(listed: list[dict[str, Any]], params: Params) -> list[dict[str, Any]]:
    """Newest first unless asked otherwise; filtered by state."""
    state = params.get("state")
    chosen = [row for row in listed if state is None or row["state"] == state.upper()]
    if params.get("order_by", "desc") == "desc":
        chosen.reverse()
    limit = min(int(params["limit"]), MAX_LISTED) if params.get("limit", "").isdecimal() else MAX_LISTED
    page = int(params["page"]) if params.get("page", "").isdecimal() else 1
    return chosen[(page - 1) * limit : page * limit]

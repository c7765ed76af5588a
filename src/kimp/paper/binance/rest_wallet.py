"""Binance's wallet. developers.binance.com: wallet, capital and travel rule."""

from decimal import Decimal
from typing import Any

from kimp.domain.venues import Venue
from kimp.paper.accounts import InsufficientFunds
from kimp.paper.addresses import PaperAddress
from kimp.paper.amounts import CONTEXT, ZERO, BadNumber, exact, is_multiple, number, plain
from kimp.paper.binance import render
from kimp.paper.binance.errors import REPEATED_ID, BinanceError
from kimp.paper.binance.gateway import CALLER, STATUS_PATH, ApiGateway, Params, mandatory
from kimp.paper.coins import CoinConfig, PaperNetwork
from kimp.paper.conditions import Condition
from kimp.paper.instruments import USDT
from kimp.paper.keys import PaperRight
from kimp.paper.transfer import Withdrawal
from kimp.paper.world import World

WEEK_MS = 7 * 86_400_000
HISTORY_MS = 90 * 86_400_000
MAX_ROWS = 1_000
NO_QUESTIONNAIRE, SPOT = "NIL", "0"


class WalletCalls:
    def __init__(self, world: World) -> None:
        self._world = world

    def bind(self, gate: ApiGateway) -> None:
        gate.public(STATUS_PATH, self.system_status)
        gate.sapi("GET", "/sapi/v1/capital/config/getall", self.coins, weight=10)
        gate.sapi("GET", "/sapi/v1/capital/deposit/address", self.deposit_address, weight=10)
        gate.sapi("GET", "/sapi/v1/capital/withdraw/address/list", self.registered_addresses, weight=10)
        gate.sapi_by_uid("POST", "/sapi/v1/capital/withdraw/apply", self.withdraw, weight=900)
        gate.sapi_by_uid(
            "GET", "/sapi/v1/capital/withdraw/history", self.withdrawals, weight=18_000, per_second=True
        )  # fmt: skip
        gate.sapi("GET", "/sapi/v1/capital/deposit/hisrec", self.deposits)
        gate.sapi("GET", "/sapi/v1/account/apiRestrictions", self.key_rights)
        gate.sapi(
            "GET",
            "/sapi/v1/localentity/questionnaire-requirements",
            lambda _params: {"questionnaireCountryCode": self._world.config.binance_questionnaire},
        )
        gate.sapi("GET", "/sapi/v1/margin/allPairs", lambda _params: [])
        gate.sapi("GET", "/sapi/v1/margin/isolated/allPairs", lambda _params: [])

    def system_status(self, _params: Params) -> dict[str, Any]:
        offline = self._world.conditions.hold(Condition.MAINTENANCE, Venue.BINANCE)
        return {"status": 1, "msg": "system_maintenance"} if offline else {"status": 0, "msg": "normal"}

    def coins(self, _params: Params) -> list[dict[str, Any]]:
        return [self._coin(coin) for coin in self._world.coins.values()]

    def deposit_address(self, params: Params) -> dict[str, Any]:
        coin = self._named(params)
        network = self._network(coin, params.get("network"))
        address = self._world.addresses.of(Venue.BINANCE, coin.name, network.name)
        if address is None:
            raise BinanceError(-4018)
        return {
            "coin": coin.name,
            "address": address.address,
            "tag": address.tag or "",
            "url": f"https://paper.invalid/{network.name}/address/{address.address}",
        }

    def registered_addresses(self, _params: Params) -> list[dict[str, Any]]:
        """The address book. Its whitelist is not switched on here: a withdrawal may go anywhere, as by default."""
        return [render.registered_address(address) for address in self._world.registrations.of(Venue.BINANCE)]

    @exact
    def withdraw(self, params: Params) -> dict[str, Any]:
        """`withdrawOrderId` is a note: the same one twice is two withdrawals, unless configured otherwise."""
        coin = self._named(params)
        if self._world.config.binance_questionnaire != NO_QUESTIONNAIRE:
            raise BinanceError(-4104)
        if params.get("walletType") != SPOT:
            raise BinanceError(-4026)  # left out: the wallet that the account has selected, where nothing ever is
        network = self._network(coin, params.get("network"))
        target = self._target(coin, network, params)
        amount = self._amount(params, network)
        if not self._world.wallets.of(Venue.BINANCE, coin.name).sends:
            raise BinanceError(-4019)
        fee, client_id = network.binance_fee, self._order_id(params)
        try:
            made = self._world.transfers.withdraw(Venue.BINANCE, network, target, amount - fee, fee, client_id)
        except InsufficientFunds:
            raise BinanceError(-4026) from None
        return {"id": render.withdrawal(made)["id"]}

    def _order_id(self, params: Params) -> str | None:
        given = params.get("withdrawOrderId") or None
        used = given is not None and any(w.client_id == given for w in self._own())
        if used and self._world.config.repeated_withdraw_order_id == "refuse":
            raise BinanceError(REPEATED_ID)
        return given

    def withdrawals(self, params: Params) -> list[dict[str, Any]]:
        """The last 90 days; with `withdrawOrderId` the last 7, and never a longer window."""
        by_id = params.get("withdrawOrderId")
        now_ms = self._world.clock.now_ms()
        first, last = _window(params, now_ms, WEEK_MS if by_id else HISTORY_MS)
        rows = [
            render.withdrawal(w)
            for w in self._own()
            if first <= w.created_ms <= last
            and by_id in (None, w.client_id)
            and params.get("coin") in (None, w.coin)
            and _listed(w.uuid, params.get("idList"))
        ]
        return _page([row for row in rows if params.get("status") in (None, str(row["status"]))], params)

    def deposits(self, params: Params) -> list[dict[str, Any]]:
        first, last = _window(params, self._world.clock.now_ms(), HISTORY_MS)
        rows = [
            render.deposit(d)
            for d in self._world.transfers.listed(Venue.BINANCE)
            if first <= d.created_ms <= last
            and params.get("coin") in (None, d.address.coin)
            and params.get("txId") in (None, d.txid)
        ]
        return _page([row for row in rows if params.get("status") in (None, str(row["status"]))], params)

    def key_rights(self, params: Params) -> dict[str, Any]:
        """Of the key that asks; a limit of its life is told only if it has one of its own."""
        ring = self._world.keys[Venue.BINANCE]
        key = ring.all()[params[CALLER]]
        limited = {} if key.expires is None else {"tradingAuthorityExpirationTime": ring.expires_ms(key)}
        return {
            "ipRestrict": key.ip_bound,
            "createTime": self._world.started_ms,
            "enableReading": PaperRight.READ in key.rights,
            "enableWithdrawals": PaperRight.WITHDRAW in key.rights,
            "enableInternalTransfer": False,
            "enableMargin": False,
            "enableFutures": key.futures,
            "permitsUniversalTransfer": False,
            "enableVanillaOptions": False,
            "enableFixApiTrade": False,
            "enableFixReadOnly": False,
            "enableSpotAndMarginTrading": PaperRight.TRADE in key.rights,
            "enablePortfolioMarginTrading": False,
            **limited,
        }

    def _coin(self, coin: CoinConfig) -> dict[str, Any]:
        balance = self._world.accounts[Venue.BINANCE][coin.name]
        state = self._world.wallets.of(Venue.BINANCE, coin.name)
        return {
            "coin": coin.name,
            "depositAllEnable": state.takes,
            "withdrawAllEnable": state.sends,
            "name": coin.name,
            "free": plain(balance.free),
            "locked": plain(balance.locked),
            "freeze": "0",
            "withdrawing": "0",
            "ipoing": "0",
            "ipoable": "0",
            "storage": "0",
            "isLegalMoney": False,
            "trading": coin.name != USDT,
            "networkList": [
                render.network(coin, network, deposit=state.takes, withdraw=state.sends) for network in coin.networks
            ],
        }

    def _named(self, params: Params) -> CoinConfig:
        coin = self._world.coins.get(mandatory(params, "coin"))
        if coin is None:
            raise BinanceError(-4018)
        return coin

    @staticmethod
    def _network(coin: CoinConfig, name: str | None) -> PaperNetwork:
        """Without a name the coin's default network, the first."""
        network = coin.networks[0] if not name else coin.network(name)
        if network is None:
            raise BinanceError(-4019)
        return network

    @staticmethod
    def _target(coin: CoinConfig, network: PaperNetwork, params: Params) -> PaperAddress:
        """A tag may be left out (and the coins be lost), but never be sent to a network that knows none."""
        tag = params.get("addressTag") or None
        if tag is not None and not network.tag_required:
            raise BinanceError(-4106)
        return PaperAddress(coin.name, network.name, mandatory(params, "address"), tag)

    @staticmethod
    def _amount(params: Params, network: PaperNetwork) -> Decimal:
        step = CONTEXT.power(Decimal(10), -network.decimals)
        try:
            amount = number(mandatory(params, "amount"))
        except BadNumber:
            raise BinanceError(-1102, "amount") from None
        if amount <= ZERO or not is_multiple(amount, step):
            raise BinanceError(-4021, plain(step), plain(step))
        if amount < network.binance_min or amount <= network.binance_fee:
            raise BinanceError(-4022, plain(network.binance_min))
        return amount

    def _own(self) -> list[Withdrawal]:
        return [w for w in self._world.transfers.withdrawals.values() if w.venue is Venue.BINANCE]


def _window(params: Params, now_ms: int, span_ms: int) -> tuple[int, int]:
    first, last = params.get("startTime", ""), params.get("endTime", "")
    until = int(last) if last.isdecimal() else now_ms
    since = int(first) if first.isdecimal() else until - span_ms
    if until - since > span_ms:
        raise BinanceError(-1127, message=f"Lookup interval is too big; at most {span_ms // 86_400_000} days.")
    return since, until


def _listed(uuid: str, id_list: str | None) -> bool:
    return id_list is None or uuid.replace("-", "") in id_list.split(",")


def _page(rows: list[dict[str, Any]], params: Params) -> list[dict[str, Any]]:
    """Newest first."""
    offset = int(params["offset"]) if params.get("offset", "").isdecimal() else 0
    limit = min(int(params["limit"]), MAX_ROWS) if params.get("limit", "").isdecimal() else MAX_ROWS
    return rows[::-1][offset : offset + limit]

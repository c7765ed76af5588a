"""What each call asks of a venue, to the letter: a name that is wrong there is ignored, and something else happens."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from fakes import intents
from fakes.intents import NEVER
from fakes.market import SOL, XRP, ManualClock, d
from pydantic import SecretStr

from kimp.adapters.binance.rest import BinanceExchange
from kimp.adapters.upbit.rest import UpbitExchange
from kimp.config import PAPER_NETWORKS, KeyPair
from kimp.config.venues import BinanceSettings, UpbitSettings
from kimp.contracts.transfers import Address
from kimp.domain.errors import VenueError
from kimp.domain.market import Side
from kimp.domain.money import Asset
from kimp.domain.venues import Direction, Venue
from kimp.ports.exchange import Exchange

Asked = tuple[str, dict[str, Any]]
KEY = KeyPair(access_key=SecretStr("access"), secret_key=SecretStr("secret"))


class Api:
    """In the place of ccxt: notes what it is asked and knows one answer for each call."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[Asked] = []

    def __getattr__(self, call: str) -> Any:
        async def ask(query: dict[str, Any] | None = None) -> Any:
            self.asked.append((call, query or {}))
            return self.answers.get(call)

        return ask

    async def request(self, path: str, api: list[str], method: str, params: dict[str, Any]) -> Any:
        """Of an endpoint that ccxt has no method for."""
        self.asked.append((f"{method} {'/'.join(api)} {path}", params))
        return self.answers.get(path, {"questionnaireCountryCode": "NIL"})

    async def close(self) -> None: ...


def over(api: Api, venue: Venue, levels: int = 5) -> Exchange:
    kind, settings = (UpbitExchange, UpbitSettings) if venue is Venue.UPBIT else (BinanceExchange, BinanceSettings)
    made: Any = kind(settings(networks=PAPER_NETWORKS, levels=levels), ManualClock(), lambda: KEY)
    made._api = api
    return made  # type: ignore[no-any-return]


async def asked(venue: Venue, call: Callable[[Exchange], Awaitable[Any]], **answers: Any) -> list[Asked]:
    """Whatever becomes of the answer."""
    api = Api(answers)
    with suppress(VenueError):
        await call(over(api, venue))
    return api.asked


BUY = intents.order(quantity=d("100.50"), limit_price=d("2.0100"))
SELL = intents.order(side=Side.SELL, client_order_id="XRP-1-1S1-1", quantity=d("1E+3"), limit_price=d("1E-8"))


@pytest.mark.parametrize(
    ("intent", "side", "quantity", "price"),
    [(BUY, ("bid", "BUY"), "100.5", "2.01"), (SELL, ("ask", "SELL"), "1000", "0.00000001")],
)
async def test_an_order_is_immediate_limited_and_named(intent: Any, side: Any, quantity: str, price: str) -> None:
    def call(exchange: Exchange) -> Awaitable[Any]:
        return exchange.place_order(intent, send_by_ms=NEVER)

    assert await asked(Venue.UPBIT, call) == [
        (
            "private_post_orders",
            {
                "market": "KRW-XRP", "side": side[0], "ord_type": "limit", "volume": quantity, "price": price,
                "time_in_force": "ioc", "identifier": intent.client_order_id,
            },
        )
    ]  # fmt: skip
    assert await asked(Venue.BINANCE, call) == [
        (
            "private_post_order",
            {
                "symbol": "XRPUSDT", "side": side[1], "type": "LIMIT", "timeInForce": "IOC", "quantity": quantity,
                "price": price, "newClientOrderId": intent.client_order_id, "newOrderRespType": "FULL",
            },
        )
    ]  # fmt: skip


def wallet(coin: Asset, *, tagged: bool) -> dict[str, Any]:
    chain = {
        "network": PAPER_NETWORKS[coin], "withdrawFee": "0.1", "withdrawMin": "1", "withdrawIntegerMultiple": "0.01",
        "withdrawEnable": True, "depositEnable": True, "withdrawTag": tagged,
    }  # fmt: skip
    return {"coin": coin, "networkList": [chain]}


@pytest.mark.parametrize(("coin", "tag"), [(XRP, "7"), (SOL, None)])
async def test_a_withdrawal_names_chain_place_and_amount(coin: Asset, tag: str | None) -> None:
    place = Address(network=PAPER_NETWORKS[coin], address="rThere", tag=tag)
    facts = {"coin": coin, "network": place.network, "amount": d("100.50"), "address": place}
    upbit = intents.withdrawal(direction=Direction.TO_BINANCE, **facts)
    assert await asked(Venue.UPBIT, lambda exchange: exchange.withdraw(upbit, send_by_ms=NEVER)) == [
        (
            "private_post_withdraws_coin",
            {
                "currency": coin, "net_type": place.network, "amount": "100.5", "address": "rThere",
                "transaction_type": "default", **({"secondary_address": tag} if tag else {}),
            },
        )
    ]  # fmt: skip
    binance = intents.withdrawal(direction=Direction.TO_UPBIT, **facts)
    wallets = [wallet(coin, tagged=tag is not None)]
    found = await asked(
        Venue.BINANCE,
        lambda exchange: exchange.withdraw(binance, send_by_ms=NEVER),
        sapi_get_capital_config_getall=wallets,
    )
    assert found == [
        ("GET sapi localentity/questionnaire-requirements", {}),
        ("sapi_get_capital_config_getall", {}),
        (
            "sapi_post_capital_withdraw_apply",
            {
                "coin": coin, "network": place.network, "address": "rThere", "amount": "100.5",
                "withdrawOrderId": binance.transfer_id, "walletType": "0", **({"addressTag": tag} if tag else {}),
            },
        ),
    ]  # fmt: skip


ORDER, TRANSFER = "XRP-1-1B1-1", "XRP-1-1W-1"
READS: list[tuple[str, Callable[[Exchange], Awaitable[Any]], list[Asked], list[Asked]]] = [
    (
        "an order",
        lambda exchange: exchange.find_order(XRP, ORDER),
        [("private_get_order", {"identifier": ORDER})],
        [("private_get_order", {"symbol": "XRPUSDT", "origClientOrderId": ORDER})],
    ),
    (
        "deposits",
        lambda exchange: exchange.deposits(XRP, "tx"),
        [("private_get_deposits", {"currency": "XRP", "txids[]": "tx", "limit": 100})],
        [("sapi_get_capital_deposit_hisrec", {"coin": "XRP", "txId": "tx"})],
    ),
    (
        "withdrawals",
        lambda exchange: exchange.withdrawals_since(XRP, 5, TRANSFER),
        [("private_get_withdraws", {"currency": "XRP", "limit": 100, "page": 1, "order_by": "desc"})],
        [("sapi_get_capital_withdraw_history", {"coin": "XRP", "withdrawOrderId": TRANSFER})],
    ),
    (
        "a withdrawal",
        lambda exchange: exchange.withdrawal(XRP, "w-1"),
        [("private_get_withdraw", {"uuid": "w-1", "currency": "XRP"})],
        [("sapi_get_capital_withdraw_history", {"idList": "w-1"})],
    ),
    (
        "a deposit address",
        lambda exchange: exchange.deposit_address(XRP),
        [("private_get_deposits_coin_address", {"currency": "XRP", "net_type": PAPER_NETWORKS[XRP]})],
        [("sapi_get_capital_deposit_address", {"coin": "XRP", "network": PAPER_NETWORKS[XRP]})],
    ),
    (
        "registered addresses",
        lambda exchange: exchange.registered_addresses(XRP),
        [("private_get_withdraws_coin_addresses", {})],
        [("sapi_get_capital_withdraw_address_list", {})],
    ),
    (
        "books",
        lambda exchange: exchange.tops([XRP, SOL]),
        [("public_get_orderbook", {"markets": "KRW-XRP,KRW-SOL", "count": 5})],
        [("public_get_depth", {"symbol": f"{coin}USDT", "limit": 5}) for coin in (XRP, SOL)],
    ),
    ("balances", lambda exchange: exchange.balances(), [("private_get_accounts", {})], [("private_get_account", {})]),
]


@pytest.mark.parametrize(("call", "upbit", "binance"), [row[1:] for row in READS], ids=[row[0] for row in READS])
async def test_a_read_asks_for_what_is_meant(
    call: Callable[[Exchange], Awaitable[Any]], upbit: list[Asked], binance: list[Asked]
) -> None:
    assert await asked(Venue.UPBIT, call) == upbit
    assert await asked(Venue.BINANCE, call) == binance


async def test_fills_are_read_to_their_end() -> None:
    """Without a first id and a limit Binance tells the latest 500."""
    order = {
        "orderId": 9, "status": "FILLED", "executedQty": "2", "symbol": "XRPUSDT", "side": "BUY", "origQty": "2",
        "price": "3", "time": 1, "type": "LIMIT", "timeInForce": "IOC", "cummulativeQuoteQty": "6",
    }  # fmt: skip
    (_, trades) = await asked(Venue.BINANCE, lambda one: one.find_order(XRP, ORDER), private_get_order=order)
    assert trades == ("private_get_mytrades", {"symbol": "XRPUSDT", "orderId": "9", "fromId": 0, "limit": 1000})


async def test_rights_of_upbits_key_are_tried_on_calls_that_change_nothing() -> None:
    listed = [{"access_key": "access", "expire_at": "2026-12-01T00:00:00+09:00"}]
    found = await asked(Venue.UPBIT, lambda exchange: exchange.key_facts(), private_get_api_keys=listed)
    order = {
        "market": "KRW-USDT", "side": "bid", "ord_type": "limit", "volume": "10", "price": "1000",
        "time_in_force": "ioc",
    }  # fmt: skip
    assert dict(found) == {
        "private_get_api_keys": {},
        "private_get_accounts": {},
        "private_get_orders_open": {},
        "private_get_withdraws_coin_addresses": {},
        "private_get_deposits_coin_addresses": {},
        "private_post_orders_test": order,
        "private_delete_withdraws_coin": {"uuid": "00000000-0000-4000-8000-000000000000"},
    }

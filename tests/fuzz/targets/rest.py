"""REST answers of both venues: from the body's bytes to kimp's own types, and from a refusal to an error."""

from collections.abc import Callable
from typing import Any

from fakes.market import NOW, XRP
from fuzz.target import Target
from fuzz.worth import unsound_of_venue

from kimp.adapters.binance import errors as binance_errors
from kimp.adapters.binance import keys as binance_keys
from kimp.adapters.binance import parse as binance
from kimp.adapters.binance import rulebook as binance_rules
from kimp.adapters.upbit import errors as upbit_errors
from kimp.adapters.upbit import keys as upbit_keys
from kimp.adapters.upbit import parse as upbit
from kimp.adapters.upbit import rulebook as upbit_rules
from kimp.adapters.venue.shape import decode
from kimp.domain.errors import BadMessage
from kimp.domain.money import USDT, Asset

UPBIT_MARKETS = {upbit.market(coin): coin for coin in (XRP, USDT)}
TXID = "98A3EA560C"


def _body(code_of: Callable[[Any], Any], parse: Callable[[Any], Any]) -> Callable[[bytes], Any]:
    """As a client does it: what is no JSON, or is an error's body, is not parsed."""

    def read(data: bytes) -> Any:
        content = decode(data.decode(errors="replace"))
        if content is None or code_of(content) is not None:
            raise BadMessage("no success")
        return parse(content)

    return read


def _parts(parse: Callable[..., Any], *names: str) -> Callable[[Any], Any]:
    """For what is put together from several answers: the input holds one under each name."""

    def read(content: Any) -> Any:
        if not isinstance(content, dict):
            raise BadMessage("no answers")
        return parse(*(content.get(name) for name in names))

    return read


def _upbit_instrument(chance: Any, ticks: Any, books: Any) -> Any:
    reported, tops = upbit_rules.order_chance(chance), upbit.tops(books, UPBIT_MARKETS, NOW)
    return upbit_rules.instrument(XRP, reported, upbit_rules.tick_sizes(ticks).get("KRW-XRP"), tops.get(XRP))


def _upbit_network(wallets: Any, chance: Any) -> Any:
    reported = upbit_rules.withdraw_chance(chance)
    return upbit_rules.network(XRP, "XRP", upbit_rules.wallets(wallets), reported, tagged=False)


def _binance_instrument(info: Any, fees: Any) -> Any:
    markets = binance_rules.symbols(info)
    if "XRPUSDT" not in markets:
        raise BadMessage("not listed")
    return binance_rules.instrument(XRP, markets["XRPUSDT"], binance_rules.taker_fees(fees))


def _binance_order(order: Any, trades: Any) -> Any:
    return binance.executed(order), binance.with_trades(order, binance.trades(trades))


UPBIT: dict[str, Callable[[Any], Any]] = {
    "order": upbit.order,
    "found-order": upbit.looked_up,
    "books": lambda reported: upbit.tops(reported, UPBIT_MARKETS, NOW),
    "accounts": upbit.balances,
    "deposit-address": upbit.deposit_address,
    "registered": lambda reported: upbit.registered_addresses(reported, XRP, "XRP"),
    "withdrawal": upbit.withdrawal,
    "withdrawals": upbit.withdrawals,
    "deposits": lambda reported: upbit.deposits(reported, TXID),
    "markets": upbit_rules.listing,
    "instrument": _parts(_upbit_instrument, "chance", "ticks", "books"),
    "network": _parts(_upbit_network, "wallets", "chance"),
    "turnovers": lambda reported: upbit_rules.turnovers(reported, UPBIT_MARKETS),
    "keys": lambda reported: upbit_keys.expiry(reported, "paper-upbit"),
}
BINANCE: dict[str, Callable[[Any], Any]] = {
    "order": binance.order,
    "found-order": _parts(_binance_order, "order", "trades"),
    "book": lambda reported: binance.book(reported, XRP, NOW),
    "account": binance.balances,
    "deposit-address": lambda reported: binance.deposit_address(reported, "XRP"),
    "registered": lambda reported: binance.registered_addresses(reported, XRP, "XRP"),
    "applied": binance.applied,
    "withdrawals": binance.withdrawals,
    "deposits": lambda reported: binance.deposits(reported, TXID),
    "instrument": _parts(_binance_instrument, "info", "fees"),
    "network": lambda reported: binance_rules.network(Asset("XRP"), "XRP", binance_rules.networks(reported)),
    "turnovers": lambda reported: binance_rules.turnovers(reported, {"XRPUSDT": XRP}),
    "keys": binance_keys.key_facts,
}
SHARED = {"upbit-found-order": "upbit-order"}
TARGETS = [
    Target(
        f"{venue}-{name}",
        _body(code_of, parse),
        (BadMessage,),
        unsound_of_venue,
        shared_corpus=SHARED.get(f"{venue}-{name}", ""),
    )
    for venue, code_of, parsers in (
        ("upbit", upbit_errors.code_of, UPBIT),
        ("binance", binance_errors.code_of, BINANCE),
    )
    for name, parse in parsers.items()
]

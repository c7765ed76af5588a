"""exchangeInfo and the filters in it. binance-spot-api-docs: filters.md."""

from decimal import Decimal
from typing import Any

from kimp.domain.market import Side
from kimp.paper.amounts import exact, is_multiple, padded
from kimp.paper.binance.errors import BinanceError, filter_failed
from kimp.paper.config import RateLimits
from kimp.paper.instruments import PaperInstrument

MAX_TICKS = 100_000_000
"""A price has at most so many: Binance's own greatest prices are 1,000,000 for BTC and 1 for SHIB."""
MAX_LOTS = 10_000_000_000
MARKET_LOTS_SHARE = 10
"""A market order may be this many times smaller at most than a limit order."""
PRICE_BAND = {Side.BUY: (Decimal("0.2"), Decimal(5)), Side.SELL: (Decimal("0.2"), Decimal(5))}
"""PERCENT_PRICE_BY_SIDE: times the average price, lowest and highest."""
MAX_OPEN_ORDERS = 200
PRECISION = 8


def max_price(instrument: PaperInstrument) -> Decimal:
    return MAX_TICKS * instrument.ladder.tick(Decimal(1))


def max_quantity(instrument: PaperInstrument) -> Decimal:
    return MAX_LOTS * instrument.lot


def max_market_quantity(instrument: PaperInstrument) -> Decimal:
    return max_quantity(instrument) / MARKET_LOTS_SHARE


def symbol(instrument: PaperInstrument, *, halted: bool) -> dict[str, Any]:
    return {
        "symbol": instrument.symbol,
        "status": "BREAK" if halted else "TRADING",
        "baseAsset": instrument.base,
        "baseAssetPrecision": PRECISION,
        "quoteAsset": instrument.quote,
        "quotePrecision": PRECISION,
        "quoteAssetPrecision": PRECISION,
        "baseCommissionPrecision": PRECISION,
        "quoteCommissionPrecision": PRECISION,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": False,
        "amendAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _filters(instrument),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": ["NONE"],
    }


def _filters(instrument: PaperInstrument) -> list[dict[str, Any]]:
    tick, lot = padded(instrument.ladder.tick(Decimal(1))), padded(instrument.lot)
    bid_low, bid_high = PRICE_BAND[Side.BUY]
    ask_low, ask_high = PRICE_BAND[Side.SELL]
    most, most_market = padded(max_quantity(instrument)), padded(max_market_quantity(instrument))
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": padded(max_price(instrument)), "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": most, "stepSize": lot},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00000000", "maxQty": most_market, "stepSize": "0.00000000"},
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": str(bid_high),
            "bidMultiplierDown": str(bid_low),
            "askMultiplierUp": str(ask_high),
            "askMultiplierDown": str(ask_low),
            "avgPriceMins": 5,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": padded(instrument.min_notional),
            "applyMinToMarket": True,
            "maxNotional": padded(instrument.max_notional),
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": MAX_OPEN_ORDERS},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
    ]


def rate_limits(limits: RateLimits) -> list[dict[str, Any]]:
    rows = (
        ("REQUEST_WEIGHT", "MINUTE", 1, limits.binance_weight_1m),
        ("ORDERS", "SECOND", 10, limits.binance_orders_10s),
        ("ORDERS", "DAY", 1, limits.binance_orders_1d),
        ("RAW_REQUESTS", "MINUTE", 5, 300_000),
    )
    return [
        {"rateLimitType": kind, "interval": interval, "intervalNum": count, "limit": limit}
        for kind, interval, count, limit in rows
    ]


def check_precision(name: str, value: Decimal) -> None:
    exponent = value.normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > PRECISION:
        raise BinanceError(-1111, name)


def check_price(instrument: PaperInstrument, side: Side, price: Decimal, market_price: Decimal) -> None:
    tick = instrument.ladder.tick(price)
    if not tick <= price <= max_price(instrument) or not is_multiple(price, tick):
        raise filter_failed("PRICE_FILTER")
    low, high = PRICE_BAND[side]
    if not market_price * low <= price <= market_price * high:
        raise filter_failed("PERCENT_PRICE_BY_SIDE")


def check_quantity(instrument: PaperInstrument, quantity: Decimal, *, market: bool) -> None:
    if not instrument.lot <= quantity <= max_quantity(instrument) or not is_multiple(quantity, instrument.lot):
        raise filter_failed("LOT_SIZE")
    if market and quantity > max_market_quantity(instrument):
        raise filter_failed("MARKET_LOT_SIZE")


@exact
def check_notional(instrument: PaperInstrument, notional: Decimal, *, market: bool) -> None:
    if notional < instrument.min_notional or (not market and notional > instrument.max_notional):
        raise filter_failed("NOTIONAL")

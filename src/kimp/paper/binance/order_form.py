"""From the parameters of POST /api/v3/order to a request that the desk can take."""

import re
import secrets
from decimal import Decimal

from kimp.domain.market import Side
from kimp.domain.venues import Venue
from kimp.paper.amounts import CONTEXT, ZERO, BadNumber, exact, number
from kimp.paper.binance import rules
from kimp.paper.binance.errors import BinanceError
from kimp.paper.binance.gateway import Params, mandatory
from kimp.paper.instruments import PaperInstrument
from kimp.paper.orders import Force, Request
from kimp.paper.world import World

SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
FORCES = {"GTC": Force.REST, "IOC": Force.NOW, "FOK": Force.ALL_NOW}
CLIENT_ID = re.compile(r"[a-zA-Z0-9-_]{1,36}")
CLIENT_ID_RANGE = "^[a-zA-Z0-9-_]{1,36}$"


def instrument_of(world: World, params: Params) -> PaperInstrument:
    instrument = world.of(Venue.BINANCE, mandatory(params, "symbol"))
    if instrument is None:
        raise BinanceError(-1121)
    return instrument


@exact
def request_of(world: World, params: Params) -> Request:
    """Raises BinanceError for everything that can be refused without looking at balances or open orders."""
    instrument = instrument_of(world, params)
    side = SIDES.get(mandatory(params, "side"))
    if side is None:
        raise BinanceError(-1117)
    kind = mandatory(params, "type")
    client_id = client_id_of(params, "newClientOrderId")
    if kind == "MARKET":
        return _market(world, instrument, side, client_id, params)
    if kind in ("LIMIT", "LIMIT_MAKER"):
        return _limit(world, instrument, side, client_id, params)
    raise BinanceError(-1116)


def client_id_of(params: Params, name: str) -> str:
    """The given one, or a drawn one."""
    text = params.get(name)
    if not text:
        return secrets.token_urlsafe(16)
    if not CLIENT_ID.fullmatch(text):
        raise BinanceError(-1100, name, CLIENT_ID_RANGE)
    return text


def _limit(world: World, instrument: PaperInstrument, side: Side, client_id: str, params: Params) -> Request:
    kind, word = params["type"], "GTC"
    if kind == "LIMIT":
        word = mandatory(params, "timeInForce")
        if word not in FORCES:
            raise BinanceError(-1115)
    price, quantity = _amount(params, "price"), _amount(params, "quantity")
    rules.check_price(instrument, side, price, world.tape(instrument).last)
    rules.check_quantity(instrument, quantity, market=False)
    rules.check_notional(instrument, price * quantity, market=False)
    force = Force.MAKE if kind == "LIMIT_MAKER" else FORCES[word]
    wire = {"type": kind, "timeInForce": word}
    return Request(instrument, side, force, client_id, quantity=quantity, limit=price, wire=wire)


def _market(world: World, instrument: PaperInstrument, side: Side, client_id: str, params: Params) -> Request:
    if "price" in params or "timeInForce" in params:
        raise BinanceError(-1106, "price" if "price" in params else "timeInForce")
    wire, last = {"type": "MARKET", "timeInForce": "GTC"}, world.tape(instrument).last
    if params.get("quoteOrderQty"):
        return _by_value(instrument, side, client_id, _amount(params, "quoteOrderQty"), last, wire)
    quantity = _amount(params, "quantity")
    rules.check_quantity(instrument, quantity, market=True)
    rules.check_notional(instrument, last * quantity, market=True)
    return Request(instrument, side, Force.NOW, client_id, quantity=quantity, wire=wire)


def _by_value(
    instrument: PaperInstrument, side: Side, client_id: str, value: Decimal, last: Decimal, wire: dict[str, str]
) -> Request:
    """quoteOrderQty: a buy spends it; a sale sells as many whole lots as bring about so much."""
    rules.check_notional(instrument, value, market=True)
    if side is Side.BUY:
        return Request(instrument, side, Force.NOW, client_id, budget=value, wire=wire)
    lots = CONTEXT.divide_int(CONTEXT.divide(value, last), instrument.lot)
    return Request(instrument, side, Force.NOW, client_id, quantity=lots * instrument.lot, wire=wire)


def _amount(params: Params, name: str) -> Decimal:
    try:
        value = number(mandatory(params, name))
    except BadNumber:
        raise BinanceError(-1100, name, "^([0-9]{1,20})(\\.[0-9]{1,20})?$") from None
    rules.check_precision(name, value)
    if value <= ZERO:
        raise BinanceError(-1013, message=f"Invalid {name}.")
    return value

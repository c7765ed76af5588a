"""From the parameters of POST /v1/orders to a request that the desk can take. docs.upbit.com: new-order."""

import re
from decimal import Decimal

from kimp.domain.market import Side
from kimp.domain.venues import Venue
from kimp.paper.amounts import CONTEXT, SATOSHI, ZERO, BadNumber, exact, is_multiple, number
from kimp.paper.instruments import PaperInstrument
from kimp.paper.orders import Force, Request
from kimp.paper.ticks import on_tick
from kimp.paper.upbit.errors import UpbitError, invalid
from kimp.paper.upbit.gateway import Params
from kimp.paper.world import World

SIDES = {"bid": Side.BUY, "ask": Side.SELL}
FORCES = {None: Force.REST, "ioc": Force.NOW, "fok": Force.ALL_NOW, "post_only": Force.MAKE}
IDENTIFIER = re.compile(r".{1,64}")


def identifier_of(params: Params) -> str | None:
    """Raises UpbitError if there is one that Upbit does not take."""
    text = params.get("identifier")
    if text is not None and not IDENTIFIER.fullmatch(text):
        raise invalid("identifier")
    return text


@exact
def request_of(world: World, params: Params) -> Request:
    """Raises UpbitError for everything that can be refused without looking at balances."""
    instrument = world.of(Venue.UPBIT, params.get("market", ""))
    side = SIDES.get(params.get("side", ""))
    if instrument is None:
        raise invalid("market")
    if side is None:
        raise invalid("side")
    word = params.get("time_in_force")
    if word not in FORCES:
        raise invalid("time_in_force")
    builders = {"limit": _limit, "price": _market_buy, "market": _market_sell, "best": _best}
    builder = builders.get(params.get("ord_type", ""))
    if builder is None:
        raise invalid("ord_type")
    request = builder(world, instrument, side, params)
    _check_total(world, request)
    return request


def _limit(_world: World, instrument: PaperInstrument, side: Side, params: Params) -> Request:
    price, volume = _positive(params, "price"), _volume(params)
    if not on_tick(instrument.ladder, price):
        raise _refusal("invalid_price", side)
    return _request(instrument, side, params, FORCES[params.get("time_in_force")], limit=price, quantity=volume)


def _market_buy(_world: World, instrument: PaperInstrument, side: Side, params: Params) -> Request:
    if side is not Side.BUY or "volume" in params or "time_in_force" in params:
        raise _refusal("create", side)
    return _request(instrument, side, params, Force.NOW, budget=_positive(params, "price"))


def _market_sell(_world: World, instrument: PaperInstrument, side: Side, params: Params) -> Request:
    if side is not Side.SELL or "price" in params or "time_in_force" in params:
        raise _refusal("create", side)
    return _request(instrument, side, params, Force.NOW, quantity=_volume(params))


def _best(world: World, instrument: PaperInstrument, side: Side, params: Params) -> Request:
    """Takes the best opposite level only."""
    if params.get("time_in_force") not in ("ioc", "fok"):
        raise invalid("time_in_force")
    force, book = FORCES[params["time_in_force"]], world.book(instrument)
    if side is Side.BUY:
        return _request(instrument, side, params, force, limit=book.ask, budget=_positive(params, "price"))
    return _request(instrument, side, params, force, limit=book.bid, quantity=_volume(params))


def _request(
    instrument: PaperInstrument,
    side: Side,
    params: Params,
    force: Force,
    *,
    limit: Decimal | None = None,
    quantity: Decimal | None = None,
    budget: Decimal | None = None,
) -> Request:
    wire = {"ord_type": params["ord_type"], "time_in_force": params.get("time_in_force")}
    return Request(instrument, side, force, params.get("identifier"), quantity, budget, limit, wire)


def _check_total(world: World, request: Request) -> None:
    """The value of the order in won; of a market sale at the best bid."""
    price = request.limit or world.book(request.instrument).bid
    total = request.budget if request.budget is not None else CONTEXT.multiply(price, request.quantity or ZERO)
    if total < request.instrument.min_notional:
        raise _refusal("under_min_total", request.side)
    if total > request.instrument.max_notional:
        raise UpbitError("over_krw_funds_bid")


def _volume(params: Params) -> Decimal:
    volume = _positive(params, "volume")
    if not is_multiple(volume, SATOSHI):
        raise invalid("volume")
    return volume


def _positive(params: Params, name: str) -> Decimal:
    try:
        value = number(params.get(name, ""))
    except BadNumber:
        raise invalid(name) from None
    if value <= ZERO:
        raise invalid(name)
    return value


def _refusal(stem: str, side: Side) -> UpbitError:
    word = "bid" if side is Side.BUY else "ask"
    return UpbitError(f"create_{word}_error" if stem == "create" else f"{stem}_{word}")

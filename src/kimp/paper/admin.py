"""The operator's side door, on a listener of its own: no venue has it. For this machine only, and for no web page.

GET  /_paper/health
GET  /_paper/balances               balances with locks, and what each counterparty gave
GET  /_paper/orders                 every order of both venues
GET  /_paper/transfers              every withdrawal and deposit
GET  /_paper/addresses              the deposit addresses of both venues
GET  /_paper/registrations          where each venue lets coins be sent
GET  /_paper/journal?limit=&kind=   the latest entries
POST /_paper/wallet                 {"venue", "coin", "state": working|withdraw_only|deposit_only|paused}
POST /_paper/withdraw_lock          {"locked": true}: Upbit's key may not withdraw
POST /_paper/registrations          {"venue", "coin", "addresses": [{"network", "address", "tag"}]}: all of the coin's
POST /_paper/condition              {"venue", "condition", "symbol", "seconds"}: see kimp.paper.conditions; 0 s ends it
POST /_paper/premium                {"coin", "premium": "0.012", "seconds": 20}
POST /_paper/begin                  recorded prices that wait begin to be played
/_paper/faults                      see kimp.paper.faults.control
/_paper/keys                        see kimp.paper.keys_control
"""

import os
from decimal import Decimal
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from kimp.domain.venues import PAIR, Venue
from kimp.paper.addresses import PaperAddress
from kimp.paper.amounts import plain
from kimp.paper.conditions import EVERYWHERE, Condition
from kimp.paper.faults.control import FaultControl
from kimp.paper.keys_control import KeyControl
from kimp.paper.orders import Order
from kimp.paper.transfer import Deposit, Withdrawal
from kimp.paper.wallets import WalletState
from kimp.paper.wire import Command, answer, bad, no_web_page, read_command
from kimp.paper.world import World

JOURNAL_ROWS = 100


class WalletCommand(Command):
    venue: Venue
    coin: str
    state: WalletState


class ConditionCommand(Command):
    venue: Venue
    condition: Condition
    symbol: str = EVERYWHERE
    seconds: Annotated[float, Field(ge=0, le=86_400)]


class LockCommand(Command):
    locked: bool


class Place(Command):
    network: str
    address: str
    tag: str | None = None


class RegistrationCommand(Command):
    venue: Venue
    coin: str
    addresses: tuple[Place, ...]


class PremiumCommand(Command):
    coin: str
    premium: Annotated[Decimal, Field(gt=-1, lt=1)]
    seconds: Annotated[float, Field(gt=0, le=86_400)]


class Admin:
    def __init__(self, world: World) -> None:
        self._world = world

    def app(self) -> web.Application:
        app = web.Application(middlewares=[no_web_page])
        app.router.add_get("/_paper/health", self.health)
        app.router.add_get("/_paper/balances", self.balances)
        app.router.add_get("/_paper/orders", self.orders)
        app.router.add_get("/_paper/transfers", self.transfers)
        app.router.add_get("/_paper/addresses", self.addresses)
        app.router.add_get("/_paper/registrations", self.registrations)
        app.router.add_get("/_paper/journal", self.journal)
        app.router.add_post("/_paper/wallet", self.set_wallet)
        app.router.add_post("/_paper/withdraw_lock", self.set_withdraw_lock)
        app.router.add_post("/_paper/registrations", self.register)
        app.router.add_post("/_paper/condition", self.set_condition)
        app.router.add_post("/_paper/premium", self.set_premium)
        app.router.add_post("/_paper/begin", self.begin)
        FaultControl(self._world.faults.injector, self._world.journal).bind(app)
        KeyControl(self._world).bind(app)
        return app

    async def health(self, _request: web.Request) -> web.Response:
        now_ms = self._world.clock.now_ms()
        return answer({"status": "up", "now_ms": now_ms, "started_ms": self._world.started_ms, "pid": os.getpid()})

    async def balances(self, _request: web.Request) -> web.Response:
        return answer({venue: self._balances(venue) for venue in PAIR})

    async def orders(self, _request: web.Request) -> web.Response:
        return answer(
            {venue: [_order(o) for o in self._world.desks[venue].orders.values()] for venue in PAIR}
        )  # fmt: skip

    async def transfers(self, _request: web.Request) -> web.Response:
        desk = self._world.transfers
        return answer(
            {
                "withdrawals": [_withdrawal(w) for w in desk.withdrawals.values()],
                "deposits": [_deposit(d) for d in desk.deposits.values()],
            }
        )

    async def addresses(self, _request: web.Request) -> web.Response:
        return answer({venue: _places(self._world.addresses.all(venue)) for venue in PAIR})

    async def registrations(self, _request: web.Request) -> web.Response:
        return answer({venue: _places(self._world.registrations.of(venue)) for venue in PAIR})

    async def journal(self, request: web.Request) -> web.Response:
        text = request.query.get("limit", str(JOURNAL_ROWS))
        if not text.isdecimal():
            raise bad(f"limit is {text!r}; give a whole number")
        return answer(self._world.journal.tail(int(text), request.query.get("kind")))

    async def set_wallet(self, request: web.Request) -> web.Response:
        command = await read_command(request, WalletCommand)
        self._need_coin(command.coin)
        self._world.wallets.set(command.venue, command.coin, command.state)
        self._world.journal.write("wallet", venue=command.venue, coin=command.coin, state=command.state)
        return answer({"venue": command.venue, "coin": command.coin, "state": command.state})

    async def set_withdraw_lock(self, request: web.Request) -> web.Response:
        command = await read_command(request, LockCommand)
        self._world.withdrawals_locked = command.locked
        self._world.journal.write("withdraw_lock", venue=Venue.UPBIT, locked=command.locked)
        return answer({"locked": command.locked})

    async def set_condition(self, request: web.Request) -> web.Response:
        command = await read_command(request, ConditionCommand)
        if command.condition is Condition.HALTED and self._world.of(command.venue, command.symbol) is None:
            raise bad(f"symbol {command.symbol!r} is no market of {command.venue}")
        if command.condition is not Condition.HALTED and command.symbol:
            raise bad(f"symbol: {command.condition} is the whole venue's; leave the symbol out")
        ms = int(command.seconds * 1000)
        self._world.conditions.begin(command.condition, command.venue, ms, command.symbol)
        return answer(command.model_dump(mode="json"))

    async def set_premium(self, request: web.Request) -> web.Response:
        command = await read_command(request, PremiumCommand)
        synthetic = self._world.synthetic
        if synthetic is None:
            raise web.HTTPConflict(
                text="recorded prices are replayed; only the synthetic market's premiums can be set\n"
            )
        self._need_coin(command.coin)
        for update in synthetic.set_premium(command.coin, command.premium, command.seconds):
            self._world.apply(update)
        self._world.journal.write("premium", coin=command.coin, premium=command.premium, seconds=command.seconds)
        return answer({"coin": command.coin, "premium": plain(command.premium), "seconds": command.seconds})

    async def begin(self, _request: web.Request) -> web.Response:
        replay = self._world.replay
        if replay is None:
            raise web.HTTPConflict(text="prices are made up; only recorded ones can begin\n")
        replay.begin()
        return answer({"rows": len(replay.rows)})

    async def register(self, request: web.Request) -> web.Response:
        command = await read_command(request, RegistrationCommand)
        self._need_coin(command.coin)
        places = [PaperAddress(command.coin, place.network, place.address, place.tag) for place in command.addresses]
        self._world.registrations.replace(command.venue, command.coin, places)
        self._world.journal.write("registration", venue=command.venue, coin=command.coin, addresses=_places(places))
        return answer(_places(places))

    def _need_coin(self, name: str) -> None:
        if name not in self._world.coins:
            raise bad(f"coin {name!r} is not one of {', '.join(self._world.coins)}")

    def _balances(self, venue: Venue) -> dict[str, Any]:
        accounts = self._world.accounts[venue]
        given = accounts.given()
        return {
            asset: {
                "free": plain(balance.free),
                "locked": plain(balance.locked),
                "total": plain(balance.total),
                "given": {who: plain(amount) for who, amount in given.get(asset, {}).items()},
            }
            for asset, balance in accounts.all().items()
        }


def _places(addresses: list[PaperAddress]) -> list[dict[str, Any]]:
    return [{"coin": a.coin, "network": a.network, "address": a.address, "tag": a.tag} for a in addresses]


def _order(order: Order) -> dict[str, Any]:
    request = order.request
    return {
        "uuid": order.uuid,
        "number": order.number,
        "client_id": request.client_id,
        "symbol": request.instrument.symbol,
        "side": request.side,
        "state": order.state,
        "limit": None if request.limit is None else plain(request.limit),
        "quantity": None if request.quantity is None else plain(request.quantity),
        "budget": None if request.budget is None else plain(request.budget),
        "executed": plain(order.executed),
        "funds": plain(order.funds),
        "fees": plain(order.fees),
        "fee_asset": order.fills[0].fee_asset if order.fills else None,
        "locked": plain(order.locked),
        "created_ms": order.created_ms,
    }


def _withdrawal(withdrawal: Withdrawal) -> dict[str, Any]:
    return {
        "uuid": withdrawal.uuid,
        "venue": withdrawal.venue,
        "client_id": withdrawal.client_id,
        "coin": withdrawal.coin,
        "network": withdrawal.network.name,
        "address": withdrawal.address.address,
        "tag": withdrawal.address.tag,
        "arrives": plain(withdrawal.amount),
        "fee": plain(withdrawal.fee),
        "step": withdrawal.step,
        "txid": withdrawal.txid,
        "created_ms": withdrawal.created_ms,
    }


def _deposit(deposit: Deposit) -> dict[str, Any]:
    return {
        "uuid": deposit.uuid,
        "withdrawal": deposit.withdrawal,
        "venue": deposit.venue,
        "coin": deposit.address.coin,
        "network": deposit.address.network,
        "amount": plain(deposit.amount),
        "step": deposit.step,
        "txid": deposit.txid,
        "created_ms": deposit.created_ms,
    }

"""What the customer holds, has ordered and has sent, kept over restarts in a file of its own.

Everything that changed is written in one transaction before the answer to a request leaves, so that nothing a client
was told is forgotten, also after kill -9. What happened between two answers may be forgotten: nobody was told of it.
Faults, rate limits, streams and what strangers trade begin anew with each start; a transfer takes its next step again.
"""

import os
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from kimp.contracts.names import decode_name, encode_name
from kimp.domain.errors import BadConfig
from kimp.domain.market import Side
from kimp.domain.venues import Venue
from kimp.paper.coins import PaperNetwork
from kimp.paper.instruments import PaperInstrument
from kimp.paper.orders import Force, Order, PaperFill, Request, State
from kimp.paper.transfer import Deposit, Withdrawal

VERSION = 1
"""Of the rows' form. Another one is refused: half an account is worse than none."""
MEND = "start anew with `kimp paper reset`, which resets kimp's books with it"


class KeptRequest(msgspec.Struct):
    symbol: str
    side: Side
    force: Force
    client_id: str | None
    quantity: Decimal | None
    budget: Decimal | None
    limit: Decimal | None
    wire: dict[str, str | None]


class KeptOrder(msgspec.Struct):
    venue: Venue
    request: KeptRequest
    number: int
    uuid: str
    created_ms: int
    fee_rate: Decimal
    fee_in_bnb: bool
    first_lock: Decimal
    reserved_fee: Decimal
    state: State
    updated_ms: int
    locked: Decimal
    executed: Decimal
    funds: Decimal
    fees: Decimal
    fills: list[PaperFill]
    visible_ms: int
    fresh_ms: int
    complete_ms: int

    @classmethod
    def of(cls, order: Order) -> "KeptOrder":
        asked = order.request
        request = KeptRequest(
            asked.instrument.symbol, asked.side, asked.force, asked.client_id, asked.quantity, asked.budget,
            asked.limit, asked.wire,
        )  # fmt: skip
        own = {name: getattr(order, name) for name in cls.__struct_fields__ if name not in {"venue", "request"}}
        return cls(venue=asked.instrument.venue, request=request, **own)

    def order(self, instrument: PaperInstrument) -> Order:
        asked = msgspec.structs.asdict(self.request)
        del asked["symbol"]
        own = {name: value for name, value in msgspec.structs.asdict(self).items() if name not in {"venue", "request"}}
        return Order(request=Request(instrument, **asked), **own)


class KeptAccounts(msgspec.Struct):
    """Of one venue. `unripe`: what Binance credited for trading only."""

    balances: dict[str, tuple[Decimal, Decimal]]
    given: dict[str, dict[str, Decimal]]
    unripe: dict[str, Decimal]


class KeptPrices(msgspec.Struct):
    """Where the synthetic market stood: logarithms, as its generator has them."""

    common: float
    fx: float
    coins: dict[str, float]


class StateFile:
    """The file. `changed` notes what a request touched, `write` puts it there."""

    def __init__(self, path: Path) -> None:
        """Raises BadConfig for a file that can't be used."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._path = path
        self._changed: dict[tuple[str, str], Callable[[], Any]] = {}
        self._encoder = msgspec.json.Encoder(enc_hook=_plain)
        try:
            self._file = self._open()
        except sqlite3.Error as error:
            raise BadConfig(f"the paper exchange's state in {path} can't be read: {error}; {MEND}") from None

    def _open(self) -> sqlite3.Connection:
        file = sqlite3.connect(self._path, timeout=0, isolation_level=None)
        # Two exchanges on one account would each forget what the other did.
        file.execute("PRAGMA locking_mode = EXCLUSIVE")
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA synchronous = NORMAL")
        file.execute("BEGIN IMMEDIATE")
        (version,) = file.execute("PRAGMA user_version").fetchone()
        if version not in {0, VERSION}:
            raise BadConfig(f"the paper exchange's state in {self._path} has version {version}, not {VERSION}; {MEND}")
        file.execute("CREATE TABLE IF NOT EXISTS kept (kind TEXT, name TEXT, value TEXT, PRIMARY KEY (kind, name))")
        file.execute(f"PRAGMA user_version = {VERSION}")
        file.execute("COMMIT")
        return file

    def read(self, kind: str, form: type[msgspec.Struct] | type[Deposit] | type[Withdrawal]) -> list[tuple[str, Any]]:
        """Name and value of each, oldest first. Raises BadConfig for a row of another form."""
        rows = self._file.execute("SELECT name, value FROM kept WHERE kind = ? ORDER BY rowid", (kind,))
        try:
            return [(name, msgspec.json.decode(value, type=form, dec_hook=_restored)) for name, value in rows]
        except (msgspec.MsgspecError, ValueError) as error:
            raise BadConfig(f"the paper exchange's state in {self._path} has a bad {kind}: {error}; {MEND}") from None

    def changed(self, kind: str, name: str, now: Callable[[], Any]) -> None:
        """`now` gives the value as it is when it is written."""
        self._changed[kind, name] = now

    def write(self) -> None:
        """All that changed, or nothing of it."""
        if not self._changed:
            return
        rows = [(kind, name, self._encoder.encode(now()).decode()) for (kind, name), now in self._changed.items()]
        with self._file:
            self._file.execute("BEGIN IMMEDIATE")
            self._file.executemany(
                "INSERT INTO kept VALUES (?, ?, ?) ON CONFLICT (kind, name) DO UPDATE SET value = excluded.value", rows
            )
        self._changed.clear()

    def close(self) -> None:
        self.write()
        self._file.close()

    @web.middleware
    async def before_the_answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        self.write()
        return response


def _plain(value: Any) -> Any:
    if isinstance(value, PaperNetwork):
        return value.model_dump(mode="json")
    return encode_name(value)


def _restored(kind: type, value: Any) -> Any:
    if kind is PaperNetwork:
        return PaperNetwork.model_validate(value)
    return decode_name(kind, value)

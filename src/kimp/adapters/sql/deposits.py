"""Which transfer a venue's deposit belongs to: several may come in under one txid."""

from sqlalchemy import Select, Update, literal, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from kimp.adapters.sql.store import Store
from kimp.adapters.sql.tables import ENDED, cycles, deposit_claims, withdrawal_intents
from kimp.contracts.transfers import DepositQuery
from kimp.ports.journal import DepositClaim


class SqlDepositClaims:
    """The port `DepositClaims`. Every method raises StoreUnavailable when the database does not serve."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._expected = store.insert_once(deposit_claims)

    async def expect_deposit(self, query: DepositQuery) -> None:
        row = {
            "transfer_id": query.transfer_id,
            "cycle_id": query.cycle_id,
            "venue": query.direction.destination,
            "txid": query.txid,
            "arrives": query.arrives,
        }
        await self._store.execute(self._expected.values(row))

    async def deposit_claims(self, query: DepositQuery) -> list[DepositClaim]:
        d = deposit_claims.c
        same = (
            select(d.transfer_id, d.arrives, d.deposit_id, cycles.c.status)
            .outerjoin(cycles, cycles.c.cycle_id == d.cycle_id)
            .where(d.txid == query.txid, d.venue == query.direction.destination)
        )

        async def work(connection: AsyncConnection) -> list[DepositClaim]:
            return [
                DepositClaim(row.transfer_id, row.arrives, row.deposit_id, over=row.status in ENDED)
                for row in await connection.execute(same)
            ]

        return await self._store.read(work)

    async def others_on_their_way(self, query: DepositQuery) -> bool:
        async def work(connection: AsyncConnection) -> bool:
            return (await connection.execute(_untold(query))).first() is not None

        return await self._store.read(work)

    async def claim_deposit(self, transfer_id: str, deposit_id: str) -> bool:
        d = deposit_claims.c
        bind = (
            update(deposit_claims)
            .where(d.transfer_id == transfer_id, or_(d.deposit_id.is_(None), d.deposit_id == deposit_id))
            .values(deposit_id=deposit_id)
        )
        return await self._claim(bind)

    async def _claim(self, bind: Update) -> bool:
        """False if nothing was to be bound, or if what it binds is another's: then a unique key refuses it."""

        async def work(connection: AsyncConnection) -> bool:
            try:
                return (await connection.execute(bind)).rowcount == 1
            except IntegrityError:
                return False

        return await self._store.write(work)


def _untold(query: DepositQuery) -> Select[int]:
    """Withdrawals of the coin the same way, of other cycles that have not ended, whose txid nobody has told yet."""
    w, d, c = withdrawal_intents.c, deposit_claims.c, cycles.c
    return (
        select(literal(1))
        .select_from(withdrawal_intents)
        .outerjoin(deposit_claims, d.transfer_id == w.transfer_id)
        .outerjoin(cycles, c.cycle_id == w.cycle_id)
        .where(
            w.venue == query.direction.source,
            w.coin == query.coin,
            w.cycle_id != query.cycle_id,
            w.reason.is_(None),
            d.transfer_id.is_(None),
            or_(c.status.is_(None), c.status.not_in(ENDED)),
        )
        .limit(1)
    )

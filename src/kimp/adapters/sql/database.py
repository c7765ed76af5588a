"""All that kimp keeps in the database, over one engine."""

from uuid import uuid4

from sqlalchemy import insert

from kimp.adapters.sql.arming import SqlArming
from kimp.adapters.sql.capital import SqlCapital
from kimp.adapters.sql.catching_up import SqlCatchingUp
from kimp.adapters.sql.controls import SqlControls
from kimp.adapters.sql.engine import create_engine, place_of
from kimp.adapters.sql.installation import SqlInstallation
from kimp.adapters.sql.journal import SqlJournal
from kimp.adapters.sql.ledger import SqlLedger
from kimp.adapters.sql.monitoring import SqlMonitoring
from kimp.adapters.sql.presence import SqlPresence
from kimp.adapters.sql.read_model import SqlReadModel
from kimp.adapters.sql.schema import check_schema
from kimp.adapters.sql.settings import SqlSettings
from kimp.adapters.sql.store import Store
from kimp.adapters.sql.story import SqlStories
from kimp.adapters.sql.tables import deposit_claims
from kimp.adapters.sql.unfinished_cycles import SqlUnfinishedCycles
from kimp.domain.arming import TradingMode
from kimp.domain.money import ZERO


class SqlDatabase:
    """The port `Database`; also what only kimp's own processes ask it for."""

    def __init__(self, store: Store, place: str, mode: TradingMode = TradingMode.SYNTHETIC) -> None:
        self._store = store
        self.place = place
        self.journal = SqlJournal(store, mode)
        self.ledger = SqlLedger(store)
        self.read_model = SqlReadModel(store)
        self.controls = SqlControls(store)
        self.arming = SqlArming(store)
        self.capital = SqlCapital(store)
        self.unfinished_cycles = SqlUnfinishedCycles(store)
        self.monitoring = SqlMonitoring(store)
        self.stories = SqlStories(store)
        self.settings = SqlSettings(store)
        self.presence = SqlPresence(store)
        self.installation = SqlInstallation(store)
        self.catching_up = SqlCatchingUp(store)

    async def ping(self) -> None:
        """Raises StoreUnavailable unless the database writes: a replica, and a writer that was demoted, answer too."""
        row = {"transfer_id": f"ping-{uuid4().hex}", "cycle_id": "", "venue": "", "txid": "", "arrives": ZERO}
        await self._store.try_write(insert(deposit_claims).values(row))

    async def close(self) -> None:
        await self._store.close()


async def connect_database(url: str, mode: TradingMode = TradingMode.SYNTHETIC) -> SqlDatabase:
    """Connect, and make sure that the tables are the ones this kimp was written for.

    `mode`: in which cycles start only while trading is armed.

    Raises BadConfig for a URL that can't be used and for a schema that `kimp migrate` must mend first,
    StoreUnavailable if the database does not answer.
    """
    await check_schema(url)
    return SqlDatabase(Store(create_engine(url)), place_of(url), mode)

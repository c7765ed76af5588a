"""A database whose clock shows what a test says."""

from dataclasses import dataclass

from fakes.tables import make_tables
from sqlalchemy import BigInteger, bindparam

from kimp.adapters.sql.database import SqlDatabase
from kimp.adapters.sql.engine import create_engine
from kimp.adapters.sql.store import Store
from kimp.domain.arming import TradingMode


@dataclass
class DatabaseClock:
    ms: int = 1

    async def books(self, url: str, mode: TradingMode = TradingMode.SYNTHETIC) -> SqlDatabase:
        """With kimp's tables and no rows."""
        await make_tables(url)
        now = bindparam("now_ms", callable_=lambda: self.ms, type_=BigInteger)
        return SqlDatabase(Store(create_engine(url), now), "here", mode)

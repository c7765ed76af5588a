"""Each step of a migration may be taken again: MySQL and MariaDB commit every change of a table by itself.

A migration that died half way left some of its steps done and its number unwritten, so the next one begins it anew.
What a step would make is there then, and that is all it is for. Rows are no such case: they are written with the
number, in one transaction, unless a step follows; then they must be of a kind that is right when written twice.
"""

from typing import Any

from alembic.ddl.mysql import MariaDBImpl, MySQLImpl
from sqlalchemy import CursorResult
from sqlalchemy.exc import DBAPIError

from kimp.adapters.sql.store import error_code

DONE = {1050: "table exists", 1060: "column exists", 1061: "index exists", 1826: "foreign key exists"}


class RerunnableMySQL(MySQLImpl):
    """Alembic takes the class of a dialect that was defined last."""

    __dialect__ = "mysql"

    def _exec(self, *args: Any, **options: Any) -> CursorResult[Any] | None:
        try:
            return super()._exec(*args, **options)
        except DBAPIError as error:
            if error_code(error) not in DONE:
                raise
            return None


class RerunnableMariaDB(MariaDBImpl, RerunnableMySQL):
    """The same by MariaDB's name."""

    __dialect__ = "mariadb"

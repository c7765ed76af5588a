"""The tables. Natural keys are the primary keys: what may exist once is refused the second time by the database."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from kimp.adapters.sql.amounts import AmountType, EstimateType
from kimp.contracts.status import TERMINAL

ENDED = [status.value for status in TERMINAL]
"""What `cycles.status` says of a cycle that is over."""

SURFACED = "surfaced after its fence"
"""What `order_intents.reason` says, for good, of an order that the sweep has handed over: once is enough."""

metadata = MetaData(
    naming_convention={
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

MYSQL = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mysql_row_format": "DYNAMIC",  # whatever the server's default: in COMPACT rows no key is longer than 767 bytes
}
MARIADB = {name.replace("mysql", "mariadb"): value for name, value in MYSQL.items()}
OPTIONS: dict[str, Any] = MYSQL | MARIADB
"""Binary collation: MySQL's usual one takes `ab` and `AB` for the same id."""

ID = String(64)
ENTRY_ID = String(128)
"""`<client order id>/<the venue's trade id>`: 36 characters and what the venue likes."""
CODE = String(32)
"""Coins, venues, sides, states."""

cycles = Table(
    "cycles",
    metadata,
    Column("cycle_id", ID, primary_key=True),
    Column("coin", CODE, nullable=False),
    Column("number", Integer, nullable=False),
    Column("direction", CODE, nullable=False),
    Column("status", CODE, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("waiting_reason", Text),
    Column("reason_kind", String(64)),
    Column("waiting_since_ms", BigInteger),
    Column("next_check_ms", BigInteger),
    Column("reason", Text),
    Column("refused_coin", CODE),
    Column("home_asset", CODE),
    Column("spent", EstimateType),  # both to look at: the exact ones are in the ledger
    Column("returned", EstimateType),
    Column("route", CODE),
    Column("profit_krw", EstimateType),
    Column("expected_edge", EstimateType, nullable=False),
    Column("premium", EstimateType, nullable=False),
    Column("settings_version", Integer),  # none: the configuration alone
    Column("workflow_run_id", ID, nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Column("closed_ms", BigInteger),
    UniqueConstraint("coin", "number"),
    Index(None, "started_ms"),
    Index(None, "status", "started_ms"),
    Index(None, "closed_ms"),
    Index(None, "refused_coin", "closed_ms"),
    **OPTIONS,
)

order_intents = Table(
    "order_intents",
    metadata,
    Column("client_order_id", ID, primary_key=True),
    Column("asked_by", ID, nullable=False),  # random: tells the one call that inserted the row from all later ones
    Column("first_asked_ms", BigInteger, nullable=False),
    Column("cycle_id", ID, nullable=False),
    Column("run_id", ID, nullable=False),
    Column("venue", CODE, nullable=False),
    Column("coin", CODE, nullable=False),
    Column("side", CODE, nullable=False),
    Column("quantity", AmountType, nullable=False),
    Column("limit_price", AmountType, nullable=False),
    Column("outcome", CODE),
    Column("venue_order_id", ID),
    Column("filled_quantity", EstimateType),  # both to look at, as above
    Column("filled_funds", EstimateType),
    Column("closed_ms", BigInteger),
    Column("reason", Text),
    Column("adopted_ms", BigInteger),  # it surfaced after its fence, and nobody has taken care of it yet
    Index(None, "cycle_id"),
    Index(None, "outcome", "first_asked_ms"),
    Index(None, "first_asked_ms"),
    **OPTIONS,
)

withdrawal_intents = Table(
    "withdrawal_intents",
    metadata,
    Column("transfer_id", ID, primary_key=True),
    Column("asked_by", ID, nullable=False),
    Column("first_asked_ms", BigInteger, nullable=False),
    Column("cycle_id", ID, nullable=False),
    Column("run_id", ID, nullable=False),
    Column("venue", CODE, nullable=False),
    Column("coin", CODE, nullable=False),
    Column("amount", AmountType, nullable=False),
    Column("network", CODE, nullable=False),
    Column("address", String(255), nullable=False),
    Column("tag", String(255)),
    Column("venue_id", ENTRY_ID),
    Column("likely", Integer),  # 1: bound because it looks like this one; none: the venue named it so
    Column("unanswered", ID, unique=True),  # `<venue>/<coin>` until the venue's id is known, or that it sent nothing
    Column("reason", Text),
    UniqueConstraint("venue", "venue_id"),
    Index(None, "cycle_id"),
    Index(None, "first_asked_ms"),
    **OPTIONS,
)

deposit_claims = Table(
    "deposit_claims",
    metadata,
    Column("transfer_id", ID, primary_key=True),
    Column("cycle_id", ID, nullable=False),
    Column("venue", CODE, nullable=False),  # that takes the coins in
    Column("txid", String(255), nullable=False),
    Column("arrives", AmountType, nullable=False),
    Column("deposit_id", ENTRY_ID),  # the venue's own, once it has credited the transfer's coins
    UniqueConstraint("venue", "deposit_id"),
    Index(None, "txid"),
    **OPTIONS,
)
"""A txid may be that of several transfers, which the venue paid out in one transaction; a deposit belongs to one."""

capital = Table(
    "capital",
    metadata,
    Column("venue", CODE, primary_key=True),
    Column("asset", CODE, nullable=False),
    Column("free", AmountType, nullable=False),
    **OPTIONS,
)
"""Cash that no cycle counts on, per venue."""

reservations = Table(
    "reservations",
    metadata,
    Column("cycle_id", ID, primary_key=True),
    Column("venue", CODE, nullable=False),
    Column("asset", CODE, nullable=False),
    Column("amount", AmountType, nullable=False),
    Column("stake_krw", BigInteger, nullable=False),  # whole won: caps are added up in SQL, on SQLite too
    Column("made_ms", BigInteger, nullable=False),
    Column("made_under", Integer, nullable=False),
    Column("released_ms", BigInteger),
    Column("released_no", BigInteger),  # rises from release to release, whatever any clock says
    Column("released_under", Integer),
    Column("result_krw", BigInteger),
    Column("armed_by", Integer),  # the id in `arms` that let it start; none in modes that need none
    Index(None, "made_ms"),
    Index(None, "released_ms"),
    Index(None, "released_no"),
    **OPTIONS,
)
"""One per cycle that was admitted: what it may spend, and what came of it. `..._under`: the last id in `halts` then."""

stock = Table(
    "stock",
    metadata,
    Column("venue", CODE, primary_key=True),
    Column("coin", CODE, primary_key=True),
    Column("free", AmountType, nullable=False),
    **OPTIONS,
)
"""Coins that no cycle counts on, per venue."""

stock_reservations = Table(
    "stock_reservations",
    metadata,
    Column("cycle_id", ID, primary_key=True),
    Column("venue", CODE, primary_key=True),
    Column("coin", CODE, primary_key=True),
    Column("amount", AmountType, nullable=False),
    **OPTIONS,
)
"""Coins that a cycle's pairs sell, until it ends."""

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("entry_id", ENTRY_ID, primary_key=True),
    Column("cycle_id", ID),
    Column("booked_ms", BigInteger, nullable=False),
    Index(None, "cycle_id"),
    **OPTIONS,
)

ledger_postings = Table(
    "ledger_postings",
    metadata,
    Column("entry_id", ENTRY_ID, ForeignKey(ledger_entries.c.entry_id), primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("account", CODE, nullable=False),
    Column("asset", CODE, nullable=False),
    Column("amount", AmountType, nullable=False),
    **OPTIONS,
)

halts = Table(
    "halts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("level", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("set_by", String(255), nullable=False),
    Column("set_ms", BigInteger, nullable=False),
    CheckConstraint("level BETWEEN 0 AND 3", name="level"),
    **OPTIONS,
)
"""The kill switch and its history: see `controls.IN_FORCE`; no row means RUN."""

arms = Table(
    "arms",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("cap_krw", BigInteger, nullable=False),  # 0: taken back
    Column("until_ms", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("set_by", String(255), nullable=False),
    Column("set_ms", BigInteger, nullable=False),
    Column("set_under", Integer, nullable=False),
    **OPTIONS,
)
"""Leave to trade real money, with its history: see `arming`. `set_under`: the last id in `halts` then."""

installation = Table(
    "installation",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("id", CODE, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    **OPTIONS,
)
"""One row: what the names of this database's orders end with."""

settings_versions = Table(
    "settings_versions",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("changes", Text, nullable=False),
    Column("set_by", String(255), nullable=False),
    Column("set_ms", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    **OPTIONS,
)
"""Trading settings that differ from the configuration, as JSON: the latest row holds, whole; no row means none."""

restores = Table(
    "restores",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("newest_ms", BigInteger, nullable=False),
    Column("marked_ms", BigInteger, nullable=False),
    Column("done_ms", BigInteger),
    **OPTIONS,
)
"""What the database held when a catch-up first ran: rows that are written since, by it or by kimp, hide no gap."""

presence = Table(
    "presence",
    metadata,
    Column("identity", String(255), primary_key=True),
    Column("work", CODE, primary_key=True),
    Column("seen_ms", BigInteger, nullable=False),
    Column("ended", Integer, nullable=False),
    **OPTIONS,
)
"""Which process does which work, and when it last said so. Nothing rests on it but what people are told."""

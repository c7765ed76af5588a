"""Cycles, the journal of intents, the ledger and the kill switch."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.String(64)
LONG_ID = sa.String(128)
CODE = sa.String(32)
TEXT = sa.Text()
MS = sa.BigInteger()
AMOUNT = sa.Text().with_variant(sa.Numeric(38, 18), "mysql", "mariadb")
OPTIONS: dict[str, Any] = {
    f"{dialect}_{name}": value
    for dialect in ("mysql", "mariadb")
    for name, value in {
        "engine": "InnoDB",
        "charset": "utf8mb4",
        "collate": "utf8mb4_bin",
        "row_format": "DYNAMIC",
    }.items()
}


def upgrade() -> None:
    """Create everything."""
    _cycles()
    _intents()
    _ledger()
    op.create_table(
        "halts",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("set_by", sa.String(255), nullable=False),
        sa.Column("set_ms", MS, nullable=False),
        sa.CheckConstraint("level BETWEEN 0 AND 3", name="ck_halts_level"),
        **OPTIONS,
    )


def _cycles() -> None:
    op.create_table(
        "cycles",
        sa.Column("cycle_id", ID, primary_key=True),
        sa.Column("coin", CODE, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("direction", CODE, nullable=False),
        sa.Column("status", CODE, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("waiting_reason", TEXT),
        sa.Column("reason", TEXT),
        sa.Column("home_asset", CODE),
        sa.Column("spent", AMOUNT),
        sa.Column("returned", AMOUNT),
        sa.Column("route", CODE),
        sa.Column("profit_krw", AMOUNT),
        sa.Column("expected_edge", AMOUNT, nullable=False),
        sa.Column("premium", AMOUNT, nullable=False),
        sa.Column("workflow_run_id", ID, nullable=False),
        sa.Column("started_ms", MS, nullable=False),
        sa.Column("updated_ms", MS, nullable=False),
        sa.Column("closed_ms", MS),
        sa.UniqueConstraint("coin", "number", name="uq_cycles_coin_number"),
        **OPTIONS,
    )
    op.create_index("ix_cycles_started_ms", "cycles", ["started_ms"])
    op.create_index("ix_cycles_status_started_ms", "cycles", ["status", "started_ms"])


def _intents() -> None:
    op.create_table(
        "order_intents",
        sa.Column("client_order_id", ID, primary_key=True),
        sa.Column("asked_by", ID, nullable=False),
        sa.Column("first_asked_ms", MS, nullable=False),
        sa.Column("cycle_id", ID, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("venue", CODE, nullable=False),
        sa.Column("coin", CODE, nullable=False),
        sa.Column("side", CODE, nullable=False),
        sa.Column("quantity", AMOUNT, nullable=False),
        sa.Column("limit_price", AMOUNT, nullable=False),
        sa.Column("outcome", CODE),
        sa.Column("venue_order_id", ID),
        sa.Column("filled_quantity", AMOUNT),
        sa.Column("filled_funds", AMOUNT),
        sa.Column("closed_ms", MS),
        sa.Column("reason", TEXT),
        **OPTIONS,
    )
    op.create_table(
        "withdrawal_intents",
        sa.Column("transfer_id", ID, primary_key=True),
        sa.Column("asked_by", ID, nullable=False),
        sa.Column("first_asked_ms", MS, nullable=False),
        sa.Column("cycle_id", ID, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("venue", CODE, nullable=False),
        sa.Column("coin", CODE, nullable=False),
        sa.Column("amount", AMOUNT, nullable=False),
        sa.Column("network", CODE, nullable=False),
        sa.Column("address", sa.String(255), nullable=False),
        sa.Column("tag", sa.String(255)),
        sa.Column("venue_id", LONG_ID),
        sa.UniqueConstraint("venue", "venue_id", name="uq_withdrawal_intents_venue_venue_id"),
        **OPTIONS,
    )


def _ledger() -> None:
    op.create_table(
        "ledger_entries",
        sa.Column("entry_id", LONG_ID, primary_key=True),
        sa.Column("cycle_id", ID),
        sa.Column("booked_ms", MS, nullable=False),
        **OPTIONS,
    )
    op.create_table(
        "ledger_postings",
        sa.Column(
            "entry_id",
            LONG_ID,
            sa.ForeignKey("ledger_entries.entry_id", name="fk_ledger_postings_entry_id"),
            primary_key=True,
        ),
        sa.Column("line", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("account", CODE, nullable=False),
        sa.Column("asset", CODE, nullable=False),
        sa.Column("amount", AMOUNT, nullable=False),
        **OPTIONS,
    )

"""Whose order a market refused, of cycles that ended for it."""

import sqlalchemy as sa
from alembic import op

from kimp.adapters.sql.migrations.versions.r0001_first_tables import CODE

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Earlier cycles told it in words alone, and only of leg one's coin."""
    with op.batch_alter_table("cycles") as cycles:
        cycles.add_column(sa.Column("refused_coin", CODE))
        cycles.create_index("ix_cycles_refused_coin_closed_ms", ["refused_coin", "closed_ms"])
    ended = sa.table("cycles", *(sa.column(name, sa.String) for name in ("refused_coin", "coin", "status", "reason")))
    c = ended.c
    bought = (c.status == "REJECTED") & c.reason.like("rejected; %")
    sold = c.status.in_(("REJECTED", "COMPENSATED")) & c.reason.like("selling " + c.coin + "; %rejected: %")
    op.execute(sa.update(ended).where(bought | sold).values(refused_coin=c.coin))

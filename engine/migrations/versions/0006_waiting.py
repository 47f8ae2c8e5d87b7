"""What waits to be told and why, silences, and what people did with alerts; which route did not tell something."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def upgrade() -> None:
    op.add_column("suppressed", sa.Column("route", sa.Text, nullable=False, server_default=""))
    op.add_column("alerts", sa.Column("closed_by", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "held",
        sa.Column("number", sa.Integer, primary_key=True),
        text("fingerprint"),
        text("rule"),
        text("key"),
        sa.Column("episode", sa.Integer, nullable=False),
        text("group_key"),
        text("route"),
        sa.Column("before", sa.Text),
        text("after"),
        text("reason"),
        sa.Column("at", INSTANT, nullable=False),
        text("hold"),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("until", INSTANT),
        sa.Column("owed", sa.Boolean, nullable=False),
        sa.UniqueConstraint("fingerprint", "group_key", name="held_once"),
    )
    op.create_table(
        "silences",
        sa.Column("number", sa.Integer, primary_key=True),
        text("matchers"),
        text("author"),
        text("comment"),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
    )
    op.create_table(
        "acts",
        sa.Column("number", sa.Integer, primary_key=True),
        text("fingerprint"),
        sa.Column("episode", sa.Integer, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        text("act"),
        text("author"),
        text("comment"),
    )
    op.create_index("ix_acts_fingerprint", "acts", ["fingerprint"])


def downgrade() -> None:
    for table in ("acts", "silences", "held"):
        op.drop_table(table)
    for table, column in (("suppressed", "route"), ("alerts", "closed_by")):
        with op.batch_alter_table(table) as altered:
            altered.drop_column(column)

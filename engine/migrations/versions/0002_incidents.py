"""Incidents: an alert may have members (other alerts), and may be told in an incident's message instead of by itself."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alerts", sa.Column("members", sa.Text, nullable=False, server_default="[]"))
    op.add_column("alerts", sa.Column("explained_by", sa.Text, nullable=False, server_default="null"))


def downgrade() -> None:
    with op.batch_alter_table("alerts") as alerts:
        alerts.drop_column("explained_by")
        alerts.drop_column("members")

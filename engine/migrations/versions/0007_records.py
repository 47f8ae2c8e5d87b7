"""What evaluations went by, so that they can be replayed: the project's files, the batches that were there, how storewatch itself fared."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("evaluations", sa.Column("version", sa.Text, nullable=False, server_default=""))
    op.add_column("evaluations", sa.Column("observed", sa.Text, nullable=False, server_default="null"))
    op.create_table(
        "versions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("files", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "seen_batches",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("evaluation", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    for table in ("seen_batches", "versions"):
        op.drop_table(table)
    with op.batch_alter_table("evaluations") as altered:
        altered.drop_column("observed")
        altered.drop_column("version")

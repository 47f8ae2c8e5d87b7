"""The first tables.

The columns are spelled out once more, rather than taken from ``state_tables``, because a migration describes the past.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def text(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def integer(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def upgrade() -> None:
    _evaluations()
    _alerts()
    _notifications()
    op.create_table(
        "rule_health",
        sa.Column("rule", sa.Text, primary_key=True),
        sa.Column("last_ok", INSTANT),
        integer("failures"),
        text("last_error"),
        integer("unknown"),
    )


def downgrade() -> None:
    for table in ("rule_health", "notification_alerts", "notifications", "suppressed", "transitions", "alerts", "evaluations"):
        op.drop_table(table)


def _evaluations() -> None:
    op.create_table(
        "evaluations",
        sa.Column("number", sa.Integer, primary_key=True),
        text("schedule"),
        sa.Column("instant", INSTANT, nullable=False),
        text("rules"),
        sa.Column("started", INSTANT, nullable=False),
        sa.Column("finished", INSTANT, nullable=False),
        integer("judged"),
        integer("transitions"),
        integer("notifications"),
        sa.UniqueConstraint("schedule", "instant", name="evaluations_claim"),
    )
    op.create_table(
        "transitions",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("evaluation", sa.Integer, sa.ForeignKey("evaluations.number", ondelete="CASCADE"), nullable=False),
        text("fingerprint"),
        text("rule"),
        text("key"),
        integer("episode"),
        text("before", nullable=True),
        text("after"),
        text("reason"),
        text("severity"),
        sa.Column("at", INSTANT, nullable=False),
        text("shown"),
    )
    op.create_index("ix_transitions_fingerprint", "transitions", ["fingerprint"])
    op.create_table(
        "suppressed",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("evaluation", sa.Integer, sa.ForeignKey("evaluations.number", ondelete="CASCADE"), nullable=False),
        text("fingerprint"),
        sa.Column("at", INSTANT, nullable=False),
        text("reason"),
    )
    op.create_index("ix_suppressed_fingerprint", "suppressed", ["fingerprint"])


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("fingerprint", sa.Text, primary_key=True),
        text("rule"),
        text("key"),
        text("store_id"),
        text("state"),
        text("severity"),
        sa.Column("pending_since", INSTANT, nullable=False),
        sa.Column("last_true", INSTANT, nullable=False),
        sa.Column("firing_since", INSTANT),
        sa.Column("resolved_at", INSTANT),
        sa.Column("notified_at", INSTANT),
        integer("episode"),
        text("shown"),
        text("evidence"),
        text("acknowledged_by"),
        sa.Column("not_true_since", INSTANT),
        text("owner"),
    )
    op.create_index("ix_alerts_rule", "alerts", ["rule"])
    op.create_index("ix_alerts_state", "alerts", ["state"])


def _notifications() -> None:
    op.create_table(
        "notifications",
        sa.Column("number", sa.Integer, primary_key=True),
        text("id"),
        text("channel"),
        text("recipient"),
        text("thread"),
        text("subject"),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        text("state"),
        integer("attempts"),
        sa.Column("first_attempt_at", INSTANT),
        sa.Column("next_attempt_at", INSTANT),
        sa.Column("lease_until", INSTANT),
        text("category"),
        text("detail"),
        sa.Column("delivered_at", INSTANT),
        sa.UniqueConstraint("id", "channel", "recipient", name="notifications_once"),
    )
    op.create_index("ix_notifications_thread", "notifications", ["thread"])
    op.create_index("notifications_due", "notifications", ["state", "channel", "next_attempt_at"])
    op.create_table(
        "notification_alerts",
        sa.Column("notification", sa.Integer, sa.ForeignKey("notifications.number", ondelete="CASCADE"), primary_key=True),
        sa.Column("fingerprint", sa.Text, primary_key=True),
        integer("episode"),
    )
    op.create_index("notification_alerts_of", "notification_alerts", ["fingerprint", "episode"])

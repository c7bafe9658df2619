"""Letters: what each said, what became of it, and those asked for by hand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "letter_contents",
        sa.Column("letter_id", sa.Text(), nullable=False, comment="The letter"),
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night whose letter it is"),
        sa.Column(
            "content",
            sa.Text(),
            nullable=False,
            comment="What it says, as JSON: names, addresses, amounts; personal, so in no view",
        ),
        sa.PrimaryKeyConstraint("letter_id", name=op.f("letter_contents_pk")),
        schema="closure",
        comment="What each letter said when it was written, so that a rerun, a copy or a reissue says the same",
    )
    op.create_index(
        "letter_contents_business_date_ix",
        "letter_contents",
        ["business_date"],
        unique=False,
        schema="closure",
    )
    op.create_table(
        "letter_deliveries",
        sa.Column("letter_id", sa.Text(), nullable=False, comment="The letter; sent at most once"),
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night whose letter it is"),
        sa.Column(
            "channel", sa.Text(), nullable=False, comment="print: the outbound folder; notify: GOV.UK Notify"
        ),
        sa.Column("state", sa.Text(), nullable=False, comment="CREATED, SENDING, SENT or FAILED"),
        sa.Column(
            "attempts",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="How often sending was begun",
        ),
        sa.Column(
            "attempted_at", sa.DateTime(timezone=True), nullable=True, comment="When it was last begun"
        ),
        sa.Column("last_error", sa.Text(), nullable=True, comment="Why it was not sent, in plain words"),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True, comment="When it was handed over"),
        sa.Column("provider_reference", sa.Text(), nullable=True, comment="What the other side calls it"),
        sa.PrimaryKeyConstraint("letter_id", name=op.f("letter_deliveries_pk")),
        schema="closure",
        comment="What became of each letter that was written",
    )
    op.create_index(
        "letter_deliveries_state_ix",
        "letter_deliveries",
        ["state"],
        unique=False,
        schema="closure",
        postgresql_where=sa.text("state != 'SENT'"),
    )
    op.create_table(
        "letters_by_hand",
        sa.Column(
            "request_id",
            sa.Text(),
            nullable=False,
            comment="<code>-<casegroup>-<system>-<case>-<letter>-<when>",
        ),
        sa.Column(
            "code",
            sa.Text(),
            nullable=False,
            comment="CMSL6300, CMSL6313 or, to a representative again, CMSL6314",
        ),
        sa.Column("casegroup_id", sa.Text(), nullable=False, comment="Casegroup"),
        sa.Column("csa_system", sa.Text(), nullable=True, comment="CSCS, CS2 or CCD"),
        sa.Column("csa_case_id", sa.Text(), nullable=True, comment="Case number on that CSA system"),
        sa.Column("from_on", sa.Date(), nullable=True, comment="First day of the period to write off"),
        sa.Column("to_on", sa.Date(), nullable=True, comment="Its last day"),
        sa.Column("repeats_letter_id", sa.Text(), nullable=True, comment="The letter to send again"),
        sa.Column("asked_by", sa.Text(), nullable=False, comment="Who asked for it"),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False, comment="When"),
        sa.Column(
            "letter_id",
            sa.Text(),
            nullable=True,
            comment="The letter it became; null until a night has made it",
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("letters_by_hand_pk")),
        schema="closure",
        comment="Letters caseworkers asked for (B17, B45)",
    )
    op.create_index(
        "letters_by_hand_waiting_ix",
        "letters_by_hand",
        ["asked_at"],
        unique=False,
        schema="closure",
        postgresql_where=sa.text("letter_id IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("letters_by_hand", schema="closure")
    op.drop_table("letter_deliveries", schema="closure")
    op.drop_table("letter_contents", schema="closure")

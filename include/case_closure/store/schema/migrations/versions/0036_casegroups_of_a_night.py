"""What a night changed of casegroups is found without reading all of them: for the page of the night."""

from __future__ import annotations

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A range a block: some kilobytes for a book of a million, and a row of one night lies beside those of the same.
    op.create_index(
        "casegroups_business_date_ix",
        "casegroups",
        ["business_date"],
        schema="closure",
        postgresql_using="brin",
    )


def downgrade() -> None:
    op.drop_index("casegroups_business_date_ix", table_name="casegroups", schema="closure")

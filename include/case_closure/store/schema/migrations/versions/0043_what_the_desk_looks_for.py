"""Clients, their cases, letters and payments are found by whoever is at a desk: by NINO, by name, by the reference they quote."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

_LETTERS_ALONE = "regexp_replace(upper(normalize({}, NFKD)), '[^A-Z]', '', 'g')"
_REFERENCE = r"mod(('x' || encode(substr(sha256(replace(letter_id, '\', '\\')\:\:bytea), 1, 8), 'hex'))\:\:bit(64)\:\:bigint, 24389)"


def upgrade() -> None:
    op.create_index(
        "csa_parties_nino_ix", "csa_parties", [sa.text("substr(upper(replace(nino, ' ', '')), 3, 5)")], schema="held"
    )  # fmt: skip
    op.create_index(
        "csa_parties_name_ix", "csa_parties",
        [sa.text(_LETTERS_ALONE.format("surname")), sa.text("left(upper(forenames), 1)")],
        schema="held",
    )  # fmt: skip
    for name in ("paying_parent", "receiving_parent"):
        op.create_index(
            f"csa_cases_{name}_ix", "csa_cases", [sa.text(f"mod(hashtext({name}_id), 65536)")], schema="held"
        )
    op.create_index("records_casegroup_ix", "records", ["casegroup_id"], schema="held")
    op.create_index("ltrs_casegroup_ix", "ltrs", ["casegroup_id"], schema="closure")
    op.create_index("letters_reference_ix", "letters", [sa.text(_REFERENCE)], schema="closure")
    op.create_index(
        "payments_listed_ix", "payments", ["status", "business_date", "payment_id"], schema="closure",
        postgresql_where=sa.text("status in ('SUSPENSE', 'FLAGGED', 'HELD', 'SURPLUS')"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("payments_listed_ix", table_name="payments", schema="closure")
    op.drop_index("ltrs_casegroup_ix", table_name="ltrs", schema="closure")
    op.drop_index("letters_reference_ix", table_name="letters", schema="closure")
    op.drop_index("records_casegroup_ix", table_name="records", schema="held")
    for name in ("csa_cases_receiving_parent_ix", "csa_cases_paying_parent_ix"):
        op.drop_index(name, table_name="csa_cases", schema="held")
    for name in ("csa_parties_name_ix", "csa_parties_nino_ix"):
        op.drop_index(name, table_name="csa_parties", schema="held")

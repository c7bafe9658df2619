"""Payments have rows of their own, and a history; receipts of agencies keep every row that comes ([16]-[20])."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_STATUSES = ("ALLOCATED", "HELD", "SUSPENSE", "SURPLUS", "DUPLICATE", "FLAGGED", "PASSED_ON")
_CHECKS = {
    "payments_source_ck": "source in ('CSA', 'DCA')",
    "payments_status_ck": f"status in ({', '.join(map(repr, _STATUSES))})",
    "payments_amounts_ck": "amount_pence > 0 and allocated_pence between 0 and amount_pence",
    "payments_allocated_ck": (
        "case status when 'ALLOCATED' then allocated_pence = amount_pence when 'SURPLUS' then allocated_pence < amount_pence "
        "else allocated_pence = 0 end"
    ),
    "payments_pass_ck": "(status in ('ALLOCATED', 'SURPLUS')) = (allocated_on is not null)",
    "payments_owner_ck": "(status in ('ALLOCATED', 'HELD', 'SURPLUS', 'FLAGGED')) = (casegroup_id is not null)",
    "payments_passed_ck": "(status = 'PASSED_ON') = (passed_to is not null)",
}


def upgrade() -> None:
    _agencies_by_place()
    op.create_table(
        "payments",
        sa.Column("payment_id", sa.Text(), nullable=False,
                  comment="<source>-<reference>-<night received>-<system>-<pence>-<which of these>"),
        sa.Column("source", sa.Text(), nullable=False, comment="CSA, or DCA: a collection agency"),
        sa.Column("reference", sa.Text(), nullable=False, comment="The receipt's reference, CSA's or the agency's"),
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night it was received"),
        sa.Column("extract_number", sa.Integer(), nullable=False, comment="Which extract of that date brought it"),
        sa.Column("row_number", sa.BigInteger(), nullable=False, comment="Its row in that file, from 1"),
        sa.Column("csa_system", sa.Text(),
                  comment="The system whose file it came in; of an agency's, of the case it was collected for"),
        sa.Column("csa_case_id", sa.Text(), comment="The case an agency collected it for"),
        sa.Column("amount_pence", sa.BigInteger(), nullable=False, comment="What was paid"),
        sa.Column("is_first", sa.Boolean(), nullable=False,
                  comment="The first of its reference, which others are compared with"),
        sa.Column("casegroup_id", sa.Text(), comment="Whose it is; null while that is not known"),
        sa.Column("status", sa.Text(), nullable=False,
                  comment="ALLOCATED, HELD, SUSPENSE, SURPLUS, DUPLICATE, FLAGGED or PASSED_ON"),
        sa.Column("allocated_pence", sa.BigInteger(), nullable=False, comment="What dues have taken of it"),
        sa.Column("allocated_on", sa.Date(), comment="Night of the pass in which they did"),
        sa.Column("passed_to", sa.Text(), comment="To whom it was passed on: a CMS case, an office, the payer (B60)"),
        sa.Column("prompted_on", sa.Date(), comment="Night on which somebody was asked to let a flagged one go ([19])"),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("payments_pk")),
        *(sa.CheckConstraint(law, name=op.f(name)) for name, law in _CHECKS.items()),
        schema="closure",
        comment="Each payment that could be read, and where its money is (B59-B61, R25)",
    )  # fmt: skip
    op.create_index("payments_first_ix", "payments", ["source", "reference"], unique=True, schema="closure",
                    postgresql_where=sa.text("is_first"))  # fmt: skip
    op.create_index("payments_reference_ix", "payments", ["reference"], schema="closure")
    op.create_index("payments_business_date_ix", "payments", ["business_date"], schema="closure")
    op.create_index("payments_waiting_ix", "payments", ["casegroup_id"], schema="closure",
                    postgresql_where=sa.text("status in ('HELD', 'FLAGGED')"))  # fmt: skip
    op.create_index("payments_suspense_ix", "payments", ["business_date"], schema="closure",
                    postgresql_where=sa.text("status = 'SUSPENSE'"))  # fmt: skip
    op.create_table(
        "payment_events",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False), nullable=False,
                  comment="In the order in which it was stored"),
        sa.Column("payment_id", sa.Text(), nullable=False, comment="The payment"),
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night that did it"),
        sa.Column("status", sa.Text(), comment="Where it stood from then on; null: its extract was taken back"),
        sa.Column("casegroup_id", sa.Text(), comment="Whose it was from then on"),
        sa.Column("allocated_pence", sa.BigInteger(), nullable=False, comment="What dues had taken of it"),
        sa.Column("passed_to", sa.Text(), comment="To whom it was passed on"),
        sa.Column("by_what", sa.Text(), nullable=False, comment="The extract, a caseworker's entry, or the night's pass"),
        sa.PrimaryKeyConstraint("number", name=op.f("payment_events_pk")),
        sa.CheckConstraint(f"status in ({', '.join(map(repr, _STATUSES))})", name=op.f("payment_events_status_ck")),
        schema="closure",
        comment="Every change of where a payment stands; rows are only ever added",
    )  # fmt: skip
    op.create_index("payment_events_payment_ix", "payment_events", ["payment_id"], schema="closure")
    op.create_index("payment_events_business_date_ix", "payment_events", ["business_date"], schema="closure")
    op.execute(
        "create trigger payment_events_added_to before update or delete on closure.payment_events "
        "for each statement execute function closure.refuse_change()"
    )
    # An item of a payment goes by the number of its exception, so that two of one payment are closed apart.
    op.execute(
        """
        update closure.work_items w set work_item_id = 'PAYMENT_SUSPENSE-' || e.exception_id
        from (select distinct on (subject_reference, business_date) exception_id, subject_reference, business_date
              from closure.exceptions where stage = 'payments' order by subject_reference, business_date, exception_id) e
        where w.type = 'PAYMENT_SUSPENSE' and w.subject_reference = e.subject_reference and w.business_date = e.business_date
        """
    )


def _agencies_by_place() -> None:
    op.drop_constraint("dca_payments_pk", "dca_payments", schema="held")
    op.add_column(
        "dca_payments",
        sa.Column("extract_number", sa.Integer(), comment="Which extract of that date, from 1"),
        schema="held",
    )
    op.add_column(
        "dca_payments",
        sa.Column("row_number", sa.BigInteger(), comment="Row in that file, from 1"),
        schema="held",
    )
    op.execute(
        """
        update held.dca_payments h set row_number = n.row_number, extract_number = coalesce(
            (select extract_number from closure.nights where business_date = h.business_date), 1)
        from (select dca_reference, row_number() over (partition by business_date order by dca_reference) as row_number
              from held.dca_payments) n where n.dca_reference = h.dca_reference
        """
    )
    for name in ("extract_number", "row_number"):
        op.alter_column("dca_payments", name, nullable=False, schema="held")
    op.alter_column("dca_payments", "dca_reference", nullable=True, schema="held")
    op.drop_column("dca_payments", "changed_on", schema="held")
    op.create_primary_key(
        "dca_payments_pk", "dca_payments", ["business_date", "extract_number", "row_number"], schema="held"
    )


def downgrade() -> None:
    op.drop_table("payment_events", schema="closure")
    op.drop_table("payments", schema="closure")
    op.drop_constraint("dca_payments_pk", "dca_payments", schema="held")
    op.add_column(
        "dca_payments",
        sa.Column("changed_on", sa.Date(), comment="Night on which the content last changed"),
        schema="held",
    )
    op.execute(
        """
        delete from held.dca_payments h where dca_reference is null or exists (
            select from held.dca_payments o where o.dca_reference = h.dca_reference
            and (o.business_date, o.extract_number, o.row_number) < (h.business_date, h.extract_number, h.row_number))
        """
    )
    op.execute("update held.dca_payments set changed_on = business_date")
    op.alter_column("dca_payments", "changed_on", nullable=False, schema="held")
    for name in ("extract_number", "row_number"):
        op.drop_column("dca_payments", name, schema="held")
    op.create_primary_key("dca_payments_pk", "dca_payments", ["dca_reference"], schema="held")

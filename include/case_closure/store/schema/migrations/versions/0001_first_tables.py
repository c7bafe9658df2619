"""The first tables: what is held, and what is made of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create schema held")
    op.execute("create schema closure")
    op.create_table(
        "casegroups",
        sa.Column(
            "casegroup_id", sa.Text(), nullable=False, comment="Casegroup; empty for what belongs to none"
        ),
        sa.Column("sensitive", sa.Boolean(), nullable=False, comment="Nationally sensitive (R26)"),
        sa.Column(
            "outcome",
            sa.Text(),
            nullable=True,
            comment="TRANSITION_COMPLETE, HELD, EXCEPTION, CLERICAL; null while no balance was received",
        ),
        sa.Column("reason", sa.Text(), nullable=True, comment="Why"),
        sa.Column(
            "received_pence",
            sa.BigInteger(),
            nullable=False,
            comment="All nine buckets of its latest balances; as completed",
        ),
        sa.Column("posted_pence", sa.BigInteger(), nullable=False, comment="Dues posted; as completed"),
        sa.Column(
            "held_pence", sa.BigInteger(), nullable=False, comment="Received, neither posted nor a credit"
        ),
        sa.Column("credit_pence", sa.BigInteger(), nullable=False, comment="Credits, below zero"),
        sa.Column("completed_on", sa.Date(), nullable=True, comment="Night of Transition Complete"),
        sa.Column(
            "business_date",
            sa.Date(),
            nullable=False,
            comment="Last night on which one of these columns changed",
        ),
        sa.PrimaryKeyConstraint("casegroup_id", name=op.f("casegroups_pk")),
        schema="closure",
        comment="What has become of each casegroup",
    )
    op.create_table(
        "cms_cases",
        sa.Column("csa_system", sa.Text(), nullable=False, comment="CSA system"),
        sa.Column("csa_case_id", sa.Text(), nullable=False, comment="Case number"),
        sa.Column("casegroup_id", sa.Text(), nullable=False, comment="Casegroup"),
        sa.Column("cms_case_id", sa.Text(), nullable=False, comment="The case on CMS"),
        sa.Column("cms_casegroup_id", sa.Text(), nullable=False, comment="The casegroup on CMS"),
        sa.Column("scheme", sa.Text(), nullable=True, comment="CSA scheme, 1993 or 2003"),
        sa.Column("origin", sa.Text(), nullable=False, comment="EXISTING on CMS, or created as ARREARS_ONLY"),
        sa.Column("created_on", sa.Date(), nullable=False, comment="Night on which it was created or linked"),
        sa.Column("maintenance_region", sa.Text(), nullable=True, comment="GB or NI (R17)"),
        sa.Column("method_of_payment", sa.Text(), nullable=True, comment="How the paying parent pays"),
        sa.Column(
            "benefit_code",
            sa.Text(),
            nullable=True,
            comment="The paying parent's benefit, when deducted from it (B42)",
        ),
        sa.Column("case_owner", sa.Text(), nullable=True, comment="Who owns it on CMS"),
        sa.Column(
            "paying_parent_matched_on",
            sa.Text(),
            nullable=True,
            comment="First eight characters of the paying parent's NINO",
        ),
        sa.PrimaryKeyConstraint("csa_system", "csa_case_id", name=op.f("cms_cases_pk")),
        schema="closure",
        comment="Each required CSA case, on CMS (B30, B31, B40)",
    )
    op.create_index("cms_cases_casegroup_ix", "cms_cases", ["casegroup_id"], unique=False, schema="closure")
    op.create_index(
        "cms_cases_paying_parent_ix",
        "cms_cases",
        ["paying_parent_matched_on"],
        unique=False,
        schema="closure",
    )
    op.create_table(
        "dues",
        sa.Column(
            "due_id",
            sa.Text(),
            nullable=False,
            comment="<system>-<case>-<creditor>-<status>: a bucket is posted once",
        ),
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night on which it was posted"),
        sa.Column("casegroup_id", sa.Text(), nullable=False, comment="Casegroup"),
        sa.Column("cms_casegroup_id", sa.Text(), nullable=False, comment="Casegroup on CMS"),
        sa.Column("cms_case_id", sa.Text(), nullable=False, comment="Case on CMS"),
        sa.Column("csa_system", sa.Text(), nullable=False, comment="CSA system"),
        sa.Column("csa_case_id", sa.Text(), nullable=False, comment="Case number"),
        sa.Column("scheme", sa.Text(), nullable=True, comment="CSA scheme"),
        sa.Column("creditor", sa.Text(), nullable=False, comment="RP, GB_SOS or NI_SOS"),
        sa.Column("arrears_status", sa.Text(), nullable=False, comment="ACTIVE, SUSPENDED or DEFERRED"),
        sa.Column(
            "posted_pence",
            sa.BigInteger(),
            nullable=False,
            comment="As mirrored from the balance; never changed",
        ),
        sa.Column("arrears_from", sa.Date(), nullable=True, comment="First day of the arrears"),
        sa.Column("arrears_to", sa.Date(), nullable=True, comment="Last day of the arrears"),
        sa.PrimaryKeyConstraint("due_id", name=op.f("dues_pk")),
        schema="closure",
        comment="Debits on the paying parent's CMS account, mirroring the balance (B44, R6)",
    )
    op.create_index("dues_business_date_ix", "dues", ["business_date"], unique=False, schema="closure")
    op.create_index("dues_casegroup_ix", "dues", ["casegroup_id"], unique=False, schema="closure")
    op.create_table(
        "exception_events",
        sa.Column("exception_id", sa.Text(), nullable=False, comment="The exception"),
        sa.Column("event_number", sa.Integer(), nullable=False, comment="From 1"),
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night of the event"),
        sa.Column("event", sa.Text(), nullable=False, comment="OPENED, RESOLVED, REOPENED, ALLOCATED"),
        sa.Column("by_what", sa.Text(), nullable=True, comment="What brought it about"),
        sa.PrimaryKeyConstraint("exception_id", "event_number", name=op.f("exception_events_pk")),
        schema="closure",
        comment="The history of each exception",
    )
    op.create_table(
        "exceptions",
        sa.Column(
            "exception_id",
            sa.Text(),
            nullable=False,
            comment="<rule>-<casegroup>-<system>-<case>-<subject for warnings>-<night>",
        ),
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night on which it was first seen"),
        sa.Column("stage", sa.Text(), nullable=False, comment="Stage that found it"),
        sa.Column(
            "channel",
            sa.Text(),
            server_default="EXTRACT",
            nullable=False,
            comment="EXTRACT, or how else it reached us (B51)",
        ),
        sa.Column("rule_code", sa.Text(), nullable=False, comment="The rule that was broken"),
        sa.Column("severity", sa.Text(), nullable=False, comment="HOLD or WARNING"),
        sa.Column("csa_system", sa.Text(), nullable=True, comment="CSCS, CS2 or CCD"),
        sa.Column("csa_case_id", sa.Text(), nullable=True, comment="Case number on that CSA system"),
        sa.Column(
            "casegroup_id",
            sa.Text(),
            nullable=True,
            comment="Casegroup: all cases that share one paying parent",
        ),
        sa.Column("sensitive", sa.Boolean(), nullable=False, comment="Nationally sensitive (R26)"),
        sa.Column("subject", sa.Text(), nullable=True, comment="Whom or what it is about"),
        sa.Column(
            "subject_reference", sa.Text(), nullable=True, comment="The payment or correction it is about"
        ),
        sa.Column("field", sa.Text(), nullable=True, comment="The field to look at"),
        sa.Column("value", sa.Text(), nullable=True, comment="What the field held, masked where personal"),
        sa.Column(
            "message", sa.Text(), nullable=False, comment="What is wrong and what to do, in plain words"
        ),
        sa.Column(
            "route", sa.Text(), nullable=True, comment="CASE_OWNER or FT_TEAM (B50); null for a warning"
        ),
        sa.Column("case_owner", sa.Text(), nullable=True, comment="Owner of the CMS case"),
        sa.Column("status", sa.Text(), nullable=False, comment="OPEN, ALLOCATED or RESOLVED"),
        sa.Column("allocated_to", sa.Text(), nullable=True, comment="Who works on it"),
        sa.Column("last_seen_on", sa.Date(), nullable=False, comment="Last night on which it was still so"),
        sa.Column("resolved_on", sa.Date(), nullable=True, comment="Night on which its cause was gone"),
        sa.Column("resolved_by", sa.Text(), nullable=True, comment="What resolved it"),
        sa.Column(
            "original",
            sa.Text(),
            nullable=True,
            comment="The row as it came, as JSON; personal, so in no view",
        ),
        sa.PrimaryKeyConstraint("exception_id", name=op.f("exceptions_pk")),
        schema="closure",
        comment="Each reason for which a record went no further (B48-B50, R10)",
    )
    op.create_index("exceptions_casegroup_ix", "exceptions", ["casegroup_id"], unique=False, schema="closure")
    op.create_index(
        "exceptions_open_ix",
        "exceptions",
        ["business_date"],
        unique=False,
        schema="closure",
        postgresql_where=sa.text("status != 'RESOLVED'"),
    )
    op.create_table(
        "gate_results",
        sa.Column("business_date", sa.Date(), nullable=False, comment="The night"),
        sa.Column("suite", sa.Text(), nullable=False, comment="The suite that was run"),
        sa.Column("rule_code", sa.Text(), nullable=False, comment="The rule"),
        sa.Column(
            "sensitive",
            sa.Boolean(),
            nullable=False,
            comment="Counts of nationally sensitive casegroups (R26)",
        ),
        sa.Column("judged_rows", sa.BigInteger(), nullable=False, comment="Rows it was judged on"),
        sa.Column("failed_rows", sa.BigInteger(), nullable=False, comment="Rows that broke it"),
        sa.PrimaryKeyConstraint(
            "business_date", "suite", "rule_code", "sensitive", name=op.f("gate_results_pk")
        ),
        schema="closure",
        comment="Every rule, every night, also those that found nothing",
    )
    op.create_table(
        "interest_flags",
        sa.Column("party_id", sa.Text(), nullable=False, comment="The client"),
        sa.Column(
            "business_date", sa.Date(), nullable=False, comment="Night on which the flag was asked for"
        ),
        sa.Column("nino", sa.Text(), nullable=False, comment="The NINO to flag"),
        sa.Column("casegroup_id", sa.Text(), nullable=False, comment="Casegroup"),
        sa.PrimaryKeyConstraint("party_id", name=op.f("interest_flags_pk")),
        schema="closure",
        comment="Interest flags CIS is asked to set (B37, B38)",
    )
    op.create_table(
        "letters",
        sa.Column(
            "letter_id",
            sa.Text(),
            nullable=False,
            comment="<code>-<casegroup>-<system>-<case>-<party>-<night>",
        ),
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night on which it fell due"),
        sa.Column("code", sa.Text(), nullable=False, comment="CMSL6300 to CMSL6314"),
        sa.Column(
            "recipient_role",
            sa.Text(),
            nullable=False,
            comment="PAYING_PARENT, RECEIVING_PARENT or REPRESENTATIVE",
        ),
        sa.Column("party_id", sa.Text(), nullable=True, comment="The client it is to, or about"),
        sa.Column("casegroup_id", sa.Text(), nullable=False, comment="Casegroup"),
        sa.Column("csa_system", sa.Text(), nullable=True, comment="CSCS, CS2 or CCD"),
        sa.Column("csa_case_id", sa.Text(), nullable=True, comment="Case number on that CSA system"),
        sa.Column("status", sa.Text(), nullable=False, comment="ISSUED, NOT_ISSUED or SUPPRESSED"),
        sa.Column("reason", sa.Text(), nullable=True, comment="NO_VALID_ADDRESS, DLO or DECEASED"),
        sa.Column(
            "covers_letter_id", sa.Text(), nullable=True, comment="The letter a covering letter goes with"
        ),
        sa.Column("total_pence", sa.BigInteger(), nullable=True, comment="The arrears it states"),
        sa.Column(
            "clerical_issued_on", sa.Date(), nullable=True, comment="When the legacy team sent it by hand"
        ),
        sa.PrimaryKeyConstraint("letter_id", name=op.f("letters_pk")),
        schema="closure",
        comment="Letters due, sent or not",
    )
    op.create_index("letters_business_date_ix", "letters", ["business_date"], unique=False, schema="closure")
    op.create_index("letters_casegroup_ix", "letters", ["casegroup_id"], unique=False, schema="closure")
    op.create_table(
        "next_actions",
        sa.Column("csa_system", sa.Text(), nullable=False, comment="CSA system"),
        sa.Column("csa_case_id", sa.Text(), nullable=False, comment="Case number"),
        sa.Column("casegroup_id", sa.Text(), nullable=False, comment="Casegroup"),
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night of the decision"),
        sa.Column("action", sa.Text(), nullable=False, comment="What happens next on CMS"),
        sa.Column("reason", sa.Text(), nullable=False, comment="The row of the table that said so"),
        sa.PrimaryKeyConstraint("csa_system", "csa_case_id", name=op.f("next_actions_pk")),
        schema="closure",
        comment="What follows once the arrears are on CMS (B46, B47)",
    )
    op.create_table(
        "night_figures",
        sa.Column("business_date", sa.Date(), nullable=False, comment="The night's business date"),
        sa.Column(
            "sensitive",
            sa.Boolean(),
            nullable=False,
            comment="Figures of nationally sensitive casegroups (R26)",
        ),
        sa.Column(
            "casegroups_received",
            sa.BigInteger(),
            nullable=False,
            comment="Distinct casegroups in the night's balances",
        ),
        sa.Column(
            "received_pence", sa.BigInteger(), nullable=False, comment="Sum of the night's balance rows"
        ),
        sa.Column("posted_pence", sa.BigInteger(), nullable=False, comment="Dues posted that night"),
        sa.Column("held_pence", sa.BigInteger(), nullable=False, comment="All held at the end of the night"),
        sa.Column(
            "exceptions_opened",
            sa.BigInteger(),
            nullable=False,
            comment="HOLD exceptions first seen that night",
        ),
        sa.Column(
            "exceptions_resolved", sa.BigInteger(), nullable=False, comment="Exceptions resolved that night"
        ),
        sa.Column("letters_issued", sa.BigInteger(), nullable=False, comment="Letters with status ISSUED"),
        sa.PrimaryKeyConstraint("business_date", "sensitive", name=op.f("night_figures_pk")),
        schema="closure",
        comment="What a finished night came to",
    )
    op.create_table(
        "nights",
        sa.Column("business_date", sa.Date(), nullable=False, comment="The night's business date"),
        sa.Column("status", sa.Text(), nullable=False, comment="OPEN, SUCCESS, REJECTED or FAILED"),
        sa.Column("run_id", sa.Text(), nullable=False, comment="The run that holds or last held this night"),
        sa.Column("stage", sa.Text(), nullable=True, comment="The stage reached, or the one that failed"),
        sa.Column(
            "reason", sa.Text(), nullable=True, comment="Why it was rejected or failed, in plain words"
        ),
        sa.Column("extract_id", sa.Text(), nullable=True, comment="The extract applied, from its manifest"),
        sa.Column("manifest_sha256", sa.Text(), nullable=True, comment="Hash of the manifest applied"),
        sa.Column(
            "extract_number",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="How many extracts of this date were begun",
        ),
        sa.Column(
            "started_at", sa.DateTime(timezone=True), nullable=False, comment="When it was first started"
        ),
        sa.Column(
            "finished_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When it first succeeded, or last failed",
        ),
        sa.Column(
            "succeeded",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Has succeeded once; a run since is a rerun",
        ),
        sa.PrimaryKeyConstraint("business_date", name=op.f("nights_pk")),
        schema="closure",
        comment="Every night that was started, and how it ended (R21, R22)",
    )
    op.create_table(
        "positions",
        sa.Column(
            "casegroup_id", sa.Text(), nullable=False, comment="Casegroup; empty for what belongs to none"
        ),
        sa.Column("csa_system", sa.Text(), nullable=False, comment="CSA system; empty when the row had none"),
        sa.Column(
            "csa_case_id", sa.Text(), nullable=False, comment="Case number; empty when the row had none"
        ),
        sa.Column("creditor", sa.Text(), nullable=False, comment="RP, GB_SOS or NI_SOS"),
        sa.Column("arrears_status", sa.Text(), nullable=False, comment="ACTIVE, SUSPENDED or DEFERRED"),
        sa.Column(
            "received_pence", sa.BigInteger(), nullable=False, comment="Received in this bucket; as completed"
        ),
        sa.Column("posted_pence", sa.BigInteger(), nullable=False, comment="Posted as a due"),
        sa.Column(
            "held_pence",
            sa.BigInteger(),
            nullable=False,
            comment="Held: by a hold, an exception or because clerical",
        ),
        sa.Column("credit_pence", sa.BigInteger(), nullable=False, comment="A credit, below zero (R5)"),
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night of its latest change"),
        sa.Column("credited_on", sa.Date(), nullable=True, comment="Night on which the credit was listed"),
        sa.PrimaryKeyConstraint(
            "casegroup_id",
            "csa_system",
            "csa_case_id",
            "creditor",
            "arrears_status",
            name=op.f("positions_pk"),
        ),
        schema="closure",
        comment="Where every penny received is: received = posted + held + credit, in every bucket",
    )
    op.create_table(
        "refused_rows",
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night whose extract brought the row"),
        sa.Column("file_name", sa.Text(), nullable=False, comment="The file it came in"),
        sa.Column("row_number", sa.BigInteger(), nullable=False, comment="Row in that file, from 1"),
        sa.Column(
            "rule_codes",
            sa.ARRAY(sa.Text()),
            nullable=False,
            comment="Rules it broke; empty: it has no key to be held under",
        ),
        sa.Column("fields", sa.ARRAY(sa.Text()), nullable=False, comment="The field for each rule"),
        sa.Column("csa_system", sa.Text(), nullable=True, comment="CSCS, CS2 or CCD"),
        sa.Column("csa_case_id", sa.Text(), nullable=True, comment="Case number on that CSA system"),
        sa.Column(
            "casegroup_id",
            sa.Text(),
            nullable=True,
            comment="Casegroup: all cases that share one paying parent",
        ),
        sa.Column(
            "sensitive", sa.Boolean(), nullable=False, comment="The row says its case is nationally sensitive"
        ),
        sa.Column("original", sa.Text(), nullable=False, comment="The row as it came, as JSON"),
        sa.PrimaryKeyConstraint("business_date", "file_name", "row_number", name=op.f("refused_rows_pk")),
        schema="closure",
        comment="Rows that were not held, as they came",
    )
    op.create_index(
        "refused_rows_case_ix", "refused_rows", ["csa_system", "csa_case_id"], unique=False, schema="closure"
    )
    op.create_index(
        "refused_rows_casegroup_ix", "refused_rows", ["casegroup_id"], unique=False, schema="closure"
    )
    op.create_table(
        "work_items",
        sa.Column(
            "work_item_id",
            sa.Text(),
            nullable=False,
            comment="<type>-<casegroup>-<system>-<case>-<subject>-<night>",
        ),
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night on which it was raised"),
        sa.Column("type", sa.Text(), nullable=False, comment="What is asked for"),
        sa.Column(
            "casegroup_id",
            sa.Text(),
            nullable=True,
            comment="Casegroup: all cases that share one paying parent",
        ),
        sa.Column("csa_system", sa.Text(), nullable=True, comment="CSCS, CS2 or CCD"),
        sa.Column("csa_case_id", sa.Text(), nullable=True, comment="Case number on that CSA system"),
        sa.Column("sensitive", sa.Boolean(), nullable=False, comment="Nationally sensitive (R26)"),
        sa.Column(
            "subject_reference",
            sa.Text(),
            nullable=True,
            comment="The application, payment, exception or correction it is about",
        ),
        sa.Column("route", sa.Text(), nullable=True, comment="CASE_OWNER or FT_TEAM"),
        sa.Column("status", sa.Text(), nullable=False, comment="OPEN or CLOSED"),
        sa.Column("detail", sa.Text(), nullable=True, comment="In plain words"),
        sa.Column("closed_on", sa.Date(), nullable=True, comment="Night on which it was closed"),
        sa.PrimaryKeyConstraint("work_item_id", name=op.f("work_items_pk")),
        schema="closure",
        comment="Service requests for caseworkers",
    )
    op.create_index(
        "work_items_subject_ix", "work_items", ["subject_reference"], unique=False, schema="closure"
    )
    op.create_table(
        "cis_persons",
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night whose extract brought this row"),
        sa.Column("changed_on", sa.Date(), nullable=False, comment="Night on which the content last changed"),
        sa.Column(
            "nino",
            sa.Text(),
            nullable=False,
            comment="National Insurance number; matched on its first eight characters (R18)",
        ),
        sa.Column("forenames", sa.Text(), nullable=True, comment="Forename or forenames"),
        sa.Column("surname", sa.Text(), nullable=True, comment="Surname"),
        sa.Column("date_of_birth", sa.Date(), nullable=True, comment="Date of birth"),
        sa.Column("date_of_death", sa.Date(), nullable=True, comment="Date of death; null while living"),
        sa.Column(
            "superseded_by_nino",
            sa.Text(),
            nullable=True,
            comment="The number that replaced this one; null when it stands",
        ),
        sa.Column(
            "interest_registered",
            sa.Boolean(),
            nullable=True,
            comment="Child maintenance has its interest flag on this person",
        ),
        sa.Column("benefit_code", sa.Text(), nullable=True, comment="Benefit in payment; null when none"),
        sa.Column("benefit_live", sa.Boolean(), nullable=True, comment="Whether that benefit is live"),
        sa.Column("benefit_weekly_pence", sa.BigInteger(), nullable=True, comment="That benefit, a week"),
        sa.PrimaryKeyConstraint("nino", name=op.f("cis_persons_pk")),
        schema="held",
        comment="The customer information system: who a person is, and their benefit (B37, B38, B42).",
    )
    op.create_index(
        "cis_persons_matched_on_ix",
        "cis_persons",
        [sa.literal_column("left(upper(replace(nino, ' ', '')), 8)")],
        unique=False,
        schema="held",
    )
    op.create_table(
        "clerical_balances",
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night whose extract brought this row"),
        sa.Column(
            "extract_number", sa.Integer(), nullable=False, comment="Which extract of that date, from 1"
        ),
        sa.Column("row_number", sa.BigInteger(), nullable=False, comment="Row in that file, from 1"),
        sa.Column("is_latest", sa.Boolean(), nullable=False, comment="Of its case's latest arrival"),
        sa.Column(
            "is_new",
            sa.Boolean(),
            nullable=False,
            comment="False: its balance number was seen with these values",
        ),
        sa.Column(
            "balance_id",
            sa.Text(),
            nullable=True,
            comment="This balance; seen again with the same values it is ignored (R20)",
        ),
        sa.Column("csa_system", sa.Text(), nullable=True, comment="CSA system that holds the case"),
        sa.Column(
            "csa_case_id",
            sa.Text(),
            nullable=True,
            comment="Number of the case on that system; not unique across systems",
        ),
        sa.Column(
            "casegroup_id",
            sa.Text(),
            nullable=True,
            comment="Casegroup the sender holds the case in; must be the one csa_cases says",
        ),
        sa.Column(
            "rp_active_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Owed to the receiving parent, collectable now; below zero is a credit (R5)",
        ),
        sa.Column(
            "rp_suspended_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Owed to the receiving parent, collection paused; below zero is a credit (R5)",
        ),
        sa.Column(
            "rp_deferred_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Owed to the receiving parent, of a class not pursued at present; below zero is a credit (R5)",
        ),
        sa.Column(
            "gb_sos_active_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Owed to the Secretary of State, Great Britain, collectable now; below zero is a credit (R5)",
        ),
        sa.Column(
            "gb_sos_suspended_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Owed to the Secretary of State, Great Britain, collection paused; below zero is a credit (R5)",
        ),
        sa.Column(
            "gb_sos_deferred_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Owed to the Secretary of State, Great Britain, of a class not pursued at present; below zero is a credit (R5)",
        ),
        sa.Column(
            "ni_sos_active_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Owed to the Secretary of State, Northern Ireland, collectable now; below zero is a credit (R5)",
        ),
        sa.Column(
            "ni_sos_suspended_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Owed to the Secretary of State, Northern Ireland, collection paused; below zero is a credit (R5)",
        ),
        sa.Column(
            "ni_sos_deferred_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Owed to the Secretary of State, Northern Ireland, of a class not pursued at present; below zero is a credit (R5)",
        ),
        sa.Column(
            "total_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Sum of the nine buckets, as the sender counted it",
        ),
        sa.Column(
            "arrears_from",
            sa.Date(),
            nullable=True,
            comment="First day the arrears cover; null allowed only when nothing is owed",
        ),
        sa.Column(
            "arrears_to",
            sa.Date(),
            nullable=True,
            comment="Last day the arrears cover; not after the business date of the night",
        ),
        sa.PrimaryKeyConstraint(
            "business_date", "extract_number", "row_number", name=op.f("clerical_balances_pk")
        ),
        schema="held",
        comment="Residual arrears reported clerically (B72): the whole casegroup is diverted, never posted by itself.",
    )
    op.create_index(
        "clerical_balances_latest_case_ix",
        "clerical_balances",
        ["csa_system", "csa_case_id"],
        unique=False,
        schema="held",
        postgresql_where="is_latest",
    )
    op.create_index(
        "clerical_balances_latest_casegroup_ix",
        "clerical_balances",
        ["casegroup_id"],
        unique=False,
        schema="held",
        postgresql_where="is_latest",
    )
    op.create_index(
        "clerical_balances_number_ix", "clerical_balances", ["balance_id"], unique=False, schema="held"
    )
    op.create_table(
        "clerical_letters",
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night whose extract brought this row"),
        sa.Column("changed_on", sa.Date(), nullable=False, comment="Night on which the content last changed"),
        sa.Column("letter_id", sa.Text(), nullable=False, comment="The letter that was suppressed"),
        sa.Column("issued_on", sa.Date(), nullable=True, comment="Day they sent it"),
        sa.PrimaryKeyConstraint("letter_id", name=op.f("clerical_letters_pk")),
        schema="held",
        comment="The legacy teams' word that a suppressed letter went out by hand (B15).",
    )
    op.create_table(
        "closure_failures",
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night whose extract brought this row"),
        sa.Column("changed_on", sa.Date(), nullable=False, comment="Night on which the content last changed"),
        sa.Column("csa_system", sa.Text(), nullable=False, comment="CSA system that holds the case"),
        sa.Column(
            "csa_case_id",
            sa.Text(),
            nullable=False,
            comment="Number of the case on that system; not unique across systems",
        ),
        sa.Column(
            "failure_code", sa.Text(), nullable=True, comment="Why it failed, in the CSA system's code"
        ),
        sa.Column("failed_on", sa.Date(), nullable=False, comment="Day it failed"),
        sa.Column("detail", sa.Text(), nullable=True, comment="More about it, free text"),
        sa.PrimaryKeyConstraint("csa_system", "csa_case_id", "failed_on", name=op.f("closure_failures_pk")),
        schema="held",
        comment="Reports that ending a liability on CSA failed: the casegroup is held and routed (B53).",
    )
    op.create_table(
        "cms_applications",
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night whose extract brought this row"),
        sa.Column("changed_on", sa.Date(), nullable=False, comment="Night on which the content last changed"),
        sa.Column("application_id", sa.Text(), nullable=False, comment="The application"),
        sa.Column(
            "received_on", sa.Date(), nullable=True, comment="Day it was received: day 0 of the 38 (R1)"
        ),
        sa.Column("eligible", sa.Boolean(), nullable=True, comment="Whether CMS found it eligible"),
        sa.Column("applicant_role", sa.Text(), nullable=True, comment="Which parent applied"),
        sa.Column(
            "applicant_nino", sa.Text(), nullable=True, comment="Applicant's National Insurance number"
        ),
        sa.Column(
            "named_paying_parent_nino",
            sa.Text(),
            nullable=True,
            comment="National Insurance number of the paying parent it names",
        ),
        sa.Column(
            "partner_nino",
            sa.Text(),
            nullable=True,
            comment="The paying parent's partner's; null when none is given",
        ),
        sa.Column(
            "applicant_says_csa",
            sa.Boolean(),
            nullable=True,
            comment="Applicant says they have a CSA case; null when not asked",
        ),
        sa.Column(
            "paying_parent_says_csa", sa.Boolean(), nullable=True, comment="The same of the paying parent"
        ),
        sa.Column("partner_says_csa", sa.Boolean(), nullable=True, comment="The same of the partner"),
        sa.Column(
            "gateway_reference", sa.Text(), nullable=True, comment="Reference of the Gateway call (B11)"
        ),
        sa.PrimaryKeyConstraint("application_id", name=op.f("cms_applications_pk")),
        schema="held",
        comment="Applications to CMS, which can turn a casegroup's closure reactive (B19-B24, B65-B67).",
    )
    op.create_table(
        "cms_register",
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night whose extract brought this row"),
        sa.Column("changed_on", sa.Date(), nullable=False, comment="Night on which the content last changed"),
        sa.Column("cms_case_id", sa.Text(), nullable=False, comment="The case on CMS"),
        sa.Column("cms_casegroup_id", sa.Text(), nullable=True, comment="Its casegroup on CMS"),
        sa.Column(
            "paying_parent_nino",
            sa.Text(),
            nullable=True,
            comment="Paying parent's National Insurance number",
        ),
        sa.Column(
            "receiving_parent_nino",
            sa.Text(),
            nullable=True,
            comment="Receiving parent's National Insurance number",
        ),
        sa.Column(
            "case_owner",
            sa.Text(),
            nullable=True,
            comment="CMS caseworker who owns it (B50); null when nobody",
        ),
        sa.Column("opened_on", sa.Date(), nullable=True, comment="Day it was opened on CMS"),
        sa.PrimaryKeyConstraint("cms_case_id", name=op.f("cms_register_pk")),
        schema="held",
        comment="Cases that CMS has: a casegroup is known by the paying parent, a case by both parents (B30).",
    )
    op.create_index(
        "cms_register_paying_parent_ix",
        "cms_register",
        [sa.literal_column("left(upper(replace(paying_parent_nino, ' ', '')), 8)")],
        unique=False,
        schema="held",
    )
    op.create_table(
        "corrections",
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night whose extract brought this row"),
        sa.Column("changed_on", sa.Date(), nullable=False, comment="Night on which the content last changed"),
        sa.Column("correction_id", sa.Text(), nullable=False, comment="The correction"),
        sa.Column("csa_system", sa.Text(), nullable=True, comment="CSA system that holds the case"),
        sa.Column(
            "csa_case_id",
            sa.Text(),
            nullable=True,
            comment="Number of the case on that system; not unique across systems",
        ),
        sa.Column("creditor", sa.Text(), nullable=True, comment="To whom the arrears are owed"),
        sa.Column("arrears_status", sa.Text(), nullable=True, comment="Whether they are being collected"),
        sa.Column(
            "new_amount_pence",
            sa.BigInteger(),
            nullable=True,
            comment="What the bucket should be; refused below zero",
        ),
        sa.Column("reason", sa.Text(), nullable=True, comment="Why it was made"),
        sa.Column("requested_by", sa.Text(), nullable=True, comment="Who asked for it"),
        sa.Column(
            "offline_calculation",
            sa.Text(),
            nullable=True,
            comment="Inputs and result as JSON (B56); null when there was none",
        ),
        sa.PrimaryKeyConstraint("correction_id", name=op.f("corrections_pk")),
        schema="held",
        comment="Corrections of a balance: reason-coded, the original kept, never below zero (B55, B56).",
    )
    op.create_table(
        "csa_actions",
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night whose extract brought this row"),
        sa.Column("changed_on", sa.Date(), nullable=False, comment="Night on which the content last changed"),
        sa.Column("csa_action_id", sa.Text(), nullable=False, comment="The action"),
        sa.Column("csa_system", sa.Text(), nullable=True, comment="CSA system that holds the case"),
        sa.Column(
            "csa_case_id",
            sa.Text(),
            nullable=True,
            comment="Number of the case on that system; not unique across systems",
        ),
        sa.Column("action_type", sa.Text(), nullable=True, comment="What kind of action"),
        sa.Column("detail", sa.Text(), nullable=True, comment="What is left to do, free text"),
        sa.Column("notified_on", sa.Date(), nullable=True, comment="Day CSA told us"),
        sa.Column("notified_by", sa.Text(), nullable=True, comment="Who told us"),
        sa.PrimaryKeyConstraint("csa_action_id", name=op.f("csa_actions_pk")),
        schema="held",
        comment="Action that CSA could not finish before closure: a request to the owning CMS caseworker (B57).",
    )
    op.create_table(
        "csa_balances",
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night whose extract brought this row"),
        sa.Column(
            "extract_number", sa.Integer(), nullable=False, comment="Which extract of that date, from 1"
        ),
        sa.Column("row_number", sa.BigInteger(), nullable=False, comment="Row in that file, from 1"),
        sa.Column("is_latest", sa.Boolean(), nullable=False, comment="Of its case's latest arrival"),
        sa.Column(
            "is_new",
            sa.Boolean(),
            nullable=False,
            comment="False: its balance number was seen with these values",
        ),
        sa.Column(
            "balance_id",
            sa.Text(),
            nullable=True,
            comment="This balance; seen again with the same values it is ignored (R20)",
        ),
        sa.Column("csa_system", sa.Text(), nullable=True, comment="CSA system that holds the case"),
        sa.Column(
            "csa_case_id",
            sa.Text(),
            nullable=True,
            comment="Number of the case on that system; not unique across systems",
        ),
        sa.Column(
            "casegroup_id",
            sa.Text(),
            nullable=True,
            comment="Casegroup the sender holds the case in; must be the one csa_cases says",
        ),
        sa.Column(
            "rp_active_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Owed to the receiving parent, collectable now; below zero is a credit (R5)",
        ),
        sa.Column(
            "rp_suspended_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Owed to the receiving parent, collection paused; below zero is a credit (R5)",
        ),
        sa.Column(
            "rp_deferred_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Owed to the receiving parent, of a class not pursued at present; below zero is a credit (R5)",
        ),
        sa.Column(
            "gb_sos_active_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Owed to the Secretary of State, Great Britain, collectable now; below zero is a credit (R5)",
        ),
        sa.Column(
            "gb_sos_suspended_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Owed to the Secretary of State, Great Britain, collection paused; below zero is a credit (R5)",
        ),
        sa.Column(
            "gb_sos_deferred_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Owed to the Secretary of State, Great Britain, of a class not pursued at present; below zero is a credit (R5)",
        ),
        sa.Column(
            "ni_sos_active_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Owed to the Secretary of State, Northern Ireland, collectable now; below zero is a credit (R5)",
        ),
        sa.Column(
            "ni_sos_suspended_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Owed to the Secretary of State, Northern Ireland, collection paused; below zero is a credit (R5)",
        ),
        sa.Column(
            "ni_sos_deferred_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Owed to the Secretary of State, Northern Ireland, of a class not pursued at present; below zero is a credit (R5)",
        ),
        sa.Column(
            "total_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Sum of the nine buckets, as the sender counted it",
        ),
        sa.Column(
            "arrears_from",
            sa.Date(),
            nullable=True,
            comment="First day the arrears cover; null allowed only when nothing is owed",
        ),
        sa.Column(
            "arrears_to",
            sa.Date(),
            nullable=True,
            comment="Last day the arrears cover; not after the business date of the night",
        ),
        sa.PrimaryKeyConstraint(
            "business_date", "extract_number", "row_number", name=op.f("csa_balances_pk")
        ),
        schema="held",
        comment="Final debt balances by case from the Data Warehouse (B28); the latest arrival of a case counts.",
    )
    op.create_index(
        "csa_balances_latest_case_ix",
        "csa_balances",
        ["csa_system", "csa_case_id"],
        unique=False,
        schema="held",
        postgresql_where="is_latest",
    )
    op.create_index(
        "csa_balances_latest_casegroup_ix",
        "csa_balances",
        ["casegroup_id"],
        unique=False,
        schema="held",
        postgresql_where="is_latest",
    )
    op.create_index("csa_balances_number_ix", "csa_balances", ["balance_id"], unique=False, schema="held")
    op.create_table(
        "csa_cases",
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night whose extract brought this row"),
        sa.Column("changed_on", sa.Date(), nullable=False, comment="Night on which the content last changed"),
        sa.Column("csa_system", sa.Text(), nullable=False, comment="CSA system that holds the case"),
        sa.Column(
            "csa_case_id",
            sa.Text(),
            nullable=False,
            comment="Number of the case on that system; not unique across systems",
        ),
        sa.Column(
            "scheme",
            sa.Text(),
            nullable=True,
            comment="Rules the case runs under; a system is not a scheme: CS2 holds both",
        ),
        sa.Column(
            "casegroup_id",
            sa.Text(),
            nullable=True,
            comment="Casegroup: all cases that share one paying parent",
        ),
        sa.Column("paying_parent_id", sa.Text(), nullable=True, comment="party_id of the paying parent"),
        sa.Column(
            "receiving_parent_id", sa.Text(), nullable=True, comment="party_id of the receiving parent"
        ),
        sa.Column(
            "case_type", sa.Text(), nullable=True, comment="With ongoing maintenance, or only arrears left"
        ),
        sa.Column("case_status", sa.Text(), nullable=True, comment="Whether the case is still open on CSA"),
        sa.Column("closed_reason", sa.Text(), nullable=True, comment="Why it was closed; null while open"),
        sa.Column(
            "liability_end_date", sa.Date(), nullable=True, comment="Day liability ended; null until it has"
        ),
        sa.Column(
            "segment",
            sa.Integer(),
            nullable=True,
            comment="Place in the policy order of closure, 1 first to 5 last",
        ),
        sa.Column("weekly_liability_pence", sa.BigInteger(), nullable=True, comment="Maintenance due a week"),
        sa.Column(
            "indicative_arrears_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Arrears as last estimated; not a balance, never posted",
        ),
        sa.Column(
            "partially_clerical",
            sa.Boolean(),
            nullable=True,
            comment="Part of it is kept on paper: the whole casegroup is diverted (B73)",
        ),
        sa.Column(
            "nationally_sensitive",
            sa.Boolean(),
            nullable=True,
            comment="The whole casegroup is diverted and kept apart (R12, R26)",
        ),
        sa.Column(
            "manual_inhibit",
            sa.Boolean(),
            nullable=True,
            comment="Set by hand: closure and transfer stop (B70)",
        ),
        sa.Column(
            "automatic_inhibit",
            sa.Boolean(),
            nullable=True,
            comment="Set by the CSA system: closure and transfer stop",
        ),
        sa.Column(
            "closure_failure_code",
            sa.Text(),
            nullable=True,
            comment="Why ending liability failed (B53); null when it did not",
        ),
        sa.Column(
            "rp_arrears_decision",
            sa.Text(),
            nullable=True,
            comment="What the receiving parent asked for (B68); null when not recorded",
        ),
        sa.Column(
            "rp_keep_pence",
            sa.BigInteger(),
            nullable=True,
            comment="PART_WRITE_OFF: how much they chose to keep; null counts as 0",
        ),
        sa.Column(
            "method_of_payment",
            sa.Text(),
            nullable=True,
            comment="How the paying parent pays; null when not known",
        ),
        sa.Column("pp_sort_code", sa.Text(), nullable=True, comment="Paying parent's sort code, six digits"),
        sa.Column(
            "pp_account_number",
            sa.Text(),
            nullable=True,
            comment="Paying parent's account number, eight digits",
        ),
        sa.Column(
            "rp_sort_code", sa.Text(), nullable=True, comment="Receiving parent's sort code, six digits"
        ),
        sa.Column(
            "rp_account_number",
            sa.Text(),
            nullable=True,
            comment="Receiving parent's account number, eight digits",
        ),
        sa.Column(
            "employer_reference",
            sa.Text(),
            nullable=True,
            comment="Employer, for a deduction from earnings; else null",
        ),
        sa.Column(
            "csa_caseworker", sa.Text(), nullable=True, comment="CSA caseworker who holds it; null when none"
        ),
        sa.Column(
            "claimed_casegroup_id",
            sa.Text(),
            nullable=True,
            comment="The casegroup the latest row names; differs from casegroup_id only where that casegroup had completed",
        ),
        sa.Column(
            "previous_casegroup_id",
            sa.Text(),
            nullable=True,
            comment="The casegroup the case moved from on changed_on",
        ),
        sa.PrimaryKeyConstraint("csa_system", "csa_case_id", name=op.f("csa_cases_pk")),
        schema="held",
        comment="Cases on the CSA systems, with what decides whether and how each may move (B1, B10, B70).",
    )
    op.create_index("csa_cases_casegroup_ix", "csa_cases", ["casegroup_id"], unique=False, schema="held")
    op.create_table(
        "csa_children",
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night whose extract brought this row"),
        sa.Column("changed_on", sa.Date(), nullable=False, comment="Night on which the content last changed"),
        sa.Column("csa_system", sa.Text(), nullable=False, comment="CSA system that holds the case"),
        sa.Column(
            "csa_case_id",
            sa.Text(),
            nullable=False,
            comment="Number of the case on that system; not unique across systems",
        ),
        sa.Column("child_id", sa.Text(), nullable=False, comment="The child, within the case"),
        sa.Column("forenames", sa.Text(), nullable=True, comment="Forename or forenames"),
        sa.Column("surname", sa.Text(), nullable=True, comment="Surname"),
        sa.Column("date_of_birth", sa.Date(), nullable=True, comment="Date of birth"),
        sa.PrimaryKeyConstraint("csa_system", "csa_case_id", "child_id", name=op.f("csa_children_pk")),
        schema="held",
        comment="Qualifying children of each case; a case set up on CMS needs at least one (B37).",
    )
    op.create_table(
        "csa_closing_ledger",
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night whose extract brought this row"),
        sa.Column("changed_on", sa.Date(), nullable=False, comment="Night on which the content last changed"),
        sa.Column("csa_system", sa.Text(), nullable=False, comment="CSA system that holds the case"),
        sa.Column(
            "csa_case_id",
            sa.Text(),
            nullable=False,
            comment="Number of the case on that system; not unique across systems",
        ),
        sa.Column("creditor", sa.Text(), nullable=False, comment="To whom the arrears are owed"),
        sa.Column("arrears_status", sa.Text(), nullable=False, comment="Whether they are being collected"),
        sa.Column("amount_pence", sa.BigInteger(), nullable=True, comment="What left CSA"),
        sa.Column(
            "written_off_pence", sa.BigInteger(), nullable=True, comment="What was written off before it left"
        ),
        sa.PrimaryKeyConstraint(
            "csa_system", "csa_case_id", "creditor", "arrears_status", name=op.f("csa_closing_ledger_pk")
        ),
        schema="held",
        comment="CSA's own account of what left, bucket by bucket, for reconciliation (B54).",
    )
    op.create_table(
        "csa_debts",
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night whose extract brought this row"),
        sa.Column("changed_on", sa.Date(), nullable=False, comment="Night on which the content last changed"),
        sa.Column("csa_system", sa.Text(), nullable=False, comment="CSA system that holds the case"),
        sa.Column(
            "csa_case_id",
            sa.Text(),
            nullable=False,
            comment="Number of the case on that system; not unique across systems",
        ),
        sa.Column(
            "rp_active_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Owed to the receiving parent, collectable now; below zero is a credit (R5)",
        ),
        sa.Column(
            "rp_suspended_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Owed to the receiving parent, collection paused; below zero is a credit (R5)",
        ),
        sa.Column(
            "rp_deferred_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Owed to the receiving parent, of a class not pursued at present; below zero is a credit (R5)",
        ),
        sa.Column(
            "gb_sos_active_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Owed to the Secretary of State, Great Britain, collectable now; below zero is a credit (R5)",
        ),
        sa.Column(
            "gb_sos_suspended_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Owed to the Secretary of State, Great Britain, collection paused; below zero is a credit (R5)",
        ),
        sa.Column(
            "gb_sos_deferred_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Owed to the Secretary of State, Great Britain, of a class not pursued at present; below zero is a credit (R5)",
        ),
        sa.Column(
            "ni_sos_active_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Owed to the Secretary of State, Northern Ireland, collectable now; below zero is a credit (R5)",
        ),
        sa.Column(
            "ni_sos_suspended_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Owed to the Secretary of State, Northern Ireland, collection paused; below zero is a credit (R5)",
        ),
        sa.Column(
            "ni_sos_deferred_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Owed to the Secretary of State, Northern Ireland, of a class not pursued at present; below zero is a credit (R5)",
        ),
        sa.Column(
            "total_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Sum of the nine buckets, as the sender counted it",
        ),
        sa.Column(
            "arrears_from",
            sa.Date(),
            nullable=True,
            comment="First day the arrears cover; null allowed only when nothing is owed",
        ),
        sa.Column(
            "arrears_to",
            sa.Date(),
            nullable=True,
            comment="Last day the arrears cover; not after the business date of the night",
        ),
        sa.Column(
            "rp_arrears_decision",
            sa.Text(),
            nullable=True,
            comment="What the receiving parent asked for (B68); null when not recorded",
        ),
        sa.Column(
            "rp_keep_pence",
            sa.BigInteger(),
            nullable=True,
            comment="PART_WRITE_OFF: how much they chose to keep; null counts as 0",
        ),
        sa.Column(
            "pp_no_estate",
            sa.Boolean(),
            nullable=True,
            comment="The paying parent died and left no estate to recover from",
        ),
        sa.Column(
            "ima_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Part that is interim maintenance assessment liability of 1993 to 1995",
        ),
        sa.Column(
            "no_further_action_told",
            sa.Boolean(),
            nullable=True,
            comment="The paying parent was told no further action would be taken",
        ),
        sa.Column(
            "part_payment_accepted_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Accepted as part payment in satisfaction of the whole",
        ),
        sa.Column(
            "duplicate_liability_pence",
            sa.BigInteger(),
            nullable=True,
            comment="Part that is a second liability for the same period",
        ),
        sa.PrimaryKeyConstraint("csa_system", "csa_case_id", name=op.f("csa_debts_pk")),
        schema="held",
        comment="Debts before the nine write-off rules have run, with what those rules look at (B71, R23).",
    )
    op.create_table(
        "csa_parties",
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night whose extract brought this row"),
        sa.Column("changed_on", sa.Date(), nullable=False, comment="Night on which the content last changed"),
        sa.Column("party_id", sa.Text(), nullable=False, comment="The person, as CSA knows them"),
        sa.Column("title", sa.Text(), nullable=True, comment="Mr, Ms and so on"),
        sa.Column("forenames", sa.Text(), nullable=True, comment="Forename or forenames"),
        sa.Column("surname", sa.Text(), nullable=True, comment="Surname"),
        sa.Column("date_of_birth", sa.Date(), nullable=True, comment="Date of birth"),
        sa.Column(
            "date_of_death",
            sa.Date(),
            nullable=True,
            comment="Date of death; null while living. Any date suppresses letters (R16)",
        ),
        sa.Column(
            "nino",
            sa.Text(),
            nullable=True,
            comment="National Insurance number as CSA holds it; judged at set-up (R18)",
        ),
        sa.Column("address_line_1", sa.Text(), nullable=True, comment="Line 1 of the person's address"),
        sa.Column("address_line_2", sa.Text(), nullable=True, comment="Line 2 of the person's address"),
        sa.Column("address_line_3", sa.Text(), nullable=True, comment="Line 3 of the person's address"),
        sa.Column("address_line_4", sa.Text(), nullable=True, comment="Line 4 of the person's address"),
        sa.Column("postcode", sa.Text(), nullable=True, comment="UK postcode; may be missing overseas"),
        sa.Column(
            "country",
            sa.Text(),
            nullable=True,
            comment="GB-ENG, GB-SCT, GB-WLS or GB-NIR, GB, else ISO 3166-1 alpha-2",
        ),
        sa.Column("phone", sa.Text(), nullable=True, comment="Telephone number"),
        sa.Column("email", sa.Text(), nullable=True, comment="E-mail address"),
        sa.Column(
            "dlo",
            sa.Boolean(),
            nullable=True,
            comment="Post comes back (dead letter office): letters are suppressed (B15)",
        ),
        sa.Column(
            "representative_name",
            sa.Text(),
            nullable=True,
            comment="Who acts for them (B14); null when nobody",
        ),
        sa.Column(
            "representative_address_line_1",
            sa.Text(),
            nullable=True,
            comment="Line 1 of the representative's address",
        ),
        sa.Column(
            "representative_address_line_2",
            sa.Text(),
            nullable=True,
            comment="Line 2 of the representative's address",
        ),
        sa.Column(
            "representative_address_line_3",
            sa.Text(),
            nullable=True,
            comment="Line 3 of the representative's address",
        ),
        sa.Column(
            "representative_address_line_4",
            sa.Text(),
            nullable=True,
            comment="Line 4 of the representative's address",
        ),
        sa.Column(
            "representative_postcode", sa.Text(), nullable=True, comment="The representative's postcode"
        ),
        sa.PrimaryKeyConstraint("party_id", name=op.f("csa_parties_pk")),
        schema="held",
        comment="Parents on the CSA systems, and where to write to them (B13-B16, B36).",
    )
    op.create_table(
        "csa_payments",
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night whose extract brought this row"),
        sa.Column(
            "extract_number", sa.Integer(), nullable=False, comment="Which extract of that date, from 1"
        ),
        sa.Column("row_number", sa.BigInteger(), nullable=False, comment="Row in that file, from 1"),
        sa.Column("nino", sa.Text(), nullable=True, comment="Payer's National Insurance number"),
        sa.Column("forenames", sa.Text(), nullable=True, comment="Payer's forename or forenames"),
        sa.Column(
            "surname",
            sa.Text(),
            nullable=True,
            comment="Payer's surname; must match as well as the number (R25)",
        ),
        sa.Column(
            "csa_receipt_reference", sa.Text(), nullable=True, comment="CSA's reference of the receipt"
        ),
        sa.Column(
            "value",
            sa.Text(),
            nullable=True,
            comment="Amount in pounds with two decimals, read as text and parsed to exact pence",
        ),
        sa.Column("csa_system", sa.Text(), nullable=False, comment="The CSA system whose file it came in"),
        sa.PrimaryKeyConstraint(
            "business_date", "extract_number", "row_number", "csa_system", name=op.f("csa_payments_pk")
        ),
        schema="held",
        comment="A CSA system's daily payments: receipts for clients whose case was closed (B59, R25). One file a system, the system in its name. First line the header, last line TRAILER,<rows>,<total in pounds>.",
    )
    op.create_table(
        "dca_payments",
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night whose extract brought this row"),
        sa.Column("changed_on", sa.Date(), nullable=False, comment="Night on which the content last changed"),
        sa.Column(
            "dca_reference", sa.Text(), nullable=False, comment="The agency's reference of the receipt"
        ),
        sa.Column("agency", sa.Text(), nullable=True, comment="Which agency"),
        sa.Column(
            "csa_system",
            sa.Text(),
            nullable=True,
            comment="CSA system that holds the case it was collected for",
        ),
        sa.Column(
            "csa_case_id",
            sa.Text(),
            nullable=True,
            comment="Number of the case it was collected for on that system; not unique across systems",
        ),
        sa.Column("amount_pence", sa.BigInteger(), nullable=True, comment="Amount collected"),
        sa.Column("received_on", sa.Date(), nullable=True, comment="Day it was received"),
        sa.PrimaryKeyConstraint("dca_reference", name=op.f("dca_payments_pk")),
        schema="held",
        comment="Receipts from debt collection agencies (B61).",
    )
    op.create_table(
        "enforcement_actions",
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night whose extract brought this row"),
        sa.Column("changed_on", sa.Date(), nullable=False, comment="Night on which the content last changed"),
        sa.Column("action_id", sa.Text(), nullable=False, comment="The action"),
        sa.Column("csa_system", sa.Text(), nullable=True, comment="CSA system that holds the case"),
        sa.Column(
            "csa_case_id",
            sa.Text(),
            nullable=True,
            comment="Number of the case on that system; not unique across systems",
        ),
        sa.Column("action_type", sa.Text(), nullable=True, comment="What kind of action"),
        sa.Column(
            "ongoing",
            sa.Boolean(),
            nullable=True,
            comment="Still under way: a liability order makes an item only then",
        ),
        sa.Column("in_force", sa.Boolean(), nullable=True, comment="The order is in force"),
        sa.Column("reference", sa.Text(), nullable=True, comment="The court's or agent's reference"),
        sa.Column("court", sa.Text(), nullable=True, comment="Court that granted it"),
        sa.Column("granted_on", sa.Date(), nullable=True, comment="Day it was granted"),
        sa.Column("amount_pence", sa.BigInteger(), nullable=True, comment="Amount it covers"),
        sa.Column("period_from", sa.Date(), nullable=True, comment="First day of arrears it covers"),
        sa.Column("period_to", sa.Date(), nullable=True, comment="Last day of arrears it covers"),
        sa.PrimaryKeyConstraint("action_id", name=op.f("enforcement_actions_pk")),
        schema="held",
        comment="Enforcement under way on CSA: a service request each, never one a case (B62-B64).",
    )
    op.create_table(
        "inhibits",
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night whose extract brought this row"),
        sa.Column("changed_on", sa.Date(), nullable=False, comment="Night on which the content last changed"),
        sa.Column("inhibit_id", sa.Text(), nullable=False, comment="The inhibit"),
        sa.Column("csa_system", sa.Text(), nullable=True, comment="CSA system that holds the case"),
        sa.Column(
            "csa_case_id",
            sa.Text(),
            nullable=True,
            comment="Number of the case on that system; not unique across systems",
        ),
        sa.Column("reason", sa.Text(), nullable=True, comment="Why it was set, free text"),
        sa.Column("set_by", sa.Text(), nullable=True, comment="Who set it"),
        sa.Column("set_by_role", sa.Text(), nullable=True, comment="Their role; a caseworker's is refused"),
        sa.Column("set_on", sa.Date(), nullable=True, comment="First day it holds"),
        sa.Column(
            "removed_on",
            sa.Date(),
            nullable=True,
            comment="Day it was removed, from which it no longer holds; null while it stands",
        ),
        sa.PrimaryKeyConstraint("inhibit_id", name=op.f("inhibits_pk")),
        schema="held",
        comment="Inhibits set and removed by hand; only a team leader or above may set one (B69, B70).",
    )
    op.create_index(
        "inhibits_case_ix", "inhibits", ["csa_system", "csa_case_id"], unique=False, schema="held"
    )
    op.create_table(
        "ltr_responses",
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night whose extract brought this row"),
        sa.Column("changed_on", sa.Date(), nullable=False, comment="Night on which the content last changed"),
        sa.Column("ltr_id", sa.Text(), nullable=False, comment="The request, as it was sent"),
        sa.Column("acknowledged_on", sa.Date(), nullable=True, comment="Day they acknowledged it"),
        sa.Column("outcome", sa.Text(), nullable=True, comment="What came of it"),
        sa.Column("detail", sa.Text(), nullable=True, comment="More about it, free text"),
        sa.PrimaryKeyConstraint("ltr_id", name=op.f("ltr_responses_pk")),
        schema="held",
        comment="The CSA teams' answers to legacy transition requests (B25).",
    )
    op.create_table(
        "records",
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night whose extract brought this row"),
        sa.Column("changed_on", sa.Date(), nullable=False, comment="Night on which the content last changed"),
        sa.Column("record_id", sa.Text(), nullable=False, comment="The record"),
        sa.Column("kind", sa.Text(), nullable=True, comment="What kind of record"),
        sa.Column("casegroup_id", sa.Text(), nullable=True, comment="Casegroup it is about"),
        sa.Column(
            "csa_system",
            sa.Text(),
            nullable=True,
            comment="CSA system of the case it is about; null when about no single case",
        ),
        sa.Column(
            "csa_case_id",
            sa.Text(),
            nullable=True,
            comment="Number of that case; null when about no single case",
        ),
        sa.Column("reference", sa.Text(), nullable=True, comment="Reference of what was done"),
        sa.Column("recorded_on", sa.Date(), nullable=True, comment="Day it was done"),
        sa.Column("recorded_by", sa.Text(), nullable=True, comment="Who did it"),
        sa.Column("detail", sa.Text(), nullable=True, comment="What was recorded, as JSON"),
        sa.PrimaryKeyConstraint("record_id", name=op.f("records_pk")),
        schema="held",
        comment="What people did outside the system, kept for the record (B11, B27, B58).",
    )
    op.create_table(
        "resolutions",
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night whose extract brought this row"),
        sa.Column("changed_on", sa.Date(), nullable=False, comment="Night on which the content last changed"),
        sa.Column("resolution_id", sa.Text(), nullable=False, comment="The resolution"),
        sa.Column("csa_system", sa.Text(), nullable=True, comment="CSA system that holds the case"),
        sa.Column(
            "csa_case_id",
            sa.Text(),
            nullable=True,
            comment="Number of the case on that system; not unique across systems",
        ),
        sa.Column("entity", sa.Text(), nullable=True, comment="What was mended"),
        sa.Column("field", sa.Text(), nullable=True, comment="Which column of it"),
        sa.Column(
            "old_value", sa.Text(), nullable=True, comment="What it was, as text; null when it was missing"
        ),
        sa.Column("new_value", sa.Text(), nullable=True, comment="What it is, as text"),
        sa.Column("source_system", sa.Text(), nullable=True, comment="Where the caseworker found it"),
        sa.Column("entered_by", sa.Text(), nullable=True, comment="Who entered it"),
        sa.Column("entered_on", sa.Date(), nullable=True, comment="Day they entered it"),
        sa.PrimaryKeyConstraint("resolution_id", name=op.f("resolutions_pk")),
        schema="held",
        comment="What caseworkers entered to mend a case, which then resumes where it stopped (B49).",
    )
    op.create_index(
        "resolutions_case_ix", "resolutions", ["csa_system", "csa_case_id"], unique=False, schema="held"
    )
    op.create_table(
        "ledger",
        sa.Column("entry_id", sa.Text(), nullable=False, comment="<due>-POSTED, or <due>-<kind>-<reference>"),
        sa.Column("business_date", sa.Date(), nullable=False, comment="Night of the entry"),
        sa.Column("due_id", sa.Text(), nullable=False, comment="The due it is about"),
        sa.Column("kind", sa.Text(), nullable=False, comment="POSTED, CORRECTION or ALLOCATION"),
        sa.Column("amount_pence", sa.BigInteger(), nullable=False, comment="Signed"),
        sa.Column("reason", sa.Text(), nullable=True, comment="Why, for a correction"),
        sa.Column(
            "reference", sa.Text(), nullable=True, comment="The balance, correction or payment behind it"
        ),
        sa.ForeignKeyConstraint(["due_id"], ["closure.dues.due_id"], name=op.f("ledger_due_id_fk")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("ledger_pk")),
        schema="closure",
        comment="Rows are only ever added",
    )
    op.create_index("ledger_due_ix", "ledger", ["due_id"], unique=False, schema="closure")


def downgrade() -> None:
    op.execute("drop schema if exists reporting cascade")
    op.execute("drop schema if exists sensitive cascade")
    op.execute("drop schema closure cascade")
    op.execute("drop schema held cascade")

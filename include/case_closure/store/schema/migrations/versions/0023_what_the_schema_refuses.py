"""The server refuses what no stage would do: the law of each bucket, values outside their lists, changes of what is only added to.

A due is its own POSTED entry: the entries that repeated the dues go, and the balance that they named goes to the due.
A store that breaks one of these is not brought to this version, and the refusal says where.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from case_closure.refusals import Refused

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_SYSTEMS = ("CSCS", "CS2", "CCD")
_CREDITORS = ("RP", "GB_SOS", "NI_SOS")
_STATUSES = ("ACTIVE", "SUSPENDED", "DEFERRED")
_JOURNEYS = ("PROACTIVE", "REACTIVE")
_STATES = ("SELECTED", "REMINDED", "REACTIVE", "LIABILITY_ENDED", "CLOSED", "FAILED", "INHIBITED")
_ROUTES = ("CASE_OWNER", "FT_TEAM", "ENFORCEMENT_TEAM")
_LISTS = {
    ("positions", "creditor"): _CREDITORS,
    ("positions", "arrears_status"): _STATUSES,
    ("position_history", "creditor"): _CREDITORS,
    ("position_history", "arrears_status"): _STATUSES,
    ("dues", "csa_system"): _SYSTEMS,
    ("dues", "creditor"): _CREDITORS,
    ("dues", "arrears_status"): _STATUSES,
    ("ledger", "kind"): ("CORRECTION", "ALLOCATION"),
    ("casegroups", "outcome"): ("TRANSITION_COMPLETE", "HELD", "EXCEPTION", "CLERICAL"),
    ("cms_cases", "csa_system"): _SYSTEMS,
    ("cms_cases", "origin"): ("EXISTING", "ARREARS_ONLY"),
    ("cms_cases", "maintenance_region"): ("GB", "NI"),
    ("exceptions", "severity"): ("HOLD", "WARNING"),
    ("exceptions", "status"): ("OPEN", "ALLOCATED", "RESOLVED"),
    ("exceptions", "channel"): (
        "EXTRACT", "FAILURE_REPORT", "PAYMENT_FILE", "OFFLINE_REPORT", "CSA_CASEWORKER", "GATEWAY", "CSA_TEAM", "LEGACY_TEAM",
    ),
    ("exceptions", "route"): _ROUTES,
    ("exception_events", "event"): ("OPENED", "ALLOCATED", "ENTERED", "NOT_MENDED", "RESOLVED", "REOPENED"),
    ("work_items", "type"): (
        "CONFIRM_WRITE_OFF", "ARREARS_ONLY_CASE_SET_UP", "MANUAL_HANDLING", "ADD_CORRECT_ARREARS", "ARREARS_ONLY_APPLICATION",
        "ENFORCEMENT_ACTION", "LIABILITY_ORDER", "LOOKUP_DIFFERS", "LOOKUP_FAILED_APPLICANT", "LOOKUP_FAILED_PAYING_PARENT",
        "LOOKUP_FAILED_PARTNER", "DCA_MANUAL_ALLOCATION", "PAYMENT_SUSPENSE", "CSA_ACTION_OUTSTANDING", "CLOSURE_FAILED",
        "STUCK",
    ),
    ("work_items", "status"): ("OPEN", "CLOSED"),
    ("work_items", "route"): _ROUTES,
    ("letters", "code"): tuple(f"CMSL{number}" for number in range(6300, 6315)),
    ("letters", "recipient_role"): ("PAYING_PARENT", "RECEIVING_PARENT", "REPRESENTATIVE"),
    ("letters", "status"): ("ISSUED", "NOT_ISSUED", "SUPPRESSED"),
    ("letters", "reason"): ("NO_VALID_ADDRESS", "DLO", "DECEASED"),
    ("end_liability", "csa_system"): _SYSTEMS,
    ("end_liability", "journey"): _JOURNEYS,
    ("end_liability_notices", "journey"): _JOURNEYS,
    ("end_liability_notices", "cause"): ("SELECTED", "JOINED", "REACTIVE", "MOVED"),
    ("journeys", "state"): _STATES,
    ("journey_moves", "from_state"): _STATES,
    ("journey_moves", "to_state"): _STATES,
    ("applications", "decision"): (
        "REACTIVE", "KEPT_PROACTIVE", "ALREADY_REACTIVE", "NOT_ON_CSA", "NOT_ELIGIBLE", "LIABILITY_ENDED",
    ),
    ("ltrs", "ltr_type"): ("LTR1", "LTR2", "LTR3"),
    ("ltrs", "csa_system"): _SYSTEMS,
    ("tranche_criteria", "state"): ("LOADED", "PROPOSED", "APPROVED", "REFUSED"),
    ("letter_deliveries", "channel"): ("print", "notify"),
    ("letter_deliveries", "state"): ("CREATED", "SENDING", "SENT", "FAILED"),
}  # fmt: skip
_LAW = "received_pence = posted_pence::numeric + held_pence + credit_pence"
_SIGNS = "posted_pence >= 0 and credit_pence <= 0"
_LAWS = {
    ("positions", "positions_law_ck"): _LAW,
    ("positions", "positions_signs_ck"): _SIGNS,
    ("position_history", "position_history_law_ck"): _LAW,
    ("position_history", "position_history_signs_ck"): _SIGNS,
    ("dues", "dues_posted_ck"): "posted_pence > 0",
    ("exceptions", "exceptions_resolved_ck"):
        "(status = 'RESOLVED') = (resolved_on is not null) and resolved_on >= business_date",
    ("letters", "letters_reason_given_ck"): "(status = 'ISSUED') = (reason is null)",
}  # fmt: skip
ADDED_TO = (
    "ledger",
    "journey_moves",
    "exception_events",
    "night_history",
    "position_history",
    "reconciliation_sign_offs",
)
_REFUSE = """
    create function closure.refuse_change() returns trigger language plpgsql as $$
    begin
        raise exception '% of closure.% is refused: its rows are only ever added; a correction is a new row', tg_op, tg_table_name
            using errcode = 'restrict_violation';
    end $$
"""


def upgrade() -> None:
    _the_dues_are_their_entries()
    checks = {
        **{
            (table, f"{table}_{column}_ck"): f"{column} in ({', '.join(map(repr, values))})"
            for (table, column), values in _LISTS.items()
        },
        **_LAWS,
    }
    for (table, name), law in checks.items():
        _require(
            f"select count(*) from closure.{table} where not ({law})",
            f"rows of closure.{table} break '{name}': {law}",
        )
        op.create_check_constraint(name, table, sa.text(law), schema="closure")
    op.execute(_REFUSE)
    for table in ADDED_TO:
        op.execute(
            f"create trigger {table}_added_to before update or delete on closure.{table} "
            "for each statement execute function closure.refuse_change()"
        )


def _the_dues_are_their_entries() -> None:
    op.add_column(
        "dues", sa.Column("reference", sa.Text(), comment="The balance it mirrors"), schema="closure"
    )
    _require(
        "select count(*) from closure.dues d left join closure.ledger l on l.due_id = d.due_id and l.kind = 'POSTED' "
        "where l.amount_pence is distinct from d.posted_pence",
        "dues have no entry POSTED of their amount in closure.ledger",
    )
    op.execute(
        "update closure.dues d set reference = l.reference from closure.ledger l "
        "where l.due_id = d.due_id and l.kind = 'POSTED'"
    )
    op.execute("delete from closure.ledger where kind = 'POSTED'")
    op.alter_column(
        "ledger", "kind", existing_type=sa.Text(), comment="CORRECTION or ALLOCATION", schema="closure"
    )
    op.alter_column(
        "ledger", "entry_id", existing_type=sa.Text(), comment="<due>-<kind>-<reference>", schema="closure"
    )
    op.alter_column(
        "ledger",
        "reference",
        existing_type=sa.Text(),
        comment="The correction or payment behind it",
        schema="closure",
    )
    op.execute(
        "comment on table closure.ledger is 'What has changed each due since it was posted; rows are only ever added'"
    )
    op.execute(
        "comment on table closure.dues is 'Debits on the paying parent''s CMS account, each its own POSTED entry (B44, R6)'"
    )


def _require(count: str, words: str) -> None:
    broken = op.get_bind().exec_driver_sql(count).scalar_one()
    if broken:
        raise Refused(
            f"The store was not brought to this version: {broken:,} {words}. Nothing was changed. The version before goes on with "
            "it; have those rows looked at, and start this version again."
        )


def downgrade() -> None:
    for table in ADDED_TO:
        op.execute(f"drop trigger {table}_added_to on closure.{table}")
    op.execute("drop function closure.refuse_change()")
    for table, name in [*((table, f"{table}_{column}_ck") for table, column in _LISTS), *_LAWS]:
        op.drop_constraint(name, table, schema="closure")
    op.execute(
        "insert into closure.ledger (entry_id, business_date, due_id, kind, amount_pence, reference) "
        "select due_id || '-POSTED', business_date, due_id, 'POSTED', posted_pence, reference from closure.dues"
    )
    op.drop_column("dues", "reference", schema="closure")

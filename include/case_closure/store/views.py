"""What analysts, team leaders and auditors read: the views of schemas ``reporting`` and ``sensitive``.

Belongs here: each view's text and the comment on it and its columns; the data dictionary is drawn from them.
Does not belong here: anything stored. ``sensitive`` holds the same views for nationally sensitive casegroups
alone, and ``reporting`` is without them (R26): each view is written once and made twice.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import Connection, text

from case_closure.domain.reconciliation import CAUSES
from case_closure.store import history, reconciliation

SCHEMAS = {
    "reporting": ("false", "Stable views for analysts; nationally sensitive casegroups are absent"),
    "sensitive": (
        "true",
        "The views of schema reporting for nationally sensitive casegroups alone, by grant",
    ),
}


@dataclass(frozen=True)
class View:
    """A view: its columns with their meanings, in order, and its text with ``{sensitive}`` for the side it is on."""

    name: str
    meaning: str
    columns: dict[str, str]
    query: str


_CASE = {"csa_system": "CSCS, CS2 or CCD", "csa_case_id": "Case number on that CSA system"}
_BUCKET = {"creditor": "RP, GB_SOS or NI_SOS", "arrears_status": "ACTIVE, SUSPENDED or DEFERRED"}
_CASEGROUP = {"casegroup_id": "All cases that share one paying parent"}

_FIGURES = {
    "left_csa_pence": "What CSA's closing ledger says left",
    "written_off_pence": "What it says was written off, and so did not leave",
    "received_pence": "Received, refused and clerical rows included; as completed",
    "posted_pence": "Posted as dues, as mirrored",
    "held_pence": "Held: by a hold, an exception, or because clerical",
    "credit_pence": "Credits, below zero",
}
_RECONCILED = reconciliation.lines(history.POSITIONS_NOW, history.CLOSING_LEDGER_NOW, "{sensitive}")

# What belongs to a casegroup is on the side its casegroup is on; what belongs to none is ordinary.
_SIDE = "coalesce(g.sensitive, false) = {sensitive}"

VIEWS = (
    View(
        "casegroup_outcomes",
        "What has become of each casegroup a balance was received for, and why",
        {
            "business_date": "Last night on which a later column changed",
            **_CASEGROUP,
            "outcome": "TRANSITION_COMPLETE, HELD, EXCEPTION or CLERICAL",
            "reason": "NIL_ARREARS or ARREARS_ADDED; the hold; the rule codes; or why it is clerical",
            "received_pence": "All nine buckets of its latest balances; as completed once complete",
            "posted_pence": "Dues posted, as mirrored",
            "completed_on": "Night of Transition Complete",
        },
        """
        select g.business_date, g.casegroup_id, g.outcome, g.reason, g.received_pence, g.posted_pence, g.completed_on
        from closure.casegroups g
        where g.outcome is not null and g.casegroup_id <> '' and g.sensitive = {sensitive}
        """,
    ),
    View(
        "dues",
        "Debits on the paying parent's CMS account, one for each positive bucket of each required case (B44, R6)",
        {
            "due_id": "Natural key: system, case, creditor, status",
            "business_date": "Night on which it was posted",
            **_CASEGROUP,
            "cms_casegroup_id": "Casegroup on CMS",
            "cms_case_id": "Case on CMS",
            **_CASE,
            "scheme": "CSA scheme, 1993 or 2003",
            **_BUCKET,
            "amount_pence": "Now: the sum of its ledger entries POSTED and CORRECTION",
            "posted_pence": "As mirrored from the balance; never changed",
            "arrears_from": "First day of the arrears",
            "arrears_to": "Last day of the arrears",
        },
        """
        select d.due_id, d.business_date, d.casegroup_id, d.cms_casegroup_id, d.cms_case_id, d.csa_system,
               d.csa_case_id, d.scheme, d.creditor, d.arrears_status, l.amount_pence, d.posted_pence,
               d.arrears_from, d.arrears_to
        from closure.dues d
        join (select due_id, sum(amount_pence) filter (where kind <> 'ALLOCATION')::bigint as amount_pence
              from closure.ledger group by due_id) l using (due_id)
        left join closure.casegroups g using (casegroup_id)
        where """
        + _SIDE,
    ),
    View(
        "ledger",
        "Every entry behind a due; rows are only ever added",
        {
            "entry_id": "Natural key: the due, and the kind and reference of the entry",
            "business_date": "Night of the entry",
            "due_id": "The due it is about",
            "kind": "POSTED, CORRECTION or ALLOCATION",
            "amount_pence": "Signed",
            "reason": "Why, for a correction",
            "reference": "The balance, correction or payment behind it",
        },
        """
        select l.entry_id, l.business_date, l.due_id, l.kind, l.amount_pence, l.reason, l.reference
        from closure.ledger l join closure.dues d using (due_id)
        left join closure.casegroups g using (casegroup_id)
        where """
        + _SIDE,
    ),
    View(
        "cases",
        "Each required CSA case, on CMS: already there, or created for its arrears (B30, B31, B40)",
        {
            "cms_case_id": "Case on CMS; two CSA cases of the same two parents share one",
            "cms_casegroup_id": "Casegroup on CMS",
            **_CASEGROUP,
            **_CASE,
            "scheme": "CSA scheme recorded on it",
            "origin": "EXISTING or ARREARS_ONLY",
            "created_on": "Night on which it was created or linked",
            "maintenance_region": "GB or NI, from the receiving parent's address (R17)",
            "method_of_payment": "How the paying parent pays",
            "benefit_code": "The benefit it is deducted from (B42)",
        },
        """
        select c.cms_case_id, c.cms_casegroup_id, c.casegroup_id, c.csa_system, c.csa_case_id, c.scheme, c.origin,
               c.created_on, c.maintenance_region, c.method_of_payment, c.benefit_code
        from closure.cms_cases c left join closure.casegroups g using (casegroup_id)
        where """
        + _SIDE,
    ),
    View(
        "exceptions",
        "Each reason for which a record went no further, open and resolved (B48-B50, R10)",
        {
            "exception_id": "Natural key: rule, casegroup, case, first night",
            "business_date": "Night on which it was first seen",
            "stage": "Stage that found it",
            "rule_code": "The rule that was broken",
            "severity": "HOLD stops; WARNING only says so",
            **_CASE,
            **_CASEGROUP,
            "subject": "Whom or what it is about",
            "field": "The field to look at",
            "value": "What it held, masked where personal",
            "message": "What is wrong and what to do",
            "route": "CASE_OWNER where the paying parent is on CMS, else FT_TEAM (B50)",
            "case_owner": "Owner of the CMS case, when it has one",
            "status": "OPEN, ALLOCATED or RESOLVED",
            "allocated_to": "Who works on it",
            "last_seen_on": "Last night on which it was still so",
            "resolved_on": "Night on which its cause was gone",
        },
        """
        select e.exception_id, e.business_date, e.stage, e.rule_code, e.severity, e.csa_system, e.csa_case_id,
               e.casegroup_id, e.subject, e.field, e.value, e.message, e.route, e.case_owner, e.status, e.allocated_to,
               e.last_seen_on, e.resolved_on
        from closure.exceptions e left join closure.casegroups g using (casegroup_id)
        where (e.sensitive or coalesce(g.sensitive, false)) = {sensitive}
        """,
    ),
    View(
        "exception_history",
        "What happened to each exception, in order",
        {
            "exception_id": "The exception",
            "event_number": "From 1",
            "business_date": "Night of the event",
            "event": "OPENED, ALLOCATED, RESOLVED or REOPENED",
            "by_what": "What brought it about",
        },
        """
        select v.exception_id, v.event_number, v.business_date, v.event, v.by_what
        from closure.exception_events v join closure.exceptions e using (exception_id)
        left join closure.casegroups g using (casegroup_id)
        where (e.sensitive or coalesce(g.sensitive, false)) = {sensitive}
        """,
    ),
    View(
        "rule_results",
        "Every rule, every night: rows judged and rows that broke it, also where that is none",
        {
            "business_date": "The night",
            "suite": "The suite that was run",
            "rule_code": "The rule",
            "judged_rows": "Rows it was judged on",
            "failed_rows": "Rows that broke it",
        },
        """
        select r.business_date, r.suite, r.rule_code, r.judged_rows, r.failed_rows
        from closure.gate_results r where r.sensitive = {sensitive}
        """,
    ),
    View(
        "credits",
        "Buckets below zero: not transferred, listed here (R5)",
        {
            "business_date": "Night on which it was listed",
            **_CASE,
            **_BUCKET,
            "amount_pence": "Below zero",
        },
        """
        select p.credited_on as business_date, nullif(p.csa_system, '') as csa_system,
               nullif(p.csa_case_id, '') as csa_case_id, p.creditor, p.arrears_status, p.credit_pence as amount_pence
        from closure.positions p left join closure.casegroups g using (casegroup_id)
        where p.credit_pence <> 0 and """
        + _SIDE,
    ),
    View(
        "work_items",
        "Service requests for caseworkers",
        {
            "work_item_id": "Natural key: type, casegroup, case, subject, night",
            "business_date": "Night on which it was raised",
            "type": "What is asked for",
            "casegroup_id": "Casegroup; null when unknown",
            **_CASE,
            "subject_reference": "The application, payment, exception or correction it is about",
            "route": "CASE_OWNER or FT_TEAM",
            "status": "OPEN or CLOSED",
            "detail": "In plain words",
        },
        """
        select w.work_item_id, w.business_date, w.type, w.casegroup_id, w.csa_system, w.csa_case_id,
               w.subject_reference, w.route, w.status, w.detail
        from closure.work_items w left join closure.casegroups g using (casegroup_id)
        where (w.sensitive or coalesce(g.sensitive, false)) = {sensitive}
        """,
    ),
    View(
        "letters",
        "Letters due, sent or not, and why not (B12-B18)",
        {
            "letter_id": "Natural key: code, casegroup, case, party, night",
            "business_date": "Night on which it fell due",
            "code": "CMSL6300 to CMSL6314",
            "recipient_role": "PAYING_PARENT, RECEIVING_PARENT or REPRESENTATIVE",
            "party_id": "The client it is to or, with a representative, about",
            **_CASEGROUP,
            "csa_system": "CSA system; null for a letter that goes once a casegroup",
            "csa_case_id": "Case number; null likewise",
            "status": "ISSUED, NOT_ISSUED or SUPPRESSED",
            "reason": "NO_VALID_ADDRESS, DLO or DECEASED",
            "covers_letter_id": "The letter a covering letter goes with",
            "total_pence": "The arrears it states",
            "clerical_issued_on": "When the legacy team sent it by hand",
        },
        """
        select l.letter_id, l.business_date, l.code, l.recipient_role, l.party_id, l.casegroup_id, l.csa_system,
               l.csa_case_id, l.status, l.reason, l.covers_letter_id, l.total_pence, l.clerical_issued_on
        from closure.letters l left join closure.casegroups g using (casegroup_id)
        where """
        + _SIDE,
    ),
    View(
        "next_actions",
        "What follows on CMS once a case's arrears are there (B46, B47)",
        {
            "business_date": "Night of the decision",
            **_CASEGROUP,
            **_CASE,
            "action": "What happens next",
            "reason": "The row of the decision table that said so",
        },
        """
        select a.business_date, a.casegroup_id, a.csa_system, a.csa_case_id, a.action, a.reason
        from closure.next_actions a left join closure.casegroups g using (casegroup_id)
        where """
        + _SIDE,
    ),
    View(
        "reconciliation",
        "Each case and bucket where any figure is not nothing: what left CSA against what became of it (B54)",
        {
            "business_date": "Night of its latest change",
            **_CASE,
            **_BUCKET,
            **{name: meaning for name, meaning in _FIGURES.items() if name != "written_off_pence"},
            "break_type": "MISSING_ON_CMS, NOT_ON_CSA, AMOUNT_DIFFERS, or null when it agrees",
        },
        """
        select business_date, nullif(csa_system, '') as csa_system, nullif(csa_case_id, '') as csa_case_id, creditor,
               arrears_status, left_csa_pence, received_pence, posted_pence, held_pence, credit_pence, break_type
        from ("""
        + _RECONCILED
        + """) r""",
    ),
    View(
        "reconciliation_totals",
        "The reconciliation added up by night of the latest change, system, tranche, creditor and status (B54)",
        {
            "business_date": "Night of the latest change of the rows added up",
            "csa_system": _CASE["csa_system"],
            "tranche_id": "The tranche that selected the case; null when none did",
            **_BUCKET,
            "lines": "Rows added up",
            **_FIGURES,
            "breaks": "Rows among them that break",
        },
        """
        select r.business_date, nullif(r.csa_system, '') as csa_system, t.tranche_id, r.creditor, r.arrears_status,
               count(*) as lines, """
        + ", ".join(reconciliation.sum_of(f"r.{name}") for name in reconciliation.FIGURES)
        + """, count(r.break_type) as breaks
        from ("""
        + _RECONCILED
        + """) r left join closure.end_liability t using (csa_system, csa_case_id)
        group by r.business_date, r.csa_system, t.tranche_id, r.creditor, r.arrears_status
        """,
    ),
    View(
        "reconciliation_breaks",
        "Each break of the reconciliation with both figures and its cause, where the figures tell it (B54)",
        {
            "business_date": "Night of its latest change",
            **_CASE,
            **_BUCKET,
            "left_csa_pence": _FIGURES["left_csa_pence"],
            "received_pence": _FIGURES["received_pence"],
            "difference_pence": "Received less what left CSA",
            "written_off_pence": _FIGURES["written_off_pence"],
            "break_type": "MISSING_ON_CMS, NOT_ON_CSA or AMOUNT_DIFFERS",
            "cause": "The first cause that fits: " + ", ".join(CAUSES),
            "explanation": "The cause in plain words, and what to do",
        },
        """
        with r as materialized ("""
        + _RECONCILED
        + """)
        select business_date, nullif(csa_system, '') as csa_system, nullif(csa_case_id, '') as csa_case_id, creditor,
               arrears_status, left_csa_pence, received_pence, difference_pence, written_off_pence, break_type, cause, """
        + reconciliation.words_of_cause()
        + """ as explanation
        from ("""
        + reconciliation.breaks("r", "e.status <> 'RESOLVED'")
        + """) q""",
    ),
    View(
        "reconciliation_sign_offs",
        "Reconciliations that were signed off, with the figures that were signed (B54)",
        {
            "business_date": "It is as at the end of this night",
            "sign_off_number": "From 1, for each night",
            "signed_by": "Who signed",
            "signed_at": "When",
            "remarks": "In their words",
            **{name: f"{meaning}; as signed" for name, meaning in _FIGURES.items()},
            "breaks": "How many breaks were listed",
            "breaks_sha256": "Of the list of breaks: the same breaks with the same figures have the same",
        },
        """
        select s.business_date, s.sign_off_number, s.signed_by, s.signed_at, s.remarks, s.left_csa_pence, s.written_off_pence,
               s.received_pence, s.posted_pence, s.held_pence, s.credit_pence, s.breaks, s.breaks_sha256
        from closure.reconciliation_sign_offs s where s.sensitive = {sensitive}
        """,
    ),
    View(
        "nights",
        "Every night that was started, how it ended and what it came to",
        {
            "business_date": "The night's business date",
            "extract_id": "The extract applied",
            "started_at": "When it was first started",
            "finished_at": "When it first succeeded, or last failed",
            "status": "SUCCESS, REJECTED, FAILED or OPEN",
            "casegroups_received": "Distinct casegroups in that night's balances",
            "received_pence": "Sum of that night's balance rows",
            "posted_pence": "Dues posted that night",
            "held_pence": "All held at the end of the night",
            "exceptions_opened": "HOLD exceptions first seen that night",
            "exceptions_resolved": "Exceptions resolved that night",
            "letters_issued": "Letters issued that night",
        },
        """
        select n.business_date, n.extract_id, n.started_at, n.finished_at, n.status,
               coalesce(f.casegroups_received, 0) as casegroups_received,
               coalesce(f.received_pence, 0) as received_pence, coalesce(f.posted_pence, 0) as posted_pence,
               coalesce(f.held_pence, 0) as held_pence, coalesce(f.exceptions_opened, 0) as exceptions_opened,
               coalesce(f.exceptions_resolved, 0) as exceptions_resolved,
               coalesce(f.letters_issued, 0) as letters_issued
        from closure.nights n
        left join closure.night_figures f on f.business_date = n.business_date and f.sensitive = {sensitive}
        """,
    ),
)


def _quoted(comment: str) -> str:
    return "'" + comment.replace("'", "''") + "'"


def statements() -> list[str]:
    """The SQL that makes both schemas and all views from nothing."""
    made: list[str] = []
    for schema, (side, meaning) in SCHEMAS.items():
        made += [f"drop schema if exists {schema} cascade", f"create schema {schema}"]
        made.append(f"comment on schema {schema} is {_quoted(meaning)}")
        for view in VIEWS:
            query = view.query.replace("{sensitive}", side)
            made.append(f"create view {schema}.{view.name} ({', '.join(view.columns)}) as {query}")
            made.append(f"comment on view {schema}.{view.name} is {_quoted(view.meaning)}")
            made += [
                f"comment on column {schema}.{view.name}.{column} is {_quoted(comment)}"
                for column, comment in view.columns.items()
            ]
    return made


def refresh(connection: Connection) -> None:
    """Make the views anew if they are not this version's. Grants on the schemas are kept only while they are."""
    wanted = statements()
    mark = "views " + hashlib.sha256("\n".join(wanted).encode()).hexdigest()
    found = connection.execute(
        text("select obj_description(to_regnamespace('closure')::oid, 'pg_namespace')")
    )
    if found.scalar_one() == mark:
        return
    for statement in wanted:
        connection.exec_driver_sql(statement.replace("%", "%%"))
    connection.exec_driver_sql(f"comment on schema closure is {_quoted(mark)}")

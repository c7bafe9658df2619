"""What analysts, team leaders and auditors read: the views of schemas ``reporting`` and ``sensitive``.

Belongs here: each view's text and the comment on it and its columns; the data dictionary is drawn from them.
Does not belong here: anything stored. ``sensitive`` holds the same views for nationally sensitive casegroups
alone, and ``reporting`` is without them (R26): each view is written once and made twice.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from case_closure.domain import debt_rules, next_actions
from case_closure.domain.applications import LTR_OUTCOMES
from case_closure.domain.enforcement import LIABILITY_ORDER
from case_closure.domain.money import BUCKET_COLUMNS, BUCKETS
from case_closure.domain.nino import HIDDEN
from case_closure.domain.reconciliation import CAUSES
from case_closure.domain.work_items import WORDS
from case_closure.store import acts, history, kept, listing, nights, reconciliation, roles, sensitive
from case_closure.store.dues import ALLOCATED_NOW, AMOUNT_NOW
from case_closure.store.schema.tables import CLEANED

SCHEMAS = {
    "reporting": ("false", "Stable views for analysts; nationally sensitive casegroups are absent"),
    "sensitive": (
        "true",
        "The views of schema reporting for nationally sensitive casegroups alone, by grant",
    ),
}


_OF_SIDE = re.compile(r"\{table:([a-z_.]+)\}")


def _of_side(table: str) -> str:
    return f"{{table:{table}}}"


@dataclass(frozen=True)
class View:
    """A view: its columns with their meanings, in order, and its text with ``{sensitive}`` for the side it is on.

    ``{table:NAME}`` in it: of that table what can be on the side, see ``sensitive.rows_for``.
    """

    name: str
    meaning: str
    columns: dict[str, str]
    query: str

    def text_for(self, side: str) -> str:
        """Its text for a side: ``true`` is the sensitive one."""
        query = self.query.replace("{sensitive}", side)
        return _OF_SIDE.sub(lambda named: sensitive.rows_for(side, named[1]), query)


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
_RECONCILED = reconciliation.lines(
    _of_side(history.POSITIONS_NOW), _of_side(history.CLOSING_LEDGER_NOW), "{sensitive}"
)


# A figure of nights, what is taken off it for the ordinary side, and below what it cannot be.
_LARGEST = 2**63 - 1
_NIGHT_FIGURES = (
    ("casegroups_received", "casegroups_apart", 0),
    ("received_pence", "received_pence", -_LARGEST),
    ("posted_pence", "posted_pence", 0),
    ("held_pence", "held_pence", -_LARGEST),
    ("exceptions_opened", "exceptions_opened", 0),
    ("exceptions_resolved", "exceptions_resolved", 0),
    ("letters_issued", "letters_issued", 0),
)


_ARRIVED = ", ".join(
    (
        "business_date",
        "balance_id",
        "casegroup_id",
        "csa_system",
        "csa_case_id",
        "is_latest",
        "extract_number",
        "row_number",
        *BUCKET_COLUMNS,
    )
)

# Whatever of the stamps is sensitive now; found from the few that are, not by looking through all stamps.
_STAMPS_APART = """with apart as materialized (
            select e.* from closure.sensitive_casegroups s join closure.end_liability e using (casegroup_id)
            union
            select e.* from closure.sensitive_cases s join closure.end_liability e using (csa_system, csa_case_id))"""


def _selected_apart(of: str, when: str) -> str:
    """Of what a version of criteria selected, what is sensitive now: taken off the counts, which are as of the selection."""
    return f"""
        select count(distinct e.casegroup_id) as casegroups, count(*) as cases from apart e
        where e.tranche_id = {of}.tranche_id and e.criteria_version = {of}.version and {when}
    """  # noqa: S608


# The nine rules of each version of their table, and the nine buckets of a debt as the rules found and left it.
_RULES = ", ".join(
    f"({version}, {rule.number}, '{rule.name}')"
    for version, table in debt_rules.TABLES.items()
    for rule in table
)
_ARREARS = " + ".join(f"greatest(j.{column}, 0)" for column in BUCKET_COLUMNS)
_FINAL_BUCKETS = ", ".join(
    f"('{one.creditor}', '{one.arrears_status}', j.{one.column}, j.final_{one.column})" for one in BUCKETS
)


# What each row of each version of the table of next actions says.
_NEXT_ACTIONS = ", ".join(
    f"({version}, {row.number}, '{row.says}')"
    for version, table in next_actions.TABLES.items()
    for row in table
)


def _masked(nino: str) -> str:
    """A NINO as ``domain.nino.masked`` has it: of what has that shape the end, of anything else that there is one."""
    bare = CLEANED.format(nino)
    return (
        f"case when {bare} ~ '^[A-Z]{{2}}[0-9]{{6}}[A-Z]$' then '{HIDDEN}' || right({bare}, 3) "
        f"when {bare} <> '' then '{HIDDEN}' end"
    )


def _side(row: str, **how: Any) -> str:
    """The condition that a row is on this side; see ``sensitive.of_row``."""
    return f"{sensitive.of_row(row, **how)} = {{sensitive}}"


_KEPT = {
    "kind": "Which figures",
    "business_date": "They are as at the close of this night",
    "night_stage": "Grows whenever a night is closed, and figures of before are counted anew; 0: kept by the night itself",
    "seconds": "How long counting took",
    "content": "The figures; null while a casegroup has changed sides since (R42)",
}


def _kept(*kinds: str) -> str:
    """Of figures that were counted: they are shown while the list of sensitive casegroups is what it was then."""
    return f"""
        select k.kind, k.business_date, k.night_stage, k.seconds,
               case when k.sensitive_sha256 = {kept.SENSITIVE_SHA256} then k.content end
        from closure.kept_figures k
        where not {{sensitive}} and k.kind in ({", ".join(f"'{kind}'" for kind in kinds)})
    """  # noqa: S608


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
        where g.outcome is not null and g.casegroup_id <> '' and """  # noqa: S608
        + _side("g", case=False),
    ),
    View(
        "balances",
        "Each arrival of a balance, an earlier one of the same case too (B28, B72)",
        {
            "business_date": "Night that brought it",
            "balance_id": "Its number, as CSA gave it",
            **_CASEGROUP,
            **_CASE,
            "source": "BALANCE, or CLERICAL: reported by hand",
            "received_pence": "The nine buckets together, a missing one as nothing; not the total it states",
            "is_latest": "Whether it counts now: of its case's latest arrival",
            "extract_number": "Which extract of that night brought it, from 1",
            "row_number": "Its row in the file of that extract, from 1",
        },
        f"""
        select b.business_date, b.balance_id, b.casegroup_id, b.csa_system, b.csa_case_id, b.source,
               greatest(least({" + ".join(f"coalesce(b.{column}, 0)::numeric" for column in BUCKET_COLUMNS)}, {_LARGEST}),
                        -{_LARGEST})::bigint,
               b.is_latest, b.extract_number, b.row_number
        from (select 'BALANCE' as source, {_ARRIVED} from held.csa_balances where is_new
              union all select 'CLERICAL', {_ARRIVED} from held.clerical_balances where is_new) b
        where """  # noqa: S608
        + _side("b"),
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
            "posted_pence": "As mirrored from the balance; never changed. 0 where a correction added the due (R28)",
            "arrears_from": "First day of the arrears",
            "arrears_to": "Last day of the arrears",
            "allocated_pence": "What payments have paid of it; the rest is outstanding",
        },
        """
        select d.due_id, d.business_date, d.casegroup_id, d.cms_casegroup_id, d.cms_case_id, d.csa_system,
               d.csa_case_id, d.scheme, d.creditor, d.arrears_status,
               ("""  # noqa: S608
        + AMOUNT_NOW.format("d")
        + """) as amount_pence,
               d.posted_pence, d.arrears_from, d.arrears_to, ("""
        + ALLOCATED_NOW.format("d")
        + """) as allocated_pence
        from closure.dues d
        where """
        + _side("d"),
    ),
    View(
        "ledger",
        "Every entry behind a due; rows are only ever added. The sum of a due's entries is what is outstanding of it; of those "
        "up to a business date, what was outstanding then",
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
        select l.entry_id, l.business_date, d.due_id, l.kind, l.amount_pence, l.reason, l.reference
        from closure.dues d cross join lateral (
            -- Inside, and not beside it: the barrier of a view does not hold for the branches of a union.
            select d.due_id || '-POSTED' as entry_id, d.business_date, 'POSTED' as kind, d.posted_pence as amount_pence,
                   null::text as reason, d.reference
            where d.posted_pence > 0
            union all
            select e.entry_id, e.business_date, e.kind, e.amount_pence, e.reason, e.reference
            from closure.ledger e where e.due_id = d.due_id) l
        where """  # noqa: S608
        + _side("d"),
    ),
    View(
        "payments",
        "Each payment that could be read, whose it is and what dues took of it (B59-B61, R25)",
        {
            "csa_receipt_reference": "Reference of the receipt; of an agency's, its dca_reference",
            "business_date": "Night received",
            "csa_system": "System whose file it came in; of an agency's, of the case it was collected for",
            "amount_pence": "What was paid",
            "casegroup_id": "Whose it is; null while that is not known",
            "status": "ALLOCATED, HELD until its casegroup is complete, SUSPENSE, SURPLUS (more than was owed), DUPLICATE, "
            "FLAGGED (waits for a person) or PASSED_ON",
            "allocated_pence": "What dues have taken of it",
            "source": "CSA, or DCA: a collection agency",
            "allocated_on": "Night of the pass in which they did; of a surplus too",
        },
        """
        select p.reference as csa_receipt_reference, p.business_date, p.csa_system, p.amount_pence, p.casegroup_id, p.status,
               p.allocated_pence, p.source, p.allocated_on
        from closure.payments p
        where """  # noqa: S608
        + _side("p", references=("reference",)),
    ),
    View(
        "numbered_payments",
        "Payments once more, as they are worked on: with a number that tells nothing of whose each is",
        {
            "payment_number": "The number: of the first thing that happened to it",
            "payment_id": "Natural key: source, reference, night, system, pence, which of these",
            "csa_receipt_reference": "As in payments",
            "business_date": "Night received",
            "source": "CSA, or DCA: a collection agency",
            **_CASE,
            "amount_pence": "What was paid",
            "casegroup_id": "Whose it is; null while that is not known",
            "status": "As in payments",
            "allocated_pence": "What dues have taken of it",
            "allocated_on": "Night of the pass in which they did; of a surplus too",
            "passed_to": "To whom it was passed on: a CMS case, an office, the payer (R30)",
            "prompted_on": "Night on which somebody was asked to let a flagged one go (R31)",
        },
        """
        select (select min(v.number) from closure.payment_events v where v.payment_id = p.payment_id), p.payment_id, p.reference,
               p.business_date, p.source, p.csa_system, p.csa_case_id, p.amount_pence, p.casegroup_id, p.status,
               p.allocated_pence, p.allocated_on, p.passed_to, p.prompted_on
        from closure.payments p
        where """  # noqa: S608
        + _side("p", references=("reference",)),
    ),
    View(
        "payment_events",
        "Every change of where a payment stands, the first of each its number",
        {
            "event_number": "In the order in which they were stored",
            "payment_id": "The payment, as in numbered_payments",
            "business_date": "Night that did it",
            "status": "Where it stood from then on; null: its extract was taken back",
            "casegroup_id": "Whose it was from then on",
            "allocated_pence": "What dues had taken of it",
            "passed_to": "To whom it was passed on",
            "by_what": "The extract, a caseworker's entry, or the night's pass",
        },
        """
        select v.number, v.payment_id, v.business_date, v.status, v.casegroup_id, v.allocated_pence, v.passed_to, v.by_what
        from closure.payment_events v join closure.payments p using (payment_id)
        where """  # noqa: S608
        + _side("p", references=("reference",)),
    ),
    View(
        "corrections",
        "Corrections of arrears as they came, and what became of each (B55, B56)",
        {
            "correction_id": "The correction",
            "business_date": "Night on which it was applied; else the night it came",
            **_CASE,
            **_CASEGROUP,
            **_BUCKET,
            "old_amount_pence": "What the due amounted to before it, nothing where it added the due; null where it was refused",
            "new_amount_pence": "What the due was to be",
            "reason": "ERROR, CHANGE_OF_CIRCUMSTANCES, APPEAL, OFFLINE_REPORT or WRITE_OFF",
            "requested_by": "Who asked for it",
            "offline_calculation": "Inputs and result as JSON, as it came (B56)",
            "due_id": "The due it changed; null where it was refused",
            "status": "APPLIED or REFUSED",
        },
        """
        with k as not materialized (
            select h.correction_id, coalesce(l.business_date, h.business_date) as business_date, h.csa_system, h.csa_case_id,
                   c.casegroup_id, h.creditor, h.arrears_status, h.new_amount_pence - l.amount_pence as old_amount_pence,
                   h.new_amount_pence, h.reason, h.requested_by, h.offline_calculation, l.due_id
            from held.corrections h
            left join closure.ledger l on l.reference = h.correction_id and l.kind = 'CORRECTION'
            left join held.csa_cases c on c.csa_system = h.csa_system and c.csa_case_id = h.csa_case_id
            -- One that no night has judged yet is neither.
            where l.due_id is not null or exists (
                select from closure.nights n where n.business_date = h.business_date and n.succeeded)
               or exists (select from closure.exceptions e where e.stage = 'corrections'
                          and e.subject_reference = h.correction_id)
            union all
            -- An invalid one is not held, and is seen as it came last until a good one comes under its number.
            select * from (
                select distinct on (r.row_key) r.row_key, r.business_date, r.csa_system, r.csa_case_id, c.casegroup_id,
                       r.original::json ->> 'creditor', r.original::json ->> 'arrears_status', null::bigint,
                       (r.original::json ->> 'new_amount_pence')::bigint, r.original::json ->> 'reason',
                       r.original::json ->> 'requested_by', r.original::json ->> 'offline_calculation', null
                from closure.refused_rows r
                left join held.csa_cases c on c.csa_system = r.csa_system and c.csa_case_id = r.csa_case_id
                where r.file_name = 'corrections' and 'row_invalid' = any(r.rule_codes) and r.row_key <> ''
                  and not exists (select from held.corrections h where h.correction_id = r.row_key)
                order by r.row_key, r.business_date desc, r.row_number desc) i)
        select k.correction_id, k.business_date, k.csa_system, k.csa_case_id, k.casegroup_id, k.creditor, k.arrears_status,
               k.old_amount_pence, k.new_amount_pence, k.reason, k.requested_by, k.offline_calculation, k.due_id,
               case when k.due_id is null then 'REFUSED' else 'APPLIED' end as status
        from k where """  # noqa: S608
        + _side("k", references=("correction_id",)),
    ),
    View(
        "csa_cases",
        "Each case as CSA last sent it, what was entered for it not laid over; of its parents the end of their number alone",
        {
            **_CASEGROUP,
            **_CASE,
            "scheme": "CSA scheme, 1993 or 2003",
            "case_type": "ONGOING or ARREARS_ONLY",
            "case_status": "OPEN or CLOSED",
            "closed_reason": "CASE_CLOSURE or OTHER; null while open",
            "liability_end_date": "When liability ended on CSA; null until it has",
            "segment": "1 to 5, in the order of the policy",
            "inhibited": "Manually or automatically, by the case's own row",
            "paying_parent_nino": "Masked; null: none is held",
            "receiving_parent_nino": "Masked; null: none is held",
            "changed_on": "Night on which what CSA says of it last changed",
        },
        f"""
        select c.casegroup_id, c.csa_system, c.csa_case_id, c.scheme, c.case_type, c.case_status, c.closed_reason,
               c.liability_end_date, c.segment, coalesce(c.manual_inhibit, false) or coalesce(c.automatic_inhibit, false),
               {_masked("p.nino")}, {_masked("r.nino")}, c.changed_on
        from held.csa_cases c left join held.csa_parties p on p.party_id = c.paying_parent_id
        left join held.csa_parties r on r.party_id = c.receiving_parent_id
        where """  # noqa: S608
        + _side("c"),
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
        from closure.cms_cases c
        where """  # noqa: S608
        + _side("c"),
    ),
    View(
        "exceptions",
        "Each reason for which a record went no further, open and resolved (B48-B50, R10)",
        {
            "exception_id": "Natural key: rule, casegroup, case, what it is about, first night",
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
            "channel": "How it reached us: the extract, a failure report, a CSA team or caseworker, a file of its own (B51)",
            "subject_reference": "The payment, correction, resolution, report, action or record it is about",
        },
        """
        select e.exception_id, e.business_date, e.stage, e.rule_code, e.severity, e.csa_system, e.csa_case_id,
               e.casegroup_id, e.subject, e.field, e.value, e.message, e.route, e.case_owner, e.status, e.allocated_to,
               e.last_seen_on, e.resolved_on, e.channel, e.subject_reference
        from closure.exceptions e
        where """  # noqa: S608
        + f"{sensitive.of_exception('e')} = {{sensitive}}",
    ),
    View(
        "exception_history",
        "What happened to each exception, in order",
        {
            "exception_id": "The exception",
            "event_number": "From 1",
            "business_date": "Night of the event",
            "event": "OPENED, ALLOCATED, ENTERED, NOT_MENDED (judged after an entry, still so), RESOLVED or REOPENED",
            "by_what": "What brought it about: a stage, an extract, a resolution; whom it was allocated to",
            "by_whom": "The person who did it; null: the system",
            "detail": "In plain words; of what was not mended, why",
            "channel": "How it reached us: the extract, a failure report, a CSA team or caseworker, a file of its own (B51)",
        },
        """
        select v.exception_id, v.event_number, v.business_date, v.event, v.by_what, v.by_whom, v.detail, e.channel
        from closure.exception_events v join closure.exceptions e using (exception_id)
        where """  # noqa: S608
        + f"{sensitive.of_exception('e')} = {{sensitive}}",
    ),
    View(
        "exception_causes",
        "What open exceptions have in common, and what that holds up: rule, field and failing value (B52)",
        {
            "rule_code": "The rule that was broken",
            "field": "The field to look at",
            "value": "What it held, masked where personal; null: nothing, or several values",
            "different_values": "How many values; those that no two have in common are one line a rule and field",
            "exceptions": "How many are open, but for warnings",
            "casegroups": "Of how many casegroups",
            "held_pence": "What these casegroups hold",
            "first_seen_on": "Night on which the oldest was first seen",
            "exception_id": "The oldest of them",
        },
        """
        with open as (
            select e.exception_id, e.business_date, e.rule_code, e.field, e.value, e.casegroup_id, e.cause_key
            from closure.exceptions e
            where e.status <> 'RESOLVED' and e.severity = 'HOLD' and """  # noqa: S608
        + f"{sensitive.of_exception('e')} = {{sensitive}}"
        + """),
        shared as (select cause_key from open group by 1 having count(*) > 1 or min(value) is null),
        pairs as (
            select o.rule_code, o.field, s.cause_key as cause, o.casegroup_id, count(*) as exceptions, min(o.value) as value,
                   min(to_char(o.business_date, 'YYYYMMDD') || o.exception_id collate "C") as oldest
            from open o left join shared s using (cause_key) group by 1, 2, 3, 4),
        lines as (
            select p.rule_code, p.field, p.cause, sum(p.exceptions)::bigint as exceptions, count(p.casegroup_id) as casegroups,
                   min(p.value) as value, min(p.oldest collate "C") as oldest, sum(g.held_pence) as held_pence
            from pairs p left join closure.casegroups g on g.casegroup_id = p.casegroup_id and g.held_pence <> 0
            group by 1, 2, 3),
        valued as (
            select *, case when cause is null then exceptions else (value is not null)::int end as different_values from lines)
        select rule_code, field, case when different_values = 1 then value end, different_values, exceptions, casegroups,
               greatest(least(coalesce(held_pence, 0), 9223372036854775807), -9223372036854775808)::bigint,
               to_date(left(oldest, 8), 'YYYYMMDD'), substr(oldest, 9)
        from valued
        """,
    ),
    View(
        "entries_without_effect",
        "What caseworkers entered that changed nothing on the night it came, and why (B49)",
        {
            "business_date": "Night that brought it",
            "resolution_id": "The resolution",
            **_CASE,
            **_CASEGROUP,
            "entity": "What it was to mend",
            "field": "Which field of it",
            "entered_by": "Who entered it",
            "reason": "Why it changed nothing",
        },
        """
        select e.business_date, e.resolution_id, e.csa_system, e.csa_case_id, e.casegroup_id, e.entity, e.field,
               e.entered_by, e.reason
        from closure.entries_without_effect e where """  # noqa: S608
        + _side("e", references=("resolution_id",)),
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
        with apart as materialized (
            select business_date, total, what, sum(amount) as hidden from closure.shares_apart
            where kind = 'GATE' and (casegroup_id = '' or """  # noqa: S608
        + sensitive.of_casegroup("casegroup_id")
        + """)
            group by 1, 2, 3),
        counted as (
            select business_date, suite, rule_code, attempt, sum(judged_rows) as judged_rows, sum(failed_rows) as failed_rows
            from closure.gate_results group by 1, 2, 3, 4)
        select r.business_date, r.suite, r.rule_code,
               case when {sensitive} then j.hidden else greatest(r.judged_rows - coalesce(j.hidden, 0), 0) end::bigint,
               case when {sensitive} then coalesce(f.hidden, 0)
                    else greatest(r.failed_rows - coalesce(f.hidden, 0), 0) end::bigint
        from (select business_date, suite, rule_code, max(judged_rows) as judged_rows, max(failed_rows) as failed_rows
              from counted group by 1, 2, 3) r
        left join closure.nights n using (business_date)
        left join apart j on j.business_date = r.business_date and j.total = r.suite and j.what = ''
        left join apart f on f.business_date = r.business_date and f.total = r.suite and f.what = r.rule_code
        where case when {sensitive} then j.hidden > 0
                   -- A late night lists the rules it had rows for, and none for those that are hidden.
                   else n.late_after is null or r.judged_rows > coalesce(j.hidden, 0) end
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
        from closure.positions p
        where p.credit_pence <> 0 and """  # noqa: S608
        + _side("p"),
    ),
    View(
        "positions",
        "Where every penny received of a casegroup is: received = posted + held + credit, in every bucket of every case",
        {
            **_CASEGROUP,
            **_CASE,
            **_BUCKET,
            **{
                name: _FIGURES[name]
                for name in ("received_pence", "posted_pence", "held_pence", "credit_pence")
            },
            "business_date": "Night of its latest change",
        },
        """
        select p.casegroup_id, nullif(p.csa_system, ''), nullif(p.csa_case_id, ''), p.creditor, p.arrears_status,
               p.received_pence, p.posted_pence, p.held_pence, p.credit_pence, p.business_date
        from closure.positions p
        where """  # noqa: S608
        + _side("p"),
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
               w.subject_reference, w.route, w.status, coalesce(w.detail, case w.type """  # noqa: S608
        + " ".join(f"when '{kind}' then '{words}'" for kind, words in WORDS.items())
        + """ end)
        from closure.work_items w
        where """
        + f"{sensitive.of_work_item('w')} = {{sensitive}}",
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
            "from_on": "First day of the period to write off; of CMSL6300 alone (B17)",
            "to_on": "Its last day",
        },
        """
        select l.letter_id, l.business_date, l.code, l.recipient_role, l.party_id, l.casegroup_id, l.csa_system,
               l.csa_case_id, l.status, l.reason, l.covers_letter_id, l.total_pence, l.clerical_issued_on, h.from_on, h.to_on
        from closure.letters l left join closure.letters_by_hand h on h.letter_id = l.letter_id
        where """  # noqa: S608
        + _side("l"),
    ),
    View(
        "end_liability",
        "Each selected case, and the day its liability ends (B4, B22, B23)",
        {
            **_CASEGROUP,
            **_CASE,
            "tranche_id": "The tranche that selected it; null when an application did",
            "journey": "PROACTIVE or REACTIVE",
            "selected_on": "Night on which it was selected, joined its casegroup, or was moved by an application",
            "led": "End liability date; the T-Date once reactive",
            "became_reactive_on": "Night on which an application made it reactive",
        },
        """
        select e.casegroup_id, e.csa_system, e.csa_case_id, e.tranche_id, e.journey, e.selected_on, e.led, e.became_reactive_on
        from closure.end_liability e
        where """  # noqa: S608
        + _side("e"),
    ),
    View(
        "journeys",
        "Every move of every selected casegroup's closure, in order",
        {
            **_CASEGROUP,
            "move_number": "From 1",
            "business_date": "Night of the move",
            "from_state": "The state it left; null for the first",
            "to_state": "SELECTED, REMINDED, REACTIVE, LIABILITY_ENDED, CLOSED, FAILED or INHIBITED",
            "cause": "What brought it about",
            "is_latest": "Whether it stands there now",
        },
        """
        select m.casegroup_id, m.move_number, m.business_date, m.from_state, m.to_state, m.cause,
               m.move_number = j.move_number as is_latest
        from closure.journey_moves m join closure.journeys j using (casegroup_id)
        where """  # noqa: S608
        + _side("m", case=False),
    ),
    View(
        "applications",
        "What each application to CMS led to (B19-B24)",
        {
            "application_id": "The application",
            "casegroup_id": "Casegroup of the paying parent it names; null when not on CSA",
            "t_date": "Received + 38 days, when reactive (R1)",
            "effective_date": "T-Date + 1 day when reactive, LED + 1 when kept proactive",
            "decision": "REACTIVE, KEPT_PROACTIVE, ALREADY_REACTIVE, NOT_ON_CSA, NOT_ELIGIBLE or LIABILITY_ENDED",
        },
        """
        select a.application_id, a.casegroup_id, a.t_date, a.effective_date, a.decision
        from closure.applications a
        where """  # noqa: S608
        + _side("a", case=False, references=("application_id",)),
    ),
    View(
        "dated_applications",
        "Applications once more, with the day each was received and the night that decided it",
        {
            "application_id": "As in applications",
            "business_date": "Night on which it was decided",
            "received_on": "Day it was received; day 0 of the 38",
            "casegroup_id": "As in applications",
            "t_date": "As in applications",
            "effective_date": "As in applications",
            "decision": "As in applications",
        },
        """
        select a.application_id, a.business_date, a.received_on, a.casegroup_id, a.t_date, a.effective_date, a.decision
        from closure.applications a
        where """  # noqa: S608
        + _side("a", case=False, references=("application_id",)),
    ),
    View(
        "ltrs",
        "Legacy transition requests to the CSA systems, and what came of them (B24-B26)",
        {
            "ltr_id": "<type>-<CSA system>-<application>",
            "business_date": "Night whose file carries it; null until a night has sent it",
            "ltr_type": "LTR1, LTR2 or LTR3 (R24)",
            "csa_system": "The CSA system it goes to",
            **_CASEGROUP,
            "application_id": "The application behind it",
            "t_date": "The day liability is to end",
            "issued_by": "'system', or who issued it by hand",
            "acknowledged_on": "Day the CSA team acknowledged it",
            "outcome": "CLOSED, REFUSED or PENDING; null while unanswered",
        },
        f"""
        select l.ltr_id, l.business_date, l.ltr_type, l.csa_system, l.casegroup_id, l.application_id, l.t_date, l.issued_by,
               h.acknowledged_on, h.outcome
        from closure.ltrs l
        left join held.ltr_responses h on h.ltr_id = l.ltr_id
            and (h.outcome is null or h.outcome in {LTR_OUTCOMES})
        where """  # noqa: S608
        + _side("l", case=False),
    ),
    View(
        "letter_deliveries",
        "What became of each letter that was written",
        {
            "letter_id": "The letter",
            "business_date": "Night whose letter it is",
            "channel": "print: the outbound folder; notify: GOV.UK Notify",
            "state": "CREATED: it waits; SENDING: begun, not yet answered; SENT; FAILED: a person must act",
            "attempts": "How often sending was begun",
            "last_error": "Why it was not sent, in plain words",
            "sent_at": "When it was handed over",
            "provider_reference": "What the other side calls it",
        },
        """
        select d.letter_id, d.business_date, d.channel, d.state, d.attempts, d.last_error, d.sent_at, d.provider_reference
        from closure.letter_deliveries d join closure.letters l using (letter_id)
        where """  # noqa: S608
        + _side("l"),
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
        select a.business_date, a.casegroup_id, a.csa_system, a.csa_case_id, a.action, a.table_row || ': ' || t.says
        from closure.next_actions a join (values """  # noqa: S608
        + _NEXT_ACTIONS
        + """) t (version, table_row, says) using (version, table_row)
        where """
        + _side("a"),
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
        from ("""  # noqa: S608
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
               count(*) as lines, """  # noqa: S608
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
        with r as materialized ("""  # noqa: S608
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
        "Reconciliations that were signed off, with what was signed and is still on this side (B54, R42)",
        {
            "business_date": "It is as at the end of this night",
            "sign_off_number": "From 1, for each night",
            "signed_by": "Who signed",
            "signed_at": "When",
            "remarks": "In their words",
            **{
                name: f"{meaning}; as signed, less casegroups that have left this side since"
                for name, meaning in _FIGURES.items()
            },
            "breaks": "How many breaks were listed; likewise",
            "breaks_sha256": "Of the list of breaks: the same list has the same; null when a casegroup has left",
        },
        """
        with gone as materialized (
            select business_date, total, """  # noqa: S608
        + ", ".join(
            f"coalesce(sum(amount) filter (where what = '{name}'), 0) as {name}"
            for name in reconciliation.SIGNED
        )
        + """ from closure.shares_apart where kind = 'SIGN_OFF' and """
        + sensitive.of_casegroup("casegroup_id")
        + """ = not {sensitive} group by 1, 2)
        select s.business_date, s.sign_off_number, s.signed_by, s.signed_at, s.remarks, """
        + ", ".join(
            f"case when w.shown then greatest(least(s.{name}::numeric - coalesce(g.{name}, 0), {_LARGEST}), "
            f"-{_LARGEST})::bigint end"
            for name in reconciliation.SIGNED
        )
        + """, case when w.shown and g.total is null then s.breaks_sha256 end
        from closure.reconciliation_sign_offs s
        left join gone g on g.business_date = s.business_date
            and g.total = case when {sensitive} then 'sensitive ' else 'ordinary ' end || s.sign_off_number
        -- Signed before shares were kept: nothing can be taken off, so nothing is shown once a casegroup has become sensitive.
        cross join lateral (select s.shares_kept or {sensitive} or not exists (
            select from closure.sensitive_casegroups c where c.business_date >= s.business_date) as shown) w
        where s.sensitive = {sensitive}
        """,
    ),
    View(
        "records",
        "What people did outside and told us: re-applications, minimum case data, contacts with CSA (B11, B27, B58)",
        {
            "record_id": "The record",
            "kind": "GATEWAY, MINIMUM_CASE_DATA or CSA_CONTACT",
            **_CASEGROUP,
            **_CASE,
            "reference": "Their reference",
            "recorded_on": "Day it was recorded",
            "recorded_by": "Who recorded it",
            "detail": "More about it, as JSON",
        },
        """
        select r.record_id, r.kind, r.casegroup_id, r.csa_system, r.csa_case_id, r.reference, r.recorded_on, r.recorded_by,
               r.detail
        from held.records r
        where """  # noqa: S608
        + _side("r", references=("record_id",)),
    ),
    View(
        "enforcement",
        "Enforcement actions and liability orders as CSA last sent them (B62-B64)",
        {
            "action_id": "The action",
            "business_date": "Night on which it first came",
            **_CASEGROUP,
            **_CASE,
            "action_type": "LIABILITY_ORDER, CHARGING_ORDER, DISTRESS, COMMITTAL or DISQUALIFICATION",
            "ongoing": "Still under way",
            "in_force": "The order is in force",
            "reference": "The court's or agent's reference",
            "court": "Court that granted it",
            "granted_on": "Day it was granted",
            "amount_pence": "Amount it covers",
            "period_from": "First day of arrears it covers; null: open",
            "period_to": "Last day of arrears it covers; null: open",
        },
        """
        select a.action_id, a.first_came_on as business_date, a.casegroup_id, a.csa_system, a.csa_case_id, a.action_type,
               a.ongoing, a.in_force, a.reference, a.court, a.granted_on, a.amount_pence, a.period_from, a.period_to
        from (select e.*, c.casegroup_id from held.enforcement_actions e
              left join held.csa_cases c using (csa_system, csa_case_id)) a
        where """  # noqa: S608
        + _side("a", references=("action_id",)),
    ),
    View(
        "enforcement_dues",
        "Which dues each liability order in force covers: of its case, whoever is owed, where the periods meet (B63, R33)",
        {"action_id": "The liability order", "due_id": "A due that it covers"},
        f"""
        select a.action_id, d.due_id
        from held.enforcement_actions a join closure.dues d
          on d.csa_case_id = a.csa_case_id and d.csa_system = a.csa_system
        where a.action_type = '{LIABILITY_ORDER}' and a.in_force
          and coalesce(a.period_from, '-infinity') <= coalesce(d.arrears_to, 'infinity')
          and coalesce(d.arrears_from, '-infinity') <= coalesce(a.period_to, 'infinity')
          and """  # noqa: S608
        + _side("d"),
    ),
    View(
        "programme",
        "How far the programme is: cases by tranche, segment and CSA system (B8). Cases without a tranche are there too",
        {
            "tranche_id": "Tranche; null for cases not selected, and for those an application moved",
            "segment": "1 to 5, in the order of the policy",
            "csa_system": "CSCS, CS2 or CCD",
            "cases": "Cases held",
            "selected_cases": "Of these, with an end liability date",
            "liability_ended_cases": "Of these, their liability has ended on CSA",
            "closed_cases": "Of these, closed on CSA",
            "transitioned_cases": "Of the cases, in a casegroup that is Transition Complete",
            "held_cases": "In a casegroup that is held",
            "excepted_cases": "In a casegroup with an exception",
            "clerical_cases": "In a casegroup that is moved by hand",
            "indicative_arrears_pence": "What the cases were thought to owe before they closed",
            "received_pence": "What CSA's balances said they owe",
            "posted_pence": "Of that, on CMS as dues",
            "held_pence": "Of that, held",
        },
        """
        select e.tranche_id, c.segment, c.csa_system, count(*), count(e.casegroup_id),
               count(e.casegroup_id) filter (where c.liability_end_date is not null),
               count(e.casegroup_id) filter (where c.case_status = 'CLOSED'),
               count(*) filter (where g.outcome = 'TRANSITION_COMPLETE'), count(*) filter (where g.outcome = 'HELD'),
               count(*) filter (where g.outcome = 'EXCEPTION'), count(*) filter (where g.outcome = 'CLERICAL'),
               coalesce(sum(c.indicative_arrears_pence), 0)::bigint, coalesce(sum(p.received_pence), 0)::bigint,
               coalesce(sum(p.posted_pence), 0)::bigint, coalesce(sum(p.held_pence), 0)::bigint
        from {table:held.csa_cases} c left join closure.end_liability e using (csa_system, csa_case_id)
        left join closure.casegroups g on g.casegroup_id = c.casegroup_id
        left join (select csa_system, csa_case_id, sum(received_pence) as received_pence, sum(posted_pence) as posted_pence,
                          sum(held_pence) as held_pence
                   from {table:closure.positions} p group by 1, 2) p using (csa_system, csa_case_id)
        where """  # noqa: S608
        + _side("c")
        + """
        group by 1, 2, 3
        """,
    ),
    View(
        "programme_months",
        "Planned against actual, month by month: when liability was to end and when it did (B8)",
        {
            "month_on": "First day of the month",
            "tranche_id": "Tranche; null for cases an application moved",
            "csa_system": "CSCS, CS2 or CCD",
            "selected_cases": "Cases selected that month",
            "planned_cases": "Cases whose end liability date lies in it",
            "ended_cases": "Selected cases whose liability ended in it on CSA",
            "completed_cases": "Selected cases whose casegroup became Transition Complete in it",
        },
        """
        select date_trunc('month', m.happened_on)::date, m.tranche_id, m.csa_system,
               count(*) filter (where m.what = 'SELECTED'), count(*) filter (where m.what = 'PLANNED'),
               count(*) filter (where m.what = 'ENDED'), count(*) filter (where m.what = 'COMPLETED')
        from (
            select e.casegroup_id, e.tranche_id, e.csa_system, v.what, v.happened_on
            from closure.end_liability e left join held.csa_cases c using (csa_system, csa_case_id)
            left join closure.casegroups k on k.casegroup_id = c.casegroup_id
            cross join lateral (values ('SELECTED', e.selected_on), ('PLANNED', e.led), ('ENDED', c.liability_end_date),
                                       ('COMPLETED', k.completed_on)) v (what, happened_on)
            where v.happened_on is not null and """  # noqa: S608
        + _side("e")
        + """) m
        group by 1, 2, 3
        """,
    ),
    View(
        "debt_rule_results",
        "What each of the nine rules came to for each debt on each night it was judged (B71, R23)",
        {
            "business_date": "Night on which the rules judged the debt: it was new, or other than before",
            **_CASE,
            **_CASEGROUP,
            "rule_number": "From 1 to 9, in the order in which they run",
            "rule_name": "The rule; illustrative (docs/debt-rules.md)",
            "version": "Version of the table of rules",
            "result": "NONE: it took nothing. OFF: nothing is left in what it may take from. DOWN: something is",
            "before_pence": "Arrears before its turn, of the buckets above 0",
            "written_off_pence": "What it wrote off",
            "after_pence": "Arrears after it",
        },
        f"""
        select j.business_date, j.csa_system, j.csa_case_id, j.casegroup_id, r.rule_number, r.rule_name, j.version,
               coalesce(w.result, '{debt_rules.NONE}'), coalesce(w.before_pence, p.after_pence, {_ARREARS}),
               coalesce(w.written_off_pence, 0), coalesce(w.after_pence, p.after_pence, {_ARREARS})
        from closure.debt_judgements j join (values {_RULES}) r (version, rule_number, rule_name) using (version)
        left join closure.debt_rule_results w on w.csa_system = j.csa_system and w.csa_case_id = j.csa_case_id
            and w.business_date = j.business_date and w.rule_number = r.rule_number
        left join lateral (
            select b.after_pence from closure.debt_rule_results b
            where b.csa_system = j.csa_system and b.csa_case_id = j.csa_case_id and b.business_date = j.business_date
              and b.rule_number < r.rule_number order by b.rule_number desc limit 1) p on true
        where """  # noqa: S608
        + _side("j"),
    ),
    View(
        "final_balances",
        "Each debt after the nine rules, bucket by bucket, on each night they judged it (B71)",
        {
            "business_date": "Night on which the rules judged the debt",
            **_CASE,
            **_BUCKET,
            "debt_pence": "The debt in that bucket before the rules; a credit is below 0",
            "written_off_pence": "What the nine rules wrote off of it",
            "final_pence": "What is left: debt = written off + final",
        },
        f"""
        select j.business_date, j.csa_system, j.csa_case_id, v.creditor, v.arrears_status, v.debt_pence,
               v.debt_pence - v.final_pence, v.final_pence
        from closure.debt_judgements j
        cross join lateral (values {_FINAL_BUCKETS}) v (creditor, arrears_status, debt_pence, final_pence)
        where v.debt_pence <> 0 and """  # noqa: S608
        + _side("j"),
    ),
    View(
        "write_off_tie_out",
        "What the nine rules wrote off against what CSA's closing ledger says was written off, case by bucket (B54, B71)",
        {
            "business_date": "Night on which the rules last judged the debt; null: no debt of the case came",
            **_CASE,
            **_CASEGROUP,
            **_BUCKET,
            "written_off_pence": "What the rules wrote off when they last judged it; null: no debt of the case came",
            "csa_written_off_pence": "What the closing ledger says was written off; null: it has no row of the case",
            "difference_pence": "The first less the second, what is not known as 0",
            "break_type": "NOT_JUDGED: CSA wrote off, no debt came. RULES_ONLY, CSA_ONLY: one side wrote off, the other nothing. "
            "AMOUNT_DIFFERS: both did, unequal. Null: they agree, or the case has not left CSA yet",
        },
        f"""
        with judged as (
            select distinct on (j.csa_system, j.csa_case_id) j.* from closure.debt_judgements j
            order by j.csa_system, j.csa_case_id, j.business_date desc),
        by_rules as (
            select j.csa_system, j.csa_case_id, v.creditor, v.arrears_status, v.debt_pence - v.final_pence as pence from judged j
            cross join lateral (values {_FINAL_BUCKETS}) v (creditor, arrears_status, debt_pence, final_pence)
            where v.debt_pence <> v.final_pence),
        by_csa as (
            select csa_system, csa_case_id, creditor, arrears_status, written_off_pence as pence
            from held.csa_closing_ledger where written_off_pence <> 0)
        select t.business_date, t.csa_system, t.csa_case_id, t.casegroup_id, t.creditor, t.arrears_status, t.rules_pence,
               t.csa_pence, {reconciliation.FITTED.format("coalesce(t.rules_pence, 0)::numeric - coalesce(t.csa_pence, 0)")},
               case when t.csa_pence is null or t.csa_pence = t.rules_pence then null
                    when t.rules_pence is null then 'NOT_JUDGED' when t.csa_pence = 0 then 'RULES_ONLY'
                    when t.rules_pence = 0 then 'CSA_ONLY' else 'AMOUNT_DIFFERS' end
        from (
            select j.business_date, csa_system, csa_case_id, coalesce(c.casegroup_id, j.casegroup_id) as casegroup_id, creditor,
                   arrears_status, case when j.business_date is not null then coalesce(r.pence, 0) end as rules_pence,
                   case when s.pence is not null or exists (
                            select from held.csa_closing_ledger l
                            where l.csa_system = r.csa_system and l.csa_case_id = r.csa_case_id)
                        then coalesce(s.pence, 0) end as csa_pence
            from by_rules r full join by_csa s using (csa_system, csa_case_id, creditor, arrears_status)
            left join judged j using (csa_system, csa_case_id) left join held.csa_cases c using (csa_system, csa_case_id)) t
        where """  # noqa: S608
        + _side("t"),
    ),
    View(
        "tranche_criteria",
        "Every version of every tranche's criteria: who, when, why, and what it selected (B6)",
        {
            "tranche_id": "Tranche",
            "version": "From 1 within the tranche",
            "state": "LOADED from a file, PROPOSED, APPROVED or REFUSED",
            "in_force": "Whether it is the version that counts now; it selects only when authorised",
            "ocr_reference": "Operational Change Request",
            "authorised_by": "Who authorised it; null: it selects nothing",
            "authorised_on": "When they did; null: it selects nothing",
            "reason": "Why",
            "segments": "Segments it matches",
            "csa_systems": "CSA systems it matches",
            "case_types": "Case types it matches",
            "max_cases": "Cap on cases over the life of the tranche; null: none",
            "notice_days": "End liability date = selection date + these",
            "reminder_days": "Days before the end liability date on which the reminder is due; null: one month",
            "valid_from": "First night it selects on; null: open",
            "valid_to": "Last night it selects on; null: open",
            "source": "How it came: a file's name, or the approval DAG",
            "recorded_by": "Who brought it: a user, the night that read it, or who proposed it",
            "recorded_at": "When it was recorded",
            "replaces_version": "The version in force when it was recorded; null: none was",
            "decided_by": "Who approved or refused the proposal",
            "decided_at": "When they did",
            "comment": "What they said, or why an approval was not accepted",
            "first_selected_on": "First night on which it selected anything",
            "last_selected_on": "Last night on which it did",
            "casegroups_selected": "Casegroups it selected",
            "cases_selected": "Cases it selected, those of these casegroups on that night",
        },
        f"""
        {_STAMPS_APART}
        select c.tranche_id, c.version, c.state,
               c.version is not distinct from (
                   select max(f.version) from closure.tranche_criteria f
                   where f.tranche_id = c.tranche_id and f.state in ('LOADED', 'APPROVED')) as in_force,
               c.ocr_reference, c.authorised_by, c.authorised_on, c.reason, c.segments, c.csa_systems, c.case_types,
               c.max_cases, c.notice_days, c.reminder_days, c.valid_from, c.valid_to, c.source, c.recorded_by, c.recorded_at,
               c.replaces_version, c.decided_by, c.decided_at, c.comment, s.first_on, s.last_on,
               greatest(coalesce(s.casegroups, 0) - h.casegroups, 0)::bigint, greatest(coalesce(s.cases, 0) - h.cases, 0)::bigint
        from closure.tranche_criteria c
        left join (select tranche_id, version, min(business_date) as first_on, max(business_date) as last_on,
                          sum(casegroups) as casegroups, sum(cases) as cases
                   from closure.tranche_selections group by tranche_id, version) s using (tranche_id, version)
        cross join lateral ("""  # noqa: S608
        + _selected_apart("c", "true")
        + """) h
        where not {sensitive}
        """,
    ),
    View(
        "tranche_selections",
        "What each version of a tranche's criteria selected, night by night (B8)",
        {
            "business_date": "Night of the selection",
            "tranche_id": "Tranche",
            "version": "Version of its criteria that selected",
            "led": "End liability date stamped",
            "casegroups": "Casegroups selected",
            "cases": "Cases selected, all those of the casegroups",
            "cap_met": "Whether the cap ended the selection",
        },
        f"""
        {_STAMPS_APART}
        select s.business_date, s.tranche_id, s.version, s.led, greatest(s.casegroups - h.casegroups, 0),
               greatest(s.cases - h.cases, 0), s.ended_at_casegroup_id is not null
        from closure.tranche_selections s cross join lateral ("""  # noqa: S608
        + _selected_apart("s", "e.selected_on = s.business_date")
        + """) h
        where not {sensitive}
        """,
    ),
    View(
        "acts",
        "What people did here, who, when and in which role; what a casegroup's record was unmasked for, too",
        {
            "act_number": "In the order in which they were done",
            "acted_at": "When",
            "acted_by": "Who, as they sign in",
            "acted_as": "In which role; null: not known to the server",
            "action": "What was done",
            "about": "What kind of thing it was done to",
            "reference": "Which one",
            **_CASEGROUP,
            "before": "What stood before",
            "after": "What stands after",
            "reason": "Why, in their words",
        },
        """
        select a.act_number, a.acted_at, a.acted_by, a.acted_as, a.action, a.about, a.reference, a.casegroup_id, a.before,
               a.after, a.reason
        from closure.acts a
        where """  # noqa: S608
        + _side("a", case=False),
    ),
    View(
        "kept_outcomes",
        "Casegroups by the night that was the last to change them, by outcome and reason, when they were counted last",
        _KEPT,
        _kept("outcomes"),
    ),
    View(
        "kept_causes",
        "What `exception_causes` came to when they were counted last, those that hold most, for pages that cannot wait (B52)",
        _KEPT,
        _kept("exception_causes"),
    ),
    View(
        "kept_programme",
        "What `programme`, `programme_months` and what each month left held came to when counted last, for pages (B8)",
        _KEPT,
        _kept("programme", "programme_months", "held_months"),
    ),
    View(
        "kept_reconciliation",
        "What the reconciliation written out last came to, and `write_off_tie_out` when it was counted last (B54, B71)",
        _KEPT,
        _kept("reconciliation", "write_offs"),
    ),
    View(
        "kept_breaks",
        "The breaks of the reconciliation that was written out last, for pages that cannot wait (B54)",
        {
            "break_number": "In order of cause and case",
            "business_date": "Night of its latest change",
            **_CASE,
            **_CASEGROUP,
            **_BUCKET,
            "tranche_id": "The tranche that selected the case; null when none did",
            "left_csa_pence": _FIGURES["left_csa_pence"],
            "received_pence": _FIGURES["received_pence"],
            "difference_pence": "Received less what left CSA",
            "written_off_pence": _FIGURES["written_off_pence"],
            "break_type": "MISSING_ON_CMS, NOT_ON_CSA or AMOUNT_DIFFERS",
            "cause": "The first cause that fits: " + ", ".join(CAUSES),
            "implausible": "Whether one of its figures is beyond the limit for one bucket",
        },
        """
        select b.break_number, b.business_date, b.csa_system, b.csa_case_id, b.casegroup_id, b.creditor, b.arrears_status,
               b.tranche_id, b.left_csa_pence, b.received_pence, b.difference_pence, b.written_off_pence, b.break_type, b.cause,
               b.implausible
        from closure.kept_breaks b
        where not {sensitive} and """  # noqa: S608
        + _side("b"),
    ),
    View(
        "nights",
        "Every night that was started or skipped, how it ended and what it came to",
        {
            "business_date": "The night's business date",
            "extract_id": "The extract applied",
            "started_at": "When the run that ended it began",
            "finished_at": "When it ended: first succeeded, else last failed or was skipped",
            "status": "SUCCESS, REJECTED, FAILED, OPEN or SKIPPED (R40); figures of a rejected or skipped night are 0",
            "casegroups_received": "Distinct casegroups in that night's balances",
            "received_pence": "Sum of that night's balance rows",
            "posted_pence": "Dues posted that night",
            "held_pence": "All held at the end of the night",
            "exceptions_opened": "HOLD exceptions first seen that night",
            "exceptions_resolved": "Exceptions resolved that night",
            "letters_issued": "Letters issued that night",
        },
        """
        select n.business_date, n.extract_id, n.started_at, n.finished_at, n.status, """  # noqa: S608
        + ", ".join(
            f"case when {{sensitive}} then coalesce(s.{name}, 0) "
            f"else greatest(least(coalesce(f.{name}::numeric - s.{less}, 0), {_LARGEST}), {least})::bigint end as {name}"
            for name, less, least in _NIGHT_FIGURES
        )
        + """
        from closure.nights n left join closure.night_figures f using (business_date)
        left join ("""
        + nights.SENSITIVE_PARTS
        + """) s using (business_date)
        """,
    ),
    View(
        "night_history",
        "Each time a night was begun or skipped and how that ended, the latest last (R21, R40)",
        {
            "business_date": "The night's business date",
            "attempt_number": "From 1, for each night",
            "status": "SUCCESS, REJECTED, FAILED, OPEN (its process was gone, or it is at work) or SKIPPED",
            "stage": "The stage reached, or the one that failed",
            "started_at": "When that run began",
            "finished_at": "When it ended; null: it never did, or has not yet",
            "by_whom": "Who skipped it; null: nobody did",
            "reason": "Why it was skipped; why a run failed stands in its log",
        },
        """
        select business_date, attempt_number, status, stage, started_at, finished_at, by_whom,
               case when status = 'SKIPPED' then reason end as reason
        from closure.night_history
        union all
        select n.business_date, (select count(*) + 1 from closure.night_history h where h.business_date = n.business_date)::int,
               n.status, n.stage, n.started_at, n.finished_at, n.by_whom, case when n.status = 'SKIPPED' then n.reason end
        from closure.nights n
        """,
    ),
    View(
        "night_stages",
        "Each stage of a night as it was begun, while it runs and after; a rerun adds its own",
        {
            "business_date": "The night's business date",
            "attempt": "Counted up within the night as stages are begun; null: refused, or failed, before it was begun",
            "stage": "The stage",
            "started_at": "When it began",
            "ended_at": "When it ended or failed; null: it runs, or its process has gone",
            "seconds": "How long it took; null while it runs",
            "outcome": "STARTED, ENDED or FAILED; why it failed stands in its log",
        },
        # Neither figures nor reasons: they are of all casegroups, and tell of those that are hidden (R26).
        """
        select business_date, attempt, stage, started_at, ended_at,
               round(extract(epoch from ended_at - started_at), 1), outcome
        from closure.night_stages
        """,
    ),
)


def _quoted(comment: str) -> str:
    return "'" + comment.replace("'", "''") + "'"


def statements() -> list[str]:
    """The SQL that makes all views of both schemas, where there are none, and the functions behind what people do."""
    written = sensitive.statements()
    for schema, (side, meaning) in SCHEMAS.items():
        written += [
            f"create schema if not exists {schema}",
            f"comment on schema {schema} is {_quoted(meaning)}",
        ]
        for view in VIEWS:
            query = sensitive.with_names(view.text_for(side))
            # Without the barrier a function of the reader's own, or a cast that fails, would be tried on the other side's rows.
            written.append(
                f"create view {schema}.{view.name} ({', '.join(view.columns)}) with (security_barrier) as {query}"
            )
            written.append(f"comment on view {schema}.{view.name} is {_quoted(view.meaning)}")
            written += [
                f"comment on column {schema}.{view.name}.{column} is {_quoted(comment)}"
                for column, comment in view.columns.items()
            ]
    return written + acts.statements() + listing.statements()


def drop(connection: Connection) -> None:
    """Drop every view there is, so that tables can be changed under them; :func:`refresh` makes them anew."""
    found = connection.execute(
        text(
            "select string_agg(format('%I.%I', schemaname, viewname), ', ') from pg_views "
            "where schemaname = any(:schemas) or schemaname = 'closure'"
        ),
        {"schemas": list(SCHEMAS)},
    ).scalar_one()
    if found:
        connection.exec_driver_sql(f"drop view {found} cascade")
        connection.exec_driver_sql("comment on schema closure is 'views to be made anew'")


def are_current(connection: Connection) -> bool:
    """Whether the views there are this version's."""
    found = connection.execute(
        text("select obj_description(to_regnamespace('closure')::oid, 'pg_namespace')")
    )
    return bool(found.scalar_one() == _mark(statements()))


def _mark(wanted: list[str]) -> str:
    return "views " + hashlib.sha256("\n".join(wanted).encode()).hexdigest()


def refresh(connection: Connection, granted: list[roles.Grant]) -> None:
    """Make the views anew if they are not this version's, and grant again what was granted on those before."""
    if are_current(connection):
        return
    wanted = statements()
    mark = _mark(wanted)
    drop(connection)
    for statement in wanted:
        connection.exec_driver_sql(statement.replace("%", "%%"))
    roles.grant_again(connection, granted)
    connection.exec_driver_sql(f"comment on schema closure is {_quoted(mark)}")

"""The money law, as questions to the store: where in the book does the money not add up?

Belongs here: the laws, and of which casegroups they are asked. Does not belong here: what becomes of a breach (``night``), what
the schema refuses by itself.

Asked of the whole book, or of what a night may have changed alone: the law held at the end of the night before, and nothing
else moves money.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import Connection, text

from case_closure.domain.money import BUCKETS
from case_closure.store.casegroups import CHANGED
from case_closure.store.dues import TAKEN_IN


@dataclass(frozen=True)
class Breach:
    """A place where the money law does not hold."""

    law: str
    where: str
    expected_pence: int
    found_pence: int


def breaches(
    connection: Connection, on: date, judged: Collection[str] | None = None, most: int = 20
) -> list[Breach]:
    """Where the money law is broken, at most ``most`` of each kind; empty when it holds everywhere.

    In every bucket received = posted + held + credit, counted from the balances themselves; what the night of ``on`` has posted
    is what is landed now; posted = the dues; of each due posted + corrections - allocated = outstanding, never below nothing;
    each receipt of the night is on record, and what was allocated since is the same on both sides; outcomes add up their
    positions.

    ``judged``: the casegroups the night has judged, where the law held of the whole book when it began. Where the night has
    changed little of the book, the laws are asked of those casegroups and of all others that have anything of its date; of the
    rest, whether what is posted and the dues come to the same.
    """
    if judged is not None and _note_touched(connection, on, judged):
        laws, of = _LAWS | _OF_THE_WHOLE_BOOK, _TOUCHED
    else:
        # Counted anew, since a night may just have filled these tables: the plans of the laws turn on it.
        connection.exec_driver_sql("set local default_statistics_target = 20")
        connection.exec_driver_sql(
            "analyze closure.casegroups, closure.positions, closure.dues, closure.ledger"
        )
        laws, of = _LAWS, _BOOK
    found: list[Breach] = []
    for law, query in laws.items():
        asked = _RELATION.sub(lambda match: of[match[1]], query)
        rows = connection.execute(text(f"{asked} limit :most"), {"on": on, "most": most})
        found += [Breach(law, row[0], int(row[1]), int(row[2])) for row in rows]
    return found


# What the laws call ``book.<name>``: the whole tables, or the rows in them of the casegroups in the table ``touched``.
_RELATION = re.compile(r"\bbook\.(\w+)")
_NAMES = ("casegroups", "positions", "dues", "ledger", "csa_balances", "clerical_balances")
_BOOK = {name: f"{'held' if name.endswith('balances') else 'closure'}.{name}" for name in _NAMES}
_TOUCHED = {name: f"pg_temp.law_{name}" for name in _NAMES}

# Of a book of which a night has changed more than one casegroup in so many, the whole is as quickly asked.
FEW: Final = 10


def is_little(connection: Connection, casegroups: int) -> bool:
    """Whether so many casegroups are few in the book, as PostgreSQL has counted it last."""
    of = connection.exec_driver_sql(
        "select reltuples from pg_class where oid = 'closure.casegroups'::regclass"
    )
    return casegroups * FEW <= of.scalar_one()


def _note_touched(connection: Connection, on: date, judged: Collection[str]) -> bool:
    """Set apart all rows of the casegroups that the night may have changed; False, with nothing done, where those are many."""
    connection.exec_driver_sql("drop table if exists pg_temp.touched")
    connection.execute(
        text(
            f"""
            create temporary table touched on commit drop as
            select unnest(cast(:judged as text[])) as casegroup_id
            union {CHANGED}
            union select casegroup_id from closure.casegroups_taken_back where business_date = :on
            union select casegroup_id from closure.casegroups where business_date = :on
            union select casegroup_id from closure.positions where business_date = :on
            union select casegroup_id from closure.position_history where replaced_on = :on
            union select casegroup_id from closure.dues where business_date = :on
            union select d.casegroup_id from closure.ledger l join closure.dues d using (due_id) where l.business_date = :on
            """  # noqa: S608  the query of a module of the store
        ),
        {"on": on, "judged": list(judged)},
    )
    connection.exec_driver_sql("analyze touched")
    if not is_little(connection, connection.exec_driver_sql("select count(*) from touched").scalar_one()):
        return False
    for name, query in _OF_TOUCHED.items():
        connection.exec_driver_sql(f"drop table if exists {_TOUCHED[name]}")
        connection.exec_driver_sql(f"create temporary table law_{name} on commit drop as {query}")
        connection.exec_driver_sql(f"analyze {_TOUCHED[name]}")
    return True


# The latest balances whose case is in one of these casegroups or, of a case that is not held, that name one.
_LATEST = """
    select b.* from touched t join held.csa_cases c using (casegroup_id)
    join held.{0} b on b.csa_system = c.csa_system and b.csa_case_id = c.csa_case_id and b.is_latest
    union all
    select b.* from touched t join held.{0} b on b.casegroup_id = t.casegroup_id and b.is_latest and not exists (
        select from held.csa_cases c where c.csa_system = b.csa_system and c.csa_case_id = b.csa_case_id)
    union all
    select b.* from held.{0} b where b.casegroup_id is null and b.is_latest
      and exists (select from touched where casegroup_id = '')
      and not exists (select from held.csa_cases c where c.csa_system = b.csa_system and c.csa_case_id = b.csa_case_id)
"""
_OF_TOUCHED = {
    "casegroups": "select g.* from touched join closure.casegroups g using (casegroup_id)",
    "positions": "select p.* from touched join closure.positions p using (casegroup_id)",
    "dues": "select d.* from touched join closure.dues d using (casegroup_id)",
    "ledger": "select l.* from pg_temp.law_dues d join closure.ledger l using (due_id)",
    "csa_balances": _LATEST.format("csa_balances"),
    "clerical_balances": _LATEST.format("clerical_balances"),
}


_WHERE = "concat_ws(' ', {0}.casegroup_id, {0}.csa_system, {0}.csa_case_id, {0}.creditor, {0}.arrears_status)"


def _arrived(which: str) -> str:
    """The buckets of the latest balances ``b``, of the casegroups ``g`` for which the condition holds."""
    return " union all ".join(
        f"""select coalesce(c.casegroup_id, b.casegroup_id, '') as casegroup_id, coalesce(b.csa_system, '') as csa_system,
            coalesce(b.csa_case_id, '') as csa_case_id, v.creditor, v.arrears_status, v.pence
        from book.{file} b left join held.csa_cases c using (csa_system, csa_case_id)
        left join book.casegroups g on g.casegroup_id = coalesce(c.casegroup_id, b.casegroup_id, '')
        cross join lateral (values {", ".join(f"('{k.creditor}', '{k.arrears_status}', b.{k.column})" for k in BUCKETS)})
            v (creditor, arrears_status, pence)
        where b.is_latest and v.pence <> 0 and {which.replace("FILE", f"'{file}'")}"""  # noqa: S608  the condition is of this module
        for file in ("csa_balances", "clerical_balances")
    )


# An entry of a caseworker makes a bucket another amount than the one that landed.
_AS_LANDED = """
    not exists (select from held.resolutions r where r.entity = 'BALANCE' and r.csa_system = {0}.csa_system
                and r.csa_case_id = {0}.csa_case_id and r.field = lower({0}.creditor || '_' || {0}.arrears_status) || '_pence')
"""
# What another night took in before it failed waits for that night.
_JUDGED = "not exists (select from closure.nights n where not n.succeeded and n.business_date <> :on and ({}))".format(
    " or ".join(
        f"""exists (select from held.{file} b where b.business_date = n.business_date and b.is_latest
            and coalesce(b.csa_system, '') = {{0}}.csa_system and coalesce(b.csa_case_id, '') = {{0}}.csa_case_id)"""
        for file in ("csa_balances", "clerical_balances")
    )
)
# Of a completed casegroup: what is no part of its completion (R41).
_SINCE_COMPLETION = """
    g.completed_on is not null and (FILE = 'clerical_balances' or not exists (
        select from book.positions s where s.casegroup_id = g.casegroup_id and (s.posted_pence <> 0 or s.credit_pence <> 0)
        and s.csa_system = coalesce(b.csa_system, '') and s.csa_case_id = coalesce(b.csa_case_id, '')))
"""
_LIMIT = 2**63 - 1
# Of a balance what it has in the bucket of a line.
_OF_BUCKET = (
    "case {1}.creditor || {1}.arrears_status "
    + " ".join(f"when '{k.creditor}{k.arrears_status}' then {{0}}.{k.column}" for k in BUCKETS)
    + " end"
)
_CORRECTED = "(select due_id, sum(amount_pence) as corrected from book.ledger where kind <> 'ALLOCATION' group by due_id)"
_ALLOCATED = "(select due_id, -sum(amount_pence) as allocated from book.ledger where kind = 'ALLOCATION' group by due_id)"
_LAWS = {
    "received = posted + held + credit": f"""
        select {_WHERE.format("p")}, p.received_pence, p.posted_pence::numeric + p.held_pence + p.credit_pence
        from book.positions p
        where p.received_pence::numeric <> p.posted_pence::numeric + p.held_pence + p.credit_pence
    """,  # noqa: S608
    "received = the latest balances": f"""
        select concat_ws(' ', casegroup_id, csa_system, csa_case_id, creditor, arrears_status), arrived, received from (
            select casegroup_id, csa_system, csa_case_id, creditor, arrears_status,
                   greatest(least(sum(arrived), {_LIMIT}), -{_LIMIT} - 1) as arrived, sum(received) as received
            from (
                select a.casegroup_id, a.csa_system, a.csa_case_id, a.creditor, a.arrears_status, a.pence::numeric as arrived,
                       0::numeric as received
                from ({_arrived("g.completed_on is null")}) a
                union all
                select casegroup_id, csa_system, csa_case_id, creditor, arrears_status, 0, p.received_pence
                from book.positions p left join book.casegroups g using (casegroup_id)
                where g.completed_on is null) figures
            group by 1, 2, 3, 4, 5) s
        where arrived <> received and {_AS_LANDED.format("s")} and {_JUDGED.format("s")}
    """,  # noqa: S608
    "of a completed casegroup, received = what was completed + what came since": f"""
        select concat_ws(' ', casegroup_id, csa_system, csa_case_id, creditor, arrears_status), expected, received from (
            select casegroup_id, csa_system, csa_case_id, creditor, arrears_status,
                   coalesce(p.received_pence, 0)::numeric as received,
                   greatest(least(coalesce(p.posted_pence::numeric + p.credit_pence, 0) + coalesce(a.came, 0)
                                  - least(greatest(coalesce(a.came, 0), 0), coalesce(t.taken_in_pence, 0)), {_LIMIT}),
                            -{_LIMIT} - 1) as expected
            from (select p.* from book.positions p join book.casegroups g using (casegroup_id)
                  where g.completed_on is not null) p
            -- Of a bucket there is one position, and seldom anything that came since.
            full join (select casegroup_id, csa_system, csa_case_id, creditor, arrears_status, sum(pence) as came
                       from ({_arrived(_SINCE_COMPLETION)}) r group by 1, 2, 3, 4, 5) a
                using (casegroup_id, csa_system, csa_case_id, creditor, arrears_status)
            -- What a correction has taken in is on a due (R41).
            left join ({TAKEN_IN.format("book.dues")}) t
                using (casegroup_id, csa_system, csa_case_id, creditor, arrears_status)) s
        where expected <> received and {_AS_LANDED.format("s")} and {_JUDGED.format("s")}
    """,  # noqa: S608
    "what the night has posted is what is landed now": f"""
        select {_WHERE.format("d")}, coalesce(d.landed, 0), d.posted_pence
        from (
            select d.casegroup_id, d.csa_system, d.csa_case_id, d.creditor, d.arrears_status, d.posted_pence,
                   sum({_OF_BUCKET.format("b", "d")}) as landed
            from book.dues d join closure.nights n on n.business_date = d.business_date and not n.succeeded
            left join book.csa_balances b on b.is_latest and b.csa_system = d.csa_system and b.csa_case_id = d.csa_case_id
            where d.business_date = :on and d.posted_pence > 0
            group by 1, 2, 3, 4, 5, 6) d
        where d.landed is distinct from d.posted_pence
          and {_AS_LANDED.format("d")}
          and not exists (select from closure.exceptions e where e.rule_code = 'balance_changed_after_completion'
                          and e.status <> 'RESOLVED' and e.csa_system = d.csa_system and e.csa_case_id = d.csa_case_id)
    """,  # noqa: S608
    "posted = the dues": """
        select concat_ws(' ', coalesce(d.casegroup_id, p.casegroup_id), csa_system, csa_case_id, creditor, arrears_status),
               coalesce(p.posted_pence, 0), coalesce(d.posted_pence, 0)
        from (select * from book.dues where posted_pence <> 0) d
        full join (select * from book.positions where posted_pence <> 0) p
            using (csa_system, csa_case_id, creditor, arrears_status)
        where coalesce(d.posted_pence, 0) <> coalesce(p.posted_pence, 0)
           or d.casegroup_id is distinct from p.casegroup_id
    """,
    "of each due, posted + corrections - allocated = outstanding, and neither it nor its amount is ever below nothing": f"""
        select d.due_id, greatest(d.posted_pence + coalesce(l.corrected, 0), 0),
               d.posted_pence + coalesce(l.corrected, 0) - coalesce(a.allocated, 0)
        from book.dues d left join {_CORRECTED} l using (due_id) left join {_ALLOCATED} a using (due_id)
        where d.posted_pence < 0 or d.posted_pence + coalesce(l.corrected, 0) < 0
           or coalesce(a.allocated, 0) > d.posted_pence + coalesce(l.corrected, 0)
    """,  # noqa: S608
    "every receipt of the night that can be read stands somewhere": f"""
        select concat_ws(' ', a.source, a.reference), a.rows, coalesce(p.rows, 0)
        from (
            select 'CSA' as source, trim(csa_receipt_reference) as reference, count(*) as rows, h.extract_number
            from held.csa_payments h where h.business_date = :on and value ~ '^[0-9]+[.][0-9]{{2}}$'
              and value::numeric * 100 between 1 and {_LIMIT} group by 2, 4
            union all
            select 'DCA', trim(dca_reference), count(*), h.extract_number
            from held.dca_payments h where h.business_date = :on and amount_pence > 0 group by 2, 4) a
        join closure.nights n on n.business_date = :on and n.extract_number = a.extract_number
        left join (select source, reference, count(*) as rows from closure.payments where business_date = :on group by 1, 2) p
            using (source, reference)
        where a.reference <> '' and a.rows > coalesce(p.rows, 0)
    """,  # noqa: S608
    "what dues took of a payment is what it says": """
        select concat_ws(' ', reference, l.due_id), coalesce(p.pence, 0), coalesce(l.pence, 0)
        from (select reference, sum(allocated_pence) as pence from closure.payments where allocated_on >= :on group by 1) p
        full join (select reference, min(due_id) as due_id, -sum(amount_pence) as pence from closure.ledger
                   where kind = 'ALLOCATION' and business_date >= :on group by 1) l using (reference)
        where coalesce(p.pence, 0) <> coalesce(l.pence, 0)
    """,
    "only a correction adds a due of which nothing was posted": """
        select d.due_id, 1, 0 from book.dues d where d.posted_pence = 0
        and not exists (select from book.ledger l where l.due_id = d.due_id and l.kind = 'CORRECTION')
    """,
    "an outcome adds up its positions": f"""
        select casegroup_id, received_pence, received from (
            select g.casegroup_id, g.received_pence, g.posted_pence,
                   greatest(least(coalesce(p.received - case when g.completed_on is null then 0 else p.held end, 0), {_LIMIT}),
                            -{_LIMIT} - 1) as received,
                   greatest(least(coalesce(p.posted, 0), {_LIMIT}), -{_LIMIT} - 1) as posted
            from book.casegroups g left join (
                select casegroup_id, sum(received_pence) as received, sum(held_pence) as held, sum(posted_pence) as posted
                from book.positions group by 1) p using (casegroup_id)
            where g.outcome is not null) g
        where received_pence <> received or posted_pence <> posted
    """,  # noqa: S608
}
# What a night that has changed little of the book asks of the whole of it besides.
_OF_THE_WHOLE_BOOK = {
    "posted = the dues, of the whole book": """
        select 'the whole book', p.pence, d.pence
        from (select coalesce(sum(posted_pence), 0) as pence from closure.positions) p
        cross join (select coalesce(sum(posted_pence), 0) as pence from closure.dues) d
        where p.pence <> d.pence
    """,
}

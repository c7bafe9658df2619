"""Who is nationally sensitive, and whose a row is: R26 and R42 stand here, once, for views, reports, files and stages.

Belongs here: the one rule that tells from what a row names (casegroup, case, and where it names neither: party, NINO, letter,
LTR, payment, correction, application) on which side it is. Does not belong here: which casegroups become sensitive (a stage
concludes it), the views themselves.

``closure.sensitive_casegroups`` lists them, settled in the very transaction that holds an extract, so that nothing is shown in
between. What else is theirs is told from there by views of schema ``closure``, which no reader may use:

    sensitive_refusals   refused case rows that say sensitive and that no later good row has answered (R42)
    sensitive_cases      cases of sensitive casegroups, held or only named by a refused row or a balance
    sensitive_people     their parents: party_id, and the first eight characters of the NINO
    sensitive_names      whatever else a row could be told by: numbers of letters, LTRs, applications, payments, corrections ...
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import pyarrow as pa
from sqlalchemy import Connection, text

from case_closure.store import shares
from case_closure.store.copy import copy_in, copy_out, select_list
from case_closure.store.database import raw
from case_closure.store.schema.tables import ARRIVALS, MATCHED_ON
from case_closure.tables import handed

# A letter's and an LTR's number is made of other identifiers; also one that is not on record tells them.
_MADE_OF_OTHERS = "^(CMSL|LTR)"
_LONGEST_IN_PARTS = 4

_CASES_NAMED = (
    "inhibits",
    "corrections",
    "resolutions",
    "dca_payments",
    "enforcement_actions",
    "csa_actions",
    "records",
    "reported_exceptions",
)
_NUMBERS = {
    "inhibits": "inhibit_id", "corrections": "correction_id", "resolutions": "resolution_id", "dca_payments": "dca_reference",
    "enforcement_actions": "action_id", "csa_actions": "csa_action_id", "records": "record_id",
    "reported_exceptions": "report_id",
}  # fmt: skip
_NINOS_OF_APPLICATIONS = ("applicant_nino", "named_paying_parent_nino", "partner_nino")

_NOT_HELD = "not exists (select from held.csa_cases h where h.csa_system = {0}.csa_system and h.csa_case_id = {0}.csa_case_id)"


def _people_of(cases: str) -> str:
    """SQL of the parents of these cases, and of those that a refused row names."""
    return f"""
        with parents as materialized (
            select v.party_id from {cases} s join held.csa_cases c using (csa_system, csa_case_id)
            cross join lateral (values (c.paying_parent_id), (c.receiving_parent_id)) v (party_id)
            union
            select v.party_id from closure.sensitive_refusals r cross join lateral (
                values (r.original::json ->> 'paying_parent_id'), (r.original::json ->> 'receiving_parent_id')) v (party_id))
        select p.party_id, {MATCHED_ON.format("q.nino")} as matched_on
        from parents p left join held.csa_parties q using (party_id) where p.party_id is not null
    """  # noqa: S608


# The cases are found once, for the people too: finding them again was a quarter of what the names took.
_ASKED_ONCE = f"""
    with cases as materialized (select csa_system, csa_case_id from closure.sensitive_cases),
         people as materialized ({_people_of("cases")})
"""  # noqa: S608

VIEWS = {
    "sensitive_refusals": """
        select r.csa_system, r.csa_case_id, r.casegroup_id, r.original from closure.refused_rows r
        where r.sensitive and r.file_name = 'csa_cases' and r.answered_on is null
          and not exists (select from held.csa_cases c where c.csa_system = r.csa_system and c.csa_case_id = r.csa_case_id
                          and c.business_date > r.business_date)
          and not exists (select from held.csa_cases c where (r.csa_system is null or r.csa_case_id is null)
                          and c.casegroup_id = r.casegroup_id and c.business_date > r.business_date)
    """,
    # Nearly every position names a case that is held with its casegroup: those are not looked for in the book one by one.
    "sensitive_cases": f"""
        with theirs as materialized (
            select c.csa_system, c.csa_case_id from closure.sensitive_casegroups s join held.csa_cases c using (casegroup_id))
        select csa_system, csa_case_id from theirs
        union
        select csa_system, csa_case_id from closure.sensitive_refusals where csa_system is not null and csa_case_id is not null
        union
        select r.csa_system, r.csa_case_id from closure.sensitive_casegroups s join closure.refused_rows r using (casegroup_id)
        where r.csa_system is not null and r.csa_case_id is not null and {_NOT_HELD.format("r")}
        union
        select p.csa_system, p.csa_case_id from (
            select p.csa_system, p.csa_case_id
            from closure.sensitive_casegroups s join closure.positions p using (casegroup_id)
            where p.csa_system <> '' and p.csa_case_id <> ''
            except select csa_system, csa_case_id from theirs) p
        where {_NOT_HELD.format("p")}
    """,  # noqa: S608
    "sensitive_people": _people_of("closure.sensitive_cases"),
    # Each is asked for once, and not once a kind of number.
    "sensitive_names": _ASKED_ONCE
    + " union ".join(
        [
            "select casegroup_id as name from closure.sensitive_casegroups",
            "select csa_case_id from cases",
            "select party_id from people",
            "select matched_on from people where matched_on is not null",
            "select l.letter_id from closure.sensitive_casegroups s join closure.letters l using (casegroup_id)",
            "select l.ltr_id from closure.sensitive_casegroups s join closure.ltrs l using (casegroup_id)",
            "select e.exception_id from closure.sensitive_casegroups s join closure.exceptions e using (casegroup_id)",
            "select a.application_id from closure.sensitive_casegroups s join closure.applications a using (casegroup_id)",
            *(
                f"select t.{_NUMBERS[table]} from cases s join held.{table} t using (csa_system, csa_case_id)"  # noqa: S608
                for table in _CASES_NAMED
            ),
            "select r.record_id from closure.sensitive_casegroups s join held.records r using (casegroup_id)",
            # Rows that were refused alone are not held under their numbers.
            "select r.row_key from closure.sensitive_casegroups s join closure.refused_rows r using (casegroup_id) "
            "where r.row_key is not null and r.file_name <> 'csa_cases'",
            "select r.row_key from cases s join closure.refused_rows r using (csa_system, csa_case_id) "
            "where r.row_key is not null and r.file_name <> 'csa_cases'",
            "select r.report_id from closure.sensitive_casegroups s join held.reported_exceptions r using (casegroup_id)",
            *(
                f"select a.application_id from people p "  # noqa: S608
                f"join held.cms_applications a on {MATCHED_ON.format('a.' + nino)} = p.matched_on"
                for nino in _NINOS_OF_APPLICATIONS
            ),
            # A payment without a reference is called by its place.
            f"""
            select v.name from people p
            join held.csa_payments y on {MATCHED_ON.format("y.nino")} = p.matched_on
            cross join lateral (values (trim(y.csa_receipt_reference)),
                                       (concat_ws(' ', y.csa_system, y.business_date, y.row_number))) v (name)
            where v.name <> ''""",  # noqa: S608
        ]
    ),
}


def of_casegroup(casegroup_id: str) -> str:
    """SQL that says whether the casegroup of that column is sensitive; never null."""
    return f"coalesce({casegroup_id} in (select casegroup_id from closure.sensitive_casegroups), false)"  # noqa: S608


def of_case(csa_system: str, csa_case_id: str) -> str:
    """SQL that says whether the case of those columns is one of a sensitive casegroup; never null."""
    return f"coalesce(({csa_system}, {csa_case_id}) in (select csa_system, csa_case_id from closure.sensitive_cases), false)"  # noqa: S608


# Every case that a row of theirs can name: a position names also one that is held in another casegroup.
_CASES_TOUCHED = """select csa_system, csa_case_id from closure.sensitive_cases union
    select p.csa_system, p.csa_case_id from closure.sensitive_casegroups s join closure.positions p using (casegroup_id)"""


def rows_for(side: str, table: str) -> str:
    """SQL of a relation: of a table of cases all rows that can be on a side (``true``: the sensitive one), and maybe others.

    Who asks still says whose each is; but figures of the few are not found by going through the figures of all.
    """
    if side != "true":
        return table
    return f"(select t.* from ({_CASES_TOUCHED}) k join {table} t using (csa_system, csa_case_id))"  # noqa: S608


_NAMES = "(select name from names)"


def with_names(query: str) -> str:
    """The query, with all that is theirs found once for every condition of it that asks whose a number is (``of_reference``)."""
    if _NAMES not in query:
        return query
    names = "names as materialized (select name from closure.names_of_sensitive())"
    query = query.lstrip()
    return (
        f"with {names}, {query.removeprefix('with ')}"
        if query.startswith("with ")
        else f"with {names} {query}"
    )


def of_reference(reference: str) -> str:
    """SQL that says whether a number (of a letter, payment, correction, application ...) is theirs; never null.

    The whole query goes through ``with_names``. The inner coalesce keeps the names a hash that is asked; as a join each number
    would read all of them.
    """
    parts = f"string_to_array({reference}, '-')"
    return f"""(coalesce({reference} in {_NAMES}, false)
        or coalesce({reference} ~ '{_MADE_OF_OTHERS}', false) and exists (
            select from generate_subscripts({parts}, 1) i
            cross join generate_series(i, least(i + {_LONGEST_IN_PARTS - 1}, cardinality({parts}))) j
            where coalesce(array_to_string(({parts})[i:j], '-') in {_NAMES}, false)))"""


def of_exception(row: str) -> str:
    """SQL that says whether an exception is theirs; a payment's, letter's or LTR's is told by its number."""
    return of_row(row, references=("subject_reference", "value"), said="sensitive")


def of_work_item(row: str) -> str:
    """SQL that says whether a work item is theirs; one that is about an exception goes with it."""
    about = f"""exists (select from closure.exceptions x where x.exception_id = case {row}.type
        when 'PAYMENT_SUSPENSE' then substr({row}.work_item_id, length('PAYMENT_SUSPENSE-') + 1)
        else {row}.subject_reference end and {of_exception("x")})"""
    return of_row(row, references=("subject_reference",), said="sensitive", otherwise=(about,))


def of_row(
    row: str,
    *,
    case: bool = True,
    references: Iterable[str] = (),
    said: str | None = None,
    otherwise: Iterable[str] = (),
) -> str:
    """SQL that says whether a row with ``casegroup_id`` (and, with ``case``, csa_system and csa_case_id) is theirs.

    The casegroup or the case it names decides. ``references``: columns that tell whose it is where it names neither; ``said``:
    a column that says so itself, likewise; ``otherwise``: conditions of their own, likewise.
    """
    named = of_casegroup(f"{row}.casegroup_id")
    if case:
        named = f"({named} or {of_case(f'{row}.csa_system', f'{row}.csa_case_id')})"
    told = [of_reference(f"{row}.{name}") for name in references] + ([f"{row}.{said}"] if said else [])
    told += otherwise
    if not told:
        return named
    owned = f"coalesce({row}.casegroup_id, '') <> ''"
    if case:
        owned += f" or ({row}.csa_system is not null and {row}.csa_case_id is not null)"
    return f"(case when {owned} then {named} else {' or '.join(told)} end)"


def statements() -> list[str]:
    """The SQL that makes these views, where there are none; nobody but the owner may read them.

    The names are asked through a function, whose plan the server makes once a session: made with every query that asks whose a
    number is, it took longer than the query. Without the right to use schema ``closure`` nobody can call it by itself.
    """
    written = [f"create view closure.{name} as {query}" for name, query in VIEWS.items()]
    return [
        *written,
        "drop function if exists closure.names_of_sensitive()",
        "create function closure.names_of_sensitive() returns table (name text) language plpgsql stable parallel safe "
        "security definer rows 2000 set search_path = pg_catalog, pg_temp as "
        "$$ begin return query select n.name from closure.sensitive_names n; end $$",
        "comment on function closure.names_of_sensitive() is "
        "'What rows of nationally sensitive casegroups could be told by (R26)'",
    ]


def candidates(connection: Connection) -> list[str]:
    """The casegroups that are or might be sensitive: those that are, and all of which a held row, a refused row or a
    caseworker's entry says anything of the kind. In order."""
    return list(
        connection.exec_driver_sql(
            """
            select casegroup_id from closure.sensitive_casegroups
            union
            select casegroup_id from held.csa_cases where nationally_sensitive
            union
            select c.casegroup_id from held.resolutions r join held.csa_cases c using (csa_system, csa_case_id)
            where r.entity = 'CASE' and r.field = 'nationally_sensitive'
            union
            select v.casegroup_id from closure.sensitive_refusals r left join held.csa_cases c using (csa_system, csa_case_id)
            cross join lateral (values (r.casegroup_id), (c.casegroup_id)) v (casegroup_id) where v.casegroup_id is not null
            order by 1
            """
        ).scalars()
    )


def refusals(connection: Connection) -> pa.Table:
    """The refused case rows that say sensitive and that no later good row has answered, with the casegroup they name; of a case
    that is not held also those that its balances name, where its money is."""
    shape = handed.SENSITIVE_REFUSALS
    balances = " union all ".join(
        f"select csa_system, csa_case_id, casegroup_id from held.{file} where is_latest"  # noqa: S608
        for file in ARRIVALS
    )
    return copy_out(
        raw(connection),
        f"""
        select {select_list(shape, "r")} from closure.sensitive_refusals r
        union
        select {select_list(shape, "r", casegroup_id="b.casegroup_id")}
        from closure.sensitive_refusals r join ({balances}) b using (csa_system, csa_case_id)
        where b.casegroup_id is not null and {_NOT_HELD.format("r")}
        """,  # noqa: S608
        shape,
    )


def settle(connection: Connection, on: date, candidates: list[str], sensitive: Iterable[str]) -> None:
    """Make ``sensitive`` the sensitive ones among the candidates; those that stay keep the night they became it.

    What those that become it have in totals of past nights is set apart with them (R42).
    """
    listed = sorted(set(sensitive))
    ceased = connection.execute(
        text(
            "delete from closure.sensitive_casegroups where casegroup_id = any(:asked) and casegroup_id <> all(:listed)"
        ),
        {"asked": candidates, "listed": listed},
    ).rowcount
    became: list[str] = []
    if listed:
        connection.exec_driver_sql("drop table if exists pg_temp.settled")
        connection.exec_driver_sql("create temporary table settled (casegroup_id text) on commit drop")
        copy_in(raw(connection), "settled", pa.table({"casegroup_id": pa.array(listed, pa.string())}))
        became += connection.execute(
            text(
                "insert into closure.sensitive_casegroups (casegroup_id, business_date) select casegroup_id, :on from settled "
                "on conflict do nothing returning casegroup_id"
            ),
            {"on": on},
        ).scalars()
    if became or ceased:
        # Of a table never looked at PostgreSQL thinks it large, and every view would read the book for the few that are theirs.
        connection.exec_driver_sql("analyze closure.sensitive_casegroups")
    shares.set_all_apart(connection, became)


def named(connection: Connection, references: Iterable[str]) -> set[str]:
    """Those among these numbers (of letters, cases, payments, corrections ...) that are theirs."""
    asked = sorted(set(references))
    if not asked:
        return set()
    query = with_names(f"select r from unnest(cast(:references as text[])) r where {of_reference('r')}")  # noqa: S608
    return set(connection.execute(text(query), {"references": asked}).scalars())

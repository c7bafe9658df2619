"""Exceptions and letters in an order, page by page, out of a hundred thousand and of millions: functions of schema ``desk``, for
whoever may see them.

Belongs here: their text and to whom they are granted. Does not belong here: asking them (``shown``), who may.

The barrier of a view keeps the server from reading it in the order of an index: of a hundred thousand rows each would be judged
for whose it is, to show the first fifty. A function of the owner's reads them in order and stops. What is asked comes to it as
values; of names it takes those of its own lists alone.
"""

from __future__ import annotations

from typing import Final

from case_closure.domain.permissions import ACTIONS
from case_closure.store import sensitive
from case_closure.store.acts import SCHEMA, login_role

COLUMNS: Final = {
    "exception_id": "text", "business_date": "date", "stage": "text", "rule_code": "text", "severity": "text",
    "csa_system": "text", "csa_case_id": "text", "casegroup_id": "text", "subject": "text", "field": "text", "value": "text",
    "message": "text", "route": "text", "case_owner": "text", "status": "text", "allocated_to": "text", "last_seen_on": "date",
    "resolved_on": "date", "channel": "text", "subject_reference": "text",
}  # fmt: skip
"""Of the view ``exceptions``; after them ``casegroup`` (empty for none) and ``version``, the number of its last event."""

# What may be asked, each with its condition; of names that are not here nothing is asked.
_ASKED: Final = {
    "rule": "e.rule_code = $1 ->> 'rule'", "field": "e.field = $1 ->> 'field'", "route": "e.route = $1 ->> 'route'",
    "system": "e.csa_system = $1 ->> 'system'", "casegroup": "e.casegroup_id = $1 ->> 'casegroup'",
    "case": "e.csa_case_id = $1 ->> 'case'", "severity": "e.severity = $1 ->> 'severity'", "to": "e.allocated_to = $1 ->> 'to'",
    "nobody": "e.allocated_to is null", "since": "e.business_date >= ($1 ->> 'since')::date",
    "until": "e.business_date <= ($1 ->> 'until')::date", "state": "e.status = $1 ->> 'state'",
    "open": "e.status <> 'RESOLVED'",
    "alike": "e.severity = 'HOLD' and e.cause_key = (select o.cause_key from closure.exceptions o "
    "where o.exception_id = $1 ->> 'alike' and not {hidden})",
}  # fmt: skip
SORTS: Final = {
    "oldest": (("business_date", "date"), ("exception_id", "text")),
    "rule": (("rule_code", "text"), ("business_date", "date"), ("exception_id", "text")),
    "casegroup": (("casegroup", "text"), ("exception_id", "text")),
}
"""In which order, each together a key of the rows; an index has each of those that are open."""
_LIST: Final = f"{SCHEMA}.list_exceptions(jsonb, text, boolean, text[], integer)"
_COUNT: Final = f"{SCHEMA}.count_exceptions(jsonb, integer)"
# What may be asked of letters, as columns of theirs.
_LETTERS_ASKED: Final = {"business_date": "date", "casegroup_id": "text", "code": "text", "status": "text"}
_LETTERS: Final = f"{SCHEMA}.list_letters(jsonb, text, integer)"
_LATEST: Final = f"{SCHEMA}.latest_letters_on()"


def statements() -> list[str]:
    """The SQL that makes the functions, granted to nobody yet; the schema has just been made."""
    hidden = sensitive.of_exception("o")
    conditions = "\n".join(
        f"if $1 ? '{name}' then asked := asked || $part$ and {condition.format(hidden=hidden)} $part$; end if;"
        for name, condition in _ASKED.items()
    )
    definer = "language plpgsql stable security definer set search_path = pg_catalog, pg_temp"
    asked = f"asked text := $part$ from closure.exceptions e where not {sensitive.of_exception('e')} $part$;"
    names = sensitive.with_names("select 1 where true in (select name from names)").partition(" select 1")[0]
    returned = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    selected = ", ".join(f"e.{name}" for name in COLUMNS)
    orders = "\n".join(_order(name) for name in SORTS)
    return [
        f"""
        create function {SCHEMA}.list_exceptions(wanted jsonb, sorted text, descending boolean, after text[], most integer)
        returns table ({returned}, casegroup text, version integer) {definer} as $function$
        declare
            {asked}
            placed text;
            way text := case when descending then ' desc' else '' end;
            beyond text := case when descending then '<' else '>' end;
        begin
            {conditions}
            {orders}
            return query execute $part$
                {names}
                select {selected}, coalesce(e.casegroup_id, ''),
                       (select max(v.event_number) from closure.exception_events v where v.exception_id = e.exception_id)
                $part$ || asked || placed || ' limit $3' using wanted, after, most;
        end $function$""",  # noqa: S608
        f"comment on function {_LIST} is 'Exceptions of a filter in an order, from a row on; none of sensitive casegroups'",
        f"""
        create function {SCHEMA}.count_exceptions(wanted jsonb, most integer) returns bigint {definer} as $function$
        declare
            {asked}
            found bigint;
        begin
            {conditions}
            execute $part${names} select count(*) from (select $part$ || asked || ' limit $2) counted'
                into found using wanted, most;
            return found;
        end $function$""",  # noqa: S608
        f"comment on function {_COUNT} is 'How many exceptions there are of a filter, at most so many'",
        *_letters(definer),
        *(
            f"revoke all on function {signature} from public"
            for signature in (_LIST, _COUNT, _LETTERS, _LATEST)
        ),
    ]


def _letters(definer: str) -> list[str]:
    """Letters by their numbers, and the latest night that has one."""
    ordinary = f"not {sensitive.of_row('l')}"
    conditions = "\n".join(
        f"if $1 ? '{name}' then asked := asked || $part$ and l.{name} = ($1 ->> '{name}')::{kind} $part$; end if;"
        for name, kind in _LETTERS_ASKED.items()
    )
    return [
        f"""
        create function {SCHEMA}.list_letters(wanted jsonb, after text, most integer) returns table (letter_id text) {definer}
        as $function$
        declare
            asked text := $part$ select l.letter_id from closure.letters l where {ordinary} $part$;
        begin
            {conditions}
            return query execute asked || ' and ($2 is null or l.letter_id > $2) order by l.letter_id limit $3'
                using wanted, after, most;
        end $function$""",  # noqa: S608
        f"comment on function {_LETTERS} is 'Numbers of the letters of a filter, in their order, after one; none of sensitive "
        "casegroups'",
        f"""
        create function {SCHEMA}.latest_letters_on() returns date {definer} as $function$ begin return (
            select l.business_date from closure.letters l where {ordinary} order by l.business_date desc limit 1);
        end $function$""",  # noqa: S608
        f"comment on function {_LATEST} is 'The latest night on which a letter fell due that is of no sensitive casegroup'",
    ]


def _order(sort: str) -> str:
    columns = [
        "coalesce(e.casegroup_id, '')" if name == "casegroup" else f"e.{name}" for name, _ in SORTS[sort]
    ]
    places = ", ".join(f"$2[{place}]::{kind}" for place, (_, kind) in enumerate(SORTS[sort], 1))
    way = " || way || $part$, ".join(f"{column} $part$" for column in columns)
    return f"""if sorted = '{sort}' then
        placed := case when cardinality(after) = {len(columns)}
            then $part$ and ({", ".join(columns)}) $part$ || beyond || $part$ ({places}) $part$ else '' end
            || $part$ order by {way} || way;
    end if;"""


def grants() -> list[tuple[str, str]]:
    """What is granted, with the role that it is granted to, both as SQL has them."""
    seen_with = {
        _LIST: "see_exceptions",
        _COUNT: "see_exceptions",
        _LETTERS: "see_letters",
        _LATEST: "see_letters",
    }
    return [
        (f"execute on function {signature}", login_role(role))
        for signature, action in seen_with.items() for role in sorted(ACTIONS[action].roles)
    ]  # fmt: skip

"""Finding casegroups by what a client or a letter says: by index, whatever the size of the book.

Belongs here: the queries, each by an index that is as small as it can be. Does not belong here: who may see what is found (the
views say, R26), what is asked for (``desk.casegroups``). What is looked for and what is found on the way are personal: neither
is logged or leaves by a message.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, text

from case_closure.domain import letters as codes
from case_closure.domain.cases import CSA_SYSTEMS
from case_closure.domain.names import comparable
from case_closure.store.schema.tables import (
    INITIAL,
    LETTER_REMAINDER,
    LETTERS_ALONE,
    MATCHED_ON,
    NINO_DIGITS,
    REMAINDER,
)

MOST_PEOPLE: Final = 3_000


class Match(NamedTuple):
    """A casegroup, and why it was found: as what the person stands in it, or what named it."""

    casegroup_id: str
    why: str


def _matches(connection: Connection, query: str, why: str, **values: Any) -> list[Match]:
    rows = connection.execute(text(query), values).scalars()
    return [Match(str(casegroup_id), why) for casegroup_id in rows if casegroup_id]


def by_casegroup(connection: Connection, casegroup_id: str) -> list[Match]:
    """The casegroup of that number, whether or not there is one: what is known of it, its page asks."""
    return [Match(casegroup_id, "its number")]


def by_case(connection: Connection, csa_case_id: str) -> list[Match]:
    """Those of the cases of that number, of whichever system."""
    query = "select distinct casegroup_id from held.csa_cases where csa_system = any(:systems) and csa_case_id = :number"
    return _matches(connection, query, "case", systems=list(CSA_SYSTEMS), number=csa_case_id)


def by_nino(connection: Connection, nino: str) -> list[Match]:
    """Those in which a parent has that NINO, on record or as somebody entered it; by its first eight characters (R18)."""
    people = connection.execute(
        text(
            f"""
            select party_id from held.csa_parties
            where {NINO_DIGITS.format("nino")} = substr(:matched, 3, 5) and {MATCHED_ON.format("nino")} = :matched
            union
            select case r.entity when 'PAYING_PARENT' then c.paying_parent_id else c.receiving_parent_id end
            from held.resolutions r join held.csa_cases c using (csa_system, csa_case_id)
            where r.field = 'nino' and r.entity in ('PAYING_PARENT', 'RECEIVING_PARENT')
              and {MATCHED_ON.format("r.new_value")} = :matched
            """  # noqa: S608  expressions of the tables
        ),
        {"matched": nino[:8]},
    ).scalars()
    return of_people(connection, [party_id for party_id in people if party_id], "NINO")


def people_called(
    connection: Connection, surname: str, forenames: str
) -> Sequence[tuple[str, str | None, str | None]]:
    """(party_id, surname, forenames) of those who could have that name: their letters agree, accents apart. One more than
    ``MOST_PEOPLE`` at most."""
    initials = _initials(comparable(forenames)[:1])
    named = f"{INITIAL.format('forenames')} = any(:initials)" if initials else "true"
    entered = "r.field = 'surname' and r.entity in ('PAYING_PARENT', 'RECEIVING_PARENT')"
    rows = connection.execute(
        text(
            f"""
            (select party_id, surname, forenames from held.csa_parties
             where {LETTERS_ALONE.format("surname")} = {LETTERS_ALONE.format(":surname")} and {named} limit :most)
            union all
            select p.party_id, r.new_value, p.forenames
            from held.resolutions r join held.csa_cases c using (csa_system, csa_case_id)
            join held.csa_parties p
              on p.party_id = case r.entity when 'PAYING_PARENT' then c.paying_parent_id else c.receiving_parent_id end
            where {entered} and {LETTERS_ALONE.format("r.new_value")} = {LETTERS_ALONE.format(":surname")}
            """  # noqa: S608  expressions of the tables
        ),
        {"surname": surname, "most": MOST_PEOPLE + 1} | ({"initials": list(initials)} if initials else {}),
    )
    return [(row[0], row[1], row[2]) for row in rows]


@functools.cache
def _initials(letter: str) -> tuple[str, ...]:
    """The letters of Latin script that are that one but for their accents, small ones too: a server may raise only some."""
    return tuple(one for one in map(chr, range(ord("A"), 0x250)) if letter and comparable(one) == letter)


def of_people(connection: Connection, party_ids: Iterable[str], by_what: str) -> list[Match]:
    """The casegroups in which these people are a parent."""
    people = sorted(set(party_ids))
    found: list[Match] = []
    for role in ("paying_parent", "receiving_parent"):
        query = f"""
            select distinct c.casegroup_id from unnest(cast(:people as text[])) q (party_id)
            join held.csa_cases c
              on {REMAINDER.format(f"c.{role}_id")} = {REMAINDER.format("q.party_id")} and c.{role}_id = q.party_id
        """  # noqa: S608  expressions of the tables
        found += _matches(connection, query, f"{role.replace('_', ' ')}, by {by_what}", people=people)
    return found


def letters_quoted(connection: Connection, quoted: str) -> list[str]:
    """The letters with that reference: one, but for a rare chance. ``domain.letters.is_reference`` first."""
    rows = connection.execute(
        text(f"select letter_id from closure.letters where {LETTER_REMAINDER} = any(:remainders)"),  # noqa: S608  an expression of the tables
        {"remainders": codes.remainders(quoted)},
    ).scalars()
    return sorted(codes.quoted_by(quoted, map(str, rows)))


def by_letter(connection: Connection, quoted: str) -> list[Match]:
    """That of the letter with the reference that a client quotes, or with that number."""
    numbers = letters_quoted(connection, quoted) if codes.is_reference(quoted) else [quoted]
    query = "select distinct casegroup_id from closure.letters where letter_id = any(:numbers)"
    return _matches(connection, query, "letter", numbers=numbers)


def by_payment(connection: Connection, reference: str) -> list[Match]:
    """Those whose payment has that reference: a receipt's, or an agency's."""
    query = "select distinct casegroup_id from closure.payments where reference = :reference"
    return _matches(connection, query, "payment", reference=reference)


BY: Final[dict[str, Callable[[Connection, str], list[Match]]]] = {
    "casegroup_id": by_casegroup, "csa_case_id": by_case, "nino": by_nino, "letter": by_letter, "payment": by_payment,
}  # fmt: skip
"""How each thing is looked for, by name."""

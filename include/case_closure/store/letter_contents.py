"""What letters are made of, and what they said: read from the records once, kept, and read again from then on.

Belongs here: the queries. Does not belong here: how values read in a letter (``outbound.letters.contents``), which letter is due.
Only letters with status ISSUED; those of nationally sensitive casegroups are in none of this (R26).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, text

from case_closure.domain import letters as codes
from case_closure.store import sensitive
from case_closure.store.casegroups import DAY, PENCE, TEXT, Gather
from case_closure.store.copy import copy_in, copy_out
from case_closure.store.database import raw
from case_closure.store.dues import AMOUNT_NOW

ORDINARY = f"not {sensitive.of_row('l')}"
# A letter that covers another is made after it.
TURNS = (
    f"l.code not in ('{codes.REISSUE}', '{codes.COVERING}')", f"l.code = '{codes.REISSUE}'", f"l.code = '{codes.COVERING}'",
)  # fmt: skip
_WAITING = f"""
    l.business_date = :on and l.status = 'ISSUED' and {{turn}} and {ORDINARY}
    and not exists (select from closure.letter_contents k where k.letter_id = l.letter_id)
"""
_PARTY = (
    "title", "forenames", "surname", "address_line_1", "address_line_2", "address_line_3", "address_line_4", "postcode",
    "country", "representative_name", "representative_address_line_1", "representative_address_line_2",
    "representative_address_line_3", "representative_address_line_4", "representative_postcode",
)  # fmt: skip


def waiting(connection: Connection, on: date, turn: str) -> list[str]:
    """The letters of a night, of that turn, whose content is not kept yet; in order."""
    query = f"select letter_id from closure.letters l where {_WAITING.format(turn=turn)} order by letter_id"  # noqa: S608  the turn is one of TURNS
    return list(connection.execute(text(query), {"on": on}).scalars())


class Waiting:
    """Some of the letters whose content is not kept yet, those numbered from ``first`` to ``last``, within one transaction."""

    def __init__(self, connection: Connection, on: date, turn: str, first: str, last: str) -> None:
        self._connection = connection
        self._exec = connection.exec_driver_sql
        self._exec("drop table if exists pg_temp.writing")
        connection.execute(
            text(
                f"""
                create temporary table writing on commit drop as
                select l.letter_id, l.code, l.recipient_role, l.party_id, l.casegroup_id, l.csa_system, l.csa_case_id,
                       l.covers_letter_id, l.total_pence, coalesce(c.recipient_role, l.recipient_role) as client_role
                from closure.letters l left join closure.letters c on c.letter_id = l.covers_letter_id
                where {_WAITING.format(turn=turn)} and l.letter_id between :first and :last
                """  # noqa: S608  the turn is one of TURNS
            ),
            {"on": on, "first": first, "last": last},
        )
        self._exec("analyze writing")

    def _read(
        self, query: str, values: Mapping[str, Any] | None = None, /, **columns: pa.DataType
    ) -> pa.Table:
        return copy_out(raw(self._connection), query, pa.schema(list(columns.items())), values)

    def letters(self) -> pa.Table:
        columns = dict.fromkeys(
            ("letter_id", "code", "recipient_role", "party_id", "casegroup_id", "csa_system", "csa_case_id",
             "covers_letter_id", "client_role"), TEXT,
        ) | {"total_pence": PENCE}  # fmt: skip
        return self._read(f"select {', '.join(columns)} from writing", **columns)  # noqa: S608

    def parties(self) -> pa.Table:
        """The client of each letter, a line a letter."""
        return self._read(
            f"select w.letter_id, w.party_id, {', '.join(f'p.{name}' for name in _PARTY)} "  # noqa: S608
            "from writing w join held.csa_parties p using (party_id)",
            **dict.fromkeys(("letter_id", "party_id", *_PARTY), TEXT),
        )

    def cases(self, told_on: date) -> pa.Table:
        """The selected cases a letter is about: its own, or every ongoing one of the casegroup; with the date told by then."""
        return self._read(
            """
            with about as (
                select w.letter_id, c.csa_system, c.csa_case_id, c.liability_end_date, e.led
                from writing w join held.csa_cases c on c.casegroup_id = w.casegroup_id
                join closure.end_liability e on e.csa_system = c.csa_system and e.csa_case_id = c.csa_case_id
                where w.code between 'CMSL6303' and 'CMSL6312'
                  and case when w.csa_case_id is null then c.case_type = 'ONGOING'
                      else (c.csa_system, c.csa_case_id) = (w.csa_system, w.csa_case_id) end),
            told as (
                select distinct on (a.letter_id, n.csa_system, n.csa_case_id) a.letter_id, n.csa_system, n.csa_case_id, n.led
                from about a join closure.end_liability_notices n using (csa_system, csa_case_id)
                where n.business_date <= %(told_on)s
                order by a.letter_id, n.csa_system, n.csa_case_id, n.business_date desc)
            select a.letter_id, a.csa_system, a.csa_case_id, coalesce(t.led, a.led) as led, a.liability_end_date
            from about a left join told t using (letter_id, csa_system, csa_case_id)
            """,
            {"told_on": told_on},
            letter_id=TEXT, csa_system=TEXT, csa_case_id=TEXT, led=DAY, liability_end_date=DAY,
        )  # fmt: skip

    def dues(self) -> pa.Table:
        """What each arrears letter states: the dues posted with it; for a write-off, what the receiving parent is owed now."""
        return self._read(
            f"""
            select w.letter_id, d.csa_system, d.csa_case_id, d.creditor, d.arrears_status, d.posted_pence as amount_pence,
                   d.arrears_from, d.arrears_to
            from writing w join closure.letters l using (letter_id)
            join closure.dues d on d.casegroup_id = w.casegroup_id and d.business_date = l.business_date
            where (w.code = %(to_payer)s and w.csa_case_id is null)
               or (w.code = %(to_receiver)s and (d.csa_system, d.csa_case_id) = (w.csa_system, w.csa_case_id))
            union all
            select w.letter_id, d.csa_system, d.csa_case_id, d.creditor, d.arrears_status, n.amount_pence,
                   d.arrears_from, d.arrears_to
            from writing w join closure.dues d using (casegroup_id, csa_system, csa_case_id)
            cross join lateral ({AMOUNT_NOW.format("d")}) n
            where w.code = %(write_off)s and d.creditor = 'RP'
            """,  # noqa: S608
            {
                "to_payer": codes.ARREARS_PAYING_PARENT, "to_receiver": codes.ARREARS_RECEIVING_PARENT,
                "write_off": codes.WRITE_OFF,
            },
            letter_id=TEXT, csa_system=TEXT, csa_case_id=TEXT, creditor=TEXT, arrears_status=TEXT, amount_pence=PENCE,
            arrears_from=DAY, arrears_to=DAY,
        )  # fmt: skip

    def by_hand(self) -> pa.Table:
        """A write-off's dates as the caseworker gave them; what was paid of the receiving parent's dues since they were posted,
        and how much of them the receiving parent chose to keep (B68)."""
        return self._read(
            """
            select w.letter_id, h.from_on, h.to_on,
                   coalesce((select -sum(e.amount_pence) from closure.dues d join closure.ledger e using (due_id)
                             where (d.casegroup_id, d.csa_system, d.csa_case_id, d.creditor, e.kind)
                                 = (w.casegroup_id, w.csa_system, w.csa_case_id, 'RP', 'ALLOCATION')), 0)::bigint as paid_pence,
                   case c.rp_arrears_decision when 'PART_WRITE_OFF' then coalesce(c.rp_keep_pence, 0) else 0 end
                       as keep_pence
            from writing w join closure.letters_by_hand h using (letter_id)
            left join held.csa_cases c on (c.csa_system, c.csa_case_id) = (w.csa_system, w.csa_case_id)
            """,
            letter_id=TEXT, from_on=DAY, to_on=DAY, paid_pence=PENCE, keep_pence=PENCE,
        )  # fmt: skip

    def covered(self) -> pa.Table:
        """What the covered letters said."""
        return self._read(
            "select w.letter_id, k.content from writing w join closure.letter_contents k on k.letter_id = w.covers_letter_id",
            letter_id=TEXT, content=TEXT,
        )  # fmt: skip

    def entered(self) -> pa.Table:
        """What was entered for the clients of these letters."""
        people = self._exec("select distinct party_id from writing where party_id is not null order by 1")
        return Gather(self._connection, []).entered_for(list(people.scalars()))


def keep(connection: Connection, on: date, contents: Mapping[str, str]) -> None:
    """Keep what letters said."""
    rows = {
        "letter_id": pa.array(contents.keys(), TEXT),
        "business_date": pa.array([on] * len(contents), DAY),
        "content": pa.array(contents.values(), TEXT),
    }
    copy_in(raw(connection), "closure.letter_contents", pa.table(rows))


def forget(connection: Connection, on: date) -> None:
    """Forget what letters of that night said that were never published: they are concluded anew when it is run again."""
    connection.execute(
        text(
            "delete from closure.letter_contents k where k.business_date = :on "
            "and not exists (select from closure.letter_deliveries d where d.letter_id = k.letter_id)"
        ),
        {"on": on},
    )


_WRITTEN: dict[str, pa.DataType] = dict.fromkeys(
    ("letter_id", "code", "recipient_role", "party_id", "casegroup_id", "covers_letter_id", "content"), TEXT
)


_COLUMNS = ", ".join(f"k.{name}" if name == "content" else f"l.{name}" for name in _WRITTEN)


def counts(connection: Connection, on: date) -> list[tuple[str, int]]:
    """How many letters of the night are written, by code, in the order of the codes."""
    rows = connection.execute(
        text(
            f"""
            select l.code, count(*) from closure.letters l join closure.letter_contents k using (letter_id)
            where l.business_date = :on and l.status = 'ISSUED' and {ORDINARY}
            group by l.code order by l.code collate "C"
            """  # noqa: S608
        ),
        {"on": on},
    )
    return [(code, int(count)) for code, count in rows]


def of_code(connection: Connection, on: date, code: str, skip: int, size: int) -> pa.Table:
    """Letters of a code with what they say, in the order of letter_id: ``size`` of them, after the first ``skip``."""
    return copy_out(
        raw(connection),
        f"""
            select {_COLUMNS}
            from closure.letters l join closure.letter_contents k using (letter_id)
            where l.business_date = %(on)s and l.status = 'ISSUED' and l.code = %(code)s and {ORDINARY}
            order by l.letter_id collate "C" offset %(skip)s limit %(size)s
            """,  # noqa: S608
        pa.schema(list(_WRITTEN.items())),
        {"on": on, "code": code, "skip": skip, "size": size},
    )  # fmt: skip


def parts(connection: Connection, on: date, size: int = 2_000) -> Iterator[pa.Table]:
    """Every letter of the night with what it says, in the order of code and letter_id, ``size`` at a time."""
    code, letter_id = "", ""
    while True:
        part = copy_out(
            raw(connection),
            f"""
                select {_COLUMNS}
                from closure.letters l join closure.letter_contents k using (letter_id)
                where l.business_date = %(on)s and l.status = 'ISSUED' and {ORDINARY}
                  and (l.code collate "C", l.letter_id collate "C") > (%(code)s, %(letter_id)s)
                order by l.code collate "C", l.letter_id collate "C" limit %(size)s
                """,  # noqa: S608
            pa.schema(list(_WRITTEN.items())),
            {"on": on, "code": code, "letter_id": letter_id, "size": size},
        )  # fmt: skip
        if part.num_rows:
            yield part
            code, letter_id = part["code"][-1].as_py(), part["letter_id"][-1].as_py()
        if part.num_rows < size:
            return


def content_of(connection: Connection, letter_id: str) -> str:
    """What that letter said. Raises LookupError when it was never written."""
    found = connection.execute(
        text("select content from closure.letter_contents where letter_id = :letter_id"), {"letter_id": letter_id}
    )  # fmt: skip
    content = found.scalar_one_or_none()
    if content is None:
        raise LookupError(f"Letter {letter_id} was never written.")
    return str(content)

"""Letters caseworkers look up and ask for: the requests, and what is needed to make letters of them.

Belongs here: the queries. Does not belong here: whether a request may be made (``desk.letters``), when a letter goes out
(``night.letters_by_hand``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
from sqlalchemy import Connection, text

from case_closure.domain import addresses
from case_closure.domain import letters as codes
from case_closure.store import sensitive
from case_closure.store.casegroups import DAY, FLAG, PENCE, TEXT
from case_closure.store.copy import copy_in, copy_out
from case_closure.store.database import raw
from case_closure.store.dues import AMOUNT_NOW
from case_closure.store.letter_contents import ORDINARY
from case_closure.store.posting import as_rows
from case_closure.store.schema import tables
from case_closure.store.schema.tables import MATCHED_ON

_ADDRESSES = (*addresses.CLIENT_COLUMNS, *addresses.REPRESENTATIVE_COLUMNS)


def open_write_off_item(connection: Connection, casegroup_id: str, csa_system: str, csa_case_id: str) -> bool:
    """Whether a caseworker is asked to confirm a further write-off on that case; never for a sensitive casegroup."""
    return bool(
        connection.execute(
            text(
                f"select exists (select from closure.work_items l where l.type = 'CONFIRM_WRITE_OFF' and l.status <> 'CLOSED' "  # noqa: S608
                f"and (l.casegroup_id, l.csa_system, l.csa_case_id) = (:casegroup_id, :csa_system, :csa_case_id) and {ORDINARY})"
            ),
            {"casegroup_id": casegroup_id, "csa_system": csa_system, "csa_case_id": csa_case_id},
        ).scalar_one()
    )


def letter(connection: Connection, letter_id: str, *, apart: bool = False) -> dict[str, Any] | None:
    """A letter's row, and ``written``: whether what it said is kept. None when there is none on that side (R26): of ordinary
    casegroups, or with ``apart`` of nationally sensitive ones."""
    row = connection.execute(
        text(
            "select l.*, exists (select from closure.letter_contents k where k.letter_id = l.letter_id) as written "  # noqa: S608
            f"from closure.letters l where l.letter_id = :letter_id and {sensitive.of_row('l')} = :apart"
        ),
        {"letter_id": letter_id, "apart": apart},
    ).first()
    return dict(row._mapping) if row else None


def waiting(connection: Connection, request: dict[str, Any]) -> tuple[str, Any] | None:
    """Who asked for the same letter already, and when, where no night has made it yet."""
    row = connection.execute(
        text(
            "select asked_by, asked_at from closure.letters_by_hand where letter_id is null and code = :code "
            "and casegroup_id = :casegroup_id and csa_system is not distinct from :csa_system "
            "and csa_case_id is not distinct from :csa_case_id and repeats_letter_id is not distinct from :repeats_letter_id"
        ),
        request,
    ).first()
    return (row[0], row[1]) if row else None


def issued(connection: Connection, code: str, csa_system: str, csa_case_id: str) -> str | None:
    """The number of the letter of that code that was issued for a case because somebody asked for it, or None."""
    row = connection.execute(
        text(
            "select l.letter_id from closure.letters_by_hand h join closure.letters l using (letter_id) "
            "where h.code = :code and (h.csa_system, h.csa_case_id) = (:csa_system, :csa_case_id) and l.status = 'ISSUED' "
            "order by l.business_date desc limit 1"
        ),
        {"code": code, "csa_system": csa_system, "csa_case_id": csa_case_id},
    ).first()
    return str(row[0]) if row else None


def add(connection: Connection, request: dict[str, Any]) -> None:
    """Keep a request."""
    connection.execute(tables.letters_by_hand.insert().values(request))


def requests(connection: Connection) -> pa.Table:
    """Every request no night has made a letter of, the oldest first, with its client as letters need them.

    The client of a write-off is the case's receiving parent; of a letter sent again, whomever that went to or was about.
    """
    columns: dict[str, pa.DataType] = {
        "request_id": TEXT, "code": TEXT, "role": TEXT, "party_id": TEXT, "casegroup_id": TEXT, "csa_system": TEXT,
        "csa_case_id": TEXT, "covers_letter_id": TEXT, "dlo": FLAG, "date_of_death": DAY, "cis_death_recorded": FLAG,
        **dict.fromkeys(_ADDRESSES, TEXT), "total_pence": PENCE,
    }  # fmt: skip
    same_person = f"{MATCHED_ON.format('s.nino')} = {MATCHED_ON.format('p.nino')}"
    died = f"exists (select from held.cis_persons s where {same_person} and s.date_of_death is not null)"
    return copy_out(
        raw(connection),
        f"""
        select h.request_id, h.code, coalesce(r.recipient_role, 'RECEIVING_PARENT') as role, p.party_id,
               h.casegroup_id, h.csa_system, h.csa_case_id,
               case when h.code = %(covering)s then r.covers_letter_id else h.repeats_letter_id end as covers_letter_id,
               coalesce(p.dlo, false) as dlo, p.date_of_death, {died} as cis_death_recorded,
               {", ".join(f"p.{name}" for name in _ADDRESSES)},
               case when h.code = %(write_off)s then (
                   select sum(n.amount_pence)::bigint from closure.dues d cross join lateral ({AMOUNT_NOW.format("d")}) n
                   where (d.csa_system, d.csa_case_id, d.creditor) = (h.csa_system, h.csa_case_id, 'RP')) end
                   as total_pence
        from closure.letters_by_hand h
        left join closure.letters r on r.letter_id = h.repeats_letter_id
        left join held.csa_cases c on c.csa_system = h.csa_system and c.csa_case_id = h.csa_case_id
        join held.csa_parties p on p.party_id = coalesce(r.party_id, c.receiving_parent_id)
        where h.letter_id is null order by h.asked_at, h.request_id
        """,  # noqa: S608
        pa.schema(list(columns.items())),
        {"covering": codes.COVERING, "write_off": codes.WRITE_OFF},
    )  # fmt: skip


def standing(connection: Connection, letter_ids: Sequence[str]) -> set[str]:
    """Which of these letters there are already."""
    found = connection.execute(
        text("select letter_id from closure.letters where letter_id = any(:letter_ids)"), {"letter_ids": list(letter_ids)}
    )  # fmt: skip
    return set(found.scalars())


def store(connection: Connection, on: date, letters: pd.DataFrame, became: dict[str, str]) -> None:
    """Store new letters, and which request became which (request_id to letter_id)."""
    copy_in(raw(connection), "closure.letters", as_rows(tables.letters, letters.assign(business_date=on)))
    for request_id, letter_id in became.items():
        connection.execute(
            text("update closure.letters_by_hand set letter_id = :letter_id where request_id = :request_id"),
            {"letter_id": letter_id, "request_id": request_id},
        )

"""What the page of letters reads: letters of a night or a casegroup, one letter, what became of it.

Belongs here: queries of the views of ``reporting``, or of ``sensitive`` (R26). Does not belong here: what a letter said
(``desk.letters``), which is in no view.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import Connection, text

from case_closure.store.shown.casegroups import Schema
from case_closure.store.shown.reading import Rows, all_of, page_of


def latest_night(connection: Connection) -> date | None:
    """The latest night on which a letter fell due; None before the first."""
    return connection.execute(text("select desk.latest_letters_on()")).scalar()


def letters_page(
    connection: Connection,
    *,
    on: date | None,
    casegroup_id: str,
    code: str,
    status: str,
    after: str,
    schema: Schema,
) -> Rows:
    """Those of a night, a casegroup or both, by their numbers; of one code or status where that is given."""
    given = {"business_date": on, "casegroup_id": casegroup_id, "code": code, "status": status}
    asked = {name: value for name, value in given.items() if value}
    if not asked:
        return Rows([], None)
    if schema == "reporting":
        return _ordinary_page(connection, asked, after)
    where = " and ".join(f"{name} = :{name}" for name in asked)
    return page_of(
        connection, f"select * from {schema}.letters where {where}", asked, order=[("letter_id", "text")],  # noqa: S608  names of this function
        after=[after] if after else [],
    )  # fmt: skip


def _ordinary_page(connection: Connection, asked: dict[str, Any], after: str, most: int = 50) -> Rows:
    """Of millions: their numbers by a function that reads them in order (``store.listing``), then those letters."""
    query = "select letter_id from desk.list_letters(cast(:wanted as jsonb), :after, :most)"
    bound = {"wanted": json.dumps(asked, default=str), "after": after or None, "most": most + 1}
    numbers = list(connection.execute(text(query), bound).scalars())
    rows = of_numbers(connection, numbers[:most], "reporting")
    return Rows(rows, [numbers[most - 1]] if len(numbers) > most else None)


def of_numbers(connection: Connection, letter_ids: Iterable[str], schema: Schema) -> list[dict[str, Any]]:
    """These letters, those that are to be seen there."""
    query = f"select * from {schema}.letters where letter_id = any(:ids) order by letter_id"  # noqa: S608  one of two schemas
    return all_of(connection, query, ids=sorted(set(letter_ids)))


def find(connection: Connection, letter_id: str, schema: Schema) -> dict[str, Any] | None:
    """A letter; None: there is none there."""
    return next(iter(of_numbers(connection, [letter_id], schema)), None)


def covering(connection: Connection, letter: dict[str, Any], schema: Schema) -> list[dict[str, Any]]:
    """Those that went with it, or sent it again."""
    return all_of(
        connection,
        f"select letter_id, code, business_date, status from {schema}.letters "  # noqa: S608  one of two schemas
        "where casegroup_id = :casegroup_id and covers_letter_id = :letter_id order by business_date, letter_id",
        casegroup_id=letter["casegroup_id"], letter_id=letter["letter_id"],
    )  # fmt: skip


def delivery(connection: Connection, letter_id: str, schema: Schema) -> dict[str, Any] | None:
    """What became of it; None: it was not written."""
    query = f"select * from {schema}.letter_deliveries where letter_id = :letter_id"  # noqa: S608  one of two schemas
    return next(iter(all_of(connection, query, letter_id=letter_id)), None)


def acts(connection: Connection, letter_id: str, schema: Schema) -> list[dict[str, Any]]:
    """Who read it or had it sent again."""
    return all_of(
        connection,
        f"select acted_at, acted_by, acted_as, action from {schema}.acts "  # noqa: S608  one of two schemas
        "where reference = :letter_id and about = 'LETTER' order by act_number",
        letter_id=letter_id,
    )


def write_off_item(
    connection: Connection, casegroup_id: str, csa_system: str, csa_case_id: str
) -> dict[str, Any] | None:
    """The open item that asks for a further write-off of that case to be confirmed; None: there is none."""
    items = all_of(
        connection,
        "select * from reporting.work_items where casegroup_id = :casegroup_id and csa_system = :csa_system "
        "and csa_case_id = :csa_case_id and type = 'CONFIRM_WRITE_OFF' and status <> 'CLOSED'",
        casegroup_id=casegroup_id, csa_system=csa_system, csa_case_id=csa_case_id,
    )  # fmt: skip
    return items[0] if items else None

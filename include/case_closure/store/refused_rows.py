"""Rows of the files of ``domain.rules.ROWS`` that were refused alone, and what answers them ([4]-[6], [13]).

Belongs here: what is held under the numbers that come again, which refused rows no good one has answered, and refusing a row
that was held and that a later stage cannot use. Does not belong here: judging a row (``gates``), case rows (``holding``).
"""

from __future__ import annotations

from datetime import date

import pandas as pd
import pyarrow as pa
from sqlalchemy import Connection, text

from case_closure.domain.rules import ROWS
from case_closure.store import replacing
from case_closure.store.copy import copy_in, copy_out, select_list
from case_closure.store.database import raw
from case_closure.store.posting import stage
from case_closure.store.schema.tables import HELD_TABLES
from case_closure.tables.landed import FILES, FileContract


def _key(contract: FileContract, of: str) -> str:
    """The number of a held row in SQL, as ``stages.receive_extract.row_keys`` has it."""
    return " || '/' || ".join(f"{of}.{name}" for name in contract.event_key or contract.key)


def held_under(connection: Connection, contract: FileContract, keys: list[str]) -> pa.Table:
    """The rows of an event file that are held under these numbers, in the contract's columns."""
    (key,) = contract.event_key
    names = ", ".join(f"h.{name}" for name in contract.column_names)
    return copy_out(
        raw(connection),
        f"select {names} from held.{contract.name} h where h.{key} = any(%(keys)s)",  # noqa: S608
        contract.schema,
        {"keys": keys},
    )


def unanswered_keys(connection: Connection, file: str) -> set[str]:
    """The numbers of the file's refused rows that no good row has answered."""
    query = "select distinct row_key from closure.refused_rows where file_name = :file and answered_on is null and row_key <> ''"
    return set(connection.execute(text(query), {"file": file}).scalars())


def answer(connection: Connection, on: date, file: str, good: pd.DataFrame) -> None:
    """A good row of their number came tonight: the rows refused before it are answered ([13]).

    ``good``: row_key, row_number. On a late night so are tonight's own that a later night has answered already (R39).
    """
    stage(connection, "good_rows", good, ["row_key", "row_number"])
    connection.execute(
        text(
            """
            update closure.refused_rows r set answered_on = :on from good_rows g
            where r.file_name = :file and r.row_key = g.row_key and r.answered_on is null
              and (r.business_date, r.row_number) < (:on, g.row_number::bigint)
            """
        ),
        {"on": on, "file": file},
    )
    known_since = f"""
        exists (select from closure.refused_rows l where l.file_name = r.file_name and l.row_key = r.row_key
                and l.answered_on > :on)
        or r.rule_codes = array['row_invalid']
           and exists (select from held.{file} h where {_key(FILES[file], "h")} = r.row_key and h.business_date > :on)
    """  # noqa: S608
    connection.execute(
        text(
            f"""
            update closure.refused_rows r set answered_on = :on
            where r.file_name = :file and r.business_date = :on and r.answered_on is null and ({known_since})
            """  # noqa: S608
        ),
        {"on": on, "file": file},
    )


def refuse_held(connection: Connection, on: date, file: str, rule_code: str, refused: pd.DataFrame) -> None:
    """Refuse rows that are held and that a gate of tonight found no use for: their numbers are not used up ([4]).

    ``refused``: row_key, and the field at fault. A row that is not held any more is left alone. One that another night brought
    is kept, for the case that another extract of tonight takes the place of this one.
    """
    if refused.empty:
        return
    contract = FILES[file]
    assert file in ROWS
    stage(connection, "refused_since", refused, ["row_key", "field"])
    has = {column.name for column in HELD_TABLES[file].columns}
    system, case, group = (
        f"h.{name}" if name in has else "null::text" for name in ("csa_system", "csa_case_id", "casegroup_id")
    )
    original = ", ".join(f"'{name}', h.{name}" for name in contract.column_names)
    same = f"{_key(contract, 'h')} = s.row_key"
    replacing.keep_where(connection, on, file, f"exists (select from refused_since s where {same})")
    connection.execute(
        text(
            f"""
            insert into closure.refused_rows (business_date, file_name, row_number, row_key, rule_codes, fields, csa_system,
                                              csa_case_id, casegroup_id, sensitive, original)
            select :on, :file, row_number() over (order by s.row_key) + coalesce(
                       (select max(row_number) from closure.refused_rows where business_date = :on and file_name = :file), 0),
                   s.row_key, array[:rule], array[s.field], {system}, {case}, {group}, false,
                   json_build_object({original})::text
            from refused_since s join held.{file} h on {same}
            """  # noqa: S608
        ),
        {"on": on, "file": file, "rule": rule_code},
    )
    connection.execute(
        text(f"delete from held.{file} h using refused_since s where {same}"),  # noqa: S608
    )


def casegroups_of(connection: Connection, cases: pa.Table) -> pa.Table:
    """The casegroups of those of these cases (csa_system, csa_case_id) that are held."""
    shape = pa.schema([(name, pa.string()) for name in ("csa_system", "csa_case_id", "casegroup_id")])
    if cases.num_rows == 0:
        return shape.empty_table()
    connection.exec_driver_sql("drop table if exists pg_temp.asked_cases")
    connection.exec_driver_sql(
        "create temporary table asked_cases (csa_system text, csa_case_id text) on commit drop"
    )
    copy_in(raw(connection), "asked_cases", cases)
    connection.exec_driver_sql("analyze asked_cases")
    return copy_out(
        raw(connection),
        f"select {select_list(shape, 'c')} from asked_cases join held.csa_cases c using (csa_system, csa_case_id)",  # noqa: S608
        shape,
    )

"""Holding what came in: the rows of a verified extract, into schema ``held``.

Belongs here: upserts by key that never let an earlier night overwrite a later one (R21), events once each,
arrivals of balances (R20), and rows that could not be held, as they came.
Does not belong here: verifying a file, judging a row, or what a held row leads to.
All of a night's extract is held in one transaction.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from typing import Any

import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, text

from case_closure.domain.money import BUCKET_COLUMNS
from case_closure.domain.rules import RULES
from case_closure.stages.receive_extract import row_keys
from case_closure.store import filling, history, replacing
from case_closure.store.casegroups import Gather
from case_closure.store.copy import as_array, copy_in, copy_out
from case_closure.store.database import raw
from case_closure.store.posting import as_rows
from case_closure.store.schema import tables
from case_closure.store.schema.tables import ARRIVALS, HELD_TABLES, held_key
from case_closure.tables.frames import Frames, to_frame
from case_closure.tables.landed import FILES, FileContract

ROW_NUMBER = "row_number"
_WORTH_ANALYSING = 1_000
Batches = Callable[[], Iterable[pa.Table]]


def hold(
    connection: Connection, contract: FileContract, batches: Batches, on: date, extract_number: int
) -> int:
    """Hold the rows of one file; returns how many rows were read.

    ``batches`` opens the file afresh: tables of the contract's columns and ``row_number`` (from 1).
    Upserts overwrite what an earlier or the same night brought, never what a later one did. Of a key that
    stands twice in a file the last row counts. A row without a key is kept in ``refused_rows``.
    """
    keyed = _Keyed(contract, batches)
    if contract.name in ARRIVALS:
        read = _hold_arrivals(connection, contract, batches, on, extract_number)
    elif contract.name == "dca_payments":
        read = _hold_by_place(connection, contract, batches, on, extract_number)
    elif contract.name == "csa_payments":
        raise ValueError("payments are held by hold_payments, with the system of their file")
    else:
        read = _hold_keyed(connection, contract, keyed, on)
        for refused in keyed.without_key:
            refuse(connection, contract, refused, on)
    if read >= _WORTH_ANALYSING:
        # The stages that follow read these rows long before PostgreSQL would count them by itself.
        # A sample of 6,000 rows a column tells a plan as much as one of 30,000.
        connection.exec_driver_sql("set local default_statistics_target = 20")
        connection.exec_driver_sql(f"analyze held.{contract.name}")
    return read


def hold_payments(
    connection: Connection,
    contract: FileContract,
    batches: Batches,
    on: date,
    extract_number: int,
    csa_system: str,
) -> int:
    """Hold every line of one payments file, with the CSA system whose file it is."""
    return _hold_by_place(connection, contract, batches, on, extract_number, csa_system=csa_system)


def _hold_by_place(
    connection: Connection,
    contract: FileContract,
    batches: Batches,
    on: date,
    extract_number: int,
    **stamps: Any,
) -> int:
    """Hold every row as it came, under its place in the extract: one that comes again is a row of its own ([16])."""
    number = pa.scalar(extract_number, pa.int32())
    rows = (_stamped(batch, business_date=on, extract_number=number, **stamps) for batch in batches())
    return copy_in(raw(connection), f"held.{contract.name}", rows)


def refuse(
    connection: Connection,
    contract: FileContract,
    rows: pa.Table,
    on: date,
    rule_codes: list[list[str]] | None = None,
    fields: list[list[str]] | None = None,
) -> None:
    """Keep rows that are not held, as they came, with the number they are known by. ``rule_codes`` empty: the row has no key."""
    if rows.num_rows == 0:
        return
    originals = rows.drop_columns([ROW_NUMBER]).to_pylist()

    def column(name: str) -> pa.Array:
        return rows.column(name) if name in rows.column_names else pa.nulls(rows.num_rows, pa.string())

    kept = pa.table(
        {
            "business_date": pa.repeat(pa.scalar(on), rows.num_rows),
            "file_name": pa.repeat(pa.scalar(contract.name), rows.num_rows),
            "row_number": rows.column(ROW_NUMBER),
            "row_key": pa.array(row_keys(contract, rows), pa.string()),
            "rule_codes": _arrays(rule_codes or [[]] * rows.num_rows),
            "fields": _arrays(fields or [[]] * rows.num_rows),
            "csa_system": column("csa_system"),
            "csa_case_id": column("csa_case_id"),
            "casegroup_id": column("casegroup_id"),
            "sensitive": pc.fill_null(column("nationally_sensitive").cast(pa.bool_()), False),
            "original": [json.dumps(row, default=str, ensure_ascii=False) for row in originals],
        }
    )
    copy_in(raw(connection), "closure.refused_rows", kept)


def forget_refused(connection: Connection, on: date) -> None:
    """Drop the refused rows of a night whose extract is about to be held again."""
    connection.execute(text("delete from closure.refused_rows where business_date = :on"), {"on": on})


def _arrays(lists: list[list[str]]) -> pa.Array:
    """Lists of texts as COPY reads them."""
    return pa.array([as_array(one) for one in lists], pa.string())


def _stamped(batch: pa.Table, **stamps: Any) -> pa.Table:
    for name, value in stamps.items():
        scalar = value if isinstance(value, pa.Scalar) else pa.scalar(value)
        batch = batch.append_column(name, pa.repeat(scalar, batch.num_rows))
    return batch


class _Keyed:
    """Batches with the rows that lack a key set aside."""

    def __init__(self, contract: FileContract, batches: Batches) -> None:
        self.key = held_key(contract)
        self._batches = batches
        self.without_key: list[pa.Table] = []

    def __call__(self) -> Iterator[pa.Table]:
        self.without_key = []
        for batch in self._batches():
            missing = pc.is_null(batch.column(self.key[0]))
            for name in self.key[1:]:
                missing = pc.or_(missing, pc.is_null(batch.column(name)))
            if pc.any(missing).as_py():
                self.without_key.append(batch.filter(missing))
                batch = batch.filter(pc.invert(missing))
            yield batch


def _is_empty(connection: Connection, table: str) -> bool:
    return not connection.exec_driver_sql(f"select exists (select from {table})").scalar_one()  # noqa: S608


def _try_straight(connection: Connection, table: str, tables: Callable[[], Iterator[pa.Table]]) -> int | None:
    """COPY straight into an empty table: nothing can be overwritten, so nothing needs comparing.

    None, with nothing written, when the table holds rows already or the file holds a key twice.
    """
    if not _is_empty(connection, table):
        return None
    stream = tables()
    first = next(stream, None)
    if first is None:
        return 0
    rows = itertools.chain([first], stream)
    # Somebody who is reading the table is not waited for; nothing of the rows is taken by then.
    refusals = (psycopg.errors.UniqueViolation, psycopg.errors.LockNotAvailable)
    for write in (filling.fill, copy_in) if first.num_rows >= filling.MANY_ROWS else (copy_in,):
        savepoint = connection.begin_nested()
        try:
            written = write(raw(connection), table, rows)
        except refusals as refusal:
            savepoint.rollback()
            if isinstance(refusal, psycopg.errors.UniqueViolation):
                return None
        else:
            savepoint.commit()
            return written
    return None


def _stage(connection: Connection, name: str, tables: Iterable[pa.Table]) -> str:
    """A temporary table of the held table's columns and the row number, filled; it goes with the transaction."""
    stage = f"stage_{name}"
    # Files that are held by key have no place of their own in the extract.
    place = "" if "row_number" in HELD_TABLES[name].columns else ", null::bigint as row_number"
    # As a query's table it takes the columns and none of what they must be.
    connection.exec_driver_sql(
        f"create temporary table {stage} on commit drop as select h.*{place} from held.{name} h with no data"  # noqa: S608
    )
    copy_in(raw(connection), stage, tables)
    connection.exec_driver_sql(f"analyze {stage}")
    return stage


def _hold_keyed(connection: Connection, contract: FileContract, batches: _Keyed, on: date) -> int:
    table = f"held.{contract.name}"

    def rows(*, numbered: bool) -> Iterator[pa.Table]:
        for batch in batches():
            if contract.name == "csa_cases":
                batch = batch.append_column("claimed_casegroup_id", batch.column("casegroup_id"))
                batch = batch.append_column("last_closed_on", _closed_on(batch, on))
            if contract.name == "enforcement_actions":
                batch = _stamped(batch, first_came_on=on)
            if contract.name == "csa_debts":
                batch = _stamped(batch, times_in_file=pa.scalar(1, pa.int32()))
            if not numbered:
                batch = batch.drop_columns([ROW_NUMBER])
            yield _stamped(batch, business_date=on, changed_on=on)

    straight = _try_straight(connection, table, lambda: rows(numbered=False))
    if straight is not None:
        return straight + sum(kept.num_rows for kept in batches.without_key)
    stage = _stage(connection, contract.name, rows(numbered=True))
    read = connection.exec_driver_sql(f"select count(*) from {stage}").scalar_one()  # noqa: S608
    if contract.name == "csa_debts":
        connection.exec_driver_sql(_COUNT_DEBTS.format(stage=stage))
    if contract.name == "csa_closing_ledger":
        history.keep_closing_ledger(connection, on, stage)
    if contract.kind == "upsert":
        replacing.keep_rows(connection, on, contract, stage)
    connection.exec_driver_sql(_upsert(contract, stage))
    if contract.name == "csa_cases":
        connection.exec_driver_sql(_CLOSED_BY_A_LATE_NIGHT.format(stage=stage))
    if contract.name == "enforcement_actions":
        connection.exec_driver_sql(_CAME_BY_A_LATE_NIGHT.format(stage=stage))
    connection.exec_driver_sql(f"drop table {stage}")
    return int(read) + sum(kept.num_rows for kept in batches.without_key)


def _closed_on(cases: pa.Table, on: date) -> pa.Array:
    """Tonight where the row closes its case without a failure, else null."""
    closes = pc.and_(
        pc.equal(pc.fill_null(cases.column("case_status"), ""), "CLOSED"),
        pc.is_null(cases.column("closure_failure_code")),
    )
    return pc.if_else(closes, pa.scalar(on, pa.date32()), pa.scalar(None, pa.date32()))


# A late night's rows overwrite nothing, but that it closed the case counts (B53).
_CLOSED_BY_A_LATE_NIGHT = """
    update held.csa_cases h set last_closed_on = s.last_closed_on from {stage} s
    where h.csa_system = s.csa_system and h.csa_case_id = s.csa_case_id
      and s.last_closed_on > coalesce(h.last_closed_on, '-infinity')
"""


# Nor does an action that a late night brings, but that it came before counts ([42]).
_CAME_BY_A_LATE_NIGHT = """
    update held.enforcement_actions h set first_came_on = s.first_came_on from {stage} s
    where h.action_id = s.action_id and s.first_came_on < h.first_came_on
"""


# A case that stands twice in a file had one row held like any other: how often it stood says that none of them is good (B71).
_COUNT_DEBTS = """
    update {stage} s set times_in_file = t.times
    from (select csa_system, csa_case_id, count(*) as times from {stage} group by 1, 2 having count(*) > 1) t
    where s.csa_system = t.csa_system and s.csa_case_id = t.csa_case_id
"""


# Whether the casegroup of that row has completed.
_COMPLETED = "exists (select from closure.casegroups g where g.casegroup_id = {}.casegroup_id and g.completed_on is not null)"


def _upsert(contract: FileContract, stage: str) -> str:
    """The insert that never lets an earlier night overwrite a later one, and says on which night content changed."""
    key = held_key(contract)
    columns = [column.name for column in HELD_TABLES[contract.name].columns]
    content = [name for name in contract.column_names if name not in key]
    if contract.name == "csa_debts":
        content.append("times_in_file")
    select = f"select distinct on ({', '.join(key)}) {', '.join(columns)} from {stage} order by {', '.join(key)}, row_number desc"  # noqa: S608
    insert = f"insert into held.{contract.name} as h ({', '.join(columns)}) {select} on conflict ({', '.join(key)})"
    if contract.kind == "event" or not content:
        return f"{insert} do nothing"
    # Where a case is, move_cases says. One that may not move keeps its paying parent too: the casegroup's arrears are on
    # that parent's account.
    kept = ("casegroup_id", "paying_parent_id") if contract.name == "csa_cases" else ()
    changes = [name for name in content if name not in kept]
    sets = [f"{name} = excluded.{name}" for name in changes]
    ours, theirs = (", ".join(f"{side}.{name}" for name in content) for side in ("h", "excluded"))
    differs = f"({ours}) is distinct from ({theirs})"
    if contract.name == "csa_cases":
        stays = f"h.casegroup_id is distinct from excluded.casegroup_id and {_COMPLETED.format('h')}"
        differs = differs.replace("h.casegroup_id", "h.claimed_casegroup_id", 1)
        sets += [
            f"paying_parent_id = case when {stays} then h.paying_parent_id else excluded.paying_parent_id end",
            "claimed_casegroup_id = excluded.casegroup_id",
            "previous_casegroup_id = case when h.changed_on = excluded.changed_on then h.previous_casegroup_id end",
            "last_closed_on = greatest(h.last_closed_on, excluded.last_closed_on)",
        ]
    sets += [
        "business_date = excluded.business_date",
        f"changed_on = case when {differs} then excluded.changed_on else h.changed_on end",
    ]
    return f"{insert} do update set {', '.join(sets)} where h.business_date <= excluded.business_date"


_VALUES = (
    "csa_system",
    "csa_case_id",
    "casegroup_id",
    *BUCKET_COLUMNS,
    "total_pence",
    "arrears_from",
    "arrears_to",
)


def _hold_arrivals(
    connection: Connection, contract: FileContract, batches: Batches, on: date, extract_number: int
) -> int:
    """Keep every row as an arrival, and say which rows are now the latest of their case (R20).

    A balance number seen before with the same values changes nothing, unless its case stands twice tonight or
    stood twice before: then the rows that come replace those that were there.
    """
    name = contract.name
    table = f"held.{name}"

    def rows() -> Iterator[pa.Table]:
        for batch in batches():
            yield _stamped(
                batch,
                business_date=on,
                extract_number=pa.scalar(extract_number, pa.int32()),
                is_latest=True,
                is_new=True,
            )

    straight = _try_straight(connection, table, rows)
    if straight is not None:
        return straight
    stage = _stage(connection, name, rows())
    connection.exec_driver_sql(f"create index on {stage} (csa_system, csa_case_id)")
    same = f"({', '.join('seen.' + c for c in _VALUES)}) is not distinct from ({', '.join('s.' + c for c in _VALUES)})"
    connection.exec_driver_sql(
        f"""
        update {stage} s set is_new = false, is_latest = false
        where exists (
            select from (select * from {table} h where h.balance_id = s.balance_id
                         order by h.business_date desc, h.extract_number desc, h.row_number desc limit 1) seen
            where {same})
          and s.csa_system is not null and s.csa_case_id is not null
          and 1 = (select count(*) from {stage} t
                   where t.csa_system = s.csa_system and t.csa_case_id = s.csa_case_id)
          and 1 >= (select count(*) from {table} h
                    where h.csa_system = s.csa_system and h.csa_case_id = s.csa_case_id and h.is_latest)
        """  # noqa: S608
    )
    # A late night's row is not the latest where a later night has brought one (R21).
    connection.execute(
        text(
            f"""
            update {stage} s set is_latest = false where s.is_new and exists (
                select from {table} h where h.csa_system = s.csa_system and h.csa_case_id = s.csa_case_id
                and h.is_latest and h.business_date > :on)
            """  # noqa: S608
        ),
        {"on": on},
    )
    connection.exec_driver_sql(
        f"""
        update {table} h set is_latest = false from (
            select distinct csa_system, csa_case_id from {stage} where is_latest) s
        where h.is_latest and h.csa_system = s.csa_system and h.csa_case_id = s.csa_case_id
        """  # noqa: S608
    )
    # A row without a case number stands for its casegroup until it is sent again, or a whole row for that casegroup comes.
    replacing.keep_without_case(connection, on, name)
    connection.execute(
        text(
            f"""
            update {table} h set is_latest = false
            where h.is_latest and (h.csa_system is null or h.csa_case_id is null) and h.business_date < :on
              and exists (
                select from {stage} s where s.is_latest and s.casegroup_id is not distinct from h.casegroup_id
                and ((s.csa_system is not null and s.csa_case_id is not null and s.casegroup_id is not null)
                     or ((s.csa_system, s.csa_case_id) is not distinct from (h.csa_system, h.csa_case_id)
                         and (s.casegroup_id is not null or s.balance_id is not distinct from h.balance_id))))
            """  # noqa: S608
        ),
        {"on": on},
    )
    columns = ", ".join(column.name for column in HELD_TABLES[name].columns)
    read = connection.exec_driver_sql(
        f"insert into {table} ({columns}) select {columns} from {stage}"  # noqa: S608
    ).rowcount
    connection.exec_driver_sql(f"drop table {stage}")
    return int(read)


def cases_that_may_move(connection: Connection, on: date) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The cases whose casegroup tonight's extract may have changed, and all that was entered for their casegroup.

    Cases: csa_system, csa_case_id, casegroup_id, claimed_casegroup_id, and completed: whether the one it is in has. Entered: the
    columns of :func:`case_resolutions`.
    """
    names = ("csa_system", "csa_case_id", "casegroup_id", "claimed_casegroup_id")
    schema = pa.schema([*((name, pa.string()) for name in names), ("completed", pa.bool_())])
    query = f"""
        select {", ".join(f"c.{name}" for name in names)}, {_COMPLETED.format("c")} as completed
        from (
            select {", ".join(names)} from held.csa_cases
            where changed_on = %(on)s and claimed_casegroup_id is distinct from casegroup_id
            union
            select {", ".join(f"c.{name}" for name in names)}
            from held.resolutions r join held.csa_cases c using (csa_system, csa_case_id)
            where r.entity = 'CASE' and r.field = 'casegroup_id' and (%(on)s in (r.business_date, c.changed_on) or r.waiting)) c
        order by c.csa_system, c.csa_case_id
    """  # fmt: skip  # noqa: S608
    cases = to_frame(copy_out(raw(connection), query, schema, {"on": on}))
    return cases, case_resolutions(connection, "casegroup_id")


def move_cases(connection: Connection, on: date, moves: pd.DataFrame) -> None:
    """Each case of ``moves`` (csa_system, csa_case_id, casegroup_id) goes to that casegroup, and its latest balances with it."""
    if moves.empty:
        return
    connection.exec_driver_sql("drop table if exists pg_temp.moving")
    connection.exec_driver_sql(
        "create temporary table moving (csa_system text, csa_case_id text, casegroup_id text) on commit drop"
    )
    copy_in(raw(connection), "moving", pa.Table.from_pandas(moves, preserve_index=False))
    same = "m.csa_system = c.csa_system and m.csa_case_id = c.csa_case_id"
    for name in ("csa_cases", *ARRIVALS):
        replacing.keep_of_cases(connection, on, name, "moving")
    connection.execute(
        text(
            f"""
            update held.csa_cases c
            set previous_casegroup_id = c.casegroup_id, casegroup_id = m.casegroup_id, changed_on = :on
            from moving m where {same}
            """  # noqa: S608
        ),
        {"on": on},
    )
    _take_along(connection, on)
    for name in ARRIVALS:
        # What came tonight names its casegroup itself; a gate says whether that is the right one.
        connection.execute(
            text(
                f"""
                update held.{name} b set casegroup_id = c.casegroup_id from moving m join held.csa_cases c on {same}
                where b.is_latest and b.csa_system = c.csa_system and b.csa_case_id = c.csa_case_id
                  and b.casegroup_id = c.previous_casegroup_id and b.business_date <> :on
                """  # noqa: S608
            ),
            {"on": on},
        )


# What is found in a row of csa_cases itself stays with the casegroup that the row names.
_GO_WITH_THEIR_CASE = [
    code for code, rule in RULES.items() if rule.scope == "CASEGROUP" and rule.suite != "csa_cases"
]


def _take_along(connection: Connection, on: date) -> None:
    """What stands about a case in the table ``moving`` goes with it: its record on CMS, and what is open of it. An exception is
    one record from first to last (R43)."""
    left = """
        from moving m join held.csa_cases c on m.csa_system = c.csa_system and m.csa_case_id = c.csa_case_id
        where {0}.csa_system = m.csa_system and {0}.csa_case_id = m.csa_case_id and {0}.status <> :done
          and {0}.casegroup_id = c.previous_casegroup_id
    """
    values: dict[str, Any] = {"on": on, "codes": _GO_WITH_THEIR_CASE}
    connection.execute(
        text(
            """
            update closure.cms_cases s set casegroup_id = m.casegroup_id from moving m
            where s.csa_system = m.csa_system and s.csa_case_id = m.csa_case_id
            """
        )
    )
    connection.execute(
        text(
            "update closure.work_items w set casegroup_id = c.casegroup_id "  # noqa: S608
            + left.format("w")
            + """ and not exists (select from closure.exceptions x where x.exception_id = w.subject_reference
                                  and x.rule_code <> all(:codes))"""
        ),
        values | {"done": "CLOSED"},
    )
    connection.execute(
        text(
            "update closure.exceptions e set previous_casegroup_id = e.casegroup_id, casegroup_id = c.casegroup_id, "  # noqa: S608
            "casegroup_since = :on " + left.format("e") + " and e.rule_code = any(:codes)"
        ),
        values | {"done": "RESOLVED"},
    )


def case_resolutions(connection: Connection, field: str | None = None) -> pd.DataFrame:
    """What caseworkers entered for cases themselves: all of it, or what was entered for that field."""
    schema = pa.schema([(name, pa.string()) for name in
                        ("resolution_id", "csa_system", "csa_case_id", "entity", "field", "old_value", "new_value")]
                       + [("entered_on", pa.date32())])  # fmt: skip
    query = f"""
        select {", ".join(schema.names)} from held.resolutions
        where entity = 'CASE' and (%(field)s is null or field = %(field)s)
    """  # noqa: S608
    return to_frame(copy_out(raw(connection), query, schema, {"field": field}))


def refused_and_resolved(connection: Connection, on: date) -> list[str]:
    """Case rows refused before and not mended since, about whose case a resolution came on ``on``; as JSON.

    Of those refused on that very night, if a command entered it since.
    """
    rows = connection.execute(
        text(
            """
            select distinct on (r.csa_system, r.csa_case_id) r.original from closure.refused_rows r
            join held.resolutions e on e.csa_system = r.csa_system and e.csa_case_id = r.csa_case_id
            where e.entity = 'CASE' and e.business_date = :on
              and (r.business_date <> :on or e.entered_at is not null) and r.file_name = 'csa_cases'
              and r.answered_on is null
              and r.rule_codes <@ array['case_enum_invalid', 'case_key_missing'] and r.rule_codes <> '{}'
              and not exists (select from held.csa_cases c where c.business_date > r.business_date
                              and c.csa_system = r.csa_system and c.csa_case_id = r.csa_case_id)
            order by r.csa_system, r.csa_case_id, r.business_date desc, r.row_number desc
            """
        ),
        {"on": on},
    )
    return [row[0] for row in rows]


def answer_refused(connection: Connection, on: date, rows: pa.Table) -> None:
    """The refused rows of these cases (csa_system, csa_case_id) are taken in, with what was entered for them."""
    if rows.num_rows:
        connection.exec_driver_sql("drop table if exists pg_temp.answered")
        connection.exec_driver_sql(
            "create temporary table answered (csa_system text, csa_case_id text) on commit drop"
        )
        copy_in(raw(connection), "answered", rows.select(["csa_system", "csa_case_id"]))
        connection.execute(
            text(
                """
                update closure.refused_rows r set answered_on = :on from answered a
                where r.csa_system = a.csa_system and r.csa_case_id = a.csa_case_id and r.file_name = 'csa_cases'
                  and r.answered_on is null
                  and (r.business_date <> :on or exists (
                    select from held.resolutions e where e.csa_system = r.csa_system and e.csa_case_id = r.csa_case_id
                    and e.entity = 'CASE' and e.business_date = :on and e.entered_at is not null))
                """
            ),
            {"on": on},
        )


def take_in_waiting(connection: Connection, on: date) -> int:
    """What commands entered since the last night is this night's from now on, whatever becomes of its extract; how many."""
    return connection.execute(
        text(
            "update held.resolutions set business_date = :on, changed_on = :on, waiting = false "
            "where waiting and business_date < :on"
        ),
        {"on": on},
    ).rowcount


def entered_by(connection: Connection, prefix: str) -> int:
    """How many entries there are whose number begins so."""
    begun = connection.execute(
        text("select count(*) from held.resolutions where starts_with(resolution_id, :prefix)"),
        {"prefix": prefix},
    )
    return int(begun.scalar_one())


def reports_there(connection: Connection, numbers: list[str]) -> set[str]:
    """Those of these numbers that are reports."""
    there = connection.execute(
        text("select report_id from held.reported_exceptions where report_id = any(:numbers)"),
        {"numbers": numbers},
    )
    return set(there.scalars())


def last_refused(connection: Connection, on: date) -> int:
    """The highest number of a case row refused on that night; 0 where there is none."""
    last = connection.execute(
        text(
            "select coalesce(max(row_number), 0) from closure.refused_rows "
            "where business_date = :on and file_name = 'csa_cases'"
        ),
        {"on": on},
    )
    return int(last.scalar_one())


def keep_entered(connection: Connection, rows: list[dict[str, Any]], on: date, at: datetime) -> None:
    """Keep what a command entered as resolutions of the latest night, waiting for the next; a landed one stands no less."""
    for row in rows:
        connection.execute(
            tables.HELD_TABLES["resolutions"].insert(),
            row | {"business_date": on, "changed_on": on, "entered_at": at, "waiting": True},
        )


def held_about(connection: Connection, cases: list[tuple[str, str]], report_ids: list[str]) -> Frames:
    """What is held of these cases (csa_system, csa_case_id) and reports, as :func:`entered_about` has it without ``kept``. A case
    that is not held stands among ``cases`` as its last row that was refused and not mended."""
    connection.exec_driver_sql("drop table if exists pg_temp.entered_cases")
    connection.exec_driver_sql(
        "create temporary table entered_cases (csa_system text, csa_case_id text) on commit drop"
    )
    pairs = sorted(set(cases)) + [(None, number) for number in sorted(set(report_ids))]
    systems, numbers = ([pair[place] for pair in pairs] for place in (0, 1))
    named = pa.table(
        {"csa_system": pa.array(systems, pa.string()), "csa_case_id": pa.array(numbers, pa.string())}
    )
    copy_in(raw(connection), "entered_cases", named)
    gather = Gather(connection, [])
    gather.fill("entered_reports", "report_id", sorted(set(report_ids)))
    about = _about(connection, gather)
    refused = connection.exec_driver_sql(
        """
        select distinct on (r.csa_system, r.csa_case_id) r.original from closure.refused_rows r
        join entered_cases using (csa_system, csa_case_id)
        where r.file_name = 'csa_cases' and cardinality(r.rule_codes) > 0 and r.answered_on is null
          and not exists (select from held.csa_cases c where c.csa_system = r.csa_system and c.csa_case_id = r.csa_case_id)
        order by r.csa_system, r.csa_case_id, r.business_date desc, r.row_number desc
        """
    ).scalars()
    originals = [FILES["csa_cases"].typed(json.loads(original)) for original in refused]
    if originals:
        frame = to_frame(pa.Table.from_pylist(originals, schema=FILES["csa_cases"].schema))
        both = pd.concat([about["cases"], frame], ignore_index=True)
        # Where one of the two had no null, it has no flag for it.
        flags = [str(name) for name in both if str(name).endswith("__missing")]
        about["cases"] = both.assign(**{name: both[name].eq(True) for name in flags})
    return about


def entered_about(connection: Connection, resolution_ids: list[str]) -> Frames:
    """What is held of the cases that these resolutions are about, with the columns of its file: ``cases``, their latest
    ``csa_balances``, ``parties``, all ``resolutions`` of them, ``entered_for_people`` (see ``Gather.entered_for``); the
    ``reported_exceptions`` they are about; and ``kept``, the resolutions held under these numbers."""
    gather = Gather(connection, [])
    gather.fill("entered_numbers", "resolution_id", resolution_ids)
    connection.exec_driver_sql("drop table if exists pg_temp.entered_cases")
    connection.exec_driver_sql(
        """
        create temporary table entered_cases on commit drop as
        select distinct r.csa_system, r.csa_case_id from entered_numbers join held.resolutions r using (resolution_id)
        """
    )
    connection.exec_driver_sql("drop table if exists pg_temp.entered_reports")
    connection.exec_driver_sql(
        """
        create temporary table entered_reports on commit drop as
        select distinct r.csa_case_id as report_id from entered_numbers join held.resolutions r using (resolution_id)
        where r.entity = 'REPORT'
        """
    )
    return _about(connection, gather) | {
        "kept": _read(connection, "resolutions", "join entered_numbers using (resolution_id)")
    }


def _read(connection: Connection, file: str, query: str) -> pd.DataFrame:
    contract = FILES[file]
    names = ", ".join(f"t.{name}" for name in contract.column_names)
    return to_frame(
        copy_out(raw(connection), f"select {names} from held.{file} t {query}", contract.schema)  # noqa: S608  the query is of this module
    )


def _about(connection: Connection, gather: Gather) -> Frames:
    """What is held of the cases in the table ``entered_cases`` and the reports in ``entered_reports``."""

    def read(file: str, query: str) -> pd.DataFrame:
        return _read(connection, file, query)

    tables = {
        "cases": read("csa_cases", "join entered_cases using (csa_system, csa_case_id)"),
        "csa_balances": read(
            "csa_balances", "join entered_cases using (csa_system, csa_case_id) where t.is_latest"
        ),
        # By number alone, of a payment or report: it has no system.
        "resolutions": read(
            "resolutions",
            "where exists (select from entered_cases c where c.csa_case_id = t.csa_case_id "
            "and c.csa_system is not distinct from t.csa_system)",
        ),
        "reported_exceptions": read("reported_exceptions", "join entered_reports using (report_id)"),
    }
    people = pd.concat([tables["cases"][name] for name in ("paying_parent_id", "receiving_parent_id")])
    ids = people.dropna().unique().tolist()
    tables["entered_for_people"] = to_frame(gather.entered_for(ids))
    tables["parties"] = read("csa_parties", "join wanted_people using (party_id)")
    return tables


def keep_entries_without_effect(connection: Connection, on: date, entries: pd.DataFrame) -> None:
    """Keep the resolutions of a night that changed nothing, with the reason."""
    if entries.empty:
        return
    table = tables.entries_without_effect
    kept = entries.assign(business_date=on, entry_number=range(1, len(entries) + 1))
    copy_in(raw(connection), f"{table.schema}.{table.name}", as_rows(table, kept))


def forget_entries_without_effect(connection: Connection, on: date) -> None:
    """Drop those of a night whose extract is about to be held again."""
    connection.execute(
        text("delete from closure.entries_without_effect where business_date = :on"), {"on": on}
    )

"""Storing what a night decided for a set of casegroups, all of it in the caller's transaction.

Belongs here: rows that are inserted once, and the few columns that change. Ledger rows are never updated.
Does not belong here: what to store.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pandas as pd
import psycopg
import pyarrow as pa
from psycopg import sql
from sqlalchemy import BigInteger, Boolean, Connection, Date, Integer, Table, text
from sqlalchemy.types import TypeEngine

from case_closure import refusals
from case_closure.domain.work_items import WORDS
from case_closure.stages.common.exceptions import Exceptions
from case_closure.stages.decide_next_action import Decided
from case_closure.stages.post_dues import Posted
from case_closure.stages.set_up_cases import SetUp
from case_closure.store import filling, history
from case_closure.store.copy import copy_in
from case_closure.store.database import raw, run_at_once
from case_closure.store.schema import tables
from case_closure.tables.frames import among

FILLED_IN_PARTS = (
    tables.letters, tables.dues, tables.positions, tables.work_items, tables.cms_cases, tables.interest_flags, tables.casegroups,
)  # fmt: skip
"""The tables into which :func:`store` writes about as many rows as there are casegroups."""


def is_first_of_many(connection: Connection) -> bool:
    """Whether nothing is known yet of any casegroup, and many are to come: as many as balances were held, as counted then."""
    return bool(
        connection.execute(
            text(
                "select reltuples >= :many and not exists (select from closure.casegroups) from pg_class "
                "where oid = 'held.csa_balances'::regclass"
            ),
            {"many": filling.MANY_ROWS},
        ).scalar_one()
    )


class ContentConflict(refusals.Refused):
    """A row with this natural key is stored already, and says something else."""


def store(connection: Connection, on: date, set_up: SetUp, posted: Posted, decided: Decided) -> None:
    """Store everything tonight changes for one part of the casegroups.

    Storing the same again changes nothing. Raises ContentConflict when a key stands with other content.
    """
    if len(set_up.cms_cases_gone):
        gone = set_up.cms_cases[among(set_up.cms_cases["case_key"], set_up.cms_cases_gone["case_key"])]
        connection.exec_driver_sql(
            "delete from closure.cms_cases m using unnest(%s::text[], %s::text[]) g (csa_system, csa_case_id) "
            "where m.csa_system = g.csa_system and m.csa_case_id = g.csa_case_id",
            (gone["csa_system"].tolist(), gone["csa_case_id"].tolist()),
        )
    insert(connection, tables.cms_cases, set_up.cms_cases)
    # In order, so that two parts that flag the same people wait for each other and never both ways round.
    flags = set_up.interest_flags.sort_values("party_id").assign(business_date=on)
    insert(connection, tables.interest_flags, flags, first_counts=True)
    insert(connection, tables.dues, posted.dues)
    insert(connection, tables.letters, decided.letters.assign(business_date=on))
    insert(connection, tables.next_actions, decided.next_actions)
    record_entered(connection, on, decided.entered)
    _exceptions(connection, on, decided)
    insert_items(connection, on, decided.work_items)
    close_items(connection, on, decided.items_closed)
    _replace_positions(connection, on, decided)
    _casegroups(connection, decided.casegroups)


def store_exceptions(connection: Connection, on: date, decided: Exceptions) -> None:
    """Store exceptions that no casegroup's part holds, with their work items: those of payments and corrections."""
    _entered_for_payments(connection, on)
    _exceptions(connection, on, decided)
    insert_items(connection, on, decided.work_items)


def insert_items(connection: Connection, on: date, items: pd.DataFrame) -> None:
    """Raise these work items; one that was raised already stays as it is. What its type says is not stored again."""
    if items.empty:
        return
    detail = items["detail"].mask(items["detail"] == items["type"].map(WORDS))
    insert(connection, tables.work_items, items.assign(business_date=on, status="OPEN", detail=detail))


def _arrow_type(type_: TypeEngine[Any]) -> pa.DataType:
    for sql_type, arrow in (
        (Date, pa.date32()),
        (BigInteger, pa.int64()),
        (Integer, pa.int32()),
        (Boolean, pa.bool_()),
    ):
        if isinstance(type_, sql_type):
            return arrow
    return pa.string()


def as_rows(table: Table, frame: pd.DataFrame) -> pa.Table:
    """The frame's columns that the table has, in its types. An amount that is missing or not whole is an error."""
    columns = {}
    for column in table.columns:
        if column.name in frame:
            values = frame[column.name]
            arrow = _arrow_type(column.type)
            if pa.types.is_date(arrow) and len(values) and not isinstance(values.iloc[0], date):
                columns[column.name] = pa.array(values.astype("datetime64[s]"), from_pandas=True).cast(arrow)
            else:
                # A Series' array where it is of Arrow's own: pandas takes long to hand over a Series.
                given = values.array if isinstance(values.dtype, pd.StringDtype) else values
                columns[column.name] = pa.array(given, type=arrow, from_pandas=True)
    return pa.table(columns)


def insert(connection: Connection, table: Table, frame: pd.DataFrame, *, first_counts: bool = False) -> None:
    """Add rows by their natural key; one that stands already must say the same, unless ``first_counts``.

    Raises ContentConflict.
    """
    if frame.empty:
        return
    rows = as_rows(table, frame)
    name = f"{table.schema}.{table.name}"
    savepoint = connection.begin_nested()
    try:
        copy_in(raw(connection), name, rows)
    except psycopg.errors.UniqueViolation:
        savepoint.rollback()
    else:
        savepoint.commit()
        return
    _insert_new(connection, table, rows, first_counts=first_counts)


def _insert_new(connection: Connection, table: Table, rows: pa.Table, *, first_counts: bool) -> None:
    """Some keys are stored already: they must say the same, and only the others are added."""
    name = f"{table.schema}.{table.name}"
    key = [column.name for column in table.primary_key.columns]
    _stage_rows(connection, "again", table, rows)
    # A status moves on after the row is stored; what the row says does not.
    content = [column for column in rows.column_names if column not in (*key, "status")]
    if content and not first_counts:
        differs = connection.exec_driver_sql(
            f"""
            select {", ".join("a." + column for column in key)} from again a join {name} t using ({", ".join(key)})
            where ({", ".join("a." + column for column in content)}, 0)
                  is distinct from ({", ".join("t." + column for column in content)}, 0) limit 1
            """  # noqa: S608
        ).first()
        if differs is not None:
            raise ContentConflict(
                f"{name}: a row with key {'/'.join(map(str, differs))} is stored already and says something else. "
                "Nothing of this part was stored; the stored row stands."
            )
    columns = ", ".join(rows.column_names)
    connection.exec_driver_sql(
        f"insert into {name} ({columns}) select {columns} from again on conflict do nothing"  # noqa: S608
    )
    connection.exec_driver_sql("drop table again")


def stage(connection: Connection, name: str, frame: pd.DataFrame, columns: Sequence[str]) -> None:
    """A temporary table of these columns of the frame, as texts; it goes with the transaction."""
    run_at_once(
        connection,
        sql.SQL(f"drop table if exists pg_temp.{name}"),
        sql.SQL(
            f"create temporary table {name} ({', '.join(f'{column} text' for column in columns)}) on commit drop"
        ),
    )
    rows = pa.table(
        {
            column: pa.array(frame[column].astype("str"), type=pa.string(), from_pandas=True)
            for column in columns
        }
    )
    copy_in(raw(connection), name, rows)
    connection.exec_driver_sql(f"analyze {name}")


def stage_rows(connection: Connection, name: str, table: Table, frame: pd.DataFrame) -> None:
    """A temporary table of the table's shape with the frame's rows in it; it goes with the transaction."""
    _stage_rows(connection, name, table, as_rows(table, frame))


def _stage_rows(connection: Connection, name: str, table: Table, rows: pa.Table) -> None:
    # As a query's table it takes the columns and none of what they must be.
    run_at_once(
        connection,
        sql.SQL(f"drop table if exists pg_temp.{name}"),
        sql.SQL(
            f"create temporary table {name} on commit drop as select * from {table.schema}.{table.name} with no data"  # noqa: S608
        ),
    )
    copy_in(raw(connection), name, rows)


def record_entered(connection: Connection, on: date, entered: pd.DataFrame) -> None:
    """Record that a resolution came for an exception that was open then, once each ([22])."""
    if len(entered):
        stage(connection, "entering", entered, ["exception_id", "resolution_id"])
        _record_entered(connection, on, "select exception_id, resolution_id from entering")


def record_entered_by_command(connection: Connection, on: date, entered: pd.DataFrame) -> None:
    """The same of what a command has just entered: it comes after all that there is."""
    if len(entered):
        stage(connection, "entering", entered, ["exception_id", "resolution_id"])
        _record_entered(connection, on, "select exception_id, resolution_id from entering", by_command=True)


def _entered_for_payments(connection: Connection, on: date) -> None:
    """The same of payments: a resolution tells which by its number."""
    _record_entered(
        connection, on,
        """
        select e.exception_id, r.resolution_id from held.resolutions r
        join closure.exceptions e on e.subject = 'PAYMENT' and e.subject_reference = r.csa_case_id
        where r.entity = 'PAYMENT' and e.rule_code <> 'payment_malformed'
        """,
    )  # fmt: skip


def _record_entered(connection: Connection, on: date, pairs: str, *, by_command: bool = False) -> None:
    """``pairs``: exception_id and resolution_id. One that had come before the exception was first seen is not for it: by the
    order in which nights took in their extracts, whatever their dates (R39)."""
    connection.execute(
        text(
            f"""
            insert into closure.exception_events
                (exception_id, event_number, business_date, event, by_what, night_on, by_whom, detail)
            select e.exception_id, row_number() over (partition by e.exception_id order by r.entered_on, r.resolution_id)
                       + (select max(event_number) from closure.exception_events v where v.exception_id = e.exception_id),
                   :on, 'ENTERED', 'RESOLUTION ' || r.resolution_id, case when not :by_command then cast(:on as date) end,
                   r.entered_by,
                   concat(r.entity, ' ', r.field, ' from ' || r.source_system)
            from ({pairs}) p join closure.exceptions e using (exception_id) join held.resolutions r using (resolution_id)
            left join closure.nights came on came.business_date = r.business_date
            left join closure.nights seen on seen.business_date = e.business_date
            where e.status <> 'RESOLVED' and (:by_command or came.extract_order > seen.extract_order)
              and not exists (select from closure.exception_events v where v.exception_id = e.exception_id
                              and v.event = 'ENTERED' and v.by_what = 'RESOLUTION ' || r.resolution_id)
            """  # noqa: S608  the queries of this module
        ),
        {"on": on, "by_command": by_command},
    )


def _exceptions(connection: Connection, on: date, decided: Exceptions) -> None:
    """Open, see again and resolve, with an event for each opening and resolving, and close the items of those resolved."""
    opened, seen, resolved = decided.opened, decided.seen, decided.resolved
    if len(opened):
        rows = as_rows(
            tables.exceptions,
            opened.assign(business_date=on, last_seen_on=on, status="OPEN"),
        )
        _stage_rows(connection, "opening", tables.exceptions, rows)
        names = ", ".join(rows.column_names)
        # The event says REOPENED where the same night had resolved it, and is not written twice for one opening.
        connection.execute(
            text(
                """
                insert into closure.exception_events (exception_id, event_number, business_date, event, by_what, night_on)
                select o.exception_id,
                       1 + coalesce((select max(event_number) from closure.exception_events v
                                     where v.exception_id = o.exception_id), 0),
                       o.business_date, case when e.exception_id is null then 'OPENED' else 'REOPENED' end, o.stage,
                       o.business_date
                from opening o left join closure.exceptions e using (exception_id)
                where e.exception_id is null or e.status = 'RESOLVED'
                """
            )
        )
        connection.exec_driver_sql(
            f"""
            insert into closure.exceptions ({names}) select {names} from opening
            on conflict (exception_id) do update
            set status = 'OPEN', last_seen_on = excluded.last_seen_on, resolved_on = null, resolved_by = null,
                allocated_to = null
            where closure.exceptions.status = 'RESOLVED'
            """  # noqa: S608
        )
        connection.exec_driver_sql("drop table opening")
    if len(seen):
        stage(connection, "seen", seen, ["exception_id"])
        connection.execute(
            text(
                "update closure.exceptions e set last_seen_on = :on from seen s "
                "where e.exception_id = s.exception_id and e.last_seen_on < :on"
            ),
            {"on": on},
        )
        _record_not_mended(connection, on)
    if len(resolved):
        # Never before it was first seen, whichever night that was (R43).
        stage(connection, "resolving_at", resolved, ["exception_id", "resolved_by", "resolved_on"])
        connection.exec_driver_sql("drop table if exists pg_temp.resolving")
        connection.exec_driver_sql(
            """
            create temporary table resolving on commit drop as
            select e.exception_id, r.resolved_by, greatest(r.resolved_on::date, e.business_date) as resolved_on
            from resolving_at r join closure.exceptions e using (exception_id)
            """
        )
        connection.execute(
            text(
                """
                insert into closure.exception_events (exception_id, event_number, business_date, event, by_what, night_on)
                select r.exception_id,
                       1 + coalesce((select max(event_number) from closure.exception_events v
                                     where v.exception_id = r.exception_id), 0),
                       r.resolved_on, 'RESOLVED', r.resolved_by, :on
                from resolving r join closure.exceptions e using (exception_id) where e.status <> 'RESOLVED'
                """
            ),
            {"on": on},
        )
        connection.exec_driver_sql(
            "update closure.exceptions e set status = 'RESOLVED', resolved_on = r.resolved_on, resolved_by = r.resolved_by "
            "from resolving r where e.exception_id = r.exception_id and e.status <> 'RESOLVED'"
        )
        connection.execute(
            text(
                """
                update closure.work_items w set status = 'CLOSED', closed_on = r.resolved_on
                from resolving r
                where w.type <> 'STUCK' and w.status <> 'CLOSED'  -- the first sweep closes what was stuck ([30])
                  and (
                    w.subject_reference = r.exception_id or w.work_item_id = 'PAYMENT_SUSPENSE-' || r.exception_id)
                """
            ),
            {"on": on},
        )
    # Last, for by now no two that are open are the same one.
    for known in (seen, resolved):
        _take_casegroup(connection, on, known)


def _record_not_mended(connection: Connection, on: date) -> None:
    """Those in the table ``seen`` on which somebody entered something since they were last judged: it mended nothing ([22])."""
    connection.execute(
        text(
            """
            insert into closure.exception_events
                (exception_id, event_number, business_date, event, by_what, night_on, detail)
            select e.exception_id, l.event_number + 1, :on, 'NOT_MENDED', e.stage, :on,
                   coalesce((select 'The entry changed nothing: ' || w.reason from closure.entries_without_effect w
                             where 'RESOLUTION ' || w.resolution_id = n.by_what order by w.business_date desc limit 1),
                            'What was entered leaves it as it was. ' || e.message)
            from seen s join closure.exceptions e using (exception_id)
            join lateral (select max(event_number) as event_number from closure.exception_events v
                          where v.exception_id = e.exception_id) l on true
            join lateral (select event, by_what from closure.exception_events v
                          where v.exception_id = e.exception_id and event <> 'ALLOCATED'
                          order by event_number desc limit 1) n on n.event = 'ENTERED'
            where e.status <> 'RESOLVED'
            """
        ),
        {"on": on},
    )


def _take_casegroup(connection: Connection, on: date, known: pd.DataFrame) -> None:
    """An exception that opened before its case was held has its casegroup from the night the case comes, and its work
    item with it (R43)."""
    placed = known[known["casegroup_id"].notna()]
    if placed.empty:
        return
    stage(connection, "placed", placed, ["exception_id", "casegroup_id"])
    connection.execute(
        text(
            """
            with taken as (
                update closure.exceptions e set casegroup_id = p.casegroup_id, casegroup_since = :on
                from placed p where e.exception_id = p.exception_id and e.casegroup_id is null
                returning e.exception_id, e.casegroup_id)
            update closure.work_items w set casegroup_id = t.casegroup_id
            from taken t where w.subject_reference = t.exception_id and w.casegroup_id is null
            """
        ),
        {"on": on},
    )


def close_items(connection: Connection, on: date, closed: pd.DataFrame) -> None:
    """Close work items that nothing is left of to do."""
    if len(closed):
        stage(connection, "closing", closed, ["work_item_id"])
        connection.execute(
            text(
                "update closure.work_items w set status = 'CLOSED', closed_on = :on from closing c "
                "where w.work_item_id = c.work_item_id and w.status <> 'CLOSED'"
            ),
            {"on": on},
        )


def _replace_positions(connection: Connection, on: date, decided: Decided) -> None:
    """A casegroup's positions are stored whole: what its old lines said goes to the history as the new ones come."""
    gone, coming = decided.positions_gone, decided.positions
    if len(gone):
        stage(connection, "replaced", gone, ["casegroup_id"])
        again = coming["casegroup_id"].isin(gone["casegroup_id"])
        history.replace_positions(connection, on, "replaced", as_rows(tables.positions, coming[again]))
        coming = coming[~again]
    if len(coming):
        copy_in(raw(connection), "closure.positions", as_rows(tables.positions, coming))
    holding = decided.positions.loc[decided.positions["held_pence"] != 0, "casegroup_id"]
    history.keep_held(connection, pd.concat([gone["casegroup_id"], holding]).unique().tolist())


def _casegroups(connection: Connection, changed: pd.DataFrame) -> None:
    if changed.empty:
        return
    rows = as_rows(tables.casegroups, changed)
    savepoint = connection.begin_nested()
    try:
        copy_in(raw(connection), "closure.casegroups", rows)
    except psycopg.errors.UniqueViolation:
        savepoint.rollback()
    else:
        savepoint.commit()
        return
    connection.exec_driver_sql("create temporary table changed (like closure.casegroups) on commit drop")
    copy_in(raw(connection), "changed", rows)
    sets = ", ".join(f"{name} = excluded.{name}" for name in rows.column_names if name != "casegroup_id")
    names = ", ".join(rows.column_names)
    connection.exec_driver_sql(
        f"insert into closure.casegroups ({names}) select {names} from changed on conflict (casegroup_id) do update set {sets}"  # noqa: S608
    )
    connection.exec_driver_sql("drop table changed")

"""Tranches: the versions of their criteria, and what each selects.

Belongs here: keeping every version (B6), reading candidates in order, a part at a time (B2, B3, B7), stamping the end
liability date and the word to CSA of it (B4, B5), the figures of a preview.
Does not belong here: which candidates are taken (``stages.select_tranche``), how far is read (``night.select_tranche``), who may
approve (``domain.tranches``), journeys, letters, files.

Nothing is committed here: that is for the caller's transaction.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import pandas as pd
import pyarrow as pa
from sqlalchemy import Connection, text

from case_closure.domain.applications import PROACTIVE
from case_closure.domain.outcomes import INHIBIT_AUTHORISED_ROLES
from case_closure.domain.tranches import (
    APPROVED,
    CLERICAL,
    FIELDS,
    INHIBITED,
    LOADED,
    MATCHED,
    PROPOSED,
    SELECTED,
    SENSITIVE,
    Criteria,
)
from case_closure.store import sensitive
from case_closure.store.copy import copy_in, copy_out, select_list
from case_closure.store.database import raw
from case_closure.tables import handed, handing
from case_closure.tables.frames import to_frame

NIGHTLY_FILE: Final = "criteria.json"

_WORTH_ANALYSING = 1_000


@dataclass(frozen=True)
class Version:
    """One version of a tranche's criteria."""

    criteria: Criteria
    version: int
    state: str
    source: str
    recorded_by: str
    replaces_version: int | None
    decided_by: str | None


def _versions(connection: Connection, where: str, **values: Any) -> list[Version]:
    names = ", ".join(FIELDS)
    rows = connection.execute(
        text(
            f"select {names}, version, state, source, recorded_by, replaces_version, decided_by "  # noqa: S608  the condition is of this module
            f'from closure.tranche_criteria where {where} order by tranche_id collate "C", version'
        ),
        values,
    )
    versions = []
    for row in rows:
        *fields, version, state, source, recorded_by, replaces, decided_by = row
        content: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in zip(FIELDS, fields, strict=True)
        }
        versions.append(
            Version(Criteria(**content), version, state, source, recorded_by, replaces, decided_by)
        )
    return versions


_IN_FORCE = """state in ('LOADED', 'APPROVED') and version = (
    select max(version) from closure.tranche_criteria f
    where f.tranche_id = tranche_criteria.tranche_id and f.state in ('LOADED', 'APPROVED'))"""


def in_force(connection: Connection) -> list[Version]:
    """The version of each tranche that counts now, in tranche_id order; whether it is authorised it says itself."""
    return _versions(connection, _IN_FORCE)


def find(connection: Connection, tranche_id: str, version: int | None = None) -> Version | None:
    """That version of a tranche; without a number the one in force."""
    if version is None:
        versions = _versions(connection, f"tranche_id = :tranche and {_IN_FORCE}", tranche=tranche_id)
    else:
        versions = _versions(
            connection, "tranche_id = :tranche and version = :version", tranche=tranche_id, version=version
        )
    return versions[0] if versions else None


def record(
    connection: Connection, criteria: Iterable[Criteria], *, source: str, by: str, at: datetime
) -> list[Version]:
    """Put these criteria in force, upserting by tranche_id; the versions that are new, all others stand.

    What says the same as before makes no version: for the file beside the nights, the same as that file last said, so
    that a change made otherwise since is not undone by a file nobody touched; else, the same as what is in force.
    """
    hold_off_others(connection)
    versions = []
    for one in criteria:
        if source == NIGHTLY_FILE:
            said = _versions(
                connection,
                "tranche_id = :tranche and source = :source",
                tranche=one.tranche_id,
                source=source,
            )
            before = said[-1] if said else None
        else:
            before = find(connection, one.tranche_id)
        if before is None or before.criteria != one:
            versions.append(_add(connection, one, LOADED, source=source, by=by, at=at))
    return versions


def propose(connection: Connection, criteria: Criteria, *, source: str, by: str, at: datetime) -> Version:
    """Keep a proposal: it selects nothing until it is approved (B6). One a source: again, it is found again."""
    hold_off_others(connection)
    there = find_of_source(connection, criteria.tranche_id, source)
    return there or _add(connection, criteria, PROPOSED, source=source, by=by, at=at)


def find_of_source(connection: Connection, tranche_id: str, source: str) -> Version | None:
    """The version of a tranche that came from there last."""
    versions = _versions(
        connection, "tranche_id = :tranche and source = :source", tranche=tranche_id, source=source
    )
    return versions[-1] if versions else None


def note_decision(
    connection: Connection,
    tranche_id: str,
    version: int,
    state: str,
    *,
    by: str,
    at: datetime,
    comment: str | None,
) -> Version:
    """A proposal is now ``state``; one that is approved has authorised_by and authorised_on: who, and the day of ``at``."""
    connection.execute(
        text(
            """
            update closure.tranche_criteria
            set state = :state, decided_by = :by, decided_at = :at, comment = :comment,
                authorised_by = case when :state = :approved then :by end,
                authorised_on = case when :state = :approved then cast(:day as date) end
            where tranche_id = :tranche and version = :version
            """
        ),
        {
            "state": state, "approved": APPROVED, "by": by, "at": at, "day": at.date(), "comment": comment,
            "tranche": tranche_id, "version": version,
        },
    )  # fmt: skip
    decided = find(connection, tranche_id, version)
    assert decided is not None
    return decided


def hold_off_others(connection: Connection) -> None:
    """Versions are numbered, and proposals decided, one at a time; reading goes on."""
    connection.exec_driver_sql("lock table closure.tranche_criteria in share row exclusive mode")


def _add(
    connection: Connection, criteria: Criteria, state: str, *, source: str, by: str, at: datetime
) -> Version:
    current = find(connection, criteria.tranche_id)
    names = ", ".join(FIELDS)
    values = ", ".join(f":{name}" for name in FIELDS)
    version = connection.execute(
        text(
            f"insert into closure.tranche_criteria ({names}, version, state, source, recorded_by, recorded_at, replaces_version) "  # noqa: S608
            f"select {values}, coalesce(max(version), 0) + 1, :state, :source, :by, :at, cast(:replaces as integer) "
            "from closure.tranche_criteria where tranche_id = :tranche_id returning version"
        ),
        criteria.as_row()
        | {
            "state": state,
            "source": source,
            "by": by,
            "at": at,
            "replaces": current.version if current else None,
        },
    ).scalar_one()
    added = find(connection, criteria.tranche_id, version)
    assert added is not None
    return added


# --- the night


@contextlib.contextmanager
def by_index(connection: Connection) -> Iterator[None]:
    """Inside it rows are found by an index, out of order.

    The planner takes a row out of order for dear, as on a disk that turns, and would rather read the whole book.
    """
    connection.exec_driver_sql("set local random_page_cost = 1.1")
    yield
    connection.exec_driver_sql("set local random_page_cost to default")


def counted(connection: Connection, criteria: Criteria) -> int:
    """Cases that count towards the cap already, over the life of the tranche."""
    if criteria.max_cases is None:
        return 0
    query = text("select count(*) from closure.end_liability where tranche_id = :tranche")
    return int(connection.execute(query, {"tranche": criteria.tranche_id}).scalar_one())


# A case matches; its casegroup has no end liability date yet. Each as SQL on a row c of held.csa_cases.
_MATCHES = """c.case_status = 'OPEN' and c.segment = any(%(segments)s) and c.csa_system = any(%(csa_systems)s)
              and c.case_type = any(%(case_types)s)"""
_NEW = "not exists (select from closure.end_liability e where e.casegroup_id = c.casegroup_id)"
# Why a case stops its casegroup (R12).
_LEFT_OUT = f"""case when {sensitive.of_row("c")} then %(sensitive)s
             when c.partially_clerical
                  or (c.csa_system, c.csa_case_id) in (
                      select csa_system, csa_case_id from held.clerical_balances
                      where is_latest and csa_system is not null and csa_case_id is not null)
                  or c.casegroup_id in (
                      select casegroup_id from held.clerical_balances where is_latest and casegroup_id is not null)
                  then %(clerical)s
             when c.manual_inhibit or c.automatic_inhibit
                  or (c.csa_system, c.csa_case_id) in (
                      select csa_system, csa_case_id from held.inhibits
                      where set_by_role = any(%(roles)s) and set_on <= %(on)s and (removed_on is null or removed_on > %(on)s)
                        and csa_system is not null and csa_case_id is not null)
                  then %(inhibited)s end"""  # noqa: S608
# Every case of those casegroups.
_CANDIDATES = f"""
    with picked as materialized (
        select distinct c.casegroup_id collate "C" as casegroup_id from held.csa_cases c
        where {_MATCHES} and {_NEW} and c.casegroup_id collate "C" > %(after)s
        order by 1 limit %(most)s)
    select {select_list(handed.CANDIDATES, "c", left_out=_LEFT_OUT)}
    from picked p join held.csa_cases c on c.casegroup_id = p.casegroup_id collate "default"
    order by p.casegroup_id
"""  # noqa: S608


def _matched(criteria: Criteria) -> dict[str, list[Any]]:
    """What _MATCHES asks for."""
    return {name: list(getattr(criteria, name)) for name in MATCHED}


def candidates(
    connection: Connection, criteria: Criteria, on: date, *, after: str, most: int
) -> pd.DataFrame:
    """Every case of the first ``most`` casegroups after that one with a matching open case and no end liability date.

    In the order of their ids; left_out says why a case stops its casegroup, missing where it does not.
    """
    values = _matched(criteria) | {
        "roles": list(INHIBIT_AUTHORISED_ROLES), "on": on, "sensitive": SENSITIVE, "clerical": CLERICAL,
        "inhibited": INHIBITED, "after": after, "most": most,
    }  # fmt: skip
    return to_frame(copy_out(raw(connection), _CANDIDATES, handed.CANDIDATES, values))


def stamp(connection: Connection, version: Version, on: date, cases: pd.DataFrame) -> None:
    """The end liability date of these cases (B4), and the word to CSA of it (B5)."""
    criteria, count = version.criteria, len(cases)
    keys = pa.Table.from_pandas(cases[["csa_system", "csa_case_id", "casegroup_id"]], preserve_index=False)

    def rows(**values: pa.Scalar) -> pa.Table:
        told = keys
        for name, value in values.items():
            told = told.append_column(name, pa.repeat(value, count))
        return told

    same = {
        "tranche_id": pa.scalar(criteria.tranche_id),
        "journey": pa.scalar(PROACTIVE),
        "led": pa.scalar(criteria.led(on)),
    }
    copy_in(
        raw(connection), "closure.end_liability",
        rows(**same, criteria_version=pa.scalar(version.version), selected_on=pa.scalar(on),
             reminder_days=pa.scalar(criteria.reminder_days, pa.int32())),
    )  # fmt: skip
    copy_in(
        raw(connection), "closure.end_liability_notices",
        rows(**same, business_date=pa.scalar(on), cause=pa.scalar(SELECTED)),
    )  # fmt: skip


def note_selection(
    connection: Connection, version: Version, on: date, *, casegroups: int, cases: int, ended_at: str | None
) -> None:
    """What this version selected that night (B6, B8)."""
    criteria = version.criteria
    connection.execute(
        text(
            """
            insert into closure.tranche_selections as s
                (business_date, tranche_id, version, led, casegroups, cases, ended_at_casegroup_id)
            values (:on, :tranche, :version, :led, :casegroups, :cases, :ended_at)
            on conflict (business_date, tranche_id, version) do update set
                casegroups = s.casegroups + excluded.casegroups, cases = s.cases + excluded.cases,
                ended_at_casegroup_id = excluded.ended_at_casegroup_id
            """
        ),
        {
            "on": on, "tranche": criteria.tranche_id, "version": version.version, "led": criteria.led(on),
            "casegroups": casegroups, "cases": cases, "ended_at": ended_at,
        },
    )  # fmt: skip
    if cases >= _WORTH_ANALYSING:
        connection.exec_driver_sql("analyze closure.end_liability")


_NOTICE = """
    insert into closure.end_liability_notices as t
        (business_date, csa_system, csa_case_id, casegroup_id, tranche_id, journey, led, cause)
    select :on, n.csa_system, n.csa_case_id, n.casegroup_id, n.tranche_id, n.journey, n.led, {} from {} n
    on conflict (business_date, csa_system, csa_case_id) do update set
        casegroup_id = excluded.casegroup_id, tranche_id = excluded.tranche_id, journey = excluded.journey, led = excluded.led,
        -- What was stamped tonight and moved since, as when its night is landed again, has its date from tonight still.
        cause = case when excluded.cause = 'MOVED' then t.cause else excluded.cause end
"""
_STAMP = "tranche_id, criteria_version, journey, led, reminder_days, became_reactive_on"
_STAMPED = f"""case when e.casegroup_id is not null
                    then row({", ".join(f"e.{name}" for name in _STAMP.split(", "))})::text end"""
# Only what came or changed tonight can have joined or moved.
_CONCERNED = f"""
    with tonight as materialized (
        select csa_system, csa_case_id, casegroup_id from held.csa_cases where changed_on = %(on)s),
    concerned as (
        select t.casegroup_id from tonight t left join closure.end_liability e using (csa_system, csa_case_id)
        where case when e.casegroup_id is null
              then exists (select from closure.end_liability o where o.casegroup_id = t.casegroup_id)
              else e.casegroup_id <> t.casegroup_id end)
    select {select_list(handed.CASES_CONCERNED, "c", stamped_casegroup_id="e.casegroup_id", stamp=_STAMPED)}
    from (select distinct casegroup_id from concerned) k join held.csa_cases c using (casegroup_id)
    left join closure.end_liability e using (csa_system, csa_case_id)
"""  # noqa: S608


def concerned(connection: Connection, on: date) -> pd.DataFrame:
    """Every case of the casegroups that a case may have joined or moved to tonight, with the stamp it has.

    In the shape CASES_CONCERNED; stamped_casegroup_id and stamp are missing where it has none.
    """
    if not connection.exec_driver_sql("select exists (select from closure.end_liability)").scalar_one():
        return handing.empty(handed.CASES_CONCERNED)
    return to_frame(copy_out(raw(connection), _CONCERNED, handed.CASES_CONCERNED, {"on": on}))


def store_followed(connection: Connection, on: date, changes: pd.DataFrame) -> None:
    """Cases that joined a selected casegroup take its stamp; a case that moved takes its row along; CSA is told of both.

    ``changes``: as ``stages.select_tranche.follow`` says them, at least one.
    """
    connection.exec_driver_sql("drop table if exists pg_temp.followed")
    shape = handed.CASES_FOLLOWING
    columns = ", ".join(f"{name} text" for name in shape.names)
    connection.exec_driver_sql(f"create temporary table followed ({columns}) on commit drop")
    copy_in(raw(connection), "followed", pa.Table.from_pandas(changes, schema=shape, preserve_index=False))
    connection.execute(
        text(
            f"""
            insert into closure.end_liability as e (csa_system, csa_case_id, casegroup_id, selected_on, {_STAMP})
            select f.csa_system, f.csa_case_id, f.casegroup_id, :on, {", ".join(f"l.{name}" for name in _STAMP.split(", "))}
            from followed f join closure.end_liability l
              on l.csa_system = f.leader_csa_system and l.csa_case_id = f.leader_csa_case_id
            on conflict (csa_system, csa_case_id) do update set casegroup_id = excluded.casegroup_id,
                selected_on = excluded.selected_on, {", ".join(f"{name} = excluded.{name}" for name in _STAMP.split(", "))}
            """  # noqa: S608
        ),
        {"on": on},
    )
    connection.exec_driver_sql(
        """
        update closure.end_liability e set casegroup_id = f.casegroup_id from followed f
        where f.leader_csa_case_id is null and e.csa_system = f.csa_system and e.csa_case_id = f.csa_case_id
        """
    )
    told = (
        "(select e.*, f.cause from followed f join closure.end_liability e using (csa_system, csa_case_id))"
    )
    connection.execute(text(_NOTICE.format("n.cause", told)), {"on": on})


# --- looking, without changing anything


def begin_looking(connection: Connection) -> None:
    """Nothing is looked at yet."""
    connection.exec_driver_sql("drop table if exists pg_temp.previewed")
    connection.exec_driver_sql(
        "create temporary table previewed (casegroup_id text, csa_system text, csa_case_id text)"
    )


def look_at(connection: Connection, cases: pd.DataFrame) -> None:
    """These cases count for ``figures``."""
    keys = cases[["casegroup_id", "csa_system", "csa_case_id"]]
    copy_in(raw(connection), "previewed", pa.Table.from_pandas(keys, preserve_index=False))


def figures(connection: Connection) -> tuple[int, int, int]:
    """Of the cases looked at: indicative arrears in pence, paying parents and receiving parents of ongoing cases."""
    pence, to_payers, to_receivers = connection.exec_driver_sql(
        """
        select coalesce(sum(c.indicative_arrears_pence), 0),
               count(distinct c.casegroup_id) filter (where c.case_type = 'ONGOING'),
               count(*) filter (where c.case_type = 'ONGOING')
        from previewed p join held.csa_cases c using (csa_system, csa_case_id)
        """
    ).one()
    return int(pence), to_payers, to_receivers


def already_selected(connection: Connection, criteria: Criteria) -> list[str]:
    """The casegroups with a matching case that have an end liability date, in order; none that is sensitive (R26)."""
    query = f"""
        select distinct c.casegroup_id collate "C" as casegroup_id from held.csa_cases c where {_MATCHES} and not {_NEW}
          and not {sensitive.of_row("c")}
        order by 1
    """  # noqa: S608
    casegroups = copy_out(raw(connection), query, handed.CASEGROUP_IDS, _matched(criteria))
    ids: list[str] = casegroups.column(0).to_pylist()
    return ids


def any_matches(connection: Connection, criteria: Criteria) -> bool:
    """Whether some open case matches, selected or not."""
    query = f"select exists (select from held.csa_cases c where {_MATCHES})"  # noqa: S608
    return bool(connection.exec_driver_sql(query, _matched(criteria)).scalar_one())

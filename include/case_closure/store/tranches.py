"""Tranches: the versions of their criteria, and what each selects.

Belongs here: keeping every version (B6), finding candidates in order and no further than the cap (B2, B3, B7),
stamping the end liability date and the word to CSA of it (B4, B5), looking without changing anything.
Does not belong here: which candidates are taken (``stages.select_tranche``), journeys, letters, files.

A night's criteria, its selection, notices and record commit together, in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

import pandas as pd
import pyarrow as pa
from psycopg import sql
from sqlalchemy import Connection, text

from case_closure import refusals
from case_closure.domain.applications import PROACTIVE
from case_closure.domain.cases import CASE_ENUMS
from case_closure.domain.outcomes import INHIBIT_AUTHORISED_ROLES
from case_closure.domain.tranches import FIELDS, MATCHED, Criteria
from case_closure.stages import select_tranche
from case_closure.store import database, sensitive
from case_closure.store.casegroups import TEXT
from case_closure.store.copy import copy_in, copy_out
from case_closure.store.database import raw
from case_closure.tables.frames import among, to_frame

LOADED, PROPOSED, APPROVED, REFUSED = "LOADED", "PROPOSED", "APPROVED", "REFUSED"
NIGHTLY_FILE: Final = "criteria.json"

# Candidates read at a time: as many as may be taken and some to leave out, never more than memory takes easily.
_FEWEST, _PART = 2_000, 100_000
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
            f"select {names}, version, state, source, recorded_by, replaces_version, decided_by "
            f'from closure.tranche_criteria where {where} order by tranche_id collate "C", version'
        ),
        values,
    )
    made = []
    for row in rows:
        *fields, version, state, source, recorded_by, replaces, decided_by = row
        content: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in zip(FIELDS, fields, strict=True)
        }
        made.append(Version(Criteria(**content), version, state, source, recorded_by, replaces, decided_by))
    return made


_IN_FORCE = """state in ('LOADED', 'APPROVED') and version = (
    select max(version) from closure.tranche_criteria f
    where f.tranche_id = tranche_criteria.tranche_id and f.state in ('LOADED', 'APPROVED'))"""


def in_force(connection: Connection) -> list[Version]:
    """The version of each tranche that counts now, in tranche_id order; whether it is authorised it says itself."""
    return _versions(connection, _IN_FORCE)


def find(connection: Connection, tranche_id: str, version: int | None = None) -> Version | None:
    """That version of a tranche; without a number the one in force."""
    if version is None:
        found = _versions(connection, f"tranche_id = :tranche and {_IN_FORCE}", tranche=tranche_id)
    else:
        found = _versions(
            connection, "tranche_id = :tranche and version = :version", tranche=tranche_id, version=version
        )
    return found[0] if found else None


def record(
    connection: Connection, criteria: Iterable[Criteria], *, source: str, by: str, at: datetime
) -> list[Version]:
    """Put these criteria in force, upserting by tranche_id; the versions that are new, all others stand.

    What says the same as before makes no version: for the file beside the nights, the same as that file last said, so
    that a change made otherwise since is not undone by a file nobody touched; else, the same as what is in force.
    """
    _hold_off_others(connection)
    made = []
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
            made.append(_add(connection, one, LOADED, source=source, by=by, at=at))
    return made


def propose(connection: Connection, criteria: Criteria, *, source: str, by: str, at: datetime) -> Version:
    """Keep a proposal: it selects nothing until :func:`decide` approves it (B6). One a source: again, it is found again."""
    _hold_off_others(connection)
    made = _versions(
        connection, "tranche_id = :tranche and source = :source", tranche=criteria.tranche_id, source=source
    )
    if made:
        return made[-1]
    return _add(connection, criteria, PROPOSED, source=source, by=by, at=at)


class NotApproved(refusals.Refused):
    """The proposal may not be approved; the message says why and what to do. It is kept as refused."""


def decide(
    connection: Connection,
    tranche_id: str,
    version: int,
    *,
    approved: bool,
    by: str,
    at: datetime,
    comment: str | None,
    may_approve: Iterable[str] = (),
) -> tuple[Version, str | None]:
    """Approve or refuse a proposal; returns it as it then stands, and why an approval was not accepted, if it was not.

    Only another than the proposer may approve, and only one of ``may_approve`` unless that is empty; and only while
    the version it was to replace is still the one in force. An approval sets authorised_by and authorised_on to
    who approved and the day of ``at``. Deciding again changes nothing. Raises LookupError: no such proposal.
    """
    _hold_off_others(connection)
    found = find(connection, tranche_id, version)
    if found is None:
        raise LookupError(f"Tranche {tranche_id} has no version {version}.")
    if found.state != PROPOSED:
        return found, None
    why = None
    if approved:
        current = find(connection, tranche_id)
        allowed = set(may_approve)
        if _same_person(by, found.recorded_by):
            why = f"{by} proposed it and may not approve it: another member of the control group must (B6)"
        elif allowed and by not in allowed:
            why = f"{by} is not a member of the control group, which alone approves (B6)"
        elif (current.version if current else None) != found.replaces_version:
            why = (
                f"the criteria of tranche {tranche_id} were changed after it was proposed: propose it again, "
                "against what is in force now"
            )
    state = APPROVED if approved and why is None else REFUSED
    said = "; ".join(filter(None, (why and f"not accepted: {why}", comment))) or None
    connection.execute(
        text(
            """
            update closure.tranche_criteria
            set state = :state, decided_by = :by, decided_at = :at, comment = :comment,
                authorised_by = case when :state = 'APPROVED' then :by end,
                authorised_on = case when :state = 'APPROVED' then cast(:day as date) end
            where tranche_id = :tranche and version = :version
            """
        ),
        {
            "state": state, "by": by, "at": at, "day": at.date(), "comment": said, "tranche": tranche_id, "version": version,
        },
    )  # fmt: skip
    decided = find(connection, tranche_id, version)
    assert decided is not None
    return decided, why


def _same_person(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def _hold_off_others(connection: Connection) -> None:
    """Versions are numbered one at a time; reading goes on."""
    connection.exec_driver_sql("lock table closure.tranche_criteria in share row exclusive mode")


def _add(
    connection: Connection, criteria: Criteria, state: str, *, source: str, by: str, at: datetime
) -> Version:
    current = find(connection, criteria.tranche_id)
    names = ", ".join(FIELDS)
    values = ", ".join(f":{name}" for name in FIELDS)
    version = connection.execute(
        text(
            f"insert into closure.tranche_criteria ({names}, version, state, source, recorded_by, recorded_at, replaces_version) "
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


def select(connection: Connection, on: date) -> dict[str, int]:
    """Let joined and moved cases follow their casegroup, then select each tranche in force, in tranche_id order.

    For a first run of the night of ``on``, or one that goes on after a kill: again, it changes nothing. A rerun of a
    night that succeeded does not select (R21), a late one neither (R39: ``follow``). Counts: cases and casegroups selected,
    cases joined, moved.
    """
    counts = follow(connection, on)
    # The planner takes a row out of order for dear, as on a disk that turns, and would rather read the whole book.
    connection.exec_driver_sql("set local random_page_cost = 1.1")
    for version in in_force(connection):
        selection = _selected(connection, version, on)
        if selection.casegroups:
            _note(connection, version, selection)
            counts["casegroups_selected"] += selection.casegroups
            counts["cases_selected"] += selection.cases
    connection.exec_driver_sql("set local random_page_cost to default")
    return counts


def follow(connection: Connection, on: date) -> dict[str, int]:
    """Let joined and moved cases follow their casegroup, and select nothing. Counts as ``select``."""
    connection.exec_driver_sql("set local random_page_cost = 1.1")
    followed = _follow(connection, on)
    connection.exec_driver_sql("set local random_page_cost to default")
    return {"casegroups_selected": 0, "cases_selected": 0, **followed}


def _selected(connection: Connection, version: Version, on: date) -> select_tranche.Selection:
    """Select for one version, and stamp."""
    selection = select_tranche.Selection(version.criteria, on, _counted(connection, version.criteria))
    if selection.refused is None and selection.room != 0:
        for part in _candidates(connection, selection):
            _stamp(connection, version, on, selection.take(part))
    return selection


def _counted(connection: Connection, criteria: Criteria) -> int:
    """Cases that count towards the cap already, over the life of the tranche."""
    if criteria.max_cases is None:
        return 0
    query = text("select count(*) from closure.end_liability where tranche_id = :tranche")
    return int(connection.execute(query, {"tranche": criteria.tranche_id}).scalar_one())


# A case matches; its casegroup has no end liability date yet. Each as SQL on a row c of held.csa_cases.
_MATCHES = """c.case_status = 'OPEN' and c.segment = any({segments}) and c.csa_system = any({csa_systems})
              and c.case_type = any({case_types})"""
_NEW = "not exists (select from closure.end_liability e where e.casegroup_id = c.casegroup_id)"
# Every case of those casegroups, and why it stops its casegroup (R12).
_CANDIDATES = f"""
    with picked as materialized (
        select distinct c.casegroup_id collate "C" as casegroup_id from held.csa_cases c
        where {_MATCHES} and {_NEW} and c.casegroup_id collate "C" > {{after}}
        order by 1 limit {{most}})
    select c.casegroup_id, c.csa_system, c.csa_case_id,
        case when {sensitive.of_row("c")} then {{sensitive}}
             when c.partially_clerical
                  or (c.csa_system, c.csa_case_id) in (
                      select csa_system, csa_case_id from held.clerical_balances
                      where is_latest and csa_system is not null and csa_case_id is not null)
                  or c.casegroup_id in (
                      select casegroup_id from held.clerical_balances where is_latest and casegroup_id is not null)
                  then {{clerical}}
             when c.manual_inhibit or c.automatic_inhibit
                  or (c.csa_system, c.csa_case_id) in (
                      select csa_system, csa_case_id from held.inhibits
                      where set_by_role = any({{roles}}) and set_on <= {{on}} and (removed_on is null or removed_on > {{on}})
                        and csa_system is not null and csa_case_id is not null)
                  then {{inhibited}} end as left_out
    from picked p join held.csa_cases c on c.casegroup_id = p.casegroup_id collate "default"
    order by p.casegroup_id
"""


def _values(criteria: Criteria, on: date) -> dict[str, sql.Composable]:
    return {
        "segments": sql.Literal(list(criteria.segments)),
        "csa_systems": sql.Literal(list(criteria.csa_systems)),
        "case_types": sql.Literal(list(criteria.case_types)),
        "roles": sql.Literal(list(INHIBIT_AUTHORISED_ROLES)),
        "on": sql.Literal(on),
        "sensitive": sql.Literal(select_tranche.SENSITIVE),
        "clerical": sql.Literal(select_tranche.CLERICAL),
        "inhibited": sql.Literal(select_tranche.INHIBITED),
    }


def _candidates(
    connection: Connection, selection: select_tranche.Selection, *, beyond_the_cap: bool = False
) -> Iterator[pd.DataFrame]:
    """The cases of casegroups with a matching open case and no end liability date, part by part while there is room."""
    schema = pa.schema([(name, TEXT) for name in ("casegroup_id", "csa_system", "csa_case_id", "left_out")])
    after = ""
    while beyond_the_cap or selection.ended_at is None:
        room = None if beyond_the_cap else selection.room
        # Each takes a case at least; some are left out.
        most = _PART if room is None else min(_PART, _FEWEST + room)
        query = sql.SQL(_CANDIDATES).format(
            **_values(selection.criteria, selection.on), after=sql.Literal(after), most=sql.Literal(most)
        )
        part = to_frame(copy_out(raw(connection), query, schema))
        if part.empty:
            return
        yield part
        after = str(part["casegroup_id"].iloc[-1])


def _stamp(connection: Connection, version: Version, on: date, cases: pd.DataFrame) -> None:
    """The end liability date of these cases (B4), and the word to CSA of it (B5)."""
    criteria, count = version.criteria, len(cases)
    keys = pa.Table.from_pandas(cases[["csa_system", "csa_case_id", "casegroup_id"]], preserve_index=False)

    def rows(**same: pa.Scalar) -> pa.Table:
        told = keys
        for name, value in same.items():
            told = told.append_column(name, pa.repeat(value, count))
        return told

    stamp = {
        "tranche_id": pa.scalar(criteria.tranche_id),
        "journey": pa.scalar(PROACTIVE),
        "led": pa.scalar(criteria.led(on)),
    }
    copy_in(
        raw(connection), "closure.end_liability",
        rows(**stamp, criteria_version=pa.scalar(version.version), selected_on=pa.scalar(on),
             reminder_days=pa.scalar(criteria.reminder_days, pa.int32())),
    )  # fmt: skip
    copy_in(
        raw(connection), "closure.end_liability_notices",
        rows(**stamp, business_date=pa.scalar(on), cause=pa.scalar(select_tranche.SELECTED)),
    )  # fmt: skip


def _note(connection: Connection, version: Version, selection: select_tranche.Selection) -> None:
    """What this version selected that night (B6, B8)."""
    criteria, on = version.criteria, selection.on
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
            "casegroups": selection.casegroups, "cases": selection.cases, "ended_at": selection.ended_at,
        },
    )  # fmt: skip
    if selection.cases >= _WORTH_ANALYSING:
        connection.exec_driver_sql("analyze closure.end_liability")


_NOTICE = """
    insert into closure.end_liability_notices
        (business_date, csa_system, csa_case_id, casegroup_id, tranche_id, journey, led, cause)
    select :on, n.csa_system, n.csa_case_id, n.casegroup_id, n.tranche_id, n.journey, n.led, {} from {} n
    on conflict (business_date, csa_system, csa_case_id) do update set
        casegroup_id = excluded.casegroup_id, tranche_id = excluded.tranche_id, journey = excluded.journey,
        led = excluded.led, cause = excluded.cause
"""
_STAMP = "tranche_id, criteria_version, journey, led, reminder_days, became_reactive_on"
# Only what came or changed tonight can have joined or moved.
_CONCERNED = f"""
    with tonight as materialized (
        select csa_system, csa_case_id, casegroup_id from held.csa_cases where changed_on = {{on}}),
    concerned as (
        select t.casegroup_id from tonight t left join closure.end_liability e using (csa_system, csa_case_id)
        where case when e.casegroup_id is null
              then exists (select from closure.end_liability o where o.casegroup_id = t.casegroup_id)
              else e.casegroup_id <> t.casegroup_id end)
    select c.csa_system, c.csa_case_id, c.casegroup_id, e.casegroup_id,
           case when e.casegroup_id is not null then row({", ".join(f"e.{name}" for name in _STAMP.split(", "))})::text end
    from (select distinct casegroup_id from concerned) k join held.csa_cases c using (casegroup_id)
    left join closure.end_liability e using (csa_system, csa_case_id)
"""


def _follow(connection: Connection, on: date) -> dict[str, int]:
    """Cases that joined a selected casegroup take its stamp; a case that moved takes its row along."""
    counts = {"cases_joined": 0, "cases_moved": 0}
    if not connection.exec_driver_sql("select exists (select from closure.end_liability)").scalar_one():
        return counts
    names = ("csa_system", "csa_case_id", "casegroup_id", "stamped_casegroup_id", "stamp")
    query = sql.SQL(_CONCERNED).format(on=sql.Literal(on))
    cases = to_frame(copy_out(raw(connection), query, pa.schema([(name, TEXT) for name in names])))
    changes = select_tranche.follow(cases)
    if changes.empty:
        return counts
    connection.exec_driver_sql("drop table if exists pg_temp.followed")
    connection.exec_driver_sql(
        "create temporary table followed (csa_system text, csa_case_id text, casegroup_id text, cause text, "
        "leader_csa_system text, leader_csa_case_id text) on commit drop"
    )
    copy_in(raw(connection), "followed", pa.Table.from_pandas(changes, preserve_index=False))
    connection.execute(
        text(
            f"""
            insert into closure.end_liability as e (csa_system, csa_case_id, casegroup_id, selected_on, {_STAMP})
            select f.csa_system, f.csa_case_id, f.casegroup_id, :on, {", ".join(f"l.{name}" for name in _STAMP.split(", "))}
            from followed f join closure.end_liability l
              on l.csa_system = f.leader_csa_system and l.csa_case_id = f.leader_csa_case_id
            on conflict (csa_system, csa_case_id) do update set casegroup_id = excluded.casegroup_id,
                selected_on = excluded.selected_on, {", ".join(f"{name} = excluded.{name}" for name in _STAMP.split(", "))}
            """
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
    by_cause = changes["cause"].value_counts()
    return {
        "cases_joined": int(by_cause.get(select_tranche.JOINED, 0)),
        "cases_moved": int(by_cause.get(select_tranche.MOVED, 0)),
    }


# --- looking, without changing anything


@dataclass(frozen=True)
class LeftOut:
    """Casegroups with a matching case that are not selected, for one reason; the first few of them."""

    reason: str
    casegroups: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Preview:
    """What criteria would select on a night if they were in force and authorised. Pence: indicative arrears.

    ``refused``: why they would select nothing that night, else None. ``counted``: cases that count towards the cap
    already. ``ended_at``: the casegroup at which the cap ends it. ``no_match``: for criteria no case matches, the
    fields of which each alone is in the way; empty when more than one is; None when some case matches.
    ``overlaps``: tranches in force that some case could match too. Nationally sensitive casegroups are in none of it (R26).
    """

    criteria: Criteria
    on: date
    refused: str | None
    counted: int
    casegroups: int
    cases: int
    arrears_pence: int
    letters: dict[str, int]
    left_out: tuple[LeftOut, ...]
    ended_at: str | None
    no_match: tuple[str, ...] | None
    overlaps: tuple[str, ...]


OVER_THE_CAP: Final = "OVER_THE_CAP"
_EXAMPLES = 3


def preview(url: str, given: Iterable[Criteria] | None, on: date) -> list[Preview]:
    """What each of these would select on the night of ``on``, in tranche_id order, as if loaded and approved; the other
    tranches in force take their turn. None: all in force, as they are. Nothing is changed.

    The night's own selection is made and rolled back, so that the answer is the night's.
    """
    with database.engine(url).connect() as connection:
        in_turn = {version.criteria.tranche_id: version for version in in_force(connection)}
        asked = set(in_turn)
        if given is not None:
            asked = {one.tranche_id for one in given}
            for one in given:
                approved = replace(
                    one,
                    authorised_by=one.authorised_by or "as if approved",
                    authorised_on=one.authorised_on or on,
                )
                in_turn[one.tranche_id] = Version(approved, 0, PROPOSED, "preview", "preview", None, None)
        connection.exec_driver_sql("set local random_page_cost = 1.1")
        _follow(connection, on)
        made = []
        for tranche_id, version in sorted(in_turn.items()):
            others = [other.criteria for name, other in sorted(in_turn.items()) if name != tranche_id]
            if tranche_id in asked:
                made.append(_previewed(connection, version, on, others))
            else:
                _selected(connection, version, on)
        connection.rollback()
    return made


def _previewed(connection: Connection, version: Version, on: date, others: Iterable[Criteria]) -> Preview:
    criteria = version.criteria
    already = _already_selected(connection, criteria, on)
    selection = select_tranche.Selection(criteria, on, _counted(connection, criteria))
    left: dict[str, list[str]] = {reason: [] for reason in (*select_tranche.LEFT_OUT, OVER_THE_CAP)}
    connection.exec_driver_sql("drop table if exists pg_temp.previewed")
    connection.exec_driver_sql(
        "create temporary table previewed (casegroup_id text, csa_system text, csa_case_id text)"
    )
    for part in _candidates(connection, selection, beyond_the_cap=True):
        groups = select_tranche.Casegroups.of(part)
        ids = part["casegroup_id"].take(groups.starts)
        for place, reason in enumerate(select_tranche.LEFT_OUT):
            left[reason] += ids[groups.left_out == place].tolist()
        taken = selection.take(part)
        eligible = ids[groups.left_out == len(select_tranche.LEFT_OUT)]
        left[OVER_THE_CAP] += eligible[~among(eligible, taken["casegroup_id"])].tolist()
        keys = taken[["casegroup_id", "csa_system", "csa_case_id"]]
        copy_in(raw(connection), "previewed", pa.Table.from_pandas(keys, preserve_index=False))
        _stamp(connection, version, on, taken)
    if selection.refused is not None:
        left[OVER_THE_CAP] = []
    del left[select_tranche.SENSITIVE], left[select_tranche.ALREADY_SELECTED]
    found = [LeftOut(reason, len(ids), tuple(ids[:_EXAMPLES])) for reason, ids in left.items() if ids]
    pence, to_payers, to_receivers = connection.exec_driver_sql(
        """
        select coalesce(sum(c.indicative_arrears_pence), 0),
               count(distinct c.casegroup_id) filter (where c.case_type = 'ONGOING'),
               count(*) filter (where c.case_type = 'ONGOING')
        from previewed p join held.csa_cases c using (csa_system, csa_case_id)
        """
    ).one()
    return Preview(
        criteria=criteria,
        on=on,
        refused=selection.refused,
        counted=selection.counted,
        casegroups=selection.casegroups,
        cases=selection.cases,
        arrears_pence=int(pence),
        letters={"CMSL6303": to_payers, "CMSL6308": to_receivers},
        left_out=(*found, *already),
        ended_at=selection.ended_at,
        no_match=_no_match(connection, criteria, on),
        overlaps=tuple(
            other.tranche_id
            for other in others
            if other.authorised and (other.valid_to or on) >= on and criteria.overlaps(other)
        ),
    )


def _already_selected(connection: Connection, criteria: Criteria, on: date) -> list[LeftOut]:
    query = sql.SQL(
        f"""
        select distinct c.casegroup_id collate "C" from held.csa_cases c where {_MATCHES} and not {_NEW}
          and not {sensitive.of_row("c")}
        order by 1
        """
    ).format(**_values(criteria, on))
    ids = copy_out(raw(connection), query, pa.schema([("casegroup_id", TEXT)])).column(0).to_pylist()
    return [LeftOut(select_tranche.ALREADY_SELECTED, len(ids), tuple(ids[:_EXAMPLES]))] if ids else []


def _no_match(connection: Connection, criteria: Criteria, on: date) -> tuple[str, ...] | None:
    """None: some open case matches. Else the fields without any one of which some would."""
    everything: dict[str, Any] = {
        "segments": CASE_ENUMS["segment"],
        "csa_systems": CASE_ENUMS["csa_system"],
        "case_types": CASE_ENUMS["case_type"],
    }

    def matched(of: Criteria) -> bool:
        query = sql.SQL(f"select exists (select from held.csa_cases c where {_MATCHES})").format(
            **_values(of, on)
        )
        row = raw(connection).execute(query).fetchone()
        return bool(row and row[0])

    if matched(criteria):
        return None
    return tuple(name for name in MATCHED if matched(replace(criteria, **{name: everything[name]})))

"""Working exceptions: who has each, what is entered on it, judging it at once, what happened to it (B48-B52; [22]-[28]).

Belongs here: who may do what to which exception, and the words when not. Does not belong here: judging (``night``), rows
(``store.exceptions``). An exception is closed because its cause is gone and never by hand.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from case_closure import refusals
from case_closure.desk import acting
from case_closure.desk.acting import Act, Actor
from case_closure.domain.cases import PAYING_PARENT, RECEIVING_PARENT
from case_closure.domain.masking import shown as masked
from case_closure.domain.rules import entity_of
from case_closure.domain.texts import shown
from case_closure.night import replay as rerun
from case_closure.night import trying
from case_closure.night.context import NightContext, Summary
from case_closure.settings import Settings
from case_closure.stages.decide_next_action import entered_on
from case_closure.store import casegroups, database, exceptions, holding, nights, posting
from case_closure.store.database import Connection
from case_closure.store.exceptions import Found
from case_closure.tables import resolutions
from case_closure.tables.frames import case_key, to_frame
from case_closure.tables.landed import FILES
from case_closure.tables.resolutions import BY_HAND, BY_NUMBER, PAYMENT, REPORT

_SHOWN = 400
EXCEPTION = "EXCEPTION"


class ExceptionRefused(refusals.Refused):
    """It was not done to any exception; the message says why and what to do."""


@dataclass(frozen=True)
class Foretold:
    """What entries will do: of each exception that they are for whether it closes and, while it stays open, why; how many
    casegroups complete, how many pence would be posted, how many of payments dues would take, and what opens instead."""

    fates: dict[str, str | None]
    closes_with_them: list[str]
    completed: int
    posted_pence: int
    allocated_pence: int
    opens: list[str]

    @property
    def closes(self) -> int:
        """How many close, those that nothing was entered on too."""
        return sum(why is None for why in self.fates.values()) + len(self.closes_with_them)

    @property
    def stay_open(self) -> int:
        """How many of those that the entries are for do not."""
        return sum(why is not None for why in self.fates.values())


@dataclass
class Told:
    """What was done, a line each, and what was refused, a line each with its exception named; of entries, what they will do, and
    what is held in the place of each that was entered: personal, and not for showing."""

    done: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    foretold: Foretold | None = None
    held: dict[str, str | None] = field(default_factory=dict)


# --- who has it ([25])


def allocate(
    url: str,
    exception_ids: Sequence[str],
    *,
    to: str,
    by: Actor,
    at: datetime,
    versions: Mapping[str, int] | None = None,
) -> Told:
    """Give exceptions to somebody; one that cannot be given is refused by name and the others are given.

    To whom has it already: nothing. Two at once on one exception: the first wins, and the other is told by whom; ``versions``:
    the number of the last event of each as the person saw it, where that was some time ago. Raises NotAllowed, NightRefused while
    a night is open, ExceptionRefused for a blank name.
    """
    acting.require(by, "allocate_exceptions")
    to = _named(to, "to whom")
    told, acts = Told(), list[Act]()
    with database.transaction(url) as connection:
        nights.refuse_while_open(connection, "Nothing was allocated")
        seen = exceptions.find(connection, exception_ids)
        on = nights.latest_success(connection)
        for found in _locked(connection, exception_ids, seen, told, versions):
            name = shown(found.exception_id, _SHOWN)
            if found.allocated_to == to:
                told.done.append(f"{name}: {shown(to)} has it already")
                continue
            exceptions.allocate(
                connection,
                found,
                max(on or found.business_date, found.business_date),
                to=to,
                by=by.name.strip(),
            )
            acts.append(
                Act(
                    EXCEPTION, found.exception_id, found.casegroup_id,
                    before={"status": found.status, "allocated_to": found.allocated_to},
                    after={"status": "ALLOCATED", "allocated_to": to},
                )
            )  # fmt: skip
            before = f", before {shown(found.allocated_to)}" if found.allocated_to else ""
            told.done.append(f"{name}: allocated to {shown(to)}{before}")
        if acts:
            acting.record(connection, by, "allocate_exceptions", acts, at=at)
    return told


def _named(given: str, what: str) -> str:
    name = given.strip()
    if not name:
        raise ExceptionRefused(
            f"Say {what}: the history of an exception is kept with names. Nothing was changed."
        )
    return name


def _locked(
    connection: Connection,
    exception_ids: Sequence[str],
    seen: dict[str, Found],
    told: Told,
    versions: Mapping[str, int] | None = None,
) -> Iterable[Found]:
    """Those that may be worked on, locked, in the order given: there, open, and as they were when they were looked at."""
    exceptions.lock(connection, seen)
    now = exceptions.find(connection, seen)
    for exception_id in dict.fromkeys(exception_ids):
        name, found = shown(exception_id, _SHOWN), now.get(exception_id)
        if found is None:
            told.refused.append(f"{name}: there is no such exception")
        elif found.event_number != (versions or {}).get(exception_id, seen[exception_id].event_number):
            what = (found.event or "").lower().replace("_", " ")
            told.refused.append(
                f"{name}: {shown(found.by_whom or 'the system')} was quicker ({what} meanwhile); look at it again"
            )
        elif found.status == "RESOLVED":
            told.refused.append(f"{name}: it is resolved")
        else:
            yield found


# --- what is entered on it ([26])


@dataclass(frozen=True)
class Entry:
    """What somebody found out about an exception's field. ``old``: what they say is held; None: whatever is."""

    exception_id: str
    field: str
    new: str
    old: str | None = None


def read_entries(file: Path) -> list[Entry]:
    """Entries of a CSV with the header exception_id,field,new_value and, if it likes, old_value. Raises ExceptionRefused."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as wrong:
        raise ExceptionRefused(f"{file} cannot be read: {wrong}. Nothing was entered.") from None
    wanted = {"exception_id", "field", "new_value"}
    if not rows or not wanted <= rows[0].keys():
        found = ", ".join(map(str, rows[0])) if rows else "no line"
        raise ExceptionRefused(
            f"{file}: expected the columns {', '.join(sorted(wanted))} (and old_value), found {found}. Nothing was entered."
        )
    return [
        Entry(
            row["exception_id"] or "",
            row["field"] or "",
            row["new_value"] or "",
            row.get("old_value") or None,
        )
        for row in rows
    ]


def chosen(url: str, *, rule_code: str | None = None, cause: str | None = None) -> list[str]:
    """The open exceptions of a rule, or with the same cause as one of them; the oldest first. Raises ExceptionRefused."""
    with database.transaction(url) as connection:
        if cause is not None and cause not in exceptions.find(connection, [cause]):
            raise ExceptionRefused(f"{shown(cause, _SHOWN)}: there is no such exception.")
        exception_ids = exceptions.open_ids(connection, rule_code=rule_code, like=cause)
    if not exception_ids:
        raise ExceptionRefused("No open exception has that rule or cause. Nothing was entered.")
    return exception_ids


def resolve(
    settings: Settings,
    entries: Sequence[Entry],
    *,
    source: str,
    by: Actor,
    at: datetime,
    keep: bool = True,
    versions: Mapping[str, int] | None = None,
    as_seen: Callable[[str, str | None], bool] | None = None,
) -> Told:
    """Enter what was found out, and say what it will do: which exceptions it closes, which stay open and why, how many pence
    would be posted. It is judged by the gates before it is kept, and for good by the next night or a replay; no status changes.

    Each that cannot be entered is refused by name, and the others are entered. ``keep`` False: it is only said. ``versions``: as
    of :func:`allocate`. ``as_seen``: of an exception and of what is held in the place of its field, whether that is what it was
    when the person saw what their entry would do; one that is not is refused. Raises NotAllowed, NightRefused while a night is
    open, ExceptionRefused for a blank name or before any night has succeeded.
    """
    if not by.may(_ENTER_ON_PAYMENTS):
        acting.require(by, _ENTER)
    source = _named(source, "where it was found")
    told = Told()
    within = database.transaction if keep else database.rolled_back
    with within(settings.store_url) as connection:
        nights.refuse_while_open(connection, "Nothing was entered")
        on = nights.latest_success(connection)
        if on is None:
            raise ExceptionRefused("No night has succeeded yet, so there is nothing to enter anything on.")
        seen = exceptions.find(connection, [entry.exception_id for entry in entries])
        open_exceptions = {
            one.exception_id: one
            for one in _locked(connection, [e.exception_id for e in entries], seen, told, versions)
        }
        number = f"{BY_HAND}{at:%Y%m%dT%H%M%S%f}-"
        first = 1 + holding.entered_by(connection, number)
        rows = _rows(
            entries,
            open_exceptions,
            on,
            source=source,
            by=by.name.strip(),
            numbered=lambda place: f"{number}{first + place:05}",
            told=told,
        )
        rows = _judged_as_rows(connection, rows, told)
        rows = _fit_for_their_payments(connection, settings, on, at, rows, told)
        if as_seen is not None:
            rows = _as_they_were(rows, as_seen, told)
        told.held = {exception_id: row["old_value"] for row, exception_id in rows}
        if not rows:
            return told
        holding.keep_entered(connection, [row for row, _ in rows], on, at)
        about = [exception_id for _, exception_id in rows]
        entered = _record(
            connection, [(row["resolution_id"], exception_id) for row, exception_id in rows], on
        )
        for action, done in _acts(rows, open_exceptions).items():
            acting.record(connection, by, action, done, at=at)
        tried_out = connection.begin_nested()
        told.done += _told_of(connection, settings, on, about, entered, told)
        tried_out.rollback()
    if not keep:
        told.done.append("Nothing of it was kept.")
    return told


_ENTER, _ENTER_ON_PAYMENTS = "enter_on_exceptions", "enter_on_payments"


def _acts(rows: list[tuple[dict[str, Any], str]], open_exceptions: dict[str, Found]) -> dict[str, list[Act]]:
    """What is put on record of each entry, by what it takes to enter it; values masked as views have them."""
    acts: dict[str, list[Act]] = {}
    for row, exception_id in rows:
        before, after = (masked(row[side] or "", row["field"]) for side in ("old_value", "new_value"))
        acts.setdefault(_ENTER_ON_PAYMENTS if row["entity"] == PAYMENT else _ENTER, []).append(
            Act(
                EXCEPTION, exception_id, open_exceptions[exception_id].casegroup_id,
                before={row["field"]: before}, after={row["field"]: after, "entry": row["resolution_id"]},
                reason=f"Found in {row['source_system']}",
            )
        )  # fmt: skip
    return acts


def _rows(
    entries: Sequence[Entry],
    open_exceptions: dict[str, Found],
    on: date,
    *,
    source: str,
    by: str,
    numbered: Callable[[int], str],
    told: Told,
) -> list[tuple[dict[str, Any], str]]:
    """A resolution for each entry that an exception takes, with that exception; one for all that mean the same field."""
    rows: dict[tuple[Any, ...], tuple[dict[str, Any], str]] = {}
    for entry in entries:
        exception = open_exceptions.get(entry.exception_id)
        if exception is None:
            continue
        name = shown(entry.exception_id, _SHOWN)
        entity = entity_of(exception.rule_code, exception.subject)
        if entity is None:
            told.refused.append(f"{name}: no entry mends {exception.rule_code}. {exception.message}")
            continue
        number = exception.subject_reference if entity in BY_NUMBER else exception.csa_case_id
        row = {
            "resolution_id": numbered(len(rows)),
            "csa_system": None if entity in BY_NUMBER else exception.csa_system, "csa_case_id": number, "entity": entity,
            "field": entry.field, "old_value": entry.old, "new_value": entry.new or None, "source_system": source,
            "entered_by": by, "entered_on": on,
        }  # fmt: skip
        rows.setdefault(
            (entity, row["csa_system"], number, entry.field, entry.new, entry.old), (row, entry.exception_id)
        )
    return list(rows.values())


def _judged_as_rows(
    connection: Connection, rows: list[tuple[dict[str, Any], str]], told: Told
) -> list[tuple[dict[str, Any], str]]:
    """Those that a night would take in; each with what is held as its old value. The others are refused by name."""
    if not rows:
        return []
    shapes = resolutions.shapes()
    why = resolutions.cannot_be(_as_landed(rows), shapes)
    told.refused += [f"{shown(rows[place][1], _SHOWN)}: {unfit.why}" for place, unfit in sorted(why.items())]
    rows = [row for place, row in enumerate(rows) if place not in why]
    values = resolutions.held_values(
        _as_landed(rows), _held_about(connection, [row for row, _ in rows]), shapes
    )
    taken = []
    for place, (row, exception_id) in enumerate(rows):
        is_held = values.get(place)
        if row["entity"] == REPORT and place not in values:
            told.refused.append(f"{shown(exception_id, _SHOWN)}: no report of that number is held")
        elif (
            row["old_value"] is not None
            and place in values
            and not resolutions.same_value(is_held, row["old_value"])
        ):
            there = "nothing" if is_held is None else masked(is_held, row["field"]) or "something else"
            told.refused.append(
                f"{shown(exception_id, _SHOWN)}: {row['field']} does not hold what --old says, but {there}; look at it again"
            )
        else:
            taken.append((row | ({"old_value": is_held} if row["old_value"] is None else {}), exception_id))
    return taken


def _as_they_were(
    rows: list[tuple[dict[str, Any], str]], as_seen: Callable[[str, str | None], bool], told: Told
) -> list[tuple[dict[str, Any], str]]:
    """Those in the place of which still stands what stood there when they were tried; the others are refused by name."""
    unchanged = []
    for row, exception_id in rows:
        if as_seen(exception_id, row["old_value"]):
            unchanged.append((row, exception_id))
        else:
            told.refused.append(
                f"{shown(exception_id, _SHOWN)}: what is held has changed since you saw what this would do, as by a night in "
                "between; look at it again"
            )
    return unchanged


def _fit_for_their_payments(
    connection: Connection,
    settings: Settings,
    on: date,
    at: datetime,
    rows: list[tuple[dict[str, Any], str]],
    told: Told,
) -> list[tuple[dict[str, Any], str]]:
    """Those whose payment, where they are about one, is in a state for them ([5]); the others are refused by name."""
    if not any(row["entity"] == PAYMENT for row, _ in rows):
        return rows
    tried_out = connection.begin_nested()
    holding.keep_entered(connection, [row for row, _ in rows], on, at)
    unfit = set(trying.unfit_entries(connection, settings, on))
    tried_out.rollback()
    told.refused += [
        f"{shown(exception_id, _SHOWN)}: its payment cannot take {shown(row['field'])} {shown(row['new_value'] or '', 60)}: "
        "in suspense it takes a casegroup_id of cases that are held, or passed_to"
        for row, exception_id in rows
        if row["resolution_id"] in unfit
    ]
    return [(row, exception_id) for row, exception_id in rows if row["resolution_id"] not in unfit]


def _as_landed(rows: list[tuple[dict[str, Any], str]]) -> pd.DataFrame:
    return to_frame(pa.Table.from_pylist([row for row, _ in rows], schema=FILES["resolutions"].schema))


def _held_about(connection: Connection, rows: list[dict[str, Any]]) -> dict[str, pd.DataFrame]:
    cases = [(r["csa_system"], r["csa_case_id"]) for r in rows if r["csa_system"] and r["csa_case_id"]]
    reports = [r["csa_case_id"] for r in rows if r["entity"] == REPORT and r["csa_case_id"]]
    return holding.held_about(connection, cases, reports)


def _record(connection: Connection, numbers: list[tuple[str, str]], on: date) -> list[str]:
    """Write into the history of every exception that these are for that somebody entered something; which they are.

    ``numbers``: of each resolution, with the exception it was entered on; what it is for besides is found.
    """
    groups = _groups(connection, [exception_id for _, exception_id in numbers])
    gather = casegroups.Gather(connection, groups)
    open_exceptions, cases = to_frame(gather.open_exceptions()), to_frame(gather.cases())
    cases = cases.assign(case_key=case_key(cases))
    people = pd.concat([cases["paying_parent_id"], cases["receiving_parent_id"]]).dropna().unique().tolist()
    pairs = entered_on(
        open_exceptions, cases, to_frame(gather.resolutions()), to_frame(gather.entered_for(people))
    )
    given = pd.DataFrame(numbers, columns=["resolution_id", "exception_id"])
    besides = pairs[pairs["resolution_id"].isin(given["resolution_id"])]
    entered = pd.concat([given[pairs.columns], besides], ignore_index=True).drop_duplicates()
    posting.record_entered_by_command(connection, on, entered)
    return sorted(set(entered["exception_id"]))


def _groups(connection: Connection, exception_ids: Sequence[str]) -> list[str]:
    """The casegroups to judge: theirs, and of an entry for a person all in which that person holds something up."""
    of_each = exceptions.casegroups_of(connection, exception_ids)
    exceptions_named = exceptions.find(connection, exception_ids)
    of_people = {
        of_each[one.exception_id] for one in exceptions_named.values()
        if entity_of(one.rule_code, one.subject) in (PAYING_PARENT, RECEIVING_PARENT)
    }  # fmt: skip
    others = exceptions.casegroups_of_the_same_people(connection, of_people) if of_people else []
    return sorted({*of_each.values(), *others})


def _told_of(
    connection: Connection,
    settings: Settings,
    on: date,
    about: list[str],
    entered: list[str],
    told: Told,
) -> Iterable[str]:
    """What the entries will do: each exception that they are for, then the money."""
    before = exceptions.find(connection, entered)
    open_before = exceptions.unresolved(connection)
    tried = trying.try_out(connection, settings, on, _groups(connection, about))
    # By what would stand, since payments are let go after casegroups are decided.
    closed = open_before - exceptions.unresolved(connection)
    # What was seen before counts also where the entry makes its casegroup sensitive.
    known = exceptions.find(connection, closed) | {one: before[one] for one in closed & before.keys()}
    closes = {one.exception_id for one in known.values() if one.severity == "HOLD"}
    closes |= before.keys() & set(tried.decided.resolved["exception_id"])
    seen = set(tried.decided.seen["exception_id"]) | {
        one.exception_id for one in before.values() if one.subject == PAYMENT
    }
    holds = dict(
        zip(tried.received.casegroups["casegroup_id"], tried.received.casegroups["hold_reason"], strict=True)
    )
    lines = [
        f"{shown(one, _SHOWN)}: {_fate(before.get(one), one in closes, one in seen, holds)}"
        for one in entered
    ]
    others = sorted(closes - set(entered))
    lines += [f"{shown(one, _SHOWN)}: closes with it" for one in others]
    opened = tried.decided.opened[["rule_code", "csa_case_id"]].value_counts().index.tolist()
    opens = [f"{code} opens on case {shown(str(case_id))}" for code, case_id in opened]
    lines += opens
    pence = int(tried.posted.dues["posted_pence"].sum())
    told.foretold = Foretold(
        {
            one: None if one in closes else _why_stays_open(before.get(one), one in seen, holds)
            for one in entered
        },
        others,
        len(tried.posted.completed),
        pence,
        tried.allocated_pence,
        opens,
    )
    lines.append(
        f"{len(closes)} of {len(entered)} close; {len(tried.posted.completed)} casegroups complete; "
        f"{pence} pence would be posted, {tried.allocated_pence} allocated"
    )
    return lines


def _fate(exception: Found | None, closes: bool, seen: bool, holds: dict[str, Any]) -> str:
    if closes:
        return "closes"
    why = _why_stays_open(exception, seen, holds)
    return f"stays open: {why}" if why else "stays open"


def _why_stays_open(exception: Found | None, seen: bool, holds: dict[str, Any]) -> str:
    return _why_open(exception, seen, holds.get(exception.casegroup_id or "")) if exception else ""


def _why_open(exception: Found, seen: bool, hold: Any) -> str:
    if seen:
        return exception.message
    if isinstance(hold, str):
        return f"its casegroup is held ({hold}), so it is not judged yet"
    return "its casegroup does not get as far as to be judged for it; something else stops it before"


# --- judging at once ([27])


@dataclass(frozen=True)
class Asked:
    """What is to be judged at once: the exceptions, the casegroups they are judged with, as the rerun of which night."""

    on: date
    exception_ids: tuple[str, ...]
    casegroup_ids: tuple[str, ...]


def replay(
    settings: Settings,
    exception_ids: Sequence[str],
    *,
    by: Actor,
    at: datetime,
    context: Callable[[date], NightContext],
    progress: Callable[[str, Summary], None],
) -> list[str]:
    """Judge the casegroups of these exceptions (none named: of all that are open) as the rerun of the latest successful night
    would, and say of each exception whether it closed, or why it is open.

    Raises as :func:`ask_for_replay`, and what ``night.run`` raises.
    """
    asked = ask_for_replay(settings, exception_ids, by=by, at=at)
    return judge(settings, asked, context=context, progress=progress)


def ask_for_replay(settings: Settings, exception_ids: Sequence[str], *, by: Actor, at: datetime) -> Asked:
    """Put on record that these are to be judged at once; which they are, and with which casegroups.

    Raises NotAllowed, ExceptionRefused for an unknown number or before any night has succeeded, NightRefused while a night is
    open.
    """
    acting.require(by, "replay_exceptions")
    with database.transaction(settings.store_url) as connection:
        nights.refuse_while_open(connection, "Nothing was replayed")
        on = nights.latest_success(connection)
        if on is None:
            raise ExceptionRefused("No night has succeeded yet, so there is none to replay.")
        named = list(dict.fromkeys(exception_ids)) or exceptions.open_ids(connection)
        there = exceptions.find(connection, named)
        unknown = [one for one in named if one not in there]
        if unknown:
            raise ExceptionRefused(
                f"There is no such exception: {', '.join(shown(one, _SHOWN) for one in unknown)}. Nothing was replayed."
            )
        acts = [Act(EXCEPTION, one, there[one].casegroup_id) for one in named]
        if not exception_ids:
            acts = [Act(EXCEPTION, "all that are open", after={"exceptions": len(named)})]
        acting.record(connection, by, "replay_exceptions", acts, at=at)
        return Asked(on, tuple(named), tuple(_groups(connection, named)))


def judge(
    settings: Settings,
    asked: Asked,
    *,
    context: Callable[[date], NightContext],
    progress: Callable[[str, Summary], None],
) -> list[str]:
    """Judge what was asked for; a line for each exception. Raises what ``night.run`` raises."""
    named = asked.exception_ids
    if not named:
        return ["No exception is open."]
    rerun.run(replace(context(asked.on), casegroup_ids=asked.casegroup_ids), progress)
    with database.transaction(settings.store_url) as connection:
        now = exceptions.find(connection, named)
        not_mended = exceptions.latest_events(connection, named, "NOT_MENDED")
        standing = to_frame(casegroups.Gather(connection, list(asked.casegroup_ids)).standing())
    reasons = dict(zip(standing["casegroup_id"], standing["reason"], strict=True))
    return [f"{shown(one, _SHOWN)}: {_ended(now[one], not_mended, reasons)}" for one in named if one in now]


def _ended(exception: Found, not_mended: dict[str, str], reasons: dict[str, Any]) -> str:
    if exception.status == "RESOLVED":
        return "closed"
    reason = reasons.get(exception.casegroup_id or "")
    stops = f" ({reason})" if isinstance(reason, str) and exception.rule_code not in reason.split(",") else ""
    return f"open{stops}: {not_mended.get(exception.exception_id) or exception.message}"


# --- reading ([28])


def history(url: str, exception_id: str) -> list[str]:
    """What happened to it, a line each. Raises ExceptionRefused when there is no such exception."""
    with database.transaction(url) as connection:
        events = exceptions.history(connection, exception_id)
    if not events:
        raise ExceptionRefused(f"{shown(exception_id, _SHOWN)}: there is no such exception.")
    return [
        "  ".join(
            part for part in (
                f"{event['business_date']}", f"{event['event']:<10}", shown(event["by_whom"] or "the system"),
                shown(event["by_what"] or "", 200), shown(event["detail"] or "", _SHOWN),
            ) if part
        )
        for event in events
    ]  # fmt: skip


def causes(url: str) -> list[dict[str, Any]]:
    """What holds the open exceptions, what holds most first; see ``store.exceptions.causes``."""
    with database.transaction(url) as connection:
        return exceptions.causes(connection)

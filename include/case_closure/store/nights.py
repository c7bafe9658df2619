"""The record of every night: who holds it, how it ended, and what it came to.

Belongs here: the guard that keeps one night open at a time and in date order (R21), nights that are skipped (R40), a
night's figures.
Does not belong here: any stage's work, whether a night's money adds up (``money_law``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Literal

from sqlalchemy import Connection, text

from case_closure import refusals
from case_closure.domain.dates import NightDates
from case_closure.domain.money import BUCKETS
from case_closure.store import sensitive, shares
from case_closure.store.schema.tables import NIGHT_STATUSES as STATUSES
from case_closure.store.schema.tables import OF_NOBODY, REMAINDER

OPEN, SUCCESS, REJECTED, FAILED, SKIPPED = STATUSES


class NightRefused(refusals.Refused):
    """A night may not start, or go on: the message names the night and the run in the way, and what to do."""


@dataclass(frozen=True)
class Night:
    """A night's row."""

    business_date: date
    status: str
    run_id: str
    succeeded: bool
    extract_number: int
    manifest_sha256: str | None
    stage: str | None
    reason: str | None
    stage_done: bool
    attempt: int
    judged_attempt: int | None
    law_held: bool
    late_after: date | None
    failed_slots: list[int]

    @property
    def late(self) -> bool:
        """It ran, or runs, after a later night (R39)."""
        return self.late_after is not None

    @property
    def can_be_skipped(self) -> bool:
        """Whether nothing of it was taken in, and nobody is at it (R40)."""
        return self.status != OPEN and not self.succeeded and not self.manifest_sha256


_COLUMNS = ", ".join(field.name for field in fields(Night))
# Asked for in each transaction of a night, so read as SQL once.
_ROW = f"select {_COLUMNS} from closure.nights where business_date = :on"  # noqa: S608
_FIND = {None: text(_ROW), "share": text(f"{_ROW} for share"), "update": text(f"{_ROW} for update")}


def find(connection: Connection, on: date, *, lock: Literal["share", "update"] | None = None) -> Night | None:
    """The night of that date, if it was ever started. ``lock``: 'share' or 'update', held until the transaction ends."""
    row = connection.execute(_FIND[lock], {"on": on}).first()
    return Night(*row) if row else None


def open_night(connection: Connection, on: date, run_id: str, at: datetime) -> Night:
    """Open the night for this run, or take over what a run that died left open.

    Raises NightRefused while another night is open, or an earlier one failed (R21). A night that was never run is in
    nobody's way. It is late when a later one has succeeded: what is known of a later date is not overlooked (R39).
    """
    connection.exec_driver_sql(_ONE_AT_A_TIME)
    _refuse_out_of_turn(connection, on)
    _end_slots_of_failed(connection, on)
    _keep_what_was(connection, on)
    connection.execute(
        text(
            """
            insert into closure.nights (business_date, status, run_id, stage, stage_done, started_at, attempt, late_after)
            values (:on, 'OPEN', :run, 'open_night', true, :at, 1, (
                select max(n.business_date) from closure.nights n
                where n.business_date > :on and n.succeeded))
            on conflict (business_date) do update
            set status = 'OPEN', run_id = excluded.run_id, stage = 'open_night', stage_done = true, reason = null, by_whom = null,
                failed_slots = '{}',
                attempt = closure.nights.attempt + 1, judged_attempt = null,
                late_after = case when closure.nights.succeeded then closure.nights.late_after else excluded.late_after end,
                started_at = case when closure.nights.succeeded then closure.nights.started_at
                             else excluded.started_at end,
                finished_at = case when closure.nights.succeeded then closure.nights.finished_at end
            """
        ),
        {"on": on, "run": run_id, "at": at},
    )
    night = find(connection, on)
    assert night is not None
    return night


# Two that begin a night, or skip one, wait for each other; a stage at work does not wait for them.
_ONE_AT_A_TIME = "lock table closure.nights in share row exclusive mode"


def _keep_what_was(connection: Connection, on: date) -> None:
    """Keep how a night stood, before another run begins it: its row is then of that run alone. A success stays as it is."""
    connection.execute(
        text(
            """
            insert into closure.night_history (business_date, attempt_number, status, run_id, stage, reason, by_whom,
                                               extract_id, started_at, finished_at)
            select business_date, (select count(*) + 1 from closure.night_history h where h.business_date = :on), status,
                   run_id, stage, reason, by_whom, extract_id, started_at, finished_at
            from closure.nights where business_date = :on and not succeeded
            """
        ),
        {"on": on},
    )


def _end_slots_of_failed(connection: Connection, on: date) -> None:
    """Slots that still work on a night which another of them failed store nothing more, once a night of another date is begun."""
    connection.execute(
        text(
            "update closure.nights set attempt = attempt + 1 where business_date <> :on and status = 'FAILED' "
            "and failed_slots <> '{}'"
        ),
        {"on": on},
    )


def skip(connection: Connection, on: date, *, reason: str, by: str, at: datetime) -> None:
    """Say that a night which was rejected, or never run, will not be: it stands in nobody's way, and may be run late (R40).

    Raises NightRefused for one that is open, that succeeded, or that failed after its extract was taken in: what it has done so
    far must be brought to its end.
    """
    connection.exec_driver_sql(_ONE_AT_A_TIME)
    night = find(connection, on)
    if night is not None and not night.can_be_skipped:
        why, instead = (
            (f"it is open (run {night.run_id}, stage {night.stage})", "Let it end, or run it again.")
            if night.status == OPEN
            else ("it succeeded", "There is nothing to skip.")
            if night.succeeded
            else (
                f"it {_ENDED[night.status]} after its extract was taken in (run {night.run_id}, stage {night.stage})",
                f"Mend the cause and run the night of {on} again: it goes on where it stopped.",
            )
        )
        raise NightRefused(f"The night of {on} was not skipped: {why}. {instead}")
    _keep_what_was(connection, on)
    connection.execute(
        text(
            """
            insert into closure.nights (business_date, status, run_id, reason, by_whom, started_at, finished_at)
            values (:on, 'SKIPPED', 'skipped by hand', :reason, :by, :at, :at)
            on conflict (business_date) do update
            set status = excluded.status, run_id = excluded.run_id, stage = null, reason = excluded.reason,
                by_whom = excluded.by_whom, started_at = excluded.started_at, finished_at = excluded.finished_at
            """
        ),
        {"on": on, "reason": reason, "by": by, "at": at},
    )


_ENDED = {REJECTED: "was rejected", FAILED: "failed", SKIPPED: "was skipped"}


def _refuse_out_of_turn(connection: Connection, on: date) -> None:
    other = connection.execute(
        text(
            """
            select business_date, status, run_id, stage, manifest_sha256 is not null from closure.nights
            where business_date <> :on
              and (status = 'OPEN' or (status in ('FAILED', 'REJECTED') and business_date < :on))
            order by business_date limit 1
            """
        ),
        {"on": on},
    ).first()
    if other is None:
        return
    day, status, run, stage, taken_in = other
    if status == OPEN:
        raise NightRefused(
            f"The night of {on} was not started: the night of {day} is still open (run {run}, stage {stage}). "
            f"Let it finish; if its process is gone, run the night of {day} again: it goes on where it stopped."
        )
    or_skip = (
        ""
        if taken_in
        else f" If its extract will never be sent right, skip it: case-closure night skip --date {day} --reason TEXT --by NAME."
    )
    raise NightRefused(
        f"The night of {on} was not started: the night of {day} {_ENDED[status]} (run {run}, stage {stage}) and nights go in "
        f"date order. Mend it and run the night of {day} again first.{or_skip}"
    )


def enter(connection: Connection, on: date, run_id: str, stage: str, at: datetime) -> Night:
    """Prove that this run may work on the night before a stage does, and note the stage; returns the night as it then is.

    From here on an attempt that was begun before can store nothing more, of whatever run and stage (``hold_open``). A night
    that failed is opened again by the run that enters it, as when its red task is cleared, and begins then; one that succeeded
    stays a success while a stage of it is run again. Raises NightRefused when it was never opened, or was skipped since,
    another run holds it, or it is not its turn.
    """
    night = find(connection, on, lock="update")
    if night is None or night.status == SKIPPED:
        raise NightRefused(
            f"Stage {stage} was not run: the night of {on} {'was never opened' if night is None else 'was skipped'}. Start it "
            "from its first stage, open_night."
        )
    if night.status == OPEN and night.run_id != run_id:
        raise NightRefused(
            f"Stage {stage} was not run: the night of {on} is held by run {night.run_id}, which took it over from {run_id}."
        )
    if night.status != OPEN:
        _refuse_out_of_turn(connection, on)
        _end_slots_of_failed(connection, on)
        _keep_what_was(connection, on)
    # Another run goes on from the extract alone, and from nothing that was concluded of it.
    row = connection.execute(
        text(
            f"""
            update closure.nights set stage = :stage, stage_done = false, run_id = :run, reason = null, attempt = attempt + 1,
                   judged_attempt = case when run_id = :run then judged_attempt end,
                   law_held = law_held and :stage in ('write_out', 'close_night'), failed_slots = '{{}}',
                   status = case when status = 'SUCCESS' then status else 'OPEN' end,
                   started_at = case when status in ('OPEN', 'SUCCESS') then started_at else :at end,
                   finished_at = case when succeeded then finished_at end
            where business_date = :on returning {_COLUMNS}
            """  # noqa: S608
        ),
        {"on": on, "stage": stage, "run": run_id, "at": at},
    ).one()
    return Night(*row)


def is_at(connection: Connection, on: date, run_id: str, stage: str) -> bool:
    """Whether this run has begun that stage of the night, last of all, and did not end it."""
    night = find(connection, on)
    return night is not None and (night.run_id, night.stage, night.stage_done) == (run_id, stage, False)


def join(
    connection: Connection, on: date, run_id: str, stage: str, planned: int | None, slot: int, at: datetime
) -> Night:
    """Prove that this run is at that stage, and may work on parts of it; the stage was begun when its parts were planned.

    ``planned``: the attempt that planned them; None when nobody did. A night that this slot had failed is open again, and begins
    then, unless others have failed it too; one that others alone have failed stays so, and this slot's parts are worked on all
    the same. Raises NightRefused otherwise.
    """
    night = find(connection, on)
    if night is not None and night.status == FAILED:
        night = find(connection, on, lock="update")  # slots are begun side by side
    # A plan of no parts was done as soon as it was made.
    attempt = night.attempt if night is not None and planned is None and night.stage_done else planned
    at_it = night is not None and (night.run_id, night.stage, night.attempt) == (run_id, stage, attempt)
    if night is not None and at_it and night.status == FAILED:
        _refuse_out_of_turn(connection, on)
        still_failed = [failed for failed in night.failed_slots if failed != slot]
        if not still_failed:
            _keep_what_was(connection, on)
        return _go_on(connection, night, still_failed, at)
    if night is None or not at_it or night.status not in (OPEN, SUCCESS):
        stands = (
            "it was never opened"
            if night is None
            else f"run {night.run_id} is at stage {night.stage} of it, attempt {night.attempt}"
        )
        raise NightRefused(
            f"Stage {stage} of the night of {on} was not worked on by run {run_id}: {stands}, and its parts are "
            f"{'not planned' if planned is None else f'those of attempt {planned}'}. Clear the task {stage}.plan with what "
            "follows it."
        )
    return night


def _go_on(connection: Connection, night: Night, still_failed: list[int], at: datetime) -> Night:
    """A night that slots had failed, of which these alone have not been begun again: with none it is open, and begins now."""
    connection.execute(
        text("update closure.nights set failed_slots = :failed where business_date = :on"),
        {"on": night.business_date, "failed": still_failed},
    )
    if still_failed:
        return replace(night, failed_slots=still_failed)
    connection.execute(
        text(
            "update closure.nights set status = 'OPEN', reason = null, started_at = :at, finished_at = null "
            "where business_date = :on"
        ),
        {"on": night.business_date, "at": at},
    )
    return replace(night, status=OPEN, reason=None, failed_slots=[])


def note_law(connection: Connection, on: date) -> None:
    """The money law holds; so it stays until a stage that could change something is begun."""
    connection.execute(
        text("update closure.nights set law_held = true where business_date = :on"), {"on": on}
    )


def begin_judging(connection: Connection, on: date, attempt: int) -> None:
    """The stages that follow go on from what this attempt concludes, and from no other."""
    connection.execute(
        text("update closure.nights set judged_attempt = :attempt where business_date = :on"),
        {"on": on, "attempt": attempt},
    )


def dates(connection: Connection, on: date) -> NightDates:
    """The dates the night is judged by: in its turn its own; run late, its own and the latest known of then (R39).

    A rerun of a night that succeeded is judged as of the latest that did: otherwise running an old night again would undo what
    the dates since have decided (R21). Straight after a late night it is judged by the same two dates as at first.
    """
    row = connection.execute(
        text(
            "select succeeded, late_after, (select max(business_date) from closure.nights where succeeded) "
            "from closure.nights where business_date = :on"
        ),
        {"on": on},
    ).first()
    if row is None:
        return NightDates.in_turn(on)
    succeeded, late_after, last = row
    known: date = max(on, late_after or on)
    latest: date = max(known, last) if succeeded else known
    return NightDates(on if latest == known else latest, latest)


def begun(connection: Connection) -> list[date]:
    """Every date that a night was begun of, or that was skipped; none in a store that nobody has used."""
    there = connection.execute(text("select to_regclass('closure.nights')")).scalar()
    rows = connection.execute(text("select business_date from closure.nights")) if there else ()
    return [on for (on,) in rows]


def latest_success(connection: Connection) -> date | None:
    """The latest business date that succeeded."""
    found: date | None = connection.execute(
        text("select max(business_date) from closure.nights where succeeded")
    ).scalar_one()
    return found


def others_unfinished(connection: Connection, on: date) -> bool:
    """Whether a night of another date has taken in an extract and has not succeeded."""
    unfinished = "business_date <> :on and not succeeded and manifest_sha256 is not null"
    query = text(f"select exists (select from closure.nights where {unfinished})")  # noqa: S608
    return bool(connection.execute(query, {"on": on}).scalar_one())


def is_first_of_its_week(connection: Connection, on: date) -> bool:
    """Whether no earlier night of its week, from Monday, has succeeded."""
    earlier = (
        "succeeded and business_date >= date_trunc('week', cast(:on as timestamp)) and business_date < :on"
    )
    query = text(f"select not exists (select from closure.nights where {earlier})")  # noqa: S608
    return bool(connection.execute(query, {"on": on}).scalar_one())


def refuse_while_open(connection: Connection, what: str) -> None:
    """Raises NightRefused while a night is open; none is begun until the transaction ends ([23])."""
    connection.exec_driver_sql("lock table closure.nights in share mode")
    row = connection.execute(
        text(
            "select business_date, run_id, stage from closure.nights where status = 'OPEN' order by 1 limit 1"
        )
    ).first()
    if row is not None:
        raise NightRefused(
            f"{what}: the night of {row[0]} is open (run {row[1]}, stage {row[2]}). Nothing was changed; do it again when it has "
            "ended."
        )


def printed_on(connection: Connection, on: date) -> date:
    """The date that stands on the night's letters: the latest business date that succeeded, never before its own (R39)."""
    found: date | None = connection.execute(
        text("select max(business_date) from closure.nights where succeeded")
    ).scalar_one()
    return max(on, found or on)


def hold_open(
    connection: Connection, on: date, run_id: str, stage: str, attempt: int, *, beside_others: bool = False
) -> Night:
    """Prove that this attempt holds the night, and keep it so until the transaction ends: nobody can take it over meanwhile.

    Several transactions of one attempt may do this at once. ``beside_others``: of a slot, which goes on when another slot has
    failed the night. Raises NightRefused when another has been begun since: the process that was thought dead, and is not, stores
    nothing more.
    """
    night = find(connection, on, lock="share")
    held = (OPEN, SUCCESS, FAILED) if beside_others else (OPEN, SUCCESS)
    if night is None or night.status not in held or night.run_id != run_id:
        raise NightRefused(f"Stage {stage} stopped: the night of {on} is no longer held by run {run_id}.")
    if night.attempt != attempt:
        raise NightRefused(
            f"Stage {stage} stopped: attempt {attempt} at the night of {on} was taken over by attempt {night.attempt} "
            f"(stage {night.stage}). What it had stored of whole parts stands, and it stores nothing more."
        )
    return night


def holder(connection: Connection) -> str:
    """Which night and run is being worked on, in words."""
    row = connection.execute(
        text(
            "select business_date, run_id, stage from closure.nights where status = 'OPEN' order by business_date limit 1"
        )
    ).first()
    return f"night of {row[0]}, run {row[1]}, stage {row[2]}" if row else "a night that is only starting"


def record_extract(connection: Connection, on: date, extract_id: str, manifest_sha256: str) -> int:
    """Note the extract this night applies; returns its number among the extracts of that date."""
    connection.execute(text("delete from closure.gate_results where business_date = :on"), {"on": on})
    shares.forget(connection, shares.GATE, on)
    return int(
        connection.execute(
            text(
                "update closure.nights set extract_id = :extract, manifest_sha256 = :sha, extract_number = extract_number + 1, "
                "judged_attempt = null, extract_order = 1 + (select coalesce(max(extract_order), 0) from closure.nights) "
                "where business_date = :on returning extract_number"
            ),
            {"on": on, "extract": extract_id, "sha": manifest_sha256},
        ).scalar_one()
    )


def leave(connection: Connection, on: date, attempt: int) -> None:
    """Note that the stage this attempt was begun for has ended well; of an attempt that was taken over it says nothing."""
    connection.execute(
        text("update closure.nights set stage_done = true where business_date = :on and attempt = :attempt"),
        {"on": on, "attempt": attempt},
    )


def record_failure(
    connection: Connection,
    on: date,
    run_id: str,
    status: str,
    stage: str,
    reason: str,
    at: datetime,
    *,
    attempt: int,
    reached: Sequence[str],
    slot: int | None = None,
) -> bool:
    """Mark the night FAILED or REJECTED, if it is open and what failed still holds it; returns whether it was.

    ``attempt``: the one that failed. 0 when that is not known, as of a stage that never began or whose process was ended from
    outside: then it is the stage that must not have been passed, nor done. ``reached``: that stage and those before it.
    A night that had succeeded stays a success: what failed was a rerun, and everything it had done stands. ``slot``: the one that
    failed, of those side by side; the night is failed until each that did is begun again.
    """
    if slot is not None:
        connection.execute(
            text(
                "update closure.nights set failed_slots = failed_slots || cast(:slot as integer) where business_date = :on "
                "and run_id = :run and status in ('OPEN', 'FAILED') and not succeeded and stage = :stage "
                "and (attempt = :attempt or :attempt = 0 and not stage_done) and not :slot = any(failed_slots)"
            ),
            {"on": on, "run": run_id, "stage": stage, "attempt": attempt, "slot": slot},
        )
    return bool(
        connection.execute(
            text(
                """
                update closure.nights
                set status = case when succeeded then 'SUCCESS' else :status end, stage = :stage, reason = :reason,
                    finished_at = case when succeeded then finished_at else :at end
                where business_date = :on and run_id = :run and status = 'OPEN'
                  and (attempt = :attempt or :attempt = 0 and stage = any(:reached) and not (stage = :stage and stage_done))
                """
            ),
            {"on": on, "run": run_id, "status": status, "stage": stage, "reason": reason, "at": at, "attempt": attempt,
             "reached": list(reached)},
        ).rowcount
    )  # fmt: skip


def close(connection: Connection, on: date, at: datetime) -> None:
    """Count the night's figures and mark it SUCCESS. Its times are those of the run that first brought it so far.

    Those of its date are counted whenever it is closed, and what has been resolved since on a later date with them. What is
    as of the end of the night (what was received and what was held) stands once another night has followed, of a later date or
    late.
    """
    followed = text(
        "select exists (select from closure.nights n, closure.nights o where o.business_date = :on and n.succeeded "
        "and n.business_date <> :on and (n.business_date > :on or n.extract_order > o.extract_order))"
    )
    night = find(connection, on)
    stands = night is not None and night.succeeded and connection.execute(followed, {"on": on}).scalar_one()
    changes = _OF_THE_DATE if stands else (*_OF_THE_DATE, *_AS_OF_ITS_END)
    sets = ", ".join(f"{name} = excluded.{name}" for name in changes)
    connection.execute(text(f"{_FIGURES} on conflict (business_date) do update set {sets}"), {"on": on})
    connection.execute(text(_RESOLVED_LATER), {"on": on})
    connection.execute(
        text(
            "update closure.nights set status = 'SUCCESS', stage = 'close_night', reason = null, succeeded = true, "
            "finished_at = case when succeeded then finished_at else :at end where business_date = :on"
        ),
        {"on": on, "at": at},
    )


# A sum past int64, which no money is, is shown as the largest int64: a hostile row must not stop the night.
_FITTED = "greatest(least(coalesce(sum({}), 0), 9223372036854775807), -9223372036854775808)::bigint"
_NINE = " + ".join(f"coalesce(b.{bucket.column}, 0)::numeric" for bucket in BUCKETS)
_OF_THE_DATE = ("posted_pence", "exceptions_opened", "exceptions_resolved", "letters_issued")
_AS_OF_ITS_END = ("casegroups_received", "received_pence", "held_pence", "held_number")


def _rows_of(night: str, on: str | None = None) -> str:
    """The balance rows ``b`` of the extract that a night (an alias of closure.nights) applied. ``on``: its date, where that is
    known: PostgreSQL then knows too how few of the book they are."""
    day = on or f"{night}.business_date"
    files = " union all ".join(
        f"select * from held.{file} where business_date = {day} and extract_number = {night}.extract_number"  # noqa: S608
        for file in ("csa_balances", "clerical_balances")
    )
    return f"({files}) b"


# Resolved on a date: its last event of that date says so. From events, which are only added to; what a row says now may be of
# a later night.
_RESOLVED = """
    select v.business_date, v.exception_id from closure.exception_events v
    where v.event = 'RESOLVED' and {where} and not exists (
        select from closure.exception_events l where l.exception_id = v.exception_id and l.business_date = v.business_date
        and l.event_number > v.event_number)
"""
# Of all casegroups, ordinary and sensitive together; SENSITIVE_PARTS has what is not ordinary (R42).
_FIGURES = f"""
    insert into closure.night_figures (business_date, {", ".join((*_OF_THE_DATE, *_AS_OF_ITS_END))})
    select n.business_date,
           (select {_FITTED.format("posted_pence")} from closure.dues where business_date = :on),
           (select count(*) from closure.exceptions where business_date = :on and severity = 'HOLD'),
           (select count(*) from ({_RESOLVED.format(where="v.business_date = :on")}) r),
           (select count(*) from closure.letters where business_date = :on and status = 'ISSUED'),
           received.casegroups, received.pence,
           (select {_FITTED.format("held_pence")} from closure.positions where held_pence <> 0),
           (select coalesce(max(number), 0) from closure.held_history)
    from closure.nights n
    cross join lateral (select count(distinct b.casegroup_id) as casegroups, {_FITTED.format(_NINE)} as pence
                        from {_rows_of("n", ":on")}) received
    where n.business_date = :on
"""  # noqa: S608
_RESOLVED_LATER = f"""
    update closure.night_figures f set exceptions_resolved = r.resolved
    from (select business_date, count(*) as resolved from ({_RESOLVED.format(where="v.business_date > :on")}) e group by 1) r
    where f.business_date = r.business_date and f.exceptions_resolved <> r.resolved
"""  # noqa: S608

_HIDDEN_ROW = f"""(
    coalesce((b.csa_system, b.csa_case_id) in (select csa_system, csa_case_id from cases), false)
    or {sensitive.of_casegroup("b.casegroup_id")} and not exists (
        select from held.csa_cases h where h.csa_system = b.csa_system and h.csa_case_id = b.csa_case_id offset 0))"""  # noqa: S608
# Of a night, the part of its figures that is of casegroups that are sensitive now, whatever they were then.
# ``casegroups_apart``: those named by sensitive rows alone. Nothing of it is stored, so nothing has to be
# moved when a casegroup becomes or ceases to be sensitive.
_ARRIVED = " union all ".join(
    f"select b.business_date, b.extract_number, b.casegroup_id, {_NINE} as pence, {_HIDDEN_ROW} as hidden "  # noqa: S608
    f"from {few} f cross join lateral (select * from held.{file} b where {which} offset 0) b"
    for file in ("csa_balances", "clerical_balances")
    for few, which in (
        ("touched", "b.casegroup_id = f.casegroup_id"),
        (
            "cases",
            "b.csa_system = f.csa_system and b.csa_case_id = f.csa_case_id and b.casegroup_id is null",
        ),
    )
)
_TOUCHED = " union ".join(
    f"select b.casegroup_id from cases c cross join lateral (select * from held.{file} b "  # noqa: S608
    "where b.csa_system = c.csa_system and b.csa_case_id = c.csa_case_id and b.casegroup_id is not null offset 0) b"
    for file in ("csa_balances", "clerical_balances")
)


def _theirs(table: str, columns: str, beside: str = "") -> str:
    """The rows of a table that ``sensitive.of_row`` tells by what they name, found by index: few of a book of a million.

    ``beside``: what an index has of the case ``c``, where it has not the case itself. One by one (``offset 0``), as above: the
    server would sooner read all of a table than believe how few they are.
    """
    return (
        f"select {columns} from closure.{table} t join closure.sensitive_casegroups using (casegroup_id) union "  # noqa: S608
        f"select {columns} from cases c cross join lateral (select * from closure.{table} t "
        f"where t.csa_system = c.csa_system and t.csa_case_id = c.csa_case_id{beside} offset 0) t"
    )


_BY_REMAINDER = f" and {REMAINDER.format('t.csa_case_id')} = {REMAINDER.format('c.csa_case_id')}"
SENSITIVE_PARTS = f"""
    with cases as materialized (select csa_system, csa_case_id from closure.sensitive_cases),
    touched as materialized (select casegroup_id from closure.sensitive_casegroups union {_TOUCHED}),
    arrived as materialized ({_ARRIVED}),
    received as materialized (
        select business_date, count(*) filter (where casegroup_id is not null and some_hidden) as casegroups,
               count(*) filter (where casegroup_id is not null and all_hidden) as casegroups_apart,
               {_FITTED.format("hidden_pence")} as pence
        from (select a.business_date, a.casegroup_id, bool_or(a.hidden) as some_hidden, bool_and(a.hidden) as all_hidden,
                     sum(a.pence) filter (where a.hidden) as hidden_pence
              from arrived a join closure.nights n using (business_date, extract_number) group by 1, 2) r
        group by 1),
    posted as materialized (
        select business_date, {_FITTED.format("posted_pence")} as pence
        from ({_theirs("dues", "t.due_id, t.business_date, t.posted_pence")}) d group by 1),
    issued as materialized (
        select business_date, count(*) filter (where status = 'ISSUED') as letters
        from ({_theirs("letters", "t.letter_id, t.business_date, t.status", _BY_REMAINDER)}) l group by 1),
    theirs as materialized (
        {_theirs("exceptions", "t.exception_id, t.business_date, t.severity", _BY_REMAINDER)}
        union
        select e.exception_id, e.business_date, e.severity
        from (select * from closure.exceptions where {OF_NOBODY}) e where {sensitive.of_exception("e")}),
    opened as materialized (
        select business_date, count(*) as exceptions from theirs where severity = 'HOLD' group by 1),
    resolved as materialized (
        select r.business_date, count(*) as exceptions
        from ({_RESOLVED.format(where="v.exception_id in (select exception_id from theirs)")}) r group by 1)
    select n.business_date, coalesce(received.casegroups, 0) as casegroups_received,
           coalesce(received.casegroups_apart, 0) as casegroups_apart, coalesce(received.pence, 0) as received_pence,
           coalesce(posted.pence, 0) as posted_pence, coalesce(held.pence, 0) as held_pence,
           coalesce(opened.exceptions, 0) as exceptions_opened, coalesce(resolved.exceptions, 0) as exceptions_resolved,
           coalesce(issued.letters, 0) as letters_issued
    from closure.nights n join closure.night_figures f using (business_date)
    left join received using (business_date) left join posted using (business_date) left join issued using (business_date)
    left join lateral (
        select {_FITTED.format("h.held_pence")} as pence from closure.sensitive_casegroups s
        cross join lateral (select k.held_pence from closure.held_history k
                            where k.casegroup_id = s.casegroup_id and k.number <= f.held_number
                            order by k.number desc limit 1) h) held on true
    left join opened using (business_date) left join resolved using (business_date)
"""  # noqa: S608


def record_gate_results(
    connection: Connection,
    on: date,
    tallies: Mapping[str, Mapping[str, tuple[int, int]]],
    *,
    attempt: int = 0,
    part: int = 0,
) -> None:
    """Store, for each rule of each suite, rows judged and failed in that part, ordinary and sensitive together.

    Parts of one attempt add up. A night that goes on after a kill judges only what had not completed: the fullest count of
    several attempts at its extract stands. ``shares.set_apart`` sets apart what is sensitive, once all is counted.
    """
    rows = [
        (suite, rule, judged, failed)
        for suite, tally in tallies.items()
        for rule, (judged, failed) in tally.items()
    ]
    if not rows:
        return
    suites, rules, judged_rows, failed_rows = map(list, zip(*rows, strict=True))
    connection.execute(
        text(
            """
            insert into closure.gate_results (business_date, suite, rule_code, attempt, part, judged_rows, failed_rows)
            select :on, t.suite, t.rule, :attempt, :part, t.judged, t.failed
            from unnest(cast(:suites as text[]), cast(:rules as text[]), cast(:judged as bigint[]), cast(:failed as bigint[]))
                 t (suite, rule, judged, failed)
            -- A late night lists the rules it had rows for, so that one that brings nothing adds nothing (R39).
            where t.judged <> 0
               or not exists (select from closure.nights where business_date = :on and late_after is not null)
            on conflict (business_date, suite, rule_code, attempt, part)
            do update set judged_rows = greatest(gate_results.judged_rows, excluded.judged_rows),
                          failed_rows = greatest(gate_results.failed_rows, excluded.failed_rows)
            """
        ),
        {"on": on, "attempt": attempt, "part": part, "suites": suites, "rules": rules, "judged": judged_rows,
         "failed": failed_rows},
    )  # fmt: skip


def suites_counted(connection: Connection, on: date, attempt: int) -> list[str]:
    """The suites of which that attempt counted rows, or listed the rules."""
    return list(
        connection.execute(
            text(
                "select distinct suite from closure.gate_results where business_date = :on and attempt = :attempt order by 1"
            ),
            {"on": on, "attempt": attempt},
        ).scalars()
    )


def set_apart(connection: Connection, on: date, suites: Iterable[str]) -> None:
    """Set apart what is sensitive of the results of these suites, once all of them are stored (R42)."""
    shares.set_apart(connection, shares.GATE, on, suites)

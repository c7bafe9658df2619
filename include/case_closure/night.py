"""The night's shell: for each stage, gather what it needs, let it conclude, and commit.

Belongs here: the order of stages, what is stored after each, and the guard every stage passes.
Does not belong here: what a stage is given and how that is judged (``judging``), rules of the domain (``stages``), SQL
(``store``), Airflow (``dags``). DAGs, the command line and the tests all call :func:`run_stage`.

Receiving holds the whole extract in one transaction. What is then judged is cut into parts of casegroups, and
all that belongs to one casegroup is stored in one transaction, by ``decide_next_action``; the stages before it hand
on what they concluded in the store. So a night may be killed anywhere: the same command finishes it.
"""

from __future__ import annotations

import contextlib
import importlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from case_closure import attempts, faults, judging
from case_closure.domain.rules import RULES
from case_closure.domain.texts import printable_lines, shown
from case_closure.folders import why_not_apart
from case_closure.landing import criteria, landed
from case_closure.landing.manifest import landed_sha256, verify
from case_closure.landing.reading import Landing
from case_closure.landing.rejection import LandingRejected
from case_closure.outbound import folder
from case_closure.outbound.letters.contents import LetterIncomplete
from case_closure.parallel import in_parts, over_parts
from case_closure.settings import Settings
from case_closure.stages import (
    follow_closure,
    gate_payments,
    take_applications,
)
from case_closure.stages.findings import none as no_findings
from case_closure.stages.frames import Frames
from case_closure.store import (
    applications,
    casegroups,
    database,
    embedded,
    history,
    journeys,
    nights,
    outgoing,
    payments,
    posting,
    queries,
    replacing,
    reports,
    sensitive,
    shares,
    tranches,
    work_in_progress,
)
from case_closure.store.database import Connection
from case_closure.store.transient import is_transient
from case_closure.store.work_in_progress import Judgement

STAGES: tuple[str, ...] = (
    "open_night",
    "verify_landing",
    "receive_extract",
    "select_tranche",
    "take_applications",
    "follow_closure",
    "receive_balances",
    "set_up_cases",
    "post_dues",
    "decide_next_action",
    "gate_payments",
    "check_money_law",
    "write_out",
    "close_night",
)

# Before these nothing was taken in.
_ON_WHAT_WAS_TAKEN_IN = STAGES[STAGES.index("select_tranche") :]

NightRefused = nights.Refused


class NightFailed(Exception):
    """The night cannot go on; the message says why and what to do."""


class MachineFault(NightFailed):
    """The machine failed it: what, where and what to do are in the message. ``passes``: it may be over by itself."""

    def __init__(self, message: str, *, passes: bool) -> None:
        super().__init__(message)
        self.passes = passes


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class NightContext:
    """One run of one night. ``landing`` and ``outbound`` hold a folder a business date; any pathlib-like path.

    ``attempt`` is given by the store when a stage begins; 0 before that, and where it is not known.
    """

    business_date: date
    run_id: str
    landing: Any
    outbound: Any
    settings: Settings
    clock: Callable[[], datetime] = field(default=_now)
    attempt: int = 0


Summary = dict[str, int | str]
_ASIDE = "outbound-"


def store_url(settings: Settings) -> str:
    """The SQLAlchemy URL of the store in use, starting the embedded server if it is not running."""
    return embedded.store_url(settings)


def run_stage(stage: str, ctx: NightContext) -> Summary:
    """Run one stage of a night; running it again changes nothing that was right.

    Raises NightRefused (the night is not this run's to work on), LandingRejected (R22), NightFailed; of it MachineFault.
    """
    try:
        return _run_alone(stage, ctx)
    except (NightRefused, LandingRejected, NightFailed):
        raise
    except Exception as error:
        words = faults.in_words(error, ctx.settings)
        if words is None:
            raise
        raise MachineFault(
            f"Stage {stage} of the night of {ctx.business_date} stopped. {words}",
            passes=is_transient(error),
        ) from error


def _run_alone(stage: str, ctx: NightContext) -> Summary:
    url = store_url(ctx.settings)
    try:
        with database.lock(url, database.STAGE_LOCK):
            if stage != STAGES[0]:
                with database.transaction(url) as connection:
                    attempt = nights.enter(connection, ctx.business_date, ctx.run_id, stage, ctx.clock())
                ctx = replace(ctx, attempt=attempt)
            try:
                if stage in _ON_WHAT_WAS_TAKEN_IN:
                    _prove_still_landed(ctx, url, stage)
                told = _STAGES[stage](ctx, url)
            except Exception as error:
                attempts.mark(error, ctx.attempt)
                raise
            with database.transaction(url) as connection:
                nights.leave(connection, ctx.business_date, ctx.attempt)
            return told
    except database.LockTaken:
        with database.transaction(url) as connection:
            holder = nights.holder(connection)
        raise NightRefused(
            f"Stage {stage} of the night of {ctx.business_date} was not run: another stage is running now ({holder}). "
            "Nothing was changed; run it again when that has ended."
        ) from None


def _prove_still_landed(ctx: NightContext, url: str, stage: str) -> None:
    """What was taken in is what is landed now; else nothing more is made of it. A folder that has gone says nothing."""
    on = ctx.business_date
    with database.transaction(url) as connection:
        night = nights.find(connection, on)
    landed_now = landed_sha256(ctx.landing / on.isoformat())
    if night and night.manifest_sha256 and landed_now and night.manifest_sha256 != landed_now:
        raise _fail(
            ctx, stage,
            f"Stage {stage} of the night of {on} was not run: another extract was landed since one was taken in. "
            + ("The night has succeeded, and is not changed: put the first extract back, or land what is new under a later "
               "business date." if night.succeeded else "Run the night again from its first stage, open_night."),
        )  # fmt: skip


def record_failure(ctx: NightContext, stage: str, reason: str) -> None:
    """Mark the night FAILED, when the attempt that failed holds it. What it stored stands; the same date run again goes on.

    Where ``ctx`` does not know the attempt: when nobody is at work on the night, and it has not come past that stage.
    """
    if ctx.attempt:
        _record(ctx, nights.FAILED, stage, reason)
        return
    with contextlib.suppress(database.LockTaken), database.lock(store_url(ctx.settings), database.STAGE_LOCK):
        _record(ctx, nights.FAILED, stage, reason)


def _record(ctx: NightContext, status: str, stage: str, reason: str) -> None:
    with database.transaction(store_url(ctx.settings)) as connection:
        nights.record_failure(
            connection, ctx.business_date, ctx.run_id, status, stage, printable_lines(reason), ctx.clock(),
            attempt=ctx.attempt, reached=STAGES[: STAGES.index(stage) + 1],
        )  # fmt: skip


def run_night(
    ctx: NightContext, progress: Callable[[str, Summary], None], stages: Sequence[str] = STAGES
) -> None:
    """All stages in one process, or some, in their order. ``progress`` is told each stage's summary as it ends."""
    for stage in stages:
        try:
            summary = run_stage(stage, ctx)
        except (NightRefused, LandingRejected):
            raise
        except Exception as error:
            failed = replace(ctx, attempt=attempts.ended_by(error))
            with contextlib.suppress(Exception):
                record_failure(
                    failed, stage, str(error).splitlines()[0] if str(error) else type(error).__name__
                )
            raise
        progress(stage, summary)


def _require_law(ctx: NightContext, night: nights.Night, stage: str) -> None:
    """Nothing goes out, and no night is closed, of which the money law was not found to hold."""
    if not night.law_held:
        raise NightRefused(
            f"Stage {stage} of the night of {ctx.business_date} was not run: the money law was not found to hold since the last "
            "stage that could change it. Run check_money_law first."
        )


@contextlib.contextmanager
def _entered(ctx: NightContext, url: str, stage: str) -> Iterator[tuple[Connection, nights.Night]]:
    """A transaction in which this attempt is known to hold the night, until it ends."""
    with database.transaction(url) as connection:
        yield connection, _hold_open(ctx, connection, stage)


def _hold_open(ctx: NightContext, connection: Connection, stage: str) -> nights.Night:
    return nights.hold_open(connection, ctx.business_date, ctx.run_id, stage, ctx.attempt)


def skip(settings: Settings, business_date: date, *, reason: str, by: str, at: datetime) -> None:
    """Put on record that this night will not be (R40). Raises NightRefused when it has begun to change things."""
    url = store_url(settings)
    database.migrate(url)
    with database.transaction(url) as connection:
        nights.skip(connection, business_date, reason=reason, by=by, at=at)


def summary(settings: Settings, business_date: date) -> queries.NightSummary:
    """What stands after a night, for its closing table. Raises LookupError when it was never started."""
    with database.transaction(store_url(settings)) as connection:
        return queries.night_summary(connection, business_date)


def check_gates(landing: Landing, settings: Settings) -> Iterator[tuple[str, str, int]]:
    """The gates that need nothing but the night's own files, run on them: (file, rule code, rows that fail).

    Applies nothing. Rules that compare with what is held, or wait for a casegroup to be ready, are judged by the
    night alone.
    """
    from case_closure import receiving

    return receiving.check_files(landing, settings.balance_implausible_pence)


def check_resolutions(landing: Landing) -> Iterator[tuple[str, str]]:
    """(file, what is wrong) for each resolution that nothing could be made of, from the files alone."""
    from case_closure import receiving

    return receiving.check_resolutions(landing)


# --- the stages


def _open_night(ctx: NightContext, url: str) -> Summary:
    in_the_way = why_not_apart(ctx.landing, ctx.outbound)
    if in_the_way is not None:
        raise NightRefused(
            f"The night of {ctx.business_date} was not begun: {in_the_way} (landing {shown(ctx.landing, 400)}, outbound "
            f"{shown(ctx.outbound, 400)}), and writing out would replace what was landed. Give another folder as outbound."
        )
    try:
        landed.require_folder(ctx.landing, ctx.business_date)
    except landed.NothingLanded as nothing:
        raise NightRefused(f"The night of {ctx.business_date} was not begun. {nothing}") from None
    database.migrate(url)
    _clear_leftovers(ctx)
    with database.transaction(url) as connection:
        night = nights.open_night(connection, ctx.business_date, ctx.run_id, ctx.clock())
    return {"run": "a rerun" if night.succeeded else "a first run"}


def _clear_leftovers(ctx: NightContext) -> None:
    """Folders that a run killed while it wrote out has left: no other can be writing now."""
    for left in (ctx.settings.home / "work").glob(f"{_ASIDE}*"):
        shutil.rmtree(left, ignore_errors=True)
    folder.clear_leftovers(ctx.outbound)


def _verified(ctx: NightContext, *, every_value: bool) -> Landing:
    """The night's extract, proven to agree with its manifest; else the night is rejected whole (R22).

    Every value is read once, before any stage works; receiving proves again by the hashes that it holds what was verified.
    """
    try:
        return verify(ctx.landing / ctx.business_date.isoformat(), ctx.business_date, every_value=every_value)
    except LandingRejected as rejected:
        _record(ctx, nights.REJECTED, "verify_landing", str(rejected))
        raise


def _verify_landing(ctx: NightContext, url: str) -> Summary:
    with _entered(ctx, url, "verify_landing") as (_, night):
        pass
    landing = _verified(ctx, every_value=True)
    if night.succeeded and night.manifest_sha256 != landing.manifest_sha256:
        raise _fail(
            ctx, "verify_landing",
            f"The night of {ctx.business_date} succeeded from another extract than the one that lies in the landing folder now "
            f"({shown(landing.extract_id)}). A night that succeeded is not changed: put the first extract back, or land what is "
            "new under a later business date.",
        )  # fmt: skip
    return {
        "extract": shown(landing.extract_id),
        "files": len(landing.files),
        "rows": sum(file.rows for file in landing.files),
    }


def _fail(ctx: NightContext, stage: str, reason: str) -> NightFailed:
    record_failure(ctx, stage, reason)
    return NightFailed(reason)


def _receive_extract(ctx: NightContext, url: str) -> Summary:
    on = ctx.business_date
    # Not inside the transaction below: a rejection is recorded on the row that holds.
    with _entered(ctx, url, "receive_extract"):
        pass
    landing = _verified(ctx, every_value=False)
    with _entered(ctx, url, "receive_extract") as (connection, night):
        read = unheard = 0
        if night.manifest_sha256 != landing.manifest_sha256:
            from case_closure import receiving

            number = nights.record_extract(connection, on, landing.extract_id, landing.manifest_sha256)
            read, unheard = receiving.hold_extract(connection, landing, number)
    # Only when there are any: it asks for somebody's eye.
    told: Summary = {"rows_held": read}
    return told | {"resolutions_that_changed_nothing": unheard} if unheard else told


def _select_tranche(ctx: NightContext, url: str) -> Summary:
    """Criteria, selection, and what each selected commit together (B6)."""
    with _entered(ctx, url, "select_tranche") as (connection, night):
        if night.succeeded:
            return {"casegroups_selected": 0, "cases_selected": 0, "cases_joined": 0, "cases_moved": 0}
        if night.late:
            # Criteria are no part of its extract, and wait for a night in its turn with those they would select (R39).
            return dict(tranches.follow(connection, ctx.business_date))
    try:
        given = criteria.read(ctx.landing)
    except criteria.CriteriaInvalid as invalid:
        raise _fail(ctx, "select_tranche", str(invalid)) from None
    with _entered(ctx, url, "select_tranche") as (connection, _):
        tranches.record(
            connection,
            given or [],
            source=tranches.NIGHTLY_FILE,
            by=f"night of {ctx.business_date}",
            at=ctx.clock(),
        )
        return dict(tranches.select(connection, ctx.business_date))


def _take_applications(ctx: NightContext, url: str) -> Summary:
    on = pd.Timestamp(ctx.business_date).as_unit("s")
    with _entered(ctx, url, "take_applications") as (connection, night):
        # A rerun retries what is still open, and nothing else (R21).
        if night.succeeded:
            return {"applications": 0, "casegroups_moved": 0, "ltrs": 0}
        tonight = applications.tonight(connection, ctx.business_date)
        tonight |= applications.people(connection, tonight["applications"])
        made = take_applications.application_facts(tonight)
        answers = take_applications.response_facts(tonight)
        references = pd.concat([made["subject_reference"], answers["subject_reference"]])
        held = tonight | applications.standing(connection, made["casegroup_id"], references)
        broke = _judge_rows(connection, ctx, {"cms_applications": made, "ltr_responses": answers})
        decided = take_applications.conclude(made, answers, broke, held, on, _latest(connection, ctx))
        applications.store(connection, ctx.business_date, decided, late=night.late)
    return {
        "applications": len(decided["applications"]),
        "casegroups_moved": decided["end_liability"]["casegroup_id"].nunique(),
        "ltrs": len(decided["ltrs"]),
    }


def _follow_closure(ctx: NightContext, url: str) -> Summary:
    on = pd.Timestamp(ctx.business_date).as_unit("s")
    with _entered(ctx, url, "follow_closure") as (connection, night):
        if night.succeeded:
            return {"casegroups_moved": 0, "letters": 0}
        answers = journeys.answers(connection, ctx.business_date)
        told = follow_closure.answer_facts(answers)
        broke = _judge_rows(connection, ctx, {"clerical_letters": told})
        latest = _latest(connection, ctx)
        posting.store_exceptions(
            connection, ctx.business_date, follow_closure.refused(told, broke, answers, on, latest)
        )
        journeys.note_clerical_letters(connection, ctx.business_date)
        ids = journeys.to_look_at(connection, ctx.business_date, late=night.late)
    size = ctx.settings.partition_casegroups
    moved = letters = 0
    for start in range(0, len(ids), size):
        with _entered(ctx, url, "follow_closure") as (connection, _):
            held = journeys.gather(connection, ids[start : start + size])
            held = journeys.with_cis(connection, held, follow_closure.ninos(held))
            decided = follow_closure.conclude(held, on, latest)
            journeys.store(connection, ctx.business_date, decided)
        moved += len(decided["journeys"])
        letters += len(decided["letters"])
    return {"casegroups_moved": moved, "letters": letters}


def _latest(connection: Connection, ctx: NightContext) -> pd.Timestamp:
    """The latest business date known of: the night's own, unless it is run late or again."""
    return pd.Timestamp(nights.dates(connection, ctx.business_date).latest).as_unit("s")


def _judge_rows(connection: Connection, ctx: NightContext, frames: Frames) -> Frames:
    """Findings of the suite of each name over its frame; rule results kept. No rows need no gate, and no import of it."""
    broke = {}
    for name, frame in frames.items():
        tallies = judging.Tallies()
        if len(frame):
            from case_closure.gates import suites

            broke[name] = judging.judge(
                getattr(suites, name)(), frame, tallies, _hidden_of_none(connection, frame)
            )
        else:
            broke[name] = no_findings()
        nothing = {code: (0, 0) for code, rule in RULES.items() if rule.suite == name}
        _keep_shares(connection, ctx, tallies)
        nights.record_gate_results(
            connection, ctx.business_date, name, nothing | tallies.by_suite.get(name, {})
        )
    return broke


def _hidden_of_none(connection: Connection, frame: pd.DataFrame) -> np.ndarray:
    """Of rows of no casegroup, those that are sensitive by what they name: a letter, a case, a payer (R26)."""
    of_none = frame["casegroup_id"].isna()
    names = [frame[name].where(of_none) for name in ("subject_reference", "csa_case_id")]
    hidden = sensitive.named(connection, pd.concat(names).dropna())
    return np.logical_or.reduce([name.isin(hidden).to_numpy(bool) for name in names])


def _keep_shares(connection: Connection, ctx: NightContext, tallies: judging.Tallies) -> None:
    """What each casegroup has in the tallies, so that it can be told apart should it become sensitive (R42)."""
    for suite, kept in tallies.take_shares().items():
        shares.keep(connection, shares.GATE, ctx.business_date, suite, kept, attempt=ctx.attempt)


def _receive_balances(ctx: NightContext, url: str) -> Summary:
    on = ctx.business_date
    with _entered(ctx, url, "receive_balances") as (connection, night):
        ids = casegroups.to_judge(connection, on, rerun=night.succeeded, late=night.late)
        parts = in_parts(ids, ctx.settings.partition_casegroups, ctx.settings.workers)
        nights.begin_judging(connection, on, ctx.attempt)
        judgement = Judgement(on, night.extract_number, ctx.attempt)
        work_in_progress.begin(connection, judgement, parts)

    def work(number: int) -> judging.Tallies:
        tallies = judging.Tallies()
        received = judging.received(url, ctx.settings, on, parts[number], tallies)
        _save(ctx, url, judgement, "receive_balances", number, received, tallies)
        return tallies

    if parts:
        # Before any fork, so that the seconds it takes to import are spent once.
        importlib.import_module("case_closure.gates.suites")
    tallies = judging.Tallies.together(_over_parts(ctx, url, work, len(parts)))
    if not night.succeeded:
        _keep_tallies(ctx, url, "receive_balances", tallies, judging.receive_suites())
    return {"casegroups_judged": len(ids)}


def _set_up_cases(ctx: NightContext, url: str) -> Summary:
    judgement, parts, succeeded = _judged(ctx, url, "set_up_cases")
    with _entered(ctx, url, "set_up_cases") as (connection, _):
        dates = nights.dates(connection, ctx.business_date)
    if parts:
        importlib.import_module("case_closure.gates.suites")

    def work(number: int) -> tuple[judging.Tallies, int]:
        tallies = judging.Tallies()
        received = _loaded(ctx, url, judgement, "receive_balances", number, parts[number])
        made = judging.set_up(url, ctx.business_date, received, tallies)
        _save(ctx, url, judgement, "set_up_cases", number, made, tallies)
        return tallies, len(made["cms_cases"])

    done = _over_parts(ctx, url, work, len(parts))
    if not succeeded:
        together = judging.Tallies.together([tallies for tallies, _ in done])
        _keep_tallies(ctx, url, "set_up_cases", together, judging.set_up_suites(dates))
    return {"cases_set_up": sum(made for _, made in done)}


def _post_dues(ctx: NightContext, url: str) -> Summary:
    judgement, parts, _ = _judged(ctx, url, "post_dues")

    def work(number: int) -> tuple[int, int]:
        earlier = (
            _loaded(ctx, url, judgement, stage, number, parts[number])
            for stage in ("receive_balances", "set_up_cases")
        )
        posted = judging.posted(url, ctx.business_date, *earlier)
        _save(ctx, url, judgement, "post_dues", number, posted)
        return len(posted["dues"]), int(posted["dues"]["posted_pence"].sum())

    done = _over_parts(ctx, url, work, len(parts))
    return {"dues": sum(dues for dues, _ in done), "posted_pence": sum(pence for _, pence in done)}


def _decide_next_action(ctx: NightContext, url: str) -> Summary:
    """Decide and store, part by part: everything of one casegroup in one transaction (R7)."""
    judgement, parts, _ = _judged(ctx, url, "decide_next_action")
    counted = {
        "casegroups_changed": "casegroups", "letters": "letters", "work_items": "work_items",
        "exceptions_opened": "opened", "exceptions_resolved": "resolved",
    }  # fmt: skip

    def work(number: int) -> dict[str, int]:
        stages = ("receive_balances", "set_up_cases", "post_dues")
        received, set_up, posted = (
            _loaded(ctx, url, judgement, stage, number, parts[number]) for stage in stages
        )
        with _entered(ctx, url, "decide_next_action") as (connection, _):
            # Stored once in a judgement: what was concluded before it does not know of it.
            stored = work_in_progress.load(connection, judgement, "decide_next_action", number)
            if stored is not None:
                return dict(zip(counted, stored["counts"]["rows"].tolist(), strict=True))
            decided = judging.decided(connection, ctx.business_date, parts[number], received, set_up, posted)
            posting.store(connection, ctx.business_date, set_up, posted, decided)
            counts = {name: len(decided[frame]) for name, frame in counted.items()}
            told = {"counts": pd.DataFrame({"rows": list(counts.values())})}
            work_in_progress.save(connection, judgement, "decide_next_action", number, told)
        return counts

    done = _over_parts(ctx, url, work, len(parts))
    return {name: sum(counts[name] for counts in done) for name in counted}


def _gate_payments(ctx: NightContext, url: str) -> Summary:
    """Judge payment and correction rows; those that pass are held for the stages that use them."""
    on = ctx.business_date
    with _entered(ctx, url, "gate_payments") as (connection, night):
        # A rerun retries what is still open, and nothing else (R21).
        if night.succeeded and not payments.has_open_exceptions(connection, on):
            return {"payments_judged": 0, "corrections_judged": 0, "exceptions_opened": 0}
    from case_closure.gates import suites

    tallies = judging.Tallies()
    with _entered(ctx, url, "gate_payments") as (connection, night):
        # What other nights brought waits for a night in its turn (R21, R39).
        own = night.succeeded or night.late
        paid = gate_payments.payment_facts(payments.payments(connection, on, own=own))
        corrected = gate_payments.correction_facts(payments.corrections(connection, on, own=own))
        broke = {
            suite.name: judging.judge(suite, frame, tallies, _hidden_of_none(connection, frame))
            for suite, frame in ((suites.csa_payments(), paid), (suites.corrections(), corrected))
        }
        before = payments.before(connection, pd.concat([paid["casegroup_id"], corrected["casegroup_id"]]))
        today, latest = pd.Timestamp(on).as_unit("s"), _latest(connection, ctx)
        decided = gate_payments.conclude(paid, corrected, broke, before, today, latest)
        posting.store_exceptions(connection, on, decided)
        if not night.succeeded:
            _keep_shares(connection, ctx, tallies)
    if not night.succeeded:
        _keep_tallies(ctx, url, "gate_payments", tallies, [suites.csa_payments(), suites.corrections()])
    return {
        "payments_judged": len(paid),
        "corrections_judged": len(corrected),
        "exceptions_opened": len(decided["opened"]),
    }


def _check_money_law(ctx: NightContext, url: str) -> Summary:
    with _entered(ctx, url, "check_money_law") as (connection, _):
        history.settle_moves(connection, ctx.business_date)
        breaches = nights.money_law_breaches(connection, ctx.business_date)
        if not breaches:
            nights.note_law(connection, ctx.business_date)
    if breaches:
        where = "; ".join(
            f"{breach.law}: {shown(breach.where, 400)}: expected {breach.expected_pence}p, found {breach.found_pence}p"
            for breach in breaches[:10]
        )
        raise _fail(
            ctx, "check_money_law",
            f"The money law does not hold, so the night of {ctx.business_date} is not closed. {where}. Nothing more is "
            "posted until "
            "it does: compare these with the landed balances, and correct the cause before running the night again.",
        )  # fmt: skip
    return {"breaches": 0}


def _write_out(ctx: NightContext, url: str) -> Summary:
    """Everything of the night's outbound folder, made aside and published at once."""
    from case_closure import lettering, reconcile
    from case_closure.outbound import exceptions_report, notices
    from case_closure.outbound.letters import batches

    on = ctx.business_date
    with _entered(ctx, url, "write_out") as (_, night):
        _require_law(ctx, night, "write_out")

    def holding(connection: Connection) -> None:
        _hold_open(ctx, connection, "write_out")

    try:
        prepared = lettering.prepare(
            url,
            on,
            by_hand=not night.succeeded and not night.late,
            workers=ctx.settings.workers,
            holding=holding,
        )
    except LetterIncomplete as incomplete:
        raise _fail(ctx, "write_out", str(incomplete)) from None
    with tempfile.TemporaryDirectory(prefix=_ASIDE, dir=_made(ctx.settings.home / "work")) as aside:
        made = _made(Path(aside) / on.isoformat())
        with database.transaction(url) as connection:
            # Nobody takes the night over while its folder is made and put in place.
            holding(connection)
            told = outgoing.read(connection, on)
            files = [
                *notices.write(
                    made, told.end_liability, told.ltrs, told.interest_flags, told.suppressed_letters
                ),
                *exceptions_report.write(
                    reports.exceptions_as_of(
                        connection, on, implausible_pence=ctx.settings.balance_implausible_pence
                    ),
                    made,
                    on,
                ),
                *reconcile.for_night(connection, made, on),
                *batches.write(lettering.parts(connection, on), made, on, ctx.settings.workers),
            ]
            folder.write_manifest(made, on, f"CC-{on}", files)
            folder.publish(made, ctx.outbound, on)
            lettering.published(connection, on, ctx.settings, ctx.clock())
    return {"files": len(files), **prepared}


def _made(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _close_night(ctx: NightContext, url: str) -> Summary:
    with _entered(ctx, url, "close_night") as (connection, night):
        _require_law(ctx, night, "close_night")
        nights.close(connection, ctx.business_date, ctx.clock())
        replacing.forget(connection, ctx.business_date)
        work_in_progress.clear(connection)
    return {"status": nights.SUCCESS}


_STAGES: dict[str, Callable[[NightContext, str], Summary]] = {
    "open_night": _open_night,
    "verify_landing": _verify_landing,
    "receive_extract": _receive_extract,
    "select_tranche": _select_tranche,
    "take_applications": _take_applications,
    "follow_closure": _follow_closure,
    "receive_balances": _receive_balances,
    "set_up_cases": _set_up_cases,
    "post_dues": _post_dues,
    "decide_next_action": _decide_next_action,
    "gate_payments": _gate_payments,
    "check_money_law": _check_money_law,
    "write_out": _write_out,
    "close_night": _close_night,
}


# --- what a stage hands to the next


def _over_parts(ctx: NightContext, url: str, work: Callable[[int], Any], count: int) -> list[Any]:
    """The work on every part, in as many processes as the settings allow; a forked one opens connections of its own."""
    return over_parts(work, count, ctx.settings.workers, before_fork=lambda: database.forget_inherited(url))


def _judged(ctx: NightContext, url: str, stage: str) -> tuple[Judgement, list[list[str]], bool]:
    """The judgement to go on from, its parts, and whether the night had succeeded before.

    Receiving is run again when there is none of this run and extract, or it is gone.
    """
    for _ in range(2):
        with _entered(ctx, url, stage) as (connection, night):
            if night.judged_attempt is not None:
                judgement = Judgement(ctx.business_date, night.extract_number, night.judged_attempt)
                parts = work_in_progress.parts(connection, judgement)
                if parts is not None:
                    return judgement, parts, night.succeeded
        _receive_balances(ctx, url)
    raise NightFailed(f"The parts of the night of {ctx.business_date} are gone as soon as they are made.")


def _save(
    ctx: NightContext,
    url: str,
    judgement: Judgement,
    stage: str,
    number: int,
    frames: Frames,
    tallies: judging.Tallies | None = None,
) -> None:
    """Hand on what a stage concluded of a part; with ``tallies``, keep what its casegroups have in them, and take it away."""
    with _entered(ctx, url, stage) as (connection, night):
        work_in_progress.save(connection, judgement, stage, number, frames)
        if tallies is None:
            return
        if night.succeeded:
            tallies.take_shares()
        else:
            _keep_shares(connection, ctx, tallies)


def _loaded(
    ctx: NightContext, url: str, judgement: Judgement, stage: str, number: int, part: list[str]
) -> Frames:
    """What an earlier stage concluded for a part; concluded again when it is gone, as after a cleared later stage."""
    with database.transaction(url) as connection:
        frames = work_in_progress.load(connection, judgement, stage, number)
    if frames is None:
        tallies = judging.Tallies()
        if stage == "receive_balances":
            frames = judging.received(url, ctx.settings, ctx.business_date, part, tallies)
        elif stage == "set_up_cases":
            received = _loaded(ctx, url, judgement, "receive_balances", number, part)
            frames = judging.set_up(url, ctx.business_date, received, tallies)
        else:
            names = ("receive_balances", "set_up_cases")
            earlier = (_loaded(ctx, url, judgement, name, number, part) for name in names)
            frames = judging.posted(url, ctx.business_date, *earlier)
        _save(ctx, url, judgement, stage, number, frames)
    return frames


def _keep_tallies(
    ctx: NightContext, url: str, stage: str, tallies: judging.Tallies, suites: list[Any]
) -> None:
    """Store the night's rule results; a rule that had no row to judge is listed with none."""
    with _entered(ctx, url, stage) as (connection, _):
        for suite in suites:
            nothing = dict.fromkeys(suite.rule_codes, (0, 0))
            nights.record_gate_results(
                connection, ctx.business_date, suite.name, nothing | tallies.by_suite.get(suite.name, {})
            )

"""`case-closure`: the command line.

Belongs here: arguments, and which function answers a command. Does not belong here: any work of its own.
What a command needs is imported when it is run, so that `--help` answers at once and `nightly` does not
load the gates in two processes.
"""

from __future__ import annotations

import argparse
import contextlib
import getpass
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from case_closure.cli import terminal
from case_closure.domain.applications import LTR_TYPES
from case_closure.domain.cases import CSA_SYSTEMS
from case_closure.local.progress import Event
from case_closure.local.store import with_store
from case_closure.settings import LANDING, OUTBOUND, Settings, SettingsInvalid, folder_or_url, must_be_apart


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code. A mistake of the person's or of the data's ends in words,
    not in a trace.
    """
    asked = _parser().parse_args(arguments)
    try:
        code: int = asked.command(asked)
        return code
    except KeyboardInterrupt:
        return terminal.fail("Stopped. The same command takes up where it was.")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone: `... | head`
        return 0
    except Exception as error:
        reason = str(error) if isinstance(error, _expected()) else _fault(error)
        if reason is None:
            raise
        return terminal.fail(_with_call(reason))


def _fault(error: Exception) -> str | None:
    """A fault of the machine in words; None for any other error."""
    from case_closure.night import faults

    try:
        return faults.in_words(error, Settings.from_environment())
    except SettingsInvalid:
        return None


def _with_call(reason: str) -> str:
    """The reason, and whom to call if that is set."""
    with contextlib.suppress(SettingsInvalid):
        if call := Settings.from_environment().call:
            return f"{reason.rstrip()}\nWhom to call: {call}"
    return reason


def _expected() -> tuple[type[Exception], ...]:
    from case_closure.local.embedded import ServerUnavailable
    from case_closure.local.environment import AirflowFailed
    from case_closure.local.rest import RestError
    from case_closure.local.supervisor import UpRefused
    from case_closure.store.roles import LoginRefused

    return (SettingsInvalid, AirflowFailed, RestError, UpRefused, ServerUnavailable, LoginRefused)


# --- the commands ---------------------------------------------------------------------------------


def _nightly(asked: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    landing = folder_or_url(asked.landing, Path(settings.landing)) if asked.landing else None
    outbound = folder_or_url(asked.outbound, Path(settings.outbound)) if asked.outbound else None
    must_be_apart(landing or settings.landing, outbound or settings.outbound, "--landing, --outbound")
    terminal.say(f"Night of {asked.date}, from {landing or settings.landing}")
    began = time.monotonic()
    figures: dict[str, int | str] = {}

    def show(event: Event) -> None:
        """As it comes; why a stage failed follows at once, and is then the last that is said."""
        terminal.show(event)
        figures.update(event.figures)
        if event.reason:
            said.append(event.reason)
            terminal.fail(_with_call(event.reason))

    said: list[str] = []
    run = _in_process if asked.in_process else _through_airflow
    reason = run(settings, asked.date, landing, outbound, show)
    if reason is not None:
        return 1 if said[-1:] == [reason] else terminal.fail(_with_call(reason))
    from case_closure.night import run as night

    terminal.print_closing(
        night.summary(with_store(settings), asked.date),
        _next_commands(asked.date, landing or settings.landing),
    )
    folder = f"{(outbound or settings.outbound).rstrip('/')}/{asked.date}"
    terminal.say("")
    terminal.say(terminal.last_line(asked.date, time.monotonic() - began, figures, folder))
    return 0


def _through_airflow(
    settings: Settings,
    night_of: date,
    landing: str | None,
    outbound: str | None,
    show: Callable[[Event], None],
) -> str | None:
    from case_closure.local import nightly_run

    ended = nightly_run.run(
        settings, night_of, landing=landing, outbound=outbound, show=show, say=terminal.say
    )
    return None if ended.succeeded else ended.reason


def _in_process(
    settings: Settings,
    night_of: date,
    landing: str | None,
    outbound: str | None,
    show: Callable[[Event], None],
) -> str | None:
    from case_closure.landing.manifest import LandingRejected
    from case_closure.local.stage_run import local_or_remote
    from case_closure.night import run as night

    settings = with_store(settings)
    began = time.monotonic()

    def ended(stage: str, figures: dict[str, Any]) -> None:
        nonlocal began
        now = time.monotonic()
        show(Event(stage, "ended", now - began, figures))
        began = now

    context = night.NightContext(
        business_date=night_of,
        run_id=f"in-process__{datetime.now(UTC).isoformat()}",
        landing=local_or_remote(landing or settings.landing),
        outbound=local_or_remote(outbound or settings.outbound),
        settings=settings,
        clock=lambda: datetime.now(UTC),
    )
    try:
        night.run_night(context, ended)
    except (night.NightRefused, night.NightFailed, LandingRejected) as error:
        return str(error)
    return None


def _night_skip(asked: argparse.Namespace) -> int:
    from case_closure.night import run as night

    try:
        night.skip(with_store(), asked.date, reason=asked.reason, by=asked.by, at=datetime.now(UTC))
    except night.NightRefused as refused:
        return terminal.fail(str(refused))
    terminal.say(
        f"The night of {asked.date} is skipped, by {asked.by}: {asked.reason}. It stands in nobody's way, and may be run late."
    )
    return 0


def _sample(asked: argparse.Namespace) -> int:
    from case_closure import sample

    if asked.out.exists() and (not asked.out.is_dir() or any(asked.out.iterdir())):
        return terminal.fail(
            f"{asked.out} is there already, and a sample is not written over it or beside what it holds. Name a new folder, "
            "or delete that one first."
        )
    sample.generate(asked.out, getattr(asked, "from"), asked.nights, asked.casegroups, asked.seed)
    terminal.say(
        f"{asked.casegroups:,} casegroups over {asked.nights} night{'s' if asked.nights != 1 else ''} "
        f"from {getattr(asked, 'from')} in {asked.out}"
    )
    return 0


def _check(asked: argparse.Namespace) -> int:
    from case_closure.desk.check import check_folder
    from case_closure.night import check_landing

    settings = Settings.from_environment()
    return check_folder(
        asked.folder,
        terminal.say,
        gates=lambda landing: check_landing.check_gates(landing, settings.balance_implausible_pence),
        entries=check_landing.check_resolutions,
    )


def _database_url(asked: argparse.Namespace) -> int:
    from case_closure.store import readers

    settings = with_store()
    url = settings.store_url
    terminal.say(
        url
        if asked.side is None
        else readers.own_url(settings, url, sensitive=asked.side == "sensitive-reader")
    )
    return 0


def _readers_add(asked: argparse.Namespace) -> int:
    from case_closure.store import readers

    url = with_store().store_url
    terminal.say(readers.add(url, asked.name, sensitive=asked.sensitive))
    return 0


def _up(asked: argparse.Namespace) -> int:
    from case_closure.local import supervisor

    return supervisor.up(Settings.from_environment(), terminal.say)


def _down(asked: argparse.Namespace) -> int:
    from case_closure.local import embedded, supervisor

    settings = Settings.from_environment()
    serving = supervisor.serving(settings)
    if serving is not None:
        return terminal.fail(
            f"Airflow is up at {serving.url} and uses the database: stop it first (Ctrl-C there)."
        )
    terminal.say(
        "Stopped the database" if embedded.stop(settings.home) else "The embedded database was not running"
    )
    return 0


def _exceptions_list(asked: argparse.Namespace) -> int:
    from case_closure.store import queries

    rows = queries.list_exceptions(
        with_store().store_url,
        business_date=asked.date,
        rule_code=asked.rule,
        status=asked.status,
        route=asked.route,
    )
    terminal.print_exceptions(rows, wide=asked.wide)
    return 0


def _criteria_load(asked: argparse.Namespace) -> int:
    from case_closure.desk import criteria as criteria_commands

    settings = with_store()
    return _told(lambda: criteria_commands.load(settings, asked.file, by=asked.user, at=datetime.now(UTC)))


def _tranche_preview(asked: argparse.Namespace) -> int:
    from case_closure.desk import criteria as criteria_commands

    settings = with_store()
    return _told(
        lambda: criteria_commands.preview(settings, on=asked.date, tranche=asked.tranche, file=asked.file)
    )


def _told(work: Callable[[], list[str]]) -> int:
    """What was done, in lines; or why it was not."""
    from case_closure.desk.criteria import CriteriaInvalid, CriteriaRefused

    try:
        lines = work()
    except (CriteriaInvalid, CriteriaRefused) as refused:
        return terminal.fail(str(refused))
    for line in lines:
        terminal.say(line)
    return 0


def _reconcile(asked: argparse.Namespace) -> int:
    from case_closure.desk import reconciliation as reconcile

    sign_off = None
    if asked.remarks is not None and not asked.sign_off:
        return terminal.fail(
            "--remarks go with a signature, and nobody signs: add --sign-off NAME, or leave them out. Nothing was put on record."
        )
    if asked.sign_off:
        sign_off = reconcile.SignOff(asked.sign_off, datetime.now(UTC), asked.remarks or "")
    try:
        return reconcile.reconcile(
            _migrated(), asked.date, asked.out, terminal.say, sign_off=sign_off,
            implausible_pence=Settings.from_environment().balance_implausible_pence,
        )  # fmt: skip
    except (reconcile.NothingToReconcile, ValueError) as refused:
        return terminal.fail(str(refused))


def _letters_confirm_write_off(asked: argparse.Namespace) -> int:
    from case_closure.desk import letters as letters_by_hand

    return _asked_for(
        lambda: letters_by_hand.confirm_write_off(
            _migrated(), casegroup_id=asked.casegroup, csa_system=asked.system, csa_case_id=asked.case,
            from_on=getattr(asked, "from"), to_on=asked.to, user=asked.user, at=datetime.now(UTC),
        )
    )  # fmt: skip


def _letters_reissue(asked: argparse.Namespace) -> int:
    from case_closure.desk import letters as letters_by_hand

    return _asked_for(
        lambda: letters_by_hand.reissue(_migrated(), asked.letter_id, user=asked.user, at=datetime.now(UTC))
    )


def _letters_find(asked: argparse.Namespace) -> int:
    from case_closure.desk import letters as letters_by_hand

    try:
        lines = letters_by_hand.find(_migrated(), " ".join(asked.reference), asked.date)
    except letters_by_hand.LetterNotFound as unknown:
        return terminal.fail(str(unknown))
    for line in lines:
        terminal.say(line)
    return 0


def _asked_for(work: Callable[[], str]) -> int:
    """What will happen to a letter by hand; or why it was not asked for."""
    from case_closure.desk.letters import LetterNotAsked

    try:
        terminal.say(work())
    except LetterNotAsked as refused:
        return terminal.fail(str(refused))
    return 0


def _letters_send(asked: argparse.Namespace) -> int:
    from case_closure.outbound.sending import ChannelRefused
    from case_closure.sweeps import letters as letter_sending

    _migrated()
    try:
        done = letter_sending.send(with_store(), lambda: datetime.now(UTC))
    except ChannelRefused as refused:
        return terminal.fail(str(refused))
    terminal.say(f"{done.sent:,} sent, {done.failed:,} failed, {done.unsure:,} without an answer yet")
    if done.words:
        terminal.say(done.words)
    return 0


def _letters_try_again(asked: argparse.Namespace) -> int:
    from case_closure.sweeps import letters as letter_sending

    if letter_sending.try_again(_migrated(), asked.letter_id):
        terminal.say(f"Letter {asked.letter_id} waits to be sent again.")
        return 0
    return terminal.fail(f"Letter {asked.letter_id} had not failed, so there is nothing to try again.")


def _migrated() -> str:
    """The store's URL, its tables those of this version."""
    from case_closure.store import database

    url = with_store().store_url
    database.migrate(url)
    return url


def _ltr_issue(asked: argparse.Namespace) -> int:
    from case_closure.desk import ltrs

    try:
        ltr_id = ltrs.issue(
            _migrated(), asked.type, asked.system, asked.application, by=asked.user, at=datetime.now(UTC)
        )
    except ltrs.LtrRefused as refused:
        return terminal.fail(str(refused))
    terminal.say(f"{ltr_id} is issued; the next night's file carries it.")
    return 0


def _next_commands(done: date, landing: str) -> list[tuple[str, str]]:
    command = os.environ.get("CASE_CLOSURE_COMMAND", "case-closure")
    later = _later_night(done, landing)
    following = (
        (f"{command} nightly --date {later}", "the next night of the landing zone")
        if later
        else (f"{command} database-url", "where to look things up: the views of schema 'reporting'")
    )
    return [
        (f"{command} exceptions list --date {done}", "what was held back that night, and why"),
        following,
        ("make up", "Airflow with its pages: the night, its history, backfills"),
    ]


def _later_night(done: date, landing: str) -> date | None:
    if "://" in landing:
        return None
    found = []
    for manifest in Path(landing).glob("*-*-*/manifest.json"):
        try:
            found.append(date.fromisoformat(manifest.parent.name))
        except ValueError:
            continue
    return min((night for night in found if night > done), default=None)


# --- arguments ------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="case-closure",
        description="Financial transition of closed CSA cases to CMS, a night at a time.",
        epilog="CASE_CLOSURE_HOME (default ./var) holds the database, Airflow, landing and outbound.",
    )
    commands = parser.add_subparsers(required=True, metavar="command")

    nightly = commands.add_parser("nightly", help="run one night through its Airflow DAG")
    nightly.add_argument(
        "--date", type=_date, required=True, metavar="D", help="business date, such as 2017-08-10"
    )
    nightly.add_argument(
        "--landing", metavar="URL", help=f"folder or URL holding one folder a date (or {LANDING})"
    )
    nightly.add_argument("--outbound", metavar="URL", help=f"folder or URL for what goes out (or {OUTBOUND})")
    nightly.add_argument(
        "--in-process", action="store_true", help="the same stages without Airflow, for measuring"
    )
    nightly.set_defaults(command=_nightly)

    night = commands.add_parser("night", help="a night that will not be run")
    actions = night.add_subparsers(required=True, metavar="action")
    skipped = actions.add_parser(
        "skip", help="put on record that a night will not be: one that was rejected, or never run"
    )
    skipped.add_argument("--date", type=_date, required=True, metavar="D", help="its business date")
    skipped.add_argument("--reason", type=_words, required=True, metavar="TEXT", help="why")
    skipped.add_argument("--by", type=_words, required=True, metavar="NAME", help="who says so")
    skipped.set_defaults(command=_night_skip)

    sample = commands.add_parser("sample", help="write a synthetic landing zone")
    sample.add_argument("--out", type=Path, required=True, metavar="DIR", help="the landing zone to write")
    sample.add_argument(
        "--from", type=_date, required=True, metavar="D", help="business date of the first night"
    )
    sample.add_argument("--nights", type=_count, default=1, metavar="N", help="how many nights (1)")
    sample.add_argument(
        "--casegroups", type=_count, default=2000, metavar="N", help="how many casegroups (2000)"
    )
    sample.add_argument("--seed", type=int, default=1, metavar="N", help="another population (1)")
    sample.set_defaults(command=_sample)

    check = commands.add_parser(
        "check", help="hold a landing folder against manifest, schema and gates; applies nothing"
    )
    check.add_argument("folder", type=Path, metavar="DIR", help="the folder of one night")
    check.set_defaults(command=_check)

    url = commands.add_parser("database-url", help="SQLAlchemy URL of the store, started if need be")
    url.add_argument(
        "--as", dest="side", choices=("reader", "sensitive-reader"),
        help="a login that only reads the views of schema reporting, or of sensitive, made at the first asking",
    )  # fmt: skip
    url.set_defaults(command=_database_url)

    reading = commands.add_parser("readers", help="who may read the views")
    actions = reading.add_subparsers(required=True, metavar="action")
    added = actions.add_parser(
        "add", help="a login for a person; its URL, with the password, is printed once"
    )
    added.add_argument("name", help="their login")
    added.add_argument(
        "--sensitive", action="store_true", help="for nationally sensitive casegroups in place of all others"
    )
    added.set_defaults(command=_readers_add)

    up = commands.add_parser("up", help="Airflow with its pages, the night scheduled, until Ctrl-C")
    up.set_defaults(command=_up)

    down = commands.add_parser("down", help="stop the embedded database")
    down.set_defaults(command=_down)

    exceptions = commands.add_parser("exceptions", help="the exceptions and who has them")
    actions = exceptions.add_subparsers(required=True, metavar="action")
    listed = actions.add_parser("list", help="list them, the oldest first")
    listed.add_argument("--date", type=_date, metavar="D", help="first seen on this business date")
    listed.add_argument("--rule", type=_rule, metavar="R", help="of this rule code")
    listed.add_argument(
        "--status", type=str.upper, choices=("OPEN", "ALLOCATED", "RESOLVED"), help="in this state"
    )
    listed.add_argument("--route", type=str.upper, choices=("CASE_OWNER", "FT_TEAM"), help="routed to them")
    listed.add_argument(
        "--wide",
        action="store_true",
        help="also subject, field, value and the id of each, in as many columns as it takes",
    )
    listed.set_defaults(command=_exceptions_list)

    reconcile = commands.add_parser(
        "reconcile", help="what left CSA against what became of it, as known on a night"
    )
    reconcile.add_argument(
        "--date", type=_date, required=True, metavar="D", help="as at the end of this night"
    )
    reconcile.add_argument("--out", type=Path, metavar="FILE", help="write the workbook there")
    reconcile.add_argument("--sign-off", metavar="NAME", help="put the figures on record as signed by NAME")
    reconcile.add_argument("--remarks", metavar="TEXT", help="with the signature")
    reconcile.set_defaults(command=_reconcile)

    _add_letters(commands)

    criteria = commands.add_parser("criteria", help="what tranches are selected on")
    actions = criteria.add_subparsers(required=True, metavar="action")
    loaded = actions.add_parser("load", help="put the criteria of a file in force, by tranche_id")
    loaded.add_argument("file", type=Path, metavar="FILE", help="a JSON list of criteria")
    loaded.add_argument("--user", default=getpass.getuser(), metavar="NAME", help="who loads it (you)")
    loaded.set_defaults(command=_criteria_load)

    tranche = commands.add_parser("tranche", help="what a tranche would select")
    actions = tranche.add_subparsers(required=True, metavar="action")
    seen = actions.add_parser("preview", help="what would be selected and left out, and why; changes nothing")
    seen.add_argument("--date", type=_date, required=True, metavar="D", help="as of this business date")
    seen.add_argument("--tranche", metavar="ID", help="this tranche alone (all in force)")
    seen.add_argument(
        "--file", type=Path, metavar="FILE", help="criteria of a file instead of those in force"
    )
    seen.set_defaults(command=_tranche_preview)

    ltr = commands.add_parser("ltr", help="legacy transition requests to the CSA systems")
    actions = ltr.add_subparsers(required=True, metavar="action")
    issued = actions.add_parser("issue", help="issue one by hand; the same one twice is refused")
    issued.add_argument("--type", type=str.upper, choices=LTR_TYPES, required=True, help="what is asked")
    issued.add_argument("--system", type=str.upper, choices=CSA_SYSTEMS, required=True, help="of whom")
    issued.add_argument("--application", required=True, metavar="ID", help="the application behind it")
    issued.add_argument("--user", required=True, metavar="NAME", help="who issues it")
    issued.set_defaults(command=_ltr_issue)
    return parser


def _add_letters(commands: Any) -> None:
    letters = commands.add_parser("letters", help="finding a letter, letters by hand, and sending them")
    actions = letters.add_subparsers(required=True, metavar="action")
    found = actions.add_parser("find", help="the letter with the reference that a client quotes")
    found.add_argument("reference", nargs="+", metavar="REFERENCE", help="as it was read out")
    found.add_argument("--date", type=_date, metavar="D", help="the business date printed beside it: quicker")
    found.set_defaults(command=_letters_find)
    confirmed = actions.add_parser(
        "confirm-write-off", help="ask for CMSL6300, for the dates a caseworker gives"
    )
    confirmed.add_argument("--casegroup", required=True, metavar="ID", help="casegroup")
    confirmed.add_argument("--system", type=str.upper, choices=CSA_SYSTEMS, required=True, help="CSA system")
    confirmed.add_argument("--case", required=True, metavar="ID", help="CSA case number")
    confirmed.add_argument("--from", type=_date, required=True, metavar="D", help="first day of the arrears")
    confirmed.add_argument("--to", type=_date, required=True, metavar="D", help="last day of the arrears")
    confirmed.add_argument("--user", required=True, metavar="NAME", help="who asks")
    confirmed.set_defaults(command=_letters_confirm_write_off)
    again = actions.add_parser("reissue", help="ask for a letter to be sent again as it was")
    again.add_argument("letter_id", metavar="LETTER_ID")
    again.add_argument("--user", required=True, metavar="NAME", help="who asks")
    again.set_defaults(command=_letters_reissue)
    sent = actions.add_parser("send", help="send what waits, by the channel that is set; each letter once")
    sent.set_defaults(command=_letters_send)
    tried = actions.add_parser("try-again", help="a letter that failed waits again, its cause mended")
    tried.add_argument("letter_id", metavar="LETTER_ID")
    tried.set_defaults(command=_letters_try_again)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a date such as 2017-08-10, found '{text}'") from None


def _words(text: str) -> str:
    """What somebody typed, on one line."""
    words = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    if not words:
        raise argparse.ArgumentTypeError("expected words, found nothing")
    return words


def _rule(text: str) -> str:
    from difflib import get_close_matches

    from case_closure.domain.rules import RULES

    if text in RULES:
        return text
    meant = get_close_matches(text, RULES) or sorted(RULES)
    raise argparse.ArgumentTypeError(f"there is no rule '{text}'; there is {', '.join(meant)}")


def _count(text: str) -> int:
    try:
        count = int(text)
    except ValueError:
        count = 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 up, found '{text}'")
    return count

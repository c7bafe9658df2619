"""`letters`: finding a letter, letters by hand, and sending them.

Belongs here: its arguments and words. Does not belong here: who may ask for what (``desk.letters``), sending
(``sweeps.letters``).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

from case_closure.cli import terminal
from case_closure.cli.arguments import choice, command, day, given, noun, text
from case_closure.cli.store import migrated_url
from case_closure.domain.cases import CSA_SYSTEMS
from case_closure.domain.permissions import whoever_has_the_shell
from case_closure.refusals import Refused

app = noun()
letters = noun("finding a letter, letters by hand, and sending them")
app.add_typer(letters, name="letters")


@command(letters, "find", "the letter with the reference that a client quotes")
def find(
    reference: Annotated[list[str], given("REFERENCE", "as it was read out")],
    on: Annotated[date | None, day("--date", "the business date printed beside it: quicker")] = None,
) -> None:
    from case_closure.desk import letters

    for line in letters.find(migrated_url(), " ".join(reference), on):
        terminal.say(line)


@command(letters, "confirm-write-off", "ask for CMSL6300, for the dates a caseworker gives")
def confirm_write_off(
    casegroup: Annotated[str, text("--casegroup", "ID", "casegroup")],
    system: Annotated[str, choice("--system", CSA_SYSTEMS, "CSA system")],
    case: Annotated[str, text("--case", "ID", "CSA case number")],
    from_on: Annotated[date, day("--from", "first day of the arrears")],
    to_on: Annotated[date, day("--to", "last day of the arrears")],
    user: Annotated[str, text("--user", "NAME", "who asks")],
) -> None:
    from case_closure.desk import letters

    terminal.say(
        letters.confirm_write_off(
            migrated_url(), casegroup_id=casegroup, csa_system=system, csa_case_id=case, from_on=from_on, to_on=to_on,
            by=whoever_has_the_shell(user), at=datetime.now(UTC),
        )
    )  # fmt: skip


@command(letters, "reissue", "ask for a letter to be sent again as it was")
def reissue(
    letter_id: Annotated[str, given("LETTER_ID")],
    user: Annotated[str, text("--user", "NAME", "who asks")],
) -> None:
    from case_closure.desk import letters

    terminal.say(
        letters.reissue(migrated_url(), letter_id, by=whoever_has_the_shell(user), at=datetime.now(UTC))
    )


@command(letters, "send", "send what waits, by the channel that is set; each letter once")
def send() -> None:
    from case_closure.local.store import with_store
    from case_closure.sweeps import letters

    migrated_url()
    done = letters.send(with_store(), lambda: datetime.now(UTC))
    terminal.say(f"{done.sent:,} sent, {done.failed:,} failed, {done.unsure:,} without an answer yet")
    if done.words:
        terminal.say(done.words)


@command(letters, "try-again", "a letter that failed waits again, its cause mended")
def try_again(letter_id: Annotated[str, given("LETTER_ID")]) -> None:
    from case_closure.sweeps import letters

    if not letters.try_again(migrated_url(), letter_id):
        raise Refused(f"Letter {letter_id} had not failed, so there is nothing to try again.")
    terminal.say(f"Letter {letter_id} waits to be sent again.")

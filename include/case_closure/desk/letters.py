"""Letters a caseworker asks for: a further write-off to confirm (CMSL6300), and a letter sent again (CMSL6313, CMSL6314).

Belongs here: finding the letter a client speaks of, who may ask for what. Does not belong here: making the letter due with the
next night (``night.letters_by_hand``), any state of a case: a letter sent again changes none, and a write-off is entered on CMS
when the signed form has come back.
"""

from __future__ import annotations

import functools
import threading
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from case_closure import refusals
from case_closure.desk import acting
from case_closure.desk.acting import Act, Actor
from case_closure.domain import letters as codes
from case_closure.domain.texts import shown
from case_closure.outbound.letters.typesetting import LetterNotSet, Typesetter
from case_closure.store import database, finding, letter_contents, letters_by_hand
from case_closure.store.database import Connection


class LetterNotAsked(refusals.Refused):
    """The letter cannot be asked for; the message says why and what to do."""


class LetterNotFound(refusals.Refused):
    """No letter that may be shown has this reference; the message says what to do."""


class LetterNotRead(refusals.Refused):
    """What the letter said cannot be shown; the message says why."""


@dataclass(frozen=True)
class Document:
    """A letter as it was written: a name for the file, and its PDF."""

    name: str
    pdf: bytes


def find(url: str, quoted: str, on: date | None = None) -> list[str]:
    """The letter with the reference that a client quotes, of that business date if one is given, a line for each thing to know.

    None of a nationally sensitive casegroup: that there is one is not told either (R26). Raises LetterNotFound.
    """
    with database.transaction(url) as connection:
        found = [letters_by_hand.letter(connection, number) for number in quoted_by(connection, quoted)]
    letters = [letter for letter in found if letter and on in (None, letter["business_date"])]
    if not letters:
        of_date = f" of {on}" if on else ""
        raise LetterNotFound(
            f"There is no letter{of_date} with the reference {shown(quoted)}. Look at the date beside it; letters of nationally "
            "sensitive casegroups are not written here."
        )
    return [line for letter in letters for line in _told(letter)]


def quoted_by(connection: Connection, quoted: str) -> list[str]:
    """The numbers of the letters with that reference, sensitive ones too, so for no one to see. Raises LetterNotFound for what
    can be none."""
    if not codes.is_reference(quoted):
        raise LetterNotFound(
            f"{shown(quoted)} is not a reference as letters have it: {len(codes.reference(''))} digits and capitals, without I, "
            "L, O and vowels, the last a check. Have it read out once more, from the foot of the page."
        )
    return finding.letters_quoted(connection, quoted)


def find_numbers(url: str, quoted: str) -> list[str]:
    """As :func:`quoted_by`, in a transaction of its own."""
    with database.transaction(url) as connection:
        return quoted_by(connection, quoted)


def read(url: str, letter_id: str, *, by: Actor, at: datetime, apart: bool = False) -> Document:
    """The letter as it was written, typeset again from what is kept of what it said; that it was read is put on record.

    ``apart``: among the nationally sensitive, for somebody who may see those. Raises LetterNotRead, acting.NotAllowed.
    """
    acting.require(by, "read_letter")
    if apart:
        acting.require(by, "see_sensitive")
    with database.transaction(url) as connection:
        letter = letters_by_hand.letter(connection, letter_id, apart=apart)
        if letter is None or not letter["written"]:
            raise LetterNotRead(
                f"Letter {shown(letter_id, 400)} was never written, or is not for everybody to see: there is nothing to read."
            )
        content = letter_contents.content_of(connection, letter_id)
        acting.record(
            connection, by, "read_letter", [Act("LETTER", letter_id, letter["casegroup_id"])], at=at
        )
    try:
        with _TYPESETTING:
            pdf, _ = _typesetter().pdf([content], letter["business_date"])
    except LetterNotSet:
        raise LetterNotRead(
            "The letter could not be typeset again. Tell whoever looks after this system."
        ) from None
    # The number of a letter has those of its casegroup and client in it, and may have anything in them.
    return Document(f"{letter['code']}-{codes.reference(letter_id)}.pdf", pdf)


# It is started once a process, and sets one document at a time.
_TYPESETTING = threading.Lock()


@functools.cache
def _typesetter() -> Typesetter:
    return Typesetter()


def find_request(url: str, letter_id: str) -> tuple[str, datetime] | None:
    """Who asked for that letter to be sent again, and when, where no night has made it yet."""
    with database.transaction(url) as connection:
        letter = letters_by_hand.letter(connection, letter_id)
        return letters_by_hand.waiting(connection, _again(connection, letter)) if letter else None


def _told(letter: dict[str, Any]) -> list[str]:
    title = codes.TITLES[letter["code"]].format(led="...")
    said = {
        "letter": letter["letter_id"], "code": f"{letter['code']}: {title}",
        "status": f"{letter['status']} {letter['reason'] or ''}".strip(), "business date": letter["business_date"],
        "casegroup": letter["casegroup_id"],
    }  # fmt: skip
    return [f"{name:<14} {value}" for name, value in said.items()]


def confirm_write_off(
    url: str,
    *,
    casegroup_id: str,
    csa_system: str,
    csa_case_id: str,
    from_on: date,
    to_on: date,
    by: Actor,
    at: datetime,
) -> str:
    """Ask for CMSL6300 to the case's receiving parent, for these dates, both included (B17, B45); in words what will happen.

    Raises LetterNotAsked: dates the wrong way round, no open CONFIRM_WRITE_OFF item, or asked for already; acting.NotAllowed. One
    that could not be sent (no address, a person who has died) may be asked for again.
    """
    if from_on > to_on:
        raise LetterNotAsked(
            f"'from' must not be after 'to': found {from_on} and {to_on}. Nothing was changed."
        )
    with database.transaction(url) as connection:
        if not letters_by_hand.open_write_off_item(connection, casegroup_id, csa_system, csa_case_id):
            raise LetterNotAsked(
                f"There is no open CONFIRM_WRITE_OFF item for case {shown(csa_case_id)} of {csa_system} in casegroup "
                f"{shown(casegroup_id)}, so no write-off is to be confirmed. Look for the case in reporting.work_items. "
                "Nothing was changed."
            )
        issued = letters_by_hand.issued(connection, codes.WRITE_OFF, csa_system, csa_case_id)
        if issued is not None:
            raise LetterNotAsked(
                f"This letter was asked for already and went out as {issued}. To send it again as it was: "
                f"case-closure letters reissue {issued} --user NAME. Nothing was changed."
            )
        request = {
            "code": codes.WRITE_OFF, "casegroup_id": casegroup_id, "csa_system": csa_system, "csa_case_id": csa_case_id,
            "from_on": from_on, "to_on": to_on, "repeats_letter_id": None,
        }  # fmt: skip
        about = Act(
            "CASE", f"{csa_system}-{csa_case_id}", casegroup_id, after={"from_on": from_on, "to_on": to_on}
        )
        _ask(connection, "confirm_write_offs", by, at, request, about)
    return f"CMSL6300 for case {csa_case_id} of {csa_system}, {from_on} to {to_on}, goes out with the next night."


def reissue(url: str, letter_id: str, *, by: Actor, at: datetime) -> str:
    """Ask for a letter to be sent again as it was, under a CMSL6313; one to a representative under a new CMSL6314.

    Raises LetterNotAsked: no such letter, never written, or asked for already; acting.NotAllowed.
    """
    with database.transaction(url) as connection:
        letter = letters_by_hand.letter(connection, letter_id)
        if letter is None:
            raise LetterNotAsked(
                f"There is no letter {shown(letter_id, 400)}. Look for it in reporting.letters. Nothing was changed."
            )
        if not letter["written"]:
            why = f"{letter['status']} {letter['reason'] or ''}".strip()
            raise LetterNotAsked(
                f"Letter {shown(letter_id, 400)} was never written ({why}), so there is nothing to send again."
            )
        request = _again(connection, letter)
        about = Act(
            "LETTER", request["repeats_letter_id"], request["casegroup_id"], after={"code": request["code"]}
        )
        _ask(connection, "send_letters_again", by, at, request, about)
    return f"Letter {request['repeats_letter_id']} goes out again with the next night."


def _again(connection: Connection, letter: dict[str, Any]) -> dict[str, Any]:
    """The request that has a letter sent again."""
    if letter["code"] == codes.REISSUE:
        # What is sent again is the letter itself, not the sheet that went before it last time.
        letter = letters_by_hand.letter(connection, letter["covers_letter_id"]) or letter
    code = codes.COVERING if letter["code"] == codes.COVERING else codes.REISSUE
    return {
        "code": code, "casegroup_id": letter["casegroup_id"], "csa_system": letter["csa_system"],
        "csa_case_id": letter["csa_case_id"], "from_on": None, "to_on": None, "repeats_letter_id": letter["letter_id"],
    }  # fmt: skip


def _ask(
    connection: Connection, action: str, by: Actor, at: datetime, request: dict[str, Any], about: Act
) -> None:
    if not by.name.strip():
        raise LetterNotAsked("Say who asks: a letter by hand is kept with a name. Nothing was changed.")
    # Of two who ask for one, the second finds what the first did.
    database.lock_within(connection, database.ASKING_LOCK)
    already = letters_by_hand.waiting(connection, request)
    if already is not None:
        raise LetterNotAsked(
            f"This letter was asked for by {already[0]} on {already[1]:%Y-%m-%d} and goes out with the next night. "
            "Nothing was changed."
        )
    acting.record(connection, by, action, [about], at=at)
    parts = (request["code"], request["casegroup_id"], request["csa_system"] or "", request["csa_case_id"] or "",
             request["repeats_letter_id"] or "", at.isoformat())  # fmt: skip
    letters_by_hand.add(
        connection, {**request, "request_id": "-".join(parts), "asked_by": by.name.strip(), "asked_at": at}
    )

"""Letters a caseworker asks for: a further write-off to confirm (CMSL6300), and a letter sent again (CMSL6313, CMSL6314).

Belongs here: finding the letter a client speaks of, who may ask for what. Does not belong here: making the letter due with the
next night (``night.letters_by_hand``), any state of a case: a letter sent again changes none, and a write-off is entered on CMS
when the signed form has come back.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from case_closure import refusals
from case_closure.domain import letters as codes
from case_closure.domain.texts import shown
from case_closure.store import database, letters_by_hand
from case_closure.store.database import Connection


class LetterNotAsked(refusals.Refused):
    """The letter cannot be asked for; the message says why and what to do."""


class LetterNotFound(refusals.Refused):
    """No letter that may be shown has this reference; the message says what to do."""


def find(url: str, quoted: str, on: date | None = None) -> list[str]:
    """The letter with the reference that a client quotes, of that business date if one is given, a line for each thing to know.

    None of a nationally sensitive casegroup: that there is one is not told either (R26). Raises LetterNotFound.
    """
    if not codes.is_reference(quoted):
        raise LetterNotFound(
            f"{shown(quoted)} is not a reference as letters have it: {len(codes.reference(''))} digits and capitals, without I, "
            "L, O and vowels, the last a check. Have it read out once more, from the foot of the page."
        )
    with database.transaction(url) as connection:
        numbers = list(codes.quoted_by(quoted, letters_by_hand.letter_ids(connection, on)))
        letters = [letter for number in numbers if (letter := letters_by_hand.letter(connection, number))]
    if not letters:
        of_date = f" of {on}" if on else ""
        raise LetterNotFound(
            f"There is no letter{of_date} with the reference {shown(quoted)}. Look at the date beside it; letters of nationally "
            "sensitive casegroups are not written here."
        )
    return [line for letter in letters for line in _told(letter)]


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
    user: str,
    at: datetime,
) -> str:
    """Ask for CMSL6300 to the case's receiving parent, for these dates, both included (B17, B45); in words what will happen.

    Raises LetterNotAsked: dates the wrong way round, no open CONFIRM_WRITE_OFF item, or asked for already. One that could not be
    sent (no address, a person who has died) may be asked for again.
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
        _ask(
            connection, user, at, code=codes.WRITE_OFF, casegroup_id=casegroup_id, csa_system=csa_system, csa_case_id=csa_case_id,
            from_on=from_on, to_on=to_on, repeats_letter_id=None,
        )  # fmt: skip
    return f"CMSL6300 for case {csa_case_id} of {csa_system}, {from_on} to {to_on}, goes out with the next night."


def reissue(url: str, letter_id: str, *, user: str, at: datetime) -> str:
    """Ask for a letter to be sent again as it was, under a CMSL6313; one to a representative under a new CMSL6314.

    Raises LetterNotAsked: no such letter, never written, or asked for already.
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
        if letter["code"] == codes.REISSUE:
            # What is sent again is the letter itself, not the sheet that went before it last time.
            letter = letters_by_hand.letter(connection, letter["covers_letter_id"]) or letter
        code = codes.COVERING if letter["code"] == codes.COVERING else codes.REISSUE
        _ask(
            connection, user, at, code=code, casegroup_id=letter["casegroup_id"], csa_system=letter["csa_system"],
            csa_case_id=letter["csa_case_id"], from_on=None, to_on=None, repeats_letter_id=letter["letter_id"],
        )  # fmt: skip
    return f"Letter {letter['letter_id']} goes out again with the next night."


def _ask(connection: Connection, user: str, at: datetime, **request: Any) -> None:
    if not user.strip():
        raise LetterNotAsked("Say who asks: a letter by hand is kept with a name. Nothing was changed.")
    already = letters_by_hand.waiting(connection, request)
    if already is not None:
        raise LetterNotAsked(
            f"This letter was asked for by {already[0]} on {already[1]:%Y-%m-%d} and goes out with the next night. "
            "Nothing was changed."
        )
    parts = (request["code"], request["casegroup_id"], request["csa_system"] or "", request["csa_case_id"] or "",
             request["repeats_letter_id"] or "", at.isoformat())  # fmt: skip
    letters_by_hand.add(
        connection, {**request, "request_id": "-".join(parts), "asked_by": user.strip(), "asked_at": at}
    )

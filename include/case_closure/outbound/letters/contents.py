"""What each letter of a night says: every value its page needs, as text, from the records behind it.

Belongs here: whose name and address, which cases, dates and amounts stand in a letter, and how people read them. Does not
belong here: wording and layout (``outbound.letters``), whether a letter goes out (``stages.common.letters``), the store.

A receiving parent's letter is made from that parent's own case alone (R15).
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pandas as pd
from babel.dates import format_date

from case_closure import refusals
from case_closure.domain import letters as codes
from case_closure.domain.cases import PAYING_PARENT, RECEIVING_PARENT
from case_closure.domain.money import BUCKETS, pounds
from case_closure.outbound.letters import address
from case_closure.outbound.letters.address import text as _text
from case_closure.tables.frames import Frames, records
from case_closure.tables.resolutions import lay_over, of_people

Row = Mapping[Any, Any]
PAYING, RECEIVING, REPRESENTATIVE = PAYING_PARENT, RECEIVING_PARENT, "REPRESENTATIVE"

# A longer word or line is no name of anybody's: it may be broken, or is cut.
LONGEST_WORD = 16
_WITHOUT_A_BREAK = re.compile(rf"[^\s-]{{{LONGEST_WORD}}}(?=[^\s-])")
CASES_CHARACTERS = 90
LANGUAGE = "en"


class LetterIncomplete(refusals.Refused):
    """A letter that is due lacks what it must say; the message names it and what is missing."""


def mended(parties: pd.DataFrame, entered: pd.DataFrame) -> pd.DataFrame:
    """Each letter's client with what caseworkers entered (B49), as at case set-up.

    ``parties``: a line a letter: letter_id, party_id and the party's columns. ``entered``: what was entered for these people,
    as ``of_people`` takes it.
    """
    chosen = of_people(entered)
    fields = parties.columns.difference(["letter_id"])
    return lay_over(parties, chosen, keys=parties["party_id"], by=chosen["party_id"], fields=fields)


def contents(letters: Frames, on: date) -> dict[str, str]:
    """The JSON of each letter by its letter_id; see ``content`` for what is in it.

    ``letters``, all of one night, which print the date ``on``: 'letters' (letter_id, code, recipient_role, party_id,
    casegroup_id, csa_system, csa_case_id, covers_letter_id, total_pence, client_role), 'parties' (as ``mended`` returns them),
    'cases' (letter_id, csa_system, csa_case_id, led, liability_end_date), 'dues' (letter_id, csa_system, csa_case_id,
    creditor, arrears_status, amount_pence, arrears_from, arrears_to), 'by_hand' (letter_id, from_on, to_on, paid_pence,
    keep_pence), 'covered' (letter_id, content: of the letter it covers). Raises LetterIncomplete.
    """
    of = {name: _by_letter(letters[name]) for name in ("parties", "cases", "dues", "by_hand", "covered")}
    contents = {}
    for letter in records(letters["letters"]):
        key = letter["letter_id"]
        behind = {name: rows.get(key, []) for name, rows in of.items()}
        contents[key] = json.dumps(content(letter, on, **behind), ensure_ascii=False, separators=(",", ":"))
    return contents


def _by_letter(frame: pd.DataFrame) -> dict[str, list[Row]]:
    by_letter: dict[str, list[Row]] = {}
    for row in records(frame):
        by_letter.setdefault(row["letter_id"], []).append(row)
    return by_letter


def content(
    letter: Row,
    on: date,
    *,
    parties: list[Row],
    cases: list[Row],
    dues: list[Row],
    by_hand: list[Row],
    covered: list[Row],
) -> dict[str, Any]:
    """What the templates are given for one letter; every value is text, a list of such, or null.

    id, ref (what its reader quotes), code, lang, title, on, by (the last day to answer); to (address lines), points (their
    size), dear; case (the case numbers it is about); copy (the content of the letter it covers). By code: cases with their
    buckets and period, total, now (of it being collected), statuses, government; led; ended; from, to-date, paid, keep,
    write-off; sent; client. Raises LetterIncomplete.
    """
    if not parties:
        raise LetterIncomplete(_lacks(letter, f"its client, party {_text(letter['party_id'])}"))
    client, code = parties[0], letter["code"]
    to_representative = letter["recipient_role"] == REPRESENTATIVE
    to = address.of_representative(client) if to_representative else address.of_client(client, _name(client))
    lines, points = address.in_window(to)
    values: dict[str, Any] = {
        "id": letter["letter_id"], "ref": codes.reference(letter["letter_id"]), "code": code,
        "lang": LANGUAGE, "on": _day(on), "by": _day(on + codes.TO_ANSWER), "to": lines, "points": points,
        "dear": _line(to.name) if to_representative else _salutation(client), "case": None, "cases": [], "copy": None,
    }  # fmt: skip
    if code in (codes.COVERING, codes.REISSUE):
        if not covered:
            raise LetterIncomplete(_lacks(letter, "the letter it covers"))
        values["copy"] = json.loads(covered[0]["content"])
        values["case"] = values["copy"]["case"]
        values |= {"client": _name(client), "sent": values["copy"]["on"]}
    elif code in (codes.WRITE_OFF, codes.ARREARS_PAYING_PARENT, codes.ARREARS_RECEIVING_PARENT):
        values |= _arrears(letter, dues)
        if code == codes.WRITE_OFF:
            if not by_hand:
                raise LetterIncomplete(_lacks(letter, "a caseworker's from and to dates"))
            values |= _write_off(by_hand[0], letter, values["cases"][0], _name(client))
    else:
        values |= _closure(letter, cases)
    values["title"] = codes.TITLES[code].format(led=values.get("led"))
    return values


def _lacks(letter: Row, what: str) -> str:
    return f"Letter {letter['letter_id']} is due and lacks {what}. No letter of this night is written until it has it."


# --- amounts


def _arrears(letter: Row, dues: list[Row]) -> dict[str, Any]:
    """The dues of each case by bucket, and their period. They must add up to what the letter's row says it states."""
    by_case: dict[tuple[str, str], list[Row]] = {}
    for row in dues:
        by_case.setdefault((row["csa_system"], row["csa_case_id"]), []).append(row)
    total = sum(int(row["amount_pence"]) for row in dues)
    states = not letter.get("total_pence__missing", False)
    if not by_case or (states and total != letter["total_pence"]):
        found = f"{pounds(total)} pounds in {len(by_case)} cases"
        raise LetterIncomplete(_lacks(letter, f"dues that add up to its total; found {found}"))
    cases = [_case(*key, rows) for key, rows in sorted(by_case.items())]
    now = sum(int(row["amount_pence"]) for row in dues if row["arrears_status"] == "ACTIVE")
    statuses = {row["arrears_status"] for row in dues if row["amount_pence"]}
    return {
        "case": _cases_named([case["case"] for case in cases]), "cases": cases,
        "total": f"£{pounds(total)}", "now": f"£{pounds(now)}",
        "statuses": list(dict.fromkeys(bucket.arrears_status for bucket in BUCKETS if bucket.arrears_status in statuses)),
        "government": any(case["government"] for case in cases),
    }  # fmt: skip


def _case(system: str, case_id: str, dues: list[Row]) -> dict[str, Any]:
    buckets: dict[tuple[str, str], int] = {}
    for row in dues:
        key = (row["creditor"], row["arrears_status"])
        buckets[key] = buckets.get(key, 0) + int(row["amount_pence"])
    lines: dict[bool, list[dict[str, str]]] = {True: [], False: []}
    sums = {True: 0, False: 0}
    for bucket in BUCKETS:
        pence = buckets.get((bucket.creditor, bucket.arrears_status), 0)
        if pence:
            to_receiver = bucket.creditor == "RP"
            sums[to_receiver] += pence
            lines[to_receiver].append(
                {"creditor": bucket.creditor, "status": bucket.arrears_status, "pounds": pounds(pence)}
            )
    return {
        "case": _case_name(system, case_id), "receiver": lines[True], "government": lines[False],
        "receiver-total": pounds(sums[True]), "government-total": pounds(sums[False]), "total": pounds(sum(sums.values())),
        "since": _agreed(dues, "arrears_from"), "until": _agreed(dues, "arrears_to"),
    }  # fmt: skip


def _agreed(dues: list[Row], name: str) -> str | None:
    """The day all of a case's dues give for an end of their period; None where one gives none, or they differ."""
    day = dues[0][name]
    agreed = day is not pd.NaT and all(row[name] == day for row in dues[1:])
    return _day(_date(day)) if agreed else None


def _write_off(by_hand: Row, letter: Row, case: dict[str, Any], name: str) -> dict[str, Any]:
    """What is asked to be written off: what is owed, less what was paid since and what the receiving parent chose to keep."""
    paid, keep = int(by_hand["paid_pence"]), int(by_hand["keep_pence"])
    asked = max(0, int(letter["total_pence"]) - paid - keep)
    return {
        "from": _day(_date(by_hand["from_on"])), "to-date": _day(_date(by_hand["to_on"])), "name": name,
        "paid": f"£{pounds(paid)}" if paid else None, "keep": f"£{pounds(keep)}" if keep else None,
        "write-off": f"£{pounds(asked)}", "since": case["since"], "until": case["until"],
    }  # fmt: skip


# --- closure


def _closure(letter: Row, cases: list[Row]) -> dict[str, Any]:
    """The date liability ends or ended, and the cases it is about."""
    led = _latest(case["led"] for case in cases)
    ended = _latest(case["liability_end_date"] for case in cases) or led
    if led is None or ended is None:
        raise LetterIncomplete(_lacks(letter, "an end liability date"))
    names = [_case_name(case["csa_system"], case["csa_case_id"]) for case in cases]
    return {"case": _cases_named(sorted(names)), "led": _day(led), "ended": _day(ended)}


# --- people and words


def _name(client: Row) -> str:
    return _line(" ".join(_text(client[part]) for part in ("title", "forenames", "surname")))


def _salutation(client: Row) -> str:
    first = "title" if _text(client["title"]) else "forenames"
    return _line(f"{_text(client[first])} {_text(client['surname'])}")


def _line(text: str) -> str:
    """At most one line of an address; a word that could not be broken gets places where it can."""
    text = " ".join(text.split())
    if len(text) > address.LONGEST_LINE:
        text = text[: address.LONGEST_LINE - 1] + "…"
    return _WITHOUT_A_BREAK.sub("\\g<0>\u200b", text) if len(text) > LONGEST_WORD else text


def _case_name(system: Any, case_id: Any) -> str:
    return _line(f"{_text(system)} {_text(case_id)}")


def _cases_named(names: list[str]) -> str:
    """The case numbers, as many as have room beside the address."""
    named = names[:1]
    while len(named) < len(names) and len(", ".join(names[: len(named) + 1])) <= CASES_CHARACTERS:
        named = names[: len(named) + 1]
    more = len(names) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _latest(dates: Iterable[Any]) -> date | None:
    return max((_date(day) for day in dates if day is not pd.NaT), default=None)


def _date(day: pd.Timestamp) -> date:
    return day.date()


@functools.lru_cache(maxsize=4096)
def _day(on: date) -> str:
    """'3 March 2018' in the letter's language, not broken over two lines."""
    return format_date(on, "d MMMM y", locale=LANGUAGE).replace(" ", "\u00a0")

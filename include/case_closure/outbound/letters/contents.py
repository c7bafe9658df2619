"""What each letter of a night says: every value its page needs, as text, from the records behind it.

Belongs here: whose name and address, which cases, dates and amounts stand in a letter, and how people read them. Does not
belong here: wording and layout (``outbound.letters``), whether a letter goes out (``stages.letters``), the store.

A receiving parent's letter is made from that parent's own case alone (R15).
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pandas as pd
from babel import Locale
from babel.dates import format_date

from case_closure.domain import letters as codes
from case_closure.domain.cases import PAYING_PARENT, RECEIVING_PARENT
from case_closure.domain.money import BUCKETS, pounds
from case_closure.domain.postcode import UK_COUNTRIES
from case_closure.stages.frames import Frames
from case_closure.stages.resolutions import lay_over, of_people

Row = Mapping[Any, Any]
PAYING, RECEIVING, REPRESENTATIVE = PAYING_PARENT, RECEIVING_PARENT, "REPRESENTATIVE"

# A longer line, word or number is no name of anybody's: what passes is cut, so that a hostile one cannot fill pages.
LONGEST_LINE, LONGEST_WORD, LONGEST_REFERENCE = 100, 16, 64
_WITHOUT_A_BREAK = re.compile(rf"[^\s-]{{{LONGEST_WORD}}}(?=[^\s-])")
# Lines that fit the address window in its usual size, and their width in ems.
ROOMY_LINES, ROOMY_WIDTH = 6, 26
CASES_CHARACTERS = 90
LANGUAGE = "en"
_TERRITORIES = Locale(LANGUAGE).territories


class LetterIncomplete(Exception):
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

    ``letters``, all of the night ``on``: 'letters' (letter_id, code, recipient_role, party_id, casegroup_id,
    csa_system, csa_case_id, covers_letter_id, total_pence, client_role), 'parties' (as ``mended`` returns them),
    'cases' (letter_id, csa_system, csa_case_id, led, liability_end_date), 'dues' (letter_id, csa_system, csa_case_id,
    creditor, arrears_status, amount_pence), 'by_hand' (letter_id, from_on, to_on), 'covered' (letter_id, content,
    business_date: of the letter it covers). Raises LetterIncomplete.
    """
    of = {name: _by_letter(letters[name]) for name in ("parties", "cases", "dues", "by_hand", "covered")}
    made = {}
    for letter in letters["letters"].to_dict("records"):
        key = letter["letter_id"]
        records = {name: rows.get(key, []) for name, rows in of.items()}
        made[key] = json.dumps(content(letter, on, **records), ensure_ascii=False, separators=(",", ":"))
    return made


def _by_letter(frame: pd.DataFrame) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in frame.to_dict("records"):
        found.setdefault(row["letter_id"], []).append(row)
    return found


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

    id, ref (its number, short enough for a foot line), code, lang, title, on; to (address lines), roomy (they fit in
    the usual size), dear; case (the case numbers it is about); copy (the content of the letter it covers). By code:
    cases with their buckets, total and government; led; ended; from, to-date; sent; client. Raises LetterIncomplete.
    """
    if not parties:
        raise LetterIncomplete(_lacks(letter, f"its client, party {_text(letter['party_id'])}"))
    client, code = parties[0], letter["code"]
    to_representative = letter["recipient_role"] == REPRESENTATIVE
    to = _representative(client) if to_representative else _client(client)
    made: dict[str, Any] = {
        "id": letter["letter_id"], "ref": _reference(letter["letter_id"]), "code": code,
        "lang": LANGUAGE, "on": _day(on), "to": to,
        "roomy": len(to) <= ROOMY_LINES and all(len(line) <= ROOMY_WIDTH or _width(line) <= ROOMY_WIDTH for line in to),
        "dear": to[0] if to_representative else _salutation(client), "case": None, "cases": [], "copy": None,
    }  # fmt: skip
    if code in (codes.COVERING, codes.REISSUE):
        if not covered:
            raise LetterIncomplete(_lacks(letter, "the letter it covers"))
        made["copy"] = json.loads(covered[0]["content"])
        made["case"] = made["copy"]["case"]
        made |= {"client": _name(client), "sent": _day(_date(covered[0]["business_date"]))}
    elif code in (codes.WRITE_OFF, codes.ARREARS_PAYING_PARENT, codes.ARREARS_RECEIVING_PARENT):
        made |= _arrears(letter, dues)
        if code == codes.WRITE_OFF:
            if not by_hand:
                raise LetterIncomplete(_lacks(letter, "a caseworker's from and to dates"))
            made |= {"from": _day(_date(by_hand[0]["from_on"])), "to-date": _day(_date(by_hand[0]["to_on"]))}
    else:
        made |= _closure(letter, cases)
    made["title"] = codes.TITLES[code].format(led=made.get("led"))
    return made


def _lacks(letter: Row, what: str) -> str:
    return f"Letter {letter['letter_id']} is due and lacks {what}. No letter of this night is written until it has it."


# --- amounts


def _arrears(letter: Row, dues: list[Row]) -> dict[str, Any]:
    """The dues of each case by bucket. They must add up to what the letter's row says it states."""
    by_case: dict[tuple[str, str], dict[tuple[str, str], int]] = {}
    for row in dues:
        buckets = by_case.setdefault((row["csa_system"], row["csa_case_id"]), {})
        bucket = (row["creditor"], row["arrears_status"])
        buckets[bucket] = buckets.get(bucket, 0) + int(row["amount_pence"])
    total = sum(sum(buckets.values()) for buckets in by_case.values())
    states = not letter.get("total_pence__missing", False)
    if not by_case or (states and total != letter["total_pence"]):
        found = f"{pounds(total)} pounds in {len(by_case)} cases"
        raise LetterIncomplete(_lacks(letter, f"dues that add up to its total; found {found}"))
    cases = [_case(*key, buckets) for key, buckets in sorted(by_case.items())]
    return {
        "case": _cases_named([case["case"] for case in cases]), "cases": cases, "total": f"£{pounds(total)}",
        "government": any(case["government"] for case in cases),
    }  # fmt: skip


def _case(system: str, case_id: str, buckets: Mapping[tuple[str, str], int]) -> dict[str, Any]:
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


def _client(client: Row) -> list[str]:
    country = _text(client["country"]).upper()
    abroad = country and country not in UK_COUNTRIES
    lines = [_name(client), *(client[f"address_line_{number}"] for number in range(1, 5))]
    code = _text(client["postcode"])
    lines += [code, (_TERRITORIES.get(country) or country).upper()] if abroad else [_spaced(code)]
    return _lines(lines)


def _representative(client: Row) -> list[str]:
    lines = [client[f"representative_address_line_{number}"] for number in range(1, 5)]
    return _lines([client["representative_name"], *lines, _spaced(_text(client["representative_postcode"]))])


def _lines(values: Iterable[Any]) -> list[str]:
    return [line for line in map(_line, map(_text, values)) if line]


def _spaced(postcode: str) -> str:
    """A UK postcode as the post writes it: upper case, a space before the last three."""
    joined = postcode.replace(" ", "").upper()
    return f"{joined[:-3]} {joined[-3:]}" if len(joined) > 4 else joined


def _text(value: Any) -> str:
    """The value as one line: accents composed, what does not print (controls, direction marks) gone."""
    if not isinstance(value, str):
        return ""
    plain = " ".join(value.split())
    if plain.isascii() and plain.isprintable():
        return plain  # nearly all are, and a night has half a million of them
    plain = unicodedata.normalize("NFC", plain)
    return "".join(c for c in plain if unicodedata.category(c)[0] != "C")


def _line(text: str) -> str:
    """At most one line of an address; a word that could not be broken gets places where it can."""
    text = " ".join(text.split())
    if len(text) > LONGEST_LINE:
        text = text[: LONGEST_LINE - 1] + "…"
    return _WITHOUT_A_BREAK.sub("\\g<0>\u200b", text) if len(text) > LONGEST_WORD else text


def _width(line: str) -> float:
    """How wide a line is at most, in ems: the widest letters and all accented ones, capitals, others."""
    return sum(1.0 if c in "MWmw@%" or not c.isascii() else 0.75 if c.isupper() else 0.55 for c in line)


def _reference(letter_id: str) -> str:
    """The letter's number; a very long one by its beginning and a hash of the whole."""
    if len(letter_id) > LONGEST_REFERENCE:
        whole = hashlib.sha256(letter_id.encode()).hexdigest()
        letter_id = f"{letter_id[: LONGEST_REFERENCE - 13]}…{whole[:12]}"
    return _line(_text(letter_id))


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

"""Reading tranche criteria: `<landing>/criteria.json`, or the file somebody loads (B2, B6).

Belongs here: what each key may hold, and every disagreement said at once in words. Does not belong here: whether a
version is new, approval, what it selects.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any, Final, TypeGuard

from case_closure import refusals
from case_closure.domain.cases import CASE_ENUMS, CSA_SYSTEMS
from case_closure.domain.texts import is_blank, shown
from case_closure.domain.tranches import FIELDS, LONGEST_NOTICE_DAYS, Criteria
from case_closure.landing.paths import PathLike, open_regular
from case_closure.landing.rejection import Problem

FILE: Final = "criteria.json"
_LARGEST = 16 * 1024 * 1024
_MOST_SAID = 100  # problems written out one by one
_MOST_SHOWN = 20  # of a list's values
_LONGEST_NUMBER = 40  # characters; no figure of criteria comes near
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Left out, these say what null says and select nothing more; a cap or an end left out by mistake would.
_MAY_BE_ABSENT: Final = ("ocr_reference", "authorised_by", "authorised_on", "reason", "reminder_days")
_MEND: Final = "Mend the criteria and give them again."


class CriteriaInvalid(refusals.Refused):
    """The criteria cannot be used, and none of them was: each problem names the tranche, the key and what to do."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        super().__init__(file, problems)
        self.file = file
        self.problems = problems

    def __str__(self) -> str:
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        head = f"The tranche criteria in {self.file} were not used, none of them (B6); {count}:"
        lines = [f"  {problem}" for problem in self.problems[:_MOST_SAID]]
        more = len(self.problems) - len(lines)
        return "\n".join([head, *lines, *([f"  and {more:,} more"] if more else [])])


def read(landing: PathLike) -> list[Criteria] | None:
    """The criteria beside the nights of a landing zone; None when there is no such file. Raises CriteriaInvalid."""
    path = landing / FILE
    try:
        with open_regular(path) as stream:
            content = stream.read(_LARGEST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CriteriaInvalid(FILE, [_problem(FILE, "file", "a file that can be read", reason)]) from None
    return parse(content, FILE)


def parse(content: bytes, file: str) -> list[Criteria]:
    """The criteria in a JSON list, in its order. Raises CriteriaInvalid with all that is wrong."""
    if len(content) > _LARGEST:
        raise CriteriaInvalid(file, [_problem(file, "size", f"at most {_LARGEST} bytes", "more")])
    try:
        rows = json.loads(
            content.decode("utf-8-sig"),
            object_pairs_hook=_Object,
            parse_int=_whole_number,
            parse_float=_Number,
            parse_constant=_Number,
        )
    except (ValueError, RecursionError) as error:
        where = f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else "none"
        raise CriteriaInvalid(file, [_problem(file, "content", "JSON", where)]) from None
    if not isinstance(rows, list) or isinstance(rows, _Object):
        raise CriteriaInvalid(file, [_problem(file, "content", "a list of criteria, [{...}]", _found(rows))])
    problems: list[Problem] = []
    criteria = [_criteria(row, number, file, problems) for number, row in enumerate(rows, start=1)]
    seen: set[str] = set()
    for one in criteria:
        if one is not None and one.tranche_id in seen:
            problems.append(
                _problem(file, f"tranche {shown(one.tranche_id)}", "each tranche_id once", "it twice")
            )
        seen |= {one.tranche_id} if one is not None else set()
    if problems:
        raise CriteriaInvalid(file, problems)
    return [one for one in criteria if one is not None]


def from_form(fields: dict[str, Any]) -> Criteria:
    """Criteria as entered in the UI, every key of the contract given. Raises CriteriaInvalid."""
    (criteria,) = parse(json.dumps([fields], default=str).encode(), "the form")
    return criteria


class _Object(list[tuple[str, Any]]):
    """A JSON object as it was written: a key that stands twice is seen, not lost."""


class _Number(str):
    """A number that no key of the criteria can hold, as it was written: 1.5, 1e400, NaN, one of thousands of digits."""


def _whole_number(written: str) -> int | _Number:
    # Python refuses to read a number of some thousand digits, and would not say where in the file it stands.
    return int(written) if len(written) <= _LONGEST_NUMBER else _Number(written)


def _problem(file: str, figure: str, expected: str, found: str) -> Problem:
    return Problem(file, figure, expected, found, advice=_MEND)


def _criteria(row: object, number: int, file: str, problems: list[Problem]) -> Criteria | None:
    if not isinstance(row, _Object):
        problems.append(_problem(file, f"entry {number}", "an object of criteria, {...}", _found(row)))
        return None
    fields = dict(row)
    name = fields.get("tranche_id")
    where = f"tranche {shown(name)}" if _is_text(name) and not is_blank(name) else f"entry {number}"
    before = len(problems)

    def expect(key: str, expected: str, found: str) -> None:
        problems.append(_problem(file, f"{where}, {key}", expected, found))

    for key in sorted(fields.keys() - set(FIELDS)):
        expect(shown(key), f"one of the keys {', '.join(FIELDS)}", "a key that is none of them")
    for key in sorted(key for key, times in Counter(key for key, _ in row).items() if times > 1):
        expect(shown(key), "the key once", "it more than once")
    for key in FIELDS:
        if key not in fields and key not in _MAY_BE_ABSENT:
            expect(key, "the key, null where it may be", "nothing")
    values: dict[str, Any] = {}
    for key, (expected, convert) in _KEYS.items():
        if key in fields or key in _MAY_BE_ABSENT:
            try:
                values[key] = convert(fields.get(key))
            except ValueError:
                expect(key, expected, _found(fields[key]))
    start, end = values.get("valid_from"), values.get("valid_to")
    if start and end and start > end:
        expect("valid_to", f"a date not before valid_from, {start}", str(end))
    return Criteria(**values) if len(problems) == before else None


def _found(value: object) -> str:
    """What stands there, as it was written and short."""
    if isinstance(value, list) and not isinstance(value, _Object):
        some = [_found_in_list(one) for one in value[:_MOST_SHOWN]]
        return shown(f"[{', '.join([*some, '...'] if len(value) > len(some) else some)}]")
    return _found_in_list(value)


def _found_in_list(value: object) -> str:
    if isinstance(value, list):
        return "an object" if isinstance(value, _Object) else "a list"
    if isinstance(value, _Number):
        return value if len(value) <= _LONGEST_NUMBER else f"a number {len(value):,} characters long"
    return shown(json.dumps(value, ensure_ascii=False))


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and not isinstance(value, _Number)


def _name(value: object) -> str:
    if not _is_text(value) or is_blank(value) or value != value.strip() or not value.isprintable():
        raise ValueError
    return value


def _words(value: object) -> str | None:
    if value is None:
        return None
    if not _is_text(value) or "\x00" in value:
        raise ValueError
    if is_blank(value):
        return None
    if not all(character.isprintable() or character in "\t\r\n" for character in value):
        raise ValueError
    return value.strip()


def _day(value: object) -> date | None:
    if value is None:
        return None
    if not _is_text(value) or not _DAY.fullmatch(value):
        raise ValueError
    return date.fromisoformat(value)


def _whole(lowest: int, highest: int) -> Callable[[object], int]:
    def convert(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            raise ValueError
        return value

    return convert


def _optional(convert: Callable[[object], int]) -> Callable[[object], int | None]:
    return lambda value: None if value is None else convert(value)


def _some_of(allowed: tuple[Any, ...]) -> Callable[[object], tuple[Any, ...]]:
    def convert(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list) or isinstance(value, _Object) or not value:
            raise ValueError
        if any(isinstance(one, bool | _Number) or one not in allowed for one in value):
            raise ValueError
        return tuple(one for one in allowed if one in value)

    return convert


def _listed(values: tuple[Any, ...]) -> str:
    return f"a list of at least one of {', '.join(map(str, values))}"


_MOST_CASES = 2**53  # beyond this a JSON number may have lost digits on its way
_SEGMENTS, _TYPES = CASE_ENUMS["segment"], CASE_ENUMS["case_type"]
_A_DAY = "a date such as 2017-08-10, or null"
_WORDS = "text of characters that can be printed, or null"
_KEYS: dict[str, tuple[str, Callable[[object], Any]]] = {
    "tranche_id": ("text of characters that can be printed, without spaces around it", _name),
    "ocr_reference": (_WORDS, _words),
    "authorised_by": (_WORDS, _words),
    "authorised_on": (_A_DAY, _day),
    "reason": (_WORDS, _words),
    "segments": (_listed(_SEGMENTS), _some_of(_SEGMENTS)),
    "csa_systems": (_listed(CSA_SYSTEMS), _some_of(CSA_SYSTEMS)),
    "case_types": (_listed(_TYPES), _some_of(_TYPES)),
    "max_cases": (f"a whole number from 0 to {_MOST_CASES}, or null for no cap", _optional(_whole(0, _MOST_CASES))),
    "notice_days": (
        f"a whole number from 1 to {LONGEST_NOTICE_DAYS}, so that the end liability date is after the selection",
        _whole(1, LONGEST_NOTICE_DAYS),
    ),
    "reminder_days": (
        f"a whole number from 0 to {LONGEST_NOTICE_DAYS}, or null for one month",
        _optional(_whole(0, LONGEST_NOTICE_DAYS)),
    ),
    "valid_from": (_A_DAY, _day),
    "valid_to": (_A_DAY, _day),
}  # fmt: skip

"""Whether a night's folder is what its manifest says, down to the penny (R22).

Belongs here: reading manifest.json, comparing every file with it and with the contract, and saying all that
disagrees at once. Does not belong here: judging rows, or what becomes of a rejected night.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, NoReturn

import pyarrow as pa

from case_closure.domain.money import parse_pounds
from case_closure.domain.texts import is_blank, shown
from case_closure.landing.normalising import LONGEST_VALUE, column_total
from case_closure.landing.parquet import opened, schema_of, schema_problems
from case_closure.landing.paths import NotAFile, PathLike, open_regular
from case_closure.landing.payments import (
    COLUMNS,
    HEADER,
    TRAILER,
    PaymentsFile,
    parse_trailer_total,
    pounds_text,
)
from case_closure.landing.reading import LandedFile, Landing
from case_closure.landing.rejection import SEND_AGAIN, LandingRejected, Problem, Unreadable
from case_closure.tables.landed import FileContract, contract_for, payments_system
from case_closure.tables.manifest import MANIFEST

__all__ = ["MANIFEST", "Landing", "LandingRejected", "Problem", "reopen", "verify"]

_LARGEST_MANIFEST = 16 * 1024 * 1024
_CHUNK = 1024 * 1024
_LONGEST_NUMBER = 100  # digits of a figure, or its exponent: beyond any sum of pence
_WHOLE_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MEND_MANIFEST = "Ask the sender for a manifest made from the files as they were sent."

Expect = Callable[..., None]


@dataclass(frozen=True)
class _Named:
    """A file as the manifest names it; a figure is None when the manifest's own was not usable and was
    reported."""

    name: str
    rows: int | None
    sha256: str | None
    control_totals: Mapping[str, Any]


@dataclass(frozen=True)
class _Manifest:
    extract_id: str
    sha256: str
    business_date: date
    files: tuple[_Named, ...]


def verify(folder: PathLike, business_date: date | None, *, every_value: bool = True) -> Landing:
    """The night in `folder` (`<landing>/<business date>`), every figure of it checked.

    With `business_date` None the folder may be of any date: its manifest says which.

    Checks the manifest, the names in the folder, and of each file the hash, the rows, the columns and types,
    the control totals, and that every value can be read; without `every_value` only the columns that have a
    control total are decoded, at the speed of the hash. Memory stays flat whatever the size, two files at a time. Raises
    LandingRejected with every disagreement found, in the order of the manifest.
    """
    problems: list[Problem] = []
    present = _names_in(folder)
    manifest = _read_manifest(folder, present, business_date, problems)
    # Two files at a time: while one is hashed, which keeps one core busy, the other is decoded.
    with ThreadPoolExecutor(2) as pool:
        for of_one_file in pool.map(
            lambda named: _check_named(folder, named, present, every_value), manifest.files
        ):
            problems += of_one_file
    problems += _strays(present, manifest)
    if problems:
        raise LandingRejected(str(folder), problems)
    return _landing(folder, manifest)


def _check_named(folder: PathLike, named: _Named, present: set[str], every_value: bool) -> list[Problem]:
    """All that is wrong with one file that the manifest names."""
    contract = contract_for(named.name)
    if contract is None:
        return [
            Problem(
                shown(named.name),
                "name",
                "the name of a file of the contract",
                "a name that is not in it",
                advice="File names are listed in docs/data-dictionary.md. " + _MEND_MANIFEST,
            )
        ]
    if named.name not in present:
        return [
            Problem(
                named.name,
                "file",
                "to be in the folder, as the manifest names it",
                "no such file",
                advice="Land the file, or ask the sender for a manifest without it.",
            )
        ]
    return _check_file(folder / named.name, named, contract, every_value)


def landed_sha256(folder: PathLike) -> str | None:
    """The hash of the manifest that lies in the folder now; None where there is none that can be read."""
    try:
        with open_regular(folder / MANIFEST) as source:
            return hashlib.sha256(source.read(_LARGEST_MANIFEST)).hexdigest()
    except OSError:
        return None


def reopen(folder: PathLike, business_date: date, manifest_sha256: str) -> Landing:
    """A night verified before, without reading its files again. Raises LandingRejected when the manifest has
    changed."""
    problems: list[Problem] = []
    manifest = _read_manifest(folder, _names_in(folder), business_date, problems)
    if not problems and manifest.sha256 != manifest_sha256:
        problems.append(
            Problem(
                MANIFEST,
                "sha256",
                manifest_sha256,
                manifest.sha256,
                advice="It was landed again after it was verified: run the night from its first stage.",
            )
        )
    if problems:
        raise LandingRejected(str(folder), problems)
    return _landing(folder, manifest)


def _landing(folder: PathLike, manifest: _Manifest) -> Landing:
    """The night of a manifest without problems: no figure of it is None and every name is in the contract."""
    files = (
        LandedFile(contract, folder / named.name, named.rows, named.sha256, payments_system(named.name))
        for named in manifest.files
        if (contract := contract_for(named.name)) and named.rows is not None and named.sha256 is not None
    )
    return Landing(manifest.business_date, manifest.extract_id, manifest.sha256, tuple(files))


# --- the folder and the manifest itself


def _names_in(folder: PathLike) -> set[str]:
    try:
        return {name for path in folder.iterdir() if (name := path.name)}
    except OSError as error:
        why = "no such folder" if not folder.exists() else f"what cannot be listed ({_reason(error)})"
        problem = Problem(
            MANIFEST, "folder", "a folder for the business date", why, advice="Land the night, manifest last."
        )
        raise LandingRejected(str(folder), [problem]) from None


def _strays(present: set[str], manifest: _Manifest) -> Iterable[Problem]:
    named = {MANIFEST, *(named.name for named in manifest.files)}
    for name in sorted(present - named):
        yield Problem(
            shown(name),
            "file",
            "nothing that the manifest does not name",
            "this in the folder",
            advice="Take it out of the folder, or ask the sender for a manifest that names it.",
        )


def _read_manifest(
    folder: PathLike, present: set[str], business_date: date | None, problems: list[Problem]
) -> _Manifest:
    """The manifest, what is wrong with parts of it added to `problems`; raises when nothing can be made of
    it."""

    def give_up(figure: str, expected: str, found: str) -> NoReturn:
        advice = "Land it after all files of the night are there."
        raise LandingRejected(
            str(folder), [*problems, Problem(MANIFEST, figure, expected, found, advice=advice)]
        ) from None

    if MANIFEST not in present:
        others = (
            f"{len(present)} other file{'' if len(present) == 1 else 's'}" if present else "an empty folder"
        )
        give_up(
            "file",
            f"the manifest of {business_date or 'the night'}",
            f"none, but {others}" if present else others,
        )
    try:
        with open_regular(folder / MANIFEST) as source:
            raw = source.read(_LARGEST_MANIFEST + 1)
    except OSError as error:
        give_up("file", "a file that can be read", _unreadable(error))
    if len(raw) > _LARGEST_MANIFEST:
        give_up("size", f"at most {_LARGEST_MANIFEST} bytes", "more")
    try:
        content = json.loads(
            raw, parse_float=_number, parse_int=_number, parse_constant=_refuse, object_pairs_hook=_object
        )
    except (ValueError, RecursionError) as error:
        give_up("content", "JSON", f"what is not JSON ({_reason(error)})")
    if not isinstance(content, dict):
        give_up("content", "an object with business_date, extract_id and files", _kind(content))

    def expect(holds: object, figure: str, expected: str, found: object, file: str = MANIFEST) -> None:
        if not holds:
            problems.append(Problem(file, figure, expected, shown(found), advice=_MEND_MANIFEST))

    landed_for = content.get("business_date")
    day = _day(landed_for)
    expect(
        day is not None and business_date in (None, day),
        "business_date",
        str(business_date or "a date as YYYY-MM-DD"),
        landed_for if isinstance(landed_for, str) else _kind(landed_for),
    )
    extract_id = content.get("extract_id")
    expect(
        isinstance(extract_id, str) and not is_blank(extract_id),
        "extract_id",
        "a text that is not empty",
        _kind(extract_id),
    )
    if isinstance(extract_id, str) and not is_blank(extract_id):
        # It is printed, stored and put in notes, so it must be what it seems.
        expect(extract_id.isprintable(), "extract_id", "a text of characters that can be printed", extract_id)
        expect(
            len(extract_id) <= LONGEST_VALUE,
            "extract_id",
            f"at most {LONGEST_VALUE:,} characters",
            f"{len(extract_id):,}",
        )
    entries = content.get("files")
    expect(isinstance(entries, list), "files", "a list of files", _kind(entries))
    files: dict[str, _Named] = {}
    for place, entry in enumerate(entries if isinstance(entries, list) else [], start=1):
        named = _named(entry, place, expect)
        if named is not None:
            expect(named.name not in files, "name", "named once", "named again", shown(named.name))
            files.setdefault(named.name, named)
    return _Manifest(
        extract_id if isinstance(extract_id, str) else "",
        hashlib.sha256(raw).hexdigest(),
        day or date.min,
        tuple(files.values()),
    )


def _day(text: object) -> date | None:
    if not isinstance(text, str) or not _WHOLE_DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _named(entry: Any, place: int, expect: Expect) -> _Named | None:
    if not isinstance(entry, dict):
        expect(
            False, f"files, entry {place}", "an object with name, rows, sha256, control_totals", _kind(entry)
        )
        return None
    name, rows, digest = entry.get("name"), entry.get("rows"), entry.get("sha256")
    totals = entry.get("control_totals", {})
    if not isinstance(name, str):
        expect(False, f"files, entry {place}, name", "a file name", _kind(name))
        return None
    file = shown(name)
    good_rows = type(rows) is int and rows >= 0
    expect(
        good_rows,
        "rows in the manifest",
        "a whole number, 0 or more",
        rows if type(rows) is int else _kind(rows),
        file,
    )
    digest = digest.lower() if isinstance(digest, str) else digest
    good_digest = isinstance(digest, str) and bool(_SHA256.fullmatch(digest))
    expect(
        good_digest,
        "sha256 in the manifest",
        "64 hexadecimal digits",
        digest if isinstance(digest, str) else _kind(digest),
        file,
    )
    expect(isinstance(totals, dict), "control_totals in the manifest", "an object", _kind(totals), file)
    return _Named(
        name,
        rows if good_rows else None,
        digest if good_digest else None,
        totals if isinstance(totals, dict) else {},
    )


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return content


def _kind(value: object) -> str:
    names = {
        dict: "an object",
        list: "a list",
        str: "a text",
        bool: "true or false",
        int: "a number",
        Decimal: "a number",
    }
    if isinstance(value, _TooLarge):
        return f"a number of {value.size}"
    if isinstance(value, str) and value and is_blank(value):
        return "a text with nothing to read in it"
    if value is None:
        return "nothing"
    return "an empty text" if value == "" else names.get(type(value), type(value).__name__)


@dataclass(frozen=True)
class _TooLarge:
    """A number of the manifest with more digits, or a larger exponent, than any figure here can have."""

    size: str


def _number(text: str) -> int | Decimal | _TooLarge:
    """A JSON number, exactly. Never worked out when it is too large: an exponent may ask for more digits than memory has."""
    digits, _, exponent = text.lower().partition("e")
    if len(digits) > _LONGEST_NUMBER or len(exponent) > 4 or abs(int(exponent or 0)) > _LONGEST_NUMBER:
        return _TooLarge(f"{len(digits):,} digits{', exponent ' + shown(exponent, 24) if exponent else ''}")
    return Decimal(text) if exponent or "." in digits else int(text)


def _unreadable(error: OSError) -> str:
    reason = _reason(error)
    return reason if isinstance(error, NotAFile) else f"none ({reason})"


def _reason(error: BaseException) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return shown(text or type(error).__name__, 160)


# --- one file


def _check_file(path: PathLike, named: _Named, contract: FileContract, every_value: bool) -> list[Problem]:
    """All that is wrong with one file that is there and in the contract."""
    problems: list[Problem] = []
    try:
        digest = _sha256(path)
    except OSError as error:
        return [Problem(path.name, "file", "a file that can be read", _unreadable(error), advice=SEND_AGAIN)]
    as_sent = named.sha256 in (None, digest)
    if not as_sent:
        advice = (
            "The file is not the one the manifest was made from, or was cut short on the way. " + SEND_AGAIN
        )
        problems.append(Problem(path.name, "sha256", str(named.sha256), digest, advice=advice))
    try:
        if contract.is_csv:
            _check_payments(path, named, contract, problems)
        else:
            _check_parquet(path, named, contract, problems, as_sent, every_value)
    except Unreadable as unreadable:
        problems.append(unreadable.problem)
    return problems


def _sha256(path: PathLike) -> str:
    digest = hashlib.sha256()
    with open_regular(path) as source:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _check_parquet(
    path: PathLike,
    named: _Named,
    contract: FileContract,
    problems: list[Problem],
    as_sent: bool,
    every_value: bool,
) -> None:
    with opened(path) as parquet:
        rows = parquet.metadata.num_rows
        wrong_columns = schema_problems(contract, path.name, schema_of(path, parquet))
    _check_rows(path.name, named.rows, rows, problems)
    problems += wrong_columns
    wanted = _summable(path.name, named, contract, problems)
    if wrong_columns:
        return  # the columns must be right before their values can be looked at
    totals = dict.fromkeys(wanted, 0)
    columns = contract.column_names if every_value else wanted
    try:
        for batch in LandedFile(contract, path, rows, "").batches(columns) if columns else ():
            for column in wanted:
                totals[column] += column_total(batch[column])
    except LandingRejected as rejected:
        # Damaged bytes fail in many ways; when the hash already says so, that is the one thing to act on.
        problems += rejected.problems if as_sent else []
        return
    for column, found in totals.items():
        _check_total(path.name, column, named.control_totals[column], found, problems)


def _summable(file: str, named: _Named, contract: FileContract, problems: list[Problem]) -> list[str]:
    """The columns whose control total can be compared; those that cannot be are reported."""
    wanted = []
    if "total_pence" in contract.column_names and "total_pence" not in named.control_totals:
        problems.append(
            Problem(
                file,
                "control total",
                "the sum of total_pence in the manifest",
                "none",
                column="total_pence",
                advice=_MEND_MANIFEST,
            )
        )
    for column, total in named.control_totals.items():
        found = None
        if column not in contract.column_names:
            found = "a column the file does not have"
        elif not _can_be_summed(contract, column):
            found = f"a column of type {contract.column(column).type}"
        elif _as_number(total) is None and not (contract.is_csv and parse_pounds(_text(total)) is not None):
            found = _kind(total)
        if found is None:
            wanted.append(column)
        else:
            expected = "a number, for a column of numbers"
            problems.append(
                Problem(file, "control total", expected, found, column=shown(column), advice=_MEND_MANIFEST)
            )
    return wanted


def _can_be_summed(contract: FileContract, column: str) -> bool:
    if contract.is_csv:
        return column == "value"
    return bool(
        pa.types.is_integer(contract.column(column).type) or pa.types.is_boolean(contract.column(column).type)
    )


def _as_number(value: object) -> int | Decimal | None:
    return value if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _check_rows(file: str, expected: int | None, found: int, problems: list[Problem]) -> None:
    if expected is not None and expected != found:
        problems.append(Problem(file, "rows", shown(expected), str(found), advice=SEND_AGAIN))


def _check_total(file: str, column: str, expected: object, found: int, problems: list[Problem]) -> None:
    if expected != found:
        problems.append(
            Problem(file, "control total", shown(expected), str(found), column=column, advice=SEND_AGAIN)
        )


def _check_payments(path: PathLike, named: _Named, contract: FileContract, problems: list[Problem]) -> None:
    payments = PaymentsFile(path)
    try:
        for _ in payments.lines():
            pass
    except OSError as error:
        problems.append(
            Problem(path.name, "file", "a file that can be read", _unreadable(error), advice=SEND_AGAIN)
        )
        return
    if sorted(payments.header) != sorted(COLUMNS):
        header = shown(",".join(payments.header), 160) or "an empty line"
        problems.append(Problem(path.name, "header", HEADER, header, advice=SEND_AGAIN))
    _check_rows(path.name, named.rows, payments.rows, problems)
    _check_trailer(path.name, payments, problems)
    for column in _summable(path.name, named, contract, problems):
        expected = named.control_totals[column]
        # In pounds as the column is, as a number or as text; whole numbers may be pence.
        # Exactly: Decimal's own arithmetic rounds to 28 digits.
        in_pence = parse_pounds(expected) if isinstance(expected, str) else Fraction(expected) * 100
        sums = {payments.total_pence, payments.positive_pence}
        if in_pence not in sums and expected not in sums:
            found = pounds_text(payments.total_pence)
            problems.append(
                Problem(path.name, "control total", shown(expected), found, column=column, advice=SEND_AGAIN)
            )


def _check_trailer(file: str, payments: PaymentsFile, problems: list[Problem]) -> None:
    def wrong(figure: str, expected: str, found: str) -> None:
        advice = "The file was cut short or changed after its trailer was made. " + SEND_AGAIN
        problems.append(Problem(file, figure, expected, found, advice=advice))

    if payments.trailer is None:
        wrong("trailer", f"a last line {TRAILER}", "a last line that is not one")
        return
    if len(payments.trailer) != 3:
        wrong("trailer", TRAILER, f"{len(payments.trailer)} fields")
        return
    _, rows, total = payments.trailer
    if rows != str(payments.rows):
        wrong("trailer, rows", shown(rows), str(payments.rows))
    if parse_trailer_total(total) not in (payments.total_pence, payments.positive_pence):
        wrong("trailer, total in pounds", shown(total), pounds_text(payments.total_pence))

"""What reading does to values, and nothing else: string types made one, control characters removed, a text with
nothing to read in it made null, text and dates checked.

Belongs here: Arrow arrays in, Arrow arrays of the contract's types out; exact sums. Does not belong here:
files, NINO, postcodes, or whether a value makes sense.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from case_closure.domain.money import INT64_LIMIT_PENCE
from case_closure.domain.texts import NOTHING_TO_READ
from case_closure.landing.rejection import SEND_AGAIN, Problem, Unreadable

_EPOCH = date(1970, 1, 1).toordinal()
FIRST_DAY, LAST_DAY = date.min.toordinal() - _EPOCH, date.max.toordinal() - _EPOCH
"""Days since 1970 of the first and last date that Python and PostgreSQL both can hold: years 1 to 9999."""

LONGEST_VALUE = 10_000
"""Characters that a text may have at most: far beyond any name, address or note, and short of what eats the machine."""
MOST_BYTES = 4 * LONGEST_VALUE  # of such a text, in UTF-8

_BLANK = r"\A[" + "".join(f"\\x{{{first:X}}}-\\x{{{last:X}}}" for first, last in NOTHING_TO_READ) + r"]*\z"
# The first bytes in UTF-8 of characters with nothing to read: a value that starts otherwise need not be looked at.
_BLANK_STARTS = np.zeros(256, dtype=bool)
_BLANK_STARTS[
    list({chr(code).encode()[0] for ends in NOTHING_TO_READ for code in range(ends[0], ends[1] + 1)})
] = True

_CONTROL = r"[\x00-\x08\x0B-\x1F\x7F-\x{9F}]"  # Unicode category Cc but tab and newline
_CONTROL_CODES = {code: None for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"}


def plain_type(found: pa.DataType) -> pa.DataType:
    """The type of the values, without what only says how they are stored or read: a dictionary, the annotation JSON."""
    while pa.types.is_dictionary(found) or isinstance(found, pa.JsonType):
        found = found.value_type if pa.types.is_dictionary(found) else found.storage_type
    return found


def same_type(expected: pa.DataType, found: pa.DataType) -> bool:
    """Whether a column of type `found` counts as `expected`.

    Arrow's ways of storing text are one type here: string, large_string, string_view, dictionaries of them, and
    text annotated as JSON. All else must be equal: date64 and timestamps are not dates, int32 is not int64, and the
    16 bytes of a UUID are no text.
    """
    found = plain_type(found)
    if pa.types.is_string(expected):
        return bool(
            pa.types.is_string(found) or pa.types.is_large_string(found) or pa.types.is_string_view(found)
        )
    return bool(found == expected)


def without_control_characters(text: str) -> str:
    """The text without the characters of Unicode category Cc; tab and newline stay."""
    return text.translate(_CONTROL_CODES)


def normalised(
    array: pa.Array, file: str, column: str, rows_before: int, *, blank_is_missing: bool = True
) -> pa.Array:
    """One column of a batch as the contract has it.

    A text with nothing to read in it is null, unless it is to be kept as it came. `rows_before`: rows of the file ahead
    of this batch. Raises Unreadable for text that is not UTF-8 or longer than LONGEST_VALUE and
    for a date outside years 1 to 9999, naming the first such row.
    """
    array = _plain(array)
    if pa.types.is_date32(array.type):
        _check_dates(array, file, column, rows_before)
        return array
    if not pa.types.is_string(array.type):
        return array
    array = _clean_text(array, file, column, rows_before)
    return _without_blanks(array) if blank_is_missing else array


def column_total(values: pa.Array | pa.ChunkedArray) -> int:
    """Exact sum of an integer or boolean column, nulls as 0; cannot overflow."""
    chunks = values.chunks if isinstance(values, pa.ChunkedArray) else [values]
    return sum(_chunk_total(chunk) for chunk in chunks)


def _chunk_total(chunk: pa.Array) -> int:
    if len(chunk) == chunk.null_count:
        return 0
    if pa.types.is_boolean(chunk.type):
        return int(chunk.true_count)
    ends = pc.min_max(chunk).as_py()
    if max(abs(ends["min"]), abs(ends["max"])) * len(chunk) <= INT64_LIMIT_PENCE:
        return int(pc.sum(chunk).as_py())
    return sum(value for value in chunk.to_pylist() if value is not None)  # Arrow's sum would wrap round


def _check_dates(array: pa.Array, file: str, column: str, rows_before: int) -> None:
    days = array.view(pa.int32())
    ends = pc.min_max(days).as_py()
    if ends["min"] is None or (ends["min"] >= FIRST_DAY and ends["max"] <= LAST_DAY):
        return
    outside = pc.or_(pc.less(days, FIRST_DAY), pc.greater(days, LAST_DAY))
    raise Unreadable(
        Problem(
            file,
            "date",
            "a date in the years 1 to 9999, or null",
            "a date outside them",
            row=rows_before + 1 + pc.index(outside, True).as_py(),
            column=column,
            advice="No calendar here can hold it. " + SEND_AGAIN,
        )
    )


def _plain(array: pa.Array) -> pa.Array:
    """The values by themselves, text as string, however they were stored."""
    if isinstance(array, pa.ExtensionArray):
        return _plain(array.storage)
    if isinstance(array, pa.DictionaryArray):
        return _plain(array.dictionary_decode())
    if pa.types.is_binary(array.type):
        return array.view(pa.string())  # an ENUM: text by another name
    return array.cast(pa.string()) if same_type(pa.string(), array.type) else array


def _clean_text(array: pa.Array, file: str, column: str, rows_before: int) -> pa.Array:
    content, edges = _bytes_of(array)
    if content.size == 0:
        return array
    is_ascii = content.max() < 0x80
    if not is_ascii:
        _check_utf8(array, file, column, rows_before)
    _check_length(array, edges, file, column, rows_before)
    # Printable ASCII, as nearly all columns are, has no control character.
    if not (is_ascii and content.min() >= 0x20 and content.max() < 0x7F) and _has_control(content):
        array = pc.replace_substring_regex(array, _CONTROL, "")
    return array


def _without_blanks(array: pa.Array) -> pa.Array:
    """A text with nothing to read in it counts as missing, so it is."""
    content, edges = _bytes_of(array)
    starts, ends = edges[:-1], edges[1:]
    maybe = starts == ends
    if content.size:
        first = content[np.minimum(starts, content.size - 1)]
        maybe |= _BLANK_STARTS[first]
    places = np.flatnonzero(maybe)
    if not len(places):
        return array
    blank = pc.match_substring_regex(array.take(pa.array(places)), _BLANK)
    gone = np.zeros(len(array), dtype=bool)
    gone[places] = blank.fill_null(True).to_numpy(zero_copy_only=False)
    return pc.if_else(pa.array(gone), pa.scalar(None, pa.string()), array) if gone.any() else array


def _check_length(array: pa.Array, edges: np.ndarray, file: str, column: str, rows_before: int) -> None:
    if (np.diff(edges) <= LONGEST_VALUE).all():
        return  # not more bytes, so not more characters
    too_long = pc.greater(pc.utf8_length(array), LONGEST_VALUE)
    first = pc.index(too_long, True).as_py()
    if first < 0:
        return
    raise Unreadable(too_long_a_value(file, column, row=rows_before + 1 + first))


def too_long_a_value(file: str, column: str | None, *, row: int | None = None) -> Problem:
    return Problem(
        file,
        "length",
        f"texts of at most {LONGEST_VALUE:,} characters",
        "a longer one",
        row=row,
        column=column,
        advice="Ask the sender what it is, and to land the file again without it.",
    )


def _bytes_of(array: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """The text of all values end to end, without a copy, and where in it each begins and the last one ends."""
    _, offsets, content = array.buffers()
    if content is None or len(array) == 0:
        return np.empty(0, dtype=np.uint8), np.zeros(len(array) + 1, dtype=np.int32)
    edges = np.frombuffer(offsets, dtype=np.int32)[array.offset : array.offset + len(array) + 1]
    return np.frombuffer(content, dtype=np.uint8)[edges[0] : edges[-1]], edges - edges[0]


def _has_control(content: np.ndarray) -> bool:
    low = content < 0x20
    if low.any() and (low & (content != 0x09) & (content != 0x0A)).any():
        return True
    if (content == 0x7F).any():
        return True
    # U+0080 to U+009F are C2 80 to C2 9F in UTF-8; C2 A0 and on is ordinary text.
    after_c2 = content[1:][content[:-1] == 0xC2]
    return bool((after_c2 < 0xA0).any())


def _check_utf8(array: pa.Array, file: str, column: str, rows_before: int) -> None:
    if _is_utf8(array):
        return
    first, last = 0, len(array)
    while last - first > 1:
        middle = (first + last) // 2
        first, last = (first, middle) if not _is_utf8(array.slice(first, middle - first)) else (middle, last)
    raise Unreadable(
        Problem(
            file,
            "text",
            "UTF-8",
            "bytes that are not UTF-8",
            row=rows_before + first + 1,
            column=column,
            advice=SEND_AGAIN,
        )
    )


def _is_utf8(array: pa.Array) -> bool:
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True

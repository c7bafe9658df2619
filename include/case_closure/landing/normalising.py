"""What reading does to values, and nothing else: string types made one, control characters removed, text and
dates checked.

Belongs here: Arrow arrays in, Arrow arrays of the contract's types out; exact sums. Does not belong here:
files, NINO, postcodes, or whether a value makes sense.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from case_closure.domain.money import INT64_LIMIT_PENCE
from case_closure.landing.rejection import SEND_AGAIN, Problem, Unreadable

_EPOCH = date(1970, 1, 1).toordinal()
FIRST_DAY, LAST_DAY = date.min.toordinal() - _EPOCH, date.max.toordinal() - _EPOCH
"""Days since 1970 of the first and last date that Python and PostgreSQL both can hold: years 1 to 9999."""

_CONTROL = r"[\x00-\x08\x0B-\x1F\x7F-\x{9F}]"  # Unicode category Cc but tab and newline
_CONTROL_CODES = {code: None for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"}


def same_type(expected: pa.DataType, found: pa.DataType) -> bool:
    """Whether a column of type `found` counts as `expected`.

    Arrow's ways of storing text are one type here: string, large_string, string_view, and dictionaries of
    them. All else must be equal: date64 and timestamps are not dates, int32 is not int64.
    """
    if pa.types.is_dictionary(found):
        found = found.value_type
    if pa.types.is_string(expected):
        return bool(
            pa.types.is_string(found) or pa.types.is_large_string(found) or pa.types.is_string_view(found)
        )
    return bool(found == expected)


def without_control_characters(text: str) -> str:
    """The text without the characters of Unicode category Cc; tab and newline stay."""
    return text.translate(_CONTROL_CODES)


def normalised(array: pa.Array, file: str, column: str, rows_before: int) -> pa.Array:
    """One column of a batch as the contract has it.

    `rows_before`: rows of the file ahead of this batch. Raises Unreadable for text that is not UTF-8 and for
    a date outside years 1 to 9999, naming the first such row.
    """
    if pa.types.is_date32(array.type):
        _check_dates(array, file, column, rows_before)
        return array
    if not same_type(pa.string(), array.type):
        return array
    if not pa.types.is_string(array.type):
        array = array.cast(pa.string())
    return _clean_text(array, file, column, rows_before)


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


def _clean_text(array: pa.Array, file: str, column: str, rows_before: int) -> pa.Array:
    content = _bytes_of(array)
    if content.size == 0 or (content.min() >= 0x20 and content.max() < 0x7F):
        return array  # printable ASCII, as nearly all columns are
    if content.max() >= 0x80:
        _check_utf8(array, file, column, rows_before)
    if not _has_control(content):
        return array
    return pc.replace_substring_regex(array, _CONTROL, "")


def _bytes_of(array: pa.Array) -> np.ndarray:
    """The text of all values end to end, without a copy."""
    _, offsets, content = array.buffers()
    if content is None or len(array) == 0:
        return np.empty(0, dtype=np.uint8)
    edges = np.frombuffer(offsets, dtype=np.int32)
    first, last = edges[array.offset], edges[array.offset + len(array)]
    return np.frombuffer(content, dtype=np.uint8)[first:last]


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

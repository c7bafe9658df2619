"""Arrow tables as frames that keep money exact, and the small things every stage does with frames.

Belongs here: conversions and keys. Does not belong here: any rule of the domain.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.arrays import ArrowStringArray

Frames = dict[str, pd.DataFrame]

# What pandas calls str: texts in Arrow, a missing one NaN.
_STR = pd.StringDtype(storage="pyarrow", na_value=np.nan)
_texts: Any = ArrowStringArray  # its stubs know of no dtype
_LARGE = pa.large_string()


def to_frame(table: pa.Table) -> pd.DataFrame:
    """An Arrow table as a frame in which money stays int64.

    Integers with nulls would become floats: nulls are 0, and a bool column ``<name>__missing`` says where.
    Flags with nulls are False. Dates are datetime64[s], missing NaT; text is ``str``, missing NaN.
    """
    # On most nights most of what a stage asks for is not there, and making a frame costs the same for no rows as for many.
    return _made_of(table) if table.num_rows else empty(table.schema)


def empty(shape: pa.Schema) -> pd.DataFrame:
    """The frame of a table of that shape without a row."""
    return _of_no_rows(shape).copy(deep=False)


@functools.lru_cache(maxsize=256)
def _of_no_rows(shape: pa.Schema) -> pd.DataFrame:
    return _made_of(no_rows(shape))


@functools.lru_cache(maxsize=256)
def no_rows(shape: pa.Schema) -> pa.Table:
    """A table of that shape without a row: made once, as Arrow makes an array for each of its columns."""
    return shape.empty_table()


def _made_of(table: pa.Table) -> pd.DataFrame:
    """Of arrays and not of Series, which pandas would hold against each other's index column by column."""
    columns: dict[str, Any] = {}
    for name in table.column_names:
        values = table.column(name)
        kind = values.type
        if pa.types.is_integer(kind):
            if values.null_count:
                columns[f"{name}__missing"] = pc.is_null(values).to_numpy(zero_copy_only=False)
                values = pc.fill_null(values, 0)
            columns[name] = values.to_numpy()
        elif pa.types.is_boolean(kind):
            columns[name] = pc.fill_null(values, False).to_numpy(zero_copy_only=False).astype(bool)
        elif pa.types.is_date(kind) or pa.types.is_timestamp(kind):
            columns[name] = values.cast(pa.timestamp("s")).to_numpy().astype("datetime64[s]")
        elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
            columns[name] = _texts(values.cast(_LARGE), dtype=_STR)
        else:
            raise TypeError(f"column {name}: {kind} is no type of a night's frames")
    return pd.DataFrame(columns, index=pd.RangeIndex(table.num_rows))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows, as ``to_dict("records")`` gives them, in a quarter of its time: it asks Arrow for each text by itself."""
    names = list(map(str, frame))
    columns = (frame[name].astype(object).tolist() for name in names)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def missing(frame: pd.DataFrame, column: str) -> np.ndarray:
    """Where an integer column was null before ``to_frame``. bool."""
    name = f"{column}__missing"
    return frame[name].to_numpy(bool) if name in frame else np.zeros(len(frame), dtype=bool)


def case_key(frame: pd.DataFrame) -> pd.Series:
    """One text for (csa_system, csa_case_id); a missing part is empty. The separator is in no system's name."""
    return joined([frame["csa_system"], frame["csa_case_id"]], "/")


def casegroup_and_case(frame: pd.DataFrame) -> pd.Series:
    """A case in a casegroup, as one text."""
    return joined([frame["casegroup_id"], case_key(frame)], "|")


def joined(parts: Sequence[pd.Series], separator: str) -> pd.Series:
    """The texts of each row as one, in one pass of Arrow; a missing one is as empty. str, with the index of the first part."""
    texts = pc.binary_join_element_wise(
        *map(_text, parts), pa.scalar(separator, _LARGE), null_handling="replace", null_replacement=""
    )  # fmt: skip
    return pd.Series(_texts(texts, dtype=_STR), index=parts[0].index)


def lookup(keys: pd.Series, frame: pd.DataFrame, on: str) -> np.ndarray:
    """For each key its (first) place in ``frame`` by the column ``on``; -1 where there is none. int64.

    Text keys, compared by Arrow: pandas would make a Python object of each, which on a night costs more than the rest.
    """
    places = pc.index_in(_text(keys), value_set=_text(frame[on]), skip_nulls=True)
    return pc.fill_null(places, -1).to_numpy(zero_copy_only=False).astype(np.int64)


def among(keys: pd.Series, others: pd.Series) -> np.ndarray:
    """Whether each text is one of the others; a missing one never is. bool."""
    is_there = pc.is_in(_text(keys), value_set=_text(others), skip_nulls=True)
    return is_there.to_numpy(zero_copy_only=False).astype(bool)


def _text(values: pd.Series) -> pa.Array:
    # Of the array and not of the Series: Arrow looks for a time zone in each of those, which takes longer than the rest.
    texts = pa.array(values.array, type=_LARGE, from_pandas=True)
    return texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts


def take(values: pd.Series, places: np.ndarray) -> pd.Series:
    """Texts or dates at those places, missing where the place is -1."""
    return pd.Series(pd.api.extensions.take(values.array, places, allow_fill=True))


def take_flags(flags: pd.Series, places: np.ndarray) -> np.ndarray:
    """Flags at those places, False where the place is -1. bool."""
    return _taken(flags.to_numpy(bool), places, False)


def take_pence(amounts: pd.Series, places: np.ndarray) -> np.ndarray:
    """Amounts at those places, 0 where the place is -1. int64."""
    return _taken(amounts.to_numpy(np.int64), places, 0)


def _taken(values: np.ndarray, places: np.ndarray, nothing: bool | int) -> np.ndarray:
    taken = np.full(len(places), nothing, dtype=values.dtype)
    there = places >= 0
    taken[there] = values[places[there]]
    return taken


def chosen(values: pd.Series, flags: np.ndarray | pd.Series) -> pd.Series:
    """The values at which the flag is set."""
    return values[np.asarray(flags, dtype=bool)]


def sums(amounts: pd.Series, by: pd.Series) -> pd.DataFrame:
    """One line a key, in the order they come: ``key`` and ``pence``, int64. Summed by Arrow, which need not sort the keys."""
    rows = pa.table({"key": _text(by), "pence": amounts.to_numpy(np.int64)})
    lines = rows.group_by("key", use_threads=False).aggregate([("pence", "sum")])
    lines = lines.filter(pc.is_valid(lines["key"]))
    return pd.DataFrame(
        {"key": pd.Series(_texts(lines["key"], dtype=_STR)), "pence": lines["pence_sum"].to_numpy()}
    )


def typed(columns: dict[str, object], length: int) -> pd.DataFrame:
    """A frame of ``length`` rows; a scalar is repeated. Works for no rows too."""
    return pd.DataFrame(columns, index=pd.RangeIndex(length))


def concat(frames: Iterable[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    """Frames one under the other, those columns only; an empty frame of text columns when there is none."""
    parts = [frame[columns] for frame in frames if len(frame)]
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype="str") for name in columns})
    return pd.concat(parts, ignore_index=True)

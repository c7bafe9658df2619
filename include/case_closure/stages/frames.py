"""Arrow tables as frames that keep money exact, and the small things every stage does with frames.

Belongs here: conversions and keys. Does not belong here: any rule of the domain.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Frames = dict[str, pd.DataFrame]


def to_frame(table: pa.Table) -> pd.DataFrame:
    """An Arrow table as a frame in which money stays int64.

    Integers with nulls would become floats: nulls are 0, and a bool column ``<name>__missing`` says where.
    Flags with nulls are False. Dates are datetime64[s], missing NaT; text is ``str``, missing NaN.
    """
    columns: dict[str, pd.Series] = {}
    for name in table.column_names:
        values = table.column(name)
        kind = values.type
        if pa.types.is_integer(kind):
            if values.null_count:
                columns[f"{name}__missing"] = pd.Series(pc.is_null(values).to_numpy(zero_copy_only=False))
                values = pc.fill_null(values, 0)
            columns[name] = pd.Series(values.to_numpy())
        elif pa.types.is_boolean(kind):
            columns[name] = pd.Series(pc.fill_null(values, False).to_numpy(zero_copy_only=False).astype(bool))
        elif pa.types.is_date(kind):
            columns[name] = pd.Series(values.cast(pa.timestamp("s")).to_numpy().astype("datetime64[s]"))
        else:
            columns[name] = values.to_pandas().astype("str")
    frame = pd.DataFrame(columns, index=pd.RangeIndex(table.num_rows))
    return frame


def missing(frame: pd.DataFrame, column: str) -> np.ndarray:
    """Where an integer column was null before ``to_frame``. bool."""
    name = f"{column}__missing"
    return frame[name].to_numpy(bool) if name in frame else np.zeros(len(frame), dtype=bool)


def case_key(frame: pd.DataFrame) -> pd.Series:
    """One text for (csa_system, csa_case_id); a missing part is empty. The separator is in no system's name."""
    return frame["csa_system"].fillna("") + "/" + frame["csa_case_id"].fillna("")


def lookup(keys: pd.Series, frame: pd.DataFrame, on: str) -> np.ndarray:
    """For each key its place in ``frame`` by the unique column ``on``; -1 where there is none. int64."""
    return pd.Index(frame[on]).get_indexer(pd.Index(keys))


def take(values: pd.Series, places: np.ndarray) -> pd.Series:
    """Values at those places, missing where the place is -1."""
    return values.reset_index(drop=True).reindex(pd.Index(places).where(places >= 0)).reset_index(drop=True)


def any_by(flags: np.ndarray | pd.Series, groups: pd.Series) -> set[str]:
    """The groups in which at least one flag is set."""
    return set(groups[np.asarray(flags, dtype=bool)])


def typed(columns: dict[str, object], length: int) -> pd.DataFrame:
    """A frame of ``length`` rows; a scalar is repeated. Works for no rows too."""
    return pd.DataFrame(columns, index=pd.RangeIndex(length))


def concat(frames: Iterable[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    """Frames one under the other, those columns only; an empty frame of text columns when there is none."""
    parts = [frame[columns] for frame in frames if len(frame)]
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype="str") for name in columns})
    return pd.concat(parts, ignore_index=True)

"""Frames that are handed on together, each in the shape that its name is annotated with.

Belongs here: holding frames against their shapes, by the names and types of their columns alone, and cutting one to its shape.
Does not belong here: which shapes there are (``handed``), what is handed on (the stages say it beside what they do).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Self, get_type_hints

import numpy as np
import pandas as pd
import pyarrow as pa

from case_closure.tables import frames
from case_closure.tables.frames import Frames, to_frame


class ShapesDiffer(Exception):
    """A frame has other columns than its shape, or in another order or of another type."""


class Handed:
    """Frames that pass between rooms together: the fields of a frozen dataclass, ``Annotated`` with a shape of ``handed`` each.

    Raises ShapesDiffer as it is made of a frame in another shape, so that none can be handed on.
    """

    def __post_init__(self) -> None:
        for name, shape in shapes(type(self)).items():
            check(getattr(self, name), shape, f"{type(self).__module__.rpartition('.')[2]}, {name}")

    @classmethod
    def of(cls, given: Frames) -> Self:
        """These frames, field by field by their names. Raises TypeError for a name too many or too few."""
        return cls(**given)

    @classmethod
    def read(cls, tables: Mapping[str, pa.Table]) -> Self:
        """The same of Arrow tables, as the store gathers them."""
        return cls.of({name: to_frame(table) for name, table in tables.items()})

    @classmethod
    def none(cls) -> Self:
        """No rows at all."""
        return cls.of({name: empty(shape) for name, shape in shapes(cls).items()})

    @property
    def frames(self) -> Frames:
        """The frames by their names."""
        return {name: getattr(self, name) for name in shapes(type(self))}


def shapes(kind: type[Handed]) -> dict[str, pa.Schema]:
    """The shape of each frame of that kind, by its name."""
    hashable: Any = kind
    return _shapes(hashable)


@cache
def _shapes(kind: Any) -> dict[str, pa.Schema]:
    return {name: hint.__metadata__[0] for name, hint in get_type_hints(kind, include_extras=True).items()}


def check(frame: pd.DataFrame, shape: pa.Schema, where: str) -> None:
    """Whether the frame has the shape's columns, in its order and types; no value is looked at. Raises ShapesDiffer.

    An integer column that was null somewhere has its flag ``<name>__missing`` besides, or is Int64.
    """
    names, allowed = _columns(shape)
    given = frame.columns.tolist()
    dtypes = frame.dtypes.tolist()
    if given != names:
        kept = [place for place, name in enumerate(given) if not str(name).endswith("__missing")]
        given, dtypes = [given[place] for place in kept], [dtypes[place] for place in kept]
        if given != names:
            raise ShapesDiffer(
                f"{where}: its columns are {', '.join(map(str, given))}; in their shape {', '.join(names)}"
            )
    for name, dtype, kinds in zip(names, dtypes, allowed, strict=True):
        if dtype not in _KNOWN.get(kinds, ()) and str(dtype) not in kinds:
            raise ShapesDiffer(f"{where}: {name} is {dtype}; in its shape {shape.field(name).type}")


def cut(frame: pd.DataFrame, shape: pa.Schema) -> pd.DataFrame:
    """The columns of the shape, in its order; texts and dates that pandas holds as objects become what they are."""
    names = _columns(shape)[0]
    if frame.columns.tolist() != names:
        frame = frame[names]
    objects = [
        name
        for name, dtype in zip(names, frame.dtypes.tolist(), strict=True)
        if isinstance(dtype, np.dtype) and dtype.kind == "O"
    ]
    return frame.astype({name: _dtypes(shape.field(name).type)[0] for name in objects}) if objects else frame


def empty(shape: pa.Schema) -> pd.DataFrame:
    """A frame of that shape without a row."""
    return frames.empty(shape)


# What nearly every column is: to ask a type for its name takes longer.
_KNOWN: dict[tuple[str, ...], tuple[object, ...]] = {
    ("str",): (frames.empty(pa.schema({"text": pa.string()}))["text"].dtype,),
    ("datetime64[s]",): (np.dtype("datetime64[s]"),),
    ("bool",): (np.dtype(bool),),
    ("int64", "Int64"): (np.dtype(np.int64),),
}


@cache
def _columns(shape: Any) -> tuple[list[str], list[tuple[str, ...]]]:
    return shape.names, [_dtypes(field.type) for field in shape]


@cache
def _dtypes(kind: Any) -> tuple[str, ...]:
    if pa.types.is_string(kind):
        return ("str",)
    if pa.types.is_date(kind):
        return ("datetime64[s]",)
    return ("bool",) if pa.types.is_boolean(kind) else ("int64", "Int64")

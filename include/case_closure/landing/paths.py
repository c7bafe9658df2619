"""What the landing asks of a path, so that local folders and object stores are read alike.

Belongs here: the few path methods relied on, and opening for Arrow. Does not belong here: what is in the
files.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterable
from typing import Any, Literal, Protocol, Self

import pyarrow as pa


class PathLike(Protocol):
    """A folder or file: pathlib.Path, upath.UPath, or Airflow's ObjectStoragePath."""

    @property
    def name(self) -> str: ...
    def __truediv__(self, name: str, /) -> Self: ...
    def iterdir(self) -> Iterable[Self]: ...
    def exists(self) -> bool: ...
    def is_dir(self) -> bool: ...
    def open(self, mode: Literal["rb", "wb"], /) -> Any: ...
    def mkdir(self, *, parents: bool, exist_ok: bool) -> None: ...
    def unlink(self) -> None: ...


def open_for_arrow(path: PathLike) -> pa.NativeFile:
    """The file opened for random reading by Arrow; raises OSError when it cannot be opened."""
    if isinstance(path, pathlib.Path) and not getattr(path, "protocol", ""):
        return pa.OSFile(str(path), "rb")  # reads without taking Python's lock
    return pa.PythonFile(path.open("rb"), mode="r")

"""What the landing asks of a path, so that local folders and object stores are read alike.

Belongs here: the few path methods relied on, and opening a file so that nothing in its place can make the night wait.
Does not belong here: what is in the files.
"""

from __future__ import annotations

import os
import pathlib
import stat
from collections.abc import Iterable
from typing import Any, BinaryIO, Literal, Protocol, Self

import pyarrow as pa

_LOCAL = ("", "file", "local")
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


class PathLike(Protocol):
    """A folder or file: pathlib.Path, upath.UPath, or Airflow's ObjectStoragePath."""

    @property
    def name(self) -> str: ...
    @property
    def parent(self) -> Self: ...
    def __truediv__(self, name: str, /) -> Self: ...
    def iterdir(self) -> Iterable[Self]: ...
    def exists(self) -> bool: ...
    def is_dir(self) -> bool: ...
    def open(self, mode: Literal["rb", "wb"], /) -> Any: ...
    def mkdir(self, *, parents: bool, exist_ok: bool) -> None: ...
    def unlink(self) -> None: ...


class NotAFile(OSError):
    """Something else than a regular file stands there; `strerror` says what."""


def open_regular(path: PathLike) -> BinaryIO:
    """The file opened for reading, when it is one: a folder, pipe, device or socket is never waited for.

    Raises NotAFile, and OSError when it cannot be opened. In an object store everything is a file.
    """
    local = _local(path)
    return path.open("rb") if local is None else os.fdopen(_descriptor(local), "rb")


def open_for_arrow(path: PathLike) -> pa.NativeFile:
    """As `open_regular`, for random reading by Arrow."""
    local = _local(path)
    if local is None:
        return pa.PythonFile(path.open("rb"), mode="r")
    descriptor = _descriptor(local)
    # By the descriptor, so that it is the file that was looked at; Arrow then reads without taking Python's lock.
    by_descriptor = f"/dev/fd/{descriptor}"
    if not pathlib.Path(by_descriptor).exists():
        return pa.PythonFile(os.fdopen(descriptor, "rb"), mode="r")
    try:
        return pa.OSFile(by_descriptor, "rb")
    finally:
        os.close(descriptor)


def _descriptor(local: str) -> int:
    """An open descriptor of a regular file. What is looked at is what was opened: nothing can be swapped in between."""
    # A pipe or a terminal would be waited for, or taken hold of, by an ordinary open.
    _must_be_regular(pathlib.Path(local).stat(), local)
    descriptor = os.open(local, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        _must_be_regular(os.fstat(descriptor), local)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _must_be_regular(found: os.stat_result, local: str) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise NotAFile(None, _KINDS.get(stat.S_IFMT(found.st_mode), "no file"), local)


def _local(path: PathLike) -> str | None:
    """Where it is on this machine's disks; None for a path in an object store."""
    if isinstance(path, pathlib.Path):
        return str(path)
    return str(getattr(path, "path", path)) if getattr(path, "protocol", "") in _LOCAL else None

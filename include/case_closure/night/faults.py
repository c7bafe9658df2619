"""Faults of the machine in words: what, where, what to do. A disk that is full, a database that went away, a worker killed.

Belongs here: telling such a fault from a mistake of the program's, and its words. Does not belong here: what a stage does about
it (nothing: the same command goes on), mistakes of the data's, which are refused where they are found.
"""

from __future__ import annotations

import errno
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from case_closure.refusals import Refused
from case_closure.settings import Settings
from case_closure.store import transient

_SAME = "Then the same command: it goes on where it stopped."
_ROOM = f"Make room there: docs/runbook.md, 'Disk and logs', says what may go. {_SAME}"
_MEMORY = (
    "Give it less at once (CASE_CLOSURE_WORKERS, CASE_CLOSURE_PARTITION_CASEGROUPS), or end what else uses the memory. "
    + _SAME
)
# What it means, and what to do; {0}: where.
_OF_FILES = {
    errno.ENOSPC: ("no space is left on the disk of {0}", _ROOM),
    errno.EDQUOT: ("this user's share of the disk of {0} is used up", _ROOM),
    errno.EROFS: ("{0} can be read but not written", f"Have its disk mounted for writing, or name another folder. {_SAME}"),
    errno.EACCES: ("this user may not use {0}", f"Give the user that runs the night the right to it. {_SAME}"),
    errno.EPERM: ("this user may not change {0}", f"Give the user that runs the night the right to it. {_SAME}"),
    errno.EIO: ("the disk of {0} does not answer as it should", f"Have the disk looked at. {_SAME}"),
    errno.ESTALE: ("the disk of {0} has gone away", f"Have it mounted again. {_SAME}"),
    errno.ENOTCONN: ("the disk of {0} has gone away", f"Have it mounted again. {_SAME}"),
    errno.EMFILE: ("too many files are open", f"Raise the limit ('ulimit -n'). {_SAME}"),
    errno.ENFILE: ("too many files are open on this machine", f"End what holds them. {_SAME}"),
    errno.ENOMEM: ("the machine has no memory left", _MEMORY),
    errno.EAGAIN: ("the machine starts no more processes", f"End what holds them, or set CASE_CLOSURE_WORKERS lower. {_SAME}"),
}  # fmt: skip
_NUMBER = re.compile(r"\[[Ee]rrno (\d+)\]")


def in_words(error: BaseException, settings: Settings) -> str | None:
    """What is wrong with the machine, where, and what to do; None when that is not what ``error`` is."""
    for one in _causes(error):
        if isinstance(one, Refused):
            return str(one)
    for one in _behind(error):
        if isinstance(one, MemoryError):
            return f"The machine has no memory left. {_MEMORY}"
        if of_database := transient.fault(one):
            return f"{of_database} {_SAME}"
        if isinstance(one, OSError) and (known := _OF_FILES.get(_number(one) or 0)):
            what, do = known
            said = what.format(_where(one) or _disks(settings))
            return f"{said[0].upper()}{said[1:]}. {do}"
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it says it was raised from: a mistake made while something was refused is a mistake."""
    one: BaseException | None = error
    while one is not None:
        yield one
        one = one.__cause__


def _behind(error: BaseException) -> Iterator[BaseException]:
    """The error and what brought it about."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        inner = (
            one.args[0] if one.args and isinstance(one.args[0], OSError) else None
        )  # xlsxwriter's wrap it so
        one = inner or one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _number(error: OSError) -> int | None:
    """Its number; copying a folder, and Arrow, give it in their words alone."""
    if error.errno is not None:
        return error.errno
    found = _NUMBER.search(str(error))
    return int(found[1]) if found else None


def _where(error: OSError) -> str | None:
    if isinstance(error, shutil.Error) and error.args and isinstance(error.args[0], list) and error.args[0]:
        return str(error.args[0][0][1])
    return str(error.filename) if error.filename else None


def _disks(settings: Settings) -> str:
    """The folders that are written, with the room each has: a write that fails does not say where."""
    outbound = Path(tempfile.gettempdir() if "://" in settings.outbound else settings.outbound)
    folders = [outbound] if settings.home is None else [settings.home, outbound]
    return " or ".join(f"{folder} ({_free(folder)} MB free now)" for folder in folders)


def _free(folder: Path) -> str:
    there = next((one for one in (folder, *folder.parents) if one.exists()), folder)
    try:
        return f"{shutil.disk_usage(there).free // 1_000_000:,}"
    except OSError:
        return "unknown"

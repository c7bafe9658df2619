"""Whether two folders, or URLs of an object store, are in each other's way.

Belongs here: comparing folders as what they are, for every door through which landing and outbound are named. Does not
belong here: what to do about it (`night`, `settings`, `cli`), reading or writing them.
"""

from __future__ import annotations

import os
import posixpath
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

_ON_DISK = ("file", "local")
_ONE_STORE = {"s3a": "s3", "s3n": "s3", "gcs": "gs", "abfss": "abfs", "az": "abfs", "adl": "abfs"}


def why_not_apart(landing: object, outbound: object) -> str | None:
    """Why `outbound` cannot be written beside `landing`, as the end of a sentence; None when they are apart.

    Either is a folder (text or pathlib-like path) or a URL; neither need exist. Two folders are one when the disk says
    so: links are followed, '..' is taken out, and device and inode compared, so that letters on a disk where they do not
    count, or one folder mounted twice, are seen through. URLs are compared by scheme, host and names.
    """
    comes, goes = _Place.of(str(landing)), _Place.of(str(outbound))
    if comes.holds(goes) and goes.holds(comes):
        return "what comes in and what goes out are the same folder"
    if comes.holds(goes):
        return "what goes out lies inside the folder of what comes in"
    if goes.holds(comes):
        return "what comes in lies inside the folder of what goes out"
    return None


@dataclass(frozen=True)
class _Place:
    """What stands above a folder, and it: on a disk (device, inode) of each, then the names of those not made yet."""

    store: str
    above: tuple[object, ...]

    @classmethod
    def of(cls, given: str) -> _Place:
        given = given.rpartition("::")[2]  # fsspec: a cache in front of a store is the store
        if "://" not in given:
            return cls._on_disk(given)
        url = urlsplit(given)
        scheme = url.scheme.lower()
        if scheme in _ON_DISK:
            return cls._on_disk(unquote(url.path if url.netloc == "localhost" else url.netloc + url.path))
        names = [name for name in posixpath.normpath(f"/{unquote(url.path)}").split("/") if name]
        return cls(_ONE_STORE.get(scheme, scheme), (url.netloc.lower(), *names))

    @classmethod
    def _on_disk(cls, given: str) -> _Place:
        real = Path(os.path.realpath(Path(given).expanduser()))
        above: list[object] = []
        for folder in (*reversed(real.parents), real):
            try:
                found = folder.stat()
                above.append((found.st_dev, found.st_ino))
            except OSError:
                # Not made yet, so the disk cannot say whether letters count there: they are taken not to.
                above.append(unicodedata.normalize("NFC", folder.name).casefold())
        return cls("", tuple(above))

    def holds(self, other: _Place) -> bool:
        """Whether the other is this folder or lies within it."""
        if self.store != other.store:
            return False
        if self.store:
            return other.above[: len(self.above)] == self.above
        places = [place for place in self.above if not isinstance(place, str)]
        end = tuple(self.above[len(places) - 1 :])  # the last folder that is there, and the names below it
        # Anywhere above the other: one folder may be mounted at two heights.
        return any(other.above[at : at + len(end)] == end for at in range(len(other.above)))

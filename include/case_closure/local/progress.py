"""What a run of the night tells the person waiting for it: a line of JSON as each stage starts, ends or
fails.

Belongs here: writing and following those lines in <home>/progress. Does not belong here: the night's
record, which is the store's. Losing a progress file loses nothing but the words on a terminal, so writing
never fails a stage.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")


@dataclass(frozen=True)
class Event:
    """One line. figures: the stage's JSON summary; reason: why it failed, for the person who must act."""

    stage: str
    what: Literal["started", "ended", "failed"]
    seconds: float = 0.0
    figures: dict[str, int | str] = field(default_factory=dict)
    reason: str = ""


def path_of(home: Path, name: str) -> Path:
    """Where the progress called `name` lies. Raises ValueError for a name that could lead elsewhere."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"progress name '{name[:80]}': expected letters, digits, - and _ only")
    return home / "progress" / f"{name}.jsonl"


def tell(home: Path, name: str | None, event: Event) -> None:
    """Adds one line; does nothing when nobody waits (`name` is None)."""
    if name is None:
        return
    path = path_of(home, name)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as out:
            out.write(json.dumps(asdict(event)) + "\n")


class Follower:
    """Reads the lines added since the last look."""

    def __init__(self, home: Path, name: str) -> None:
        self.path = path_of(home, name)
        self._offset = 0

    def new_events(self) -> Iterator[Event]:
        try:
            with self.path.open("rb") as lines:
                lines.seek(self._offset)
                for line in lines:
                    if not line.endswith(b"\n"):
                        return  # half written: next time
                    self._offset += len(line)
                    yield Event(**json.loads(line))
        except FileNotFoundError:
            return

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)

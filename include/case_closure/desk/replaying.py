"""Judging exceptions at once for somebody who waits at a page: in a process of its own, as the command does it ([27]).

Belongs here: starting that process, waiting for it, what it says. Does not belong here: what is judged (``desk.exceptions``). A
night forks, loads the gates and may take minutes, so it never runs in the process that serves pages. Whoever stops waiting stops
nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from upath import UPath

from case_closure import refusals
from case_closure.desk import exceptions
from case_closure.desk.acting import Actor
from case_closure.desk.exceptions import Asked
from case_closure.night.context import NightContext, Summary
from case_closure.settings import Settings

PATIENCE_SECONDS: Final = 45.0


class ReplayFailed(refusals.Refused):
    """It was begun and did not end well; the message says why."""


@dataclass
class Running:
    """A replay on its way."""

    asked: Asked
    _ended: threading.Event = field(default_factory=threading.Event)
    _answer: dict[str, Any] = field(default_factory=dict)

    def wait(self) -> list[str] | None:
        """A line for each exception; None: it is still at work. Raises ReplayFailed."""
        if not self._ended.wait(PATIENCE_SECONDS):
            return None
        if "refused" in self._answer:
            raise ReplayFailed(self._answer["refused"])
        lines: list[str] = self._answer["lines"]
        return lines


def start(settings: Settings, exception_ids: Sequence[str], *, by: Actor, at: datetime) -> Running:
    """Begin to judge these. Raises as ``desk.exceptions.ask_for_replay``."""
    running = Running(exceptions.ask_for_replay(settings, exception_ids, by=by, at=at))
    given = json.dumps({"settings": asdict(settings), "asked": asdict(running.asked)}, default=str)
    process = subprocess.Popen(
        [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        start_new_session=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip

    def follow() -> None:
        said, _ = process.communicate(given)
        try:
            running._answer |= json.loads(said.splitlines()[-1])
        except (IndexError, ValueError):
            running._answer["refused"] = (
                "It ended before it could say what came of it; the log of the server that these pages come from has why. Look at "
                "the page of the nights: should one be red, it says what to do."
            )
        running._ended.set()

    threading.Thread(target=follow, daemon=True).start()
    return running


def main() -> None:
    """The process: what it is to do comes as JSON, what came of it is its last line."""
    given = json.load(sys.stdin)
    told = given["settings"]
    settings = Settings(**{
        **told, "home": Path(told["home"]) if told["home"] else None,
        "control_group": tuple((name, number) for name, number in told["control_group"]),
    })  # fmt: skip
    asked = Asked(
        date.fromisoformat(given["asked"]["on"]), tuple(given["asked"]["exception_ids"]),
        tuple(given["asked"]["casegroup_ids"]),
    )  # fmt: skip

    def context(on: date) -> NightContext:
        landing, outbound = (
            UPath(folder) if "://" in folder else Path(folder)
            for folder in (settings.landing, settings.outbound)
        )
        return NightContext(on, f"replay__{datetime.now(UTC).isoformat()}", landing, outbound, settings)

    def progress(_stage: str, _figures: Summary) -> None:
        """What is told is told of each exception, at the end."""

    try:
        answer: dict[str, Any] = {
            "lines": exceptions.judge(settings, asked, context=context, progress=progress)
        }
    except refusals.Refused as refused:
        answer = {"refused": str(refused)}
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

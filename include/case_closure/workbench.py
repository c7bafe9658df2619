"""What one stage of a night hands to the next: frames as Parquet files in the installation's own folder.

Belongs here: writing a part whole or not at all, reading it back with money exact, and clearing up.
Does not belong here: what the frames mean. Nothing here outlives its night: a stage that finds its predecessor's
part gone has it made again, so losing this folder loses nothing.
"""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from case_closure.stages.frames import Frames, to_frame


class Workbench:
    """The work in progress of one night: ``<home>/work/<business date>/``."""

    def __init__(self, home: Path, on: date, run_id: str) -> None:
        self._folder = home / "work" / on.isoformat()
        self._run_id = run_id

    def begin(self, parts: list[list[str]]) -> None:
        """Start afresh with the casegroups to judge, in parts."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        plan = self._folder / "parts.tmp"
        plan.write_text(json.dumps({"parts": parts}))
        plan.rename(self._folder / "parts.json")

    def parts(self) -> list[list[str]] | None:
        """The casegroups of each part; None when nothing was begun."""
        try:
            plan = json.loads((self._folder / "parts.json").read_text())
        except FileNotFoundError:
            return None
        parts: list[list[str]] = plan["parts"]
        return parts

    def save(self, stage: str, part: int, frames: Frames) -> None:
        """Keep what a stage concluded for a part."""
        target = self._folder / f"{stage}-{part:04d}"
        making = target.with_suffix(".tmp")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir()
        for name, frame in frames.items():
            # Read back whole, once or twice: neither dictionaries nor statistics would earn what they cost.
            pq.write_table(
                _as_table(frame), making / f"{name}.parquet", compression="lz4",
                use_dictionary=False, write_statistics=False,
            )  # fmt: skip
        shutil.rmtree(target, ignore_errors=True)
        making.rename(target)

    def load(self, stage: str, part: int) -> Frames | None:
        """What a stage concluded for a part; None when it has not."""
        folder = self._folder / f"{stage}-{part:04d}"
        if not folder.is_dir():
            return None
        return {path.stem: to_frame(pq.read_table(path)) for path in sorted(folder.iterdir())}

    def clear(self) -> None:
        """Drop everything: the night is closed."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _as_table(frame: pd.DataFrame) -> pa.Table:
    """Columns in their Arrow types; text is text also where every value is missing."""
    columns = {}
    for name in frame.columns:
        values = pa.array(frame[name], from_pandas=True)
        columns[name] = values.cast(pa.string()) if pa.types.is_null(values.type) else values
    return pa.table(columns)

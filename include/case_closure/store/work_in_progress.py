"""What one stage of a night hands to the next: frames as Arrow bytes, in an unlogged table of the store.

Belongs here: keeping what a stage concluded of a part, reading it back with money exact, and clearing up. Does not belong
here: what the frames mean, or their shapes (``tables.handing`` holds frames against them, as they are concluded and as they are
read back). Nothing here outlives its night, and nothing personal lies on a worker's disk: a stage that finds its predecessor's
part gone has it made again, so losing the table loses nothing.

Each row lies under the night, the extract and the judgement (the attempt at ``receive_balances``) that it was concluded in.
What was concluded of another extract, run or attempt lies under other keys, and cannot be found.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd
import pyarrow as pa
from sqlalchemy import Connection, text

from case_closure.store.database import raw
from case_closure.tables.frames import Frames, to_frame

_PARTS = "parts"


@dataclass(frozen=True)
class Judgement:
    """One judging of one night's casegroups: the night, the number of its extract, the attempt that judges them."""

    business_date: date
    extract_number: int
    attempt: int

    def key(self, **more: object) -> dict[str, object]:
        return {"on": self.business_date, "extract": self.extract_number, "attempt": self.attempt, **more}


_THIS = "business_date = :on and extract_number = :extract and attempt = :attempt"


def plan(
    connection: Connection, judgement: Judgement, parts: list[list[str]], *, of: str = "the judgement"
) -> None:
    """Keep which casegroups are in which part; ``of``: a stage with parts of its own."""
    plan = pd.DataFrame(
        {
            "part": pd.Series([number for number, part in enumerate(parts) for _ in part], dtype="int64"),
            "casegroup_id": pd.Series([group for part in parts for group in part], dtype="str"),
        }
    )
    save(connection, judgement, f"plan of {of}", 0, {_PARTS: plan})


def parts(
    connection: Connection, judgement: Judgement, *, of: str = "the judgement"
) -> list[list[str]] | None:
    """The casegroups of each part; None when nothing was planned, or it is gone."""
    plan = load(connection, judgement, f"plan of {of}", 0)
    if plan is None:
        return None
    by_part = plan[_PARTS].groupby("part", sort=True)["casegroup_id"]
    return [groups.tolist() for _, groups in by_part]


def save(connection: Connection, judgement: Judgement, stage: str, part: int, frames: Frames) -> None:
    """Keep what a stage concluded for a part, whole; what it concluded before is replaced."""
    key = judgement.key(stage=stage, part=part)
    connection.execute(
        text(f"delete from closure.work_in_progress where {_THIS} and stage = :stage and part = :part"),  # noqa: S608
        key,
    )
    connection.execute(
        text(
            "insert into closure.work_in_progress (business_date, extract_number, attempt, stage, part, frame, content) "
            "values (:on, :extract, :attempt, :stage, :part, :frame, :content)"
        ),
        [key | {"frame": name, "content": _as_bytes(frame)} for name, frame in frames.items()],
    )


def load(connection: Connection, judgement: Judgement, stage: str, part: int) -> Frames | None:
    """What a stage concluded for a part in this judgement; None when it has not."""
    rows = _contents(connection, judgement, stage, part)
    return {name: to_frame(from_bytes(content)) for name, content in sorted(rows)} or None


def keep_file(
    connection: Connection, judgement: Judgement, stage: str, part: int, name: str, content: bytes
) -> None:
    """Keep a file that a stage made of a part, as it is; a file of that name that was made before is replaced."""
    connection.execute(
        text(
            "insert into closure.work_in_progress (business_date, extract_number, attempt, stage, part, frame, content) "
            "values (:on, :extract, :attempt, :stage, :part, :frame, :content) "
            "on conflict (business_date, extract_number, attempt, stage, part, frame) do update set content = excluded.content"
        ),
        judgement.key(stage=stage, part=part, frame=name, content=content),
    )


def files(connection: Connection, judgement: Judgement, stage: str, part: int) -> dict[str, bytes]:
    """The files that a stage made of a part, by name, in its order; none when it made none, or they are gone."""
    return dict(sorted(_contents(connection, judgement, stage, part)))


def _contents(connection: Connection, judgement: Judgement, stage: str, part: int) -> list[tuple[str, bytes]]:
    """What lies there by name, as bytes from the server: written out for reading they would be twice as many."""
    query = """
        select frame, content from closure.work_in_progress
        where business_date = %(on)s and extract_number = %(extract)s and attempt = %(attempt)s and stage = %(stage)s
          and part = %(part)s
    """
    with raw(connection).cursor(binary=True) as cursor:
        return cursor.execute(query, judgement.key(stage=stage, part=part)).fetchall()


def clear(connection: Connection) -> None:
    """Drop everything: one night is worked on at a time."""
    connection.exec_driver_sql("truncate closure.work_in_progress")


def _as_bytes(frame: pd.DataFrame) -> bytes:
    """Columns in their Arrow types; text is text also where every value is missing."""
    columns = {}
    for name in frame.columns:
        values = pa.array(frame[name].array, from_pandas=True)
        columns[name] = values.cast(pa.string()) if pa.types.is_null(values.type) else values
    return as_bytes(pa.table(columns))


def as_bytes(table: pa.Table) -> bytes:
    """A table as an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as stream:
        stream.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def from_bytes(content: bytes) -> pa.Table:
    """The table that :func:`as_bytes` made a stream of."""
    return pa.ipc.open_stream(content).read_all()

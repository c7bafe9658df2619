"""The plan of a night in parts, as rows: which part of a stage is claimed, by whom, and whether it is stored.

Belongs here: planning the parts of a stage, claiming one, the fence around storing it, what is told of them. Does not belong
here: which casegroups are in a part (``work_in_progress`` keeps them), what is made of one (``night``).

A part is claimed before it is worked on, which raises its attempt, and stored in the transaction that holds its row and finds
that attempt unchanged. So a process that was thought dead and is not stores nothing of a part that another has claimed since.
The rows are the locks, and live in transactions: none gets stuck.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, text

from case_closure.store.night_stages import worker
from case_closure.store.nights import NightRefused

Figures = dict[str, int]


@dataclass(frozen=True)
class Claim:
    """A part as this process claimed it. ``night_attempt`` planned it; ``attempt`` is the claim's own number."""

    business_date: date
    stage: str
    part: int
    night_attempt: int
    attempt: int

    def key(self, **more: object) -> dict[str, object]:
        return {
            "on": self.business_date, "kind": self.stage, "part": self.part, "planned": self.night_attempt, **more
        }  # fmt: skip


_THIS = "business_date = :on and kind = :kind and part = :part and night_attempt = :planned"


def plan(
    connection: Connection,
    on: date,
    stage: str,
    night_attempt: int,
    extract_number: int,
    parts: Sequence[Sequence[str]],
) -> None:
    """The parts of a stage, by their casegroups in order; what was planned for it before is gone."""
    connection.execute(
        text("delete from closure.night_parts where business_date = :on and kind = :kind"),
        {"on": on, "kind": stage},
    )
    if parts:
        connection.execute(
            text(
                "insert into closure.night_parts (business_date, kind, part, first_casegroup_id, last_casegroup_id, "
                "extract_number, night_attempt, attempt) values (:on, :kind, :part, :first, :last, :extract, :planned, 0)"
            ),
            [
                {"on": on, "kind": stage, "part": number, "first": part[0], "last": part[-1], "extract": extract_number,
                 "planned": night_attempt}
                for number, part in enumerate(parts)
            ],
        )  # fmt: skip


def planned_by(connection: Connection, on: date, stage: str) -> int | None:
    """The night's attempt that planned the parts of that stage; None when there are none."""
    planned: int | None = connection.execute(
        text("select max(night_attempt) from closure.night_parts where business_date = :on and kind = :kind"),
        {"on": on, "kind": stage},
    ).scalar_one()
    return planned


def unstored(connection: Connection, on: date, stage: str, night_attempt: int) -> list[int]:
    """The numbers of the parts that are still to be worked on, in order."""
    return list(
        connection.execute(
            text(
                "select part from closure.night_parts where business_date = :on and kind = :kind and night_attempt = :planned "
                "and stored_at is null order by part"
            ),
            {"on": on, "kind": stage, "planned": night_attempt},
        ).scalars()
    )


def claim(
    connection: Connection, on: date, stage: str, part: int, night_attempt: int, at: datetime
) -> Claim | None:
    """Claim the part: whoever had claimed it before can store nothing of it. None when it is stored, or no longer planned so."""
    attempt = connection.execute(
        text(
            f"update closure.night_parts set attempt = attempt + 1, worker = :worker, claimed_at = :at where {_THIS} "  # noqa: S608
            "and stored_at is null returning attempt"
        ),
        {"on": on, "kind": stage, "part": part, "planned": night_attempt, "worker": worker(), "at": at},
    ).scalar_one_or_none()
    return None if attempt is None else Claim(on, stage, part, night_attempt, attempt)


def hold(connection: Connection, claimed: Claim) -> None:
    """Prove that the part is still this claim's, and keep it so until the transaction ends. Raises NightRefused."""
    now = connection.execute(
        text(
            f"select attempt, worker, stored_at is not null from closure.night_parts where {_THIS} for update"  # noqa: S608
        ),
        claimed.key(),
    ).first()
    if now is None or now[0] != claimed.attempt or now[2]:
        raise _taken_over(claimed, None if now is None else (now[0], now[1]))


def store(connection: Connection, claimed: Claim, figures: Mapping[str, int], at: datetime) -> None:
    """Note that what was made of the part is stored, in the same transaction. Raises NightRefused when it is not its claim's."""
    done = connection.execute(
        text(
            f"update closure.night_parts set stored_at = :at, figures = cast(:figures as json) where {_THIS} "  # noqa: S608
            "and attempt = :attempt and stored_at is null"
        ),
        claimed.key(attempt=claimed.attempt, figures=json.dumps(dict(figures)), at=at),
    )
    if done.rowcount != 1:
        raise _taken_over(claimed, None)


def figures(connection: Connection, on: date, stage: str, night_attempt: int) -> list[Figures]:
    """What is told of each part that is stored, in order."""
    return list(
        connection.execute(
            text(
                "select figures from closure.night_parts where business_date = :on and kind = :kind "
                "and night_attempt = :planned and stored_at is not null order by part"
            ),
            {"on": on, "kind": stage, "planned": night_attempt},
        ).scalars()
    )


def _taken_over(claimed: Claim, now: tuple[int, str] | None) -> NightRefused:
    by = "another attempt" if now is None else f"attempt {now[0]} ({now[1]})"
    return NightRefused(
        f"Stage {claimed.stage} of the night of {claimed.business_date} stopped: attempt {claimed.attempt} at its part "
        f"{claimed.part} was taken over by {by}. It stores nothing more; what is stored of whole parts stands."
    )

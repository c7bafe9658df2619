"""What criteria would select on a night, and what they would leave out, without changing anything (B2, B7).

Belongs here: making the night's own selection in a transaction that is rolled back, so that the answer is the night's; what is
told of it. Does not belong here: the words of it (``desk.criteria``), which candidates are taken (``stages.select_tranche``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from case_closure.domain.cases import CASE_ENUMS
from case_closure.domain.tranches import (
    ALREADY_SELECTED,
    LEFT_OUT,
    MATCHED,
    PROPOSED,
    SENSITIVE,
    Criteria,
)
from case_closure.night import select_tranche as night
from case_closure.stages.select_tranche import Casegroups
from case_closure.store import database, tranches
from case_closure.store.database import Connection
from case_closure.store.tranches import Version
from case_closure.tables.frames import among

OVER_THE_CAP: Final = "OVER_THE_CAP"
_EXAMPLES: Final = 3


@dataclass(frozen=True)
class LeftOut:
    """Casegroups with a matching case that are not selected, for one reason; the first few of them."""

    reason: str
    casegroups: int
    examples: tuple[str, ...]

    @classmethod
    def of(cls, reason: str, ids: list[str]) -> LeftOut:
        """``ids``: all of them, in order."""
        return cls(reason, len(ids), tuple(ids[:_EXAMPLES]))


@dataclass(frozen=True)
class Preview:
    """What criteria would select on a night if they were in force and authorised. Pence: indicative arrears.

    ``refused``: why they would select nothing that night, else None. ``counted``: cases that count towards the cap
    already. ``ended_at``: the casegroup at which the cap ends it. ``no_match``: for criteria no case matches, the
    fields of which each alone is in the way; empty when more than one is; None when some case matches.
    ``overlaps``: tranches in force that some case could match too. Nationally sensitive casegroups are in none of it (R26).
    """

    criteria: Criteria
    on: date
    refused: str | None
    counted: int
    casegroups: int
    cases: int
    arrears_pence: int
    letters: dict[str, int]
    left_out: tuple[LeftOut, ...]
    ended_at: str | None
    no_match: tuple[str, ...] | None
    overlaps: tuple[str, ...]


def preview(url: str, given: Iterable[Criteria] | None, on: date) -> list[Preview]:
    """What each of these would select on the night of ``on``, in tranche_id order, as if loaded and approved; the other
    tranches in force take their turn. None: all in force, as they are. Nothing is changed.
    """
    with database.rolled_back(url) as connection, tranches.by_index(connection):
        in_turn = {version.criteria.tranche_id: version for version in tranches.in_force(connection)}
        asked = set(in_turn)
        if given is not None:
            asked = {one.tranche_id for one in given}
            for one in given:
                approved = replace(
                    one,
                    authorised_by=one.authorised_by or "as if approved",
                    authorised_on=one.authorised_on or on,
                )
                in_turn[one.tranche_id] = Version(approved, 0, PROPOSED, "preview", "preview", None, None)
        night.follow(connection, on)
        seen = []
        for tranche_id, version in sorted(in_turn.items()):
            others = [other.criteria for name, other in sorted(in_turn.items()) if name != tranche_id]
            if tranche_id in asked:
                seen.append(_previewed(connection, version, on, others))
            else:
                night.select_for(connection, version, on)
    return seen


def _previewed(connection: Connection, version: Version, on: date, others: Iterable[Criteria]) -> Preview:
    criteria = version.criteria
    already = tranches.already_selected(connection, criteria)
    selection = night.begun(connection, version, on)
    left: dict[str, list[str]] = {reason: [] for reason in (*LEFT_OUT, OVER_THE_CAP)}
    tranches.begin_looking(connection)
    for part in night.candidates(connection, selection, beyond_the_cap=True):
        groups = Casegroups.of(part)
        ids = part["casegroup_id"].take(groups.starts)
        for place, reason in enumerate(LEFT_OUT):
            left[reason] += ids[groups.left_out == place].tolist()
        taken = selection.take(part)
        eligible = ids[groups.left_out == len(LEFT_OUT)]
        left[OVER_THE_CAP] += eligible[~among(eligible, taken["casegroup_id"])].tolist()
        tranches.look_at(connection, taken)
        tranches.stamp(connection, version, on, taken)
    if selection.refused is not None:
        left[OVER_THE_CAP] = []
    del left[SENSITIVE]
    # Such a casegroup is no candidate: it is asked for by itself, and said last.
    del left[ALREADY_SELECTED]
    left[ALREADY_SELECTED] = already
    pence, to_payers, to_receivers = tranches.figures(connection)
    return Preview(
        criteria=criteria,
        on=on,
        refused=selection.refused,
        counted=selection.counted,
        casegroups=selection.casegroups,
        cases=selection.cases,
        arrears_pence=pence,
        letters={"CMSL6303": to_payers, "CMSL6308": to_receivers},
        left_out=tuple(LeftOut.of(reason, ids) for reason, ids in left.items() if ids),
        ended_at=selection.ended_at,
        no_match=_no_match(connection, criteria),
        overlaps=tuple(
            other.tranche_id
            for other in others
            if other.authorised and (other.valid_to or on) >= on and criteria.overlaps(other)
        ),
    )


def _no_match(connection: Connection, criteria: Criteria) -> tuple[str, ...] | None:
    """None: some open case matches. Else the fields without any one of which some would."""
    everything: dict[str, Any] = {
        "segments": CASE_ENUMS["segment"],
        "csa_systems": CASE_ENUMS["csa_system"],
        "case_types": CASE_ENUMS["case_type"],
    }
    if tranches.any_matches(connection, criteria):
        return None
    return tuple(
        name
        for name in MATCHED
        if tranches.any_matches(connection, replace(criteria, **{name: everything[name]}))
    )

"""Criteria from a shell, from a page and from the approval DAG: load a file, preview, propose, decide (B2, B6, B7).

Belongs here: from what a person gives to the store, and the words that come back. Does not belong here: arguments,
Airflow, what a key may hold (``landing.criteria``), SQL (``store.tranches``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from case_closure import refusals
from case_closure.desk import acting
from case_closure.desk import preview as looking
from case_closure.desk.acting import Act, Actor
from case_closure.domain.money import pounds
from case_closure.domain.texts import printable
from case_closure.domain.tranches import (
    ALREADY_SELECTED,
    APPROVED,
    CLERICAL,
    FIELDS,
    INHIBITED,
    LOADED,
    PROPOSED,
    REFUSED,
    Criteria,
    why_not_approved,
)
from case_closure.landing.criteria import CriteriaInvalid, from_form, parse
from case_closure.settings import Settings
from case_closure.store import database, tranches
from case_closure.store.tranches import Version

__all__ = [
    "CriteriaInvalid",
    "CriteriaRefused",
    "decide",
    "load",
    "look_at",
    "preview",
    "propose",
    "put_forward",
]


class CriteriaRefused(refusals.Refused):
    """What was asked of the criteria is not done; the message says why and what to do."""


_PROPOSE, _APPROVE = "propose_criteria", "approve_criteria"


def _act(version: Version, state: str, was: str | None = None, reason: str | None = None) -> Act:
    """What becomes of a version, on record. Before: what it was, and the version that counted when it came."""
    before: dict[str, Any] = {"in_force": version.replaces_version}
    return Act(
        "TRANCHE", version.criteria.tranche_id, before=before | ({"state": was} if was else {}),
        after={"version": version.version, "state": state}, reason=reason or version.criteria.reason,
    )  # fmt: skip


def _store(settings: Settings) -> str:
    url = settings.store_url
    database.migrate(url)
    return url


def _read(file: Path) -> list[Criteria]:
    try:
        return parse(file.read_bytes(), file.name)
    except OSError as error:
        raise CriteriaRefused(
            f"{file}: expected a file of tranche criteria that can be read, found "
            f"{error.strerror or type(error).__name__}. Nothing was changed; give the path of a JSON file."
        ) from None


def load(settings: Settings, file: Path, *, by: Actor, at: datetime) -> list[str]:
    """`case-closure criteria load FILE`: put its criteria in force, upserting by tranche_id; what was done, in lines.

    ``by``: the user at the shell. Nothing is stored unless all of the file is in order. Raises CriteriaInvalid,
    CriteriaRefused, NotAllowed.
    """
    acting.require(by, _APPROVE)
    given = _read(file)
    with database.transaction(_store(settings)) as connection:
        versions = tranches.record(connection, given, source=file.name, by=by.name, at=at)
        if versions:
            acting.record(connection, by, _APPROVE, [_act(version, LOADED) for version in versions], at=at)
        others = [version.criteria for version in tranches.in_force(connection)]
    new = {version.criteria.tranche_id: version for version in versions}
    lines = []
    for one in given:
        version = new.get(one.tranche_id)
        lines.append(
            f"Tranche {one.tranche_id}: version {version.version} is in force"
            if version
            else f"Tranche {one.tranche_id}: nothing new, as in force already"
        )
        if not one.authorised:
            lines.append("  it selects nothing until it says authorised_by and authorised_on (B6)")
        crossed = [
            other.tranche_id for other in others if other.tranche_id != one.tranche_id and one.overlaps(other)
        ]
        if crossed:
            lines.append(f"  it overlaps {', '.join(crossed)}: a casegroup goes to the first that selects it")
    return lines or [f"{file.name} holds no criteria; nothing was changed"]


def preview(
    settings: Settings, *, on: date, tranche: str | None = None, file: Path | None = None
) -> list[str]:
    """`case-closure tranche preview`: what a night would select, and what it leaves out and why, in lines.

    Of the file's criteria, or of a tranche in force, or of all in force. Changes nothing. Raises CriteriaInvalid,
    CriteriaRefused.
    """
    given = _read(file) if file is not None else None
    url = _store(settings)
    if given is None and tranche is not None:
        with database.transaction(url) as connection:
            version = tranches.find(connection, tranche)
            names = [version.criteria.tranche_id for version in tranches.in_force(connection)]
        if version is None:
            raise CriteriaRefused(
                f"There is no tranche '{tranche}' in force; there is {', '.join(names) or 'none'}. "
                "Load its criteria, or give them with --file."
            )
        given = [version.criteria]
    elif given is not None and tranche is not None:
        given = [one for one in given if one.tranche_id == tranche]
    lines: list[str] = []
    for seen in looking.preview(url, given, on):
        asked = next(
            (one for one in given or () if one.tranche_id == seen.criteria.tranche_id), seen.criteria
        )
        lines += _said(seen, authorised=asked.authorised)
    return lines or ["No criteria are in force: nothing would be selected."]


def _said(seen: looking.Preview, *, authorised: bool) -> list[str]:
    """A preview in lines: the figures first, then what is left out, then what to think about."""
    criteria, on = seen.criteria, seen.on
    letters = ", ".join(f"{count:,} {code}" for code, count in seen.letters.items())
    lines = [
        f"Tranche {criteria.tranche_id} on {on}: {seen.cases:,} cases of {seen.casegroups:,} casegroups, "
        f"£{pounds(seen.arrears_pence)} indicative arrears, letters {letters}",
        f"  end liability date {criteria.led(on)}, {criteria.notice_days} days after",
    ]
    if criteria.max_cases is not None:
        lines.append(f"  cap {criteria.max_cases:,} cases, {seen.counted:,} of them selected before")
    lines += [
        f"  left out: {left.casegroups:,} {_LEFT_OUT[left.reason]} ({', '.join(left.examples)}"
        f"{', ...' if left.casegroups > len(left.examples) else ''})"
        for left in seen.left_out
    ]
    if seen.refused is not None:
        lines.append(f"  note: it selects nothing that night: {seen.refused}")
    if not authorised:
        lines.append("  note: not authorised yet: until it is, it selects nothing (B6)")
    if seen.ended_at is not None:
        lines.append(f"  note: the cap ends it at casegroup {seen.ended_at}, whose cases would pass it")
    if seen.no_match:
        lines.append(f"  note: it matches no open case; alone in the way: {' or '.join(seen.no_match)}")
    elif seen.no_match is not None:
        lines.append("  note: it matches no open case, and loosening no one field alone would help")
    if seen.overlaps:
        lines.append(
            f"  note: it overlaps {', '.join(seen.overlaps)}, open too: a casegroup goes to the first that selects it"
        )
    return lines


_LEFT_OUT = {
    CLERICAL: "clerical",
    INHIBITED: "inhibited",
    ALREADY_SELECTED: "selected already",
    looking.OVER_THE_CAP: "over the cap",
}


# --- a proposal, and the answer to it


def look_at(settings: Settings, fields: dict[str, Any], *, on: date) -> list[str]:
    """What the night of ``on`` would select with criteria that somebody thinks of proposing, in lines. Changes nothing.

    ``fields``: as of :func:`put_forward`. Raises CriteriaInvalid.
    """
    criteria = from_form({**fields, "authorised_by": None, "authorised_on": None})
    (seen,) = looking.preview(_store(settings), [criteria], on)
    return [line.strip() for line in _said(seen, authorised=True)]


def put_forward(
    settings: Settings, fields: dict[str, Any], *, by: Actor, source: str, at: datetime
) -> tuple[Version, Version | None]:
    """Keep a proposal, which selects nothing until it is approved; with it the version that it would replace.

    ``fields``: the contract's, but for authorised_by and authorised_on, which approval sets. ``source``: where it was made; from
    there again, it is found again and nothing is done. Raises CriteriaInvalid, NotAllowed.
    """
    acting.require(by, _PROPOSE)
    criteria = from_form({**fields, "authorised_by": None, "authorised_on": None})
    with database.transaction(_store(settings)) as connection:
        tranches.hold_off_others(connection)
        there = tranches.find_of_source(connection, criteria.tranche_id, source)
        version = there or tranches.propose(connection, criteria, source=source, by=by.name.strip(), at=at)
        old = (
            tranches.find(connection, criteria.tranche_id, version.replaces_version)
            if version.replaces_version
            else None
        )
        if there is None:
            acting.record(connection, by, _PROPOSE, [_act(version, PROPOSED)], at=at)
    return version, old


def propose(
    settings: Settings, fields: dict[str, Any], *, on: date, by: Actor, run: str, at: datetime
) -> tuple[str, int, str]:
    """Keep a proposal of the approval DAG; its tranche, version and what the approver is shown, as Markdown: old against new,
    and the preview.

    ``fields``: as of :func:`put_forward`. ``run``: the run of the DAG; run again, it finds its proposal again. ``on``: the night
    previewed. Raises CriteriaInvalid, NotAllowed.
    """
    version, old = put_forward(settings, fields, by=by, source=f"approval {run}", at=at)
    criteria = version.criteria
    said = look_at(settings, fields, on=on)
    shown = [
        f"**{_plain(by.name)}** proposes version {version.version} of tranche **{_plain(criteria.tranche_id)}**; another member "
        "of the control group decides. Until it is approved it selects nothing.",
        "",
        f"| | {'in force: version ' + str(old.version) if old else 'in force: none'} | proposed |",
        "| --- | --- | --- |",
        *_compared(old.criteria if old else None, criteria),
        "",
        f"What the night of {on} would select with it:",
        "",
        *(f"- {_plain(line)}" for line in said),
    ]
    return criteria.tranche_id, version.version, "\n".join(shown)


def _compared(old: Criteria | None, new: Criteria) -> Iterable[str]:
    before, after = old.as_row() if old else {}, new.as_row()
    for name in FIELDS:
        if name in ("authorised_by", "authorised_on"):
            continue
        was, is_now = _cell(before.get(name)) if old else "", _cell(after[name])
        yield f"| {name} | {was} | {is_now if was == is_now or not old else f'**{is_now}**'} |"


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return _plain(", ".join(map(str, value)) if isinstance(value, list) else str(value))


def _plain(text: str) -> str:
    """Text that says nothing to Markdown: what somebody typed must not draw a table or a link of its own."""
    line = printable(" ".join(text.split()))
    return "".join(f"\\{letter}" if letter in r"\`*_{}[]<>()#|!~" else letter for letter in line)


def decide(
    settings: Settings,
    tranche_id: str,
    version: int,
    *,
    approved: bool,
    by: Actor,
    at: datetime,
    comment: str | None,
    only_first: bool = False,
) -> str:
    """Record what the control group said of a proposal, in a sentence; deciding again changes nothing.

    Raises NotAllowed, and CriteriaRefused: there is no such proposal; an approval is not accepted, and the proposal then kept as
    refused, and selects nothing; or, with ``only_first``, it was decided before.
    """
    acting.require(by, _APPROVE)
    name = by.name.strip()
    with database.transaction(_store(settings)) as connection:
        tranches.hold_off_others(connection)
        decided = tranches.find(connection, tranche_id, version)
        if decided is None:
            raise CriteriaRefused(f"Tranche {tranche_id} has no version {version}.")
        why = None
        if decided.state != PROPOSED and only_first:
            raise CriteriaRefused(
                f"Version {version} of tranche {tranche_id} was decided meanwhile: {decided.state.lower()} by "
                f"{decided.decided_by or decided.recorded_by}. Yours was not kept; look at it again."
            )
        if decided.state == PROPOSED:
            if approved:
                current = tranches.find(connection, tranche_id)
                why = why_not_approved(
                    name, tranche_id=tranche_id, proposed_by=decided.recorded_by,
                    may_approve=[name for name, _ in settings.control_group], replaces=decided.replaces_version,
                    in_force=current.version if current else None,
                )  # fmt: skip
            decided = tranches.note_decision(
                connection, tranche_id, version, APPROVED if approved and why is None else REFUSED, by=name, at=at,
                comment="; ".join(filter(None, (why and f"not accepted: {why}", comment))) or None,
            )  # fmt: skip
            acting.record(connection, by, _APPROVE, [_act(decided, decided.state, PROPOSED, comment)], at=at)
    if why is not None:
        raise CriteriaRefused(
            f"Version {version} of tranche {tranche_id} was not approved: {why}. It is kept as refused and selects "
            "nothing; propose the change again."
        )
    said = "approved" if decided.state == APPROVED else "refused"
    return f"Version {version} of tranche {tranche_id} was {said} by {decided.decided_by}."

"""Tranches: how far the programme is, against plan; the criteria of each, proposed, looked at, approved, refused (B6, B8)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import accumulate
from typing import Any, Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from case_closure import refusals
from case_closure.desk import criteria as desk
from case_closure.desk import figures
from case_closure.domain.cases import CASE_ENUMS, CSA_SYSTEMS
from case_closure.domain.permissions import Actor
from case_closure.domain.tranches import FIELDS
from case_closure.store.shown import tranches
from case_closure.store.shown.reading import reading
from case_closure.web.forms import APosted, Posted
from case_closure.web.pictures import draw_band, draw_bars, draw_line
from case_closure.web.rendering import query, render
from case_closure.web.sides import reads_apart, reads_as
from case_closure.web.site import Site, ThePerson, TheSite, read_day, said

router = APIRouter()
_SEE = "see_tranches"
SEGMENTS: Final = {
    1: "1 nil-assessed", 2: "2 non-compliant", 3: "3 clerical, paying without enforcement", 4: "4 the same, on-system",
    5: "5 enforced payment",
}  # fmt: skip
_LISTS: Final = ("segments", "csa_systems", "case_types")
_NUMBERS: Final = ("max_cases", "notice_days", "reminder_days")
_TEXTS: Final = ("tranche_id", "ocr_reference", "reason", "valid_from", "valid_to")
_MADE_ONCE: Final = re.compile(r"[0-9a-f]{32}")
_WIDTH, _HEIGHT = 640, 180


class FormIncomplete(refusals.Refused):
    """A form lacks what it was made with; the message says what to do."""


@router.get("/tranches")
def show_tranches(request: Request, site: TheSite, person: ThePerson, apart: bool = False) -> HTMLResponse:
    """The whole programme, and each tranche; ``apart``: of nationally sensitive casegroups, now."""
    if apart:
        return _show_apart(request, site, person)
    counting = figures.bring_up_to_date(site.url, ["programme", "programme_months", "held_months"])
    with reading(site.url, reads_as(person, _SEE)) as connection:
        kept = tranches.kept(connection)
        in_force = tranches.criteria_in_force(connection)
        proposals = tranches.proposals(connection)
    programme, months, held = (
        (kept.get(kind) or {}).get("content") for kind in ("programme", "programme_months", "held_months")
    )
    by_tranche = _by_tranche(programme or [])
    return render(
        request, "tranches.html", as_of=(kept.get("programme") or {}).get("business_date"), counting=bool(counting),
        total=_added(programme or []), band=_band(_added(programme or [])), known=programme is not None,
        lines=_lines(months or []), held=_held(held or []), in_force=in_force, proposals=proposals, by_tranche=by_tranche,
        bands={name: _band(one) for name, one in by_tranche.items()}, without=_without(programme or []),
        width=_WIDTH, height=_HEIGHT,
    )  # fmt: skip


def _show_apart(request: Request, site: Site, person: Actor) -> HTMLResponse:
    with reading(site.url, reads_apart(person, _SEE)) as connection:
        rows = tranches.programme_apart(connection)
    return render(
        request, "tranches_apart.html", total=_added(rows), by_tranche=_by_tranche(rows), without=_without(rows),
        counted=["cases", "liability_ended_cases", "closed_cases", "transitioned_cases", "clerical_cases"],
    )  # fmt: skip


@router.get("/tranches/criteria")
def show_criteria(
    request: Request, site: TheSite, person: ThePerson, tranche: str = "", decided: str = ""
) -> HTMLResponse:
    """Every version of a tranche's criteria, the latest first; a proposal beside the version it would replace."""
    with reading(site.url, reads_as(person, _SEE)) as connection:
        versions = tranches.versions(connection, said(tranche)) if said(tranche) else []
        in_force = tranches.criteria_in_force(connection)
    if said(tranche) and not versions:
        raise HTTPException(404)
    numbered = {one["version"]: one for one in versions}
    return render(
        request, "criteria.html", tranche=said(tranche), versions=versions, in_force=in_force, decided=bool(decided),
        compared={
            one["version"]: _compared(numbered.get(one["replaces_version"]), one) for one in versions
        },
        own=lambda one: str(one["recorded_by"]).strip().casefold() == person.name.strip().casefold(),
    )  # fmt: skip


@router.get("/tranches/propose")
def show_form(request: Request, site: TheSite, person: ThePerson, tranche: str = "") -> HTMLResponse:
    """The form of a proposal, with what is in force of that tranche in it."""
    with reading(site.url, reads_as(person, "propose_criteria")) as connection:
        there = (
            [one for one in tranches.versions(connection, said(tranche)) if one["in_force"]]
            if said(tranche)
            else []
        )
    given: dict[str, Any] = {"tranche_id": said(tranche)}
    if there:
        given |= {name: there[0][name] for name in FIELDS if name in there[0]}
    given |= {"ocr_reference": None, "reason": None}
    return _form(request, given, [])


@router.post("/tranches/preview")
def look_at(request: Request, site: TheSite, person: ThePerson, posted: APosted) -> HTMLResponse:
    """The form as it was sent, with what a night would select with it. Nothing is kept."""
    on = read_day(posted.one("preview_on")) or read_day(posted.one("valid_from")) or site.clock().date()
    lines = desk.look_at(site.settings, _fields(posted), on=on)
    return _form(request, _fields(posted), lines, on=on, once=posted.one("once"))


@router.post("/tranches/propose")
def propose(request: Request, site: TheSite, person: ThePerson, posted: APosted) -> RedirectResponse:
    """Keep the proposal; the same form again keeps no second one."""
    once = posted.one("once")
    if not _MADE_ONCE.fullmatch(once):
        raise FormIncomplete(
            "The form came without the number it was made with. Open it again; nothing was kept."
        )
    version, _ = desk.put_forward(
        site.settings, _fields(posted), by=person, source=f"desk {once}", at=site.clock()
    )
    return RedirectResponse(_where(request, version.criteria.tranche_id), 303)


@router.post("/tranches/decide")
def decide(request: Request, site: TheSite, person: ThePerson, posted: APosted) -> RedirectResponse:
    """Approve or refuse a proposal; refused when somebody else has, or when it is one's own (B6)."""
    number, answer = posted.one("version"), posted.one("answer")
    if not re.fullmatch(r"[0-9]{1,9}", number) or answer not in ("approve", "refuse"):
        raise FormIncomplete(
            "Choose to approve or to refuse. Nothing was changed; go back and send it again."
        )
    tranche = posted.one("tranche_id")
    desk.decide(
        site.settings, tranche, int(number), approved=answer == "approve", by=person, at=site.clock(),
        comment=posted.one("comment") or None, only_first=True,
    )  # fmt: skip
    return RedirectResponse(_where(request, tranche, decided="1"), 303)


def _where(request: Request, tranche: str, **more: str) -> str:
    return query(f"{request.scope.get('root_path', '')}/tranches/criteria", tranche=tranche, **more)


def _form(
    request: Request, given: Mapping[str, Any], lines: list[str], *, on: date | None = None, once: str = ""
) -> HTMLResponse:
    return render(
        request, "propose.html", given={**dict.fromkeys(FIELDS), "notice_days": 180, **given}, lines=lines, on=on,
        once=once or secrets.token_hex(16), segments=SEGMENTS, systems=CSA_SYSTEMS, types=CASE_ENUMS["case_type"],
    )  # fmt: skip


def _fields(posted: Posted) -> dict[str, Any]:
    """The contract's fields as the form has them; what each may hold is said where criteria are read."""
    fields: dict[str, Any] = {name: posted.one(name) or None for name in _TEXTS}
    fields |= {name: _number(posted.one(name)) for name in _NUMBERS}
    return fields | {
        name: [_number(one) if name == "segments" else one for one in posted.all(name)] for name in _LISTS
    }


def _number(value: str) -> int | str | None:
    """A whole number; what is none is handed on, to be refused with all else that is wrong."""
    return int(value) if re.fullmatch(r"[0-9]{1,18}", value) else value or None


_COUNTS = (
    "cases", "selected_cases", "liability_ended_cases", "closed_cases", "transitioned_cases", "held_cases", "excepted_cases",
    "clerical_cases", "indicative_arrears_pence", "received_pence", "posted_pence", "held_pence",
)  # fmt: skip


def _added(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    total = dict.fromkeys(_COUNTS, 0)
    for row in rows:
        for name in _COUNTS:
            total[name] += row[name]
    return total


def _by_tranche(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    of: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["tranche_id"] is not None:
            of.setdefault(row["tranche_id"], []).append(row)
    return {name: _added(of[name]) for name in sorted(of)}


def _without(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Those in no tranche."""
    return _added(row for row in rows if row["tranche_id"] is None)


def _band(total: Mapping[str, int]) -> list[Any]:
    """What became of the cases, as a band: each case stands in one part."""
    ended = max(
        0,
        total["liability_ended_cases"]
        - total["transitioned_cases"]
        - total["held_cases"]
        - total["excepted_cases"],
    )
    selected = max(0, total["selected_cases"] - total["liability_ended_cases"])
    parts = [
        ("transition complete", total["transitioned_cases"], 2), ("held", total["held_cases"], 3),
        ("in exception", total["excepted_cases"], 5), ("moved by hand", total["clerical_cases"], 4),
        ("liability ended", ended, 1), ("selected", selected, 7),
    ]  # fmt: skip
    known = sum(count for _, count, _ in parts)
    return draw_band(
        [*parts, ("not yet selected", max(0, total["cases"] - known), 6)], max(known, total["cases"]), _WIDTH
    )


def _lines(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Cases so far, month by month: planned to end, ended, complete; as the points of lines, and as figures."""
    names = ("selected_cases", "planned_cases", "ended_cases", "completed_cases")
    of: dict[str, dict[str, int]] = {}
    for row in rows:
        month = of.setdefault(str(row["month_on"]), dict.fromkeys(names, 0))
        for name in names:
            month[name] += row[name]
    months = sorted(of)
    so_far = {name: list(accumulate(of[month][name] for month in months)) for name in names}
    most = max((value for values in so_far.values() for value in values), default=0)
    return {
        "months": [{"month_on": date.fromisoformat(month), **of[month]} for month in months], "most": most,
        "points": {name: draw_line(so_far[name], _WIDTH, _HEIGHT, most) for name in names},
        "now": {name: values[-1] if values else 0 for name, values in so_far.items()},
    }  # fmt: skip


def _held(months: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Bars side by side, a month each: where each stands, and how wide all are."""
    rows = [{**row, "month_on": date.fromisoformat(row["month_on"])} for row in months]
    bars = draw_bars([(str(row["month_on"]), row["held_pence"], 3) for row in rows])
    wide = _WIDTH // max(1, len(rows))
    return {
        "months": rows, "bars": [(place * wide, bar) for place, bar in enumerate(bars)], "wide": max(1, min(60, wide - 2)),
    }  # fmt: skip


def _compared(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Field by field: what is in force when it was proposed, what it says, and whether they differ."""
    return [
        {"name": name, "old": _text(old[name]) if old else None, "new": _text(new[name]),
         "differs": old is not None and old[name] != new[name]}
        for name in FIELDS if name not in ("tranche_id", "authorised_by", "authorised_on")
    ]  # fmt: skip


def _text(value: Any) -> str | None:
    return ", ".join(map(str, value)) if isinstance(value, list) else None if value is None else str(value)

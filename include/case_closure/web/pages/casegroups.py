"""Casegroups: finding one, everything of it in one line of time, the line of the extract behind an amount, and a client's
particulars for a reason.

What is looked for is personal: it is posted, and stands in no URL and in no log.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from case_closure.desk import casegroups as desk
from case_closure.desk import ltrs, people, tracing
from case_closure.domain.applications import LTR_TYPES
from case_closure.domain.money import BUCKETS
from case_closure.store.casegroup_events import Event
from case_closure.store.database import Connection
from case_closure.store.shown import casegroups
from case_closure.store.shown.casegroups import Schema
from case_closure.store.shown.reading import reading
from case_closure.web import access
from case_closure.web.forms import APosted
from case_closure.web.rendering import render
from case_closure.web.sides import sides
from case_closure.web.site import Site, ThePerson, TheSite

router = APIRouter()
_SEE = "see_casegroups"
_FIELDS = tuple(desk.Search.__dataclass_fields__)


@router.get("/casegroups")
def show_search(request: Request) -> HTMLResponse:
    """The form to look for one with."""
    return render(request, "casegroups.html", asked={}, found=None, refusal=None, most=desk.MOST_FOUND)


@router.post("/casegroups")
def search(request: Request, site: TheSite, person: ThePerson, posted: APosted) -> HTMLResponse:
    """What is found, a line a casegroup, what is personal hidden; what was looked for stands in the form again."""
    asked = {name: posted.one(name) for name in _FIELDS}
    try:
        matches = desk.find(site.url, desk.Search(**asked))
    except desk.SearchTooWide as refusal:
        return render(
            request,
            "casegroups.html",
            400,
            asked=asked,
            found=None,
            refusal=str(refusal),
            most=desk.MOST_FOUND,
        )
    why = {match.casegroup_id: match.why for match in matches}
    lines: list[dict[str, Any]] = []
    for schema, role in sides(person, _SEE):
        with reading(site.url, role) as connection:
            found = casegroups.found(connection, why, schema)
        lines += [line | {"why": why[line["casegroup_id"]], "apart": schema == "sensitive"} for line in found]
    return render(request, "casegroups.html", asked=asked, found=lines, refusal=None, most=desk.MOST_FOUND)


# The more special first: a casegroup's number may have anything in it.


@router.get("/casegroups/{casegroup_id:path}/rows/{file}/{key:path}")
def show_row(
    request: Request, site: TheSite, person: ThePerson, casegroup_id: str, file: str, key: str
) -> HTMLResponse:
    """The line of the extract behind an amount, and what became of it."""
    told = _tell(site, person, casegroup_id)
    row = tracing.trace(site.settings, casegroup_id, file, key, apart=told.apart)
    if row is None:
        raise HTTPException(404)
    return render(
        request, "casegroup_row.html", told=told, row=row,
        buckets=_buckets(told, row) if file in ("csa_balances", "clerical_balances") else [],
        became=[event for event in told.events if event.row == f"{file}/{key}" and event.event.kind != "BALANCE"],
    )  # fmt: skip


@router.post("/casegroups/{casegroup_id:path}/person")
def show_person(
    request: Request, site: TheSite, person: ThePerson, casegroup_id: str, posted: APosted
) -> HTMLResponse:
    """A parent's particulars whole, once it is on record who asked for them and why."""
    told = _tell(site, person, casegroup_id)
    csa_system, _, rest = posted.one("whose").partition("/")
    role, _, case = rest.partition("/")
    csa_case_id = unquote(case)
    seen = people.unmask(
        site.url, casegroup_id, csa_system, csa_case_id, role, reason=posted.one("reason"), by=person, at=site.clock(),
        apart=told.apart,
    )  # fmt: skip
    if seen is None:
        raise HTTPException(404)
    return render(request, "casegroup_person.html", told=told, seen=seen, case=f"{csa_system} {csa_case_id}")


@router.post("/casegroups/{casegroup_id:path}/ltr")
def issue_ltr(
    request: Request, site: TheSite, person: ThePerson, casegroup_id: str, posted: APosted
) -> RedirectResponse:
    """Issue an LTR by hand, for an application that names this casegroup (B26); then the casegroup, which shows it."""
    told = _tell(site, person, casegroup_id)
    application, system = unquote(posted.one("application")), posted.one("system")
    if application not in told.applications:
        raise HTTPException(404)
    ltrs.issue(site.url, posted.one("type"), system, application, by=person, at=site.clock())
    return RedirectResponse(request.scope.get("root_path", "") + told.path, 303)


@router.get("/casegroups/{casegroup_id:path}")
def show_casegroup(request: Request, site: TheSite, person: ThePerson, casegroup_id: str) -> HTMLResponse:
    """Everything of it."""
    told = _tell(site, person, casegroup_id)
    total = {
        name: sum(line[f"{name}_pence"] for line in told.positions)
        for name in ("received", "posted", "held", "credit")
    }
    owed = {
        name: sum(due[f"{name}_pence"] for due in told.dues)
        for name in ("posted", "amount", "allocated", "outstanding")
    }
    return render(request, "casegroup.html", told=told, total=total, owed=owed, ltr_types=LTR_TYPES)


# --- what a page tells


@dataclass(frozen=True)
class _Line:
    """An event, what is outstanding after it where it changed that, and where its links lead: below the desk to the thing itself,
    below the casegroup to the row behind it."""

    event: Event
    stands_pence: int | None
    page: str | None
    row: str | None


@dataclass(frozen=True)
class _Told:
    """A casegroup as this person may see it. ``apart``: it is nationally sensitive."""

    story: desk.Story
    apart: bool
    events: list[_Line]
    positions: list[dict[str, Any]]
    dues: list[dict[str, Any]]
    balances: list[dict[str, Any]]
    items: list[dict[str, Any]]

    @property
    def path(self) -> str:
        """Its page, below the desk."""
        return path_of(self.story.casegroup_id)

    @property
    def applications(self) -> list[str]:
        """The applications that named its paying parent, by their numbers."""
        return sorted({line.event.reference for line in self.events if line.event.kind == "APPLICATION"})

    @property
    def systems(self) -> list[str]:
        """The CSA systems that hold a case of it."""
        return sorted({case["csa_system"] for case in self.story.cases})


def path_of(casegroup_id: str) -> str:
    """The page of a casegroup, below the desk."""
    return "/casegroups/" + quote(casegroup_id)


def _tell(site: Site, person: ThePerson, casegroup_id: str) -> _Told:
    """It, from the first side on which the person may see it; else a 404, whether or not there is one (R26)."""
    for schema, role in sides(person, _SEE):
        with reading(site.url, role) as connection:
            story = desk.tell(connection, casegroup_id, schema)
            if story is not None:
                return _read(connection, story, schema)
    raise HTTPException(404)


def _read(connection: Connection, story: desk.Story, schema: Schema) -> _Told:
    casegroup_id = story.casegroup_id
    dues = casegroups.dues(connection, casegroup_id, schema)
    balances = casegroups.balances(connection, casegroup_id, schema)
    items = [
        json.loads(event.more) | {"business_date": event.business_date, "casegroup_id": casegroup_id}
        for event in story.events
        if event.kind == "ITEM" and event.more
    ]
    return _Told(
        story, schema == "sensitive", _lines(story, dues, balances),
        casegroups.positions(connection, casegroup_id, schema),
        [due | {"row": _behind(due, balances)} for due in dues],
        balances, [item for item in items if item["status"] != "CLOSED"],
    )  # fmt: skip


def _lines(
    story: desk.Story,
    dues: Sequence[Mapping[str, Any]],
    balances: Sequence[Mapping[str, Any]],
) -> list[_Line]:
    behind = {due["due_id"]: _behind(due, balances) for due in dues}
    numbers = {event.reference: event.more for event in story.events if event.kind == "PAYMENT"}
    # Two of one night may say the same: the first line is of the first.
    seen: Counter[tuple[Any, ...]] = Counter()
    lines, stands = [], 0
    for event in story.events:
        page = row = None
        if event.kind == "BALANCE":
            said = (event.business_date, event.reference, event.pence)
            alike = [one for one in balances if said == _as_told(one)]
            row = _row_of(alike[min(seen[said], len(alike) - 1)]) if alike else None
            seen[said] += 1
        elif event.kind == "DUE":
            row = behind.get(event.reference)
        elif event.kind == "CORRECTION":
            row = f"corrections/{event.reference}"
        elif event.kind == "RULE":
            system, _, rest = event.reference.partition("-")
            row = f"csa_debts/{event.business_date}/{system}/{rest.rpartition('-')[0]}"
        elif event.kind == "ENFORCEMENT":
            row = f"enforcement_actions/{event.reference}"
        elif event.kind in ("PAYMENT", "ALLOCATION"):
            number = event.more or numbers.get(event.reference)
            page = f"/payments/{number}" if number else None
        elif event.kind == "LETTER":
            page = "/letters/" + quote(event.reference)
        elif event.kind == "EXCEPTION":
            page = "/exceptions/" + quote(event.reference)
        elif event.kind == "CORRECTION_REFUSED":
            page = "/exceptions/" + quote(event.more) if event.more else None
        stands += story.adds(event)
        there = {one.split("/")[1] for _, one in access.ROUTES if one.count("/") > 1}
        lines.append(
            _Line(
                event,
                stands if story.adds(event) else None,
                page if page and page.split("/")[1] in there else None,
                row,
            )
        )
    return lines


def _as_told(balance: Mapping[str, Any]) -> tuple[Any, ...]:
    """What an event says of a balance."""
    return balance["business_date"], balance["balance_id"] or "without a number", balance["received_pence"]


def _behind(due: Mapping[str, Any], balances: Sequence[Mapping[str, Any]]) -> str | None:
    """The row of the balance that a due mirrors: the last of its number that had come by then."""
    of_it = [
        one for one in balances
        if one["balance_id"] == due["balance_id"] and one["business_date"] <= due["business_date"]
        and (one["csa_system"], one["csa_case_id"]) == (due["csa_system"], due["csa_case_id"])
    ]  # fmt: skip
    return _row_of(of_it[-1]) if of_it else None


def _row_of(balance: Mapping[str, Any]) -> str:
    file = "clerical_balances" if balance["source"] == "CLERICAL" else "csa_balances"
    return f"{file}/{tracing.place_of(balance['business_date'], balance['extract_number'], balance['row_number'])}"


def _buckets(told: _Told, row: tracing.Traced) -> list[dict[str, Any]]:
    """What became of each bucket of a balance: the due that mirrors it; else why there is none."""
    path = next(
        (_row_of(one) for one in told.balances
         if (one["business_date"], one["row_number"], one["csa_case_id"])
         == (row.business_date, row.row_number, row.values.get("csa_case_id"))), None,
    )  # fmt: skip
    latest = any(one["is_latest"] for one in told.balances if _row_of(one) == path)
    found = []
    for bucket in BUCKETS:
        pence = row.values.get(bucket.column)
        if not pence:
            continue
        due = next(
            (due for due in told.dues if due["row"] == path
             and (due["creditor"], due["arrears_status"]) == (bucket.creditor, bucket.arrears_status)), None,
        )  # fmt: skip
        if due is not None:
            became = "posted as a due"
        elif not latest:
            became = "a later balance of the case counts instead"
        elif pence < 0:
            became = "a credit: listed, not transferred"
        else:
            became = "held"
        found.append(
            {
                "creditor": bucket.creditor,
                "arrears_status": bucket.arrears_status,
                "pence": pence,
                "due": due,
                "became": became,
            }
        )
    return found

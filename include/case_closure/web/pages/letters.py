"""Letters: finding one, reading what it said as a file, having it sent again, asking for a write-off (B12-B18)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote, unquote

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from case_closure import refusals
from case_closure.desk import letters as desk
from case_closure.domain import codes
from case_closure.domain import letters as domain
from case_closure.store.shown import letters
from case_closure.store.shown.casegroups import Schema
from case_closure.store.shown.reading import reading
from case_closure.web.forms import APosted
from case_closure.web.pages.casegroups import path_of
from case_closure.web.rendering import render
from case_closure.web.sides import sides
from case_closure.web.site import Site, ThePerson, TheSite

router = APIRouter()
_SEE = "see_letters"


class NotADate(refusals.Refused):
    """A date of a form cannot be read; the message says how one is written."""


@router.get("/letters")
def show_letters(
    request: Request, site: TheSite, person: ThePerson, on: str = "", casegroup: str = "", code: str = "", status: str = "",
    after: str = "",
) -> HTMLResponse:  # fmt: skip
    """Those of a night or of a casegroup; of neither: of the latest night."""
    schema: Schema = "reporting"
    with reading(site.url, dict(sides(person, _SEE))[schema]) as connection:
        night = _day(on) if on else None if casegroup.strip() else letters.latest_night(connection)
        page = letters.letters_page(
            connection,
            on=night,
            casegroup_id=casegroup.strip(),
            code=code,
            status=status,
            after=after,
            schema=schema,
        )
    asked = {
        "on": night.isoformat() if night else "",
        "casegroup": casegroup.strip(),
        "code": code,
        "status": status,
    }
    return _list(request, asked=asked, page=page, found=None, after=after)


@router.post("/letters")
def search(request: Request, site: TheSite, person: ThePerson, posted: APosted) -> HTMLResponse:
    """The letter with the reference that somebody reads out."""
    numbers = desk.find_numbers(site.url, posted.one("quoted"))
    found: list[dict[str, Any]] = []
    for schema, role in sides(person, _SEE):
        with reading(site.url, role) as connection:
            found += letters.of_numbers(connection, numbers, schema)
    return _list(request, asked={}, page=None, found=found, after="")


def _list(request: Request, **given: Any) -> HTMLResponse:
    return render(request, "letters.html", codes=domain.TITLES, statuses=codes.LETTER_STATUSES, **given)


@router.get("/letters/confirm")
def show_confirmation(
    request: Request, site: TheSite, person: ThePerson, casegroup: str = "", system: str = "", case: str = ""
) -> HTMLResponse:
    """The form to ask for CMSL6300 with, for a case of which a further write-off is to be confirmed."""
    with reading(site.url, dict(sides(person, _SEE))["reporting"]) as connection:
        item = letters.write_off_item(connection, casegroup, system, case)
    return render(
        request,
        "letter_confirm.html",
        item=item,
        casegroup_path=path_of(casegroup) if item else "/casegroups",
    )


@router.post("/letters/confirm")
def confirm_write_off(request: Request, site: TheSite, person: ThePerson, posted: APosted) -> HTMLResponse:
    """Ask for it."""
    casegroup, system, case = (unquote(posted.one(name)) for name in ("casegroup", "system", "case"))
    said = desk.confirm_write_off(
        site.url, casegroup_id=casegroup, csa_system=system, csa_case_id=case,
        from_on=_day(posted.one("from_on")), to_on=_day(posted.one("to_on")), by=person, at=site.clock(),
    )  # fmt: skip
    return render(request, "words.html", title="The letter is asked for", text=said, sign_in=False)


@router.get("/letters/{letter_id:path}")
def show_letter(request: Request, site: TheSite, person: ThePerson, letter_id: str) -> HTMLResponse:
    """One letter: to whom, what became of it, what went with it."""
    told = _tell(site, person, letter_id)
    asked = None if told.apart else desk.find_request(site.url, letter_id)
    return render(
        request, "letter.html", told=told, asked=asked, reference=domain.reference(letter_id), path=_path(letter_id),
        title=domain.TITLES[told.letter["code"]].format(led="..."),
    )  # fmt: skip


@router.post("/letters/{letter_id:path}/read")
def read_letter(site: TheSite, person: ThePerson, letter_id: str, posted: APosted) -> Response:
    """What it said, as a file."""
    told = _tell(site, person, letter_id)
    document = desk.read(site.url, letter_id, by=person, at=site.clock(), apart=told.apart)
    return Response(
        document.pdf, media_type="application/pdf", headers={"Content-Disposition": f'attachment; filename="{document.name}"'}
    )  # fmt: skip


@router.post("/letters/{letter_id:path}/again")
def send_again(
    request: Request, site: TheSite, person: ThePerson, letter_id: str, posted: APosted
) -> RedirectResponse:
    """Have it sent again with the next night; then the letter again, which says so."""
    _tell(site, person, letter_id)
    desk.reissue(site.url, letter_id, by=person, at=site.clock())
    return RedirectResponse(request.scope.get("root_path", "") + _path(letter_id), 303)


@dataclass(frozen=True)
class _Told:
    """A letter as this person may see it. ``apart``: of a nationally sensitive casegroup."""

    letter: dict[str, Any]
    apart: bool
    delivery: dict[str, Any] | None
    covering: list[dict[str, Any]]
    acts: list[dict[str, Any]]


def _tell(site: Site, person: ThePerson, letter_id: str) -> _Told:
    for schema, role in sides(person, _SEE):
        with reading(site.url, role) as connection:
            letter = letters.find(connection, letter_id, schema)
            if letter is not None:
                return _Told(
                    letter, schema == "sensitive", letters.delivery(connection, letter_id, schema),
                    letters.covering(connection, letter, schema), letters.acts(connection, letter_id, schema),
                )  # fmt: skip
    raise HTTPException(404)


def _path(letter_id: str) -> str:
    return "/letters/" + quote(letter_id)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotADate("A date is written as 2017-08-11, a day that there is. Nothing was changed.") from None

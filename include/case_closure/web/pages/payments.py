"""Payments: what is in suspense, flagged, held or left over; one; letting it go, passing it on, its flag ([17], [20]).

A payment is called by a number that tells nothing of whose it is: its reference is looked for by a form, and is in no address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from case_closure.desk import payments as desk
from case_closure.desk import tracing
from case_closure.domain.payments import SOURCES
from case_closure.store.shown import payments
from case_closure.store.shown.casegroups import Schema
from case_closure.store.shown.reading import reading
from case_closure.web.forms import APosted, Posted
from case_closure.web.rendering import render
from case_closure.web.sides import reads_apart, reads_as, sides
from case_closure.web.site import Site, ThePerson, TheSite

router = APIRouter()
_SEE = "see_payments"


@router.get("/payments")
def show_payments(
    request: Request, site: TheSite, person: ThePerson, status: str = "SUSPENSE", source: str = "", after: int | None = None,
    apart: bool = False,
) -> HTMLResponse:  # fmt: skip
    """Those that stand so, the oldest first."""
    schema: Schema = "sensitive" if apart else "reporting"
    role = reads_apart(person, _SEE) if apart else reads_as(person, _SEE)
    if status not in payments.LISTS or source not in ("", *SOURCES):
        raise HTTPException(404)
    last = None if after is None else desk.find_id(site.url, after)
    with reading(site.url, role) as connection:
        page = payments.payments_page(connection, status, source, last, schema)
    return render(
        request, "payments.html", status=status, source=source, page=page, lists=payments.LISTS, sources=SOURCES, apart=apart,
        after=after, found=None, may_see_apart=person.may("see_sensitive"),
    )  # fmt: skip


@router.post("/payments")
def search(request: Request, site: TheSite, person: ThePerson, posted: APosted) -> HTMLResponse:
    """Those of a reference, a receipt's or an agency's."""
    found = []
    for schema, role in sides(person, _SEE):
        with reading(site.url, role) as connection:
            found += payments.of_reference(connection, posted.one("reference"), schema)
    return render(
        request, "payments.html", status="", source="", page=None, lists=payments.LISTS, sources=SOURCES, apart=False, after=None,
        found=found, may_see_apart=person.may("see_sensitive"),
    )  # fmt: skip


@router.get("/payments/{number}")
def show_payment(request: Request, site: TheSite, person: ThePerson, number: int) -> HTMLResponse:
    """One payment."""
    told = _tell(site, person, number)
    return render(
        request, "payment.html", told=told, standing=desk.find_standing(site.url, told.payment["payment_id"]),
        row=tracing.trace_payment(site.settings, told.payment["payment_id"]), takes=desk.TAKES.get(told.payment["status"], ()),
    )  # fmt: skip


@router.post("/payments/{number}/try")
def try_entry(
    request: Request, site: TheSite, person: ThePerson, number: int, posted: APosted
) -> HTMLResponse:
    """What would happen, before it is kept."""
    told = _tell(site, person, number)
    lines = _enter(site, person, told, posted, keep=False)
    fields = {name: posted.one(name) for name in ("field", "value", "source", "version")}
    return render(request, "payment_try.html", told=told, lines=lines, fields=fields)


@router.post("/payments/{number}/keep")
def keep_entry(
    request: Request, site: TheSite, person: ThePerson, number: int, posted: APosted
) -> RedirectResponse:
    """Keep it; then the payment again, where it stands as waiting."""
    _enter(site, person, _tell(site, person, number), posted, keep=True)
    return RedirectResponse(f"{request.scope.get('root_path', '')}/payments/{number}", 303)


@dataclass(frozen=True)
class _Told:
    """A payment as this person may see it. ``apart``: of somebody nationally sensitive."""

    payment: dict[str, Any]
    apart: bool
    events: list[dict[str, Any]]
    allocations: list[dict[str, Any]]
    exceptions: list[dict[str, Any]]
    acts: list[dict[str, Any]]


def _tell(site: Site, person: ThePerson, number: int) -> _Told:
    # Looked up apart from the views: each view asks anew whose a number is, and that is most of what this page costs.
    payment_id = desk.find_id(site.url, number)
    if payment_id is None:
        raise HTTPException(404)
    for schema, role in sides(person, _SEE):
        with reading(site.url, role) as connection:
            payment = payments.find(connection, payment_id, schema)
            if payment is not None:
                return _Told(
                    payment, schema == "sensitive", payments.events(connection, payment["payment_id"], schema),
                    payments.allocations(connection, payment, schema),
                    payments.exceptions(connection, payment, schema),
                    payments.acts(connection, payment["payment_number"], schema),
                )  # fmt: skip
    raise HTTPException(404)


def _enter(site: Site, person: ThePerson, told: _Told, posted: Posted, *, keep: bool) -> list[str]:
    entry = desk.Entry(posted.one("field"), posted.one("value"), posted.one("source"))
    return desk.enter(
        site.settings, told.payment["payment_id"], entry, version=posted.one("version"), by=person, at=site.clock(),
        apart=told.apart, keep=keep,
    )  # fmt: skip

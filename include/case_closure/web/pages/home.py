"""The first page: to the page that this person works on most."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from case_closure.web import access
from case_closure.web.rendering import render
from case_closure.web.site import ThePerson

router = APIRouter()


@router.get("/")
def show_home(request: Request, person: ThePerson) -> HTMLResponse:
    """What this person may go to, and in which roles they are here."""
    return render(request, "home.html", roles=sorted(person.roles), there=access.pages_of(person))

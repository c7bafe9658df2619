"""Who did what here, when and in which role, with what stood before and after."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from case_closure.domain.permissions import ACTIONS
from case_closure.store.shown import acts
from case_closure.store.shown.reading import reading
from case_closure.web.rendering import query, render
from case_closure.web.sides import reads_as
from case_closure.web.site import ThePerson, TheSite, read_day, said

router = APIRouter()
_SEE = "see_acts"


@router.get("/acts")
def show_acts(
    request: Request,
    site: TheSite,
    person: ThePerson,
    by: str = "",
    action: str = "",
    casegroup: str = "",
    first: str = "",
    last: str = "",
    after: Annotated[list[str] | None, Query()] = None,
) -> HTMLResponse:
    """The acts that the filter leaves, the latest first."""
    asked = {
        "by": said(by),
        "action": said(action),
        "casegroup": said(casegroup),
        "first": said(first),
        "last": said(last),
    }
    first_on, last_on = read_day(asked["first"]), read_day(asked["last"])
    with reading(site.url, reads_as(person, _SEE)) as connection:
        page = acts.acts_page(
            connection, by=asked["by"], action=asked["action"], casegroup_id=asked["casegroup"], first_on=first_on,
            last_on=last_on, after=after or (), now=site.clock(),
        )  # fmt: skip
    here = f"{request.scope.get('root_path', '')}/acts"
    return render(
        request, "acts.html", page=page, asked=asked,
        actions={name: one.says for name, one in ACTIONS.items() if one.changes},
        says={name: one.says for name, one in ACTIONS.items()},
        more=query(here, **asked, after=page.following) if page.following else None,
        start=query(here, **asked) if after else None,
    )  # fmt: skip

"""The nights: how each went, stage by stage, what it came to, its files, and what to do when it is red."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from case_closure.desk import figures
from case_closure.desk import nights as desk
from case_closure.domain.night import MEANINGS
from case_closure.domain.rules import RULES
from case_closure.store.kept import OUTCOMES
from case_closure.store.shown import nights
from case_closure.store.shown.reading import reading
from case_closure.web.forms import APosted
from case_closure.web.pictures import draw_bridge
from case_closure.web.rendering import render
from case_closure.web.sides import reads_as
from case_closure.web.site import NightMissing, ThePerson, TheSite, read_day

router = APIRouter()
_SEE = "see_nights"
_RED = ("FAILED", "REJECTED")


@router.get("/nights")
def show_nights(request: Request, site: TheSite, person: ThePerson, after: str = "") -> HTMLResponse:
    """All nights, the latest first."""
    with reading(site.url, reads_as(person, _SEE)) as connection:
        page = nights.nights_page(connection, [after] if after else [])
    return render(request, "nights.html", page=page, red=_RED)


@router.get("/nights/{business_date}")
def show_night(request: Request, site: TheSite, person: ThePerson, business_date: date) -> HTMLResponse:
    """One night, beside the night before."""
    return _show(request, site, person, business_date)


@router.post("/nights/skip")
def skip_night(request: Request, site: TheSite, person: ThePerson, posted: APosted) -> RedirectResponse:
    """Put on record that a night will not be (R40); then the night, which says so."""
    on = read_day(posted.one("night"))
    if on is None:
        raise NightMissing("No night is named. Nothing was changed; go back and say which.")
    desk.skip(site.settings, on, reason=posted.one("reason"), by=person, at=site.clock())
    return RedirectResponse(f"{request.scope.get('root_path', '')}/nights/{on}", 303)


@router.get("/runs/{dag_id}/{run_id}")
def show_night_of_run(
    request: Request, site: TheSite, person: ThePerson, dag_id: str, run_id: str
) -> HTMLResponse:
    """The night of a run of Airflow's, as the tab beside the run shows it."""
    on = desk.find_night_of_run(site.url, run_id)
    if on is None:
        return render(
            request, "words.html", title="This run is of no night yet", sign_in=False,
            text="It has begun no stage. Reload this page when it has; the nights there are stand under Nights.",
        )  # fmt: skip
    return _show(request, site, person, on)


def _show(request: Request, site: TheSite, person: ThePerson, on: date) -> HTMLResponse:
    counting = figures.bring_up_to_date(site.url, [OUTCOMES])
    with reading(site.url, reads_as(person, _SEE)) as connection:
        night, before = nights.night_and_before(connection, on)
        if night is None:
            raise HTTPException(404)
        stages = nights.stages(connection, on)
        rules = nights.rules(connection, on)
        outcomes = nights.outcomes(connection, on)
    done = {row["stage"] for row in stages}
    return render(
        request, "night.html", night=night, before=before, stages=stages, rules=rules, outcomes=outcomes,
        says=RULES, meanings=MEANINGS,
        to_come=[stage for stage in MEANINGS if stage not in done] if night["status"] == "OPEN" else [],
        bridge=draw_bridge(night, before), standing=desk.find_standing(site.url, on), red=_RED,
        files=desk.list_files(site.settings, on), counting=OUTCOMES in counting,
    )  # fmt: skip

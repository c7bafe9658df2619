"""The reconciliation: what left CSA against what became of it, its breaks, both tie-outs, the sign-off, the workbook (B54)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from case_closure.desk import figures
from case_closure.desk import reconciliation as desk
from case_closure.domain.cases import CSA_SYSTEMS
from case_closure.domain.money import CREDITORS_SAID
from case_closure.domain.permissions import Actor
from case_closure.domain.reconciliation import BREAKS_SAID, CAUSES
from case_closure.store.kept import RECONCILIATION
from case_closure.store.shown import nights, reconciliation
from case_closure.store.shown.reading import reading
from case_closure.web.forms import APosted
from case_closure.web.pictures import draw_bars, draw_bridge
from case_closure.web.rendering import query, render
from case_closure.web.sides import reads_apart, reads_as
from case_closure.web.site import NightMissing, Site, ThePerson, TheSite, read_day, said

router = APIRouter()
_SEE = "see_reconciliation"
_FIGURES = (
    "left_csa_pence",
    "received_pence",
    "posted_pence",
    "held_pence",
    "credit_pence",
    "written_off_pence",
)
_NIGHTS_OFFERED = 30
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@router.get("/reconciliation")
def show_reconciliation(
    request: Request,
    site: TheSite,
    person: ThePerson,
    type: str = "",
    cause: str = "",
    system: str = "",
    creditor: str = "",
    casegroup: str = "",
    after: Annotated[list[str] | None, Query()] = None,
    signed: str = "",
    apart: bool = False,
) -> HTMLResponse:
    """As at the end of the night whose workbook was written last; ``apart``: of nationally sensitive casegroups, now."""
    if apart:
        return _show_apart(request, site, person)
    asked = {
        "type": said(type), "cause": said(cause), "system": said(system), "creditor": said(creditor),
        "casegroup": said(casegroup),
    }  # fmt: skip
    counting = figures.bring_up_to_date(site.url, ["write_offs"])
    with reading(site.url, reads_as(person, _SEE)) as connection:
        kept = reconciliation.kept(connection)
        breaks = reconciliation.breaks_page(
            connection, break_type=asked["type"], cause=asked["cause"], csa_system=asked["system"],
            creditor=asked["creditor"], casegroup_id=asked["casegroup"], after=after or (),
        )  # fmt: skip
        sign_offs = reconciliation.sign_offs(connection)
        others = nights.nights_done(connection, _NIGHTS_OFFERED)
        there = kept.get(RECONCILIATION)
        night, before = nights.night_and_before(connection, there["business_date"]) if there else (None, None)
    content = there["content"] if there else None
    plausible = [row for row in content["buckets"] if not row["implausible"]] if content else []
    total, all_of_it = _added(plausible), _added(content["buckets"] if content else [])
    here = f"{request.scope.get('root_path', '')}/reconciliation"
    write_offs = kept.get("write_offs")
    return render(
        request, "reconciliation.html", there=there, content=content, total=total, all_of_it=all_of_it,
        buckets=[_tied(row) for row in plausible], breaks=breaks, asked=asked, sign_offs=sign_offs, others=others,
        bars=draw_bars([
            ("Left CSA", total["left_csa_pence"], 1), ("Received", total["received_pence"], 1),
            ("Posted", total["posted_pence"], 2), ("Held", total["held_pence"], 3), ("Credits", total["credit_pence"], 4),
        ]),
        bridge=draw_bridge(night, before) if night else [], night=night, creditors=CREDITORS_SAID,
        types=BREAKS_SAID, causes=CAUSES, systems=CSA_SYSTEMS, write_offs=write_offs, counting="write_offs" in counting,
        written_off=_written_off(write_offs["content"]) if write_offs and write_offs["content"] is not None else None,
        more=query(here, **asked, after=breaks.following) if breaks.following else None,
        start=query(here, **asked) if after else None, signed=said(signed).isdigit() and said(signed),
    )  # fmt: skip


def _show_apart(request: Request, site: Site, person: Actor) -> HTMLResponse:
    role = reads_apart(person, _SEE)
    limit = site.settings.balance_implausible_pence
    with reading(site.url, role) as connection:
        rows = reconciliation.apart_by_bucket(connection, limit)
        breaks = reconciliation.breaks_apart(connection, limit)
    plausible = [row for row in rows if not row["implausible"]]
    total, all_of_it = (_added(some, reconciliation.FIGURES_APART) for some in (plausible, rows))
    return render(
        request, "reconciliation_apart.html", total=total, all_of_it=all_of_it, buckets=[_tied(row) for row in plausible],
        breaks=breaks, implausible_pence=limit, causes=CAUSES,
    )  # fmt: skip


@router.post("/reconciliation/workbook")
def give_workbook(site: TheSite, posted: APosted) -> Response:
    """The workbook as at the end of a night, made anew."""
    on = _night(posted.one("night"))
    content = desk.make_workbook(site.url, on, implausible_pence=site.settings.balance_implausible_pence)
    name = f'attachment; filename="reconciliation-{on}.xlsx"'
    return Response(content, media_type=_XLSX, headers={"Content-Disposition": name})


@router.post("/reconciliation/sign-off")
def sign_off(request: Request, site: TheSite, person: ThePerson, posted: APosted) -> RedirectResponse:
    """The figures that were on the page go on record as signed; refused when they are others by now."""
    on = _night(posted.one("night"))
    signing = desk.SignOff(person, site.clock(), posted.one("remarks"), seen_sha256=posted.one("seen"))
    number = desk.sign(site.url, on, signing, implausible_pence=site.settings.balance_implausible_pence)
    return RedirectResponse(query(f"{request.scope.get('root_path', '')}/reconciliation", signed=number), 303)


def _night(value: str) -> date:
    on = read_day(value)
    if on is None:
        raise NightMissing("No night is named. Nothing was changed; go back and choose one.")
    return on


def _added(rows: Iterable[Mapping[str, Any]], figures: Sequence[str] = _FIGURES) -> Counter[str]:
    total: Counter[str] = Counter(dict.fromkeys((*figures, "rows", "breaks"), 0))
    for row in rows:
        for name in total:
            total[name] += row[name]
    return total


def _tied(row: Mapping[str, Any]) -> dict[str, Any]:
    """A line of the tie-out: received less left, and what is received and neither posted, held nor a credit."""
    lost = row["received_pence"] - row["posted_pence"] - row["held_pence"] - row["credit_pence"]
    return {**row, "difference_pence": row["received_pence"] - row["left_csa_pence"], "lost_pence": lost}


def _written_off(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """By CSA system: what the rules wrote off and what CSA says it did, and how many amounts agree or do not, by kind."""
    systems: dict[str, dict[str, Any]] = {}
    for row in rows:
        line = systems.setdefault(
            row["csa_system"],
            {"csa_system": row["csa_system"], "rules_pence": 0, "csa_pence": 0, "found": Counter()},
        )
        line["rules_pence"] += row["written_off_pence"] or 0
        line["csa_pence"] += row["csa_written_off_pence"] or 0
        line["found"][row["found"]] += row["lines"]
    return [systems[name] for name in sorted(systems)]

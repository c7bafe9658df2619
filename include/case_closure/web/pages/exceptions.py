"""Exceptions: found, filtered and given to people; by cause; one, with what is entered on it, tried, kept and judged at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import unquote

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from starlette.background import BackgroundTask

from case_closure.desk import exceptions as desk
from case_closure.desk import exceptions_shown, figures, replaying
from case_closure.desk.exceptions import Entry
from case_closure.domain.cases import CSA_SYSTEMS
from case_closure.domain.codes import ROUTES_SAID
from case_closure.domain.permissions import Actor
from case_closure.domain.rules import CASE_OWNER, FT_TEAM, RULES
from case_closure.store.database import Connection
from case_closure.store.kept import CAUSES, MOST_CAUSES
from case_closure.store.listing import SORTS
from case_closure.store.shown import exceptions as listed
from case_closure.store.shown.exceptions import NOBODY, ORDINARY, SENSITIVE, Filter
from case_closure.store.shown.reading import reading
from case_closure.web import forms
from case_closure.web.forms import APosted, Posted
from case_closure.web.rendering import query, render, segment
from case_closure.web.sides import reads_as
from case_closure.web.site import Site, ThePerson, TheSite, said

router = APIRouter()
_SEE: Final = "see_exceptions"
_ON_A_PAGE: Final = (50, 200)
MOST_AT_ONCE: Final = 1_000
"""How many exceptions are entered on at once: what they will do is told within the time that a person waits."""
_ROUTES: Final = [(code, ROUTES_SAID[code]) for code in (CASE_OWNER, FT_TEAM)]
_AGES: Final = {
    "0": "the latest night",
    "7": "1 to 7 days before",
    "28": "8 to 28 days",
    "91": "29 to 91 days",
    "more": "over 91 days",
}
_TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


# --- many


@router.get("/exceptions")
def show_exceptions(
    request: Request, site: TheSite, person: ThePerson, after: Annotated[list[str] | None, Query()] = None
) -> HTMLResponse:
    """Those of a filter, in an order, page by page; filter, order and page stand in the URL."""
    asked = request.query_params
    wanted, side = _filter(asked), _side(person, asked.get("side"))
    sort = asked.get("sort", "oldest") if asked.get("sort", "oldest") in SORTS else "oldest"
    descending = asked.get("way") == "down"
    most = _ON_A_PAGE[-1] if asked.get("rows") == str(_ON_A_PAGE[-1]) else _ON_A_PAGE[0]
    where = _after(sort, after or [])
    on = _latest_night(site, person)
    with reading(site.url, _role(person, side)) as connection:
        page = listed.exceptions_page(
            connection, wanted, side=side, on=on, sort=sort, descending=descending, after=where, most=most
        )
        count, beyond = listed.how_many(connection, wanted, side=side, on=on)
    here = {**wanted.given(), "side": side if side != ORDINARY else "", "sort": sort if sort != "oldest" else "",
            "way": "down" if descending else "", "rows": most if most != _ON_A_PAGE[0] else ""}  # fmt: skip
    return render(
        request, "exceptions.html", page=page, picks=_picks(page.rows), count=count, beyond=beyond, wanted=wanted,
        side=side, sort=sort, descending=descending, here_now=here, rules=RULES, rule_names=[(code, code) for code in RULES],
        system_names=[(one, one) for one in CSA_SYSTEMS], ages=_AGES, nobody=NOBODY, most=most, on=on, after=where,
        sensitive=_may_see_sensitive(person), on_a_page=_ON_A_PAGE, found=exceptions_shown.found, routes=_ROUTES,
    )  # fmt: skip


@router.post("/exceptions/download")
def download(site: TheSite, person: ThePerson, posted: APosted) -> Response:
    """Those of a filter as a file."""
    kind = posted.one("kind")
    if kind not in _TYPES:
        raise HTTPException(404)
    wanted, side = _filter_of(posted), _side(person, posted.one("side"))
    at = site.clock()
    path = exceptions_shown.download(site.url, wanted, side=side, kind=kind, by=person, at=at)
    return _attached(path, f"exceptions-{exceptions_shown.today(at)}.{kind}", _TYPES[kind])


def _attached(path: Path, name: str, media_type: str) -> FileResponse:
    return FileResponse(
        path, media_type=media_type, filename=name, background=BackgroundTask(path.unlink, missing_ok=True)
    )


@router.post("/exceptions/allocate")
def allocate(request: Request, site: TheSite, person: ThePerson, posted: APosted) -> Response:
    """Give those that were ticked, or all that the page showed, to somebody."""
    picked = _picked(posted.all("on_page" if posted.one("all") else "pick"))
    if not picked:
        raise desk.ExceptionRefused("Tick at least one exception. Nothing was allocated.")
    told = desk.allocate(
        site.url, list(picked), to=posted.one("to"), by=person, at=site.clock(), versions=picked
    )
    if len(picked) == 1 and not told.refused:
        return _to(request, next(iter(picked)))
    if len(picked) == 1 and (stale := _stale(request, site, person, posted, picked)):
        return stale
    return render(
        request, "exceptions_done.html", title=f"{len(told.done):,} allocated, {len(told.refused):,} refused", told=told,
        back=_back(request, posted),
    )  # fmt: skip


# --- by cause


@router.get("/exceptions/causes")
def show_causes(request: Request, site: TheSite, person: ThePerson) -> HTMLResponse:
    """What those that are open have in common, and the pounds that each cause holds up."""
    side = _side(person, request.query_params.get("side"))
    # Only a night and a replay change what is counted here: while one is at work, what was so before it.
    counting = figures.bring_up_to_date(site.url, [CAUSES]) if side == ORDINARY else set()
    with reading(site.url, _role(person, side)) as connection:
        on, causes = _causes(connection, side, counting=bool(counting))
    return render(
        request, "causes.html", causes=causes[:MOST_CAUSES], more=len(causes) > MOST_CAUSES, most=MOST_CAUSES, rules=RULES,
        side=side, ordinary=ORDINARY, sensitive=_may_see_sensitive(person), on=on, counting=counting,
    )  # fmt: skip


def _causes(connection: Connection, side: str, *, counting: bool) -> tuple[date | None, list[dict[str, Any]]]:
    """Those kept of a night, which it says; where none are, counted now, unless somebody is at that."""
    if side == ORDINARY and (kept := listed.kept_causes(connection)):
        return kept
    return None, [] if counting else listed.causes(connection, side=side, most=MOST_CAUSES + 1)


@router.get("/exceptions/causes/{exception_id:path}")
def show_entry_for_cause(
    request: Request, site: TheSite, person: ThePerson, exception_id: str
) -> HTMLResponse:
    """What is entered for all that have the same cause as this one."""
    with reading(site.url, _role(person, ORDINARY)) as connection:
        line = listed.exception(connection, exception_id, side=ORDINARY)
        count, beyond = listed.how_many(connection, Filter(cause=exception_id), side=ORDINARY, on=None)
    if line is None:
        raise HTTPException(404)
    look = exceptions_shown.look_at(site.url, line)
    return render(
        request, "exceptions_enter.html", line=line, look=look, cause=exception_id, count=count, beyond=beyond, most=MOST_AT_ONCE,
    )  # fmt: skip


# --- what is entered: tried, kept, judged


@router.post("/exceptions/try")
def try_entry(request: Request, site: TheSite, person: ThePerson, posted: APosted) -> Response:
    """What an entry will do, judged by the gates; nothing of it is kept."""
    picked = _picked(posted.all("pick"))
    if cause := unquote(posted.one("cause")):
        chosen = desk.chosen(site.url, cause=cause)[:MOST_AT_ONCE]
        with reading(site.url, _role(person, ORDINARY)) as connection:
            picked = listed.versions(connection, chosen, side=ORDINARY)
    told = _resolve(site, person, posted, picked, keep=False)
    if told.refused and len(picked) == 1 and (stale := _stale(request, site, person, posted, picked)):
        return stale
    return render(
        request, "exceptions_try.html", told=told, picked=picked, field=posted.one("field"), new=posted.one("new"),
        source=posted.one("source"), one=next(iter(picked)) if len(picked) == 1 else None, back=_back(request, posted),
        seals=[forms.seal(site.secret, one, held) for one, held in told.held.items()],
    )  # fmt: skip


@router.post("/exceptions/keep")
def keep_entry(request: Request, site: TheSite, person: ThePerson, posted: APosted) -> Response:
    """Keep an entry as it was tried, and have it judged at once where that is wanted."""
    picked = _picked(posted.all("pick"))
    told = _resolve(site, person, posted, picked, keep=True)
    if told.refused and len(picked) == 1:
        if stale := _stale(request, site, person, posted, picked):
            return stale
        raise desk.ExceptionRefused(" ".join(told.refused))
    if posted.one("then") == "replay" and not told.refused:
        return _replay(request, site, person, list(picked))
    if len(picked) == 1:
        return _to(request, next(iter(picked)))
    title = "What was entered is kept" if told.foretold else "Nothing was entered"
    return render(request, "exceptions_done.html", title=title, told=told, back=_back(request, posted))


@router.post("/exceptions/replay")
def replay(request: Request, site: TheSite, person: ThePerson, posted: APosted) -> Response:
    """Have these judged at once."""
    ids = [unquote(one) for one in posted.all("id")]
    if not ids:
        raise desk.ExceptionRefused("No exception was named. Nothing was replayed.")
    return _replay(request, site, person, ids)


def _replay(request: Request, site: Site, person: Actor, ids: list[str]) -> Response:
    running = replaying.start(site.settings, ids, by=person, at=site.clock())
    lines = running.wait()
    if not person.may(_SEE):  # an operator: what it came to stands with the night
        return RedirectResponse(f"{request.scope.get('root_path', '')}/nights/{running.asked.on}", 303)
    with reading(site.url, _role(person, ORDINARY)) as connection:
        now = [listed.exception(connection, one, side=ORDINARY) for one in ids[: _ON_A_PAGE[-1]]]
    return render(
        request, "exceptions_judged.html", lines=lines, ids=ids, now=[one for one in now if one], on=running.asked.on,
    )  # fmt: skip


def _resolve(site: Site, person: Actor, posted: Posted, picked: dict[str, int], *, keep: bool) -> desk.Told:
    if not picked:
        raise desk.ExceptionRefused("No exception was named. Nothing was entered.")
    entries = [Entry(one, posted.one("field"), posted.one("new")) for one in picked]
    seals = set(posted.all("seen"))
    return desk.resolve(
        site.settings,
        entries,
        source=posted.one("source"),
        by=person,
        at=site.clock(),
        keep=keep,
        versions=picked,
        as_seen=(lambda one, held: forms.seal(site.secret, one, held) in seals) if keep else None,
    )


# --- one


@router.get("/exceptions/{exception_id:path}")
def show_exception(request: Request, site: TheSite, person: ThePerson, exception_id: str) -> HTMLResponse:
    """The record as it came, what is wrong with it, where to look, what to enter, and what happened to it."""
    line, history, side = _found(site, person, exception_id)
    look = exceptions_shown.look_at(site.url, line)
    return render(
        request, "exception.html", line=line, look=look, history=history, version=_version(history), side=side,
        worked=side == ORDINARY and line["status"] != "RESOLVED",
    )  # fmt: skip


def _found(site: Site, person: Actor, exception_id: str) -> tuple[dict[str, Any], list[dict[str, Any]], str]:
    """An exception of a side that this person may see. Raises a 404, the same whether it is not there or hidden."""
    for side in (ORDINARY, SENSITIVE) if _may_see_sensitive(person) else (ORDINARY,):
        with reading(site.url, _role(person, side)) as connection:
            line = listed.exception(connection, exception_id, side=side)
            if line is not None:
                return line, listed.history(connection, exception_id, side=side), side
    raise HTTPException(404)


# --- two people on one record


def _stale(
    request: Request, site: Site, person: Actor, posted: Posted, picked: dict[str, int]
) -> HTMLResponse | None:
    """Both versions, for whoever was second; None: it stands as they saw it."""
    ((exception_id, version),) = picked.items()
    try:
        line, history, _ = _found(site, person, exception_id)
    except HTTPException:
        return None
    if _version(history) == version:
        return None
    seen = _as_of(history, version)
    return render(
        request, "exception_stale.html", 409, line=line, seen=seen, now=_as_of(history, _version(history)),
        since=[event for event in history if event["event_number"] > version],
        typed={name: posted.one(name) for name in ("field", "new", "source", "to") if posted.one(name)},
    )  # fmt: skip


def _version(history: list[dict[str, Any]]) -> int:
    return int(history[-1]["event_number"]) if history else 0


def _as_of(history: list[dict[str, Any]], version: int) -> dict[str, Any]:
    """Status and whose it was after the event of that number."""
    status, whose = "OPEN", None
    last = None
    for event in history:
        if event["event_number"] > version:
            break
        last = event
        if event["event"] in ("OPENED", "REOPENED"):
            status, whose = "OPEN", None
        elif event["event"] == "ALLOCATED":
            status, whose = "ALLOCATED", event["by_what"]
        elif event["event"] == "RESOLVED":
            status = "RESOLVED"
    return {"status": status, "allocated_to": whose, "last": last}


# --- what stands in an address or a form


def _filter(asked: Any) -> Filter:
    return Filter(**{name: said(asked.get(name)) for name in vars(Filter())})


def _filter_of(posted: Posted) -> Filter:
    """The filter of the list that a form stood on."""
    return _filter({name: posted.one(f"was_{name}") for name in vars(Filter())})


def _side(person: Actor, asked: str | None) -> str:
    return SENSITIVE if asked == SENSITIVE and _may_see_sensitive(person) else ORDINARY


def _may_see_sensitive(person: Actor) -> bool:
    return person.may("see_sensitive")


def _role(person: Actor, side: str) -> str:
    return reads_as(person, "see_sensitive" if side == SENSITIVE else _SEE)


def _latest_night(site: Site, person: Actor) -> date | None:
    with reading(site.url, _role(person, ORDINARY)) as connection:
        return listed.latest_night(connection)


def _after(sort: str, after: list[str]) -> list[str]:
    """Where a page begins; an address that somebody wrote by hand begins at the first row."""
    if len(after) != len(SORTS[sort]):
        return []
    for (_, kind), value in zip(SORTS[sort], after, strict=True):
        if kind == "date":
            try:
                date.fromisoformat(value)
            except ValueError:
                return []
    return after


def _picks(rows: Iterable[dict[str, Any]]) -> dict[str, str]:
    """What a box that is ticked says: which exception, as of which event; nothing in it turns text round."""
    return {row["exception_id"]: f"{row['version'] or 0} {segment(row['exception_id'])}" for row in rows}


def _picked(given: Iterable[str]) -> dict[str, int]:
    picked = {}
    for one in given:
        version, _, exception_id = one.partition(" ")
        if exception_id and version.isdecimal():
            picked[unquote(exception_id)] = int(version)
    return picked


def _to(request: Request, exception_id: str) -> RedirectResponse:
    root = request.scope.get("root_path", "")
    return RedirectResponse(f"{root}/exceptions/{segment(exception_id)}", 303)


def _back(request: Request, posted: Posted) -> str:
    """The list as it was filtered."""
    return query(f"{request.scope.get('root_path', '')}/exceptions", **_filter_of(posted).given())

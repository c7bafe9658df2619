"""Templates, and how amounts, dates and codes are written on a page.

Belongs here: the environment, the filters, the answer as HTML. Does not belong here: what a page shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from case_closure.domain.codes import ROUTES_SAID
from case_closure.domain.money import CREDITORS_SAID, STATUSES_SAID, pounds
from case_closure.domain.texts import shown
from case_closure.web import access, forms
from case_closure.web.site import site_of

STATIC = Path(__file__).parent / "static"
_MOST_SHOWN = 400


def render(request: Request, template: str, status: int = 200, /, **given: Any) -> HTMLResponse:
    """The page: ``template`` with what it is given, in the frame that every page has."""
    site, person = site_of(request), getattr(request.state, "person", None)
    body = _environment().get_template(template).render(
        root=request.scope.get("root_path", ""), airflow=site.airflow, person=person,
        pages=access.pages_of(person) if person else [], here=request.url.path,
        token=forms.token(site.secret, person) if person else "", may=person.may if person else (lambda _: False),
        **given,
    )  # fmt: skip
    return HTMLResponse(body, status)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("case_closure.web"), PackageLoader("govuk_frontend_jinja")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        pounds=_pounds,
        day=_day,
        moment=_moment,
        words=words,
        safe_text=_safe_text,
        whole=_whole,
        query=query,
        bucket=_bucket,
        route=_route,
        segment=segment,
    )
    return environment


def _pounds(pence: int | None) -> str:
    """1,204.55 with a pound sign; a dash where there is no amount."""
    return "–" if pence is None else ("-" if pence < 0 else "") + "£" + pounds(abs(pence))


def _whole(number: int | None) -> str:
    return "–" if number is None else f"{number:,}"


def _day(value: date | None) -> str:
    """As 3 March 2016; a dash where there is none."""
    return "–" if value is None else f"{value.day} {value:%B %Y}"


def _moment(value: datetime | None) -> str:
    """A time of the clock, to the second, in UTC as everything here is."""
    return "–" if value is None else f"{value.day} {value:%b %Y, %H:%M:%S}"


def _bucket(row: Mapping[str, Any]) -> str:
    """Who is owed and whether it is collected, of a row that has both."""
    return f"{CREDITORS_SAID[row['creditor']]}, {STATUSES_SAID[row['arrears_status']].lower()}"


def _route(code: str | None) -> str:
    """Whose it is to do."""
    return "nobody: a warning" if code is None else ROUTES_SAID[code]


def words(code: str | None) -> str:
    """A code as words: PAYING_PARENT as 'paying parent'; a dash where there is none."""
    return "–" if not code else code.replace("_", " ").lower()


def _safe_text(value: Any) -> str:
    """A text from outside: what shows nothing or turns text round is shown by its number."""
    return "–" if value is None else shown(str(value), _MOST_SHOWN)


def segment(value: str) -> str:
    """A number as one part of a path, whatever characters are in it."""
    return quote(value, safe="")


def query(path: str, **parameters: Any) -> str:
    """A path with these parameters; those that are nothing are left out."""
    given = {name: value for name, value in parameters.items() if value not in (None, "", [])}
    return path + ("?" + urlencode(given, doseq=True) if given else "")

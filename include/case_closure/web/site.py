"""What a page is given by whoever mounts the desk: where the store is, the clock, the key that signs forms, where Airflow is.

Belongs here: that, and who asks. Does not belong here: anything of one request but the person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, cast

from fastapi import Depends, Request

from case_closure import refusals
from case_closure.domain.permissions import Actor
from case_closure.domain.texts import shown
from case_closure.settings import Settings


@dataclass(frozen=True)
class Site:
    """``find_settings``: the settings with the store they mean, asked when first needed. ``airflow``: Airflow's address, as a
    path or URL, without a slash at its end; its pages are linked to, and signing in is there."""

    find_settings: Callable[[], Settings]
    secret: str
    airflow: str = ""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def settings(self) -> Settings:
        return self.find_settings()

    @property
    def url(self) -> str:
        """The store's."""
        return self.settings.store_url


def site_of(request: Request) -> Site:
    """The site whose application this request came to."""
    return cast("Site", request.app.state.site)


def person_of(request: Request) -> Actor:
    """Who asks; known since the request was let in."""
    return cast("Actor", request.state.person)


TheSite = Annotated[Site, Depends(site_of)]
ThePerson = Annotated[Actor, Depends(person_of)]


def said(value: Any) -> str:
    """A parameter of the URL as text, without blanks around it; empty where there is none."""
    return str(value or "").strip()


class NightMissing(refusals.Refused):
    """The form names no night."""


class NoSuchDay(refusals.Refused):
    """What stands where a day should is none; the message says how one is written."""


def read_day(value: str) -> date | None:
    """The day that a field says; None where it is empty. Raises NoSuchDay."""
    if not value:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise NoSuchDay(
            f"'{shown(value, 40)}' is no day: one is written as 2017-08-11. Nothing was changed."
        ) from None

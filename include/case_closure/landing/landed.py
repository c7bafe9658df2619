"""Whether anything was landed for a date at all, asked before its night is opened (R40).

Belongs here: that question, and words for a landing zone that has nothing, or cannot be read. Does not belong here: what is
in the folder (``manifest``): a folder that is there and wrong is a rejected night (R22).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from case_closure import refusals
from case_closure.domain.texts import shown
from case_closure.landing.paths import PathLike

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NAMED = 3


class NothingLanded(refusals.Refused):
    """There is no folder for the date, so there is no night of it; the message says where, and what is there instead."""


def require_folder(landing: PathLike, on: date) -> None:
    """Raises NothingLanded unless ``<landing>/<on>`` is there."""
    folder = landing / on.isoformat()
    try:
        if folder.exists():
            return
        there = _names(landing) if landing.exists() else None
    except Exception as error:  # an object store has errors of its own making
        why = getattr(error, "strerror", None) or shown(str(error) or type(error).__name__, 200)
        raise NothingLanded(
            f"The landing zone {landing} cannot be read ({why}). See that the disk or the object store behind it is there and "
            "that this user may read it; then the same command."
        ) from error
    if there is None:
        raise NothingLanded(
            f"Nothing was landed for {on}: there is no landing zone {landing}. Name the one that is meant, or land the "
            "extract there."
        )
    raise NothingLanded(
        f"Nothing was landed for {on}: there is no folder {folder}. {_instead(there, on)} If that date is a slip, give "
        "the one that was meant; if an extract is owed, ask the Data Warehouse for it; if none was sent that day, there is "
        "nothing to do."
    )


def _names(landing: PathLike) -> list[date]:
    dates = []
    for name in (path.name for path in landing.iterdir()):
        if _DAY.fullmatch(name):
            try:
                dates.append(date.fromisoformat(name))
            except ValueError:
                continue
    return sorted(dates)


def _instead(there: Iterable[date], on: date) -> str:
    near = sorted(sorted(there, key=lambda day: abs((day - on).days))[:_NAMED])
    if not near:
        return "The landing zone holds no date at all."
    return f"Landed nearest to it: {', '.join(map(str, near))}."

"""A casegroup as a caseworker tells it on the telephone: everything on record, in order of date ([31]); and finding it.

Belongs here: the order, what is outstanding, where an amount came from, the refusal of one that is not there. Does not belong
here: reading it (``store.casegroup_events``), how it is printed or shown (``cli``, ``web``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from case_closure import refusals
from case_closure.domain.names import comparable
from case_closure.domain.nino import CHARACTERS, MATCHED_CHARACTERS
from case_closure.domain.texts import shown
from case_closure.store import casegroup_events, database, finding
from case_closure.store.casegroup_events import AFTER, BEFORE, EVENTS, FOR_PAGES, NOT_DONE, Event
from case_closure.store.database import Connection

# What is posted and what has changed it since: the pence of these add up to what is outstanding ([18]). What a balance, a
# payment or a letter says is on record beside them, and is the same money.
ON_THE_ACCOUNT = ("DUE", "CORRECTION", "ALLOCATION")
EVERY_KIND = BEFORE | EVENTS | FOR_PAGES | NOT_DONE | AFTER


class CasegroupUnknown(refusals.Refused):
    """There is no such casegroup to be shown, or nobody may see it here: the words are the same (R26)."""


class SearchTooWide(refusals.Refused):
    """What is looked for is too little, or more have it than can be shown; the message says what to add."""


@dataclass(frozen=True)
class Story:
    """A casegroup with all its events, the earliest first; of one date in the order of their kinds."""

    casegroup_id: str
    outcome: str | None
    reason: str | None
    events: list[Event]
    cases: list[dict[str, Any]] = field(default_factory=list)

    @property
    def outstanding_pence(self) -> int:
        """What its dues come to now, less what was paid."""
        return sum(self.adds(event) for event in self.events)

    @staticmethod
    def adds(event: Event) -> int:
        """What the event adds to what is outstanding, in pence."""
        return event.pence or 0 if event.kind in ON_THE_ACCOUNT else 0


def show(url: str, casegroup_id: str) -> Story:
    """The story of a casegroup, as of one moment. Raises CasegroupUnknown."""
    with database.transaction(url) as connection:
        casegroup_events.read_only(connection)
        story = tell(connection, casegroup_id, kinds=EVENTS)
    if story is None:
        raise CasegroupUnknown(
            f"There is no casegroup {shown(casegroup_id, 200)}, or it is not for everybody to see. The view "
            "reporting.casegroup_outcomes lists those a balance was received for."
        )
    return story


def tell(
    connection: Connection,
    casegroup_id: str,
    schema: str = "reporting",
    kinds: Mapping[str, str] = EVERY_KIND,
) -> Story | None:
    """What whoever this connection reads as may know of it, from the views of that schema; None: nothing (R26)."""
    outcome, reason = casegroup_events.outcome(connection, casegroup_id, schema)
    cases = casegroup_events.cases(connection, casegroup_id, schema)
    events = casegroup_events.events(connection, casegroup_id, schema, kinds, cases)
    if not (outcome or events or cases):
        return None
    order = {kind: place for place, kind in enumerate(kinds)}
    events.sort(key=lambda event: (event.business_date, order[event.kind], event.reference, event.words))
    return Story(casegroup_id, outcome, reason, events, cases)


# --- finding one


@dataclass(frozen=True)
class Search:
    """What a casegroup is looked for by; each as it was typed, and empty where it was not."""

    casegroup_id: str = ""
    csa_case_id: str = ""
    nino: str = ""
    surname: str = ""
    forenames: str = ""
    letter: str = ""
    payment: str = ""


MOST_FOUND = 50


def find(url: str, search: Search) -> list[finding.Match]:
    """The casegroups that have all that is looked for, each once, nationally sensitive ones too: who may see which, the views say
    to whoever asks (R26). Raises SearchTooWide.
    """
    wanted = {name: value.strip() for name, value in vars(search).items() if value.strip()}
    if not wanted or wanted.keys() == {"forenames"}:
        raise SearchTooWide("Say what to look for: a number, a NINO, a surname or a reference.")
    bare = "".join(wanted.get("nino", "").split()).upper()
    if bare and not (bare.isascii() and bare.isalnum() and MATCHED_CHARACTERS <= len(bare) <= CHARACTERS):
        raise SearchTooWide("A NINO has two letters, six digits and a letter; the last may be left out.")
    with database.transaction(url) as connection:
        casegroup_events.read_only(connection)
        found: list[dict[str, finding.Match]] = []
        for name, value in wanted.items():
            if name in ("surname", "forenames"):
                continue
            given = bare if name == "nino" else value
            found.append({match.casegroup_id: match for match in finding.BY[name](connection, given)})
        if "surname" in wanted:
            found.append(_by_name(connection, wanted, narrowed=bool(found)))
    first, *others = found
    both = [match for key, match in first.items() if all(key in other for other in others)]
    return sorted(both, key=lambda match: (match.casegroup_id, match.why))[:MOST_FOUND]


def _by_name(
    connection: Connection, wanted: Mapping[str, str], *, narrowed: bool
) -> dict[str, finding.Match]:
    people = finding.people_called(connection, wanted["surname"], wanted.get("forenames", ""))
    surname, forenames = comparable(wanted["surname"]), comparable(wanted.get("forenames", ""))
    called = [
        party_id
        for party_id, theirs, first in people
        if comparable(theirs or "") == surname and comparable(first or "").startswith(forenames)
    ]
    if len(people) > finding.MOST_PEOPLE or (len(called) > MOST_FOUND and not narrowed):
        raise SearchTooWide(
            "More people have that name than can be shown. Add forenames, or look for a NINO, a case or a reference as well."
        )
    return {match.casegroup_id: match for match in finding.of_people(connection, called, "name")}

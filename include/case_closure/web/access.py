"""Every route of the desk with what it takes to be let in.

Belongs here: the table, and asking it. Does not belong here: which roles may do what (``domain.permissions``). With a route that
has no line here the desk does not start; tests walk the application's own list of routes.
"""

from __future__ import annotations

from typing import Final

from case_closure.domain.permissions import ACTIONS, Actor

SIGNED_IN: Final = "signed in"
"""Whoever is signed in and has a role here."""
ANYBODY: Final = "anybody"
"""What carries nothing: the look of a page."""

ROUTES: Final = {
    ("GET", "/"): SIGNED_IN,
    ("GET", "/static/{name}"): ANYBODY,
    ("GET", "/nights"): "see_nights",
    ("GET", "/nights/{business_date}"): "see_nights",
    ("POST", "/nights/skip"): "skip_nights",
    ("GET", "/runs/{dag_id}/{run_id}"): "see_nights",
    ("GET", "/exceptions"): "see_exceptions",
    ("GET", "/exceptions/causes"): "see_exceptions",
    ("GET", "/exceptions/causes/{exception_id:path}"): "enter_on_exceptions",
    ("GET", "/exceptions/{exception_id:path}"): "see_exceptions",
    ("POST", "/exceptions/download"): "download_exceptions",
    ("POST", "/exceptions/allocate"): "allocate_exceptions",
    ("POST", "/exceptions/try"): "enter_on_exceptions",
    ("POST", "/exceptions/keep"): "enter_on_exceptions",
    ("POST", "/exceptions/replay"): "replay_exceptions",
    ("GET", "/reconciliation"): "see_reconciliation",
    ("POST", "/reconciliation/workbook"): "see_reconciliation",
    ("POST", "/reconciliation/sign-off"): "sign_off_reconciliation",
    ("GET", "/tranches"): "see_tranches",
    ("GET", "/tranches/criteria"): "see_tranches",
    ("GET", "/tranches/propose"): "propose_criteria",
    ("POST", "/tranches/preview"): "propose_criteria",
    ("POST", "/tranches/propose"): "propose_criteria",
    ("POST", "/tranches/decide"): "approve_criteria",
    ("GET", "/acts"): "see_acts",
    ("GET", "/casegroups"): "see_casegroups",
    ("POST", "/casegroups"): "see_casegroups",
    ("GET", "/casegroups/{casegroup_id:path}"): "see_casegroups",
    ("GET", "/casegroups/{casegroup_id:path}/rows/{file}/{key:path}"): "see_casegroups",
    ("POST", "/casegroups/{casegroup_id:path}/person"): "unmask_person",
    ("POST", "/casegroups/{casegroup_id:path}/ltr"): "record_ltrs",
    ("GET", "/payments"): "see_payments",
    ("POST", "/payments"): "see_payments",
    ("GET", "/payments/{number}"): "see_payments",
    ("POST", "/payments/{number}/try"): "enter_on_payments",
    ("POST", "/payments/{number}/keep"): "enter_on_payments",
    ("GET", "/letters"): "see_letters",
    ("POST", "/letters"): "see_letters",
    ("GET", "/letters/confirm"): "confirm_write_offs",
    ("POST", "/letters/confirm"): "confirm_write_offs",
    ("GET", "/letters/{letter_id:path}"): "see_letters",
    ("POST", "/letters/{letter_id:path}/read"): "read_letter",
    ("POST", "/letters/{letter_id:path}/again"): "send_letters_again",
}
"""Method and path to an action of ``domain.permissions``, SIGNED_IN or ANYBODY."""

PAGES: Final = (
    ("Nights", "/nights", "see_nights"),
    ("Exceptions", "/exceptions", "see_exceptions"),
    ("Casegroups", "/casegroups", "see_casegroups"),
    ("Payments", "/payments", "see_payments"),
    ("Letters", "/letters", "see_letters"),
    ("Reconciliation", "/reconciliation", "see_reconciliation"),
    ("Tranches", "/tranches", "see_tranches"),
    ("Acts", "/acts", "see_acts"),
)
"""The pages one goes to from everywhere, each for whoever may see it."""


class UnknownRoute(Exception):
    """A route of the application has no line in ``ROUTES``, or a line has no route."""


def check_complete(routes: set[tuple[str, str]]) -> None:
    """Raises UnknownRoute unless the table and the application say the same."""
    missing, idle = routes - ROUTES.keys(), ROUTES.keys() - routes
    if missing or idle:
        raise UnknownRoute(
            f"without a line in web.access: {sorted(missing)}; without a route: {sorted(idle)}"
        )


def needed(method: str, path: str) -> str:
    """What it takes: an action, SIGNED_IN or ANYBODY. HEAD is asked as GET is."""
    return ROUTES["GET" if method == "HEAD" else method, path]


def let_in(person: Actor, what: str) -> bool:
    """Whether the person may."""
    return bool(person.roles) if what == SIGNED_IN else what in ACTIONS and person.may(what)


def pages_of(person: Actor) -> list[tuple[str, str]]:
    """The pages this person can go to: name and path."""
    there = {path for _, path in ROUTES}
    return [(name, path) for name, path, action in PAGES if path in there and person.may(action)]

"""Who may do what: the one table that the pages, the command line, the DAGs and the server's grants ask.

Belongs here: the roles, what each person does here and which roles may, which views each sees. Does not belong here: how a
person is known (Airflow's sign-in, a login of PostgreSQL), the refusal in words (``desk.acting``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ANALYST: Final = "analyst"
CASEWORKER: Final = "caseworker"
TEAM_LEADER: Final = "team_leader"
CONTROL_GROUP: Final = "control_group"
OPERATOR: Final = "operator"
AUDITOR: Final = "auditor"
SENSITIVE: Final = "sensitive"

ROLES: Final = {
    ANALYST: "reads the views, the reports and the reconciliation; proposes criteria and signs off",
    CASEWORKER: "finds out what is wrong with a record and enters it; answers the telephone",
    TEAM_LEADER: "gives exceptions to caseworkers, and may do what they do",
    CONTROL_GROUP: "approves the criteria by which cases are selected (B6)",
    OPERATOR: "runs nights and reruns them; sees how they went, and no record of a person",
    AUDITOR: "sees what there is and who did what, and changes nothing",
    SENSITIVE: "sees nationally sensitive casegroups as well (R26); beside another role, never instead of one",
}
"""The roles, with what somebody in each is here for."""

_ORDINARY: Final = frozenset(ROLES) - {SENSITIVE}
_READERS: Final = frozenset({ANALYST, CASEWORKER, TEAM_LEADER, AUDITOR})
_WORKERS: Final = frozenset({CASEWORKER, TEAM_LEADER})


@dataclass(frozen=True)
class Action:
    """Something that is done here. ``says``: as in 'You may not ...'. ``views``: what of ``reporting`` is read for it.

    ``changes``: it is kept as an act, with who, when, what was before and what after.
    """

    says: str
    roles: frozenset[str]
    views: tuple[str, ...] = ()
    changes: bool = False


ACTIONS: Final = {
    "see_nights": Action(
        "see how the nights went", _ORDINARY,
        ("nights", "night_history", "night_stages", "rule_results", "kept_outcomes"),
    ),
    "see_exceptions": Action(
        "see exceptions", _READERS,
        ("exceptions", "exception_history", "exception_causes", "kept_causes", "entries_without_effect", "night_stages"),
    ),
    "download_exceptions": Action("download exceptions", _READERS, ("exceptions",), changes=True),
    "see_casegroups": Action(
        "see casegroups", _READERS,
        (
            "casegroup_outcomes", "balances", "dues", "ledger", "cases", "corrections", "credits", "work_items", "applications",
            "ltrs", "journeys", "end_liability", "next_actions", "records", "enforcement", "enforcement_dues",
            "debt_rule_results", "final_balances", "exceptions", "payments", "letters", "letter_deliveries", "acts",
            "csa_cases", "positions", "numbered_payments", "payment_events", "dated_applications",
        ),
    ),
    "see_payments": Action(
        "see payments", _READERS,
        ("payments", "numbered_payments", "payment_events", "exceptions", "work_items", "dues", "ledger", "acts"),
    ),
    "see_reconciliation": Action(
        "see the reconciliation", _READERS | {OPERATOR},
        (
            "reconciliation", "reconciliation_totals", "reconciliation_breaks", "reconciliation_sign_offs", "write_off_tie_out",
            "nights", "night_stages", "kept_reconciliation", "kept_breaks",
        ),
    ),
    "see_tranches": Action(
        "see tranches and their criteria", _READERS | {CONTROL_GROUP},
        ("tranche_criteria", "tranche_selections", "programme", "programme_months", "kept_programme", "nights"),
    ),
    "see_letters": Action("see letters", _READERS, ("letters", "letter_deliveries", "work_items", "acts")),
    "see_acts": Action("see who did what", frozenset({TEAM_LEADER, AUDITOR}), ("acts",)),
    "see_sensitive": Action("see nationally sensitive casegroups", frozenset({SENSITIVE})),
    "read_letter": Action("read what a letter said", _WORKERS | {AUDITOR}, ("letters",), changes=True),
    "unmask_person": Action("see a person's particulars whole", _WORKERS | {AUDITOR}, changes=True),
    "allocate_exceptions": Action("give exceptions to people", frozenset({TEAM_LEADER}), changes=True),
    "enter_on_exceptions": Action("enter what was found out about an exception", _WORKERS, changes=True),
    "replay_exceptions": Action("have exceptions judged at once", _WORKERS | {OPERATOR}, changes=True),
    "enter_on_payments": Action("let go, pass on or flag payments", _WORKERS, changes=True),
    "send_letters_again": Action("have a letter sent again", _WORKERS, changes=True),
    "confirm_write_offs": Action("confirm a further write-off", _WORKERS, changes=True),
    "record_ltrs": Action("record what became of a transition request, or make one", _WORKERS | {OPERATOR}, changes=True),
    "propose_criteria": Action("propose criteria", frozenset({ANALYST, CONTROL_GROUP}), changes=True),
    "approve_criteria": Action("approve or refuse criteria", frozenset({CONTROL_GROUP}), changes=True),
    "sign_off_reconciliation": Action("sign off the reconciliation", frozenset({ANALYST}), changes=True),
    "skip_nights": Action("have a night skipped", frozenset({OPERATOR}), changes=True),
}  # fmt: skip
"""Everything that is done here by people, by name."""


@dataclass(frozen=True)
class Actor:
    """Who does something: a name as it is put on record, and the roles they have."""

    name: str
    roles: frozenset[str]

    def may(self, action: str) -> bool:
        """Whether one of their roles lets them do it."""
        return role_for(self, action) is not None


def role_for(actor: Actor, action: str) -> str | None:
    """The role as which they do it, the first in the order of ``ROLES`` that may; None when none may."""
    allowed = ACTIONS[action].roles & actor.roles
    return next((role for role in ROLES if role in allowed), None)


def views_of(role: str) -> frozenset[str]:
    """The views of ``reporting`` that somebody in this role reads."""
    return frozenset(view for action in ACTIONS.values() if role in action.roles for view in action.views)


def whoever_has_the_shell(name: str) -> Actor:
    """Who types commands on the machine that holds the store's own login: any role but the sensitive one.

    Whoever can do that can do anything to the store; what they say their name is stands on record.
    """
    return Actor(name, _ORDINARY)

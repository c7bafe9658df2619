"""Casegroups whose story takes several nights: what CSA sends after the first one, and what must come of it.

Belongs here: cases that close later, balances sent again, cases that join or move, resolutions that stand,
closure that fails and then succeeds. Does not belong here: the ordinary mending of a random fault
(`nights`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

from case_closure.sample.casegroup import Casegroup, Dice, Row, key
from case_closure.sample.faults import BY_NAME, Found, application_row, inhibit_row, ltr_answer, payment_row
from case_closure.sample.showcase import pay_amounts, still_open, to_be_selected


@dataclass
class Teller:
    """Collects what a story sends on later nights (1 is the night after the first), and what is to be found.

    ``nights_left``: how many nights are written after this one.
    """

    dice: Dice
    nights_left: int = 0
    later: dict[int, dict[str, list[Row]]] = field(default_factory=dict)
    expected: list[tuple[int, Found]] = field(default_factory=list)
    mended: list[tuple[int, Found]] = field(default_factory=list)

    def on(self, night: int) -> date:
        """The business date of a night of the story."""
        return self.dice.today + timedelta(days=night)

    def send(self, night: int, file: str, *rows: Row) -> None:
        """Rows that arrive that night."""
        self.later.setdefault(night, {}).setdefault(file, []).extend(dict(row) for row in rows)

    def expect(self, night: int, *faults_found: Found) -> None:
        """Exceptions that open that night."""
        self.expected.extend((night, one) for one in faults_found)

    def mend(self, night: int, *faults_found: Found) -> None:
        """Exceptions that close that night."""
        self.mended.extend((night, one) for one in faults_found)

    def resolve(self, night: int, case: Row, entity: str, name: str, old: object, new: object) -> None:
        """A caseworker's resolution of one field."""
        self.send(
            night, "resolutions", resolution_row(self.dice, case, entity, name, old, new, self.on(night))
        )


Tell = Callable[[list[Casegroup], Teller], None]


@dataclass(frozen=True)
class Story:
    """``tell`` edits the casegroups into what the first night brings, and gives the teller the rest."""

    name: str
    tell: Tell
    nights: int = 2
    groups: int = 1
    cases: int = 1
    on_cms: bool = False


def resolution_row(dice: Dice, case: Row, entity: str, name: str, old: object, new: object, on: date) -> Row:
    """A row of resolutions; values as the text a caseworker would enter."""
    return {
        "resolution_id": f"RES{dice.number():08d}",
        "csa_system": case["csa_system"],
        "csa_case_id": case["csa_case_id"],
        "entity": entity,
        "field": name,
        "old_value": None if old is None else str(old),
        "new_value": None if new is None else str(new),
        "source_system": case["csa_system"],
        "entered_by": dice.chance.choice(("caseworker.one", "caseworker.two")),
        "entered_on": on,
    }


def closed_on(case: Row, day: date) -> Row:
    """The case closed, its liability ended that day."""
    ended = day if case["case_type"] == "ONGOING" else None
    return dict(case, case_status="CLOSED", closed_reason="CASE_CLOSURE", liability_end_date=ended)


def _changed(balance: Row, balance_id: str | None = None, by: int = 1_111) -> Row:
    column = next(name for name in balance if name.endswith("_pence") and (balance[name] or 0) > 0)
    return dict(
        balance,
        balance_id=balance_id or balance["balance_id"],
        **{column: balance[column] + by, "total_pence": balance["total_pence"] + by},
    )


def _again(balance: Row) -> str:
    return f"{balance['balance_id']}-2"


def _changes_after_completion(groups: list[Casegroup], teller: Teller) -> None:
    case, balance = groups[0].cases[0], groups[0].balance(groups[0].cases[0])
    teller.send(1, "csa_balances", _changed(balance, _again(balance)))
    teller.expect(1, ("balance_changed_after_completion", key(case)))


def _changes_after_completion_under_one_id(groups: list[Casegroup], teller: Teller) -> None:
    case, balance = groups[0].cases[0], groups[0].balance(groups[0].cases[0])
    teller.send(1, "csa_balances", dict(balance, arrears_to=balance["arrears_to"] - timedelta(days=1)))
    teller.expect(1, ("balance_changed_after_completion", key(case)))


def _changes_and_changes_back(groups: list[Casegroup], teller: Teller) -> None:
    case, balance = groups[0].cases[0], groups[0].balance(groups[0].cases[0])
    faults_found = ("balance_changed_after_completion", key(case))
    teller.send(1, "csa_balances", _changed(balance, _again(balance)))
    teller.expect(1, faults_found)
    teller.send(2, "csa_balances", dict(balance, balance_id=f"{balance['balance_id']}-3"))
    teller.mend(2, faults_found)


def _changes_before_completion(groups: list[Casegroup], teller: Teller) -> None:
    group, case = groups[0], groups[0].cases[0]
    still_open(case)
    changed = group.copy()
    pay_amounts(changed, case, {"rp_active_pence": 123_456, "gb_sos_active_pence": 654})
    was = {(row["creditor"], row["arrears_status"]) for row in changed.of_case("csa_closing_ledger", case)}
    gone = [
        r
        for r in group.of_case("csa_closing_ledger", case)
        if (r["creditor"], r["arrears_status"]) not in was
    ]
    balance = changed.balance(case)
    teller.send(1, "csa_balances", dict(balance, balance_id=_again(balance)))
    teller.send(1, "csa_closing_ledger", *changed.of_case("csa_closing_ledger", case))
    teller.send(1, "csa_closing_ledger", *(dict(row, amount_pence=0) for row in gone))
    teller.send(1, "csa_cases", closed_on(case, teller.on(1)))


def _sent_again_unchanged(groups: list[Casegroup], teller: Teller) -> None:
    balance = groups[0].balance(groups[0].cases[0])
    teller.send(1, "csa_balances", balance)


def _hold_back(group: Casegroup, case: Row, teller: Teller, night: int) -> None:
    """Leaves a case, and whoever and whatever came with it alone, for a later night."""
    for file in ("csa_children", "csa_balances", "csa_closing_ledger"):
        teller.send(night, file, *group.of_case(file, case))
        group.drop(file, group.of_case(file, case))
    teller.send(night, "csa_cases", case)
    group.drop("csa_cases", [case])
    if case["receiving_parent_id"] not in [other["receiving_parent_id"] for other in group.cases]:
        party = group.receiving_parent(case)
        teller.send(night, "cis_persons", group.cis(party))
        teller.send(night, "csa_parties", party)
        group.drop("cis_persons", [group.cis(party)])
        group.drop("csa_parties", [party])


def _joins_after_completion(groups: list[Casegroup], teller: Teller) -> None:
    case = groups[0].cases[-1]
    _hold_back(groups[0], case, teller, 1)
    teller.expect(1, ("balance_changed_after_completion", key(case)))


def _joins_before_completion(groups: list[Casegroup], teller: Teller) -> None:
    group = groups[0]
    _hold_back(group, group.cases[-1], teller, 1)
    still_open(group.cases[0])
    teller.send(1, "csa_cases", closed_on(group.cases[0], teller.on(1)))


_GOES_WITH_THE_CASEGROUP = (
    "casegroup_id",
    "paying_parent_id",
    "method_of_payment",
    "pp_sort_code",
    "pp_account_number",
    "employer_reference",
)


def _moved(case: Row, other: Row) -> Row:
    """The case as one of the other's casegroup, paid for as the other is."""
    return case | {column: other[column] for column in _GOES_WITH_THE_CASEGROUP}


def _moves_before_completion(groups: list[Casegroup], teller: Teller) -> None:
    """A case of the first casegroup turns out to belong to the second; both close the night after (R20)."""
    leaving, taking = groups
    moved, stays, other = leaving.cases[-1], leaving.cases[0], taking.cases[0]
    for case in (stays, other):
        still_open(case)
        teller.send(2, "csa_cases", closed_on(case, teller.on(2)))
    teller.send(1, "csa_cases", _moved(moved, other))


def _moves_after_completion(groups: list[Casegroup], teller: Teller) -> None:
    """The only case of a completed casegroup is sent under another, completed too."""
    leaving, taking = groups
    moved, other = leaving.cases[-1], taking.cases[0]
    teller.send(1, "csa_cases", _moved(moved, other))
    teller.expect(1, ("case_casegroup_conflict", key(moved)))


def _closure_fails_then_succeeds(groups: list[Casegroup], teller: Teller) -> None:
    group, case = groups[0], groups[0].cases[0]
    faults_found = BY_NAME["closure_failed/REPORT"].plant(group, teller.dice)
    teller.expect(0, *faults_found)
    teller.send(1, "csa_cases", closed_on(case, teller.on(1)))
    teller.mend(1, *faults_found)


def _inhibit_removed(groups: list[Casegroup], teller: Teller) -> None:
    case = groups[0].cases[0]
    row = inhibit_row(case, teller.dice, "TEAM_LEADER", teller.on(-9), None)
    groups[0].file("inhibits").append(row)
    teller.send(1, "inhibits", dict(row, removed_on=teller.on(1)))


def _flag_removed(groups: list[Casegroup], teller: Teller) -> None:
    case = groups[0].cases[0]
    teller.send(1, "csa_cases", case)
    case["manual_inhibit"] = True


def _resolution_stands(groups: list[Casegroup], teller: Teller) -> None:
    """The caseworker enters the surname; a later extract that still has none does not undo it."""
    group, case = groups[0], groups[0].cases[0]
    surname = group.receiving_parent(case)["surname"]
    faults_found = BY_NAME["surname_missing/RECEIVING_PARENT"].plant(group, teller.dice)
    teller.expect(0, *faults_found)
    teller.resolve(1, case, "RECEIVING_PARENT", "surname", None, surname)
    teller.mend(1, *faults_found)
    teller.send(2, "csa_parties", group.receiving_parent(case))


def _reported_then_cleared(groups: list[Casegroup], teller: Teller) -> None:
    """Whoever reported it says that it is cleared; the casegroup goes on that night (R27)."""
    group = groups[0]
    faults_found = BY_NAME["exception_reported/REPORT"].plant(group, teller.dice)
    teller.expect(0, *faults_found)
    (report,) = group.file("reported_exceptions")
    teller.send(
        1, "reported_exceptions", dict(report, cleared_on=teller.on(1), cleared_by=report["reported_by"])
    )
    teller.mend(1, *faults_found)


def _entry_that_does_not_mend(groups: list[Casegroup], teller: Teller) -> None:
    """What is entered first is not what the nine amounts come to either; the extract then sends it right ([22])."""
    group, case = groups[0], groups[0].cases[0]
    sound = dict(group.balance(case))
    faults_found = BY_NAME["balance_total_mismatch/TOTAL"].plant(group, teller.dice)
    teller.expect(0, *faults_found)
    sent = group.balance(case)["total_pence"]
    teller.resolve(1, case, "BALANCE", "total_pence", sent, sound["total_pence"] + 700)
    teller.send(2, "csa_balances", sound | {"balance_id": f"{sound['balance_id']}-M"})
    teller.mend(2, *faults_found)


def _one_fault_behind_another(groups: list[Casegroup], teller: Teller) -> None:
    """Mending the balance brings out a missing NINO, which nobody had judged until then."""
    group, case = groups[0], groups[0].cases[0]
    nino, total = group.receiving_parent(case)["nino"], group.balance(case)["total_pence"]
    first = BY_NAME["balance_total_mismatch/TOTAL"].plant(group, teller.dice)
    behind = BY_NAME["nino_missing/RECEIVING_PARENT"].plant(group, teller.dice)
    teller.expect(0, *first)
    teller.resolve(1, case, "BALANCE", "total_pence", group.balance(case)["total_pence"], total)
    teller.mend(1, *first)
    teller.expect(1, *behind)
    teller.send(2, "csa_parties", dict(group.receiving_parent(case), nino=nino))
    teller.mend(2, *behind)


def _late_child(groups: list[Casegroup], teller: Teller) -> None:
    group, case = groups[0], groups[0].cases[0]
    teller.send(1, "csa_children", *group.of_case("csa_children", case))
    faults_found = BY_NAME["child_missing/CHILD"].plant(group, teller.dice)
    teller.expect(0, *faults_found)
    teller.mend(1, *faults_found)


def _late_case(groups: list[Casegroup], teller: Teller) -> None:
    group, case = groups[0], groups[0].cases[0]
    teller.send(1, "csa_cases", case)
    faults_found = BY_NAME["balance_case_unknown/CASE"].plant(group, teller.dice)
    teller.expect(0, *faults_found)
    teller.mend(1, *faults_found)


def _paid_before_completion(groups: list[Casegroup], teller: Teller) -> None:
    """A payment for a casegroup not yet complete is held, and allocated when it is (R25)."""
    group, case = groups[0], groups[0].cases[0]
    file = f"csa_payments_{case['csa_system']}"
    group.file(file).append(payment_row(group.paying_parent, teller.dice, "12.34"))
    still_open(case)
    teller.send(1, "csa_cases", closed_on(case, teller.on(1)))


def _receipt_comes_again(groups: list[Casegroup], teller: Teller) -> None:
    """The same receipt again is ignored and counted; with another value it is a conflict."""
    group, case = groups[0], groups[0].cases[0]
    for each in group.cases:
        each["closed_reason"] = "CASE_CLOSURE"
    file = f"csa_payments_{case['csa_system']}"
    same, other = (payment_row(group.paying_parent, teller.dice, value) for value in ("7.00", "9.00"))
    group.file(file).extend((same, other))
    teller.send(1, file, same, dict(other, value="9.10"))
    teller.expect(1, ("payment_receipt_conflict", (case["csa_system"], None)))


def _clerical_letter_went_out(groups: list[Casegroup], teller: Teller) -> None:
    """Post comes back: the letter is suppressed, and the legacy team says when theirs went (B15)."""
    group = groups[0]
    parent = group.paying_parent
    parent.update(dlo=True, date_of_death=None)
    letter = f"CMSL6301-{group.casegroup_id}---{parent['party_id']}-{teller.on(0).isoformat()}"
    teller.send(1, "clerical_letters", {"letter_id": letter, "issued_on": teller.on(1)})


def _its_case_owner_mends_it(groups: list[Casegroup], teller: Teller) -> None:
    """CMS has the casegroup, so the exception is routed to its owner there (B50)."""
    group, case = groups[0], groups[0].cases[0]
    for row in group.file("cms_register"):
        row["case_owner"] = "cms.owner.01"
    sound = group.balance(case)["total_pence"]
    faults_found = BY_NAME["balance_total_mismatch/TOTAL"].plant(group, teller.dice)
    teller.expect(0, *faults_found)
    if teller.nights_left:
        teller.resolve(1, case, "BALANCE", "total_pence", group.balance(case)["total_pence"], sound)
        teller.mend(1, *faults_found)


# --- closure: what follows for a casegroup that the first night selects


def _closes_as_selected(groups: list[Casegroup], teller: Teller) -> None:
    case = to_be_selected(groups[0])
    teller.send(1, "csa_cases", closed_on(case, teller.on(1)))


def _closing_fails_then_succeeds(groups: list[Casegroup], teller: Teller) -> None:
    """Selected, then its liability cannot be ended, then it can: the failure is cleared by the CLOSED row (B53)."""
    case = to_be_selected(groups[0])
    failure = {
        "failure_code": "CF02",
        "failed_on": teller.on(1),
        "detail": "Ending liability failed in the batch",
    }
    teller.send(1, "closure_failures", {name: case[name] for name in ("csa_system", "csa_case_id")} | failure)
    teller.expect(1, ("closure_failed", key(case)))
    teller.send(2, "csa_cases", closed_on(case, teller.on(2)))
    teller.mend(2, ("closure_failed", key(case)))


def _inhibited_while_selected(groups: list[Casegroup], teller: Teller) -> None:
    """Set by a manager after selection and removed again, which lets closure go on (B69, B70)."""
    case = to_be_selected(groups[0])
    row = inhibit_row(case, teller.dice, "MANAGER", teller.on(1), None)
    teller.send(1, "inhibits", row)
    teller.send(2, "inhibits", dict(row, removed_on=teller.on(2)))


def _joins_a_selected_casegroup(groups: list[Casegroup], teller: Teller) -> None:
    """A second ongoing case comes to a selected casegroup and takes its end liability date; both close together."""
    group = groups[0]
    joining = group.cases[-1]
    closing = dict(still_open(joining), case_type="ONGOING")
    joining["case_type"] = "ONGOING"
    _hold_back(group, joining, teller, 1)
    case = to_be_selected(group)
    teller.send(2, "csa_cases", closed_on(case, teller.on(2)), closed_on(closing, teller.on(2)))


def _turns_reactive(groups: list[Casegroup], teller: Teller) -> None:
    """Selected one night, applied for the next: the second letters, with the new end liability date (B23)."""
    case = to_be_selected(groups[0])
    row = application_row(groups[0], case, teller.dice, teller.on(1))
    teller.send(1, "cms_applications", row)


def _ltr_answered(outcome: str | None) -> Tell:
    """The CSA team answers the LTR the night after it went out; no outcome yet: it has acknowledged it (B25)."""

    def tell(groups: list[Casegroup], teller: Teller) -> None:
        case = to_be_selected(groups[0])
        row = application_row(groups[0], case, teller.dice, teller.on(0))
        groups[0].file("cms_applications").append(row)
        ltr_id = f"LTR1-{case['csa_system']}-{row['application_id']}"
        teller.send(1, "ltr_responses", ltr_answer(ltr_id, teller.on(1), outcome))
        if outcome == "DONE":
            teller.expect(1, ("ltr_outcome_invalid", (case["csa_system"], None)))

    return tell


def _clerical_first_contact(groups: list[Casegroup], teller: Teller) -> None:
    """The first letter of closure is suppressed, and the legacy team says when theirs went (B15)."""
    group = groups[0]
    to_be_selected(group)
    parent = group.paying_parent
    parent.update(dlo=True, date_of_death=None)
    letter = f"CMSL6303-{group.casegroup_id}---{parent['party_id']}-{teller.on(0).isoformat()}"
    teller.send(1, "clerical_letters", {"letter_id": letter, "issued_on": teller.on(1)})


STORIES: tuple[Story, ...] = (
    Story("balance changes after completion", _changes_after_completion),
    Story("balance changes after completion, same id", _changes_after_completion_under_one_id),
    Story("balance changes after completion and back", _changes_and_changes_back, nights=3),
    Story("balance changes before completion", _changes_before_completion),
    Story("balance sent again unchanged", _sent_again_unchanged),
    Story("case joins after completion", _joins_after_completion, cases=2),
    Story("case joins before completion", _joins_before_completion, cases=2),
    Story("case moves before completion", _moves_before_completion, nights=3, groups=2, cases=2),
    Story("case moves after completion", _moves_after_completion, groups=2),
    Story("closure fails, then succeeds", _closure_fails_then_succeeds),
    Story("inhibit removed", _inhibit_removed),
    Story("inhibit flag removed", _flag_removed),
    Story("resolution stands", _resolution_stands, nights=3),
    Story("one fault behind another", _one_fault_behind_another, nights=3),
    Story("entry that does not mend", _entry_that_does_not_mend, nights=3),
    Story("reported, then cleared", _reported_then_cleared),
    Story("late child", _late_child),
    Story("late case", _late_case),
    Story("paid before completion", _paid_before_completion),
    Story("receipt comes again", _receipt_comes_again),
    Story("clerical letter went out", _clerical_letter_went_out),
    Story("its case owner mends it", _its_case_owner_mends_it, nights=1, on_cms=True),
    Story("selected, then closed", _closes_as_selected),
    Story("selected, closing fails, then succeeds", _closing_fails_then_succeeds, nights=3),
    Story("selected, inhibited for a night", _inhibited_while_selected, nights=3),
    Story("case joins a selected casegroup", _joins_a_selected_casegroup, nights=3, cases=2),
    Story("selected, then reactive", _turns_reactive),
    Story("LTR acknowledged", _ltr_answered(None)),
    Story("LTR closed", _ltr_answered("CLOSED")),
    Story("LTR refused", _ltr_answered("REFUSED")),
    Story("LTR pending", _ltr_answered("PENDING")),
    Story("LTR answered by no known outcome", _ltr_answered("DONE")),
    Story("clerical first contact went out", _clerical_first_contact),
)

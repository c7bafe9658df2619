"""Everything that can be wrong with a record, as data: each rule code with the functions that break it.

Belongs here: the table FAULTS, pairs of faults, and what each is expected to be reported as. A fault is
planted into a casegroup that is sound, closed, not yet on CMS (unless it says so) and owes something on
each of its cases, so that nothing but the fault stands in its way: what is reported about it is exactly
what its function returns.
Does not belong here: which casegroups get which fault and when they are mended (`nights`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from case_closure.domain.dates import years_before
from case_closure.domain.money import BUCKET_COLUMNS, BUCKETS
from case_closure.sample.casegroup import Casegroup, Dice, Row, key
from case_closure.sample.people import ISLAND_POSTCODES, administrative_nino
from case_closure.tables.landed import REPORT_CHANNELS, REPORT_STAGES

CaseKey = tuple[str | None, str | None]
Found = tuple[str, CaseKey]
"""A rule code, and the case it is reported on."""
Plant = Callable[[Casegroup, Dice], list[Found]]
Mend = Literal["EXTRACT", "RESOLUTION", "NEVER"]


@dataclass(frozen=True)
class Fault:
    """One way of breaking one rule.

    ``code``: the rule it is for; ``plant`` may break others with it, and returns all. ``mend``: how a later
    night can put it right; a RESOLUTION can always be an extract instead. ``cases``: how many cases it
    needs, at least; ``single``: exactly one. ``on_cms``: it is planted into a casegroup that CMS knows with
    both parents of its only case. ``weight``: how often among random faults; 0 never.
    """

    code: str
    variant: str
    description: str
    plant: Plant
    mend: Mend = "EXTRACT"
    cases: int = 1
    single: bool = False
    on_cms: bool = False
    weight: float = 1.0

    @property
    def name(self) -> str:
        """Unique among faults: 'nino_missing/PAYING_PARENT'."""
        return f"{self.code}/{self.variant}"


# --- cases --------------------------------------------------------------------------------------------------


def _case_refused(code: str, change: Callable[[Casegroup, Row, Dice], CaseKey]) -> Plant:
    """A case row refused on arrival; its balance then belongs to no case held."""

    def plant(group: Casegroup, dice: Dice) -> list[Found]:
        case = group.cases[0]
        named = key(case)
        return [(code, change(group, case, dice)), ("balance_case_unknown", named)]

    return plant


def _null_in(column: str) -> Callable[[Casegroup, Row, Dice], CaseKey]:
    def change(group: Casegroup, case: Row, dice: Dice) -> CaseKey:
        case[column] = None
        return key(case)

    return change


def _set_in(column: str, value: str | None) -> Callable[[Casegroup, Row, Dice], CaseKey]:
    def change(group: Casegroup, case: Row, dice: Dice) -> CaseKey:
        case[column] = value
        return key(case)

    return change


def _sent_twice(group: Casegroup, case: Row, dice: Dice) -> CaseKey:
    group.cases.append(dict(case, segment=1 + case["segment"] % 5))
    return key(case)


def _another_paying_parent(group: Casegroup, dice: Dice) -> list[Found]:
    second = group.cases[1]
    stranger = dict(group.paying_parent, party_id=f"P9{dice.number():08d}", nino=dice.nino())
    group.file("csa_parties").append(stranger)
    group.file("cis_persons").append(dict(group.cis(group.paying_parent), nino=stranger["nino"]))
    second["paying_parent_id"] = stranger["party_id"]
    return [("case_casegroup_conflict", key(case)) for case in group.cases]


# --- balances -----------------------------------------------------------------------------------------------


def _balance(code: str, change: Callable[[Casegroup, Row, Dice], None]) -> Plant:
    """A change to the first case's balance, reported on that case."""

    def plant(group: Casegroup, dice: Dice) -> list[Found]:
        case = group.cases[0]
        change(group, group.balance(case), dice)
        return [(code, key(case))]

    return plant


def _first_positive(balance: Row) -> str:
    return next(bucket.column for bucket in BUCKETS if balance[bucket.column] > 0)


def _without_number(group: Casegroup, balance: Row, dice: Dice) -> None:
    balance["balance_id"] = None


def _without_case_number(group: Casegroup, dice: Dice) -> list[Found]:
    balance = group.balance(group.cases[0])
    balance["csa_case_id"] = None
    return [("balance_key_missing", key(balance))]


def _case_withheld(group: Casegroup, dice: Dice) -> list[Found]:
    case = group.cases[0]
    group.drop("csa_cases", [case])
    return [("balance_case_unknown", key(case))]


def _other_casegroup(group: Casegroup, balance: Row, dice: Dice) -> None:
    balance["casegroup_id"] = f"G9{dice.number():07d}"


def _balance_twice(group: Casegroup, balance: Row, dice: Dice) -> None:
    again = dict(balance, balance_id=f"{balance['balance_id']}-2")
    if dice.chance.random() < 0.5:
        column = _first_positive(balance)
        again[column] += 500
        again["total_pence"] += 500
    group.file("csa_balances").append(again)


def _bucket_missing(group: Casegroup, balance: Row, dice: Dice) -> None:
    balance[dice.chance.choice(BUCKETS).column] = None


def _total_missing(group: Casegroup, balance: Row, dice: Dice) -> None:
    balance["total_pence"] = None


def _total_off_by_a_penny(group: Casegroup, balance: Row, dice: Dice) -> None:
    balance["total_pence"] += dice.chance.choice((-1, 1))


_IMPLAUSIBLE_PENCE = 100_000_001  # one penny beyond 1,000,000.00 GBP


def _bucket_too_large(group: Casegroup, balance: Row, dice: Dice) -> None:
    column = _first_positive(balance)
    balance["total_pence"] += _IMPLAUSIBLE_PENCE - balance[column]
    balance[column] = _IMPLAUSIBLE_PENCE


def _credit_too_large(group: Casegroup, balance: Row, dice: Dice) -> None:
    empty = (bucket.column for bucket in reversed(BUCKETS) if balance[bucket.column] <= 0)
    column = next(empty, BUCKETS[-1].column)
    balance["total_pence"] -= _IMPLAUSIBLE_PENCE + balance[column]
    balance[column] = -_IMPLAUSIBLE_PENCE


def _period_backwards(group: Casegroup, balance: Row, dice: Dice) -> None:
    balance["arrears_from"], balance["arrears_to"] = balance["arrears_to"], balance["arrears_from"]


def _period_to_come(group: Casegroup, balance: Row, dice: Dice) -> None:
    # Far enough ahead that no night of the sample catches up with it.
    balance["arrears_to"] = dice.today + timedelta(days=400)


def _period_missing(group: Casegroup, balance: Row, dice: Dice) -> None:
    balance[dice.chance.choice(("arrears_from", "arrears_to"))] = None


# --- people -------------------------------------------------------------------------------------------------

PersonChange = Callable[[Casegroup, Row, Dice], None]
_ROLES = ("PAYING_PARENT", "RECEIVING_PARENT")


def _person(code: str, role: str, change: PersonChange) -> Plant:
    """A change to one parent: the paying parent's reported on the first case, the other's on each."""

    def plant(group: Casegroup, dice: Dice) -> list[Found]:
        first = group.cases[0]
        if role == "PAYING_PARENT":
            change(group, group.paying_parent, dice)
            return [(code, key(first))]
        person = first["receiving_parent_id"]
        change(group, group.receiving_parent(first), dice)
        return [(code, key(case)) for case in group.cases if case["receiving_parent_id"] == person]

    return plant


def _never_received(group: Casegroup, party: Row, dice: Dice) -> None:
    group.drop("csa_parties", [party])


def _no(column: str) -> PersonChange:
    def change(group: Casegroup, party: Row, dice: Dice) -> None:
        party[column] = None

    return change


def _born_on(born: Callable[[date], date]) -> PersonChange:
    """CIS holds the same birth date, so that only its plausibility is in doubt."""

    def change(group: Casegroup, party: Row, dice: Dice) -> None:
        group.cis(party)["date_of_birth"] = party["date_of_birth"] = born(dice.today)

    return change


def _to_be_born(today: date) -> date:
    return today + timedelta(days=200)


def _eleven(today: date) -> date:
    return years_before(today, 11)


def _over_110(today: date) -> date:
    return years_before(today, 112)


INVALID_NINOS = (
    "QQ123456C", "BG123456A", "AO123456B", "AB12345C", "AB123456E", "DA123456A", "12345678A", "TN000001D",
)  # fmt: skip


def _invalid_nino(group: Casegroup, party: Row, dice: Dice) -> None:
    party["nino"] = dice.chance.choice(INVALID_NINOS)


def _no_postcode_at_home(group: Casegroup, party: Row, dice: Dice) -> None:
    party["postcode"] = dice.chance.choice((None, "NOT KNOWN", "LS1", "1LS 4AP"))
    party["country"] = "GB-ENG"


def _not_on_cis(group: Casegroup, party: Row, dice: Dice) -> None:
    group.drop("cis_persons", [group.cis(party)])


def _other_name_on_cis(group: Casegroup, party: Row, dice: Dice) -> None:
    group.cis(party)["surname"] = "Wrongname"


def _other_birth_date_on_cis(group: Casegroup, party: Row, dice: Dice) -> None:
    group.cis(party)["date_of_birth"] += timedelta(days=dice.chance.choice((-1, 1, 365)))


def _superseded(group: Casegroup, party: Row, dice: Dice) -> None:
    group.cis(party)["superseded_by_nino"] = dice.nino()


def _dead_on_cis(group: Casegroup, party: Row, dice: Dice) -> None:
    group.cis(party)["date_of_death"] = dice.today - timedelta(days=dice.chance.randint(1, 2000))


def _twice_on_cis(group: Casegroup, party: Row, dice: Dice) -> None:
    known = group.cis(party)
    group.file("cis_persons").append(
        dict(known, nino=known["nino"][:8] + _other_suffix(known["nino"]), surname="Other")
    )


def _other_suffix(nino: str) -> str:
    return "BCDA"["ABCD".index(nino[-1])]


def _suffix_differs(group: Casegroup, party: Row, dice: Dice) -> None:
    known = group.cis(party)
    known["nino"] = known["nino"][:8] + _other_suffix(known["nino"])


def _administrative(group: Casegroup, party: Row, dice: Dice) -> None:
    known = group.cis(party)
    known["nino"] = party["nino"] = administrative_nino(int(party["party_id"].removeprefix("P")))


def _suffix_differs_on_register(group: Casegroup, dice: Dice) -> list[Found]:
    """The case is known to CMS under another suffix of its receiving parent: matched all the same (R18)."""
    case = group.cases[0]
    nino = group.receiving_parent(case)["nino"].replace(" ", "")
    for row in group.file("cms_register"):
        if row["receiving_parent_nino"][:8] == nino[:8]:
            row["receiving_parent_nino"] = nino[:8] + _other_suffix(nino)
    person = case["receiving_parent_id"]
    return [("nino_suffix_differs", key(c)) for c in group.cases if c["receiving_parent_id"] == person]


# --- case set-up --------------------------------------------------------------------------------------------


def _case(code: str, change: Callable[[Casegroup, Row, Dice], None]) -> Plant:
    """A change to what is held of the first case, reported on it."""

    def plant(group: Casegroup, dice: Dice) -> list[Found]:
        case = group.cases[0]
        change(group, case, dice)
        return [(code, key(case))]

    return plant


def _no_child(group: Casegroup, case: Row, dice: Dice) -> None:
    group.drop("csa_children", group.of_case("csa_children", case))


def _method(**values: str | None) -> Callable[[Casegroup, Row, Dice], None]:
    def change(group: Casegroup, case: Row, dice: Dice) -> None:
        case.update(values)

    return change


def _no_live_benefit(group: Casegroup, dice: Dice) -> list[Found]:
    """Reported as the case's own: on each case that is paid by deduction from benefit."""
    group.cases[0]["method_of_payment"] = "BENEFIT_DEDUCTION"
    group.cis(group.paying_parent).update(benefit_live=False)
    paid_so = [case for case in group.cases if case["method_of_payment"] == "BENEFIT_DEDUCTION"]
    return [("cis_benefit_missing", key(case)) for case in paid_so]


def _receiving_parent_abroad(group: Casegroup, dice: Dice) -> list[Found]:
    case = group.cases[0]
    party = group.receiving_parent(case)
    country = dice.chance.choice(("IE", "ES", "GG", "JE", "IM"))
    party.update(postcode=ISLAND_POSTCODES.get(country), country=country)
    person = party["party_id"]
    return [("region_unknown", key(c)) for c in group.cases if c["receiving_parent_id"] == person]


# --- closure, inhibits, payments, corrections ---------------------------------------------------------------


def _closure_failed_by_report(group: Casegroup, case: Row, dice: Dice) -> None:
    case.update(case_status="OPEN", closed_reason=None, liability_end_date=None)
    group.file("closure_failures").append(
        {
            "csa_system": case["csa_system"],
            "csa_case_id": case["csa_case_id"],
            "failure_code": dice.chance.choice(("CF01", "CF07", "CF12")),
            "failed_on": dice.today,
            "detail": "Ending liability failed in the batch",
        }
    )


def _closure_failed_by_code(group: Casegroup, case: Row, dice: Dice) -> None:
    case.update(case_status="OPEN", closed_reason=None, liability_end_date=None, closure_failure_code="CF03")


def inhibit_row(case: Row, dice: Dice, role: str, set_on: date, removed_on: date | None) -> Row:
    """A row of inhibits on a case."""
    return {
        "inhibit_id": f"INH{dice.number():08d}",
        "csa_system": case["csa_system"],
        "csa_case_id": case["csa_case_id"],
        "reason": "Appeal outstanding",
        "set_by": dice.chance.choice(("leader.one", "leader.two", "caseworker.nine")),
        "set_by_role": role,
        "set_on": set_on,
        "removed_on": removed_on,
    }


def _inhibited_by_caseworker(group: Casegroup, case: Row, dice: Dice) -> None:
    group.file("inhibits").append(inhibit_row(case, dice, "CASEWORKER", dice.today - timedelta(days=3), None))


def payment_row(party: Row, dice: Dice, value: str, **other: str | None) -> Row:
    """A line of a payments file for a client."""
    row: Row = {name: party[name] for name in ("nino", "forenames", "surname")}
    row |= {"csa_receipt_reference": f"RCX{dice.number():08d}", "value": value}
    return row | other


def _payment(code: str, lines: Callable[[Row, Dice], list[Row]]) -> Plant:
    """Lines in the payments file of the first case's system; reported with the system and no case."""

    def plant(group: Casegroup, dice: Dice) -> list[Found]:
        case = group.cases[0]
        for each in group.cases:
            each["closed_reason"] = "CASE_CLOSURE"
        group.file(f"csa_payments_{case['csa_system']}").extend(lines(group.paying_parent, dice))
        return [(code, (case["csa_system"], None))]

    return plant


def _malformed(value: str) -> Callable[[Row, Dice], list[Row]]:
    return lambda party, dice: [payment_row(party, dice, value)]


def _no_reference(party: Row, dice: Dice) -> list[Row]:
    return [payment_row(party, dice, "10.00", csa_receipt_reference="")]


def _another_value(party: Row, dice: Dice) -> list[Row]:
    first = payment_row(party, dice, "25.00")
    return [first, dict(first, value="52.00")]


def _nobody_known(party: Row, dice: Dice) -> list[Row]:
    return [payment_row(party, dice, "31.40", nino=dice.nino())]


def _another_surname(party: Row, dice: Dice) -> list[Row]:
    return [payment_row(party, dice, "18.75", surname="Somebodyelse")]


def application_row(
    group: Casegroup, case: Row, dice: Dice, received_on: date | None, **other: object
) -> Row:
    """An eligible application of a case's receiving parent, who and the paying parent are on CSA as they say."""
    row: Row = {
        "application_id": f"APX{dice.number():08d}",
        "received_on": received_on,
        "eligible": True,
        "applicant_role": "RECEIVING_PARENT",
        "applicant_nino": group.receiving_parent(case)["nino"],
        "named_paying_parent_nino": group.paying_parent["nino"],
        "partner_nino": None,
        "applicant_says_csa": True,
        "paying_parent_says_csa": True,
        "partner_says_csa": None,
        "gateway_reference": f"GWX{dice.number():08d}",
    }
    return row | other


def ltr_answer(ltr_id: str, on: date, outcome: str | None) -> Row:
    """A row of ltr_responses; without an outcome the CSA team has only acknowledged it."""
    return {"ltr_id": ltr_id, "acknowledged_on": on, "outcome": outcome, "detail": None}


_OF_NO_CASE: CaseKey = (None, None)


def _applied_for(received_on: Callable[[date], date | None]) -> Plant:
    """An application received on a day that cannot have been; it names no case, and nor does its exception."""

    def plant(group: Casegroup, dice: Dice) -> list[Found]:
        row = application_row(group, group.cases[0], dice, received_on(dice.today))
        group.file("cms_applications").append(row)
        return [("application_date_invalid", _OF_NO_CASE)]

    return plant


def _answers_no_ltr(*codes: str, outcome: str) -> Plant:
    """An answer to an LTR that no night has sent."""

    def plant(group: Casegroup, dice: Dice) -> list[Found]:
        ltr_id = f"LTR1-{group.cases[0]['csa_system']}-APX{dice.number():08d}"
        group.file("ltr_responses").append(ltr_answer(ltr_id, dice.today, outcome))
        return [(code, _OF_NO_CASE) for code in codes]

    return plant


def _no_such_letter(group: Casegroup, dice: Dice) -> list[Found]:
    """The legacy team names a letter of a night that never was."""
    before = dice.today - timedelta(days=30)
    letter_id = f"CMSL6303-{group.casegroup_id}---{group.cases[0]['paying_parent_id']}-{before.isoformat()}"
    group.file("clerical_letters").append({"letter_id": letter_id, "issued_on": dice.today})
    return [("clerical_letter_unknown", _OF_NO_CASE)]


def correction_row(case: Row, dice: Dice, column: str, amount: int) -> Row:
    """A row of corrections for one bucket of a case."""
    bucket = next(bucket for bucket in BUCKETS if bucket.column == column)
    return {
        "correction_id": f"COR{dice.number():08d}",
        "csa_system": case["csa_system"],
        "csa_case_id": case["csa_case_id"],
        "creditor": bucket.creditor,
        "arrears_status": bucket.arrears_status,
        "new_amount_pence": amount,
        "reason": dice.chance.choice(("ERROR", "CHANGE_OF_CIRCUMSTANCES", "APPEAL", "OFFLINE_REPORT")),
        "requested_by": "caseworker.three",
        "offline_calculation": None,
    }


def _corrected_below_zero(group: Casegroup, case: Row, dice: Dice) -> None:
    column = _first_positive(group.balance(case))
    group.file("corrections").append(correction_row(case, dice, column, -1))


def _corrects_nothing(group: Casegroup, case: Row, dice: Dice) -> None:
    balance = group.balance(case)
    column = next((b.column for b in reversed(BUCKETS) if balance[b.column] <= 0), None)
    if column is None:  # it owes in all nine: take one away, on both sides of the reconciliation
        column = BUCKETS[-1].column
        balance["total_pence"] -= balance[column]
        balance[column] = 0
        unwanted = {"creditor": BUCKETS[-1].creditor, "arrears_status": BUCKETS[-1].arrears_status}
        group.drop(
            "csa_closing_ledger",
            [r for r in group.of_case("csa_closing_ledger", case) if unwanted.items() <= r.items()],
        )
    # An offline report might add what is not there (R28).
    row = correction_row(case, dice, column, 5000) | {"reason": "CHANGE_OF_CIRCUMSTANCES"}
    group.file("corrections").append(row)


def action_row(case: Row, dice: Dice, kind: str) -> Row:
    """A row of csa_actions on a case."""
    return {
        "csa_action_id": f"CAX{dice.number():08d}",
        "csa_system": case["csa_system"],
        "csa_case_id": case["csa_case_id"],
        "action_type": kind,
        "detail": "See case notes",
        "notified_on": dice.today,
        "notified_by": "csa.caseworker.02",
    }


def enforcement_row(case: Row, dice: Dice, kind: str, *, ongoing: bool = True) -> Row:
    """A row of enforcement_actions on a case, in force."""
    return {
        "action_id": f"ENX{dice.number():08d}",
        "csa_system": case["csa_system"],
        "csa_case_id": case["csa_case_id"],
        "action_type": kind,
        "ongoing": ongoing,
        "in_force": True,
        "reference": f"LO/{dice.number()}",
        "court": "Leeds Magistrates' Court",
        "granted_on": dice.today - timedelta(days=700),
        "amount_pence": 50_000,
        "period_from": dice.today - timedelta(days=1800),
        "period_to": dice.today - timedelta(days=900),
    }


def _action_of_no_kind(group: Casegroup, case: Row, dice: Dice) -> None:
    group.file("csa_actions").append(action_row(case, dice, "QUARREL"))


def _action_sent_otherwise(group: Casegroup, case: Row, dice: Dice) -> None:
    first = action_row(case, dice, "APPEAL")
    group.file("csa_actions").extend([first, dict(first, action_type="COMPLAINT")])


def _reported(group: Casegroup, case: Row, dice: Dice) -> None:
    """Somebody outside has found something: it holds until whoever reported it says that it is cleared (B51)."""
    group.file("reported_exceptions").append(
        {
            "report_id": f"RPX{dice.number():08d}",
            "casegroup_id": case["casegroup_id"],
            "csa_system": case["csa_system"],
            "csa_case_id": case["csa_case_id"],
            "channel": dice.chance.choice(REPORT_CHANNELS),
            "stage": dice.chance.choice(REPORT_STAGES),
            "detail": "The arrears are disputed; see case notes",
            "reported_by": "csa.caseworker.03",
            "reported_on": dice.today,
            "cleared_on": None,
            "cleared_by": None,
        }
    )


def debt_row(group: Casegroup, case: Row) -> Row:
    """A row of csa_debts: what the case owes before the nine rules, which find nothing to do in it."""
    balance = group.balance(case)
    amounts = {name: balance[name] for name in (*BUCKET_COLUMNS, "total_pence", "arrears_from", "arrears_to")}
    nothing = dict.fromkeys(("ima_pence", "part_payment_accepted_pence", "duplicate_liability_pence"), 0)
    told = {
        "pp_no_estate": False,
        "no_further_action_told": False,
        "rp_arrears_decision": None,
        "rp_keep_pence": None,
    }
    return {"csa_system": case["csa_system"], "csa_case_id": case["csa_case_id"]} | amounts | nothing | told


def _debt(**other: int | None) -> Callable[[Casegroup, Row, Dice], None]:
    def change(group: Casegroup, case: Row, dice: Dice) -> None:
        group.file("csa_debts").append(debt_row(group, case) | other)

    return change


def _debt_out_by_a_penny(group: Casegroup, case: Row, dice: Dice) -> None:
    row = debt_row(group, case)
    group.file("csa_debts").append(row | {"total_pence": row["total_pence"] + 1})


def _debt_twice(group: Casegroup, case: Row, dice: Dice) -> None:
    group.file("csa_debts").extend([debt_row(group, case), debt_row(group, case)])


def _debt_of_no_case(group: Casegroup, dice: Dice) -> list[Found]:
    row = debt_row(group, group.cases[0]) | {"csa_case_id": f"N{dice.number():08d}"}
    group.file("csa_debts").append(row)
    return [("debt_case_unknown", key(row))]


# --- the table ----------------------------------------------------------------------------------------------


def _for_both(
    code: str,
    description: str,
    change: PersonChange,
    mend: Mend = "EXTRACT",
    how: str = "",
    single: bool = False,
) -> list[Fault]:
    return [
        Fault(
            code, f"{role}{how and '/' + how}", description, _person(code, role, change), mend, single=single
        )
        for role in _ROLES
    ]


def _refused(
    code: str,
    variant: str,
    description: str,
    change: Callable[[Casegroup, Row, Dice], CaseKey],
    weight: float,
) -> Fault:
    return Fault(code, variant, description, _case_refused(code, change), single=True, weight=weight)


def _on_balance(
    code: str,
    variant: str,
    description: str,
    change: Callable[[Casegroup, Row, Dice], None],
    mend: Mend = "EXTRACT",
) -> Fault:
    return Fault(code, variant, description, _balance(code, change), mend)


def _on_case(
    code: str,
    variant: str,
    description: str,
    change: Callable[[Casegroup, Row, Dice], None],
    mend: Mend = "EXTRACT",
    weight: float = 1.0,
) -> Fault:
    return Fault(code, variant, description, _case(code, change), mend, weight=weight)


def _on_answer(code: str, variant: str, description: str, plant: Plant) -> Fault:
    """A row of an application, an LTR's answer or a clerical letter; refused alone, and sent right by nobody here."""
    return Fault(code, variant, description, plant, "NEVER", weight=0.1)


def _on_payment(code: str, variant: str, description: str, lines: Callable[[Row, Dice], list[Row]]) -> Fault:
    return Fault(code, variant, description, _payment(code, lines), "NEVER", weight=0.2)


_NO_BANK = {"pp_sort_code": None, "pp_account_number": None}
_SHORT = {"pp_sort_code": "12345", "pp_account_number": "12345678"}

_ON_CASES = (
    _refused("case_key_missing", "CASE", "the case number is null", _null_in("csa_case_id"), 0.2),
    _refused("case_key_missing", "CASEGROUP", "the casegroup is null", _null_in("casegroup_id"), 0.2),
    _refused("case_key_missing", "SYSTEM", "the CSA system is null", _null_in("csa_system"), 0.2),
    _refused("case_enum_invalid", "STATUS", "an unknown case status", _set_in("case_status", "CLSD"), 0.3),
    _refused("case_enum_invalid", "SCHEME", "a scheme that CSA never ran", _set_in("scheme", "2012"), 0.3),
    _refused("case_enum_invalid", "TYPE", "no case type", _set_in("case_type", None), 0.3),
    _refused(
        "case_enum_invalid", "DECISION", "an unknown decision", _set_in("rp_arrears_decision", "KEEP"), 0.3
    ),
    _refused("case_duplicate", "CASE", "the case stands twice in the night's file", _sent_twice, 0.5),
    Fault(
        "case_casegroup_conflict",
        "CASEGROUP",
        "its cases name two paying parents",
        _another_paying_parent,
        cases=2,
        weight=0.5,
    ),
    _on_case("closure_failed", "REPORT", "in the closure failure report", _closure_failed_by_report),
    _on_case("closure_failed", "CODE", "a failure code on the case", _closure_failed_by_code),
)

_ON_BALANCES = (
    _on_balance("balance_key_missing", "BALANCE", "the balance number is null", _without_number),
    Fault(
        "balance_key_missing",
        "CASE",
        "the case number is null",
        _without_case_number,
        "NEVER",
        single=True,
        weight=0.3,
    ),
    Fault("balance_case_unknown", "CASE", "the case never arrived", _case_withheld, single=True),
    _on_balance("balance_casegroup_mismatch", "CASEGROUP", "it names another casegroup", _other_casegroup),
    _on_balance("balance_duplicate", "CASE", "two balances of one case in a night", _balance_twice),
    _on_balance("balance_amount_missing", "BUCKET", "a bucket is null", _bucket_missing, "RESOLUTION"),
    _on_balance("balance_amount_missing", "TOTAL", "the total is null", _total_missing, "RESOLUTION"),
    _on_balance("balance_total_mismatch", "TOTAL", "a penny out", _total_off_by_a_penny, "RESOLUTION"),
    _on_balance("balance_amount_implausible", "DEBIT", "a penny beyond a million pounds", _bucket_too_large),
    _on_balance("balance_amount_implausible", "CREDIT", "the same, of a credit", _credit_too_large),
    _on_balance("balance_period_invalid", "BACKWARDS", "the period runs backwards", _period_backwards),
    _on_balance("balance_period_invalid", "TO_COME", "the period ends after the night", _period_to_come),
    _on_balance("balance_period_invalid", "MISSING", "one end is null", _period_missing, "RESOLUTION"),
)

_ON_PEOPLE = (
    *_for_both("party_missing", "the parent never arrived", _never_received),
    *_for_both("surname_missing", "no surname", _no("surname"), "RESOLUTION"),
    *_for_both("date_of_birth_missing", "no date of birth", _no("date_of_birth"), "RESOLUTION"),
    *_for_both("date_of_birth_implausible", "not yet born", _born_on(_to_be_born), how="FUTURE"),
    *_for_both("date_of_birth_implausible", "eleven years old", _born_on(_eleven), how="YOUNG"),
    *_for_both("date_of_birth_implausible", "over 110 years old", _born_on(_over_110), how="OLD"),
    *_for_both("nino_missing", "no NINO", _no("nino"), "RESOLUTION"),
    *_for_both("nino_invalid", "a NINO that cannot exist", _invalid_nino, "RESOLUTION"),
    *_for_both("contact_missing", "no first address line", _no("address_line_1"), "RESOLUTION", "ADDRESS"),
    *_for_both(
        "contact_missing",
        "in England without a valid postcode",
        _no_postcode_at_home,
        "RESOLUTION",
        "POSTCODE",
    ),
    *_for_both("cis_no_match", "CIS knows nobody by the NINO", _not_on_cis),
    *_for_both("cis_name_mismatch", "another surname on CIS", _other_name_on_cis),
    *_for_both("cis_date_of_birth_mismatch", "another birth date on CIS", _other_birth_date_on_cis),
    *_for_both("cis_superseded_nino", "CIS has replaced the NINO", _superseded),
    *_for_both("cis_deceased", "dead on CIS", _dead_on_cis),
    *_for_both("cis_multiple_matches", "two people on CIS with the NINO", _twice_on_cis, "NEVER"),
    *_for_both("nino_administrative_prefix", "an administrative NINO", _administrative, "NEVER", single=True),
    *_for_both("nino_suffix_differs", "another suffix on CIS", _suffix_differs, "NEVER", single=True),
    Fault(
        "nino_suffix_differs",
        "REGISTER",
        "another suffix on the CMS register",
        _suffix_differs_on_register,
        "NEVER",
        single=True,
        on_cms=True,
        weight=0,
    ),
)

_METHOD = "method_of_payment_invalid"
_ON_SET_UP = (
    _on_case("child_missing", "CHILD", "no qualifying child", _no_child),
    _on_case(_METHOD, "MISSING", "no method", _method(method_of_payment=None), "RESOLUTION"),
    _on_case(_METHOD, "UNKNOWN", "not in the list", _method(method_of_payment="CHEQUE"), "RESOLUTION"),
    _on_case(
        _METHOD,
        "BANK",
        "a direct debit without bank details",
        _method(method_of_payment="DIRECT_DEBIT", **_NO_BANK),
        "RESOLUTION",
    ),
    _on_case(
        _METHOD,
        "SORT_CODE",
        "a standing order with a short sort code",
        _method(method_of_payment="STANDING_ORDER", **_SHORT),
        "RESOLUTION",
    ),
    _on_case(
        _METHOD,
        "EMPLOYER",
        "an earnings order without an employer",
        _method(method_of_payment="DEO", employer_reference=None),
        "RESOLUTION",
    ),
    Fault("cis_benefit_missing", "BENEFIT", "paid from benefit, none live on CIS", _no_live_benefit),
    Fault("region_unknown", "OVERSEAS", "the receiving parent lives abroad", _receiving_parent_abroad),
)

_ON_ROWS = (
    _on_payment("payment_malformed", "VALUE", "a value that is no amount", _malformed("abc")),
    _on_payment("payment_malformed", "DECIMALS", "one decimal", _malformed("12.5")),
    _on_payment("payment_malformed", "NOTHING", "a value of nothing", _malformed("0.00")),
    _on_payment("payment_malformed", "REFERENCE", "no receipt reference", _no_reference),
    _on_payment("payment_receipt_conflict", "VALUE", "a reference again, another value", _another_value),
    _on_payment("payment_owner_unknown", "NINO", "nobody known has the NINO", _nobody_known),
    _on_payment("payment_name_mismatch", "SURNAME", "another surname", _another_surname),
    _on_case("correction_below_zero", "AMOUNT", "to less than nothing", _corrected_below_zero, "NEVER", 0.2),
    _on_case("correction_due_unknown", "BUCKET", "of a bucket with no due", _corrects_nothing, "NEVER", 0.2),
    _on_case("row_invalid", "KIND", "a kind of action that is none", _action_of_no_kind, "NEVER", 0.2),
    _on_case("row_changed", "KIND", "a number again, another kind", _action_sent_otherwise, "NEVER", 0.2),
    _on_case("exception_reported", "REPORT", "found outside the system", _reported, "NEVER", 0.2),
    _on_case(
        "debt_amount_missing", "TOTAL", "a debt without its total", _debt(total_pence=None), "NEVER", 0.2
    ),
    _on_case("debt_total_mismatch", "TOTAL", "a debt a penny out", _debt_out_by_a_penny, "NEVER", 0.2),
    _on_case("debt_duplicate", "CASE", "a debt sent twice", _debt_twice, "NEVER", 0.2),
    Fault(
        "debt_case_unknown", "CASE", "a debt of a case that never came", _debt_of_no_case, "NEVER", weight=0.2
    ),
    _on_answer("application_date_invalid", "MISSING", "no date of receipt", _applied_for(lambda today: None)),
    _on_answer(
        "application_date_invalid",
        "TO_COME",
        "received after the night it arrived",
        _applied_for(lambda today: today + timedelta(days=400)),
    ),
    _on_answer("ltr_unknown", "LTR", "an answer to no LTR", _answers_no_ltr("ltr_unknown", outcome="CLOSED")),
    _on_answer(
        "ltr_outcome_invalid",
        "OUTCOME",
        "an unknown outcome of no LTR",
        _answers_no_ltr("ltr_outcome_invalid", "ltr_unknown", outcome="DONE"),
    ),
    _on_answer("clerical_letter_unknown", "LETTER", "a letter that was never suppressed", _no_such_letter),
    _on_case("inhibit_not_authorised", "ROLE", "set by a caseworker", _inhibited_by_caseworker, "NEVER", 0.2),
)

FAULTS: tuple[Fault, ...] = (*_ON_CASES, *_ON_BALANCES, *_ON_PEOPLE, *_ON_SET_UP, *_ON_ROWS)
"""Every fault but balance_changed_after_completion, which needs a night before it: `stories`."""

BY_NAME = {fault.name: fault for fault in FAULTS}
assert len(BY_NAME) == len(FAULTS), "two faults have one name"

# Two faults in one casegroup that do not hide each other: all that both return is reported.
_TOGETHER = (
    ("surname_missing/PAYING_PARENT", "date_of_birth_missing/PAYING_PARENT"),
    ("surname_missing/RECEIVING_PARENT", "contact_missing/RECEIVING_PARENT/ADDRESS"),
    ("nino_missing/PAYING_PARENT", "nino_invalid/RECEIVING_PARENT"),
    ("nino_missing/RECEIVING_PARENT", "child_missing/CHILD"),
    ("nino_invalid/PAYING_PARENT", "cis_no_match/RECEIVING_PARENT"),
    ("party_missing/PAYING_PARENT", "party_missing/RECEIVING_PARENT"),
    ("party_missing/RECEIVING_PARENT", "method_of_payment_invalid/MISSING"),
    ("cis_name_mismatch/PAYING_PARENT", "cis_date_of_birth_mismatch/PAYING_PARENT"),
    ("cis_superseded_nino/RECEIVING_PARENT", "cis_deceased/RECEIVING_PARENT"),
    ("cis_multiple_matches/PAYING_PARENT", "cis_name_mismatch/RECEIVING_PARENT"),
    ("date_of_birth_implausible/PAYING_PARENT/YOUNG", "cis_name_mismatch/PAYING_PARENT"),
    ("date_of_birth_implausible/RECEIVING_PARENT/OLD", "region_unknown/OVERSEAS"),
    ("method_of_payment_invalid/EMPLOYER", "child_missing/CHILD"),
    ("cis_benefit_missing/BENEFIT", "cis_deceased/PAYING_PARENT"),
    ("contact_missing/PAYING_PARENT/POSTCODE", "region_unknown/OVERSEAS"),
    ("nino_administrative_prefix/PAYING_PARENT", "surname_missing/RECEIVING_PARENT"),
    ("nino_suffix_differs/RECEIVING_PARENT", "cis_name_mismatch/RECEIVING_PARENT"),
    ("balance_total_mismatch/TOTAL", "balance_period_invalid/BACKWARDS"),
    ("balance_casegroup_mismatch/CASEGROUP", "balance_amount_missing/TOTAL"),
    ("balance_amount_implausible/DEBIT", "balance_casegroup_mismatch/CASEGROUP"),
    ("balance_amount_implausible/DEBIT", "balance_total_mismatch/TOTAL"),
    ("balance_period_invalid/MISSING", "balance_amount_implausible/CREDIT"),
    ("balance_period_invalid/TO_COME", "balance_casegroup_mismatch/CASEGROUP"),
    ("closure_failed/REPORT", "balance_total_mismatch/TOTAL"),
    ("closure_failed/CODE", "balance_duplicate/CASE"),
    ("inhibit_not_authorised/ROLE", "nino_missing/RECEIVING_PARENT"),
)
PAIRS: tuple[tuple[Fault, Fault], ...] = tuple((BY_NAME[one], BY_NAME[other]) for one, other in _TOGETHER)

# The first stops the casegroup before set-up, so that the second is not judged and only comes out once the
# first is mended.
_HIDDEN = (
    ("balance_total_mismatch/TOTAL", "nino_missing/RECEIVING_PARENT"),
    ("closure_failed/REPORT", "surname_missing/PAYING_PARENT"),
    ("balance_amount_missing/BUCKET", "child_missing/CHILD"),
)
HIDDEN: tuple[tuple[Fault, Fault], ...] = tuple((BY_NAME[one], BY_NAME[other]) for one, other in _HIDDEN)

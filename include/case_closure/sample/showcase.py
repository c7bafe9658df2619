"""Casegroups in which nothing is wrong and something is worth seeing: traps for whoever reads the files
carelessly.

Belongs here: single behaviours of the domain page that a random population might miss at a small size. None
of them makes an exception. Does not belong here: broken records (`faults`), what takes several nights
(`stories`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from case_closure.domain.cases import CSA_SYSTEMS
from case_closure.domain.enforcement import LIABILITY_ORDER
from case_closure.domain.money import BUCKET_COLUMNS, RP_BUCKET_COLUMNS
from case_closure.sample.casegroup import Casegroup, Dice, Row, key, set_amounts
from case_closure.sample.faults import (
    INVALID_NINOS,
    application_row,
    correction_row,
    enforcement_row,
    inhibit_row,
    payment_row,
)
from case_closure.tables.landed import ENFORCEMENT_ACTION_TYPES

Make = Callable[[list[Casegroup], Dice], None]


@dataclass(frozen=True)
class Showcase:
    """One thing to see in ``groups`` casegroups: the first of ``cases`` cases or more (1: exactly one)."""

    name: str
    make: Make
    groups: int = 1
    cases: int = 1
    on_cms: bool = False


def pay_amounts(group: Casegroup, case: Row, amounts: dict[str, int]) -> None:
    """Gives a case these buckets, on its balance and on the closing ledger."""
    group.drop("csa_closing_ledger", group.of_case("csa_closing_ledger", case))
    group.file("csa_closing_ledger").extend(set_amounts(group.balance(case), amounts))


def move_key(group: Casegroup, case: Row, csa_system: str, csa_case_id: str) -> None:
    """Gives a case another system and number, in every file."""
    was = key(case)
    for rows in group.rows.values():
        for row in rows:
            if "csa_case_id" in row and key(row) == was:
                row.update(csa_system=csa_system, csa_case_id=csa_case_id)


def still_open(case: Row) -> Row:
    """Makes a case open on CSA; returns the row that closes it."""
    closed = dict(case)
    case.update(case_status="OPEN", closed_reason=None, liability_end_date=None)
    return closed


def to_be_selected(group: Casegroup, csa_system: str = "CS2", segment: int = 1) -> Row:
    """Its first case open, ongoing and such that a tranche of `nights.criteria` selects it; returns it."""
    case = group.cases[0]
    move_key(group, case, csa_system, case["csa_case_id"])
    still_open(case)
    case.update(case_type="ONGOING", segment=segment)
    return case


def _amounts(amounts: dict[str, int]) -> Make:
    return lambda groups, dice: pay_amounts(groups[0], groups[0].cases[0], amounts)


def _case(**values: object) -> Make:
    return lambda groups, dice: groups[0].cases[0].update(values)


def _paying_parent(**values: object) -> Make:
    return lambda groups, dice: groups[0].paying_parent.update(values)


def _receiving_parent(**values: object) -> Make:
    return lambda groups, dice: groups[0].receiving_parent(groups[0].cases[0]).update(values)


def _all(*makes: Make) -> Make:
    def make(groups: list[Casegroup], dice: Dice) -> None:
        for one in makes:
            one(groups, dice)

    return make


def _named(forenames: str, surname: str, cis_forenames: str, cis_surname: str) -> Make:
    def make(groups: list[Casegroup], dice: Dice) -> None:
        group = groups[0]
        for party in (group.paying_parent, group.receiving_parent(group.cases[0])):
            group.cis(party).update(forenames=cis_forenames, surname=cis_surname)
            party.update(forenames=forenames, surname=surname)

    return make


def _died(days_ago: int) -> Make:
    return lambda groups, dice: groups[0].paying_parent.update(
        date_of_death=dice.today - timedelta(days=days_ago)
    )


def _no_balance_for_second(groups: list[Casegroup], dice: Dice) -> None:
    group, case = groups[0], groups[0].cases[1]
    group.drop("csa_balances", [group.balance(case)])
    group.drop("csa_closing_ledger", group.of_case("csa_closing_ledger", case))


def _one_number_on_two_systems(groups: list[Casegroup], dice: Dice) -> None:
    first, second = groups[0].cases[:2]
    other = next(system for system in CSA_SYSTEMS if system != first["csa_system"])
    move_key(groups[0], second, other, first["csa_case_id"])


def _same_two_parents(groups: list[Casegroup], dice: Dice) -> None:
    group = groups[0]
    first, second = group.cases[:2]
    was = second["receiving_parent_id"]
    second["receiving_parent_id"] = first["receiving_parent_id"]
    if was not in [case["receiving_parent_id"] for case in group.cases]:
        gone = group.party(was)
        group.drop("cis_persons", [group.cis(gone)])
        group.drop("csa_parties", [gone])


def _receiving_parent_of_two_casegroups(groups: list[Casegroup], dice: Dice) -> None:
    _share(groups[1], groups[0].receiving_parent(groups[0].cases[0])["party_id"])


def _pays_in_one_receives_in_another(groups: list[Casegroup], dice: Dice) -> None:
    # An overseas paying parent would have no region as a receiving parent.
    groups[0].paying_parent.update(postcode="LS1 4AP", country="GB-ENG")
    _share(groups[1], groups[0].paying_parent["party_id"])


def _share(group: Casegroup, party_id: str) -> None:
    case = group.cases[0]
    gone = group.receiving_parent(case)
    group.drop("cis_persons", [group.cis(gone)])
    group.drop("csa_parties", [gone])
    case["receiving_parent_id"] = party_id


def _unjudged_because_on_cms(groups: list[Casegroup], dice: Dice) -> None:
    """What would stop a case from being created stops nothing when CMS has the case (B30, R8)."""
    group, case = groups[0], groups[0].cases[0]
    party = group.receiving_parent(case)
    group.drop("csa_children", group.of_case("csa_children", case))
    group.drop("cis_persons", [group.cis(party)])
    party.update(country="IE", postcode=None, date_of_birth=None)
    case["method_of_payment"] = None


def _dead_on_cis_and_on_cms(groups: list[Casegroup], dice: Dice) -> None:
    group = groups[0]
    group.cis(group.paying_parent)["date_of_death"] = dice.today - timedelta(days=40)


def _twice_on_register(groups: list[Casegroup], dice: Dice) -> None:
    register = groups[0].file("cms_register")
    first = min(register, key=lambda row: row["cms_case_id"])
    first["case_owner"] = None
    register.append(dict(first, cms_case_id=f"699{dice.number():09d}", case_owner="cms.owner.21"))


def _clerical_report(groups: list[Casegroup], dice: Dice) -> None:
    group = groups[0]
    group.rows["clerical_balances"] = group.rows.pop("csa_balances")


def _inhibits(*records: tuple[str, int, int | None]) -> Make:
    """(role, set so many days ago, removed so many days ago)."""

    def make(groups: list[Casegroup], dice: Dice) -> None:
        for role, set_ago, removed_ago in records:
            removed_on = None if removed_ago is None else dice.today - timedelta(days=removed_ago)
            row = inhibit_row(
                groups[0].cases[0], dice, role, dice.today - timedelta(days=set_ago), removed_on
            )
            groups[0].file("inhibits").append(row)

    return make


def _paid(*values: str, again: bool = False) -> Make:
    def make(groups: list[Casegroup], dice: Dice) -> None:
        group = groups[0]
        for case in group.cases:
            case["closed_reason"] = "CASE_CLOSURE"
        lines = [payment_row(group.paying_parent, dice, value) for value in values]
        group.file(f"csa_payments_{group.cases[0]['csa_system']}").extend(lines + lines[:1] * again)

    return make


def _corrected(amount: int, calculation: dict[str, int] | None = None) -> Make:
    def make(groups: list[Casegroup], dice: Dice) -> None:
        group, case = groups[0], groups[0].cases[0]
        pay_amounts(group, case, {"rp_active_pence": 125_000})
        row = correction_row(case, dice, "rp_active_pence", amount)
        row["offline_calculation"] = calculation and json.dumps(calculation, sort_keys=True)
        group.file("corrections").append(row)

    return make


def _every_action(groups: list[Casegroup], dice: Dice) -> None:
    """An action of each kind and an ended liability order on one case: one request each, the ended order none (B62)."""
    case = groups[0].cases[0]
    rows = [enforcement_row(case, dice, kind) for kind in ENFORCEMENT_ACTION_TYPES]
    ended = enforcement_row(case, dice, LIABILITY_ORDER, ongoing=False)
    groups[0].file("enforcement_actions").extend([*rows, ended])


def _selected(csa_system: str = "CS2", segment: int = 1) -> Make:
    def make(groups: list[Casegroup], dice: Dice) -> None:
        to_be_selected(groups[0], csa_system, segment)

    return make


def _open_arrears_only(groups: list[Casegroup], dice: Dice) -> None:
    for case in groups[0].cases:
        still_open(case)
        case.update(case_type="ARREARS_ONLY", weekly_liability_pence=0)


def _applied(*others: dict[str, object]) -> Make:
    """One application for each, received the days ago that its place says, with these columns."""

    def make(groups: list[Casegroup], dice: Dice) -> None:
        group = groups[0]
        for ago, other in enumerate(reversed(others)):
            received_on = dice.today - timedelta(days=ago)
            row = application_row(group, group.cases[0], dice, received_on, **other)
            group.file("cms_applications").append(row)

    return make


def _applied_naming_a_stranger(groups: list[Casegroup], dice: Dice) -> None:
    _applied({"named_paying_parent_nino": dice.nino(), "paying_parent_says_csa": False})(groups, dice)


def _applied_with_a_partner(groups: list[Casegroup], dice: Dice) -> None:
    """All three answers are wrong: both parents are on CSA, the partner is not."""
    says = {"applicant_says_csa": False, "paying_parent_says_csa": False, "partner_says_csa": True}
    _applied(says | {"partner_nino": dice.nino()})(groups, dice)


_RP, _GB = RP_BUCKET_COLUMNS[0], "gb_sos_active_pence"
_LONG = "Wolfeschlegelstein" * 30
_ADVISER = {"representative_name": "Citizens Advice", "representative_postcode": "LS2 7EW"}
_ADVISER_AT = _ADVISER | {"representative_address_line_1": "1 Help Street"}


def _see(name: str, *makes: Make, groups: int = 1, cases: int = 1, on_cms: bool = False) -> Showcase:
    return Showcase(name, _all(*makes), groups, cases, on_cms)


def _decided(decision: str | None, keep_pence: int | None = None) -> Make:
    return _case(rp_arrears_decision=decision, rp_keep_pence=keep_pence)


_FORMULA = '=HYPERLINK("http://example.org")'
_TAG = "<script>alert(1)</script>"
_EIGHT = {column: 2_000 + place for place, column in enumerate(BUCKET_COLUMNS[:8])}
_NINE = {column: 1_000 + place for place, column in enumerate(BUCKET_COLUMNS)}
_NO_POST = {"dlo": True, "date_of_death": None}

SHOWCASES: tuple[Showcase, ...] = (
    *(_see(f"only {column}", _amounts({column: 10_000 + n})) for n, column in enumerate(BUCKET_COLUMNS)),
    _see("all nine buckets", _amounts(_NINE)),
    _see("eight buckets and a credit", _amounts(_EIGHT | {BUCKET_COLUMNS[8]: -150})),
    _see("only a credit", _amounts({_RP: -2_500})),
    _see("one penny", _amounts({_RP: 1})),
    _see("a million pounds exactly", _amounts({_RP: 100_000_000})),
    _see("nothing owed", _amounts({})),
    _see("a case without a balance", _no_balance_for_second, cases=2),
    _see("formula for a name", _named("=1+1", _FORMULA, "=1+1", _FORMULA)),
    _see("formula signs", _named("+44", "@SUM(A1:A9)", "+44", "@SUM(A1:A9)")),
    _see("SQL for a name", _named("Robert'); DROP TABLE dues;--", "T", "ROBERT ); DROP TABLE dues;", "T")),
    _see("control characters in a name", _named("Ja\x07mie", "Smi\x00th\x1b[31m", "JAMIE", "SMITH[31M")),
    _see("a tag for a name", _named(_TAG, "Test & Co", _TAG, "TEST & CO")),
    _see("a long name", _named("Hubert", _LONG, "HUBERT", _LONG.upper())),
    _see("accents and apostrophes", _named("Siân", "O\u2019Brien", "SIAN", "O BRIEN")),
    _see("combining accents", _named("Sia\u0302n", "Garci\u0301a-Lo\u0301pez", "SIAN", "GARCIA LOPEZ")),
    _see("paying parent overseas", _paying_parent(country="AU", postcode=None)),
    _see("paying parent on Jersey", _paying_parent(country="JE", postcode="JE2 3AB")),
    _see("receiving parent in Northern Ireland", _receiving_parent(country="GB-NIR", postcode="BT1 5GS")),
    _see("Northern Irish postcode, country GB", _receiving_parent(country="GB", postcode="BT48 6HJ")),
    _see("no country, good postcode", _receiving_parent(country=None, postcode="LS1 4AP")),
    _see("paying parent: post comes back", _paying_parent(**_NO_POST)),
    _see("receiving parent: post comes back", _receiving_parent(**_NO_POST)),
    _see("paying parent died", _died(100)),
    _see("paying parent died, post comes back", _died(100), _paying_parent(dlo=True)),
    _see("represented", _paying_parent(**_ADVISER_AT), _receiving_parent(**_ADVISER_AT)),
    _see("represented at no address", _paying_parent(representative_address_line_1=None, **_ADVISER)),
    _see("represented, post comes back", _paying_parent(**_NO_POST, **_ADVISER_AT)),
    _see("wanted write-off, is owed", _amounts({_RP: 5_000}), _decided("WRITE_OFF")),
    _see("wanted write-off, only government is owed", _amounts({_GB: 5_000}), _decided("WRITE_OFF")),
    _see("keeps less than owed", _amounts({_RP: 5_000}), _decided("PART_WRITE_OFF", 4_999)),
    _see("keeps what is owed", _amounts({_RP: 5_000}), _decided("PART_WRITE_OFF", 5_000)),
    _see("keeps a part, amount not given", _amounts({_RP: 5_000}), _decided("PART_WRITE_OFF")),
    _see("decision not recorded", _amounts({_RP: 5_000}), _decided(None)),
    _see("closed for another reason", _case(closed_reason="OTHER")),
    _see("one number on two systems", _one_number_on_two_systems, cases=2),
    _see("two cases, the same two parents", _same_two_parents, cases=2),
    _see("receiving parent of two casegroups", _receiving_parent_of_two_casegroups, groups=2),
    _see("pays in one, receives in another", _pays_in_one_receives_in_another, groups=2),
    _see("on CMS, so nothing is judged", _unjudged_because_on_cms, on_cms=True),
    _see("on CMS, dead on CIS", _dead_on_cis_and_on_cms, on_cms=True),
    _see("on CMS, no address", _paying_parent(address_line_1=None), on_cms=True),
    _see("on CMS twice", _twice_on_register, on_cms=True),
    _see("nationally sensitive", _case(nationally_sensitive=True)),
    _see("partially clerical, on CMS", _case(partially_clerical=True), on_cms=True),
    _see("clerical report", _clerical_report),
    _see("clerical report, on CMS", _clerical_report, on_cms=True),
    _see("inhibited by a team leader", _inhibits(("TEAM_LEADER", 10, None))),
    _see("inhibited by two managers, one removed", _inhibits(("MANAGER", 20, 5), ("MANAGER", 5, None))),
    _see("inhibit removed today", _inhibits(("TEAM_LEADER", 10, 0))),
    _see("inhibit yet to come", _inhibits(("MANAGER", -400, None))),
    _see("paid", _paid("10.00")),
    _see("paid, the same receipt twice", _paid("20.00", "5.55", again=True)),
    _see("paid more than is owed", _amounts({_RP: 5_000}), _paid("80.00")),
    _see(
        "corrected down", _corrected(100_000, {"weeks": 50, "weekly_pence": 2_000, "result_pence": 100_000})
    ),
    _see("corrected up", _corrected(130_000)),
    _see("corrected to nothing", _corrected(0)),
    _see("enforcement actions of every kind", _every_action),
    _see("selected, on two systems", _selected(), _one_number_on_two_systems, cases=2),
    _see("selected, represented", _selected(), _receiving_parent(**_ADVISER_AT)),
    _see("selected, paying parent died", _selected(), _died(40)),
    _see("selected, no address", _selected(), _receiving_parent(address_line_1=None)),
    _see("selected a month before its liability ends", _selected("CCD", 5)),
    _see("applied for twice", _selected(), _applied({}, {"applicant_role": "PAYING_PARENT"})),
    _see("applied for too late", _selected("CCD", 5), _applied({})),
    _see("applied for, not eligible", _selected(), _applied({"eligible": False})),
    _see("applied for, closed already", _applied({})),
    _see("applied for, arrears only", _open_arrears_only, _applied({})),
    _see("applied for, nobody on CSA", _applied_naming_a_stranger),
    _see(
        "applied for, no look-up works",
        _selected(),
        _applied(
            {"applicant_nino": None},
            {"named_paying_parent_nino": INVALID_NINOS[0]},
            {"partner_nino": None, "partner_says_csa": False},
        ),
    ),
    _see("applied for, every look-up differs", _selected(), _applied_with_a_partner),
)

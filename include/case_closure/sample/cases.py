"""Casegroups and their cases: how many, on which systems, how far closed, and who is in them.

Belongs here: sizes, systems, schemes, what holds or diverts a casegroup; csa_cases, csa_children and
cms_register rows.
Does not belong here: people's names (`people`), money (`balances`), cases that break a rule (`faults`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from case_closure.domain.cases import CSA_SYSTEMS, METHODS_OF_PAYMENT
from case_closure.sample.columns import (
    Flags,
    Ints,
    Rows,
    days,
    digits,
    fixed_text,
    numbered,
    pick,
    table_of,
    unless,
)
from case_closure.sample.people import FORENAMES, People, ninos


class Fate(IntEnum):
    """What becomes of a casegroup in its first night, when nothing is wrong with it."""

    SOUND = 0
    OPEN = 1  # a case of it is still open on CSA
    ENDING = 2  # closed, but liability ends on a day to come: released by time alone
    INHIBITED_BY_FLAG = 3
    INHIBITED_BY_RECORD = 4
    PARTIALLY_CLERICAL = 5
    CLERICAL_REPORT = 6
    SENSITIVE = 7


FATE_SHARES = (0.825, 0.072, 0.008, 0.008, 0.007, 0.058, 0.0215, 0.0005)

SIZES = np.array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 16, 17, 18])
SIZE_SHARES = np.array(
    [0.86, 0.11, 0.025, 0.002, 0.001, 0.0006, 0.0005, 0.0003, 0.0002, 0.0002, *[0.00005] * 4]
)

ON_CMS_SHARE = 0.12
MATCHED_CASE_SHARE = 0.7
SHARED_RECEIVING_PARENT_SHARE = 0.12
SYSTEM_SHARES = (0.46, 0.42, 0.12)
METHOD_SHARES = (0.22, 0.12, 0.18, 0.04, 0.18, 0.26)
CASEWORKERS = tuple(f"csa.caseworker.{number:02d}" for number in range(1, 31))
CASE_OWNERS = (*(f"cms.owner.{number:02d}" for number in range(1, 21)), None, None, None, None, None, None)

# People whom only the CMS register knows; far from every number that a casegroup uses.
_STRANGERS = 50_000_000


@dataclass
class Casegroups:
    """The casegroups of a block, one element each."""

    number: Ints
    size: Ints
    fate: Ints
    on_cms: Flags
    method: Ints

    @property
    def cases(self) -> int:
        """Number of cases of all of them."""
        return int(self.size.sum())


@dataclass
class Cases:
    """The cases of a block, one element each; ``group`` and the person places count within the block."""

    number: Ints
    group: Ints
    ordinal: Ints
    system: Ints
    system_text: pa.Array
    case_id: pa.Array
    casegroup_id: pa.Array
    paying_parent: Ints
    receiving_parent: Ints
    ongoing: Flags
    open: Flags
    amounts: Ints
    people: int

    @property
    def positive(self) -> Flags:
        """Cases with a positive bucket: the required ones (R8)."""
        flags: Flags = np.any(self.amounts > 0, axis=1)
        return flags


def draw_casegroups(rng: np.random.Generator, first: int, count: int) -> Casegroups:
    """Sizes, fates and the like of casegroups ``first`` to ``first + count - 1``."""
    return Casegroups(
        number=np.arange(first, first + count),
        size=rng.choice(SIZES, count, p=SIZE_SHARES / SIZE_SHARES.sum()),
        fate=rng.choice(len(FATE_SHARES), count, p=FATE_SHARES),
        on_cms=rng.random(count) < ON_CMS_SHARE,
        method=rng.choice(len(METHODS_OF_PAYMENT), count, p=METHOD_SHARES),
    )


def draw_cases(rng: np.random.Generator, groups: Casegroups, first_case: int, amounts: Ints) -> Cases:
    """The cases of these casegroups: systems, parents, whether open. ``amounts``: one row of nine a case."""
    count = groups.cases
    group = np.repeat(np.arange(len(groups.size)), groups.size)
    starts = np.cumsum(groups.size) - groups.size
    ordinal = np.arange(count) - starts[group]
    number = first_case + np.arange(count)
    chance = rng.random((4, count))

    # People stand in order of casegroup, the paying parent first. A second case may have the first one's
    # parents.
    shares = (ordinal > 0) & (chance[0] < SHARED_RECEIVING_PARENT_SHARE)
    newcomers = np.cumsum(~shares)
    receiving_parent = group + newcomers
    paying_parent = receiving_parent[starts][group] - 1
    receiving_parent = np.where(shares, paying_parent + 1, receiving_parent)

    system = rng.choice(len(CSA_SYSTEMS), count, p=SYSTEM_SHARES)
    last = ordinal == groups.size[group] - 1
    is_open = (groups.fate[group] == Fate.OPEN) & (last | (chance[1] < 0.5))
    system_digit = (system + ord("1")).astype(np.uint8)[:, np.newaxis]
    return Cases(
        number=number,
        group=group,
        ordinal=ordinal,
        system=system,
        system_text=pick(CSA_SYSTEMS, system),
        case_id=fixed_text(count, system_digit, digits(number, 9)),
        casegroup_id=numbered("G", groups.number[group], 7),
        paying_parent=paying_parent,
        receiving_parent=receiving_parent,
        ongoing=(chance[2] < 0.58) | (groups.fate[group] == Fate.ENDING),
        open=is_open,
        amounts=amounts,
        people=len(groups.size) + int(newcomers[-1]) if count else 0,
    )


def make_cases(
    rng: np.random.Generator, groups: Casegroups, cases: Cases, people: People, today: int
) -> Rows:
    """One csa_cases row for each case."""
    count = len(cases.number)
    chance = rng.random((6, count))
    fate = groups.fate[cases.group]
    first = cases.ordinal == 0
    ended = today - rng.integers(0, 60, count)
    ended = np.where(fate == Fate.ENDING, today + rng.integers(1, 30, count), ended)
    scheme = (cases.system == 1) & (chance[0] < 0.85) | (cases.system == 2) & (chance[0] < 0.5)
    decision = rng.choice(4, count, p=(0.55, 0.10, 0.08, 0.27))
    owed_to_rp = np.maximum(cases.amounts[:, :3], 0).sum(axis=1)
    keep = np.choose(rng.integers(0, 3, count), (owed_to_rp // 2, owed_to_rp, owed_to_rp + 5000))
    method = groups.method[cases.group]
    from_bank, from_employer = method <= 1, (method == 2) | (method == 3)
    flagged = first & (fate == Fate.INHIBITED_BY_FLAG)
    table = table_of(
        "csa_cases",
        count,
        {
            "csa_system": cases.system_text,
            "csa_case_id": cases.case_id,
            "scheme": pick(("1993", "2003"), scheme),
            "casegroup_id": cases.casegroup_id,
            "paying_parent_id": people.party_id.take(pa.array(cases.paying_parent)),
            "receiving_parent_id": people.party_id.take(pa.array(cases.receiving_parent)),
            "case_type": pick(("ARREARS_ONLY", "ONGOING"), cases.ongoing),
            "case_status": pick(("CLOSED", "OPEN"), cases.open),
            "closed_reason": pick(("CASE_CLOSURE", "OTHER", None), np.where(cases.open, 2, chance[1] < 0.08)),
            "liability_end_date": days(ended, cases.open | ~cases.ongoing),
            "segment": 1 + rng.choice(5, count, p=(0.2, 0.25, 0.1, 0.3, 0.15)).astype(np.int32),
            "weekly_liability_pence": np.where(cases.ongoing, rng.integers(0, 120, count) * 100, 0),
            "indicative_arrears_pence": np.maximum(cases.amounts.sum(axis=1), 0) // 1000 * 1000,
            "partially_clerical": first & (fate == Fate.PARTIALLY_CLERICAL),
            "nationally_sensitive": first & (fate == Fate.SENSITIVE),
            "manual_inhibit": flagged & (chance[2] < 0.5),
            "automatic_inhibit": flagged & (chance[2] >= 0.5),
            "rp_arrears_decision": pick(("COLLECT", "WRITE_OFF", "PART_WRITE_OFF", None), decision),
            "rp_keep_pence": pa.array(keep, mask=(decision != 2) | (chance[3] < 0.15)),
            "method_of_payment": pick(METHODS_OF_PAYMENT, method),
            "pp_sort_code": unless(~from_bank, fixed_text(count, digits(rng.integers(0, 10**6, count), 6))),
            "pp_account_number": unless(
                ~from_bank, fixed_text(count, digits(rng.integers(0, 10**8, count), 8))
            ),
            "rp_sort_code": unless(chance[4] < 0.4, fixed_text(count, digits(cases.number % 10**6, 6))),
            "rp_account_number": unless(chance[4] < 0.4, fixed_text(count, digits(cases.number, 8))),
            "employer_reference": unless(
                ~from_employer, numbered("EMP", rng.integers(10_000, 99_999, count), 5)
            ),
            "csa_caseworker": unless(
                chance[5] < 0.6, pick(CASEWORKERS, rng.integers(0, len(CASEWORKERS), count))
            ),
        },
    )
    return Rows(table, cases.group)


def make_children(rng: np.random.Generator, cases: Cases, people: People, today: int) -> Rows:
    """One to three qualifying children for each case, with the receiving parent's surname."""
    born = rng.choice((1, 2, 3), len(cases.number), p=(0.6, 0.3, 0.1))
    of_case = np.repeat(np.arange(len(cases.number)), born)
    which = np.arange(len(of_case)) - (np.cumsum(born) - born)[of_case]
    at_case = pa.array(of_case)
    mothers = pa.array(cases.receiving_parent[of_case])
    table = table_of(
        "csa_children",
        len(of_case),
        {
            "csa_system": cases.system_text.take(at_case),
            "csa_case_id": cases.case_id.take(at_case),
            "child_id": fixed_text(
                len(of_case), b"C", digits(cases.number[of_case], 9), b"-", digits(which + 1, 1)
            ),
            "forenames": pick(FORENAMES, rng.integers(0, len(FORENAMES), len(of_case))),
            "surname": people.parties.column("surname").combine_chunks().take(mothers),
            "date_of_birth": days(today - rng.integers(300, 20 * 365, len(of_case))),
        },
    )
    return Rows(table, cases.group[of_case])


def make_register(
    rng: np.random.Generator, groups: Casegroups, cases: Cases, people: People, today: int
) -> tuple[Rows, Flags]:
    """What CMS already has: for a casegroup on CMS some of its cases, or one with somebody else; a few of
    them twice.

    Twice is for the rule that the lowest id counts. The flags, one a case, tell which cases CMS has with
    both parents.
    """
    on_cms = groups.on_cms[cases.group]
    first = cases.ordinal == 0
    chance = rng.random((2, len(cases.number)))
    known = np.nonzero(on_cms & (first | (chance[0] < MATCHED_CASE_SHARE)))[0]
    stranger = first[known] & (chance[0][known] >= MATCHED_CASE_SHARE)
    again = known[(chance[1][known] < 0.04) & ~stranger]

    at_case = np.concatenate([known, again])
    is_stranger = np.concatenate([stranger, np.zeros(len(again), dtype=bool)])
    copy = np.concatenate([np.zeros(len(known), dtype=np.int64), np.ones(len(again), dtype=np.int64)])
    count = len(at_case)
    group = cases.group[at_case]
    other = ninos(_STRANGERS + cases.number[at_case])
    partner = people.nino.take(pa.array(cases.receiving_parent[at_case]))
    owner = (groups.number[group] * 7) % len(CASE_OWNERS)
    table = table_of(
        "cms_register",
        count,
        {
            "cms_case_id": numbered("6", cases.number[at_case] * 2 + copy, 11),
            "cms_casegroup_id": numbered("7", groups.number[group] * 2 + copy, 11),
            "paying_parent_nino": people.nino.take(pa.array(cases.paying_parent[at_case])),
            "receiving_parent_nino": pc.if_else(pa.array(is_stranger), other, partner),
            "case_owner": pick(CASE_OWNERS, owner),
            "opened_on": days(today - rng.integers(30, 900, count)),
        },
    )
    matched: Flags = np.zeros(len(cases.number), dtype=bool)
    matched[known[~stranger]] = True
    return Rows(table, group), matched

"""Judge debts: what the nine predetermined rules write off each debt before its case closes, and what is left of it.

Serves B71; R23, R34, R35. Belongs here: the facts of a debt (what its gate judges, and what the rules look at), the rules
applied to all debts of a night at once, and the life of debts that are refused. Does not belong here: which rules there are
(``domain.debt_rules``), which debts a night judges (``store.debts``), what of them goes out.

Money is int64 pence throughout; a debt whose arrears would not fit there does not pass its gate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pandas as pd

from case_closure.domain import nino
from case_closure.domain.debt_rules import (
    DOWN,
    LEFT,
    LOW_VALUE,
    OFF,
    RULES,
    TAKEN_FROM,
    VERSION,
    DebtRule,
    When,
)
from case_closure.domain.money import BUCKET_COLUMNS, INT64_LIMIT_PENCE
from case_closure.stages.common import findings
from case_closure.stages.common.amounts import exact_row_sums, with_amount_facts
from case_closure.stages.common.exceptions import Before, Exceptions, described, exception_items
from case_closure.tables import handed
from case_closure.tables.frames import among, case_key, lookup, take
from case_closure.tables.handing import Handed, cut
from case_closure.tables.resolutions import PARENTS, lay_over, of_people, ordered

_DEBT_ROW = [
    "csa_system", "csa_case_id", *BUCKET_COLUMNS, "total_pence", *handed.DEBT_FACTS,
]  # fmt: skip
_NAMED = ["csa_system", "csa_case_id", "casegroup_id", "rp_died", "pp_died_on"]
_JUDGED = [*_NAMED, *BUCKET_COLUMNS, *handed.DEBT_FACTS]
_PLACES_TAKEN_FROM = [BUCKET_COLUMNS.index(bucket.column) for bucket in TAKEN_FROM]
_CREDITORS_TAKEN_FROM = np.array([bucket.creditor for bucket in TAKEN_FROM])
FINAL_COLUMNS = tuple(f"final_{column}" for column in BUCKET_COLUMNS)


@dataclass(frozen=True)
class Gathered(Handed):
    """Debts to judge, each with the parents its case has as held, and what was entered for those cases. ``people``: of the
    parents, those who have died by CSA or CIS or for whom something was entered. ``cis_deaths``: who of them has, by CIS."""

    debts: Annotated[pd.DataFrame, handed.DEBTS]
    resolutions: Annotated[pd.DataFrame, handed.RESOLUTIONS]
    people: Annotated[pd.DataFrame, handed.PEOPLE_WHO_DIED]
    entered_for_people: Annotated[pd.DataFrame, handed.ENTERED_FOR_PEOPLE]
    cis_deaths: Annotated[pd.DataFrame, handed.CIS_DEATHS]


@dataclass(frozen=True)
class Judged(Exceptions):
    """A line for each debt judged, with the nine buckets as the rules left them; a line for each rule that took anything."""

    debt_judgements: Annotated[pd.DataFrame, handed.DEBT_JUDGEMENTS]
    debt_rule_results: Annotated[pd.DataFrame, handed.DEBT_RULE_RESULTS]


@dataclass(frozen=True)
class WrittenOff:
    """What the rules did to each debt, in order of the debts: all int64 pence.

    ``final_pence``: the nine buckets as they were left, in order of BUCKETS. A column for each rule in order: the arrears
    (buckets above 0) before its turn, what it took, and what that left of all it may take from.
    """

    final_pence: np.ndarray
    before_pence: np.ndarray
    taken_pence: np.ndarray
    left_in_reach_pence: np.ndarray


def write_off(
    debts: pd.DataFrame, low_value_pence: int | None, rules: tuple[DebtRule, ...] = RULES
) -> WrittenOff:
    """Run the rules over the debts, in order, each on what those before it left (R23, R34, [35], [36]).

    ``debts``: the nine buckets, and the facts the rules name (``rp_died`` bool, ``pp_died_on`` NaT where alive). Only buckets
    above 0 are written off; none goes below 0, and one that is below stays. ``low_value_pence`` None: that rule is off.
    """
    pence = debts[list(BUCKET_COLUMNS)].to_numpy(np.int64)
    left: np.ndarray = np.maximum(pence, 0)[:, _PLACES_TAKEN_FROM]
    before, taken, in_reach = (np.zeros((len(debts), len(rules)), dtype=np.int64) for _ in range(3))
    for place, rule in enumerate(rules):
        reach = np.flatnonzero(np.isin(_CREDITORS_TAKEN_FROM, rule.takes_from))
        before[:, place] = left.sum(axis=1)
        most = left[:, reach].sum(axis=1)
        fires = _fires(rule.when, debts, before[:, place], low_value_pence)
        wanted = np.where(fires, _wanted(rule, debts, most), 0)
        taken[:, place] = wanted
        for bucket in reach:
            takes: np.ndarray = np.minimum(left[:, bucket], wanted)
            left[:, bucket] -= takes
            wanted = wanted - takes
        in_reach[:, place] = most - taken[:, place]
    final = pence.copy()
    final[:, _PLACES_TAKEN_FROM] = np.where(
        pence[:, _PLACES_TAKEN_FROM] > 0, left, final[:, _PLACES_TAKEN_FROM]
    )
    return WrittenOff(final, before, taken, in_reach)


def _wanted(rule: DebtRule, debts: pd.DataFrame, most: np.ndarray) -> np.ndarray:
    """What the rule takes where it fires: never more than is there, and never less than nothing."""
    if rule.amount is None:
        return most
    amount: np.ndarray = np.maximum(debts[rule.amount].to_numpy(np.int64), 0)
    wanted: np.ndarray = np.maximum(most - amount, 0) if rule.effect == "above" else np.minimum(most, amount)
    return wanted


def _fires(
    conditions: tuple[When, ...], debts: pd.DataFrame, left: np.ndarray, low_value_pence: int | None
) -> np.ndarray:
    meets = np.zeros(len(debts), dtype=bool)
    for one in conditions:
        match one.test:
            case "is":
                meets |= (debts[one.fact] == one.value).to_numpy(bool)
            case "before":
                meets |= (debts[one.fact] < pd.Timestamp(str(one.value))).to_numpy(bool)
            case "above":
                meets |= (debts[one.fact] > one.value).to_numpy(bool)
            case "at most":
                assert (one.fact, one.value) == (LEFT, LOW_VALUE)
                if low_value_pence is not None:
                    meets |= left <= low_value_pence
    return meets


def debt_facts(gathered: Gathered) -> pd.DataFrame:
    """One line a debt to judge: what its gate asks (B71, [8]), and what the rules look at."""
    return _with_total_facts(_with_parents(gathered))


def own_facts(rows: pd.DataFrame) -> pd.DataFrame:
    """What the gate asks of debt rows that follows from their file alone; whether their case is held does not."""
    keys = case_key(rows)
    times = keys.groupby(keys).transform("size").astype("int64")
    return _with_total_facts(rows.assign(times_in_file=times, case_held=True))


def _with_total_facts(debts: pd.DataFrame) -> pd.DataFrame:
    rows = with_amount_facts(debts)
    pence = debts[list(BUCKET_COLUMNS)].to_numpy(np.int64)
    arrears, credit = exact_row_sums(np.maximum(pence, 0)), exact_row_sums(np.minimum(pence, 0))
    # Arrears beyond all bounds may be brought back into them by credits: no total could be stated of what the rules leave.
    countable = np.asarray((arrears <= INT64_LIMIT_PENCE) & (credit >= -INT64_LIMIT_PENCE), dtype=bool)
    return rows.assign(
        total_agrees=rows["total_agrees"].to_numpy(bool) & countable,
        subject_reference=pd.Series(None, index=rows.index, dtype="str"),
    )


def _with_parents(gathered: Gathered) -> pd.DataFrame:
    """The debts with ``rp_died`` and ``pp_died_on``: by csa_parties or cis_persons, whichever is earlier, after what was
    entered for the case and for the person (B49)."""
    debts = gathered.debts
    of_case = ordered(gathered.resolutions, "CASE")
    parents = [*PARENTS.values()]
    debts = lay_over(debts, of_case, keys=case_key(debts), by=of_case["case_key"], fields=parents)
    entered = of_people(gathered.entered_for_people)
    people = lay_over(
        gathered.people,
        entered,
        keys=gathered.people["party_id"],
        by=entered["party_id"],
        fields=["date_of_death", "nino"],
    )
    known = lookup(nino.matched_on(nino.cleaned(people["nino"])), gathered.cis_deaths, "matched_on")
    by_cis = take(gathered.cis_deaths["died_on"], known).set_axis(people.index)
    died_on = people["date_of_death"].where(~(by_cis < people["date_of_death"]), by_cis).fillna(by_cis)
    paying, receiving = (
        take(died_on, lookup(debts[name], people, "party_id")).set_axis(debts.index) for name in parents
    )
    return debts.assign(rp_died=receiving.notna(), pp_died_on=paying.astype("datetime64[s]"))


def conclude(
    facts: pd.DataFrame,
    broke: pd.DataFrame,
    before: Before,
    low_value_pence: int | None,
    on: pd.Timestamp,
    latest: pd.Timestamp,
) -> Judged:
    """What becomes of each debt of ``facts``: refused, judged, or left as it was when it is what was judged last [34].

    ``broke``: what the gate found. ``latest``: the latest business date known of (R43).
    """
    refused = np.zeros(len(facts), dtype=bool)
    refused[broke["position"].to_numpy(np.int64)] = True
    good = ~refused & ~facts["unchanged"].to_numpy(bool)
    debts = facts.loc[good, _JUDGED].reset_index(drop=True)
    taken = write_off(debts, low_value_pence)
    exceptions = _exceptions(facts, broke, before, on, latest)
    final = pd.DataFrame(taken.final_pence, columns=list(FINAL_COLUMNS))
    low_value = pd.Series(low_value_pence, index=debts.index, dtype="Int64")
    judgements = pd.concat([debts[_NAMED].assign(version=VERSION, low_value_pence=low_value), final], axis=1)
    return Judged(
        **exceptions.frames,
        debt_judgements=cut(judgements, handed.DEBT_JUDGEMENTS),
        debt_rule_results=_results(debts, taken),
    )


def _results(debts: pd.DataFrame, taken: WrittenOff) -> pd.DataFrame:
    """A line for each rule that took anything: a rule without one took nothing, NONE."""
    debt, rule = np.nonzero(taken.taken_pence)
    numbers = np.array([one.number for one in RULES], dtype=np.int64)
    amounts = {
        "before_pence": taken.before_pence[debt, rule],
        "written_off_pence": taken.taken_pence[debt, rule],
    }
    lines = debts[["csa_system", "csa_case_id"]].iloc[debt].reset_index(drop=True)
    result = pd.Series(np.where(taken.left_in_reach_pence[debt, rule] == 0, OFF, DOWN), dtype="str")
    lines = lines.assign(
        rule_number=numbers[rule],
        result=result,
        **amounts,
        after_pence=amounts["before_pence"] - amounts["written_off_pence"],
    )
    return cut(lines, handed.DEBT_RULE_RESULTS)


def _exceptions(
    facts: pd.DataFrame, broke: pd.DataFrame, before: Before, on: pd.Timestamp, latest: pd.Timestamp
) -> Exceptions:
    """A refused debt is one exception for each rule, from the night it is first refused to the one it is good, or gone [13].

    The same one, also when it was opened before its case was held: then it takes its casegroup (R43).
    """
    exceptions_found = findings.exceptions_found(
        broke, facts, original_columns=_DEBT_ROW, named_by=("missing_amount",)
    )
    known = before.open_exceptions
    found_keys, known_keys = (rows["rule_code"] + "/" + case_key(rows) for rows in (exceptions_found, known))
    opened = described(exceptions_found[~among(found_keys, known_keys)], before.routes, on)
    again = among(known_keys, found_keys)
    place = lookup(case_key(known), facts.assign(case_key=case_key(facts)), "case_key")
    now = take(facts["casegroup_id"], place).set_axis(known.index)
    known = known.assign(casegroup_id=known["casegroup_id"].fillna(now))
    resolved = known[~again].assign(resolved_by=f"EXTRACT {on.date().isoformat()}", resolved_on=latest)
    return Exceptions(
        opened=opened,
        seen=cut(known[again], handed.EXCEPTIONS_SEEN),
        resolved=cut(resolved, handed.EXCEPTIONS_RESOLVED),
        work_items=exception_items(opened, on),
    )

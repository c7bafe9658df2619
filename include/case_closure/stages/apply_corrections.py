"""Apply corrections: which are good, what each makes of its due, and what that settles.

Serves B55, B56, B45; R28, R29, R32. Belongs here: the facts of corrections, their ledger entries, the dues they add, their
exceptions. The rules refuse their row alone: they hold no casegroup and stand in no outcome. Does not belong here: judging
(``gates``), what a corrected balance settles (``receive_balances``: it is judged again).

In: ``Gathered``. Out: ``Applied``, and the exceptions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pandas as pd

from case_closure.domain import postcode
from case_closure.stages.common import findings
from case_closure.stages.common.exceptions import Before, Exceptions, of_rows
from case_closure.tables import handed
from case_closure.tables.frames import among, case_key, chosen, lookup, missing, take
from case_closure.tables.handing import Handed, cut

ADDS = "OFFLINE_REPORT"
WRITES_OFF = "WRITE_OFF"
INVALID = "row_invalid"
_CORRECTION_ROW = [
    "correction_id",
    "csa_system",
    "csa_case_id",
    "creditor",
    "arrears_status",
    "new_amount_pence",
    "reason",
]
Judge = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class Gathered(Handed):
    """Corrections to judge, in order of their number; the dues of their cases; the cases; the open items that ask to confirm a
    write-off of them. ``gone``: open exceptions about corrections that are held no more."""

    corrections: Annotated[pd.DataFrame, handed.CORRECTIONS]
    dues: Annotated[pd.DataFrame, handed.DUES_TO_CORRECT]
    cases: Annotated[pd.DataFrame, handed.CASES_TO_CORRECT]
    write_off_items: Annotated[pd.DataFrame, handed.WRITE_OFF_ITEMS]
    gone: Annotated[pd.DataFrame, handed.EXCEPTIONS_SEEN]


@dataclass(frozen=True)
class Applied(Handed):
    """What corrections change: cases that join, dues that are added, ledger entries, rows that are held no more because they
    are invalid ([5]), work items with nothing left to do."""

    cms_cases: Annotated[pd.DataFrame, handed.CMS_CASES]
    dues: Annotated[pd.DataFrame, handed.DUES]
    ledger: Annotated[pd.DataFrame, handed.LEDGER]
    not_held: Annotated[pd.DataFrame, handed.ROWS_REFUSED]
    items_closed: Annotated[pd.DataFrame, handed.WRITE_OFF_ITEMS]


@dataclass
class Judged:
    """The facts of every correction judged, in the turns in which they were, and what the gate found of each turn."""

    facts: list[pd.DataFrame]
    broke: list[pd.DataFrame]

    def good(self) -> pd.DataFrame:
        """The corrections that broke no rule, in order of their number; with the amount that each found."""
        good = [
            facts[~np.isin(np.arange(len(facts)), broke["position"].to_numpy(np.int64))]
            for facts, broke in zip(self.facts, self.broke, strict=True)
        ]
        return pd.concat(good, ignore_index=True).sort_values("correction_id", ignore_index=True)


def judge_in_order(gathered: Gathered, judge: Judge) -> Judged:
    """Judge each correction by what those before it have made of its due ([15]).

    Those of one bucket follow each other, and each is judged once the one before it is; buckets do not know of each other.
    So the gate judges the first of every bucket together, then the second. ``judge``: the findings over a frame of facts.
    """
    amounts = dict(zip(_bucket(gathered.dues), gathered.dues["amount_pence"].tolist(), strict=True))
    judged = Judged([], [])
    for turn in _turns(gathered.corrections):
        facts = _facts(turn, gathered, amounts)
        broke = judge(facts)
        judged.facts.append(facts)
        judged.broke.append(broke)
        bad = set(broke["position"].tolist())
        for place, (bucket, pence) in enumerate(
            zip(_bucket(facts), facts["new_amount_pence"].tolist(), strict=True)
        ):
            if place not in bad:
                amounts[bucket] = pence
    return judged


def _turns(corrections: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The first correction of each bucket, then the second, in order of their number; one turn also where there is none."""
    corrections = corrections.sort_values("correction_id", kind="stable")
    number = corrections.groupby(_bucket(corrections), sort=False).cumcount().to_numpy()
    for turn in range(int(number.max(initial=0)) + 1):
        yield corrections[number == turn].reset_index(drop=True)


def _bucket(rows: pd.DataFrame) -> pd.Series:
    return case_key(rows) + "/" + rows["creditor"].fillna("") + "/" + rows["arrears_status"].fillna("")


def _facts(rows: pd.DataFrame, gathered: Gathered, amounts: dict[str, int]) -> pd.DataFrame:
    """One line a correction to judge, as its due is when its turn has come."""
    buckets = _bucket(rows)
    dues, cases = gathered.dues, gathered.cases
    due = lookup(buckets, dues.assign(bucket=_bucket(dues)), "bucket")
    of_case = lookup(case_key(rows), cases, "case_key")
    is_there = np.array([bucket in amounts for bucket in buckets], dtype=bool)
    on_cms = cases["completed"].to_numpy(bool) & cases["cms_case_id"].notna().to_numpy()
    addable = among(case_key(rows), chosen(cases["case_key"], on_cms)) & (rows["reason"] == ADDS).to_numpy(
        bool
    )
    old = np.array([amounts.get(bucket, 0) for bucket in buckets], dtype="int64")
    allocated = _at(gathered.dues["allocated_pence"], due)
    new = rows["new_amount_pence"].to_numpy(np.int64)
    return rows.assign(
        casegroup_id=take(cases["casegroup_id"], of_case),
        subject_reference=rows["correction_id"],
        due_known=is_there | addable,
        adds=~is_there,
        amount_given=~missing(rows, "new_amount_pence"),
        covers_allocated=(new >= allocated) | (new < 0),
        write_off_goes_down=(rows["reason"] != WRITES_OFF).to_numpy(bool) | ~is_there | (new <= old),
        old_amount_pence=old,
    )


def _at(amounts: pd.Series, places: np.ndarray) -> np.ndarray:
    taken = np.zeros(len(places), dtype="int64")
    taken[places >= 0] = amounts.to_numpy(np.int64)[places[places >= 0]]
    return taken


def conclude(judged: Judged, gathered: Gathered, on: pd.Timestamp) -> Applied:
    """What the good corrections change (B55): an entry each of new less old, nothing too; the dues they add ([14])."""
    good = judged.good()
    due_id = (
        good["csa_system"] + "-" + good["csa_case_id"] + "-" + good["creditor"] + "-" + good["arrears_status"]
    )
    good = good.assign(
        due_id=due_id, case_key=case_key(good), business_date=on, kind="CORRECTION",
        entry_id=due_id + "-CORRECTION-" + good["correction_id"], reference=good["correction_id"],
        amount_pence=good["new_amount_pence"] - good["old_amount_pence"],
    ).astype({"kind": "str", "business_date": "datetime64[s]"})  # fmt: skip
    added = good[good["adds"].to_numpy(bool)].drop_duplicates("due_id").reset_index(drop=True)
    return Applied(
        cms_cases=_cases_joining(added, gathered.cases, on),
        dues=_dues_added(added, gathered.cases),
        ledger=cut(good, handed.LEDGER),
        not_held=_invalid(judged),
        items_closed=_items_done(good, gathered),
    )


def _invalid(judged: Judged) -> pd.DataFrame:
    """The rows that are invalid by what their due is: a write-off upwards ([2], [5])."""
    rows = [
        facts.iloc[invalid["position"].to_numpy(np.int64)].assign(field=invalid["field"].to_numpy())
        for facts, broke in zip(judged.facts, judged.broke, strict=True)
        for invalid in (broke[broke["rule_code"] == INVALID],)
    ]
    together = pd.concat(rows, ignore_index=True).rename(columns={"correction_id": "row_key"})
    return cut(together, handed.ROWS_REFUSED)


def _dues_added(added: pd.DataFrame, cases: pd.DataFrame) -> pd.DataFrame:
    """A due for each bucket that had none: nothing was mirrored, so nothing is posted ([14], R28)."""
    places = lookup(added["case_key"], cases, "case_key")
    named = {
        name: take(cases[name], places)
        for name in ("cms_casegroup_id", "cms_case_id", "scheme", "arrears_from", "arrears_to")
    }
    none = pd.Series(None, index=added.index, dtype="str")
    return cut(added.assign(**named, posted_pence=np.int64(0), reference=none), handed.DUES)


def _cases_joining(added: pd.DataFrame, cases: pd.DataFrame, on: pd.Timestamp) -> pd.DataFrame:
    """The cases of added dues that CMS has and that were not recorded here."""
    joining = cases[among(cases["case_key"], added["case_key"]) & ~cases["recorded"].to_numpy(bool)]
    joining = joining.reset_index(drop=True)
    lines = joining.assign(
        origin=pd.Series("EXISTING", index=joining.index, dtype="str"),
        created_on=pd.Series(on, index=joining.index).astype("datetime64[s]"),
        maintenance_region=postcode.maintenance_region(joining["postcode"], joining["country"]),
        benefit_code=pd.Series(None, index=joining.index, dtype="str"),
    )
    return cut(lines, handed.CMS_CASES)


def _items_done(good: pd.DataFrame, gathered: Gathered) -> pd.DataFrame:
    """The items that ask to confirm a write-off of a case of which corrections have left nothing that R14 fires on ([40])."""
    items, cases = gathered.write_off_items, gathered.cases
    items = items[among(items["case_key"], good["case_key"])].reset_index(drop=True)
    if items.empty:
        return items
    last = good.drop_duplicates("due_id", keep="last")
    dues = gathered.dues
    before = dues[~among(dues["due_id"], last["due_id"])][["case_key", "creditor", "amount_pence"]]
    after = last.assign(amount_pence=last["new_amount_pence"])[["case_key", "creditor", "amount_pence"]]
    now = pd.concat([before, after], ignore_index=True)
    owed = now[now["creditor"] == "RP"].groupby("case_key")["amount_pence"].sum()
    still = cases.assign(owed=cases["case_key"].map(owed).fillna(0).astype("int64"))
    fires = (still["rp_arrears_decision"] == WRITES_OFF) & (still["owed"] > 0)
    fires |= (still["rp_arrears_decision"] == "PART_WRITE_OFF") & (still["owed"] > still["rp_keep_pence"])
    return items[~among(items["case_key"], chosen(still["case_key"], fires))].reset_index(drop=True)


def exceptions(
    judged: Judged, gathered: Gathered, before: Before, on: pd.Timestamp, latest: pd.Timestamp
) -> tuple[Exceptions, pd.DataFrame]:
    """Exceptions opened, seen again and resolved; and those that a later good correction of their bucket closes ([13]), also
    where they are opened tonight. Of corrections that are held no more, nothing is left to mend."""
    facts = pd.concat(judged.facts, ignore_index=True)
    exceptions_found = pd.concat(
        [
            # An invalid row is refused as those are on arrival, and its exception is theirs.
            findings.exceptions_found(
                broke[broke["rule_code"] != INVALID], one, original_columns=_CORRECTION_ROW
            )
            for one, broke in zip(judged.facts, judged.broke, strict=True)
        ],
        ignore_index=True,
    )
    told = of_rows(
        exceptions_found, facts["subject_reference"], before.open_exceptions, before.routes, on, latest
    )
    by = overtaken_by(facts, judged.good())
    overtaken = pd.concat(
        [
            frame[among(frame["subject_reference"], by["correction_id"])][handed.EXCEPTIONS_SEEN.names]
            for frame in (told.opened, told.seen)
        ],
        ignore_index=True,
    )
    which = take(by["by"], lookup(overtaken["subject_reference"], by, "correction_id"))
    closed = pd.concat(
        [
            overtaken.assign(resolved_by="CORRECTION " + which, resolved_on=latest),
            gathered.gone.assign(resolved_by=f"EXTRACT {on.date().isoformat()}", resolved_on=latest),
        ],
        ignore_index=True,
    )
    return told, cut(closed, handed.EXCEPTIONS_RESOLVED)


def overtaken_by(facts: pd.DataFrame, good: pd.DataFrame) -> pd.DataFrame:
    """correction_id of each that is not good, and ``by``: the good one of its bucket that came later. Later is on a later
    night or, on the same, by its number."""

    def came(rows: pd.DataFrame) -> Iterator[tuple[Any, str]]:
        return zip(rows["business_date"], rows["correction_id"], strict=True)

    last: dict[str, tuple[Any, str]] = {}
    for bucket, one in zip(_bucket(good), came(good), strict=True):
        last[bucket] = max(one, last.get(bucket, one))
    bad = facts[~among(facts["correction_id"], good["correction_id"])]
    pairs = [
        (one[1], last[bucket][1])
        for bucket, one in zip(_bucket(bad), came(bad), strict=True)
        if bucket in last and last[bucket] > one
    ]
    return pd.DataFrame(pairs, columns=["correction_id", "by"]).astype("str")

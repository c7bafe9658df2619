"""Receive balances: which of tonight's casegroups are clerical, held, in exception, or ready to be set up.

Serves B28-B34, B51, B53, B70, B72, B73; R5, R8, R11-R13, R20, R27.
Belongs here: the first four checks of R11 (clerical, all closed, no inhibit, balances pass the gate) and the fifth,
whether anything is positive. Does not belong here: parents, CMS, dues.

In: ``Gathered``, the held rows of the judged casegroups. Out: ``Received``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pandas as pd

from case_closure.domain import outcomes
from case_closure.domain.dates import NightDates
from case_closure.domain.money import BUCKET_COLUMNS
from case_closure.domain.rules import RULES, holds_casegroup
from case_closure.stages.common import findings
from case_closure.stages.common.amounts import with_amount_facts
from case_closure.tables import handed
from case_closure.tables.frames import (
    among,
    case_key,
    casegroup_and_case,
    chosen,
    lookup,
    records,
    take,
    take_flags,
)
from case_closure.tables.handing import Handed, cut
from case_closure.tables.resolutions import REPORT, REPORT_FIELDS, lay_over, ordered

_CASE_ROW = [
    "csa_system", "csa_case_id", "casegroup_id", "paying_parent_id", "receiving_parent_id", "case_type",
    "case_status", "closed_reason", "liability_end_date", "closure_failure_code",
]  # fmt: skip
_BALANCE_ROW = [
    "balance_id", "csa_system", "csa_case_id", "row_casegroup_id", *BUCKET_COLUMNS, "total_pence",
    "arrears_from", "arrears_to",
]  # fmt: skip
_INHIBIT_ROW = ["inhibit_id", "csa_system", "csa_case_id", "reason", "set_by_role", "set_on", "removed_on"]

_REPORT_ROW = [
    "report_id", "casegroup_id", "csa_system", "csa_case_id", "channel", "stage", "detail", "reported_by", "reported_on",
    "cleared_on", "cleared_by",
]  # fmt: skip


@dataclass(frozen=True)
class CasesGathered(Handed):
    """Cases and what says whether closing them worked. ``sensitive``: the casegroups among them that are."""

    cases: Annotated[pd.DataFrame, handed.CASES]
    sensitive: Annotated[pd.DataFrame, handed.CASEGROUP_IDS]
    closure_failures: Annotated[pd.DataFrame, handed.CLOSURE_FAILURES]
    inhibits: Annotated[pd.DataFrame, handed.INHIBITS]
    resolutions: Annotated[pd.DataFrame, handed.RESOLUTIONS]
    open_exceptions: Annotated[pd.DataFrame, handed.OPEN_EXCEPTIONS]


@dataclass(frozen=True)
class Gathered(CasesGathered):
    """All that is held of the judged casegroups (see ``store.casegroups``)."""

    judged: Annotated[pd.DataFrame, handed.CASEGROUP_IDS]
    csa_balances: Annotated[pd.DataFrame, handed.BALANCES]
    clerical_balances: Annotated[pd.DataFrame, handed.BALANCES]
    reported_exceptions: Annotated[pd.DataFrame, handed.REPORTED_EXCEPTIONS]
    refused: Annotated[pd.DataFrame, handed.REFUSED_ROWS]
    standing: Annotated[pd.DataFrame, handed.CASEGROUPS]
    positions: Annotated[pd.DataFrame, handed.POSITIONS]
    dues_now: Annotated[pd.DataFrame, handed.DUES_NOW]
    completed_periods: Annotated[pd.DataFrame, handed.COMPLETED_PERIODS]
    balances_accepted: Annotated[pd.DataFrame, handed.BALANCES_ACCEPTED]


@dataclass(frozen=True)
class Received(Handed):
    """What receiving concludes: the casegroups, each with its verdict so far; their cases; their latest balances, the nine
    buckets in pence, and whether each passed; clerical balances; the exceptions found."""

    casegroups: Annotated[pd.DataFrame, handed.CASEGROUPS_JUDGED]
    cases: Annotated[pd.DataFrame, handed.CASES_RECEIVED]
    balances: Annotated[pd.DataFrame, handed.BALANCES_RECEIVED]
    clerical_balances: Annotated[pd.DataFrame, handed.CLERICAL_BALANCES_RECEIVED]
    exceptions_found: Annotated[pd.DataFrame, handed.EXCEPTIONS_FOUND]


@dataclass
class Facts:
    """What the gates judge: frames with one line a row to be judged, and what they were made from."""

    casegroup_cases: pd.DataFrame
    balances: pd.DataFrame
    clerical_balances: pd.DataFrame
    inhibits: pd.DataFrame
    reports: pd.DataFrame


def facts(gathered: Gathered, dates: NightDates) -> Facts:
    """The facts of the judged casegroups as of those dates. Pure; raises nothing."""
    cases = case_facts(gathered)
    return Facts(
        casegroup_cases=cases,
        balances=_with_balance_facts(gathered, cases),
        clerical_balances=_clerical(gathered, cases),
        # One that was removed has no effect, whoever had set it (R43).
        inhibits=_with_casegroup(
            gathered.inhibits[~removed(gathered.inhibits, pd.Timestamp(dates.latest))].reset_index(drop=True),
            cases,
        ),
        reports=_begun(gathered, dates),
    )


def _begun(gathered: Gathered, dates: NightDates) -> pd.DataFrame:
    """Reports that have begun to hold, with what caseworkers entered for them (B51, R27).

    ``judged_on``: the day that a clearing is compared with. What holds on either date of a late night holds (R39): the night's
    own, or the latest where the report began after it.
    """
    sent = gathered.reported_exceptions
    entered = ordered(gathered.resolutions, REPORT)
    reports = lay_over(sent, entered, keys=sent["report_id"], by=entered["csa_case_id"], fields=REPORT_FIELDS)
    own, latest = (pd.Timestamp(day).as_unit("s") for day in (dates.own, dates.latest))
    reports = reports[~(reports["reported_on"] > latest)].reset_index(drop=True)
    judged_on = pd.Series(own, index=reports.index).astype("datetime64[s]")
    return reports.assign(
        judged_on=judged_on.mask(reports["reported_on"] > own, latest), subject_reference=reports["report_id"]
    )


def sensitive_casegroups(cases: pd.DataFrame, resolutions: pd.DataFrame, refusals: pd.DataFrame) -> list[str]:
    """The nationally sensitive casegroups: a case of theirs says so, or a refused row that no good row has answered (R42).

    Of all that might be, in order. Shapes: CASES, RESOLUTIONS, SENSITIVE_REFUSALS.
    """
    cases = _entered_cases(cases, resolutions)
    places = lookup(case_key(refusals), cases, "case_key")
    named = [
        chosen(cases["casegroup_id"], cases["nationally_sensitive"]),
        refusals["casegroup_id"],
        take(cases["casegroup_id"], places),
    ]
    return sorted({casegroup for one in named for casegroup in one.dropna()})


def _entered_cases(held_cases: pd.DataFrame, resolutions: pd.DataFrame) -> pd.DataFrame:
    """The cases in order, with what caseworkers entered for them."""
    cases = held_cases.sort_values(["csa_system", "csa_case_id"], kind="stable").reset_index(drop=True)
    entered = ordered(resolutions, "CASE")
    cases = cases.assign(case_key=case_key(cases))
    # Where a case is, the store says (it moves as a whole, with its balance); what was entered for its casegroup says where
    # it should be.
    named = lay_over(
        _as_claimed(cases),
        entered,
        keys=cases["case_key"],
        by=entered["case_key"],
        fields=held_cases.columns,
    )
    return named.assign(casegroup_id=cases["casegroup_id"], wanted_casegroup_id=named["casegroup_id"])


def case_facts(gathered: CasesGathered) -> pd.DataFrame:
    """One line a case with what caseworkers entered for it: does its casegroup agree, did closing it work (B53)?

    A failure of a case that is not held has a line of its own, without a casegroup.
    """
    return _with_casegroup_facts(_entered_cases(gathered.cases, gathered.resolutions), gathered)


def _as_claimed(cases: pd.DataFrame) -> pd.DataFrame:
    """The cases in the casegroup that their latest row names."""
    return cases.assign(casegroup_id=cases["claimed_casegroup_id"])


def moves(cases: pd.DataFrame, resolutions: pd.DataFrame) -> pd.DataFrame:
    """The cases that go to another casegroup than the one they are in: csa_system, csa_case_id, casegroup_id (wanted).

    ``cases``: csa_system, csa_case_id, casegroup_id, claimed_casegroup_id, and completed: whether the one it is in has. A case
    belongs to the casegroup that its latest row names or, while that stands, to the one a caseworker entered instead (B49).
    Where its casegroup has completed it stays: its arrears have been moved (case_casegroup_conflict says so).
    """
    entered = ordered(resolutions, "CASE")
    wanted = lay_over(_as_claimed(cases), entered, keys=case_key(cases), by=entered["case_key"])
    named = wanted["casegroup_id"].fillna("")
    moving = (named != "") & (named != cases["casegroup_id"]) & ~cases["completed"]
    return wanted.loc[moving, ["csa_system", "csa_case_id", "casegroup_id"]].reset_index(drop=True)


def _with_casegroup(rows: pd.DataFrame, cases: pd.DataFrame) -> pd.DataFrame:
    """Rows about a case, with the casegroup and sensitivity of that case; missing when the case is not held."""
    keys = case_key(rows)
    places = lookup(keys, cases, "case_key")
    return rows.assign(
        case_key=keys,
        casegroup_id=take(cases["casegroup_id"], places),
        sensitive=take_flags(cases["sensitive"], places),
    )


def _with_casegroup_facts(cases: pd.DataFrame, gathered: CasesGathered) -> pd.DataFrame:
    """Do the cases of a casegroup agree, and did closing each of them work (B53)?"""
    payers = cases["paying_parent_id"].fillna("")
    first = cases.drop_duplicates("casegroup_id")
    other = payers != take(
        first["paying_parent_id"].fillna(""), lookup(cases["casegroup_id"], first, "casegroup_id")
    )
    cases = cases.assign(
        paying_parent_agreed=~among(cases["casegroup_id"], chosen(cases["casegroup_id"], other)),
        casegroup_agreed=cases["wanted_casegroup_id"].eq(cases["casegroup_id"]).to_numpy(bool),
        sensitive=among(cases["casegroup_id"], gathered.sensitive["casegroup_id"]),
    )
    # The latest night that gave evidence of a failure: a report, a code on the case, or the exception still open.
    failures = gathered.closure_failures.assign(case_key=case_key(gathered.closure_failures))
    still_open = gathered.open_exceptions
    still_open = still_open[still_open["rule_code"] == "closure_failed"]
    if failures.empty and still_open.empty and cases["closure_failure_code"].isna().all():
        return cases.assign(closure_worked=True)
    evidence = pd.concat(
        [
            failures[["case_key", "business_date"]],
            cases.loc[cases["closure_failure_code"].notna(), ["case_key", "business_date"]],
            still_open.assign(case_key=case_key(still_open))[["case_key", "business_date"]],
        ]
    )
    failed = evidence.sort_values("business_date", ascending=False, kind="stable").drop_duplicates("case_key")
    last_failed_on = take(failed["business_date"], lookup(cases["case_key"], failed, "case_key"))
    # What a later night closed has been mended for good: a case that opens again has not failed again.
    closed_since = cases["last_closed_on"] > last_failed_on
    cases["closure_worked"] = (last_failed_on.isna() | closed_since).to_numpy(bool)
    unknown = failures[~among(failures["case_key"], cases["case_key"])].drop_duplicates("case_key")
    if len(unknown):
        stray = unknown[["csa_system", "csa_case_id", "case_key", "business_date"]].assign(
            paying_parent_agreed=True, casegroup_agreed=True, closure_worked=False, sensitive=False,
            closure_failure_code=unknown["failure_code"],
        )  # fmt: skip
        cases = pd.concat([cases, stray], ignore_index=True)
        for name in ("partially_clerical", "nationally_sensitive", "manual_inhibit", "automatic_inhibit"):
            cases[name] = cases[name].fillna(False).astype(bool)
        cases["rp_keep_pence"] = cases["rp_keep_pence"].fillna(0).astype("int64")
    return cases


def own_facts(balances: pd.DataFrame) -> pd.DataFrame:
    """The facts of balance rows that follow from the rows alone: amounts, sums, period, how often a case stands."""
    keys = case_key(balances)
    keyed = balances["csa_system"].notna() & balances["csa_case_id"].notna()
    times = np.ones(len(keys), dtype=np.int64)
    repeated = (keyed & keys.duplicated(keep=False)).to_numpy(bool)
    if repeated.any():
        times = np.where(repeated, keys.groupby(keys).transform("size"), times)
    amounts = balances[list(BUCKET_COLUMNS)].to_numpy(np.int64)
    names = np.array(BUCKET_COLUMNS)
    positive: np.ndarray = np.any(amounts > 0, axis=1)
    period_given = balances["arrears_from"].notna() & balances["arrears_to"].notna()
    return with_amount_facts(balances).assign(
        case_key=keys,
        times_in_file=times.astype("int64"),
        largest_bucket_pence=amounts.max(axis=1),
        smallest_bucket_pence=amounts.min(axis=1),
        largest_bucket=names[amounts.argmax(axis=1)],
        smallest_bucket=names[amounts.argmin(axis=1)],
        arrived_on=balances["business_date"],
        period_given_if_owed=(period_given | ~positive).to_numpy(bool),
        positive=positive,
    )


def _with_balance_facts(gathered: Gathered, cases: pd.DataFrame) -> pd.DataFrame:
    """Facts of the latest balance rows, after what caseworkers entered for them."""
    sent = gathered.csa_balances.reset_index(drop=True)
    entered = ordered(gathered.resolutions, "BALANCE")
    # What caseworkers name casegroup_id is the row's own.
    named = lay_over(
        sent.rename(columns={"row_casegroup_id": "casegroup_id"}),
        entered,
        keys=case_key(sent),
        by=entered["case_key"],
    )
    balances = own_facts(named.rename(columns={"casegroup_id": "row_casegroup_id"}))
    places = lookup(balances["case_key"], cases, "case_key")
    held_casegroup = take(cases["casegroup_id"], places)
    case_held = (places >= 0) & held_casegroup.notna().to_numpy()
    keyed = (balances["csa_system"].notna() & balances["csa_case_id"].notna()).to_numpy(bool)
    # Without a case it is where it landed: what was entered for its casegroup moves no money by itself.
    casegroup_id = held_casegroup.where(case_held, sent["row_casegroup_id"])
    # A case that a caseworker moved is still sent under its old casegroup, and so are its balances.
    claimed = take(cases["claimed_casegroup_id"], places).where(take_flags(cases["casegroup_agreed"], places))
    balances = balances.assign(
        casegroup_id=casegroup_id,
        sensitive=among(casegroup_id, gathered.sensitive["casegroup_id"]),
        # Without a case number there is no case to know, and without a case no casegroup to agree with.
        case_held=case_held | ~keyed,
        casegroup_agreed=(balances["row_casegroup_id"] == held_casegroup).to_numpy(bool)
        | (balances["row_casegroup_id"] == claimed).to_numpy(bool)
        | ~case_held,
    )
    # A resolution is no arrival: a row that came as completed stays so whatever was entered for it since (R20).
    as_sent = sent.assign(case_key=balances["case_key"], casegroup_id=balances["casegroup_id"])
    return balances.assign(as_completed=_as_completed((balances, as_sent), case_held, gathered))


def _as_completed(forms: Sequence[pd.DataFrame], case_held: np.ndarray, gathered: Gathered) -> np.ndarray:
    """Whether a balance of a completed casegroup is what was completed, or what corrections have made of it (R20), in one of the
    ``forms`` it has; those agree in their cases and casegroups."""
    standing = gathered.standing
    completed = chosen(standing["casegroup_id"], standing["completed_on"].notna())
    places = np.flatnonzero(among(forms[0]["casegroup_id"], completed) & case_held)
    same = np.ones(len(case_held), dtype=bool)
    if not len(places):
        return same
    # As that casegroup was completed: what came since is held (R41), and was no part of it.
    positions = gathered.positions
    positions = positions[among(positions["casegroup_id"], completed)]
    settled = positions["posted_pence"] + positions["credit_pence"]
    received = _wide(positions.assign(settled_pence=settled), "settled_pence")
    now = _wide(gathered.dues_now, "amount_pence")
    known = pd.concat([gathered.dues_now, gathered.completed_periods])[
        ["case_key", "arrears_from", "arrears_to"]
    ]
    periods = {row["case_key"]: row for row in records(known.drop_duplicates("case_key"))}
    nothing = (0,) * len(BUCKET_COLUMNS)
    accepted: dict[str, list[dict[str, object]]] = {}
    for row in records(gathered.balances_accepted):
        accepted.setdefault(row["case_key"], []).append(row)
    same[places] = False
    asked = ["case_key", "arrears_from", "arrears_to", *BUCKET_COLUMNS]
    rows = [row for form in forms for row in records(form[asked].iloc[places])]
    for place, row in zip(np.tile(places, len(forms)), rows, strict=True):
        key = row["case_key"]
        amounts = tuple(int(row[column]) for column in BUCKET_COLUMNS)
        period_same = True
        if key in periods:
            period = periods[key]
            period_same = all(_equal(row[name], period[name]) for name in ("arrears_from", "arrears_to"))
        was_received = amounts == received.get(key, nothing) and period_same
        # As corrections have left the dues; a credit was never a due and stays as it was received.
        credits = tuple(min(amount, 0) for amount in received.get(key, nothing))
        is_now = (
            key in now and amounts == tuple(map(sum, zip(now[key], credits, strict=True))) and period_same
        )
        # Or its dues were corrected to it since it came: amounts alone, and with them the period it says ([15]).
        was_accepted = _above_nothing(row) == now.get(key, nothing) and any(
            _above_nothing(one) == _above_nothing(row)
            and all(_equal(row[name], one[name]) for name in ("arrears_from", "arrears_to"))
            for one in accepted.get(key, [])
        )
        same[place] |= was_received or is_now or was_accepted
    return same


def _above_nothing(balance: Mapping[Any, Any]) -> tuple[int, ...]:
    return tuple(max(int(balance[column]), 0) for column in BUCKET_COLUMNS)


def _since_completion(balances: pd.DataFrame, gathered: Gathered) -> np.ndarray:
    """Whether a balance is money that came for a completed casegroup on a case that had none when it completed (R41)."""
    standing, positions = gathered.standing, gathered.positions
    completed = chosen(standing["casegroup_id"], standing["completed_on"].notna())
    settled = (positions["posted_pence"] != 0) | (positions["credit_pence"] != 0)
    # In that casegroup: a case that moves in may have had credits where it was.
    there = chosen(casegroup_and_case(positions), settled)
    return among(balances["casegroup_id"], completed) & ~among(casegroup_and_case(balances), there)


def _equal(one: object, other: object) -> bool:
    return (pd.isna(one) and pd.isna(other)) or one == other  # type: ignore[call-overload]


def _wide(rows: pd.DataFrame, amount: str) -> dict[str, tuple[int, ...]]:
    """case_key -> its nine amounts in bucket order, from one line a bucket."""
    columns = rows["creditor"].str.lower() + "_" + rows["arrears_status"].str.lower() + "_pence"
    wide: dict[str, list[int]] = {}
    number = {column: place for place, column in enumerate(BUCKET_COLUMNS)}
    for key, column, pence in zip(case_key(rows), columns, rows[amount], strict=True):
        wide.setdefault(key, [0] * len(BUCKET_COLUMNS))[number[column]] += int(pence)
    return {key: tuple(amounts) for key, amounts in wide.items()}


def conclude(
    gathered: Gathered, judged: Facts, broke: Mapping[str, pd.DataFrame], dates: NightDates
) -> Received:
    """Verdicts so far. ``broke``: suite -> findings (rule_code, field, position) over the frame of that name.

    ``dates``: what holds on either of them holds (R39).
    """
    cases, balances = judged.casegroup_cases, judged.balances
    exceptions_found = pd.concat(
        [
            _refused(gathered.refused),
            findings.exceptions_found(broke["casegroup_cases"], cases, original_columns=_CASE_ROW),
            findings.exceptions_found(
                broke["csa_balances"], balances, original_columns=_BALANCE_ROW,
                named_by=("missing_amount", "largest_bucket", "smallest_bucket"),
            ),
            findings.exceptions_found(
                broke["clerical_balances"], judged.clerical_balances, original_columns=_BALANCE_ROW
            ),
            findings.exceptions_found(broke["inhibits"], judged.inhibits, original_columns=_INHIBIT_ROW),
            findings.exceptions_found(broke["reports"], judged.reports, original_columns=_REPORT_ROW),
        ],
        ignore_index=True,
    )  # fmt: skip
    exceptions_found = findings.one_each(exceptions_found) if len(exceptions_found) else exceptions_found
    passed = np.ones(len(balances), dtype=bool)
    # What opens after completion leaves the completed figures alone, so it is no reason to refuse the row's money.
    refusing = broke["csa_balances"][broke["csa_balances"]["rule_code"] != "balance_changed_after_completion"]
    passed[refusing["position"].to_numpy(np.int64)] = False
    balances = balances.assign(passed=passed, since_completion=_since_completion(balances, gathered))
    cases = cases[cases["casegroup_id"].notna()].reset_index(drop=True)
    return Received(
        casegroups=_casegroups(gathered, cases, balances, judged.clerical_balances, exceptions_found, dates),
        cases=cut(cases, handed.CASES_RECEIVED),
        balances=cut(balances, handed.BALANCES_RECEIVED),
        clerical_balances=cut(judged.clerical_balances, handed.CLERICAL_BALANCES_RECEIVED),
        exceptions_found=exceptions_found,
    )


def _refused(refused: pd.DataFrame) -> pd.DataFrame:
    """The exceptions of case rows that were refused on arrival and that no later row has mended."""
    lines = []
    for row in refused.to_dict("records"):
        codes, fields, told = (json.loads(row[name]) for name in ("rule_codes", "fields", "told"))
        for code, name in zip(codes, fields, strict=True):
            if code in told:
                continue
            lines.append(
                {
                    "rule_code": code, "casegroup_id": row["casegroup_id"], "csa_system": row["csa_system"],
                    "csa_case_id": row["csa_case_id"], "subject": RULES[code].subject, "field": name, "value": None,
                    "original": row["original"], "sensitive": bool(row["sensitive"]), "subject_reference": None,
                    "stage": None, "channel": None,
                }
            )  # fmt: skip
    if not lines:
        return findings.empty()
    return cut(pd.DataFrame(lines), handed.EXCEPTIONS_FOUND)


def _clerical(gathered: Gathered, cases: pd.DataFrame) -> pd.DataFrame:
    """Clerical balances, in the casegroup of their case, or the one they name when the case is not held (B72)."""
    rows = gathered.clerical_balances.reset_index(drop=True)
    keys = case_key(rows)
    places = lookup(keys, cases, "case_key")
    known = take(cases["casegroup_id"], places)
    casegroup_id = known.where(known.notna(), rows["row_casegroup_id"])
    return rows.assign(
        case_key=keys,
        casegroup_id=casegroup_id,
        sensitive=among(casegroup_id, gathered.sensitive["casegroup_id"]),
        # Neither its case nor its casegroup is known: nobody would ever be asked to add it.
        placed=casegroup_id.notna().to_numpy(bool),
        positive=np.asarray(np.any(rows[list(BUCKET_COLUMNS)].to_numpy(np.int64) > 0, axis=1)),
    )


def _casegroups(
    gathered: Gathered,
    cases: pd.DataFrame,
    balances: pd.DataFrame,
    clerical: pd.DataFrame,
    exceptions_found: pd.DataFrame,
    dates: NightDates,
) -> pd.DataFrame:
    """One line a judged casegroup: why it is clerical, held, in exception; else it is ready."""
    groups = gathered.judged["casegroup_id"]
    of_case = cases["casegroup_id"]
    reasons = {
        "NATIONALLY_SENSITIVE": gathered.sensitive["casegroup_id"],
        "PARTIALLY_CLERICAL": chosen(of_case, cases["partially_clerical"]),
        "CLERICAL_REPORT": clerical["casegroup_id"],
    }
    # What has ended by the night's own date has ended by any later one.
    ended = cases["liability_end_date"].notna() & (cases["liability_end_date"] <= pd.Timestamp(dates.own))
    open_case = (cases["case_status"] != "CLOSED") | ((cases["case_type"] == "ONGOING") & ~ended)
    holds = {
        "CLOSURE_FAILED": chosen(of_case, ~cases["closure_worked"]),
        "OPEN_CASES": chosen(of_case, open_case),
        "INHIBITED": chosen(of_case, inhibited(cases, gathered.inhibits, dates)),
    }
    stopping = (
        exceptions_found[exceptions_found["rule_code"].map(holds_casegroup).astype(bool)]
        if len(exceptions_found)
        else exceptions_found
    )
    standing = gathered.standing
    owed = balances[balances["positive"] & balances["passed"]]
    frame = pd.DataFrame({"casegroup_id": groups})
    frame["clerical_reason"] = _first_of(groups, {name: reasons[name] for name in outcomes.CLERICAL_REASONS})
    frame["hold_reason"] = _first_of(groups, {name: holds[name] for name in outcomes.HOLD_REASONS})
    frame["sensitive"] = among(groups, reasons["NATIONALLY_SENSITIVE"])
    frame["has_balance"] = among(groups, balances["casegroup_id"].fillna("")) | among(
        groups, clerical["casegroup_id"].fillna("")
    )
    frame["stopped"] = among(groups, stopping["casegroup_id"].fillna(""))
    frame["positive"] = among(groups, owed["casegroup_id"])
    frame["completed_on"] = take(standing["completed_on"], lookup(groups, standing, "casegroup_id"))
    frame["known"] = (groups != "").to_numpy()
    judged_now = frame["known"] & frame["has_balance"] & frame["completed_on"].isna()
    frame["ready"] = (
        judged_now & frame["clerical_reason"].isna() & frame["hold_reason"].isna() & ~frame["stopped"]
    ).to_numpy(bool)
    return frame


def inhibited(cases: pd.DataFrame, inhibits: pd.DataFrame, dates: NightDates) -> np.ndarray:
    """By a flag on its latest row, or an authorised record in force (B70); on a late night also by one that is set later than
    its own date and not removed by the latest (R39)."""
    authorised = inhibits["set_by_role"].isin(outcomes.INHIBIT_AUTHORISED_ROLES)
    own, latest = pd.Timestamp(dates.own), pd.Timestamp(dates.latest)
    lasts = inhibits["removed_on"].isna()
    holds = (inhibits["set_on"] <= own) & (lasts | (inhibits["removed_on"] > own))
    if dates.late:
        holds |= lasts | (inhibits["removed_on"] > latest)
    recorded = among(cases["case_key"], case_key(inhibits[authorised & holds]))
    return (cases["manual_inhibit"] | cases["automatic_inhibit"]).to_numpy(bool) | recorded


def removed(inhibits: pd.DataFrame, today: pd.Timestamp) -> np.ndarray:
    """Whether each inhibit record has been removed by then (B69). bool."""
    return (inhibits["removed_on"].notna() & (inhibits["removed_on"] <= today)).to_numpy(bool)


def _first_of(groups: pd.Series, members: Mapping[str, pd.Series]) -> pd.Series:
    """For each group the first name whose members it is among; missing where it is among none."""
    reason = pd.Series(None, index=range(len(groups)), dtype="str")
    for name in reversed(list(members)):
        reason = reason.mask(among(groups, members[name]), name)
    return reason

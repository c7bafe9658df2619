"""Decide: outcomes, letters, work items, next actions, and the life of exceptions.

Serves B14-B16, B18 (rows), B43, B45-B50, B72; R4, R10, R12, R14-R16.
Belongs here: everything that follows once it is known which casegroups completed and which did not.
Does not belong here: judging rows, money.

In: what the stages before concluded, and ``Gathered``, what stood before tonight. Out: ``Decided``, the changes of tonight,
ready to be stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pandas as pd

from case_closure.domain import letters as letter_codes
from case_closure.domain import next_actions as table
from case_closure.domain import outcomes
from case_closure.domain.rules import RULES, entity_of, holds_casegroup
from case_closure.domain.work_items import APPLICATION, CONFIRM_WRITE_OFF, SET_UP, WORDS
from case_closure.stages.common import letters, work_items
from case_closure.stages.common.exceptions import (
    EXCEPTION_KEY,
    Exceptions,
    described,
    exception_items,
    key_of,
)
from case_closure.stages.post_dues import FIGURES, POSITION_KEY, Posted, exact_sum, fitted
from case_closure.stages.receive_balances import Received
from case_closure.stages.set_up_cases import PAYING, RECEIVING, SetUp
from case_closure.tables import handed
from case_closure.tables.frames import (
    among,
    case_key,
    casegroup_and_case,
    chosen,
    joined,
    lookup,
    sums,
    take,
    take_flags,
    take_pence,
)
from case_closure.tables.handing import Handed, cut, empty
from case_closure.tables.resolutions import BALANCE, CASE, PARENTS, REPORT, of_people, ordered


@dataclass(frozen=True)
class Gathered(Handed):
    """What stood before tonight (see ``store.casegroups``). ``on_cms``: the cases of clerical casegroups that are;
    ``covering_letters``: those that closure has written tonight."""

    standing: Annotated[pd.DataFrame, handed.CASEGROUPS]
    positions: Annotated[pd.DataFrame, handed.POSITIONS]
    taken_in: Annotated[pd.DataFrame, handed.TAKEN_IN]
    open_exceptions: Annotated[pd.DataFrame, handed.OPEN_EXCEPTIONS]
    entered_for_people: Annotated[pd.DataFrame, handed.ENTERED_FOR_PEOPLE]
    resolutions: Annotated[pd.DataFrame, handed.RESOLUTIONS]
    routes: Annotated[pd.DataFrame, handed.ROUTES]
    covering_letters: Annotated[pd.DataFrame, handed.LETTER_IDS]
    clerical_items: Annotated[pd.DataFrame, handed.CLERICAL_ITEMS]
    on_cms: Annotated[pd.DataFrame, handed.CASE_KEYS]


@dataclass(frozen=True)
class Decided(Exceptions):
    """What tonight changes. ``entered``: every resolution that is for an exception which stood; ``positions_gone``: the
    casegroups whose positions are replaced; ``items_closed``: work items that nothing is left of to do."""

    entered: Annotated[pd.DataFrame, handed.EXCEPTIONS_ENTERED]
    casegroups: Annotated[pd.DataFrame, handed.CASEGROUPS]
    positions: Annotated[pd.DataFrame, handed.POSITIONS]
    positions_gone: Annotated[pd.DataFrame, handed.CASEGROUP_IDS]
    items_closed: Annotated[pd.DataFrame, handed.CLERICAL_ITEMS]
    letters: Annotated[pd.DataFrame, handed.LETTERS]
    next_actions: Annotated[pd.DataFrame, handed.NEXT_ACTIONS]


def conclude(
    received: Received,
    set_up: SetUp,
    posted: Posted,
    before: Gathered,
    on: pd.Timestamp,
    latest: pd.Timestamp,
) -> Decided:
    """Everything tonight changes for the judged casegroups.

    ``latest``: the latest business date known of, which is later than ``on`` when the night is run late or again: on it is
    resolved what was first seen since, and no outcome's date goes back (R39, R43).
    """
    exceptions_found = pd.concat([received.exceptions_found, set_up.exceptions_found], ignore_index=True)
    opened, seen, resolved = _exceptions(exceptions_found, received, set_up, before, on, latest)
    still_open = _open_after(before.open_exceptions, opened, resolved)
    casegroups = _casegroups(received, posted, still_open, before, on)
    positions, replaced = _changed_positions(
        _less_taken_in(posted.positions, before.taken_in), received, before.positions, on
    )
    items = [
        exception_items(opened, on),
        _changed_again_items(seen, received, on),
        _set_up_items(set_up, before, on),
        _write_off_items(posted, set_up, before, on),
        _clerical_items(received, before, on),
    ]
    return Decided(
        casegroups=cut(casegroups, handed.CASEGROUPS),
        positions=cut(positions, handed.POSITIONS),
        positions_gone=replaced,
        opened=opened,
        seen=cut(seen, handed.EXCEPTIONS_SEEN),
        resolved=cut(resolved, handed.EXCEPTIONS_RESOLVED),
        entered=entered_on(
            before.open_exceptions, received.cases, before.resolutions, before.entered_for_people
        ),
        work_items=work_items.together(items),
        items_closed=_clerical_items_done(received, set_up, posted, before),
        letters=_letters(posted, set_up, before.covering_letters["letter_id"], on),
        next_actions=cut(_next_actions(posted, set_up, on), handed.NEXT_ACTIONS),
    )


# --- exceptions


def _exceptions(
    exceptions_found: pd.DataFrame,
    received: Received,
    set_up: SetUp,
    before: Gathered,
    on: pd.Timestamp,
    latest: pd.Timestamp,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Opened, seen again and resolved tonight. A rule's exception is resolved only when its cause was looked at."""
    open_exceptions = before.open_exceptions
    names = ["exception_id", "business_date", "route", *EXCEPTION_KEY]
    how = ["exception_id", "resolved_by", "resolved_on", *EXCEPTION_KEY]
    if exceptions_found.empty and open_exceptions.empty:
        none = open_exceptions.assign(
            resolved_by=pd.Series(dtype="str"), resolved_on=pd.Series(dtype="datetime64[s]")
        )
        return empty(handed.EXCEPTIONS_OPENED), none[names], none[how]
    open_exceptions = open_exceptions.assign(key=key_of(open_exceptions))
    standing = open_exceptions[open_exceptions["status"] != "RESOLVED"].sort_values(
        ["business_date", "exception_id"], kind="stable"
    )
    exceptions_found = exceptions_found.assign(key=key_of(exceptions_found))
    new = exceptions_found[~among(exceptions_found["key"], standing["key"])].reset_index(drop=True)
    opened = described(new, before.routes, on)
    # Two that were opened under no casegroup and under another one can turn out to be the same: the first goes on.
    again = among(standing["key"], exceptions_found["key"]) & ~standing["key"].duplicated().to_numpy()
    seen = standing[again]
    gone = standing[~again & (standing["severity"] == "HOLD").to_numpy(bool)]
    groups = received.casegroups
    # Set-up was looked at where it was reached, or where nothing is owed and so nothing must be set up.
    reached = among(gone["casegroup_id"], chosen(groups["casegroup_id"], groups["ready"]))
    stage = gone["rule_code"].map(lambda code: RULES[code].stage)
    looked_at = (stage == "receive_balances") | ((stage == "set_up_cases") & reached)
    resolved = gone[looked_at.to_numpy(bool)].reset_index(drop=True)
    resolved = resolved.assign(resolved_by=_resolved_by(resolved, received, before, on), resolved_on=latest)
    return (
        opened.reset_index(drop=True),
        seen[names].reset_index(drop=True),
        resolved[how].reset_index(drop=True),
    )


def whose(exceptions: pd.DataFrame, cases: pd.DataFrame) -> pd.Series:
    """The person each exception is about: that parent of its case. Missing where it is about no parent, or the case not here."""
    places = lookup(case_key(exceptions), cases, "case_key")
    person = pd.Series(None, index=range(len(exceptions)), dtype="str")
    for role, column in PARENTS.items():
        person = person.where((exceptions["subject"] != role).to_numpy(bool), take(cases[column], places))
    return person


def entered_on(
    exceptions: pd.DataFrame, cases: pd.DataFrame, resolutions: pd.DataFrame, entered_for_people: pd.DataFrame
) -> pd.DataFrame:
    """Each resolution with each exception it is for: of the same case and subject, or about the same person on whichever case
    they stand, or of the same report ([22]). In the order in which they were entered."""
    if resolutions.empty and entered_for_people.empty:
        return empty(handed.EXCEPTIONS_ENTERED)
    codes, subjects = exceptions["rule_code"], exceptions["subject"]
    entity = pd.Series(
        [entity_of(code, subject) for code, subject in zip(codes, subjects, strict=True)], dtype="str"
    )
    exceptions = exceptions.reset_index(drop=True).assign(
        entity=entity, case_key=case_key(exceptions), party_id=whose(exceptions, cases)
    )
    of_case = ordered(resolutions, CASE, BALANCE)
    of_report = ordered(resolutions, REPORT)
    of_person = of_people(entered_for_people).drop(columns="entity")
    pairs = [
        exceptions[["exception_id", "entity", "case_key"]].merge(of_case, on=["entity", "case_key"]),
        exceptions[exceptions["entity"].isin(list(PARENTS))]
        .dropna(subset=["party_id"])[["exception_id", "party_id"]]
        .merge(of_person, on="party_id"),
        exceptions.loc[exceptions["entity"] == REPORT, ["exception_id", "subject_reference"]].merge(
            of_report, left_on="subject_reference", right_on="csa_case_id"
        ),
    ]
    together = pd.concat(
        [pair[["entered_on", "exception_id", "resolution_id"]] for pair in pairs], ignore_index=True
    ).drop_duplicates(["exception_id", "resolution_id"])
    return cut(
        together.sort_values(["entered_on", "resolution_id"], kind="stable").reset_index(drop=True),
        handed.EXCEPTIONS_ENTERED,
    )


def _resolved_by(resolved: pd.DataFrame, received: Received, before: Gathered, on: pd.Timestamp) -> pd.Series:
    """What resolved each: an entry of tonight for the person it is about, for its report or its case; else the extract."""
    if resolved.empty:
        return pd.Series(dtype="str")

    def entry(entered: pd.DataFrame, wanted: pd.Series, by: str) -> pd.Series:
        tonight = entered[entered["business_date"] == on].sort_values("resolution_id")
        return take(tonight["resolution_id"], lookup(wanted, tonight, by))

    of_person = entry(of_people(before.entered_for_people), whose(resolved, received.cases), "party_id")
    of_case = entry(ordered(before.resolutions, CASE, BALANCE), case_key(resolved), "case_key")
    of_report = entry(
        ordered(before.resolutions, REPORT),
        resolved["subject_reference"].where(resolved["subject"] == REPORT),
        "csa_case_id",
    )
    return ("RESOLUTION " + of_person.fillna(of_report).fillna(of_case)).fillna(
        "EXTRACT " + on.date().isoformat()
    )


def _open_after(open_exceptions: pd.DataFrame, opened: pd.DataFrame, resolved: pd.DataFrame) -> pd.DataFrame:
    """HOLD exceptions that stop their casegroup once tonight is stored: casegroup_id and rule_code."""
    if open_exceptions.empty and opened.empty:
        return opened[["casegroup_id", "rule_code"]]
    standing = open_exceptions[
        (open_exceptions["status"] != "RESOLVED")
        & ~among(open_exceptions["exception_id"], resolved["exception_id"])
    ]
    both = pd.concat(
        [standing[["casegroup_id", "rule_code"]], opened[["casegroup_id", "rule_code"]]], ignore_index=True
    )
    return both[both["rule_code"].map(holds_casegroup).astype(bool)]


# --- outcomes and positions


def _casegroups(
    received: Received, posted: Posted, still_open: pd.DataFrame, before: Gathered, on: pd.Timestamp
) -> pd.DataFrame:
    """The casegroups whose line changes tonight, whole."""
    groups = received.casegroups
    standing = before.standing
    was = lookup(groups["casegroup_id"], standing, "casegroup_id")
    was_complete = groups["completed_on"].notna().to_numpy(bool)
    outcome = pd.Series(None, index=groups.index, dtype="str")
    reason = outcome.copy()
    excepted = outcome.copy()
    if len(still_open):
        codes = (
            still_open.drop_duplicates()
            .sort_values("rule_code")
            .groupby("casegroup_id")["rule_code"]
            .agg(",".join)
        )
        of_group = codes.reset_index().astype("str")
        excepted = take(of_group["rule_code"], lookup(groups["casegroup_id"], of_group, "casegroup_id"))
    completed = posted.completed
    done = take(completed["reason"], lookup(groups["casegroup_id"], completed, "casegroup_id"))
    for name, why in (
        (outcomes.TRANSITION_COMPLETE, done),
        (outcomes.EXCEPTION, excepted),
        (outcomes.HELD, groups["hold_reason"]),
        (outcomes.CLERICAL, groups["clerical_reason"]),
    ):
        here = why.notna().to_numpy(bool)
        if here.any():
            outcome, reason = outcome.mask(here, name), reason.mask(here, why)
    applies = (groups["has_balance"] & groups["known"]).to_numpy(bool)
    outcome, reason = outcome.where(applies), reason.where(applies)
    line = pd.DataFrame(
        {
            "casegroup_id": groups["casegroup_id"],
            "sensitive": groups["sensitive"],
            "outcome": outcome,
            "reason": reason,
        }
    )
    for name in FIGURES:
        total = _exact_sums(posted.positions, name)
        line[name] = take_pence(total["pence"], lookup(groups["casegroup_id"], total, "key"))
    line["completed_on"] = (
        pd.Series(on, index=groups.index)
        .astype("datetime64[s]")
        .where(outcome == outcomes.TRANSITION_COMPLETE)
    )
    # TRANSITION_COMPLETE is final: only who may see it can still change.
    old = {name: take_pence(standing[name], was) if name in FIGURES else take(standing[name], was)
           for name in ("outcome", "reason", *FIGURES, "completed_on")}  # fmt: skip
    old["sensitive"] = take_flags(standing["sensitive"], was)
    if was_complete.any():
        for name in ("outcome", "reason", *FIGURES, "completed_on"):
            line[name] = line[name].where(~was_complete, old[name])
    if (line["outcome"].isna() & applies).any():
        raise AssertionError("a casegroup with a balance came to no outcome")
    kept = applies | was_complete | line["sensitive"].to_numpy(bool) | (was >= 0)
    alike = {
        name: _alike(line[name], pd.Series(old[name]))
        for name in ("sensitive", "outcome", "reason", *FIGURES, "completed_on")
    }
    same = (was >= 0) & np.logical_and.reduce(list(alike.values()))
    shown = ("outcome", "reason", "received_pence", "posted_pence", "completed_on")
    looks_same = (was >= 0) & np.logical_and.reduce([alike[name] for name in shown])
    dated = take(standing["business_date"], was)
    today = pd.Series(on, index=line.index).astype("datetime64[s]")
    line["business_date"] = today.where(~looks_same & ~(dated > today).to_numpy(bool), dated)
    return line[kept & ~same].reset_index(drop=True)


def _alike(one: pd.Series, other: pd.Series) -> np.ndarray:
    if isinstance(one.dtype, np.dtype) and one.dtype.kind in "bi":  # of which none is missing
        return np.asarray(one.to_numpy() == other.to_numpy(), dtype=bool)
    return ((one == other) | (one.isna() & other.isna())).to_numpy(bool)


def _exact_sums(lines: pd.DataFrame, name: str) -> pd.DataFrame:
    """One line a casegroup: ``key`` and its exact sum in ``pence``; by Python integers where int64 could overflow."""
    amounts = lines[name]
    if len(amounts) and max(int(amounts.max()), -int(amounts.min())) >= 2**55:
        exact = amounts.astype(object).groupby(lines["casegroup_id"]).agg(exact_sum)
        return pd.DataFrame(
            {"key": pd.Series(exact.index, dtype="str"), "pence": exact.to_numpy(dtype="int64")}
        )
    return sums(amounts, lines["casegroup_id"])


def _changed_positions(
    positions: pd.DataFrame, received: Received, positions_before: pd.DataFrame, on: pd.Timestamp
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Positions to write, and the casegroups whose old ones they replace. Unchanged lines keep their dates.

    A bucket that had money and has none now stays as a line of nothing, so that the night of the change is known;
    unless its case has left the casegroup.
    """
    groups = received.casegroups
    positions_before = positions_before[among(positions_before["casegroup_id"], groups["casegroup_id"])]
    completed = chosen(groups["casegroup_id"], groups["completed_on"].notna())
    positions = _with_what_was_completed(
        positions, positions_before[among(positions_before["casegroup_id"], completed)]
    )
    places = lookup(_position_key(positions_before), positions.assign(key=_position_key(positions)), "key")
    members = pd.concat(
        [
            casegroup_and_case(rows)
            for rows in (received.cases, received.balances, received.clerical_balances)
        ],
        ignore_index=True,
    )
    stays = among(casegroup_and_case(positions_before), members)
    emptied = positions_before[(places < 0) & stays]
    nothing = emptied[POSITION_KEY].assign(**dict.fromkeys(FIGURES, 0))
    now = (
        pd.concat([positions[POSITION_KEY + FIGURES], nothing], ignore_index=True)
        if len(nothing)
        else positions
    )
    before = lookup(_position_key(now), positions_before.assign(key=_position_key(positions_before)), "key")
    was = {name: take_pence(positions_before[name], before) for name in FIGURES}
    same = before >= 0
    for name in FIGURES:
        same &= now[name].to_numpy(np.int64) == was[name]
    credit = now["credit_pence"].to_numpy(np.int64)
    credit_same = (before >= 0) & (credit == was["credit_pence"])
    today = pd.Series(on, index=now.index).astype("datetime64[s]")
    now = now.assign(
        business_date=today.where(~same, take(positions_before["business_date"], before)),
        credited_on=today.where(~credit_same, take(positions_before["credited_on"], before)).where(
            credit != 0
        ),
    )
    left = positions_before[(places < 0) & ~stays]
    changed = pd.concat([chosen(now["casegroup_id"], ~same), left["casegroup_id"]])
    replaced = positions_before.loc[
        among(positions_before["casegroup_id"], changed), ["casegroup_id"]
    ].drop_duplicates()
    return now[among(now["casegroup_id"], changed)], replaced


def _less_taken_in(positions: pd.DataFrame, taken_in: pd.DataFrame) -> pd.DataFrame:
    """Positions without what corrections have taken in of money that came after completion: it is on dues now, and neither
    received nor held (R41). Only completed casegroups have dues to correct."""
    places = lookup(_position_key(positions), taken_in.assign(key=_position_key(taken_in)), "key")
    held = positions["held_pence"].to_numpy(np.int64)
    taken = np.minimum(np.maximum(held, 0), take_pence(taken_in["taken_in_pence"], places))
    if not taken.any():
        return positions
    less = positions.assign(
        received_pence=positions["received_pence"].to_numpy(np.int64) - taken, held_pence=held - taken
    )
    return less[(taken == 0) | (less[FIGURES] != 0).any(axis=1).to_numpy(bool)].reset_index(drop=True)


def _with_what_was_completed(positions: pd.DataFrame, completed: pd.DataFrame) -> pd.DataFrame:
    """Positions with those of completed casegroups: posted and credits as completed, and held what came since (R41)."""
    if completed.empty:
        return positions
    since = lookup(_position_key(completed), positions.assign(key=_position_key(positions)), "key")
    came = take_pence(positions["held_pence"], since)
    settled = completed["posted_pence"].to_numpy(np.int64) + completed["credit_pence"].to_numpy(np.int64)
    received = np.array([fitted(int(a) + int(b)) for a, b in zip(settled, came, strict=True)], dtype="int64")
    whole = completed[POSITION_KEY + FIGURES].assign(received_pence=received, held_pence=received - settled)
    others = np.ones(len(positions), dtype=bool)
    others[since[since >= 0]] = False
    return pd.concat([positions.loc[others, POSITION_KEY + FIGURES], whole], ignore_index=True)


def _position_key(rows: pd.DataFrame) -> pd.Series:
    return joined([rows[name] for name in POSITION_KEY], "|")


# --- letters


def _letters(posted: Posted, set_up: SetUp, taken: pd.Series, on: pd.Timestamp) -> pd.DataFrame:
    """6301 to the paying parent, 6302 to each receiving parent of a required case, a 6314 with each (R15, B14, B18).

    ``taken``: the numbers of the covering letters that closure has written tonight.
    """
    dues, people = posted.dues, set_up.people
    if dues.empty:
        return letters.none()
    of_case = sums(dues["posted_pence"], case_key(dues))
    of_group = sums(dues["posted_pence"], dues["casegroup_id"])
    parents = people[among(people["case_key"], of_case["key"])]
    payers = parents[parents["role"] == PAYING].drop_duplicates("casegroup_id").reset_index(drop=True)
    receivers = parents[parents["role"] == RECEIVING].reset_index(drop=True)
    none = pd.Series(None, index=payers.index, dtype="str")
    main = pd.concat(
        [
            payers.assign(code=letter_codes.ARREARS_PAYING_PARENT, csa_system=none, csa_case_id=none,
                          total_pence=take_pence(of_group["pence"], lookup(payers["casegroup_id"], of_group, "key"))),
            receivers.assign(code=letter_codes.ARREARS_RECEIVING_PARENT,
                             total_pence=take_pence(of_case["pence"], lookup(receivers["case_key"], of_case, "key"))),
        ],
        ignore_index=True,
    )  # fmt: skip
    return letters.addressed(main, on, taken)


# --- work items


def _changed_again_items(seen: pd.DataFrame, received: Received, on: pd.Timestamp) -> pd.DataFrame:
    """A balance that changed after completion is put to a caseworker once for each changed arrival (R20, B55)."""
    balances = received.balances
    arrived = chosen(balances["case_key"], balances["arrived_on"] == on)
    # The arrival that opened the exception has its item from the opening.
    changed = (seen["rule_code"] == "balance_changed_after_completion") & (seen["business_date"] < on)
    again = seen[changed.to_numpy(bool) & among(case_key(seen), arrived)]
    rule = RULES["balance_changed_after_completion"]
    return work_items.items_raised(
        again,
        on,
        type=rule.work_item,
        subject_reference=again["exception_id"],
        detail=f"{rule.says} {rule.do}",
    )


def _set_up_items(set_up: SetUp, before: Gathered, on: pd.Timestamp) -> pd.DataFrame:
    """The arrears-only case that was set up is presented to a caseworker (B43)."""
    created = set_up.cms_cases
    created = created[created["origin"] == "ARREARS_ONLY"]
    created = work_items.routed(created, before.routes)
    return work_items.items_raised(
        created, on, type=SET_UP, subject_reference=None, detail=WORDS[SET_UP],
    )  # fmt: skip


def _write_off_items(posted: Posted, set_up: SetUp, before: Gathered, on: pd.Timestamp) -> pd.DataFrame:
    """The receiving parent had asked for write-off and is still owed more than they chose to keep (B45, R14)."""
    dues = posted.dues
    to_receiver = dues[dues["creditor"] == "RP"]
    owed = sums(to_receiver["posted_pence"], case_key(to_receiver))
    cases = set_up.required
    if cases.empty:
        return work_items.none()
    cases = cases.assign(owed=take_pence(owed["pence"], lookup(cases["case_key"], owed, "key")))
    asked_all = (cases["rp_arrears_decision"] == "WRITE_OFF") & (cases["owed"] > 0)
    asked_part = (cases["rp_arrears_decision"] == "PART_WRITE_OFF") & (cases["owed"] > cases["rp_keep_pence"])
    fires = work_items.routed(cases[asked_all | asked_part], before.routes)
    return work_items.items_raised(
        fires, on, type=CONFIRM_WRITE_OFF, subject_reference=None, detail=WORDS[CONFIRM_WRITE_OFF],
    )  # fmt: skip


def _clerical_items(received: Received, before: Gathered, on: pd.Timestamp) -> pd.DataFrame:
    """Each case of a clerical casegroup that owes something: add its arrears by hand, or apply for a case (B72).

    A clerical balance of a completed casegroup is added to what was posted.
    """
    groups = received.casegroups
    clerical = groups[groups["clerical_reason"].notna()]
    if clerical.empty:
        return work_items.none()
    completed = chosen(groups["casegroup_id"], groups["completed_on"].notna())
    columns = ["casegroup_id", "csa_system", "csa_case_id", "case_key", "positive"]
    reported, balances = received.clerical_balances, received.balances
    balances = balances[~among(balances["casegroup_id"], completed)]
    rows = pd.concat([balances[columns], reported[columns]], ignore_index=True)
    rows = rows[rows["positive"].to_numpy(bool) & among(rows["casegroup_id"], clerical["casegroup_id"])]
    rows = rows[rows["csa_case_id"].notna()].drop_duplicates(["casegroup_id", "case_key"])
    rows = rows[~among(rows["case_key"], before.clerical_items["case_key"])]
    on_cms = among(rows["case_key"], before.on_cms["case_key"]) | among(rows["casegroup_id"], completed)
    kind = np.where(on_cms, "ADD_CORRECT_ARREARS", APPLICATION)
    says = np.where(on_cms, "Add the clerical balance to the case on CMS.", WORDS[APPLICATION])
    rows = work_items.routed(rows, before.routes)
    return work_items.items_raised(rows, on, type=kind, subject_reference=None, detail=says)


def _clerical_items_done(received: Received, set_up: SetUp, posted: Posted, before: Gathered) -> pd.DataFrame:
    """Clerical items that the night has done by itself, now that what made its casegroup clerical is gone: there is nobody
    to apply for once the case is set up, and nothing to add once the casegroup is complete."""
    items = before.clerical_items
    if items.empty:
        return items
    groups = received.casegroups
    clerical = among(items["casegroup_id"], chosen(groups["casegroup_id"], groups["clerical_reason"].notna()))
    applied = (items["type"] == "ARREARS_ONLY_APPLICATION").to_numpy(bool)
    set_up_now = applied & among(items["case_key"], set_up.cms_cases["case_key"])
    completed = among(items["casegroup_id"], posted.completed["casegroup_id"])
    return items[~clerical & (set_up_now | completed)].reset_index(drop=True)


# --- next actions


def _next_actions(posted: Posted, set_up: SetUp, on: pd.Timestamp) -> pd.DataFrame:
    """For each case with dues, the first row of the decision table that fits it (B46, B47)."""
    dues = posted.dues
    if dues.empty:
        return empty(handed.NEXT_ACTIONS)
    keys = case_key(dues)
    cases = set_up.required
    cases = cases[among(cases["case_key"], keys)].reset_index(drop=True)
    action = pd.Series(None, index=cases.index, dtype="str")
    table_row = np.zeros(len(cases), dtype="int64")
    to_receiver = among(cases["case_key"], chosen(keys, dues["creditor"] == "RP"))
    active = among(cases["case_key"], chosen(keys, dues["arrears_status"] == "ACTIVE"))
    for row in table.TABLE:
        fits = action.isna()
        if row.owed_to is not None:
            fits &= to_receiver == (row.owed_to == "RP")
        if row.collectable is not None:
            fits &= active == row.collectable
        if row.decisions is not None:
            fits &= cases["rp_arrears_decision"].isin(row.decisions)
        if row.methods is not None:
            fits &= cases["method_of_payment"].isin(row.methods)
        action = action.mask(fits, row.action)
        table_row[fits.to_numpy(bool)] = row.number
    return pd.DataFrame(
        {
            "csa_system": cases["csa_system"], "csa_case_id": cases["csa_case_id"], "casegroup_id": cases["casegroup_id"],
            "business_date": pd.Series(on, index=cases.index).astype("datetime64[s]"), "action": action, "version": table.VERSION,
            "table_row": table_row,
        }
    )  # fmt: skip

"""Decide: outcomes, letters, work items, next actions, and the life of exceptions.

Serves B14-B16, B18 (rows), B43, B45-B50, B72; R4, R10, R12, R14-R16.
Belongs here: everything that follows once it is known which casegroups completed and which did not.
Does not belong here: judging rows, money.

In: what the stages before concluded, and what stood before tonight. Out: the changes of tonight, ready to be stored.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from case_closure.domain import letters as letter_codes
from case_closure.domain import next_actions as table
from case_closure.domain import outcomes
from case_closure.domain.rules import CASE_OWNER, FT_TEAM, RULES, holds_casegroup
from case_closure.stages.frames import Frames, case_key, lookup, take
from case_closure.stages.post_dues import FIGURES, POSITION_KEY, fitted
from case_closure.stages.set_up_cases import PAYING, RECEIVING

_EXCEPTION_KEY = ["rule_code", "casegroup_id", "csa_system", "csa_case_id"]
_LETTER_COLUMNS = [
    "letter_id", "code", "recipient_role", "party_id", "casegroup_id", "csa_system", "csa_case_id", "status", "reason",
    "covers_letter_id", "total_pence",
]  # fmt: skip
_ITEM_COLUMNS = [
    "work_item_id", "type", "casegroup_id", "csa_system", "csa_case_id", "sensitive", "subject_reference", "route", "detail",
]  # fmt: skip


def conclude(received: Frames, set_up: Frames, posted: Frames, before: Frames, on: pd.Timestamp) -> Frames:
    """Everything tonight changes for the judged casegroups.

    ``before``: standing, positions, open_exceptions, resolutions, routes, on_cms, clerical_items (see
    ``store.casegroups``). Out: ``casegroups``, ``positions``, ``positions_gone`` (casegroups whose positions are
    replaced), ``opened``, ``seen``, ``resolved``, ``work_items``, ``letters``, ``next_actions``.
    """
    found = pd.concat([received["found"], set_up["found"]], ignore_index=True)
    opened, seen, resolved = _exceptions(found, received, set_up, before, on)
    still_open = _open_after(before["open_exceptions"], opened, resolved)
    casegroups = _casegroups(received, posted, still_open, before, on)
    positions, replaced = _changed_positions(posted["positions"], received["casegroups"], before["positions"], on)
    letters = _letters(posted, set_up, on)
    items = [
        _exception_items(opened, seen, received, on),
        _set_up_items(set_up, before, on),
        _write_off_items(posted, set_up, before, on),
        _clerical_items(received, before, on),
    ]
    return {
        "casegroups": casegroups,
        "positions": positions,
        "positions_gone": replaced,
        "opened": opened,
        "seen": seen,
        "resolved": resolved,
        "work_items": pd.concat([item for item in items if len(item)], ignore_index=True) if any(map(len, items)) else _no_items(),
        "letters": letters,
        "next_actions": _next_actions(posted, set_up, on),
    }


# --- exceptions


def _keyed(rows: pd.DataFrame) -> pd.Series:
    """One text for what makes an exception the same one: rule, casegroup and case; for warnings the parent too."""
    text = rows["rule_code"].fillna("")
    for name in _EXCEPTION_KEY[1:]:
        text = text + "|" + rows[name].fillna("")
    warning = rows["rule_code"].map(lambda code: RULES[code].severity == "WARNING").astype(bool)
    return (text + "|").where(~warning, text + "|" + rows["subject"].fillna(""))


def exception_id(rows: pd.DataFrame, on: pd.Timestamp) -> pd.Series:
    """Natural key: rule, casegroup, case, the parent for a warning, and the night it was first seen."""
    return _keyed(rows).str.replace("|", "-", regex=False) + "-" + on.date().isoformat()


def _exceptions(
    found: pd.DataFrame, received: Frames, set_up: Frames, before: Frames, on: pd.Timestamp
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Opened, seen again and resolved tonight. A rule's exception is resolved only when its cause was looked at."""
    held = before["open_exceptions"]
    held = held.assign(key=_keyed(held) if len(held) else pd.Series(dtype="str"))
    standing = held[held["status"] != "RESOLVED"]
    found = found.assign(key=_keyed(found) if len(found) else pd.Series(dtype="str"))
    known = set(standing["key"]) | set(held.loc[held["severity"] == "WARNING", "key"])
    new = found[~found["key"].isin(known)].reset_index(drop=True)
    opened = _routed(new, before["routes"]).drop(columns="key")
    opened["exception_id"] = exception_id(opened, on)
    opened["severity"] = opened["rule_code"].map(lambda code: RULES[code].severity).astype("str")
    opened["stage"] = opened["rule_code"].map(lambda code: RULES[code].stage).astype("str")
    opened["message"] = opened["rule_code"].map(lambda code: f"{RULES[code].says} {RULES[code].do}").astype("str")
    warns = opened["severity"] == "WARNING"
    opened["route"] = opened["route"].mask(warns)
    opened["case_owner"] = opened["case_owner"].mask(warns)
    seen = standing[standing["key"].isin(set(found["key"]))]
    gone = standing[~standing["key"].isin(set(found["key"])) & (standing["severity"] == "HOLD")]
    groups = received["casegroups"]
    # Set-up was looked at where it was reached, or where nothing is owed and so nothing must be set up.
    reached = set(groups.loc[groups["ready"], "casegroup_id"])
    stage = gone["rule_code"].map(lambda code: RULES[code].stage)
    looked_at = (stage == "receive_balances") | ((stage == "set_up_cases") & gone["casegroup_id"].isin(reached))
    resolved = gone[looked_at.to_numpy(bool)]
    entered = before["resolutions"]
    tonight = entered[entered["business_date"] == on]
    by_case = tonight.assign(case_key=case_key(tonight)).groupby("case_key")["resolution_id"].min()
    by_what = case_key(resolved).map(by_case).astype("str")
    resolved = resolved.assign(resolved_by=("RESOLUTION " + by_what).fillna("EXTRACT " + on.date().isoformat()))
    return (
        opened.reset_index(drop=True),
        seen[["exception_id", *_EXCEPTION_KEY]].reset_index(drop=True),
        resolved[["exception_id", "resolved_by", *_EXCEPTION_KEY]].reset_index(drop=True),
    )


def _routed(rows: pd.DataFrame, routes: pd.DataFrame) -> pd.DataFrame:
    """Case owner where the paying parent has a casegroup on CMS, else the financial transition team (B50)."""
    places = lookup(rows["casegroup_id"].fillna(""), routes, "casegroup_id")
    places = np.where(rows["rule_code"] == "case_key_missing", -1, places)
    return rows.assign(
        route=np.where(places >= 0, CASE_OWNER, FT_TEAM),
        case_owner=take(routes["case_owner"], places).to_numpy(),
    ).astype({"route": "str", "case_owner": "str"})


def _open_after(held: pd.DataFrame, opened: pd.DataFrame, resolved: pd.DataFrame) -> pd.DataFrame:
    """HOLD exceptions that stop their casegroup once tonight is stored: casegroup_id and rule_code."""
    standing = held[(held["status"] != "RESOLVED") & ~held["exception_id"].isin(set(resolved["exception_id"]))]
    both = pd.concat([standing[["casegroup_id", "rule_code"]], opened[["casegroup_id", "rule_code"]]], ignore_index=True)
    return both[both["rule_code"].map(holds_casegroup).astype(bool)]


# --- outcomes and positions


def _casegroups(received: Frames, posted: Frames, still_open: pd.DataFrame, before: Frames, on: pd.Timestamp) -> pd.DataFrame:
    """The casegroups whose line changes tonight, whole."""
    groups = received["casegroups"]
    standing = before["standing"].set_index("casegroup_id")
    was_complete = groups["completed_on"].notna().to_numpy(bool)
    outcome = pd.Series(None, index=groups.index, dtype="str")
    reason = outcome.copy()
    codes = still_open.drop_duplicates().sort_values("rule_code").groupby("casegroup_id")["rule_code"].agg(",".join)
    excepted = groups["casegroup_id"].map(codes)
    completed = posted["completed"].set_index("casegroup_id")["reason"]
    done = groups["casegroup_id"].map(completed)
    for name, why in (
        (outcomes.TRANSITION_COMPLETE, done),
        (outcomes.EXCEPTION, excepted),
        (outcomes.HELD, groups["hold_reason"]),
        (outcomes.CLERICAL, groups["clerical_reason"]),
    ):
        here = why.notna().to_numpy(bool)
        outcome, reason = outcome.mask(here, name), reason.mask(here, why)
    applies = (groups["has_balance"] & groups["known"]).to_numpy(bool)
    outcome, reason = outcome.where(applies), reason.where(applies)
    sums = posted["positions"][["casegroup_id", *FIGURES]]
    line = pd.DataFrame({"casegroup_id": groups["casegroup_id"], "sensitive": groups["sensitive"], "outcome": outcome, "reason": reason})
    for name in FIGURES:
        line[name] = groups["casegroup_id"].map(_exact_sums(sums, name)).fillna(0).astype("int64")
    line["completed_on"] = pd.Series(on, index=groups.index).astype("datetime64[s]").where(outcome == outcomes.TRANSITION_COMPLETE)
    # TRANSITION_COMPLETE is final: only who may see it can still change.
    for name in ("outcome", "reason", *FIGURES, "completed_on"):
        if was_complete.any():
            line.loc[was_complete, name] = groups.loc[was_complete, "casegroup_id"].map(standing[name]).to_numpy()
    if (line["outcome"].isna() & applies).any():
        raise AssertionError("a casegroup with a balance came to no outcome")
    kept = applies | was_complete | line["sensitive"].to_numpy(bool) | line["casegroup_id"].isin(standing.index).to_numpy()
    line = line[kept].reset_index(drop=True)
    compared = ["sensitive", "outcome", "reason", *FIGURES, "completed_on"]
    old = standing.reindex(line["casegroup_id"]).reset_index()
    same = line["casegroup_id"].isin(standing.index).to_numpy(copy=True)
    for name in compared:
        one, other = line[name], old[name]
        same &= ((one == other) | (one.isna() & other.isna())).fillna(False).to_numpy(bool)
    return line[~same].reset_index(drop=True)


def _exact_sums(lines: pd.DataFrame, name: str) -> pd.Series:
    """casegroup -> exact sum in pence, int64 where no sum can overflow it."""
    amounts = lines[name]
    if len(amounts) and int(amounts.abs().max()) >= 2**55:
        return amounts.astype(object).groupby(lines["casegroup_id"]).agg(lambda part: fitted(sum(map(int, part)))).astype("int64")
    return amounts.groupby(lines["casegroup_id"]).sum()


def _changed_positions(
    positions: pd.DataFrame, groups: pd.DataFrame, held: pd.DataFrame, on: pd.Timestamp
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Positions to write, and the casegroups whose old ones they replace. Unchanged lines keep their dates."""
    moving = set(groups.loc[groups["completed_on"].isna(), "casegroup_id"])
    held = held[held["casegroup_id"].isin(moving)]
    dates = pd.DataFrame(index=positions.index)
    dates["business_date"] = pd.Series(on, index=positions.index).astype("datetime64[s]")
    dates["credited_on"] = dates["business_date"].where(positions["credit_pence"] != 0)
    positions = pd.concat([positions, dates], axis=1)
    if held.empty:
        return positions, pd.DataFrame({"casegroup_id": pd.Series(dtype="str")})
    both = positions.merge(held, on=POSITION_KEY, how="outer", suffixes=("", "_held"), indicator=True)
    matched = both["_merge"] == "both"
    same = matched.copy()
    for name in FIGURES:
        same &= both[name] == both[f"{name}_held"]
    credit_same = matched & (both["credit_pence"] == both["credit_pence_held"])
    both["business_date"] = both["business_date"].where(~same, both["business_date_held"])
    both["credited_on"] = both["credited_on"].where(~credit_same, both["credited_on_held"])
    changed = set(both.loc[~same, "casegroup_id"])
    keep = both[both["casegroup_id"].isin(changed) & (both["_merge"] != "right_only")]
    # Figures of a line that is on the left are whole numbers; the outer join had room for missing ones.
    keep = keep[[*POSITION_KEY, "business_date", "credited_on"]].merge(positions[[*POSITION_KEY, *FIGURES]], on=POSITION_KEY)
    replaced = pd.DataFrame({"casegroup_id": sorted(changed & set(held["casegroup_id"]))}).astype("str")
    return keep, replaced


# --- letters


def _letters(posted: Frames, set_up: Frames, on: pd.Timestamp) -> pd.DataFrame:
    """6301 to the paying parent, 6302 to each receiving parent of a required case, a 6314 with each (R15, B14, B18)."""
    dues, people = posted["dues"], set_up["people"]
    if dues.empty:
        return pd.DataFrame({name: pd.Series(dtype="Int64" if name == "total_pence" else "str") for name in _LETTER_COLUMNS})
    of_case = _exact_due_sums(dues, case_key(dues))
    of_group = _exact_due_sums(dues, dues["casegroup_id"])
    addressed = people[people["case_key"].isin(of_case.index)]
    payers = addressed[addressed["role"] == PAYING].drop_duplicates("casegroup_id")
    receivers = addressed[addressed["role"] == RECEIVING]
    main = pd.concat(
        [
            payers.assign(code=letter_codes.ARREARS_PAYING_PARENT, csa_system=None, csa_case_id=None,
                          total_pence=payers["casegroup_id"].map(of_group)),
            receivers.assign(code=letter_codes.ARREARS_RECEIVING_PARENT, total_pence=receivers["case_key"].map(of_case)),
        ],
        ignore_index=True,
    )  # fmt: skip
    main["total_pence"] = main["total_pence"].astype("Int64")
    main = main.rename(columns={"role": "recipient_role"})
    addressless = main["address_line_1"].isna() | ~main["place_known"]
    dead = main["date_of_death"].notna() | main["cis_death_recorded"]
    why = pd.Series(None, index=main.index, dtype="str")
    why = why.mask(dead, letter_codes.DECEASED).mask(main["dlo"], letter_codes.DLO).mask(addressless, letter_codes.NO_VALID_ADDRESS)
    main["reason"] = why
    main["status"] = _status(why)
    main["covers_letter_id"] = pd.Series(None, index=main.index, dtype="str")
    main["letter_id"] = _letter_id(main, on)
    covering = main[main["representative_name"].str.strip().fillna("") != ""].copy()
    no_address = covering["representative_address_line_1"].str.strip().fillna("") == ""
    covering["reason"] = covering["reason"].mask(no_address, letter_codes.NO_VALID_ADDRESS)
    covering["status"] = _status(covering["reason"])
    covering["covers_letter_id"] = covering["letter_id"]
    covering["recipient_role"] = "REPRESENTATIVE"
    covering["code"] = letter_codes.COVERING
    covering["total_pence"] = pd.Series(pd.NA, index=covering.index, dtype="Int64")
    covering["letter_id"] = _letter_id(covering, on)
    return pd.concat([main, covering], ignore_index=True)[_LETTER_COLUMNS]


def _status(reason: pd.Series) -> pd.Series:
    """B13: no address, not issued. B15, R16: DLO or deceased, suppressed and reported."""
    status = pd.Series(letter_codes.ISSUED, index=reason.index, dtype="str")
    status = status.mask(reason.notna(), letter_codes.SUPPRESSED)
    return status.mask(reason == letter_codes.NO_VALID_ADDRESS, letter_codes.NOT_ISSUED)


def _letter_id(rows: pd.DataFrame, on: pd.Timestamp) -> pd.Series:
    parts = [rows[name].fillna("") for name in ("code", "casegroup_id", "csa_system", "csa_case_id", "party_id")]
    text = parts[0]
    for part in parts[1:]:
        text = text + "-" + part
    return text + "-" + on.date().isoformat()


def _exact_due_sums(dues: pd.DataFrame, by: pd.Series) -> pd.Series:
    """Each bucket passed the gate, so no sum of a casegroup's dues is near int64's limit."""
    return dues["posted_pence"].groupby(by.to_numpy()).sum()


# --- work items


def _no_items() -> pd.DataFrame:
    frame = pd.DataFrame({name: pd.Series(dtype="str") for name in _ITEM_COLUMNS})
    frame["sensitive"] = frame["sensitive"].astype(bool)
    return frame


def _items(rows: pd.DataFrame, on: pd.Timestamp, **columns: object) -> pd.DataFrame:
    """Work items from rows with casegroup_id, csa_system, csa_case_id; the natural key is made here."""
    items = rows.assign(**columns)  # type: ignore[arg-type]
    for name in ("subject_reference", "route", "detail"):
        if name not in items:
            items[name] = pd.Series(None, index=items.index, dtype="str")
    if "sensitive" not in items:
        items["sensitive"] = False
    key = items["type"].astype("str")
    for name in ("casegroup_id", "csa_system", "csa_case_id", "subject_reference"):
        key = key + "-" + items[name].fillna("")
    items["work_item_id"] = key + "-" + on.date().isoformat()
    return items[_ITEM_COLUMNS].reset_index(drop=True)


def _exception_items(opened: pd.DataFrame, seen: pd.DataFrame, received: Frames, on: pd.Timestamp) -> pd.DataFrame:
    """One item for each HOLD exception opened; for a changed balance, one for each changed arrival (R20, B55)."""
    kinds = opened["rule_code"].map(lambda code: RULES[code].work_item).astype("str") if len(opened) else pd.Series(dtype="str")
    rows = opened[kinds.notna().to_numpy()]
    items = [
        _items(rows, on, type=kinds[kinds.notna()].to_numpy(), subject_reference=rows["exception_id"], detail=rows["message"])
    ]
    balances = received["balances"]
    arrived = set(balances.loc[balances["arrived_on"] == on, "case_key"])
    again = seen[(seen["rule_code"] == "balance_changed_after_completion") & case_key(seen).isin(arrived)]
    if len(again):
        rule = RULES["balance_changed_after_completion"]
        items.append(
            _items(again, on, type=rule.work_item, subject_reference=again["exception_id"], detail=f"{rule.says} {rule.do}")
        )
    return pd.concat(items, ignore_index=True)


def _set_up_items(set_up: Frames, before: Frames, on: pd.Timestamp) -> pd.DataFrame:
    """The arrears-only case that was set up is presented to a caseworker (B43)."""
    created = set_up["cms_cases"]
    created = created[created["origin"] == "ARREARS_ONLY"]
    created = _routed(created.assign(rule_code=""), before["routes"])
    return _items(
        created, on, type="ARREARS_ONLY_CASE_SET_UP", subject_reference=None,
        detail="An arrears-only case was set up on CMS for this CSA case. Check it and tell the parents.",
    )  # fmt: skip


def _write_off_items(posted: Frames, set_up: Frames, before: Frames, on: pd.Timestamp) -> pd.DataFrame:
    """The receiving parent had asked for write-off and is still owed more than they chose to keep (B45, R14)."""
    dues = posted["dues"]
    to_receiver = dues[dues["creditor"] == "RP"]
    owed = _exact_due_sums(to_receiver, case_key(to_receiver))
    cases = set_up["required"]
    if cases.empty:
        return _no_items()
    cases = cases.assign(owed=cases["case_key"].map(owed).fillna(0).astype("int64"))
    asked_all = (cases["rp_arrears_decision"] == "WRITE_OFF") & (cases["owed"] > 0)
    asked_part = (cases["rp_arrears_decision"] == "PART_WRITE_OFF") & (cases["owed"] > cases["rp_keep_pence"])
    fires = _routed(cases[asked_all | asked_part].assign(rule_code=""), before["routes"])
    return _items(
        fires, on, type="CONFIRM_WRITE_OFF", subject_reference=None,
        detail="The receiving parent asked for write-off but is still owed arrears. Investigate, confirm with them, "
        "and send CMSL6300 with its dates.",
    )  # fmt: skip


def _clerical_items(received: Frames, before: Frames, on: pd.Timestamp) -> pd.DataFrame:
    """Each case of a clerical casegroup that owes something: add its arrears by hand, or apply for a case (B72)."""
    groups = received["casegroups"]
    clerical = groups[groups["clerical_reason"].notna() & groups["completed_on"].isna()]
    columns = ["casegroup_id", "csa_system", "csa_case_id", "case_key", "positive"]
    reported = received["clerical_balances"]
    rows = pd.concat([received["balances"][columns], reported[columns]], ignore_index=True)
    rows = rows[rows["positive"].astype(bool) & rows["casegroup_id"].isin(set(clerical["casegroup_id"]))]
    rows = rows[rows["csa_case_id"].notna()].drop_duplicates(["casegroup_id", "case_key"])
    rows = rows[~rows["case_key"].isin(set(before["clerical_items"]["case_key"]))]
    on_cms = rows["case_key"].isin(set(before["on_cms"]["case_key"]))
    kind = np.where(on_cms, "ADD_CORRECT_ARREARS", "ARREARS_ONLY_APPLICATION")
    says = np.where(on_cms, "Add the clerical balance to the case on CMS.", "Apply for an arrears-only case for the clerical balance.")
    rows = _routed(rows.assign(rule_code=""), before["routes"])
    sensitive = rows["casegroup_id"].isin(set(groups.loc[groups["sensitive"], "casegroup_id"]))
    return _items(rows, on, type=kind, subject_reference=None, detail=says, sensitive=sensitive)


# --- next actions


def _next_actions(posted: Frames, set_up: Frames, on: pd.Timestamp) -> pd.DataFrame:
    """For each case with dues, the first row of the decision table that fits it (B46, B47)."""
    dues = posted["dues"]
    keys = case_key(dues)
    cases = set_up["required"]
    cases = cases[cases["case_key"].isin(set(keys))].reset_index(drop=True)
    owed_to_receiver = set(keys[dues["creditor"] == "RP"])
    collectable = set(keys[dues["arrears_status"] == "ACTIVE"])
    action = pd.Series(None, index=cases.index, dtype="str")
    reason = action.copy()
    to_receiver = cases["case_key"].isin(owed_to_receiver)
    active = cases["case_key"].isin(collectable)
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
        action, reason = action.mask(fits, row.action), reason.mask(fits, f"{row.number}: {row.says}")
    return pd.DataFrame(
        {
            "csa_system": cases["csa_system"], "csa_case_id": cases["csa_case_id"], "casegroup_id": cases["casegroup_id"],
            "business_date": pd.Series(on, index=cases.index).astype("datetime64[s]"), "action": action, "reason": reason,
        }
    )  # fmt: skip
